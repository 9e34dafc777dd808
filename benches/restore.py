#!/usr/bin/env python3
"""From the start of the daemon until the kernel holds every ban that the database remembers."""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, median, program, raw
from daemon import Site

BANS = 100_000
ROUNDS = 9
ASKED = 0.25


def elements():
    listed = subprocess.run(["nft", "list", "set", "inet", "stockade", "addr4-sshd"], capture_output=True, text=True)
    return listed.stdout.count(" timeout ")


def main():
    report = Report("restore", f"{BANS:,} bans restored")
    with Site() as site:
        full = site.path / "full.db"
        subprocess.run([program("examples/fill_store"), full, str(BANS)], check=True)
        rows = []
        for _ in range(ROUNDS):
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            for leftover in site.path.glob("stockade.db*"):
                leftover.unlink()
            shutil.copy(full, site.store)
            started = site.start()
            running, _ = site.wait_said(" running ")
            done, line = site.wait_said("reconciled")
            added = int(re.search(r"added=(\d+)", line).group(1))
            cpu, peak = site.stop()
            rows.append((done - started, running - started, cpu, peak, added))
        held = elements()
    if held != BANS or any(row[4] != BANS for row in rows):
        raise SystemExit(f"not all bans are there: the kernel holds {held}, added {[row[4] for row in rows]}")
    walls = [row[0] for row in rows]
    report.say(
        f"Each round: an empty ruleset, a copy of the same database, the daemon as a process. The clock runs from the\n"
        f"start of the process until it says `reconciled`, which it does when it has read every ban back from the\n"
        f"kernel. Afterwards `nft` counted {held:,} elements. Median of {ROUNDS} rounds; asked for: at most {ASKED} s.\n"
    )
    report.table(
        ["", "median", "best", "worst"],
        [
            ["all bans in the kernel", *(f"{f(walls):.3f} s" for f in (median, min, max))],
            ["of it: database opened and read, filters compiled", *(f"{f([r[1] for r in rows]):.3f} s" for f in (median, min, max))],
            ["processor time until stopped, all threads", *(f"{f([r[2] for r in rows]):.2f} s" for f in (median, min, max))],
            ["peak memory", *(f"{f([r[3] for r in rows]):.0f} MiB" for f in (median, min, max))],
        ],
    )
    report.say(f"Raw, in ms: {raw(walls, digits=0)}.\n")
    report.write()


main()
