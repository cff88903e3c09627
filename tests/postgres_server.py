"""A throw-away PostgreSQL server for tests: a folder, a socket in it, no port, gone afterwards."""

import contextlib
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pg8000

from papertape.storage.place import PostgresSchema, PostgresUrl

USER = "papertape"
READY_SECONDS_MAX = 30.0
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "fsync": "off",  # processes are killed here, machines are not
    "full_page_writes": "off",
    "autovacuum": "off",
}


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are; None when PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def reason_to_skip() -> str | None:
    """Why there can be no server here; None when there can be one."""
    if binaries() is None:
        return "PostgreSQL is not on this machine (.ci/needs postgres)"
    return None if _owner() else "PostgreSQL does not run as root, and there is no other user"


def _owner() -> str | None:
    """The user that the server runs as: this one, or where this is root, one that is not."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


class PostgresServer:
    """A cluster of its own. It ends with this process, however that ends."""

    def __init__(self) -> None:
        found, owner = binaries(), _owner()
        assert found is not None
        assert owner is not None
        self._binaries = found
        self.folder = Path(tempfile.mkdtemp(prefix="papertape-pg-"))
        self._as_owner = _as(owner)
        if self._as_owner:
            shutil.chown(self.folder, owner)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        options = ["-E", "UTF8", "--no-locale", "-A", "trust", "-U", USER, "--no-sync"]
        subprocess.run(
            [self._binaries / "initdb", "-D", self.folder / "data", *options],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as_owner,
        )

    def start(self) -> None:
        """Start, and return when connections are taken."""
        until = time.monotonic() + READY_SECONDS_MAX
        self._launch()
        while not self._is_ready():
            assert time.monotonic() < until, (self.folder / "log").read_text()[-3_000:]
            if not self.is_running:  # what the one before left behind is still ending
                self._launch()
            time.sleep(0.01)

    def _launch(self) -> None:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    *("-D", self.folder / "data", "-k", self.folder),
                    *settings,
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread holds a lock then
                **self._as_owner,
            )

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
            assert self._process is not None
            return lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        return False

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: SIGQUIT at once, SIGINT after what is being done, SIGKILL without a word."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(30)

    def remove(self) -> None:
        """End it and delete everything."""
        if self.is_running:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", folder: Path | None = None) -> str:
        """The address of a database, as the setting takes it."""
        return f"postgresql://{USER}@/{database}?host={folder or self.folder}"

    def new_database(self, template: str = "template1") -> str:
        """Make a database; returns its address."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def new_schema(self, name: str = "exchange") -> PostgresSchema:
        """A schema that nobody has made yet, in a database that tests share."""
        return schema(self.url(), f"{name}_{next(self._numbers)}")

    def run(self, statement: str, database: str = "postgres") -> list[list[object]]:
        """Run a statement as the owner of the server; returns its rows."""
        url = PostgresUrl.read(self.url(database))
        connection = pg8000.connect(USER, unix_sock=url.socket_path, database=database)
        connection.autocommit = True
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            return [list(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()


def schema(url: str, name: str = "exchange") -> PostgresSchema:
    """A schema of a database by its address."""
    return PostgresSchema(PostgresUrl.read(url), name)


def _as(owner: str) -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(owner)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG
