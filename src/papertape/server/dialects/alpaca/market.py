"""The market as Alpaca sees it: one stock exchange with a clock, a calendar and closes."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from papertape.domain.time_text import parse_time
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.days import TradingDays, day_of, start_of
from papertape.server.exchange import Exchange
from papertape.server.history import History

DAY_NS = 86_400 * 1_000_000_000
Answer = TypeVar("Answer")


class Market:
    """Time, days and closes of one world."""

    def __init__(self, exchange: Exchange, assets: Assets, history: History) -> None:
        self._exchange = exchange
        self._assets = assets
        self._history = history
        self._days: TradingDays | None = None
        self._turn = asyncio.Lock()

    async def now_ns(self) -> int:
        """The time of the world, which in a replay is not that of the wall."""
        reply = await self._exchange.ask("floor_status")
        return parse_time(msgspec.json.decode(reply.body)["time"])

    async def ask_days(self, question: Callable[[TradingDays], Answer]) -> Answer:
        """The answer of the stock exchange's days, found on a thread, one question at a time."""
        async with self._turn:
            if self._days is None:
                calendar = await self._calendar()
                self._days = await asyncio.to_thread(TradingDays, calendar)
            return await asyncio.to_thread(question, self._days)

    async def clock(self) -> dict[str, object]:
        """The object of the wire."""
        now_ns = await self.now_ns()
        return await self.ask_days(lambda days: days.clock(now_ns))

    async def calendar(self, start: date, end: date) -> list[dict[str, str]]:
        """The trading days of a range."""
        return await self.ask_days(lambda days: days.days(start, end))

    async def began_ns(self, asset: Asset | None, now_ns: int) -> int:
        """When the present day of an asset began: midnight in New York, for coins in UTC.

        The day of a stock lasts until the next one opens.
        """
        if asset is not None and asset.is_crypto:
            return now_ns - now_ns % DAY_NS
        opened = await self.ask_days(lambda days: days.day_began(now_ns))
        return start_of(day_of(opened))

    async def closed(self, symbol: str, before_ns: int) -> Decimal | None:
        """The last price that was traded before a time; None when no bar was kept."""
        bars = await self._history.bars(symbol, "1m", None, before_ns, 1)
        return Decimal(bars[-1]["close"]) if bars else None

    async def _calendar(self) -> str:
        """That of the exchange with the first stock; without stocks, of the first exchange."""
        reply = await self._exchange.ask("exchanges")
        exchanges: list[dict[str, Any]] = msgspec.json.decode(reply.body)["items"]
        calendars = {item["exchange"]: item["calendar"] for item in exchanges}
        for asset in await self._assets.listed():
            if asset.asset_class == "us_equity":
                return str(calendars[asset.native["exchange"]])
        return next(iter(calendars.values()), "24/7")
