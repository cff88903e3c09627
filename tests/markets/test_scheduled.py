"""A simulated market in real hours, played against the real engine through days and nights."""

import json
from itertools import pairwise
from typing import Any

import pytest

from markets.scheduled_day import ALICE, Day, ns
from papertape.markets.scheduled import always_open

STOCKS_CLOSED = {"XNAS": False, "XNYS": False}
STOCKS_OPEN = {"XNAS": True, "XNYS": True}


def test_stocks_trade_in_sessions_and_crypto_always() -> None:
    day = Day("2026-11-25 14:00", step_s=60)
    told = {}
    for at in ("14:29", "14:31", "20:59"):
        day.until(f"2026-11-25 {at}")
        told[at] = day.open_exchanges()
    for at in ("2026-11-25 21:01", "2026-11-26 16:00", "2026-11-27 14:29", "2026-11-27 14:31"):
        day.until(at)
        told[at] = day.open_exchanges()
    day.until("2026-11-27 18:01")
    assert told == {
        "14:29": STOCKS_CLOSED,
        "14:31": STOCKS_OPEN,
        "20:59": STOCKS_OPEN,
        "2026-11-25 21:01": STOCKS_CLOSED,
        "2026-11-26 16:00": STOCKS_CLOSED,
        "2026-11-27 14:29": STOCKS_CLOSED,
        "2026-11-27 14:31": STOCKS_OPEN,
    }
    assert day.open_exchanges() == STOCKS_CLOSED
    for exchange in ("XNAS", "XNYS"):
        assert day.changes(exchange) == [
            ("2026-11-25 14:00:00", "pre_market", "2026-11-25 14:29:59"),
            ("2026-11-25 14:29:59", "auction", "2026-11-25 14:30:00"),
            ("2026-11-25 14:30:00", "open", "2026-11-25 21:00:00"),
            ("2026-11-25 21:00:00", "auction", "2026-11-25 21:00:01"),
            ("2026-11-25 21:00:01", "post_market", "2026-11-26 01:00:00"),
            ("2026-11-26 01:00:00", "closed", "2026-11-27 09:00:00"),
            ("2026-11-27 09:00:00", "pre_market", "2026-11-27 14:29:59"),
            ("2026-11-27 14:29:59", "auction", "2026-11-27 14:30:00"),
            ("2026-11-27 14:30:00", "open", "2026-11-27 18:00:00"),
            ("2026-11-27 18:00:00", "auction", "2026-11-27 18:00:01"),
            ("2026-11-27 18:00:01", "post_market", "2026-11-27 22:00:00"),
        ]
    assert day.changes("CRYPTO") == []


def test_nothing_of_a_closed_exchange_prints_or_stands_in_the_book() -> None:
    day = Day("2026-11-25 00:59:30", step_s=0.25)
    day.until("2026-11-25 00:59:59.9")
    assert len(day.book("AAPL")["bids"]) >= 10
    day.until("2026-11-25 01:02")
    assert day.book("AAPL")["bids"] == day.book("AAPL")["asks"] == []
    assert len(day.book("BTC/USD")["bids"]) >= 10
    close_ns = ns("2026-11-25 01:00")
    printed = {symbol for symbol, time_ns, *_ in day.prints if time_ns >= close_ns}
    assert printed == {"BTC/USD", "ETH/USD", "SOL/USD"}
    assert "AAPL" in {symbol for symbol, *_ in day.prints}


def test_at_the_opening_the_book_is_full_and_prices_go_on() -> None:
    day = Day("2026-11-24 20:59:30", step_s=0.25)
    day.until("2026-11-24 20:59:59")
    before = day.mid("AAPL")
    day.until("2026-11-24 21:01")
    day.leap("2026-11-25 14:29:55")
    day.until("2026-11-25 14:30:00.25")
    for side in ("bids", "asks"):
        assert len(day.book("AAPL")[side]) >= 10
    assert abs(day.mid("AAPL") / before - 1) < 0.05
    outcome, order = day.submit("now", type="market", qty="1")
    assert (outcome, order["status"]) == ("created", "filled")


def test_a_day_order_expires_at_the_close_and_a_gtc_limit_waits_over_night() -> None:
    day = Day("2026-11-24 20:59:30")
    for name in ("day", "gtc"):
        _, order = day.submit(name, limit_price="150.00", time_in_force=name)
        assert order["status"] == "new"
    day.until("2026-11-24 21:00:05")
    assert day.order("day")["status"] == "expired"
    assert day.order("day")["updated_at"].startswith("2026-11-24T21:00:01.0000")
    _, waits = day.submit("late", limit_price="150.00", time_in_force="day")
    assert waits["status"] == "new"
    day.leap("2026-11-25 14:31")
    assert day.order("gtc")["status"] == day.order("late")["status"] == "new"
    day.leap("2026-11-25 21:01")
    assert day.order("gtc")["status"] == "new"
    assert day.order("late")["status"] == "expired"


