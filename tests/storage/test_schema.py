import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

import papertape.storage.migrations
from golden.tapes import FOLDER, WORLD, Turn, read
from papertape.engine import World
from papertape.storage.engines import change_schema, open_engine
from papertape.storage.place import Place
from papertape.storage.schema import HEAD_REVISION, SchemaTooNewError, current_revision, migrate
from papertape.storage.tables import metadata, tape
from postgres_server import PostgresServer

TAPE = [column.name for column in tape.columns]


def test_a_new_database_is_brought_to_the_newest_revision(place: Place) -> None:
    engine = open_engine(place)
    migrate(engine, place)
    with engine.connect() as connection:
        assert current_revision(connection) == HEAD_REVISION
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_code(place: Place) -> None:
    engine = open_engine(place)
    migrate(engine, place)
    engine.dispose()
    engine = open_engine(place)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_on_postgresql_all_text_is_compared_by_its_bytes(postgres: PostgresServer) -> None:
    place = postgres.new_schema()
    engine = open_engine(place)
    migrate(engine, place)
    query = text(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = :name AND data_type = 'text'"
    )
    with engine.connect() as connection:
        found = connection.execute(query, {"name": place.name}).all()
    engine.dispose()
    assert {table for table, _, _ in found} == set(metadata.tables)
    assert {collation for _, _, collation in found} == {"C"}


def test_on_sqlite_tables_have_no_row_ids_and_a_partial_index(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine, tmp_path / "exchange.db")
    with engine.connect() as connection:
        made = connection.execute(text("SELECT name, sql FROM sqlite_master")).all()
    engine.dispose()
    ours = {name: sql for name, sql in made if name in metadata.tables}
    assert sorted(ours) == sorted(metadata.tables)
    assert all("WITHOUT ROWID" in sql for sql in ours.values())
    assert any("WHERE status IN" in (sql or "") for _, sql in made)


def test_the_newest_revision_of_the_folder_is_the_one_the_code_expects() -> None:
    folder = Path(papertape.storage.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD_REVISION


def test_a_database_of_a_newer_release_is_refused(place: Place) -> None:
    engine = open_engine(place)
    migrate(engine, place)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match="newer release"):
        migrate(engine, place)
    engine.dispose()


def test_opening_an_up_to_date_database_does_not_import_alembic(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine, tmp_path / "exchange.db")
    engine.dispose()
    script = """
import pathlib, sys
from papertape.storage.sqlite.storage import SqliteStorage
SqliteStorage(pathlib.Path(sys.argv[1])).close()
sys.exit("alembic" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path / "exchange.db")], check=False)
    assert ran.returncode == 0


@pytest.mark.parametrize(("file", "table"), [("risk_watch", "alerts"), ("risk", "checks")])
def test_risk_of_an_older_tape_is_there_after_the_upgrade(
    place: Place, file: str, table: str
) -> None:
    """A golden tape, in a database of the revision before, becomes what the engine makes of it."""
    tapes = [tape.turns for tape in read(FOLDER / "0.2.0" / f"{file}.jsonl.gz")]
    turns, wanted = max(((one, rows_of(one)) for one in tapes), key=lambda it: len(it[1][table]))
    assert len(wanted[table]) >= 3
    engine = open_engine(place)
    bring_to(engine, place, "0002")
    with engine.begin() as connection:
        connection.execute(
            tape.insert(), [dict(zip(TAPE, (WORLD, *turn, ""), strict=True)) for turn in turns]
        )
    migrate(engine, place)
    with engine.connect() as connection:
        for name, rows in wanted.items():
            found = connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY seq, i")
            assert [tuple(row)[1:] for row in found] == rows, name
    engine.dispose()


def rows_of(turns: list[Turn]) -> dict[str, list[tuple[Any, ...]]]:
    rows = World(WORLD).evolve(turns)
    return {"alerts": rows.alerts, "checks": rows.checks}


def bring_to(engine: Engine, place: Place, revision: str) -> None:
    """Lead a new database to an older revision."""
    config = Config()
    config.set_main_option(
        "script_location", str(Path(papertape.storage.migrations.__file__).parent)
    )
    config.set_main_option("path_separator", "os")
    alone = engine.begin() if isinstance(place, Path) else change_schema(engine, place)
    with alone as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
