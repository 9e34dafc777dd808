"""What Cloud-Fail2Ban does with its table, told in our own words and calls: the other side of the shared table.

    write ENDPOINT TABLE < [[host, filter, event ms, log stream, event id], ...]
    count ENDPOINT TABLE HOST NOW FILTER...     how many matches of a host its jails count at a time
    dump ENDPOINT TABLE                         all items, as DynamoDB's own JSON
    golden < [[...]]                            the items that `write` writes, without a table
"""
import json
import sys
import uuid

FILTERS = uuid.UUID("c1a820c0-5a1e-4d99-8234-1bdf71aec514")
KEPT = 86400
WINDOW = 3600


def item(host, filter_name, event_ms, stream, event_id):
    timestamp = int(event_ms / 1000)
    return {
        "Host": host,
        "MatchID": str(uuid.uuid5(uuid.uuid5(FILTERS, filter_name), event_id)),
        "Filter": filter_name,
        "Timestamp": timestamp,
        "TTL": timestamp + KEPT,
        "Source": stream,
        "EventID": event_id,
    }


def typed(value):
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def golden():
    items = [{name: typed(value) for name, value in item(*match).items()} for match in json.load(sys.stdin)]
    print(json.dumps(items, indent=2, sort_keys=True))


def resource(endpoint):
    import boto3
    return boto3.resource("dynamodb", endpoint_url=endpoint, region_name="eu-central-1",
                          aws_access_key_id="test", aws_secret_access_key="test")


def write(endpoint, table):
    table = resource(endpoint).Table(table)
    for match in json.load(sys.stdin):
        table.put_item(Item=item(*match))


def count(endpoint, table, host, now, *filters):
    from boto3.dynamodb.conditions import Attr, Key
    found = resource(endpoint).Table(table).query(
        KeyConditionExpression=Key("Host").eq(host),
        FilterExpression=Attr("Filter").is_in(list(filters)) & Attr("Timestamp").gt(int(now) - WINDOW),
    )
    print(found["Count"])


def dump(endpoint, table):
    items = resource(endpoint).meta.client.scan(TableName=table)["Items"]
    plain = [{name: value if isinstance(value, str) else int(value) for name, value in one.items()} for one in items]
    plain.sort(key=lambda one: (one["Host"], one["MatchID"]))
    print(json.dumps([{name: typed(value) for name, value in one.items()} for one in plain]))


if __name__ == "__main__":
    {"write": write, "count": count, "dump": dump, "golden": golden}[sys.argv[1]](*sys.argv[2:])
