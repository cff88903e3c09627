"""How this product opens SQLite: WAL, every commit synced to the disk, transactions said aloud.

A database is its owner's alone (0600); SQLite gives the files beside it the same mode.
"""

import logging
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_S = 10.0
BESIDE = ("", "-wal", "-shm")
"""What stands behind the name of a database in those of its files."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 67108864",
    "cache_size = -65536",
    "wal_autocheckpoint = 8000",  # pages that change in every batch are folded in less often
)


_log = logging.getLogger(__name__)


def open_engine(path: Path, *, query_only: bool = False) -> Engine:
    """An engine on a database file; every transaction begins when it says so, not before."""

    def connect() -> sqlite3.Connection:
        make_private(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (*PRAGMAS, *(["query_only = ON"] if query_only else [])):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=_pool_class())
    event.listen(engine, "begin", _begin)
    return engine


def make_private(path: Path) -> None:
    """Make the file of a new database, for its owner alone; take others' rights off one of before.

    A database that is there is not even opened: closing it would end the locks that SQLite has on
    it in this process. Where no file can be made, SQLite says why; where the rights of one cannot
    be changed, the log says it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for beside in BESIDE:
            _tighten(path.with_name(path.name + beside))
    except OSError:
        return


def _tighten(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning(
            "%s can be read by others and its mode cannot be changed (%s): run chmod 600 on it as "
            "its owner",
            path,
            error.strerror,
        )


def _pool_class() -> Any:
    from sqlalchemy.pool import QueuePool

    return QueuePool


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
