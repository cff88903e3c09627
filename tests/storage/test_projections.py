"""Rows are written as the engine made them, each under the name of its world."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from floor.small_exchange import ALICE, LISTING, START_NS, open_account
from papertape.engine import World
from papertape.storage.engines import open_engine
from papertape.storage.projections import ProjectionWriter
from papertape.storage.schema import migrate
from papertape.storage.tables import accounts

NAMES = ("main", "o'hara", "'; DROP TABLE accounts; --")


def test_rows_of_several_worlds_keep_apart_whatever_the_names_are(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "exchange.db")
    migrate(engine, tmp_path / "exchange.db")
    world = World("main")
    rows = world.apply([(START_NS, command) for command in (*LISTING, open_account())]).rows
    writer = ProjectionWriter(engine.dialect)
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        for name in NAMES:
            writer.write(cursor, name, rows)
            writer.write(cursor, name, world.apply([]).rows)
    with engine.connect() as connection:
        found = connection.execute(select(accounts).order_by(accounts.c.world)).all()
    assert [tuple(row) for row in found] == [(name, *rows.accounts[0]) for name in sorted(NAMES)]
    assert {row[1] for row in found} == {ALICE}
    engine.dispose()
