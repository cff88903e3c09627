"""Quotes and trades of the past: those in the tick store, and what has come since.

The floor writes ticks a moment after it tells them, so the newest ones are those of the hub. They
are added only where they follow on without a gap; what is missing until then comes with the store.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from papertape.domain.time_text import parse_time
from papertape.markets.ticks import Kind, Tick, TickStore
from papertape.server.dialects.alpaca.assets import Asset
from papertape.server.dialects.alpaca.data.pages import Stretch
from papertape.server.dialects.alpaca.data.shapes import Shape, quote_of, trade_of
from papertape.server.exchange import Exchange
from papertape.server.quotes import quote_in
from papertape.server.stream.hub import RECENT_PRINTS, Hub

EVER = Stretch(0, 2**63 - 1, newest_first=True, limit=1)


class Past:
    """Reads quotes and trades of a stretch of time; without a store the last ones only."""

    def __init__(self, exchange: Exchange, hub: Hub, store: TickStore | None) -> None:
        self._exchange = exchange
        self._hub = hub
        self._store = store

    async def trades(self, asset: Asset, stretch: Stretch) -> list[Shape]:
        """Trades, in the order of the stretch."""
        recent = self._recent(asset)
        if len(recent) == RECENT_PRINTS:  # there were others before them
            newest = await self._kept(asset, "trades", EVER)
            if newest and newest[0]["id"] < recent[0]["id"]:
                recent = []
        kept = await self._kept(asset, "trades", stretch)
        ticks = {tick["id"]: tick for tick in [*kept, *recent]}.values()
        return [trade_of(asset, tick) for tick in _ordered(ticks, stretch)]

    async def quotes(self, asset: Asset, stretch: Stretch) -> list[Shape]:
        """Quotes, in the order of the stretch."""
        now = await self._quote(asset)
        kept = await self._kept(asset, "quotes", stretch)
        newest = await self._kept(asset, "quotes", EVER)
        if now["time"] is not None and not (newest and now["time"] <= newest[0]["time"]):
            kept.append(now)
        return [quote_of(asset, tick) for tick in _ordered(kept, stretch)]

    async def trade(self, asset: Asset) -> Shape | None:
        """The last trade, also one before this server was started."""
        last = self._recent(asset)[-1:] or await self._kept(asset, "trades", EVER)
        return trade_of(asset, last[0]) if last else None

    async def quote(self, asset: Asset) -> Shape | None:
        """The quote of now; None before the first one."""
        now = await self._quote(asset)
        return None if now["time"] is None else quote_of(asset, now)

    async def _quote(self, asset: Asset) -> Tick:
        book = await self._exchange.ask("book", {"symbol": asset.symbol, "depth": 1})
        return quote_in(book.body)

    def _recent(self, asset: Asset) -> list[Tick]:
        """The last prints since this server was started, the oldest first."""
        prints = self._hub.recent_prints(f"trades:{asset.symbol}")
        return [msgspec.json.decode(data) for data in prints]

    async def _kept(self, asset: Asset, kind: Kind, stretch: Stretch) -> list[Tick]:
        if self._store is None:
            return []
        return await asyncio.to_thread(
            self._store.read,
            asset.symbol,
            kind,
            stretch.start_ns,
            stretch.end_ns,
            stretch.limit,
            newest_first=stretch.newest_first,
        )


def _ordered(ticks: Iterable[Tick], stretch: Stretch) -> list[Tick]:
    """The ticks of a stretch, in its order."""
    within = [it for it in ticks if stretch.start_ns <= parse_time(it["time"]) <= stretch.end_ns]
    within.sort(key=lambda it: (it["time"], it.get("id", 0)), reverse=stretch.newest_first)
    return within[: stretch.limit]
