"""Brings a database to the schema of this release; costs one SELECT when it is there already.

Alembic is imported only when there is something to do, because a start must be fast.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from papertape.storage.engines import change_schema
from papertape.storage.place import Place

HEAD_REVISION = "0004"
"""The newest file in `migrations/versions`; a test keeps the two equal."""


class SchemaTooNewError(Exception):
    """The database was written by a newer release than this one."""


def migrate(engine: Engine, place: Place) -> None:
    """Upgrade the database in place, in one transaction for each revision."""
    with engine.connect() as connection:
        found = current_revision(connection)
    if found == HEAD_REVISION:
        return
    if found is not None and found > HEAD_REVISION:
        raise SchemaTooNewError(
            f"the database has schema {found}, this release knows {HEAD_REVISION}: "
            "start it with the newer release that wrote it"
        )
    _upgrade(engine, place)


def current_revision(connection: Connection) -> str | None:
    """The revision the database stands at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _upgrade(engine: Engine, place: Place) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    # One floor at a time opens a file (lock.py); a database is open to all.
    alone = engine.begin() if isinstance(place, Path) else change_schema(engine, place)
    with alone as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
