#!/usr/bin/env python3
"""From the write() of the line that decides to the element in the kernel's set, and to the first packet that is dropped."""

import argparse
import ctypes
import os
import pathlib
import random
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, median, percentile, raw
from daemon import Site
from kernel import events, line

ASKED_MS = 20
CLONE_NEWNET = 0x40000000
VICTIM = "192.0.2.1"
PORT = 4444


def prepare(site, log, addresses):
    """Four failures each: one more bans."""
    before = site.ask("status")["matches"]
    for n, address in enumerate(addresses):
        os.write(log, b"".join(line(address, 4 * n + k) for k in range(4)))
    while site.ask("status")["matches"] < before + 4 * len(addresses):
        time.sleep(0.05)
    time.sleep(0.5)


def to_the_kernel(site, log, count):
    """Seconds from the line to the element, for so many addresses one after the other."""
    addresses = [f"198.18.{n // 250}.{n % 250 + 1}" for n in range(count)]
    prepare(site, log, addresses)
    stream = events()
    times = []
    for n, address in enumerate(addresses):
        time.sleep(random.uniform(0.001, 0.015))
        wanted, text = socket.inet_aton(address), line(address, n)
        start = time.perf_counter()
        os.write(log, text)
        while wanted not in stream.recv(1 << 16):
            if time.perf_counter() - start > 10:
                raise SystemExit(f"{address} is not banned")
        times.append(time.perf_counter() - start)
    return times


def attackers(count):
    """Addresses of another host, a socket of each there, and the socket on which we hear them."""
    other = subprocess.Popen(["unshare", "--net", "sleep", "600"])
    time.sleep(0.3)

    def ip(words):
        subprocess.run(["ip", *words.split()], check=True)

    ip("link set lo up")
    ip(f"link add v0 type veth peer name a0 netns {other.pid}")
    ip("link set v0 up")
    ip(f"addr add {VICTIM}/32 dev v0")
    ip("route add 198.19.0.0/24 dev v0")
    ears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ears.bind((VICTIM, PORT))
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    setns = ctypes.CDLL(None, use_errno=True).setns
    with open(f"/proc/{other.pid}/ns/net") as theirs:
        if setns(theirs.fileno(), CLONE_NEWNET):
            raise SystemExit("cannot enter the other namespace")
    sockets = {}
    ip("link set a0 up")
    for n in range(1, count + 1):
        ip(f"addr add 198.19.0.{n}/32 dev a0")
    ip(f"route add {VICTIM}/32 dev a0")
    for n in range(1, count + 1):
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mouth.bind((f"198.19.0.{n}", 0))
        sockets[f"198.19.0.{n}"] = mouth
    setns(own, CLONE_NEWNET)
    return other, sockets, ears


def to_the_drop(site, log, count):
    """Seconds from the line until a datagram is sent that never arrives."""
    other, sockets, ears = attackers(count)
    try:
        prepare(site, log, list(sockets))
        times = []
        for n, (address, mouth) in enumerate(sockets.items()):

            def arrives(within):
                mouth.sendto(b"?", (VICTIM, PORT))
                heard = bool(select.select([ears], [], [], within)[0])
                return heard and bool(ears.recv(16))

            if not arrives(1):
                raise SystemExit(f"{address} does not get through even before it is banned")
            text = line(address, n)
            start = time.perf_counter()
            os.write(log, text)
            while True:
                sent = time.perf_counter()
                if not arrives(0.05):
                    break
                if sent - start > 10:
                    raise SystemExit(f"{address} still gets through")
            times.append(sent - start)
        return times
    finally:
        other.kill()
        other.wait()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bans", type=int, default=1000)
    options.add_argument("--drops", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    report = Report("latency", "From the line in the log to the dropped packet")
    rows, slowest, processor = [], [], []
    for number in range(1, options.rounds + 1):
        with Site() as site:
            site.start()
            site.wait_said(" reading ")
            log = os.open(site.log, os.O_WRONLY | os.O_APPEND)
            kernel = to_the_kernel(site, log, options.bans)
            drops = to_the_drop(site, log, options.drops)
            os.close(log)
            cpu, _ = site.stop()
            processor.append(cpu)
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        subprocess.run(["ip", "link", "del", "v0"], check=False, capture_output=True)
        for what, times in [(f"{len(kernel)} bans: element in the kernel", kernel), (f"{len(drops)} bans: packet dropped", drops)]:
            slowest.append((f"round {number}, {what}", times))
            shown = [median(times), percentile(times, 90), percentile(times, 99), max(times)]
            rows.append([f"round {number}: {what}", *(f"{value * 1000:.2f}" for value in shown)])
    report.say(
        f"The log is followed; four failures of every address are read beforehand. Then, one address after the other,\n"
        f"with pauses of 1 to 15 ms, its fifth line is written. The clock runs from just before that write() until the\n"
        f"kernel announces the element in the set, which it does when it is in force; in the second measurement until\n"
        f"another host sends the first datagram that does not arrive. The bans are stored in SQLite on the way.\n"
        f"Asked for: p99 of 1,000 single bans at most {ASKED_MS} ms.\n"
    )
    report.table(["milliseconds", "p50", "p90", "p99", "max"], rows)
    for what, times in slowest:
        report.say(f"- Raw, {what}, the 20 slowest in ms: {raw(sorted(times)[-20:], digits=2)}.")
    report.say()
    report.say(f"Processor time of the daemon for a whole round: {median(processor):.2f} s.\n")
    report.write()


main()
