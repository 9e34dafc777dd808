"""What every result says: when, on what machine, by which command; and the figures."""

import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import sys

RESULTS = pathlib.Path(__file__).resolve().parent.parent / "results"


def program(name):
    """A program that was built by run.sh."""
    return str(pathlib.Path(os.environ["STOCKADE_BENCH_TARGET"]) / name)


def said(*command):
    """What a program says, or nothing where there is none."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def machine():
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpus.splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    return f"{os.cpu_count()} cores, {model}, {memory} GiB, Linux {platform.release()}"


class Report:
    """Collects lines, shows them at once, and writes them to benches/results/NAME.md."""

    def __init__(self, name, title):
        self.name = name
        self.lines = []
        # Where programs lie is this machine's own affair.
        arguments = "".join(" " + (word.rsplit("/", 1)[-1]) for word in sys.argv[1:])
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        self.say(f"# {title}\n")
        self.say(f"- Date: {now}")
        self.say(f"- Machine: {machine()}")
        self.say(f"- Rust: {said('rustc', '--version')}")
        self.say(f"- Command: `benches/run.sh {name}{arguments}`")
        load = os.getloadavg()
        busy = " The machine was busy with other work: wall times are too long, CPU times and ratios are not."
        self.say(f"- Load before: {load[0]:.1f} over a minute.{busy if load[0] > 1 else ''}\n")

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, heads, rows):
        self.say("| " + " | ".join(heads) + " |")
        self.say("|" + "|".join("---" if n == 0 else "---:" for n in range(len(heads))) + "|")
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")
        self.say()

    def write(self):
        self.say(f"Load after: {os.getloadavg()[0]:.1f}.")
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.md").write_text("\n".join(self.lines) + "\n")


def percentile(values, percent):
    """The smallest value that so many per cent of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median(values):
    return statistics.median(values)


def raw(values, unit=1000, digits=1):
    """All values in a line, in milliseconds unless said otherwise."""
    return ", ".join(f"{value * unit:.{digits}f}" for value in values)
