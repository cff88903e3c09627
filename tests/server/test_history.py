"""Closed bars and the one that still forms."""

import json

import pytest

from papertape.domain.time_text import time_text
from papertape.markets.bars import Bar
from papertape.markets.store import BarStore
from papertape.server.history import History

MINUTE = 60 * 10**9
NOON = 1_700_049_600 * 10**9
"""2023-11-15T12:00:00Z."""


def bar(minute: int, price: str, volume: str = "1") -> Bar:
    return Bar(NOON + minute * MINUTE, *[price] * 4, volume, 1, f"{int(price) * int(volume)}")


def message(one: Bar) -> bytes:
    told = {"symbol": "ACME", "timeframe": "1m", "time": time_text(one.time_ns), "closed": False}
    return json.dumps(one._asdict() | told).encode()


class Chart:
    """A stored history of the minutes 0 to 6, and whatever is forming."""

    def __init__(self, folder) -> None:
        self.store = BarStore(folder)
        for minute in range(7):
            self.store.append("ACME", bar(minute, f"{10 + minute}"))
        self.forming: bytes | None = None
        self._history = History(self.store, lambda symbol: self.forming)

    async def told(self, timeframe: str, **options) -> list[tuple[int, str, str, str]]:
        """(minute, open, close, volume) of each bar."""
        given = {"start_ns": None, "end_ns": None, "limit": 100} | options
        bars = await self._history.bars("ACME", timeframe, **given)
        times = {time_text(NOON + minute * MINUTE): minute for minute in range(-60, 60)}
        return [(times[b["time"]], b["open"], b["close"], b["volume"]) for b in bars]


@pytest.fixture
def chart(tmp_path):
    made = Chart(tmp_path)
    yield made
    made.store.close()


async def test_the_forming_minute_follows_the_closed_ones(chart) -> None:
    chart.forming = message(bar(7, "20", "5"))
    assert (await chart.told("1m"))[-2:] == [(6, "16", "16", "1"), (7, "20", "20", "5")]


async def test_the_forming_minute_joins_the_bar_that_it_belongs_to(chart) -> None:
    chart.forming = message(bar(7, "20", "5"))
    assert await chart.told("5m") == [(0, "10", "14", "5"), (5, "15", "20", "7")]


async def test_the_forming_minute_begins_the_next_bar(chart) -> None:
    chart.forming = message(bar(10, "20", "5"))
    assert (await chart.told("5m"))[-2:] == [(5, "15", "16", "2"), (10, "20", "20", "5")]


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
async def test_a_minute_that_was_closed_meanwhile_is_not_counted_twice(chart, timeframe) -> None:
    before = await chart.told(timeframe)
    chart.forming = message(bar(6, "16", "1"))
    assert await chart.told(timeframe) == before


@pytest.mark.parametrize(
    ("options", "minutes"),
    [
        ({"limit": 2}, [6, 7]),
        ({"limit": 1}, [7]),
        ({"start_ns": NOON + 6 * MINUTE}, [6, 7]),
        ({"start_ns": NOON + 7 * MINUTE}, [7]),
        ({"start_ns": NOON + 8 * MINUTE}, []),
        ({"start_ns": NOON, "limit": 2}, [0, 1]),
        ({"end_ns": NOON + 7 * MINUTE, "limit": 2}, [5, 6]),
        ({"end_ns": NOON + 8 * MINUTE, "limit": 2}, [6, 7]),
        ({"start_ns": NOON + 5 * MINUTE, "end_ns": NOON + 6 * MINUTE}, [5]),
    ],
    ids=str,
)
async def test_the_forming_minute_is_chosen_like_any_other(chart, options, minutes) -> None:
    chart.forming = message(bar(7, "20", "5"))
    assert [one[0] for one in await chart.told("1m", **options)] == minutes


async def test_the_first_minute_of_all_is_a_bar_too(tmp_path) -> None:
    store = BarStore(tmp_path)
    history = History(store, lambda symbol: message(bar(0, "20", "5")))
    for timeframe in ("1m", "5m", "1d"):
        (one,) = await history.bars("ACME", timeframe, None, None, 10)
        assert one["close"] == "20"
    store.close()
