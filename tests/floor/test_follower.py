from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from floor.small_exchange import HandClock, SmallExchange, buy, open_account, value
from papertape.domain.errors import TapeBrokenError
from papertape.domain.tape import GENESIS_HASH, turn_hash
from papertape.floor.follower import Follower
from papertape.floor.loading import load_world
from papertape.storage.snapshots import SnapshotFolder
from papertape.storage.sqlite.tape_reader import TapeReader


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[SmallExchange]:
    opened = SmallExchange(tmp_path)
    opened.ask(open_account())
    yield opened
    opened.close()


@pytest.fixture
def reader(exchange: SmallExchange, tmp_path: Path) -> Iterator[TapeReader]:
    with closing(TapeReader(tmp_path / "exchange.db")) as opened:
        yield opened


def trade(exchange: SmallExchange, first: int, count: int = 10) -> None:
    exchange.ask(*[buy(f"order-{number}", qty="1") for number in range(first, first + count)])


def test_a_snapshot_is_written_when_enough_turns_have_passed(
    exchange: SmallExchange, reader: TapeReader
) -> None:
    follower = Follower("main", reader, exchange.snapshots, turns_between=25)
    written = []
    for start in range(0, 60, 10):
        trade(exchange, start)
        follower.catch_up()
        written += [path.name for path in exchange.snapshots.files() if path.name not in written]
    assert len(written) == 2
    assert written == sorted(written)


def test_a_world_is_loaded_from_its_snapshot_and_the_tail(
    exchange: SmallExchange, reader: TapeReader
) -> None:
    trade(exchange, 0)
    Follower("main", reader, exchange.snapshots, turns_between=1).catch_up()
    trade(exchange, 10)
    head = reader.head("main")
    assert head is not None
    short = load_world("main", head, reader, exchange.snapshots)
    long = load_world("main", head, reader, SnapshotFolder(Path("nowhere")))
    assert short.snapshot_seq > long.snapshot_seq == 0
    assert short.hash == long.hash == head.hash
    assert short.world.state_hash() == long.world.state_hash()


def test_a_floor_starts_from_a_snapshot_with_all_it_knew(
    exchange: SmallExchange, reader: TapeReader, tmp_path: Path
) -> None:
    trade(exchange, 0)
    Follower("main", reader, exchange.snapshots, turns_between=1).catch_up()
    trade(exchange, 10)
    before = exchange.ask_one(value())[1]
    exchange.close()
    again = SmallExchange(tmp_path, clock=exchange.clock)
    after = again.ask_one(value())[1]
    assert after["account"]["cash"] == before["account"]["cash"]
    assert after["positions"][0]["qty"] == "20"
    assert again.ask_one(buy("order-3", qty="1"))[0] == "existing"
    again.close()


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(
    exchange: SmallExchange, reader: TapeReader
) -> None:
    follower = Follower("main", reader, exchange.snapshots, turns_between=1)
    trade(exchange, 0)
    follower.catch_up()
    trade(exchange, 10)
    follower.catch_up()
    newest, older = exchange.snapshots.files("main")
    newest.write_bytes(newest.read_bytes()[:-1])
    head = reader.head("main")
    assert head is not None
    loaded = load_world("main", head, reader, exchange.snapshots)
    assert f"{loaded.snapshot_seq:012d}" in older.name
    assert loaded.world.seq == head.seq


def test_a_snapshot_of_another_tape_is_not_used(
    exchange: SmallExchange, reader: TapeReader, tmp_path: Path
) -> None:
    trade(exchange, 0)
    Follower("main", reader, exchange.snapshots, turns_between=1).catch_up()
    other = SmallExchange(tmp_path / "other", clock=HandClock())
    other.ask(open_account(cash="5.00"))
    trade(other, 0)
    head = other.storage.head("main")
    assert head is not None
    assert load_world("main", head, other.storage, exchange.snapshots).snapshot_seq == 0
    other.close()


def test_a_state_that_differs_from_the_floors_checkpoint_stops_the_follower(
    exchange: SmallExchange, reader: TapeReader
) -> None:
    trade(exchange, 0)
    exchange.loop.end()
    rewrite_last_body(exchange, lambda body: body.replace('"state_hash":"', '"state_hash":"f'))
    with pytest.raises(TapeBrokenError, match=r"checkpoint"):
        Follower("main", reader, exchange.snapshots, turns_between=1).catch_up()
    assert exchange.snapshots.files() == []


def rewrite_last_body(exchange: SmallExchange, change: object) -> None:
    """Change the last turn and hash it again, as only a wrong floor could."""
    connection = exchange.storage._inner._connection
    *_, before, last = [None, *exchange.storage.tail("main", 0)]
    assert last is not None
    body = change(last.body)  # type: ignore[operator]
    new_hash = turn_hash(before.hash if before else GENESIS_HASH, "main", (*last.turn[:3], body))
    connection.execute(
        "UPDATE tape SET body = ?, hash = ? WHERE seq = ?", (body, new_hash, last.seq)
    )
    connection.execute("UPDATE world_head SET hash = ?", (new_hash,))


def test_a_follower_sees_one_moment_of_a_tape_that_grows(
    exchange: SmallExchange, reader: TapeReader
) -> None:
    with reader.one_moment():
        head = reader.head("main")
        trade(exchange, 0)
        assert head is not None
        assert load_world("main", head, reader, exchange.snapshots).world.seq == head.seq
    assert reader.head("main") != head


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE tape SET time_ns = time_ns + 1 WHERE seq = 5", "tape"),
        ("DELETE FROM tape WHERE seq = 5", "tape"),
        ("DELETE FROM tape WHERE seq = (SELECT max(seq) FROM tape)", "world_head"),
        ("UPDATE world_head SET hash = 'ff'", "world_head"),
    ],
)
def test_a_floor_refuses_to_start_on_a_broken_tape_and_says_where(
    exchange: SmallExchange, tmp_path: Path, statement: str, table: str
) -> None:
    trade(exchange, 0)
    exchange.storage._inner._connection.execute(statement)
    exchange.close()
    with pytest.raises(TapeBrokenError, match=r"world 'main', seq \d+, table") as broken:
        SmallExchange(tmp_path)
    assert broken.value.table == table
