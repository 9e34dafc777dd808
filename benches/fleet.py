#!/usr/bin/env python3
"""From the commit of a ban on one host to the element in the kernel's set of another, through PostgreSQL."""

import argparse
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, median, percentile, raw
from daemon import Site
from kernel import events, line

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Server:
    """A throw-away PostgreSQL server; it remembers when each transaction was committed."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="stockade-bench-pg-")
        script = ROOT / "dev/postgres"
        # The server's own caution is part of what is measured.
        settings = ["track_commit_timestamp=on", "fsync=on", "full_page_writes=on"]
        started = subprocess.run([script, "start", self.folder, *settings], capture_output=True, text=True)
        if started.returncode:
            raise SystemExit(started.stderr)
        self.url = started.stdout.strip() + "/postgres"
        return self

    def ask(self, query):
        command = ["psql", "-X", "-A", "-t", "-q", "-c", query, self.url]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def __exit__(self, *_):
        subprocess.run([ROOT / "dev/postgres", "stop", self.folder], check=False)
        time.sleep(0.5)
        shutil.rmtree(self.folder, ignore_errors=True)


def host(name, server, responder):
    site = Site()
    site.store = server.url
    settings = f'host = "{name}"\n[guards]\nmax_bans_per_minute = 1000000\n[responders.one]\nkind = "{responder}"\n'
    (site.path / "etc/stockade.toml").write_text(settings)
    return site


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bans", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    report = Report("fleet", "From a ban on one host to the kernel of another")
    report.say(
        "Two daemons share a PostgreSQL database over its unix socket; the first only says what it would do, the second\n"
        "fills nftables. The fifth line of an address is written into the first one's log; the others were read before.\n"
        "The clock runs from the commit of the ban, as the server remembers it, and from the write() of the line, until\n"
        "the kernel announces the element that the second one put into its set. The server waits for its disk.\n"
        f"Build: {pathlib.Path(os.environ['STOCKADE_BENCH_TARGET']).name}. Asked for: at most a second.\n"
    )
    rows, slowest = [], []
    with Server() as server:
        for number in range(1, options.rounds + 1):
            with host(f"one{number}", server, "dry-run") as one, host(f"two{number}", server, "nftables") as two:
                one.start()
                two.start()
                one.wait_said(" reading ")
                two.wait_said(" reading ")
                addresses = [f"198.{17 + number}.{n // 250}.{n % 250 + 1}" for n in range(options.bans)]
                log = os.open(one.log, os.O_WRONLY | os.O_APPEND)
                for n, address in enumerate(addresses):
                    os.write(log, b"".join(line(address, 4 * n + k) for k in range(4)))
                while one.ask("status")["matches"] < 4 * len(addresses):
                    time.sleep(0.05)
                time.sleep(2)
                stream = events()
                written, there = {}, {}
                for n, address in enumerate(addresses):
                    time.sleep(random.uniform(0.001, 0.015))
                    wanted, text = socket.inet_aton(address), line(address, n)
                    written[address] = time.time()
                    os.write(log, text)
                    while wanted not in stream.recv(1 << 16):
                        if time.time() - written[address] > 10:
                            raise SystemExit(f"{address} is not banned on the other host")
                    there[address] = time.time()
                stream.close()
                os.close(log)
                query = "SELECT key, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM stockade.bans"
                committed = dict(row.split("|") for row in server.ask(query).splitlines())
                since_commit = [there[a] - float(committed[a]) for a in addresses]
                since_line = [there[a] - written[a] for a in addresses]
                for what, times in [("since the commit", since_commit), ("since the line", since_line)]:
                    cells = [median(times), percentile(times, 90), percentile(times, 99), max(times)]
                    rows.append([f"round {number}: {what}", *(f"{1000 * t:.2f}" for t in cells)])
                    slowest.append((f"round {number}, {what}", times))
    report.table(["milliseconds", "p50", "p90", "p99", "max"], rows)
    for what, times in slowest:
        report.say(f"- Raw, {what}, the 20 slowest in ms: {raw(sorted(times)[-20:], digits=2)}.")
    report.say()
    report.write()


main()
