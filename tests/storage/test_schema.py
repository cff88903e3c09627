import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import papertape.storage.migrations
from papertape.storage.schema import HEAD_REVISION, SchemaTooNewError, current_revision, migrate
from papertape.storage.sqlite.connection import open_engine
from papertape.storage.tables import metadata


def test_a_new_database_is_brought_to_the_newest_revision(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine)
    with engine.connect() as connection:
        assert current_revision(connection) == HEAD_REVISION
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        made = connection.execute(text("SELECT name, sql FROM sqlite_master")).all()
    engine.dispose()
    ours = {name: sql for name, sql in made if name in metadata.tables}
    assert sorted(ours) == sorted(metadata.tables)
    assert all("WITHOUT ROWID" in sql for sql in ours.values())
    assert any("WHERE status IN" in (sql or "") for _, sql in made)


def test_the_newest_revision_of_the_folder_is_the_one_the_code_expects() -> None:
    folder = Path(papertape.storage.migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD_REVISION


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match="newer release"):
        migrate(engine)
    engine.dispose()


def test_opening_an_up_to_date_database_does_not_import_alembic(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine)
    engine.dispose()
    script = """
import pathlib, sys
from papertape.storage.sqlite.storage import SqliteStorage
SqliteStorage(pathlib.Path(sys.argv[1])).close()
sys.exit("alembic" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path / "exchange.db")], check=False)
    assert ran.returncode == 0
