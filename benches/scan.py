#!/usr/bin/env python3
"""How fast a log of a million lines is read, beside what others read it with: one run, one table, taken in turns."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from report import Report, median, program, raw, said

ASKED_MIB = 30
MESSAGES = "No supported authentication|UnAuthorized|invalid user|AuthorizedKeysCommand"


DEBIAN = pathlib.Path("/etc/fail2ban")


def contenders(folder, log, fail2ban_rs):
    """Name and command."""
    scan = [program("stockade"), "scan", "--top", "20"]
    one = [*scan, "--cores", "1"]
    found = [("`stockade scan`, one core, its own sshd", [*one, log])]
    if DEBIAN.exists():
        debian = ["-c", str(DEBIAN), "--filter"]
        found.append(("`stockade scan`, one core, Debian's sshd", [*one, *debian, "sshd", log]))
        found.append(("`stockade scan`, one core, Debian's sshd[mode=aggressive]", [*one, *debian, "sshd[mode=aggressive]", log]))
        every = every_jail(folder)
        found.append(("`stockade scan`, one core, all of Debian's jails at once", [*one, "-c", every, "--jail", "all", log]))
        found.append(("`stockade scan`, two cores, Debian's sshd", [*scan, "--cores", "2", *debian, "sshd", log]))
    else:
        print("left out: Debian's filters: fail2ban is not installed", file=sys.stderr)
    found.append(("`grep -cE`, four messages", ["grep", "-cE", MESSAGES, log]))
    if shutil.which("rg"):
        found.append(("`rg -c`, four messages", ["rg", "-c", MESSAGES, log]))
    else:
        print("left out: ripgrep is not installed", file=sys.stderr)
    if fail2ban_rs:
        version = said(fail2ban_rs, "--version").split()[-1]
        found.append((f"`fail2ban-rs dry-run` {version}, its sshd", fail2ban_rs_command(fail2ban_rs, log)))
    else:
        print("left out: fail2ban-rs: `cargo install fail2ban-rs`, or --fail2ban-rs PROGRAM", file=sys.stderr)
    return found


def every_jail(folder):
    """A directory like Debian's with every jail enabled."""
    target = folder / "every-jail"
    if not target.exists():
        shutil.copytree(DEBIAN, target)
        shutil.rmtree(target / "jail.d", ignore_errors=True)
        (target / "jail.local").write_text("[DEFAULT]\nenabled = true\n")
    return str(target)


def without_candidates(folder, log):
    """The lines that no ssh server wrote."""
    target = folder / "without.log"
    with open(log, "rb") as source, open(target, "wb") as quiet:
        quiet.writelines(line for line in source if b"sshd" not in line)
    return str(target)


def fail2ban_rs_command(fail2ban_rs, log):
    """With the jail that it writes itself for sshd."""
    folder = pathlib.Path(log).parent
    own = subprocess.run([fail2ban_rs, "gen-config", "sshd"], check=True, capture_output=True, text=True).stdout
    form = "iso8601" if "iso" in log.rsplit("/", 1)[1] else "syslog"
    wanted = 'enabled = true\nport = ["22"]\nprotocol = "tcp"\nmax_retry = 5\nfind_time = "10m"\nban_time = "10m"\nlog_path'
    jail = own.replace('date_format = "syslog"', f'date_format = "{form}"').replace("log_path", wanted, 1)
    config = folder / f"fail2ban-rs-{form}.toml"
    config.write_text(f'[global]\nstate_file = "{folder}/state.bin"\nsocket_path = "{folder}/sock"\n\n{jail}')
    return [fail2ban_rs, "-c", str(config), "dry-run", log]


