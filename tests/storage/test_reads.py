from collections.abc import Iterator
from itertools import product

import pytest

from contracts.storage_rows import (
    ALICE,
    ORDER,
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
)
from papertape.domain.time_text import parse_time
from papertape.storage.bodies import open_storage
from papertape.storage.place import Place
from papertape.storage.reads import Reads
from papertape.storage.spans import Span, Spans
from papertape.storage.tables import OPEN_STATUSES

OPEN_ORDERS = (
    "SELECT * FROM orders WHERE world = 'main' AND account_id = 'x' "
    "AND status IN ('pending_new', 'new', 'partially_filled', 'held') "
    "ORDER BY number DESC LIMIT 5"
)
STATUSES = ["filled", "new", "partially_filled", "canceled", "rejected", "held"]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with a little of everything, for tests that only read."""
    place: Place = tmp_path_factory.mktemp("reads") / "exchange.db"
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").new_schema()
    storage = open_storage(place)
    rows = SampleRows(
        accounts=[account(7), account(2, account_id="second")],
        positions=[position(5), (ALICE, "TSLA", "0", None, "0.00", "3.00", "", 4)],
        orders=[order(n, n, status) for n, status in enumerate(STATUSES, 1)],
        fills=[fill(1, 3), fill(2, 3, 2), fill(3, 5)],
        ledger=[line(1, 0, "100000.00"), line(1, 1, "-100000.00"), line(3, 0, "-190.50")],
        equity=[equity(1, 1), equity(5, 2, "99999.00")],
    )
    storage.commit("main", storage.take_over("main", ""), batch(1, 8, rows))
    storage.commit(
        "other", storage.take_over("other", ""), batch(1, 1, SampleRows(orders=[order(9, 1)]))
    )
    storage.close()
    return place


@pytest.fixture
def reads(kept: Place) -> Iterator[Reads]:
    with Reads(kept, "main") as opened:
        yield opened


def test_an_order_has_the_shape_of_the_wire(reads: Reads) -> None:
    assert reads.order(ORDER.format(2)) == {
        "id": ORDER.format(2),
        "account_id": ALICE,
        "client_order_id": "request-2",
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "limit_price": "190.50",
        "stop_price": None,
        "status": "new",
        "reason": None,
        "created_at": "1970-01-01T00:00:00.000002000Z",
        "updated_at": "1970-01-01T00:00:00.000002000Z",
        "as_of_seq": 8,
    }
    assert reads.order_by_client_id(ALICE, "request-2") == reads.order(ORDER.format(2))


def test_further_members_stand_among_the_others(place: Place) -> None:
    storage = open_storage(place)
    trailing = order(1, 1, details='{"trail_percent":"1.5","legs":["a"]}')
    explained = (*fill(1, 1)[:12], '{"queue_ahead":"5"}', 1, 1, 0)
    rows = SampleRows(orders=[trailing], fills=[explained])
    storage.commit("main", storage.take_over("main", ""), batch(1, 1, rows))
    storage.close()
    with Reads(place, "main") as opened:
        found = opened.order(ORDER.format(1))
        assert found is not None
        assert list(found)[13:18] == ["reason", "trail_percent", "legs", "created_at", "updated_at"]
        assert opened.fills(ALICE).items[0]["receipt"] == {"queue_ahead": "5"}


def test_what_is_not_in_this_world_is_none(reads: Reads) -> None:
    assert reads.order(ORDER.format(9)) is None
    assert reads.order("") is None
    assert reads.order_by_client_id("stranger", "request-2") is None
    assert reads.account("stranger") is None
    assert reads.orders("stranger", "all").items == []


def test_accounts_are_found_by_id_and_owner(reads: Reads) -> None:
    found = reads.account(ALICE)
    assert found is not None
    assert (found["id"], found["cash"], found["status"]) == (ALICE, "100000.00", "active")
    assert found["as_of_seq"] == 8
    assert [item["id"] for item in reads.accounts("owner-1")] == [ALICE, "second"]
    assert reads.accounts("owner-2") == []


@pytest.mark.parametrize(
    ("status", "numbers"),
    [("open", [6, 3, 2]), ("closed", [5, 4, 1]), ("all", [6, 5, 4, 3, 2, 1])],
)
def test_orders_are_filtered_and_newest_first(
    reads: Reads, status: str, numbers: list[int]
) -> None:
    page = reads.orders(ALICE, status)
    assert [item["id"] for item in page.items] == [ORDER.format(number) for number in numbers]
    assert page.next_cursor is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
def test_pages_join_to_the_whole_list(reads: Reads, limit: int) -> None:
    whole = reads.orders(ALICE, "all").items
    page = reads.orders(ALICE, "all", limit)
    joined = list(page.items)
    while page.next_cursor:
        assert len(page.items) == limit
        page = reads.orders(ALICE, "all", limit, page.next_cursor)
        joined += page.items
    assert joined == whole


def test_fills_of_one_turn_are_split_between_pages_without_loss(reads: Reads) -> None:
    first = reads.fills(ALICE, 2)
    rest = reads.fills(ALICE, 2, first.next_cursor)
    assert [item["id"][-1] for item in first.items + rest.items] == ["3", "2", "1"]
    assert first.items[0]["time"] == "1970-01-01T00:00:00.000005000Z"
    assert list(first.items[0])[-3:] == ["realized_pl", "time", "seq"]


def test_ledger_lines_and_equity_points_are_listed_newest_first(reads: Reads) -> None:
    lines = reads.ledger(ALICE).items
    assert [(item["seq"], item["line"], item["amount"]) for item in lines] == [
        (3, 0, "-190.50"),
        (1, 1, "-100000.00"),
        (1, 0, "100000.00"),
    ]
    points = reads.equity(ALICE).items
    assert [(item["time"][:16], item["equity"]) for item in points] == [
        ("1970-01-01T00:02", "99999.00"),
        ("1970-01-01T00:01", "100000.00"),
    ]


def test_flat_positions_are_not_listed(reads: Reads) -> None:
    assert [item["symbol"] for item in reads.positions(ALICE)] == ["AAPL"]


@pytest.mark.parametrize(
    "cursor", ["", "!", "bm8", "WzFd", "W3RydWVd", "ÿ", "WzEsMiwzXQ", "a" * 99]
)
def test_a_cursor_that_is_not_ours_is_refused(reads: Reads, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        reads.fills(ALICE, 10, cursor)


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_limit_out_of_range_is_refused(reads: Reads, limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        reads.orders(ALICE, "all", limit)


def test_an_unknown_status_is_refused(reads: Reads) -> None:
    with pytest.raises(ValueError, match="status"):
        reads.orders(ALICE, "filled")


def test_open_orders_are_found_through_their_own_small_index(reads: Reads) -> None:
    with reads._engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # it has but few rows
            plan = connection.exec_driver_sql(f"EXPLAIN {OPEN_ORDERS}").all()
            assert "Index Scan Backward using orders_open" in str(plan)
            assert "Sort" not in str(plan)
            return
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {OPEN_ORDERS}").all()
    assert "orders_open" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_alerts_and_checks_have_the_shape_of_the_wire(place: Place) -> None:
    storage = open_storage(place)
    rows = SampleRows(
        alerts=[alert(1), alert(2, account_id="second"), alert(3, 4, details='{"due":"soon"}')],
        checks=[check(1), check(2, "failed", kind="replace"), check(3, account_id="second")],
    )
    storage.commit("main", storage.take_over("main", ""), batch(1, 3, rows))
    storage.close()
    with Reads(place, "main") as reads:
        newest = reads.alerts([ALICE, "second"], limit=1)
        assert [one["id"] for one in newest.items] == ["3-4"]
        rest = reads.alerts([ALICE, "second"], cursor=newest.next_cursor)
        assert [one["id"] for one in rest.items] == ["2-1", "1-1"]
        assert reads.alert("3-4") == {
            "id": "3-4",
            "account_id": ALICE,
            "kind": "margin_called",
            "level": "hard",
            "measure": "margin",
            "value": "900.00",
            "limit": "1000.00",
            "order_id": None,
            "symbol": None,
            "due": "soon",
            "time": "1970-01-01T00:00:00.000003000Z",
            "seq": 3,
        }
        assert [reads.alert(one) for one in ("9-1", "x", "1", "-1", "1-" + "9" * 40)] == [None] * 5
        (failed,) = reads.checks([ALICE], outcome="failed").items
        told = [failed[name] for name in ("kind", "reason", "value", "limit")]
        assert told == ["replace", "order_size_limit", "101", "100"]
        (passed,) = reads.checks([ALICE], order_id=ORDER.format(1)).items
        assert (passed["policy"], passed["checks"], passed["outcome"]) == (2, 23, "passed")
        assert reads.checks(["second"], order_id=ORDER.format(1)).items == []


# --- lists by time --------------------------------------------------------------------------------


def test_lists_by_time_are_what_their_filters_leave(reads: Reads) -> None:
    """Every filter of orders with every other one, held against the whole list."""
    spans = Spans(reads)
    every = spans.orders(ALICE, Span(), newest_first=False)
    assert [one["status"] for one in every] == STATUSES
    times = {one["id"]: parse_time(one["created_at"]) for one in every}
    spans_of = [Span(), Span(after_ns=2), Span(before_ns=5), Span(after_ns=1, before_ns=6)]
    choices = product(
        spans_of,
        ("all", "open", "closed"),
        ((), ("AAPL",), ("AAPL", "TSLA", "MSFT"), ("TSLA",)),
        (None, "buy", "sell"),
        (True, False),
        (500, 2),
    )
    for span, status, symbols, side, newest_first, limit in choices:
        wanted = [
            one
            for one in every
            if (span.after_ns is None or times[one["id"]] > span.after_ns)
            and (span.before_ns is None or times[one["id"]] < span.before_ns)
            and (status == "all" or (one["status"] in OPEN_STATUSES) == (status == "open"))
            and (not symbols or one["symbol"] in symbols)
            and side in {None, one["side"]}
        ]
        found = spans.orders(
            ALICE,
            span,
            status=status,
            symbols=symbols,
            side=side,
            newest_first=newest_first,
            limit=limit,
        )
        assert found == (wanted[::-1] if newest_first else wanted)[:limit]


def test_rows_of_ids_of_kinds_and_before_a_time(reads: Reads) -> None:
    spans = Spans(reads)
    ids = [ORDER.format(number) for number in (1, 2, 3, 5, 77)]
    assert sorted(spans.orders_of(ids)) == ids[:4]
    assert spans.orders_of([]) == {}
    fills = spans.fills(ALICE, Span(), newest_first=False)
    assert [one["id"] for one in spans.fills(ALICE, Span(), limit=2)] == [
        one["id"] for one in fills[::-1][:2]
    ]
    assert spans.fills(ALICE, Span(), symbols=["TSLA"]) == []
    assert spans.fills_of(ALICE, {one["order_id"] for one in fills}) == fills
    traded = spans.traded(ALICE, Span(), ["AAPL", "TSLA", "MSFT"])
    assert [dict(one) for one in traded] == [
        {name: one[name] for name in ("symbol", "side", "qty", "notional")} for one in fills
    ]
    lines = spans.ledger(ALICE, Span(), newest_first=False)
    kinds = {one["kind"] for one in lines}
    assert spans.ledger(ALICE, Span(), kinds=kinds, newest_first=False) == lines
    assert spans.ledger(ALICE, Span(), kinds=["nothing"]) == []
    curve = spans.equity(ALICE, Span())
    assert len(curve) == 2
    assert spans.equity_before(ALICE, 10**18) == curve[-1]
    assert spans.equity_before(ALICE, 0) is None
