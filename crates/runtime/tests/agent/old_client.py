"""Does what a host does that has not moved yet: queue, policy, subscription, long poll; prints what it would run.

usage: old_client.py ENDPOINT TOPIC_ARN HOST JAIL ADDRESSES
"""
import json
import sys
import uuid

import boto3

endpoint, topic, host, jail, wanted = sys.argv[1:]
options = dict(
    endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
)
sqs, sns = boto3.client("sqs", **options), boto3.client("sns", **options)

name = "F2B-Client-%s" % uuid.uuid5(uuid.UUID("fde6e282-3b5f-4044-9167-d96002397a27"), host)
url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "3600"})["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SQS:SendMessage", "Resource": arn}
allow["Condition"] = {"ArnEquals": {"aws:SourceArn": topic}}
policy = {"Version": "2012-10-17", "Id": arn + "/SQSDefaultPolicy", "Statement": [allow]}
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
sns.set_subscription_attributes(
    SubscriptionArn=subscription["SubscriptionArn"],
    AttributeName="FilterPolicy",
    AttributeValue=json.dumps({"jail": [jail]}),
)

seen = 0
while seen < int(wanted):
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    for message in answer.get("Messages", []):
        for name, addresses in json.loads(json.loads(message["Body"])["Message"]).items():
            for address in addresses:
                print("set", name, "banip", address)
                seen += 1
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
