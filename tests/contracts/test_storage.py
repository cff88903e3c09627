"""The storage port: every body must pass."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.storage_rows import (
    ALICE,
    SampleRows,
    account,
    alert,
    batch,
    check,
    equity,
    fill,
    line,
    order,
    position,
    turn,
)
from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import FencedError, ProjectionRefusedError, TapeBrokenError
from papertape.domain.tape import GENESIS_HASH, TapeHead, chain
from papertape.storage.bodies import open_storage as open_body
from papertape.storage.bodies import open_tape_reader
from papertape.storage.engines import open_engine
from papertape.storage.place import Place
from papertape.storage.sqlite.tape_reader import TAIL_CHUNK
from papertape.storage.tables import PROJECTIONS

Open = Callable[[], Any]


@pytest.fixture
def open_storage(place: Place) -> Iterator[Open]:
    """Opens the same database as often as it is called."""
    opened = []

    def opener() -> Any:
        opened.append(open_body(place))
        return opened[-1]

    yield opener
    for storage in opened:
        storage.close()


def test_a_new_world_starts_at_the_genesis_hash(open_storage: Open) -> None:
    assert open_storage().take_over("main", "here") == TapeHead(1, 0, GENESIS_HASH)


def test_what_was_committed_is_read_back_by_another_connection(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "here")
    end = storage.commit("main", head, batch(1, 3))
    expected = chain(GENESIS_HASH, "main", [turn(1), turn(2), turn(3)])
    assert end == TapeHead(1, 3, expected[-1].hash)
    other = open_storage()
    assert list(other.tail("main", 0)) == expected
    assert list(other.tail("main", 2)) == expected[2:]
    assert other.row("main", 2) == expected[1]
    assert other.row("main", 4) is None
    assert other.take_over("main", "there") == TapeHead(2, 3, expected[-1].hash)


def test_a_long_tail_is_read_whole_across_its_chunks(open_storage: Open) -> None:
    storage = open_storage()
    storage.commit("main", storage.take_over("main", ""), batch(1, 2 * TAIL_CHUNK))
    assert [row.seq for row in storage.tail("main", 5)] == list(range(6, 2 * TAIL_CHUNK + 1))


def test_worlds_are_strangers(open_storage: Open) -> None:
    storage = open_storage()
    main = storage.take_over("main", "")
    other = storage.take_over("other", "")
    storage.commit("main", main, batch(1, 2, SampleRows(accounts=[account(2)])))
    assert list(storage.tail("other", 0)) == []
    storage.commit("other", other, batch(1, 1, SampleRows(accounts=[account(1, "5.00")])))
    heads = [storage.head(world) for world in ("main", "other")]
    assert [head.seq for head in heads if head is not None] == [2, 1]


def test_a_writer_that_was_taken_over_from_is_fenced(open_storage: Open) -> None:
    old, new = open_storage(), open_storage()
    stale = old.take_over("main", "old")
    fresh = new.take_over("main", "new")
    with pytest.raises(FencedError, match="took over"):
        old.commit("main", stale, batch(1))
    assert list(new.tail("main", 0)) == []
    assert new.commit("main", fresh, batch(1)).seq == 1


def test_a_batch_behind_another_head_than_the_present_one_is_fenced(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    storage.commit("main", head, Batch([], [], MarketState(1, 1, b"")))
    end = storage.commit("main", head, batch(1))
    with pytest.raises((FencedError, ProjectionRefusedError)):
        storage.commit("main", head, batch(1))
    with pytest.raises(FencedError):
        storage.commit("main", head, Batch([], []))
    assert storage.commit("main", end, batch(2)).seq == 2
    assert [row.seq for row in storage.tail("main", 0)] == [1, 2]


@pytest.mark.parametrize("seqs", [[2], [1, 3], [1, 1], [0]])
def test_turns_with_a_gap_are_never_written(open_storage: Open, seqs: list[int]) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    with pytest.raises(TapeBrokenError):
        storage.commit("main", head, Batch([turn(seq) for seq in seqs], []))
    assert list(storage.tail("main", 0)) == []
    assert storage.commit("main", head, batch(1)).seq == 1


def test_a_request_id_makes_one_order_and_a_refused_batch_leaves_nothing(
    open_storage: Open,
) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    head = storage.commit("main", head, batch(1, 1, SampleRows(orders=[order(1, 1)])))
    twice = SampleRows(orders=[order(2, 2, client_order_id="request-1")], accounts=[account(2)])
    with pytest.raises(ProjectionRefusedError):
        storage.commit("main", head, batch(2, 1, twice))
    assert storage.row("main", 2) is None
    assert storage.order_count("main", ALICE, 10) == 1
    assert storage.commit("main", head, batch(2)).seq == 2


def test_a_latest_row_replaces_the_one_before(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    head = storage.commit("main", head, batch(1, 1, SampleRows(orders=[order(1, 1)])))
    storage.commit("main", head, batch(2, 1, SampleRows(orders=[order(1, 2, "canceled")])))
    known = storage.known_order("main", ALICE, "request-1")
    assert b'"status":"canceled"' in known
    assert b'"as_of_seq":2' in known
    assert storage.known_order("main", ALICE, "request-2") is None


def test_rows_of_one_batch_are_written_in_their_order(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    parts = [SampleRows(orders=[order(1, 1)]), SampleRows(orders=[order(1, 2, "filled")])]
    storage.commit("main", head, Batch([turn(1), turn(2)], parts))
    assert b'"status":"filled"' in storage.known_order("main", ALICE, "request-1")


def test_the_market_state_comes_with_a_batch_or_alone(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    assert storage.market_state("main") is None
    first = MarketState(10, 1, b"\x00\xff first")
    head = storage.commit("main", head, Batch([turn(1)], [], first))
    assert storage.market_state("main") == first
    second = MarketState(20, 2, b"second")
    assert storage.commit("main", head, Batch([], [], second)) == head
    assert open_storage().market_state("main") == second


def test_what_was_committed_survives_closing(open_storage: Open) -> None:
    storage = open_storage()
    storage.commit("main", storage.take_over("main", ""), batch(1))
    storage.close()
    assert [row.seq for row in open_storage().tail("main", 0)] == [1]


def test_a_value_that_fits_no_column_is_refused_and_leaves_nothing(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    for wrong in (None, "\ud800"):
        rows = SampleRows(accounts=[account(1, cash=wrong)])  # type: ignore[arg-type]
        with pytest.raises((ProjectionRefusedError, UnicodeEncodeError)):
            storage.commit("main", head, batch(1, 1, rows))
    assert storage.row("main", 1) is None
    assert storage.commit("main", head, batch(1)).seq == 1


def test_every_table_keeps_what_it_was_given(open_storage: Open, place: Place) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    rows = SampleRows(
        accounts=[account(1, account_id="zoe"), account(1), account(1, account_id="Zoe")],
        positions=[position(1), position(1, "2")],
        orders=[order(1, 1), order(2, 1)],
        fills=[fill(1, 1), fill(2, 1, 2)],
        ledger=[line(1, 1, "1.00"), line(1, 2, "-1.00")],
        equity=[equity(1, 1), equity(1, 1, "5.00"), equity(1, 2)],
        alerts=[alert(1)],
        checks=[check(1)],
    )
    storage.commit("main", head, batch(1, 1, rows))
    with closing(open_tape_reader(place)) as reader, reader.one_moment():
        kept = {table.name: list(reader.rows(table)) for table in PROJECTIONS}
    assert kept == {
        # Text is in the order of its bytes: digits, capitals, small letters.
        "accounts": [("main", *row) for row in (rows.accounts[1], *rows.accounts[::-2])],
        "positions": [("main", *rows.positions[1])],
        "orders": [("main", *row) for row in rows.orders],
        "fills": [("main", *row) for row in rows.fills],
        "ledger": [("main", *row) for row in rows.ledger],
        "equity": [("main", *row) for row in rows.equity[1:]],
        "alerts": [("main", *rows.alerts[0])],
        "checks": [("main", *rows.checks[0])],
    }


def test_orders_of_an_account_are_counted_up_to_a_bound(open_storage: Open) -> None:
    storage = open_storage()
    head = storage.take_over("main", "")
    storage.commit("main", head, batch(1, 1, SampleRows(orders=[order(1, 1), order(2, 1)])))
    assert storage.order_count("main", ALICE, 10) == 2
    assert storage.order_count("main", ALICE, 1) == 1
    assert storage.order_count("main", "zoe", 10) == 0


# --- the reader beside the writer -----------------------------------------------------------------


def test_a_reader_knows_worlds_and_head_and_may_not_write(open_storage: Open, place: Place) -> None:
    storage = open_storage()
    storage.take_over("other", "")
    end = storage.commit("main", storage.take_over("main", ""), batch(1))
    with closing(open_tape_reader(place)) as reader:
        assert reader.is_ready()
        assert reader.worlds() == ["main", "other"]
        assert reader.head("main") == end
        assert [row.seq for row in reader.tail("main", 0)] == [1]
        assert reader.damage() == []
    engine = open_engine(place, query_only=True)
    with pytest.raises(DBAPIError, match=r"read-?only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM tape"))
    engine.dispose()
    assert storage.row("main", 1) is not None


def test_before_the_first_start_a_reader_says_that_nothing_is_there(place: Place) -> None:
    with closing(open_tape_reader(place)) as reader:
        assert not reader.is_ready()
        assert reader.revision() is None


def test_one_moment_does_not_see_what_is_committed_meanwhile(
    open_storage: Open, place: Place
) -> None:
    storage = open_storage()
    head = storage.commit("main", storage.take_over("main", ""), batch(1))
    with closing(open_tape_reader(place)) as reader:
        with reader.one_moment():
            assert reader.head("main") == head
            storage.commit("main", head, batch(2))
            assert reader.head("main") == head
            assert [row.seq for row in reader.tail("main", 0)] == [1]
        assert [row.seq for row in reader.tail("main", 0)] == [1, 2]
