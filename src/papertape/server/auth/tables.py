"""The tables of `auth.db`, and the steps that lead an older file to them.

A step is never changed once released; a new one is added at the end.
"""

from collections.abc import Sequence

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True),
    Column("email", Text),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("is_demo", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_ns", Integer, nullable=False),
)
"""`username_key` is the name as it is compared; `generation` is in every token, and a reset of the
password raises it, which ends the tokens of before."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("world", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("opened", Boolean, nullable=False),
    Index("accounts_of_user", "user_id", "world"),
)

schema = Table("auth_schema", metadata, Column("version", Integer, nullable=False))

STEPS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE users (
            user_id TEXT PRIMARY KEY, username TEXT NOT NULL, username_key TEXT NOT NULL UNIQUE,
            email TEXT, password_hash TEXT NOT NULL, role TEXT NOT NULL, is_demo BOOLEAN NOT NULL,
            generation INTEGER NOT NULL, created_ns BIGINT NOT NULL)""",
        """CREATE TABLE accounts (
            account_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),
            world TEXT NOT NULL, name TEXT NOT NULL, opened BOOLEAN NOT NULL)""",
        "CREATE INDEX accounts_of_user ON accounts (user_id, world)",
    ),
)


class NewerSchemaError(Exception):
    """The file was written by a newer Papertape than this one."""


def migrate(connection: Connection) -> None:
    """Bring the tables up to date inside the caller's transaction."""
    schema.create(connection, checkfirst=True)
    version = connection.execute(select(schema.c.version)).scalar()
    if version is None:
        connection.execute(insert(schema).values(version=0))
        version = 0
    if version > len(STEPS):
        raise NewerSchemaError(
            f"auth.db has schema {version}, this Papertape knows {len(STEPS)}: "
            "start the newer version, or another --data-dir"
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.exec_driver_sql(statement)
    connection.execute(update(schema).values(version=len(STEPS)))
