"""One statement for all rows of a batch: a typed array for each column, read back by `unnest`.

The statement is made from the tables, once for each set of tables that a batch touches; the driver
keeps it prepared.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, LargeBinary, Table

from papertape.storage.tables import APPENDED, UPSERTED, tape

if TYPE_CHECKING:
    from papertape.engine import Rows

Values = Sequence[Any]
_TABLES = {table.name: table for table in (tape, *UPSERTED, *APPENDED)}
_UPSERTED = frozenset(table.name for table in UPSERTED)


def batch_statement(
    world: str, tape_rows: Iterable[Values], parts: Iterable["Rows"]
) -> tuple[str, list[Any]] | None:
    """The statement and the values that write a batch's rows (without `world`); None for none."""
    rows = {"tape": list(tape_rows)} | _rows(list(parts))
    written = {name: values for name, values in rows.items() if values}
    if not written:
        return None
    columns = [column for values in written.values() for column in _columns(values)]
    return _statement(tuple(written)), [world, *columns]


def _rows(parts: list["Rows"]) -> dict[str, list[Values]]:
    """The rows of each table; of several for one key the last, as if written one after another."""
    rows: dict[str, list[Values]] = {}
    for table in (*UPSERTED, *APPENDED):
        name = table.name
        found = [row for part in parts for row in getattr(part, name)]
        if name in _UPSERTED:
            found = list({_key(name)(row): row for row in found}.values())
        rows[name] = found
    return rows


def _columns(rows: list[Values]) -> list[Values]:
    return list(zip(*rows, strict=True))


@cache
def _key(name: str) -> "itemgetter[Any]":
    """Takes the primary key, without `world`, out of a row."""
    columns = list(_TABLES[name].columns)[1:]
    return itemgetter(*(place for place, column in enumerate(columns) if column.primary_key))


@cache
def _statement(names: tuple[str, ...]) -> str:
    parts, first = [], 2
    for name in names:
        table = _TABLES[name]
        parts.append(f"{name}_rows AS ({_insert(table, first)})")
        first += len(table.columns) - 1
    return f"WITH {', '.join(parts)} SELECT 1"


def _insert(table: Table, first: int) -> str:
    """Writes arrays from parameter `first` on; parameter 1 is the world."""
    own = list(table.columns)[1:]
    arrays = ", ".join(f"${first + place}::{_type(column)}[]" for place, column in enumerate(own))
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    insert = f"INSERT INTO {table.name} ({names}) SELECT $1::text, * FROM unnest({arrays})"  # noqa: S608 - our own names
    return insert + (_replacing(table) if table.name in _UPSERTED else "")


def _replacing(table: Table) -> str:
    keys = ", ".join(column.name for column in table.primary_key.columns)
    changed = ", ".join(
        f'"{column.name}" = excluded."{column.name}"'
        for column in table.columns
        if not column.primary_key
    )
    return f" ON CONFLICT ({keys}) DO UPDATE SET {changed}"


def _type(column: Any) -> str:
    if isinstance(column.type, BigInteger):
        return "bigint"
    return "bytea" if isinstance(column.type, LargeBinary) else "text"
