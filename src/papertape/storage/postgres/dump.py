"""Schemas of PostgreSQL as files of a backup, and back: definitions from the catalog, rows by COPY.

All schemas are read in one transaction that sees one moment, whoever writes meanwhile. Rows are CSV
with a line of names, in the order of their columns, so any later PostgreSQL reads them. The way
back is one transaction: everything is there afterwards, or nothing.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from papertape.domain.errors import StorageUnavailableError
from papertape.domain.tape import GENESIS_HASH
from papertape.storage.place import PostgresSchema
from papertape.storage.postgres.engine import quoted
from papertape.storage.postgres.session import LOST, Connection, connect

DEFINITIONS: Final = "schemas.json"
_ONE_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SETTINGS: Final = {
    "client_encoding": "UTF8",
    "search_path": "",  # so that definitions name their schema
    "application_name": "papertape backup",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

T = TypeVar("T")


class DumpRefusedError(Exception):
    """Nothing was dumped or loaded; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table: its columns by name, what makes it, and what is added once its rows are there."""

    name: str
    columns: list[str]
    made_by: str
    added: list[str]

    @classmethod
    def of(cls, told: Any) -> Self:
        """A table as the file of definitions has it."""
        return cls(**told)


def dump(schemas: Sequence[PostgresSchema], folder: Path) -> dict[str, dict[str, Any]]:
    """Write all schemas, which lie in one database, into a new folder; the heads of their worlds.

    Raises `StorageUnavailableError`, and `DumpRefusedError` where a head is not its tape's end or a
    schema has no tables.
    """

    async def work(connection: Connection) -> dict[str, dict[str, Any]]:
        await connection.execute(_ONE_MOMENT)
        found = {schema.name: await _tables(connection, schema.name) for schema in schemas}
        for schema, tables in zip(schemas, found.values(), strict=True):
            if not tables:
                raise DumpRefusedError(f"the {schema} has no tables; is it that of a product?")
            await _write_rows(connection, schema.name, tables, folder / schema.name)
        told = {name: [asdict(table) for table in tables] for name, tables in found.items()}
        (folder / DEFINITIONS).write_text(json.dumps(told, indent=1))
        return await _heads(connection, found)

    for place in (folder, *(folder / schema.name for schema in schemas)):
        place.mkdir(mode=0o700)
    return _run(schemas[0], work)


def load(schemas: Sequence[PostgresSchema], folder: Path) -> None:
    """Make schemas, of which none has a table yet, from what `dump` wrote.

    Raises `StorageUnavailableError` and `DumpRefusedError`; the database is then as before.
    """
    told = json.loads((folder / DEFINITIONS).read_text())
    found = {name: [*map(TableDefinition.of, tables)] for name, tables in told.items()}

    async def work(connection: Connection) -> None:
        async with connection.transaction():
            for schema in schemas:
                await _load(connection, schema, found[schema.name], folder / schema.name)

    _run(schemas[0], work)


# --- what the catalog knows ----------------------------------------------------------------------


async def _tables(connection: Connection, schema: str) -> list[TableDefinition]:
    """The tables of a schema, so that each comes behind those that it refers to."""
    found = await connection.fetch(_TABLES, quoted(schema))
    references = await connection.fetch(_REFERENCES, quoted(schema))
    needs = {name: {to for to, of in references if of == name} - {name} for (name,) in found}
    ordered: list[str] = []
    while needs:
        ready = [name for name, others in needs.items() if others <= {*ordered}]
        if not ready:
            raise DumpRefusedError(f"tables of schema {schema} refer to each other: {[*needs]}")
        ordered += ready
        needs = {name: others for name, others in needs.items() if name not in ready}
    return [await _definition(connection, schema, name) for name in ordered]


async def _definition(connection: Connection, schema: str, name: str) -> TableDefinition:
    table = f"{quoted(schema)}.{quoted(name)}"
    columns = await connection.fetch(_COLUMNS, table)
    body = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns)
    constraints = [
        f"ALTER TABLE {table} ADD CONSTRAINT {quoted(constraint)} {definition}"
        for constraint, definition in await connection.fetch(_CONSTRAINTS, table)
    ]
    indexes = [definition for (definition,) in await connection.fetch(_INDEXES, table)]
    made_by = f"CREATE TABLE {table} ({body})"
    return TableDefinition(name, [column for column, _ in columns], made_by, constraints + indexes)


async def _heads(
    connection: Connection, found: dict[str, list[TableDefinition]]
) -> dict[str, dict[str, Any]]:
    """The heads of all worlds; raises `DumpRefusedError` where one is not its tape's end."""
    heads: dict[str, dict[str, Any]] = {}
    for schema in (name for name, tables in found.items() if _has_worlds(tables)):
        for world, seq, head_hash in await connection.fetch(_HEADS.format(quoted(schema))):
            end = await connection.fetchrow(_END.format(quoted(schema)), world)
            if tuple(end or (0, GENESIS_HASH)) != (seq, head_hash):
                raise DumpRefusedError(
                    f"world {world}: the tape ends at {end[0] if end else 0}, its head says {seq}; "
                    "stop the product and run `papertape verify`"
                )
            heads[world] = {"seq": seq, "hash": head_hash}
    return heads


