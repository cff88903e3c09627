"""A real product for the fault tests: started by its command, seen over HTTP, killed by SIGKILL."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = Path(sys.executable).parent / "papertape"
READY_SECONDS_MAX = 60.0
UNLIMITED = {"PAPERTAPE_LOGIN_ATTEMPTS_PER_MINUTE": "0", "PAPERTAPE_REQUESTS_PER_SECOND": "0"}


class Product:
    """`papertape up` on a data folder; its log goes to a file beside it."""

    def __init__(self, data_dir: Path, database_url: str = "") -> None:
        self.data_dir = data_dir
        self._environment = os.environ | UNLIMITED | {"PAPERTAPE_DATABASE_URL": database_url}
        self.port = 0
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start on the same port as before; returns the seconds until it said that it is ready."""
        started = time.monotonic()
        log = (self.data_dir.parent / "product.log").open("a")
        self._process = subprocess.Popen(
            [COMMAND, "up", "--port", str(self.port), "--data-dir", str(self.data_dir)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=self._environment,
        )
        log.close()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"ready at (http://[^/]+:(\d+))/", line):
                self.url, self.port = found[1], int(found[2])
                return time.monotonic() - started
        raise AssertionError(f"the product did not start: {self.log()[-3_000:]}")

    def log(self) -> str:
        return (self.data_dir.parent / "product.log").read_text()

    def child(self, role: str) -> int | None:
        """The process id of the floor, the server or the follower."""
        assert self._process is not None
        for pid in _children(self._process.pid):
            with contextlib.suppress(OSError):
                if role.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:4]:
                    return pid
        return None

    def kill_all(self) -> None:
        """SIGKILL parent and children as nearly at once as one can."""
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait()

    def kill_child(self, role: str) -> None:
        """SIGKILL one process; the parent starts it again."""
        pid = self.child(role)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, as an operator would; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._wait()

    def _wait(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(30)
        self._process.stdout.close()
        return code


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def verify(data_dir: Path, database_url: str = "") -> "subprocess.CompletedProcess[str]":
    """`papertape verify` on a stopped product."""
    return subprocess.run(
        [COMMAND, "verify", "--data-dir", str(data_dir)],
        env=os.environ | {"PAPERTAPE_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
