#!/usr/bin/env python3
"""A log that grows by 100,000 lines a second and is rotated meanwhile: what following it takes, and whether a line is lost."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, raw
from daemon import Site

ASKED_PERCENT = 50
TICKS_PER_SECOND = 100
JAILS = """[sshd]
enabled = true
backend = files
logpath = {at}/auth.log
port = all
"""


def messages(lines):
    """What the lines of a log say behind their dates."""
    generator = pathlib.Path(os.environ["STOCKADE_SHARED"]) / "bench/gen_authlog.py"
    if not generator.exists():
        raise SystemExit(f"skipped: no generator of logs: `{generator}` is missing; name its folder with STOCKADE_SHARED")
    with tempfile.TemporaryDirectory(prefix="stockade-bench-") as folder:
        log = pathlib.Path(folder) / "auth.log"
        subprocess.run([sys.executable, generator, str(lines), log], check=True, stdout=subprocess.DEVNULL)
        return [line[len("Nov 20 21:20:01") :] for line in log.read_bytes().splitlines(keepends=True)]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write(site, told, rate, seconds, rotate_every):
    """Writes at this rate. Returns how many lines, how many rotations, and how late the slowest tick was."""
    log = open(site.log, "ab", buffering=0)
    per_tick = rate // TICKS_PER_SECOND
    written = rotations = 0
    late = 0.0
    began = time.perf_counter()
    for tick in range(seconds * TICKS_PER_SECOND):
        due = began + tick / TICKS_PER_SECOND
        left = due - time.perf_counter()
        if left > 0:
            time.sleep(left)
        late = max(late, -left)
        if tick and tick % (rotate_every * TICKS_PER_SECOND) == 0:
            rotations += 1
            site.log.rename(site.log.with_name(f"auth.log.{rotations}"))
            # As many services do, this one goes on writing to the old file for a moment.
            old, log = log, open(site.log, "ab", buffering=0)
            old.write(told[0].join([time.strftime("%b %e %H:%M:%S").encode(), b""]))
            written += 1
            old.close()
        at = tick * per_tick % (len(told) - per_tick)
        date = time.strftime("%b %e %H:%M:%S").encode()
        log.write(date + date.join(told[at : at + per_tick]))
        written += per_tick
    log.close()
    return written, rotations, late


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rate", type=int, default=100_000, help="lines a second")
    options.add_argument("--seconds", type=int, default=30)
    options.add_argument("--rotate-every", type=int, default=5, help="seconds")
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    report = Report("live", f"A log that grows by {options.rate:,} lines a second")
    told = messages(1_000_000)
    shares, rows = [], []
    for number in range(options.rounds):
        with Site(JAILS) as site:
            site.start()
            site.wait_said("reading")
            time.sleep(1)
            before, began = cpu_seconds(site.child.pid), time.perf_counter()
            written, rotations, late = write(site, told, options.rate, options.seconds, options.rotate_every)
            wrote = time.perf_counter() - began
            read, end = 0, time.perf_counter() + 30
            while read < written and time.perf_counter() < end:
                read = site.ask("status")["lines"]
                time.sleep(0.005)
            behind = time.perf_counter() - began - wrote
            # Until all of it is stored and in force.
            while site.ask("status")["outbox"] and time.perf_counter() < end:
                time.sleep(0.01)
            used = cpu_seconds(site.child.pid) - before
            status = site.ask("status")
            _, peak = site.stop()
        shares.append(used / wrote)
        rows.append([
            number + 1, f"{written:,}", f"{read:,}", written - read, rotations, f"{status['matches']:,}", f"{status['bans']:,}",
            f"{100 * used / wrote:.1f} %", f"{1000 * behind:.0f} ms", f"{peak:.0f} MiB", f"{1000 * late:.0f} ms",
        ])
    report.table(
        ["round", "lines written", "lines read", "lost", "rotations", "matches", "bans", "of one core", "behind at the end", "peak memory", "writer late by"],
        rows,
    )
    report.say(f"- Raw, processor time in per cent of the time that writing took: {raw(shares, unit=100)}.\n")
    report.say(
        f"Asked for: no line lost, and under {ASKED_PERCENT} % of one core. The jail is the shipped sshd; every match is stored with its\n"
        "line, every ban is put in force by nftables in a network namespace. At each rotation the old file gets one line more.\n"
    )
    report.write()


main()
