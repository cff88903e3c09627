"""Assets: the listed instruments that Alpaca has a class for."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from papertape.server.dialects.alpaca.words import CLASS_OF, CURRENCIES, asset_id, exchange_word
from papertape.server.problems import Problem, not_found
from papertape.server.symbols import Symbols

LOOK_AGAIN_S = 1.0
"""An unknown name is looked up anew, but not more often than this."""


@dataclass(frozen=True, slots=True)
class Asset:
    """An instrument in Alpaca's words. `native` is the object of the native API."""

    id: str
    symbol: str
    asset_class: str
    exchange: str
    native: Mapping[str, Any] = field(repr=False)

    @property
    def is_option(self) -> bool:
        """Whether it is a contract of the options endpoints."""
        return self.asset_class == "us_option"

    @property
    def is_crypto(self) -> bool:
        """Whether it is a coin."""
        return self.asset_class == "crypto"

    @property
    def is_active(self) -> bool:
        """Whether it is still listed; a halted one is."""
        return self.native["status"] in {"active", "halted"}

    def shown(self, account: Mapping[str, Any]) -> dict[str, Any]:
        """The object of the wire for an account, which decides about margin and short sales."""
        on_margin = account["kind"] == "margin"
        is_stock = self.asset_class == "us_equity"
        active = self.is_active
        return {
            "id": self.id,
            "class": self.asset_class,
            "exchange": self.exchange,
            "symbol": self.symbol,
            "name": self.native["name"],
            "status": "active" if active else "inactive",
            "tradable": active,
            "marginable": is_stock and on_margin,
            "shortable": is_stock and on_margin and active,
            "easy_to_borrow": is_stock and on_margin and active,
            "fractionable": "." in self.native["lot_size"],
            "min_order_size": self.native["lot_size"],
            "min_trade_increment": self.native["lot_size"],
            "price_increment": self.native["tick_size"],
            "maintenance_margin_requirement": None,
            "attributes": [],
        }


def asset_of(native: Mapping[str, Any]) -> Asset | None:
    """The asset of an instrument; None for what Alpaca has no word for."""
    asset_class = CLASS_OF.get(native["asset_class"])
    if asset_class is None or native["currency"] not in CURRENCIES:
        return None
    symbol = native["symbol"]
    exchange = exchange_word(native["exchange"], asset_class)
    return Asset(asset_id(symbol), symbol, asset_class, exchange, native)


class Assets:
    """Finds assets by symbol, by symbol without the slash, or by id."""

    def __init__(self, symbols: Symbols, clock: Callable[[], float] = time.monotonic) -> None:
        self._symbols = symbols
        self._clock = clock
        self._by_symbol: dict[str, Asset] = {}
        self._by_name: dict[str, Asset] = {}
        self._looked_at = float("-inf")

    async def listed(self) -> list[Asset]:
        """All assets as they stand now, by symbol."""
        found = [asset_of(item) for item in await self._symbols.instruments()]
        assets = [asset for asset in found if asset is not None]
        self._by_symbol = {asset.symbol: asset for asset in assets}
        short = {asset.symbol.replace("/", ""): asset for asset in assets}
        by_id = {asset.id: asset for asset in assets}
        self._by_name = by_id | short | self._by_symbol
        self._looked_at = self._clock()
        return assets

    async def find(self, name: str) -> Asset | None:
        """The asset that a name means; its status may be a little old."""
        found = self._by_name.get(name) or self._by_name.get(name.lower())
        if found is None and self._clock() > self._looked_at + LOOK_AGAIN_S:
            await self.listed()
            found = self._by_name.get(name) or self._by_name.get(name.lower())
        return found

    async def require(self, name: str) -> Asset:
        """The asset that a name means; raises `Problem` 404."""
        asset = await self.find(name)
        if asset is None:
            raise not_found(f"asset: {name[:100]}")
        return asset

    async def tradable(self, name: str) -> Asset:
        """The asset of an order; raises `Problem` 422 as Alpaca does for unknown ones."""
        asset = await self.find(name)
        if asset is None:
            raise Problem(422, "unknown_symbol", f'asset "{name[:100]}" not found')
        return asset

    def known(self, symbol: str) -> Asset | None:
        """The asset of a listed symbol as it was last seen; call `find` first for a fresh look."""
        return self._by_symbol.get(symbol)
