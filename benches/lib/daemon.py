"""A daemon in a folder of its own, in the network namespace of this process."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from report import program

JAILS = """[sshd]
enabled = true
backend = files
logpath = {at}/auth.log
port = all
maxretry = 5
findtime = 1d
bantime = 1w
"""
PROGRAM = "[guards]\nmax_bans_per_minute = 1000000\n"


class Site:
    def __init__(self, jails=JAILS):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="stockade-bench-"))
        (self.path / "etc").mkdir()
        (self.path / "etc/jail.local").write_text(jails.replace("{at}", str(self.path)))
        (self.path / "etc/stockade.toml").write_text(PROGRAM)
        self.log = self.path / "auth.log"
        self.log.write_text("")
        self.store = self.path / "stockade.db"
        self.socket = self.path / "stockade.sock"
        self.child = None
        self.said = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.path)

    def start(self):
        """Starts the daemon. What it says is kept with the time at which it said it. Returns when it was started."""
        command = [program("examples/daemon"), self.path / "etc", self.store, self.socket]
        self.said = []
        started = time.perf_counter()
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._listen, args=(self.child.stderr, self.said), daemon=True).start()
        return started

    @staticmethod
    def _listen(stderr, said):
        for line in stderr:
            said.append((time.perf_counter(), line))

    def wait_said(self, text, within=30):
        """Waits until the daemon says this; when it did, and the line."""
        end = time.perf_counter() + within
        seen = 0
        while time.perf_counter() < end:
            while seen < len(self.said):
                at, line = self.said[seen]
                seen += 1
                if text in line:
                    return at, line
            if self.child.poll() is not None:
                break
            time.sleep(0.0005)
        raise SystemExit(f"the daemon never said `{text}`:\n" + "".join(line for _, line in self.said[-20:]))

    def ask(self, question):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(self.socket))
            stream.sendall(json.dumps({"ask": question}).encode() + b"\n")
            return json.loads(stream.makefile().readline())

    def stop(self):
        """Stops it. Returns the processor time it took, and its peak memory in MiB."""
        peak = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        peak = int(next(line for line in peak.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / 100
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()
        return seconds, peak
