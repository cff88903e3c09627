"""Engines for a place, whichever body keeps it, and the few statements that differ between them."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Engine, Table

from papertape.storage.place import Place, PostgresSchema


def open_engine(place: Place, *, query_only: bool = False) -> Engine:
    """An engine on a place. Reads of one transaction are of one moment."""
    if isinstance(place, PostgresSchema):
        from papertape.storage.postgres.engine import open_postgres

        return open_postgres(place, query_only=query_only)
    from papertape.storage.sqlite.connection import open_engine as open_sqlite

    return open_sqlite(place, query_only=query_only)


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


_TYPES = (("TEXT", 'TEXT COLLATE "C"'), ("BLOB", "BYTEA"))
