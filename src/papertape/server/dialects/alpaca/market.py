"""The market as Alpaca sees it: one stock exchange with a clock, a calendar and closes."""

import asyncio
import time
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
MINUTE_NS = 60 * 1_000_000_000
TIME_FOR_S = 0.25
CALENDAR_FOR_S = 1.0
CLOSE_FOR_S = 5.0
"""How long the time, the calendar and the close of a day that has ended are not asked for again."""

_CLOSES_MAX = 10_000
ALWAYS = "24/7"
Answer = TypeVar("Answer")


class Market:
    """Time, days and closes of one world."""

    def __init__(
        self,
        exchange: Exchange,
        assets: Assets,
        history: History,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._assets = assets
        self._history = history
        self._clock = clock
        self._days: dict[str, TradingDays] = {}
        self._home_exchange: str | None = None
        self._turn = asyncio.Lock()
        self._time: tuple[int, float] = (0, float("-inf"))
        self._known_calendar: tuple[str, float] = ("", float("-inf"))
        self._began: tuple[str, int, int] = ("", 0, 0)
        self._closes: dict[tuple[str, int], tuple[Decimal, float]] = {}

    async def now_ns(self) -> int:
        """The time of the world, which in a replay is not that of the wall."""
        reply = await self._exchange.ask("floor_status")
        now_ns = parse_time(msgspec.json.decode(reply.body)["time"])
        self._time = (now_ns, self._clock() + TIME_FOR_S)
        return now_ns

    async def recent_ns(self) -> int:
        """The time of the world a moment ago: good enough to know the day."""
        now_ns, until = self._time
        return now_ns if self._clock() < until else await self.now_ns()

    async def ask_days(self, question: Callable[[TradingDays], Answer]) -> Answer:
        """The answer of the stock exchange's days, found on a thread, one question at a time."""
        calendar = await self._calendar()
        async with self._turn:
            days = self._days.get(calendar)
            if days is None:
                days = self._days[calendar] = await asyncio.to_thread(TradingDays, calendar)
            return await asyncio.to_thread(question, days)

    async def clock(self) -> dict[str, object]:
        """The object of the wire."""
        now_ns = await self.now_ns()
        return await self.ask_days(lambda days: days.clock(now_ns))

    async def calendar(self, start: date, end: date) -> list[dict[str, str]]:
        """The trading days of a range."""
        return await self.ask_days(lambda days: days.days(start, end))

    async def whole_calendar(self) -> bytes:
        """All trading days that are known, as JSON."""
        return await self.ask_days(TradingDays.every_text)

    async def began_ns(self, asset: Asset | None, now_ns: int) -> int:
        """When the present day of an asset began: midnight in New York, for coins in UTC.

        The day of a stock lasts until the next one opens.
        """
        if asset is not None and asset.is_crypto:
            return now_ns - now_ns % DAY_NS
        minute = now_ns // MINUTE_NS  # no day begins within one
        calendar = await self._calendar()
        if self._began[:2] != (calendar, minute):
            opened = await self.ask_days(lambda days: days.day_began(now_ns))
            self._began = (calendar, minute, start_of(day_of(opened)))
        return self._began[2]

    async def closed(self, symbol: str, before_ns: int) -> Decimal | None:
        """The last price that was traded before a time; None when no bar was kept."""
        known = self._closes.get((symbol, before_ns))
        if known is not None and self._clock() < known[1]:
            return known[0]
        bars = await self._history.bars(symbol, "1m", None, before_ns, 1)
        if not bars:
            return None
        if len(self._closes) >= _CLOSES_MAX:
            self._closes.clear()
        close = Decimal(bars[-1]["close"])
        self._closes[symbol, before_ns] = (close, self._clock() + CLOSE_FOR_S)
        return close

    async def _calendar(self) -> str:
        calendar, until = self._known_calendar
        if self._clock() >= until:
            calendar = await self._ask_calendar()
            self._known_calendar = (calendar, self._clock() + CALENDAR_FOR_S)
        return calendar

    async def _ask_calendar(self) -> str:
        """That of the exchange with the first stock; without stocks, of the first exchange.

        An exchange that nobody opens and closes is always open, whatever its calendar says.
        """
        reply = await self._exchange.ask("exchanges")
        exchanges: list[dict[str, Any]] = msgspec.json.decode(reply.body)["items"]
        home = await self._home()
        found = [item for item in exchanges if home in {None, item["exchange"]}]
        if not found or not _has_sessions(found[0]):
            return ALWAYS
        return str(found[0]["calendar"])

    async def _home(self) -> str | None:
        """The exchange of the first stock."""
        if self._home_exchange is None:
            for asset in await self._assets.listed():
                if asset.asset_class == "us_equity":
                    self._home_exchange = str(asset.native["exchange"])
                    break
        return self._home_exchange


def _has_sessions(exchange: dict[str, Any]) -> bool:
    """Whether its parts of the day are told."""
    times = (exchange.get(name) for name in ("next_change", "next_open"))
    return exchange["state"] != "open" or any(time is not None for time in times)
