#!/usr/bin/env python3
"""Bytes per address that a jail watches."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, program

ASKED = 100
ADDRESSES = 1_000_000
# Family, times that each address was seen, maxretry.
CASES = [("v4", 1, 5), ("v4", 2, 5), ("v4", 4, 5), ("v6", 1, 5), ("v6", 4, 5), ("v4", 5, 6), ("v4", 9, 10)]


def main():
    report = Report("memory", "Bytes per tracked address")
    rows = []
    for family, times, maxretry in CASES:
        command = [program("examples/tracked_memory"), str(ADDRESSES), family, str(times), str(maxretry)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        rows.append([f"IP{family}, seen {times} times, `maxretry` {maxretry}", *said])
    report.say(
        f"The windows of one jail with {ADDRESSES:,} addresses, as the daemon keeps them. `held`: bytes asked of the\n"
        f"allocator and not given back; `peak`: the most of them at any time, which is while a table grows; `resident`:\n"
        f"by how much the process grew. All per address; asked for: at most {ASKED}. At most `maxretry` - 1 times are\n"
        f"kept for an address: with one more it is banned.\n"
    )
    report.table(["bytes per address", "held", "peak", "resident"], rows)
    report.write()


main()