def test_what_waited_over_night_trades_at_the_prices_of_the_opening() -> None:
    day = Day("2026-11-24 21:10")
    _, order = day.submit("eager", limit_price="400.00", time_in_force="gtc", qty="3")
    assert order["status"] == "new"
    day.leap("2026-11-25 14:29:50")
    day.until("2026-11-25 14:29:59.9")
    assert day.order("eager")["status"] == "new"
    day.until("2026-11-25 14:30:01")
    filled = day.order("eager")
    assert filled["status"] == "filled"
    assert filled["updated_at"].startswith("2026-11-25T14:30:00.0000")
    assert abs(float(filled["filled_avg_price"]) / day.mid("AAPL") - 1) < 0.01


def test_a_market_order_of_the_night_trades_in_the_opening_auction() -> None:
    day = Day("2026-11-24 21:10")
    _, order = day.submit("night", type="market", time_in_force="day", qty="3")
    assert order["status"] == "new"
    day.leap("2026-11-25 14:29:50")
    day.until("2026-11-25 14:29:59.9")
    assert day.order("night")["status"] == "new"
    day.until("2026-11-25 14:30:01")
    filled = day.order("night")
    assert filled["status"] == "filled"
    assert filled["updated_at"].startswith("2026-11-25T14:30:00.0000")


@pytest.mark.parametrize(
    "terms",
    [
        {"type": "market", "time_in_force": "day", "when_closed": "refuse"},
        {"limit_price": "229.00", "time_in_force": "ioc"},
        {"limit_price": "229.00", "time_in_force": "fok"},
    ],
)
def test_what_cannot_wait_is_refused_while_closed(terms: dict[str, Any]) -> None:
    day = Day("2026-11-26 16:00")
    day.until("2026-11-26 16:00:05")
    outcome, body = day.submit("impatient", **terms)
    assert (outcome, body["reason"], body["order"]["status"]) == (
        "rejected",
        "market_closed",
        "rejected",
    )
    assert "when_closed" in body["detail"]
    assert body["order_id"] == body["order"]["id"]
    assert body["order"]["reason"] == "market_closed"
    outcome, order = day.submit("crypto", symbol="BTC/USD", type="market", qty="0.01")
    assert (outcome, order["status"]) == ("created", "filled")


def test_opg_and_cls_orders_fill_in_the_auctions_with_the_house() -> None:
    day = Day("2026-11-25 14:29:50", step_s=0.25)
    day.submit("opg", type="market", time_in_force="opg")
    day.submit("cls", type="market", time_in_force="cls")
    day.until("2026-11-25 14:29:59.5")
    quote = day.book("AAPL")["quote"]
    assert (quote["auction"], day.order("opg")["status"]) == ("open", "new")
    day.until("2026-11-25 14:30:01")
    assert (day.order("opg")["status"], day.order("cls")["status"]) == ("filled", "new")
    day.leap("2026-11-25 20:59:50")
    day.until("2026-11-25 21:00:02")
    assert day.order("cls")["status"] == "filled"
    assert day.order("cls")["updated_at"].startswith("2026-11-25T21:00:01.0000")


def test_orders_for_extended_hours_trade_before_the_opening() -> None:
    day = Day("2026-11-25 10:00")
    day.until("2026-11-25 10:00:05")
    day.submit("early", limit_price="400.00", extended_hours=True)
    day.submit("plain", limit_price="400.00")
    assert (day.order("early")["status"], day.order("plain")["status"]) == ("filled", "new")
    day.leap("2026-11-25 14:29:55")
    day.until("2026-11-25 14:30:01")
    assert day.order("plain")["status"] == "filled"


def test_a_restart_within_the_closed_time_says_nothing_twice() -> None:
    day = Day("2026-11-24 20:59:30")
    day.submit("gtc", limit_price="150.00", time_in_force="gtc")
    day.leap("2026-11-25 01:05")
    before = day.changes("XNAS")
    day.restart("2026-11-25 03:00")
    day.until("2026-11-25 03:01")
    assert day.changes("XNAS") == before
    assert day.book("AAPL")["bids"] == [["150.00", "10", 1]], "nothing but the user's own"
    assert day.order("gtc")["status"] == "new"
    assert day.submit("night", type="market")[1]["status"] == "new"
    assert day.submit("refused", type="market", when_closed="refuse")[0] == "rejected"
    day.leap("2026-11-25 14:29:50")
    day.until("2026-11-25 14:30:05")
    assert day.order("night")["status"] == "filled"
    assert day.open_exchanges() == STOCKS_OPEN
    assert len(day.book("AAPL")["bids"]) >= 10


