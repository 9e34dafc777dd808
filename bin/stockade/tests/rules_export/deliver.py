"""Makes rules in an emulator, sends events, and prints which of them reached the queue.

Standard input: {"queue": NAME, "calls": [{"PutRule": ..., "PutTargets": ...}], "events": [{"Source": ..., ...}]}.
Each event's detail has a number in `stockadeTest`. "ARN" stands for the queue's in PutTargets.
"""

import json
import sys
import time

import boto3

asked = json.load(sys.stdin)
where = {"endpoint_url": sys.argv[1], "region_name": "eu-central-1"}
sqs = boto3.client("sqs", **where)
events = boto3.client("events", **where)

url = sqs.create_queue(QueueName=asked["queue"])["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
for calls in asked["calls"]:
    events.put_rule(**calls["PutRule"])
    targets = json.loads(json.dumps(calls["PutTargets"]).replace('"ARN"', json.dumps(arn)))
    answer = events.put_targets(**targets)
    assert answer["FailedEntryCount"] == 0, answer
for entry in asked["events"]:
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer

arrived, empty = [], 0
while empty < 3:
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    empty = 0 if messages else empty + 1
    for message in messages:
        arrived.append(json.loads(message["Body"])["detail"]["stockadeTest"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
for calls in asked["calls"]:
    rule, ids = calls["PutRule"]["Name"], [target["Id"] for target in calls["PutTargets"]["Targets"]]
    events.remove_targets(Rule=rule, Ids=ids)
    events.delete_rule(Name=rule)
sqs.delete_queue(QueueUrl=url)
print(json.dumps(arrived))
