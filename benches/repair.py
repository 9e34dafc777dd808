#!/usr/bin/env python3
"""From the event to the verified repair, and what a look at 500 things costs, against moto.

benches/run.sh repair [--stops N] [--rounds N] [--trails N] [--only PART] builds the programs, starts a moto of its own and ends it.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import boto3
from daemon import Site
from guard_peer import Guard
from report import Report, median, percentile, program

REGIONS = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-south-1"]
HOME = REGIONS[0]
ENDPOINT = os.environ["STOCKADE_TEST_MOTO"]
QUEUE = "bench-events"
# What a daemon says that may repair as often as it is asked.
SETTINGS = f"""
[events]
queue = "{QUEUE}"
[aws]
region = "{HOME}"
endpoint = "{ENDPOINT}"
[repair]
mode = "act"
trial = "0s"
every = "1d"
regions = ["{HOME}"]
max_per_thing = 1000
max_per_account = 1000
max_percent = 100
[responders.dry]
kind = "dry-run"
"""


def client(service, region=HOME):
    return boto3.client(service, region_name=region, endpoint_url=ENDPOINT)


def reset():
    """An account as if it were new."""
    subprocess.run([sys.executable, "-c", f"import urllib.request as u; u.urlopen(u.Request('{ENDPOINT}/moto-api/reset', method='POST'))"], check=True)


def bucket():
    s3 = client("s3")
    s3.create_bucket(Bucket="bench-logs", CreateBucketConfiguration={"LocationConstraint": HOME})


def trails(region, count):
    """So many trails that log."""
    cloudtrail = client("cloudtrail", region)
    names = [f"bench-{region}-{n:03}" for n in range(count)]
    for name in names:
        tags = [{"Key": "team", "Value": "bench"}]
        cloudtrail.create_trail(Name=name, S3BucketName="bench-logs", TagsList=tags)
        cloudtrail.start_logging(Name=name)
    return names


def processor(pid):
    """Seconds that a process has run."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def moto():
    return int(pathlib.Path(os.environ["STOCKADE_EMULATORS"], "moto.pid").read_text())


def event(trail, nth):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    key = f"bench-{os.getpid()}-{nth}"
    return {
        "version": "0", "id": key, "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
        "account": "123456789012", "time": now, "region": HOME, "resources": [],
        "detail": {
            "eventVersion": "1.11", "eventID": key, "eventTime": now, "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "StopLogging", "awsRegion": HOME, "recipientAccountId": "123456789012",
            "sourceIPAddress": "192.0.2.44", "requestParameters": {"name": trail}, "responseElements": None,
            "eventType": "AwsApiCall",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/mallory"},
        },
    }


