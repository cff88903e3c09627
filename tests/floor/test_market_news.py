import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from floor.small_exchange import LISTING, START_NS, quote
from papertape.engine import World
from papertape.floor.market_news import BarKeeper, MarketNews
from papertape.floor.ports import MarketMessage
from papertape.markets.bars import MINUTE_NS, Bar
from papertape.markets.store import BarStore

MINUTE = START_NS - START_NS % MINUTE_NS


@pytest.fixture
def world() -> World:
    made = World("main")
    made.apply([(START_NS, command) for command in [*LISTING, quote()]])
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    opened = BarStore(tmp_path)
    yield opened
    opened.close()


def told(messages: list[MarketMessage]) -> dict[str, dict[str, object]]:
    return {message.channel: json.loads(message.data) for message in messages}


def test_a_print_is_told_with_time_price_and_aggressor() -> None:
    news = MarketNews("main", None)
    (message,) = news.prints([("ACME", START_NS, "10.00", "5", "buy")])
    assert (message.world, message.channel, message.type) == ("main", "trades:ACME", "trade")
    assert json.loads(message.data) == {
        "id": START_NS // 1_000,
        "symbol": "ACME",
        "price": "10.00",
        "qty": "5",
        "side": "buy",
        "time": "2026-11-20T10:46:00.000000000Z",
    }


def test_a_print_without_aggressor_has_no_side() -> None:
    (message,) = MarketNews("main", None).prints([("ACME", START_NS, "10.00", "5", "")])
    assert json.loads(message.data)["side"] is None


def test_a_print_of_the_next_minute_closes_the_bar_and_keeps_it(store: BarStore) -> None:
    keeper = BarKeeper(store)
    news = MarketNews("main", keeper)
    news.prints([("ACME", MINUTE, "10.00", "5", ""), ("ACME", MINUTE + 1, "10.50", "1", "")])
    messages = told(news.prints([("ACME", MINUTE + MINUTE_NS, "9.00", "1", "")]))
    keeper.close()
    assert messages["bars:ACME:1m"]["high"] == "10.50"
    assert store.read("ACME") == [Bar(MINUTE, "10.00", "10.50", "10.00", "10.50", "6", 2, "60.5")]


def test_a_minute_that_is_over_closes_its_bar_without_a_print(world: World) -> None:
    news = MarketNews("main", None)
    news.prints([("ACME", MINUTE, "10.00", "5", "")])
    forming = told(news.conflated(world, MINUTE + 1, own_bars=True))
    assert forming["bars:ACME:1m"]["volume"] == "5"
    closed = told(news.conflated(world, MINUTE + MINUTE_NS, own_bars=True))
    assert forming["bars:ACME:1m"]["closed"] is False
    assert closed["bars:ACME:1m"] == forming["bars:ACME:1m"] | {"closed": True}
    later = told(news.conflated(world, MINUTE + 2 * MINUTE_NS, own_bars=True))
    assert "bars:ACME:1m" not in later


def test_bars_of_a_source_that_brings_its_own_are_not_made_again(world: World) -> None:
    news = MarketNews("main", None)
    news.prints([("ACME", MINUTE, "10.00", "5", "")])
    assert "bars:ACME:1m" not in told(news.conflated(world, MINUTE + 1, own_bars=False))


def test_a_book_is_told_again_only_when_its_levels_changed(world: World) -> None:
    news = MarketNews("main", None)
    news.listed(world)
    first = told(news.conflated(world, START_NS, own_bars=True))
    assert first["book:ACME"]["bids"] != []
    assert "quotes:ACME" in first
    assert news.conflated(world, START_NS, own_bars=True) == []
    world.apply([(START_NS, quote(bid="9.98"))])
    assert set(told(news.conflated(world, START_NS, own_bars=True))) == {
        "quotes:ACME",
        "book:ACME",
    }


class FullDisk:
    """A body of `BarSink` that cannot write."""

    def __init__(self) -> None:
        self.asked = Event()
        self.closed = False

    def append(self, symbol: str, bar: Bar) -> None:
        self.asked.set()
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.closed = True


def test_a_bar_that_cannot_be_written_is_counted_and_stops_nobody() -> None:
    disk = FullDisk()
    keeper = BarKeeper(disk)
    for minute in range(3):
        keeper.keep("ACME", Bar(minute, "1", "1", "1", "1", "1"))
    keeper.close()
    assert disk.asked.is_set()
    assert keeper.lost == 3
    assert disk.closed
