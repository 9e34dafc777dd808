"""The CloudTrail guard that Stockade takes the place of, as its description says, in our own words: a peer to measure beside.

It is no copy of anybody's code. It lists the trails, asks each for its status, starts what does not log, goes on past a trail
that fails, and answers as a Lambda function behind AWS Config does.
"""

from botocore.exceptions import ClientError


class Guard:
    def __init__(self, cloudtrail):
        self.cloudtrail = cloudtrail

    def handle(self, _event):
        found = self.cloudtrail.describe_trails()["trailList"]
        if not found:
            return {"statusCode": 404, "body": "there is no trail"}
        said, failed = [], False
        for trail in found:
            arn = trail["TrailARN"]
            try:
                if self.cloudtrail.get_trail_status(Name=arn)["IsLogging"]:
                    said.append(f"{arn} logs")
                    continue
                self.cloudtrail.start_logging(Name=arn)
                said.append(f"{arn} was started")
            except ClientError as error:
                failed = True
                said.append(f"{arn} failed: {error}")
        return {"statusCode": 500 if failed else 200, "body": "; ".join(said)}