class Guarded(Site):
    """A daemon that repairs what its queue tells."""

    def __init__(self):
        super().__init__("")
        places = f'store = "{self.store}"\nsocket = "{self.socket}"\n'
        (self.path / "etc/stockade.toml").write_text(places + SETTINGS)

    def start(self):
        command = [program("stockade"), "-c", self.path / "etc", "run"]
        self.said = []
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._listen, args=(self.child.stderr, self.said), daemon=True).start()

    def record(self):
        command = [program("stockade"), "-c", self.path / "etc", "repair", "export"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [json.loads(line)["entry"] for line in lines]


def at(text):
    """Seconds of a time as the record has it: written out, or in milliseconds."""
    if isinstance(text, int):
        return text / 1e3
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def by_queue(names, stops, nth):
    """Milliseconds of each stage, by the record's own times: the daemon fed by SQS."""
    sqs, cloudtrail = client("sqs"), client("cloudtrail")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    with Guarded() as site:
        site.start()
        site.wait_said("reading", 60)
        time.sleep(3)  # the first look at everything
        sent = {}
        for n in range(stops):
            told = event(names[n % len(names)], nth * 100_000 + n)
            cloudtrail.stop_logging(Name=told["detail"]["requestParameters"]["name"])
            stamp = time.time()
            told["time"] = told["detail"]["eventTime"] = (
                datetime.datetime.fromtimestamp(stamp, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            )
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(told))
            sent[told["detail"]["eventID"]] = stamp
            before = len([1 for _, line in site.said if "repaired and verified" in line])
            end = time.time() + 60
            while len([1 for _, line in site.said if "repaired and verified" in line]) == before:
                if time.time() > end or site.child.poll() is not None:
                    raise SystemExit("not repaired:\n" + "".join(line for _, line in site.said[-20:]))
                time.sleep(0.005)
        entries = site.record()
        cpu, peak = site.stop()
    rows, began = [], {}
    for entry in entries:
        if entry["kind"] == "began" and entry.get("body", entry).get("event_identity") in sent:
            began[entry["id"]] = entry
        if entry["kind"] == "repair" and entry["id"] in began:
            body = entry.get("body", entry)
            start = sent[body["event_identity"]]
            first, done, seen = at(began[entry["id"]]["at"]), at(body["calls"][-1]["at"]), at(entry["at"])
            rows.append({
                "found": (first - start) * 1e3, "repair": (done - first) * 1e3, "verify": (seen - done) * 1e3,
                "logs": (done - start) * 1e3, "whole": (seen - start) * 1e3,
            })
    if len(rows) != stops:
        raise SystemExit(f"{len(rows)} repairs of {stops} stops are in the record")
    return rows, cpu, peak


def alone(names, stops):
    """The engine alone, called in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program("examples/engine_bench"), "latency", ENDPOINT, folder, names[0], str(stops)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def peer(names, stops):
    """The guard in Python, called in this process."""
    cloudtrail, guard, rows = client("cloudtrail"), Guard(client("cloudtrail")), []
    config = {"source": "aws.config", "detail": {"configRuleName": "cloudtrail-enabled"}}
    for _ in range(stops):
        cloudtrail.stop_logging(Name=names[0])
        began = time.perf_counter()
        answer = guard.handle(config)
        rows.append({"logs": (time.perf_counter() - began) * 1e3})
        if answer["statusCode"] != 200 or not cloudtrail.get_trail_status(Name=names[0])["IsLogging"]:
            raise SystemExit(f"the guard failed: {answer}")
    return rows


def spread(rows, field):
    values = [row[field] for row in rows]
    return [f"{value:.1f}" for value in (median(values), percentile(values, 99), max(values))]


def latencies(report, options):
    reset()
    bucket()
    names = trails(HOME, 5)
    queue, engine, guard, cpus, peaks = [], [], [], [], []
    stops = -(-options.stops // options.rounds)
    for nth in range(options.rounds):
        rows, cpu, peak = by_queue(names, stops, nth)
        queue += rows
        cpus.append(cpu)
        peaks.append(peak)
        engine += alone(names, -(-stops // 4))
        guard += peer(names, stops)
    report.say("## From the event to the verified repair\n")
    report.say(
        f"Five trails that log. One is stopped, and at once its event is sent; the next when that one is repaired.\n"
        f"{options.rounds} rounds of {stops} stops each, the three in turn; the engine alone a quarter as many ({len(engine)}). *Logs again* is when the answer to StartLogging is there; *verified*\n"
        f"when a look afterwards found it good, and that look waits for 1 s on purpose: AWS shows a change after a while.\n"
    )
    rows = []
    for label, field in [
        ("daemon: from the message to the repair's first line in the record (queue, rules, store, check)", "found"),
        ("daemon: repair", "repair"),
        ("daemon: verify, 1 s of it waited", "verify"),
        ("**daemon fed by SQS: logs again**", "logs"),
        ("**daemon fed by SQS: verified**", "whole"),
    ]:
        rows.append([label, *spread(queue, field)])
    for label, field in [
        ("engine alone: check", "check"),
        ("engine alone: repair", "repair"),
        ("engine alone: verify, without the wait", "verify"),
        ("engine alone: of all that, what is kept (SQLite, each write safe against a power cut)", "kept"),
        ("engine alone: of all that, its own work", "own"),
        ("**engine alone: logs again**", "logs"),
        ("**engine alone: verified**", "whole"),
    ]:
        rows.append([label, *spread(engine, field)])
    rows.append(["**guard in Python, warm, in-process: logs again** (it never verifies)", *spread(guard, "logs")])
    report.table([f"{len(queue)} stops, milliseconds", "p50", "p99", "max"], rows)
    wait = [a - median([row["check"] for row in engine]) for a in (row["found"] for row in queue)]
    report.say(f"So of the daemon's time until the record's first line about {median(wait):.0f} ms (median) are queue, rules and store.")
    report.say(
        f"The daemon took {median(cpus):.2f} s of processor time for a round with all it does beside, and {max(peaks):.0f} MiB at most.\n"
    )
    report.say(
        "The guard in Python is `lib/guard_peer.py`: what the original does, in our own words: list, ask each, start what is off.\n"
        "It keeps no record, knows no limits, exemptions or last good state, and looks at one region. Its event takes 1 to 24 h to\n"
        "come, because AWS Config looks periodically; that time, EventBridge's and a cold start are in nobody's figures here.\n"
    )


def reconciles(report, options):
    reset()
    bucket()
    each = options.trails // len(REGIONS)
    for region in REGIONS:
        trails(region, each)
    events, sqs = client("events"), client("sqs")
    for n in range(25):
        events.put_rule(Name=f"stockade-bench-{n}", EventPattern='{"source": ["aws.cloudtrail"]}')
        url = sqs.create_queue(QueueName=f"stockade-bench-{n}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_targets(Rule=f"stockade-bench-{n}", Targets=[{"Id": "1", "Arn": arn}])
    things = each * len(REGIONS) + 50
    firsts, steadies, motos = [], [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            before = processor(moto())
            command = [program("examples/engine_bench"), "reconcile", ENDPOINT, folder, ",".join(REGIONS), "3"]
            lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            runs = [json.loads(line) for line in lines]
            motos.append((processor(moto()) - before) / len(runs))
            firsts.append(runs[0])
            steadies += runs[1:]
    wrong = [run for run in firsts + steadies if run["bad"] or run["troubles"]]
    if wrong:
        raise SystemExit(f"not everything was good: {wrong[0]}")
    whole = []
    for _ in range(options.rounds):
        whole.append(binary())
    report.say(f"## A look at {things} things\n")
    report.say(
        f"{each} trails in each of {len(REGIONS)} regions, and 25 rules and 25 queues of our own; all of them good. *First* knows no last good\n"
        f"states and takes them; *steady* is each look after it, on the same shelf in SQLite. {options.rounds} processes of one first and two steady\n"
        f"looks; medians.\n"
    )

    def middle(runs, field):
        return median([run[field] for run in runs])

    rows = []
    for label, runs in [("first", firsts), ("steady", steadies)]:
        calls = sum(runs[0]["calls"].values())
        rows.append([
            label, f"{middle(runs, 'wall_ms') / 1e3:.2f}", f"{middle(runs, 'calls_ms') / 1e3:.2f}", f"{middle(runs, 'kept_ms') / 1e3:.2f}", f"{middle(runs, 'cpu_ms') / 1e3:.2f}",
            f"{middle(runs, 'rss_mib'):.1f}", f"{middle(runs, 'peak_mib'):.1f}", calls, f"{calls / things:.2f}",
            f"{middle(runs, 'answered_bytes') / 1e6:.2f}",
        ])
    report.table(
        ["look", "wall s", "of it in calls s", "in SQLite s", "our processor s", "RSS MiB after", "peak MiB", "calls", "calls a thing", "answers MB"], rows
    )
    report.say(f"moto itself took {median(motos):.2f} s of processor time for each look: the wall is the emulator's.\n")
    first, steady = firsts[0]["calls"], steadies[0]["calls"]
    names = sorted(set(first) | set(steady))
    report.table(["calls", "first", "steady"], [[name, first.get(name, 0), steady.get(name, 0)] for name in names])
    seconds, cpu, peak = (median([run[n] for run in whole]) for n in range(3))
    report.say(
        f"The same by the whole program, `stockade repair run --mode plan`, a new process with a new shelf: {seconds:.2f} s, {cpu:.2f} s of\n"
        f"processor time, peak {peak:.1f} MiB.\n"
    )


def binary():
    """Wall, processor time and peak memory of one look by the program."""
    with tempfile.TemporaryDirectory() as folder:
        regions = json.dumps(REGIONS)
        places = f'store = "{folder}/stockade.db"\n[aws]\nregion = "{HOME}"\nendpoint = "{ENDPOINT}"\n[repair]\nmode = "act"\n'
        pathlib.Path(folder, "stockade.toml").write_text(places + f"regions = {regions}\n")
        command = [program("stockade"), "-c", folder, "repair", "run", "--mode", "plan"]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"`stockade repair run` ended with {os.waitstatus_to_exitcode(status)}")
        return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stops", type=int, default=210)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trails", type=int, default=500)
    parser.add_argument("--only", choices=["latency", "reconcile"])
    options = parser.parse_args()
    report = Report("repair", "Repairs: latency, and a look at everything")
    report.say(
        "Against moto, a Python program on the same machine that answers a call in one to several milliseconds; AWS takes 20 to 100. So\n"
        "walls are the emulator's and say little; our own processor time, the calls and the memory are ours.\n"
    )
    if options.only != "reconcile":
        latencies(report, options)
    if options.only != "latency":
        reconciles(report, options)
    report.write()


if __name__ == "__main__":
    main()