def test_a_close_that_was_missed_is_made_up_for_before_the_market_goes_on() -> None:
    day = Day("2026-11-24 20:00")
    for name in ("day", "gtc"):
        day.submit(name, limit_price="150.00", time_in_force=name)
    day.restart("2026-11-25 15:00")
    day.until("2026-11-25 15:00:05")
    assert day.order("day")["status"] == "expired"
    assert day.order("gtc")["status"] == "new"
    assert day.changes("XNAS")[-2:] == [
        ("2026-11-25 15:00:00", "auction", "2026-11-25 15:00:01"),
        ("2026-11-25 15:00:01", "open", "2026-11-25 21:00:00"),
    ]


def test_an_opening_that_was_missed_gives_the_house_its_second() -> None:
    day = Day("2026-11-25 14:00")
    day.submit("eager", limit_price="400.00", time_in_force="gtc", qty="3")
    day.restart("2026-11-25 15:00")
    day.until("2026-11-25 15:00:03")
    assert day.order("eager")["status"] == "filled"
    assert abs(float(day.order("eager")["filled_avg_price"]) / day.mid("AAPL") - 1) < 0.01


def test_a_restart_within_a_session_changes_nothing() -> None:
    day = Day("2026-11-24 18:00")
    day.submit("day", limit_price="150.00", time_in_force="day")
    before = day.changes("XNAS")
    day.restart("2026-11-24 18:30")
    day.until("2026-11-24 18:31")
    assert day.changes("XNAS") == before
    assert day.order("day")["status"] == "new"
    assert len(day.book("AAPL")["bids"]) >= 10


def test_a_world_that_had_real_hours_can_be_always_open_again() -> None:
    day = Day("2026-11-25 22:00")
    day.submit("gtc", limit_price="150.00", time_in_force="gtc")
    day.restart("2026-11-25 22:30", always_open)
    day.until("2026-11-25 22:31")
    assert day.open_exchanges() == STOCKS_OPEN
    assert len(day.book("AAPL")["bids"]) >= 10
    day.submit("day", limit_price="150.00", time_in_force="day")
    day.leap("2026-11-25 23:59:50")
    day.until("2026-11-26 00:00:10")
    assert day.open_exchanges() == STOCKS_OPEN
    assert day.order("day")["status"] == "expired"
    assert day.order("gtc")["status"] == "new"
    assert len(day.book("AAPL")["bids"]) >= 10
    day.restart("2026-11-26 01:00")
    day.until("2026-11-26 01:00:05")
    assert day.open_exchanges() == STOCKS_CLOSED


def test_a_world_that_never_had_hours_hears_of_no_sessions() -> None:
    day = Day("2026-11-25 23:59:50", sessions_of=always_open)
    day.until("2026-11-26 00:00:10")
    assert day.open_exchanges() == {}
    assert day.changes("XNAS") == []
    assert len(day.book("AAPL")["bids"]) >= 10


@pytest.mark.parametrize("step_s", [900, 20_000])
def test_a_fast_world_misses_no_session(step_s: int) -> None:
    day = Day("2026-11-20 12:00", step_s=step_s)
    day.until("2026-12-05 02:00")
    told = day.changes("XNYS")
    parts = ["pre_market", "auction", "open", "auction", "post_market", "closed"]
    assert [state for _, state, _ in told] == parts * 10
    for (_, _, announced), (at, _, _) in pairwise(told):
        assert at == announced


def test_the_tape_of_days_with_hours_rebuilds_the_same_world() -> None:
    day = Day("2026-11-24 20:59:30")
    day.submit("day", limit_price="150.00", time_in_force="day")
    day.until("2026-11-24 21:01")
    day.leap("2026-11-25 14:29:50")
    day.until("2026-11-25 14:31")
    assert day.rebuilt().state_hash() == day.world.state_hash()
    assert json.loads(day.ask("value", account_id=ALICE)[1])["account"]["cash"] == "1000000.00"


def test_history_has_bars_within_sessions_only_and_ends_with_the_last() -> None:
    day = Day("2026-11-29 12:00")
    bars = dict(day.source.backfill(ns("2026-11-29 12:00"), 3 * 1_440))
    stock, coin = bars["AAPL"], bars["BTC/USD"]
    assert len(coin) == 3 * 1_440
    assert coin[-1].time_ns == ns("2026-11-29 11:59")
    assert len(stock) == 180 + 390 + 210, "the end of one day, one whole, one short"
    assert stock[-1].time_ns == ns("2026-11-27 17:59")
    assert stock[0].time_ns == ns("2026-11-24 18:00")
    assert stock[-1].close == "229.00"