def _has_worlds(tables: list[TableDefinition]) -> bool:
    return any(table.name == "world_head" for table in tables)


# --- rows ----------------------------------------------------------------------------------------


async def _write_rows(
    connection: Connection, schema: str, tables: list[TableDefinition], folder: Path
) -> None:
    for table in tables:
        columns = ", ".join(map(quoted, table.columns))
        query = f"SELECT {columns} FROM {quoted(schema)}.{quoted(table.name)}"  # noqa: S608
        await connection.copy_from_query(
            query, output=_file(folder, table), format="csv", header=True
        )


async def _load(
    connection: Connection, schema: PostgresSchema, tables: list[TableDefinition], folder: Path
) -> None:
    await _require_empty(connection, schema)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema.name)}")
    for table in tables:
        await connection.execute(table.made_by)
        await connection.copy_to_table(
            table.name,
            schema_name=schema.name,
            columns=table.columns,
            source=_file(folder, table),
            format="csv",
            header=True,
        )
        for statement in table.added:
            await connection.execute(statement)
        await connection.execute(f"ANALYZE {quoted(schema.name)}.{quoted(table.name)}")


async def _require_empty(connection: Connection, schema: PostgresSchema) -> None:
    found = await connection.fetch(_TABLES, quoted(schema.name))
    if found:
        raise DumpRefusedError(
            f"the {schema} has tables already ({found[0][0]}, ...): a product may run on it; "
            "give a --database-url of an empty database"
        )


def _file(folder: Path, table: TableDefinition) -> Path:
    return folder / f"{table.name}.csv"


def _run(schema: PostgresSchema, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    async def connected() -> T:
        connection = await connect(schema.url, _SETTINGS, statement_s=None)
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=1.0)

    try:
        return asyncio.run(connected())
    except LOST as error:
        why = str(error) or type(error).__name__
        raise StorageUnavailableError(f"{schema}: {why}") from error


_TABLES = (
    "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace($1) "
    "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
)
_REFERENCES = (
    "SELECT other.relname::text, c.relname::text FROM pg_constraint k "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class other ON other.oid = k.confrelid "
    "WHERE c.relnamespace = to_regnamespace($1) AND k.contype = 'f'"
)
_COLUMNS = (
    "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) "
    "|| CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || quote_ident(co.collname) "
    "ELSE '' END "
    "|| CASE WHEN d.adbin IS NULL THEN '' ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END "
    "|| CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END "
    "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_collation co ON co.oid = a.attcollation "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_CONSTRAINTS = (
    "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = to_regclass($1) AND contype IN ('p', 'u', 'c', 'f') "
    "ORDER BY position(contype::text IN 'pucf'), conname"
)
_INDEXES = (
    "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = to_regclass($1) "
    "AND NOT EXISTS "
    "(SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) "
    "ORDER BY 1"
)
_HEADS = "SELECT world, seq, hash FROM {}.world_head ORDER BY world"
_END = "SELECT seq, hash FROM {}.tape WHERE world = $1 ORDER BY seq DESC LIMIT 1"
