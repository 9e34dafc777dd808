#!/usr/bin/env python3
"""Cold starts of the packaged Lambda functions, beside a Python handler that imports boto3.

benches/run.sh coldstart [--starts N] makes the package first, against glibc 2.34, with the profile `lambda`.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, median, said

ROLES = ["cloudwatch_filter_and_jail", "cloudwatch_filter", "dynamodb_jail", "expire"]
# What the template tells the functions.
VARIABLES = [
    "STOCKADE_AWS_TABLE=Stockade",
    "STOCKADE_AWS_TOPIC=arn:aws:sns:eu-central-1:000000000000:F2B",
    "STOCKADE_AWS_SNAPSHOT=s3://snapshots/live.gz",
]


def xtask(*arguments):
    command = ["cargo", "xtask", *arguments, "--json"]
    root = pathlib.Path(__file__).resolve().parent.parent
    return json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout)


def spread(numbers):
    return [f"{numbers[0]:.1f}", f"{median(numbers):.1f}", f"{numbers[-1]:.1f}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=20)
    starts = str(parser.parse_args().starts)
    python = os.environ["STOCKADE_BENCH_PYTHON"]
    with tempfile.TemporaryDirectory() as folder:
        zips = xtask("package", "lambda", "--to", f"{folder}/zips")
        task = pathlib.Path(folder) / "task"
        zipfile.ZipFile(f"{folder}/zips/stockade-complete.zip").extractall(task)
        bootstrap = task / "bootstrap"
        bootstrap.chmod(0o755)
        report = Report("coldstart", "Cold starts in Lambda")
        report.say("Time from the start of the process until it asks for its first event, and its peak memory by then, against")
        report.say("a Runtime API on loopback. The sandbox that Lambda makes around a process is in neither side's figures.\n")
        rows = []
        for role in ROLES:
            environment = [word for variable in VARIABLES for word in ("--env", variable)]
            last = ["--python", python] if role == ROLES[-1] else []
            for series in xtask("coldstart", str(bootstrap), "--handler", role, "--starts", starts, *environment, *last):
                name = series["what"] if series["what"] in ROLES else f"{said(python, '--version')} with boto3, two clients"
                rows.append([name, *spread(series["init_ms"]), *spread(series["memory_mb"])])
        report.table([f"{starts} starts of", "init ms, least", "median", "most", "peak MB, least", "median", "most"], rows)
        report.say(f"\nThe program: {bootstrap.stat().st_size / 1e6:.2f} MB. The zips:\n")
        report.table(["zip", "MB", "for"], [[made["name"], f"{made['bytes'] / 1e6:.2f}", made["what"]] for made in zips])
        report.write()


if __name__ == "__main__":
    main()