def run(command, environment):
    """Wall seconds, processor seconds, peak MiB."""
    # To a file: grep stops at the first match when its output goes to /dev/null. And by way of `time`: the peak that
    # the kernel tells of a child begins with ours.
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile("r") as peak:
        trampoline = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name]
        started = time.perf_counter()
        child = subprocess.Popen([*trampoline, *command], stdout=output, stderr=subprocess.DEVNULL, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            raise SystemExit(f"{command}: exit {child.returncode}")
        return wall, used.ru_utime + used.ru_stime, int(peak.read()) / 1024


def inputs(folder, lines):
    generator = pathlib.Path(os.environ["STOCKADE_SHARED"]) / "bench/gen_authlog.py"
    if not generator.exists():
        raise SystemExit(f"skipped: no generator of logs: `{generator}` is missing; name its folder with STOCKADE_SHARED")
    for name, form in [("syslog", []), ("iso", ["--iso"])]:
        log = folder / f"auth-{name}.log"
        subprocess.run([sys.executable, generator, str(lines), log, *form], check=True, stdout=subprocess.DEVNULL)
        yield name, str(log)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--lines", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--slow-lines", type=int, default=100_000, help="lines for fail2ban-regex, which takes long")
    options.add_argument("--fail2ban-rs", default=shutil.which("fail2ban-rs"), help="the program, if it is not in PATH")
    options = options.parse_args()
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    if not pathlib.Path("/usr/bin/time").exists():
        raise SystemExit("skipped: needs GNU time: `apt install time`")
    report = Report("scan", f"A log of {options.lines:,} lines")
    # Short: it goes into every message.
    with tempfile.TemporaryDirectory(prefix="stockade-bench-") as folder:
        for form, log in inputs(pathlib.Path(folder), options.lines):
            size = os.path.getsize(log) / 1e6
            report.say(f"## Dates in the form `{form}`: {size:.0f} MB\n")
            entries = contenders(pathlib.Path(folder), log, options.fail2ban_rs)
            results = {name: [] for name, _ in entries}
            for name, command in entries:
                run(command, environment)  # so that the file and the program are in memory
            for _ in range(options.rounds):
                for name, command in entries:
                    results[name].append(run(command, environment))
            slow = slow_contender(pathlib.Path(folder), log, options.slow_lines)
            rows = [row(name, options.lines, results[name]) for name, _ in entries]
            if slow:
                name, command = slow
                rows.append(row(f"{name}, {options.slow_lines:,} lines", options.slow_lines, [run(command, environment)]))
            report.table(["", "M lines/s", "M lines per CPU second", "wall", "CPU", "peak memory"], rows)
            for name, _ in entries:
                report.say(f"- Raw, {name}, wall in ms: {raw([r[0] for r in results[name]], digits=0)}.")
            report.say()
            if form == "syslog":
                quiet_log(report, pathlib.Path(folder), log, environment, options.rounds)
    report.say(
        f"Medians of {options.rounds} rounds, in which the programs take turns; output goes to a file. Asked for: faster than `grep`\n"
        f"on one core with Debian's sshd; all of Debian's filters at once in at most 1.5 times that; less than {ASKED_MIB} MiB; 2 GB/s\n"
        "without candidates. `grep` and `rg` only look for four texts; the others find dates, addresses and users. Wall times\n"
        "beside CPU times show how much others had of the machine.\n"
    )
    report.write()


def quiet_log(report, folder, log, environment, rounds):
    """How fast lines are passed over that nobody cares about."""
    quiet = without_candidates(folder, log)
    size = os.path.getsize(quiet) / 1e9
    entries = [("`stockade scan`, one core, its own sshd", [program("stockade"), "scan", "--cores", "1", quiet])]
    if DEBIAN.exists():
        command = [program("stockade"), "scan", "--cores", "1", "-c", str(DEBIAN), "--filter", "sshd", quiet]
        entries.append(("`stockade scan`, one core, Debian's sshd", command))
    entries.append(("`wc -l`", ["wc", "-l", quiet]))
    results = {name: [run(command, environment) for _ in range(rounds)] for name, command in entries}
    report.say(f"### Its lines without a candidate: {size * 1000:.0f} MB\n")
    rows = [[name, f"{size / median([r[0] for r in results[name]]):.2f}", f"{size / median([r[1] for r in results[name]]):.2f}"] for name, _ in entries]
    report.table(["", "GB/s", "GB per CPU second"], rows)


def slow_contender(folder, log, lines):
    if not shutil.which("fail2ban-regex"):
        print("left out: fail2ban-regex is not installed", file=sys.stderr)
        return None
    head = folder / "head.log"
    with open(log, "rb") as source, open(head, "wb") as target:
        for _ in range(lines):
            target.write(source.readline())
    return "Debian's `fail2ban-regex`, filter sshd", ["fail2ban-regex", str(head), "sshd"]


def row(name, lines, results):
    wall, cpu, peak = (median([result[n] for result in results]) for n in range(3))
    return [name, f"{lines / wall / 1e6:.2f}", f"{lines / cpu / 1e6:.2f}", f"{wall:.3f} s", f"{cpu:.3f} s", f"{peak:.0f} MiB"]


main()
