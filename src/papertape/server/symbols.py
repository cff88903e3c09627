"""Symbols as people write them: `BTC/USD`, `BTC%2FUSD` and `BTCUSD` are one instrument."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from papertape.server.exchange import Exchange
from papertape.server.problems import not_found

NO_INSTRUMENT = "instrument; GET /api/v1/instruments lists them"
_LOOK_AGAIN_S = 1.0


class Symbols:
    """Knows what the floor lists; asks again when an unknown symbol comes by."""

    def __init__(self, exchange: Exchange, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._by_name: dict[str, str] = {}
        self._looked_at = float("-inf")

    async def instruments(self) -> list[dict[str, Any]]:
        """What is listed now, sorted by symbol."""
        reply = await self._exchange.ask("instruments")
        items: list[dict[str, Any]] = msgspec.json.decode(reply.body)["items"]
        items.sort(key=lambda item: item["symbol"])
        self._by_name = _names([item["symbol"] for item in items])
        self._looked_at = self._clock()
        return items

    async def find(self, name: str) -> str | None:
        """The symbol that a name means, or None."""
        if name not in self._by_name and self._clock() > self._looked_at + _LOOK_AGAIN_S:
            await self.instruments()
        return self._by_name.get(name)

    async def require(self, name: str) -> str:
        """The symbol that a name means; raises `Problem` 404."""
        symbol = await self.find(name)
        if symbol is None:
            raise not_found(NO_INSTRUMENT)
        return symbol


def _names(symbols: list[str]) -> dict[str, str]:
    """Each symbol, and its form without the slash unless that is another symbol."""
    short = {symbol.replace("/", ""): symbol for symbol in symbols}
    return short | {symbol: symbol for symbol in symbols}
