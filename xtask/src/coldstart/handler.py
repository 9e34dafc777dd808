# The Python side of the comparison: imports boto3, makes the two clients that such a function has, asks for work.
import http.client
import os

import boto3

dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")

connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
connection.request("GET", "/2018-06-01/runtime/invocation/next")
connection.getresponse()
