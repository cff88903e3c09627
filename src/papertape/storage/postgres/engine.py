"""SQLAlchemy on PostgreSQL, through pg8000: for dull reads, users, and changes of the schema.

The floor's commits do not come through here (see `storage.py`). Everything blocks; a connection is
one thread's at a time. A connection that the server has closed is noticed before it is used, so a
restarted database costs its callers nothing but the time it was away.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError, OperationalError

from papertape.storage.place import PostgresSchema, PostgresUrl

POOL_SIZE = 8
POOL_WAIT_S = 10.0
STATEMENT_S = 20.0
"""Longer than any statement takes; a server that hangs is given up after it."""

_AWAY = ("08", "53", "57")
"""Classes of SQLSTATE that say: not now (connection, resources, an operator's doing)."""


def open_postgres(schema: PostgresSchema, *, query_only: bool = False) -> Engine:
    """An engine whose tables are those of one schema."""
    parameters = {"search_path": quoted(schema.name), "client_encoding": "UTF8"}
    if query_only:
        parameters["default_transaction_read_only"] = "on"
        parameters["default_transaction_isolation"] = "repeatable read"
    engine = create_engine(
        "postgresql+pg8000://",
        creator=lambda: _connect(schema.url, parameters),
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        pool_use_lifo=True,
    )
    event.listen(engine, "handle_error", _name_by_state)
    return engine


@contextmanager
def change_schema(engine: Engine, schema: PostgresSchema) -> Iterator[Connection]:
    """A transaction in which the schema exists and nobody else changes its tables."""
    with engine.begin() as connection:
        key = {"key": lock_key("schema", schema.name)}
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
        make = f"CREATE SCHEMA IF NOT EXISTS {quoted(schema.name)}"
        if not connection.scalar(text("SELECT current_schema()")):
            connection.exec_driver_sql(make)
        yield connection


def lock_key(*names: str) -> int:
    """The number of an advisory lock: 64 bits that only these names have."""
    digest = sha256("|".join(("papertape", *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def ssl_context(url: PostgresUrl) -> ssl.SSLContext | bool | None:
    """How to encrypt, by the names of libpq: False never, None when the server can, else always.

    Only `verify-ca` and `verify-full` look at the server's certificate.
    """
    if not url.ssl_mode.startswith("verify"):
        return {"disable": False, "prefer": None, "require": True}[url.ssl_mode]
    context = ssl.create_default_context(cafile=url.ssl_root)
    context.check_hostname = url.ssl_mode == "verify-full"
    return context


def _connect(url: PostgresUrl, parameters: dict[str, str]) -> Any:
    from papertape.storage.postgres.driver import QuietConnection

    return QuietConnection(
        url.user,
        host=None if url.socket_path else url.host,
        unix_sock=url.socket_path,
        port=url.port,
        database=url.database,
        password=url.password,
        ssl_context=ssl_context(url),
        timeout=STATEMENT_S,
        application_name="papertape",
        startup_params=dict(parameters),
    )


def _name_by_state(context: ExceptionContext) -> BaseException | None:
    """Give an error of the server the class that its SQLSTATE says; pg8000 knows two of them."""
    original = context.original_exception
    told = original.args[0] if original.args and isinstance(original.args[0], dict) else {}
    state = str(told.get("C", ""))
    if state.startswith("23"):
        return IntegrityError(context.statement, context.parameters, original)
    if state.startswith(_AWAY):
        context.is_disconnect = True
        if not context.is_pre_ping:
            return OperationalError(context.statement, context.parameters, original)
    return None


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
