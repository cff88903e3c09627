"""Engines for a place, whichever body keeps it, and the few statements that differ between them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from papertape.domain.errors import StorageUnavailableError, WriteUnknownError
from papertape.storage.place import Place, PostgresSchema


def open_engine(place: Place, *, query_only: bool = False) -> Engine:
    """An engine on a place. Reads of one transaction are of one moment.

    While the database is away, its connections raise `StorageUnavailableError`, and where that
    happens in a COMMIT, `WriteUnknownError`.
    """
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.engine import open_postgres

        return name_away(open_postgres(place, query_only=query_only))
    from papertape.storage.sqlite.connection import open_engine as open_sqlite

    return name_away(open_sqlite(place, query_only=query_only))


def name_away(engine: Engine) -> Engine:
    """Let an engine say by the names of `domain.errors` that its database is away."""
    event.listen(engine, "handle_error", _name_away)
    return engine


def _name_away(context: ExceptionContext) -> BaseException | None:
    error = getattr(context, "chained_exception", None) or context.sqlalchemy_exception
    code = getattr(context.original_exception, "sqlite_errorcode", None)
    away = code is None or code & 0xFF in _SQLITE_AWAY
    if not (away and isinstance(error, OperationalError | InterfaceError)) or context.is_pre_ping:
        return None
    in_commit = context.connection is not None and context.statement is None
    kind = WriteUnknownError if in_commit else StorageUnavailableError
    return kind(reason_of(context.original_exception))


def unavailable(error: sqlite3.OperationalError) -> Exception:
    """What an error of SQLite's own driver is called here; itself, if the file is not away."""
    is_away = error.sqlite_errorcode & 0xFF in _SQLITE_AWAY
    return StorageUnavailableError(reason_of(error)) if is_away else error


def reason_of(error: BaseException) -> str:
    """What the server or the network said, in its own words."""
    told = error.args[0] if error.args else error
    if isinstance(told, dict):
        return str(told.get("M", told))
    return f"{told} ({error.__cause__})" if error.__cause__ else str(told)


def change_schema(engine: Engine, place: Place) -> AbstractContextManager[Connection]:
    """A transaction for changing tables, one at a time whichever processes want it."""
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.engine import change_schema as change_postgres

        return change_postgres(engine, place)
    return _change_sqlite(engine)


@contextmanager
def _change_sqlite(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.exec_driver_sql("COMMIT")


def upserting(table: Table, dialect_name: str) -> Any:
    """An `INSERT` into the table that knows `ON CONFLICT`, in the words of a dialect."""
    # Only the dialect in use is imported: each costs a tenth of a second.
    return import_module(f"sqlalchemy.dialects.{dialect_name}").insert(table)


def ddl(statement: str, dialect_name: str) -> str:
    """A statement that changes tables, written for SQLite, in the words of a dialect.

    Text is compared by its bytes everywhere, so that lists have one order.
    """
    if dialect_name == "sqlite":
        return statement
    for ours, theirs in _TYPES:
        statement = re.sub(rf"\b{ours}\b", theirs, statement)
    return statement


_SQLITE_AWAY = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    )
)
_TYPES = (("TEXT", 'TEXT COLLATE "C"'), ("BLOB", "BYTEA"))
