"""Queries compiled once answer as SQLAlchemy itself does, and say when nothing is there."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Select, bindparam, select

from papertape.domain.errors import StorageUnavailableError
from papertape.storage.engines import open_engine
from papertape.storage.place import Place
from papertape.storage.query_texts import QueryTexts
from papertape.storage.schema import migrate
from papertape.storage.tables import world_head

HEADS = [
    {"world": name, "epoch": number, "seq": number * 10, "hash": "0" * 64, "address": "here"}
    for number, name in enumerate(("asia", "main", "race"), 1)
]


def heads() -> Select[Any]:
    since = world_head.c.seq >= bindparam("seq")
    query = select(world_head).where(since).order_by(world_head.c.world)
    return query.limit(bindparam("most"))


def filled(place: Place) -> Engine:
    engine = open_engine(place)
    migrate(engine, place)
    with engine.begin() as connection:
        connection.execute(world_head.insert(), HEADS)
    return engine


def test_rows_are_those_of_the_query_for_any_values(place: Place) -> None:
    engine = filled(place)
    texts = QueryTexts(engine)
    for values in ({"seq": 0, "most": 2}, {"seq": 15, "most": 9}, {"seq": 31, "most": 9}):
        with engine.connect() as connection:
            wanted = [dict(row) for row in connection.execute(heads(), values).mappings()]
        assert texts.rows("heads", heads, values) == wanted
    engine.dispose()


def test_a_query_is_built_once_for_its_key(place: Place) -> None:
    engine = filled(place)
    texts = QueryTexts(engine)
    built = []

    def build() -> Select[Any]:
        built.append(1)
        return heads()

    found = [texts.rows("heads", build, {"seq": seq, "most": 1}) for seq in (10, 20)]
    assert [rows[0]["world"] for rows in found] == ["asia", "main"]
    assert len(built) == 1
    engine.dispose()


def test_what_was_committed_since_is_seen(place: Place) -> None:
    engine = filled(place)
    texts = QueryTexts(engine)
    texts.rows("heads", heads, {"seq": 0, "most": 9})
    with engine.begin() as connection:
        connection.execute(world_head.update().values(seq=77))
    assert {row["seq"] for row in texts.rows("heads", heads, {"seq": 0, "most": 9})} == {77}
    engine.dispose()


def test_a_file_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    texts = QueryTexts(open_engine(tmp_path / "not there" / "exchange.db"))
    with pytest.raises(StorageUnavailableError, match="unable to open"):
        texts.rows("heads", heads, {"seq": 0, "most": 1})


def test_a_table_that_is_not_there_is_no_file_that_is_away(tmp_path: Path) -> None:
    texts = QueryTexts(open_engine(tmp_path / "exchange.db"))
    with pytest.raises(Exception, match="no such table") as raised:
        texts.rows("heads", heads, {"seq": 0, "most": 1})
    assert not isinstance(raised.value, StorageUnavailableError)
