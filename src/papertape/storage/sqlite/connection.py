"""How this product opens SQLite: WAL, every commit synced to the disk, transactions said aloud.

A new database is its owner's alone (0600); SQLite gives the files beside it the same mode.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_S = 10.0
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 67108864",
    "cache_size = -65536",
    "wal_autocheckpoint = 8000",  # pages that change in every batch are folded in less often
)


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
    """Make the file of a new database, for its owner alone. Whatever is there stays as it is.

    A database that is there is not even opened: closing it would end the locks that SQLite has on
    it in this process. Where no file can be made, SQLite says why.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _pool_class() -> Any:
    from sqlalchemy.pool import QueuePool

    return QueuePool


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
