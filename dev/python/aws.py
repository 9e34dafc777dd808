"""The few commands of AWS's own command line that examples/guard-story types: aws SERVICE OPERATION --OPTION VALUE …

Options become parameters by their names alone, which holds for what is typed there. What is answered is printed where
--query names a part of it.
"""
import sys

import boto3


def parameter(option):
    # `--s3-bucket-name` is S3BucketName.
    return "".join(word.capitalize() for word in option.removeprefix("--").split("-"))


service, operation, *rest = sys.argv[1:]
parameters = {parameter(option): text for option, text in zip(rest[::2], rest[1::2])}
query = parameters.pop("Query", "")
answer = getattr(boto3.client(service), operation.replace("-", "_"))(**parameters)
for part in filter(None, query.split(".")):
    answer = answer[part]
if query:
    print(answer)
