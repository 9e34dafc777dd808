"""Events through patterns: see benches/README.md. `events.py [EVENTS [ROUNDS]]`"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib.report import Report, program  # noqa: E402


def main():
    count = sys.argv[1] if len(sys.argv) > 1 else "200000"
    rounds = sys.argv[2] if len(sys.argv) > 2 else "5"
    generator = pathlib.Path(os.environ["STOCKADE_SHARED"]) / "bench" / "gen_events.py"
    if not generator.exists():
        print("skipped: no shared data: set STOCKADE_SHARED to the folder that holds bench/gen_events.py", file=sys.stderr)
        return
    report = Report("events", "Events through patterns")
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([sys.executable, str(generator), count, folder], capture_output=True, text=True, check=True)
        events, patterns = f"{folder}/events.jsonl", f"{folder}/patterns.jsonl"
        report.say("Events: " + made.stdout.split(";")[0] + ".")
        told = subprocess.run([program("stockade-bench-events"), events, patterns, rounds],
                              capture_output=True, text=True, check=True).stdout.splitlines()
    report.say(f"One thread, all in one process and in turn; the time that the thread ran; best of {rounds} rounds. The sets of")
    report.say("2,000 and more are the 200 patterns again, each time with other names, accounts, networks and numbers.")
    report.say("Files are the same events as CloudTrail delivers them, gzip of 40 records each, unpacked into memory that is used")
    report.say("again; their patterns say of the record what the others say of the envelope (`source` is `eventSource`).\n")
    lines = [line.split("\t") for line in told]
    report.table(
        ["", "events/s", "MB/s", "worst/best", "matches"],
        [[name, f"{int(rate):,}", f"{int(size) / 1e6:,.0f}", spread, f"{int(found):,}"]
         for name, rate, size, spread, found in (line for line in lines if line[0] != "compiled")],
    )
    for _, number, seconds in (line for line in lines if line[0] == "compiled"):
        report.say(f"Reading and compiling {int(number):,} patterns: {seconds} s.")
    report.say()
    report.write()


main()
