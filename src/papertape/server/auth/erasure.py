"""All that the tables hold of one user: told whole, and erased whole.

The tables are found in the database itself, by the way from each to the user, so a table that is
added later is told and erased without a word here. The audit log stays: it names ids only.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, delete, select

from papertape.server.auth.vault import Vault

_KEPT = frozenset({"security_events", "auth_schema"})
_SECRET_PARTS = ("_hash", "wrapped", "secret", "hint")
_SEALED = {"users": "profile", "logins": "origin", "preferences": "chosen"}


def told(connection: Connection, vault: Vault, user_id: str) -> dict[str, list[dict[str, Any]]]:
    """The user's rows by table, what is sealed opened, without hashes and keys."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in _tables(connection):
        mine = _is_of(table, user_id)
        if mine is None:
            continue
        rows = connection.execute(select(table).where(mine)).mappings().all()
        if rows:
            sealed = _SEALED.get(table.name)
            found[table.name] = [
                {
                    name: vault.open(connection, user_id, value) if name == sealed else value
                    for name, value in row.items()
                    if not any(part in name for part in _SECRET_PARTS)
                }
                for row in rows
            ]
    return found


def erase(connection: Connection, user_id: str) -> None:
    """Delete the user's rows in all tables, the personal key with them."""
    tables = reversed(_tables(connection))
    # Those that know only an account come first, since its owner is forgotten with the rest.
    for table in sorted(tables, key=lambda table: bool(table.foreign_keys) or "user_id" in table.c):
        mine = _is_of(table, user_id)
        if mine is not None:
            connection.execute(delete(table).where(mine))


def _tables(connection: Connection) -> list[Table]:
    """All tables, each behind those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in _KEPT]


def _is_of(table: Table, user_id: str) -> ColumnElement[bool] | None:
    """Which rows are the user's; None for a table that says nothing of users."""
    if "user_id" in table.c:
        mine: ColumnElement[bool] = table.c.user_id == user_id
        return mine
    for key in table.foreign_keys:
        parents = _is_of(key.column.table, user_id)
        if parents is not None:
            return key.parent.in_(select(key.column).where(parents))
    if "account_id" in table.c:
        accounts = table.metadata.tables["accounts"]
        own = select(accounts.c.account_id).where(accounts.c.user_id == user_id)
        return table.c.account_id.in_(own)
    return None
