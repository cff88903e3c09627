"""What is known of an asset now: its book, its newest bars, and all of it together."""

import asyncio

import msgspec

from papertape.domain.time_text import parse_time
from papertape.markets.bars import Bar, joined
from papertape.markets.store import BarStore
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.data.bars import Timeframe, read_bars
from papertape.server.dialects.alpaca.data.past import Past
from papertape.server.dialects.alpaca.data.shapes import (
    Shape,
    bar_of,
    book_of,
)
from papertape.server.dialects.alpaca.market import Market
from papertape.server.exchange import Exchange

DAY_NS = 86_400_000_000_000
BOOK_DEPTH = 100
_LONG_AGO = 10 * DAY_NS
"""How far back the newest bar is looked for."""
MINUTES_OF_A_DAY = 1_440
MINUTE = Timeframe(1, "Min")
DAY = Timeframe(1, "Day")


class Prices:
    """Reads the present."""

    def __init__(self, exchange: Exchange, past: Past, store: BarStore, market: Market) -> None:
        self._exchange = exchange
        self._past = past
        self._store = store
        self._market = market

    async def book(self, asset: Asset) -> Shape:
        """The order book of now."""
        asked = {"symbol": asset.symbol, "depth": BOOK_DEPTH}
        book = msgspec.json.decode((await self._exchange.ask("book", asked)).body)
        quote = book["quote"]
        at_ns = parse_time(quote["time"]) if quote else await self._market.now_ns()
        return book_of(book, at_ns)

    async def minute(self, asset: Asset) -> Shape | None:
        """The newest closed minute."""
        bars = await self._newest(asset, MINUTE, await self._market.now_ns(), 1)
        return bar_of(bars[0]) if bars else None

    async def snapshot(self, asset: Asset) -> dict[str, Shape | None]:
        """All of it, with the last two days that were traded; null is what is not known."""
        now_ns = await self._market.now_ns()
        minutes = await self._newest(asset, MINUTE, now_ns, 1)
        day, before, *_ = [*await self._newest(asset, DAY, now_ns, 2), None, None]
        return {
            "latestTrade": await self._past.trade(asset),
            "latestQuote": await self._past.quote(asset),
            "minuteBar": bar_of(minutes[0]) if minutes else None,
            "dailyBar": bar_of(day) if day else None,
            "prevDailyBar": bar_of(before) if before else None,
        }

    async def day_before(self, asset: Asset, time_ns: int) -> Bar | None:
        """The bar of the day of a time, of what was kept before it."""
        began_ns = await self.day_begins(asset, time_ns)
        bars = await asyncio.to_thread(
            read_bars,
            self._store,
            asset.symbol,
            MINUTE,
            began_ns,
            time_ns,
            limit=MINUTES_OF_A_DAY,
        )
        return joined(bars, began_ns) if bars else None

    async def day_begins(self, asset: Asset, time_ns: int) -> int:
        """When the day of a time began."""
        return await self._market.began_ns(asset, time_ns)

    async def _newest(
        self, asset: Asset, timeframe: Timeframe, now_ns: int, count: int
    ) -> list[Bar]:
        return await asyncio.to_thread(
            read_bars,
            self._store,
            asset.symbol,
            timeframe,
            now_ns - _LONG_AGO,
            now_ns + 1,
            limit=count,
            newest_first=True,
            in_new_york=not asset.is_crypto,
        )
