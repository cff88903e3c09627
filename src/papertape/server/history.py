"""Bars for charts: closed ones from the bar store, and the one that is still forming."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from papertape.domain.time_text import parse_time, time_text
from papertape.markets.bars import Bar, aggregate
from papertape.markets.store import BarStore


class BarMessage(msgspec.Struct):
    """A bar as it travels on the stream."""

    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    closed: bool
    trades: int | None = None
    turnover: str | None = None

    def bar(self) -> Bar:
        """The bar as the store knows it."""
        return Bar(
            parse_time(self.time),
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.trades,
            self.turnover,
        )


read_bar_message = msgspec.json.Decoder(BarMessage).decode


class History:
    """Reads bars; `forming` gives the newest data of a symbol's bar channel."""

    def __init__(self, store: BarStore, forming: Callable[[str], bytes | None]) -> None:
        self._store = store
        self._forming = forming

    async def bars(
        self,
        symbol: str,
        timeframe: str,
        start_ns: int | None,
        end_ns: int | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Bars as of the wire, oldest first, from `start_ns` on and before `end_ns`."""
        bars = await asyncio.to_thread(self._read, symbol, timeframe, start_ns, end_ns, limit)
        shown = bars[:limit] if start_ns is not None else bars[-limit:]
        return [_shown(bar) for bar in shown if start_ns is None or bar.time_ns >= start_ns]

    def _read(
        self, symbol: str, timeframe: str, start_ns: int | None, end_ns: int | None, limit: int
    ) -> list[Bar]:
        """The closed bars; the forming minute joins the last one, or begins the next one."""
        data = self._forming(symbol)
        closed = self._store.read(symbol, timeframe, start_ns, end_ns, limit)
        if data is None:
            return closed
        forming = read_bar_message(data).bar()
        newest = self._store.read(symbol, "1m", None, None, 1)
        has_been_closed = bool(newest) and newest[-1].time_ns >= forming.time_ns
        if has_been_closed or (end_ns is not None and forming.time_ns >= end_ns):
            return closed
        return [*closed[:-1], *aggregate([*closed[-1:], forming], timeframe)]


def _shown(bar: Bar) -> dict[str, Any]:
    vwap = bar.vwap
    return {
        "time": time_text(bar.time_ns),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "trades": bar.trades,
        "turnover": bar.turnover,
        "vwap": None if vwap is None else f"{vwap:f}",
    }
