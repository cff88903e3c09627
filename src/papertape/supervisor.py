"""The parent of the product's processes: starts them, restarts what fell, ends them all.

It knows commands, pipes and signals; what the children do is not its business. Three rules:
a child that falls is started again (with a pause that grows while it never became ready); a
child that exits with `EXIT_FINAL` has said why on standard error and ends the product; no child
outlives its parent, not even one that is killed.

Start reading at `Supervisor.run`.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

EXIT_FINAL: Final = 78
"""A child's exit code for "starting me again will not help" (sysexits.h: EX_CONFIG)."""

READY_VARIABLE: Final = "PAPERTAPE_READY_FD"
STOP_SECONDS_MAX: Final = 10.0
RESTART_PAUSE_SECONDS: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Child:
    """A process to keep alive: its name, its command, the descriptors that it inherits."""

    name: str
    command: Sequence[str]
    descriptors: Sequence[int] = ()
    awaited: bool = True


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    ready_fd: int
    falls: int = 0
    ready: bool = False


@dataclass
class Supervisor:
    """Keeps `children` running until SIGTERM or SIGINT. The main thread's only."""

    children: Sequence[Child]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        """Take the signals at once, so that none is lost while the first child starts."""
        self._running: dict[str, _Running] = {}
        self._due: dict[str, tuple[float, int]] = {}
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop_on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def run(self, when_ready: Callable[[], None]) -> int:
        """Start all, call `when_ready` once every awaited child is, and stay until told to end.

        Returns the product's exit code: 0 after a signal, a child's own when it was final.
        """
        for child in self.children:
            self._start(child, falls=0)
        announced = False
        while not self._stopping:
            self._wait()
            final = self._reap()
            if final is not None:
                self._stop_all()
                return final
            self._start_due()
            if not announced and self._all_ready():
                announced = True
                when_ready()
        self._stop_all()
        return 0

    def _start(self, child: Child, falls: int) -> None:
        ready_read, ready_write = os.pipe()
        os.set_blocking(ready_read, False)
        process = subprocess.Popen(  # noqa: S603 - our own command line
            child.command,
            env={**self.environment, READY_VARIABLE: str(ready_write)},
            pass_fds=(*child.descriptors, ready_write),
            process_group=0,
        )
        os.close(ready_write)
        self._selector.register(ready_read, selectors.EVENT_READ, child.name)
        self._running[child.name] = _Running(child, process, ready_read, falls)

    def _wait(self) -> None:
        pause = min((when for when, _ in self._due.values()), default=float("inf"))
        timeout = max(0.0, min(1.0, pause - time.monotonic()))
        for key, _ in self._selector.select(timeout):
            if key.fd == self._wake_read:
                os.read(self._wake_read, 4096)
            else:
                self._note_ready(str(key.data), key.fd)

    def _note_ready(self, name: str, descriptor: int) -> None:
        said = os.read(descriptor, 16)
        self._selector.unregister(descriptor)
        self._running[name].ready = bool(said)

    def _all_ready(self) -> bool:
        return all(
            (running := self._running.get(child.name)) is not None and running.ready
            for child in self.children
            if child.awaited
        )

    def _reap(self) -> int | None:
        """Take note of children that ended; the exit code when one of them was final."""
        for name, running in list(self._running.items()):
            code = running.process.poll()
            if code is None:
                continue
            self._forget(name)
            if code == EXIT_FINAL:
                return 1
            falls = 1 if running.ready else running.falls + 1
            if falls >= len(RESTART_PAUSE_SECONDS):
                print(f"papertape: {name} fell {falls} times at start, giving up", file=sys.stderr)
                return 1
            pause = RESTART_PAUSE_SECONDS[falls - 1]
            print(f"papertape: {name} ended with {_why(code)}, starting it again", file=sys.stderr)
            self._due[name] = (time.monotonic() + pause, falls)
        return None

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self.children:
            when, falls = self._due.get(child.name, (float("inf"), 0))
            if when <= now:
                del self._due[child.name]
                self._start(child, falls)

    def _forget(self, name: str) -> None:
        running = self._running.pop(name)
        if running.ready_fd in self._selector.get_map():
            self._selector.unregister(running.ready_fd)
        os.close(running.ready_fd)

    def _stop_all(self) -> None:
        """SIGTERM in reverse order of start (who asks ends before who answers), then SIGKILL."""
        for child in reversed(self.children):
            running = self._running.get(child.name)
            if running is None:
                continue
            running.process.terminate()
            try:
                running.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                print(f"papertape: {child.name} did not end, killing it", file=sys.stderr)
                running.process.kill()
                running.process.wait()
            self._forget(child.name)

    def _stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def stay_with_parent(parent: int) -> None:
    """Make this process end when `parent` (a process id) does, however that happens.

    On Linux the kernel sees to it; elsewhere a thread looks every half second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def say_ready() -> None:
    """Tell the supervisor, once, that this child can do its work now."""
    descriptor = os.environ.pop(READY_VARIABLE, None)
    if descriptor is not None:
        os.write(int(descriptor), b"ready")
        os.close(int(descriptor))


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def _why(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
