"""The broker of a backtest: a strategy's calls, turned into orders of the compiled engine."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from papertape.engine import Backtest
from papertape.markets.files import MarketFile, asset_class
from papertape.markets.files.scales import decimal_text
from papertape.strategies import History, OrderError
from papertape.strategies.broker import Quantity
from papertape.strategies.market_view import PriceColumns

MONEY_UNIT = 10**6
BUY, SELL = 0, 1
SIDES = ("buy", "sell")


@dataclass(frozen=True, slots=True)
class Terms:
    """How quantities of a symbol count: units of one, and units of one lot."""

    unit: int
    lot: int
    lot_text: str


class EngineBroker:
    """A `Broker` over one run of the engine; holds no state of its own, so nothing can disagree."""

    def __init__(self, engine: Backtest, files: dict[str, MarketFile]) -> None:
        self._engine = engine
        self._terms = {symbol: _terms(file) for symbol, file in files.items()}
        self.columns = {symbol: price_columns(file) for symbol, file in files.items()}

    def buy(self, symbol: str, qty: Quantity) -> int:
        """Order to buy whole lots; raises `OrderError`."""
        return self._engine.submit(symbol, BUY, self._units(symbol, BUY, qty))

    def sell(self, symbol: str, qty: Quantity) -> int:
        """Order to sell whole lots; raises `OrderError`."""
        return self._engine.submit(symbol, SELL, self._units(symbol, SELL, qty))

    def position(self, symbol: str) -> int | float:
        """How much is held; an int when it is whole."""
        unit = self._terms_of(symbol).unit
        units = self._engine.position(symbol)
        return units / unit if units % unit else units // unit

    @property
    def cash(self) -> float:
        """Money not in positions."""
        return self._engine.cash / MONEY_UNIT

    @property
    def equity(self) -> float:
        """Cash and positions at the newest closes."""
        return self._engine.equity / MONEY_UNIT

    def history(self, symbol: str, n: int) -> History:
        """The newest `n` bars up to the present one; raises `OrderError`."""
        self._terms_of(symbol)
        if n < 1:
            raise OrderError(f"history needs at least 1 bar, not {n}")
        stop = self._engine.bar_index(symbol) + 1
        return History(self.columns[symbol], max(0, stop - n), stop)

    def unit_and_lot(self, symbol: str) -> tuple[int, int]:
        """Units of one, and units of one lot, of a symbol."""
        terms = self._terms_of(symbol)
        return terms.unit, terms.lot

    def _terms_of(self, symbol: str) -> Terms:
        terms = self._terms.get(symbol)
        if terms is None:
            there = ", ".join(self._terms)
            raise OrderError(f"there is no symbol {symbol!r} in this run, only {there}")
        return terms

    def _units(self, symbol: str, side: int, qty: Quantity) -> int:
        terms = self._terms_of(symbol)
        units = qty * terms.unit if type(qty) is int else _exact_units(qty, terms.unit)
        if units is not None and units > 0 and units % terms.lot == 0:
            return units
        wrong = f"cannot {SIDES[side]} {qty} {symbol}: "
        if units is not None and units <= 0:
            raise OrderError(wrong + "the quantity must be above zero")
        raise OrderError(wrong + f"it trades in whole lots of {terms.lot_text}")


def _exact_units(qty: Quantity, unit: int) -> int | None:
    """Turn a quantity into units; None when it is finer than a unit or no number."""
    try:
        units = Decimal(str(qty)) * unit
    except InvalidOperation:
        return None
    if not units.is_finite() or units != units.to_integral_value():
        return None
    return int(units)


def _terms(file: MarketFile) -> Terms:
    unit = int(10**file.qty_scale)
    lot_text = asset_class(file.symbol).lot_size
    lot = max(1, int(Decimal(lot_text) * unit))
    return Terms(unit, lot, decimal_text(lot, file.qty_scale))


def price_columns(file: MarketFile) -> PriceColumns:
    """Give a bar file's columns as floats: each is the float nearest to the file's decimal."""
    prices, sizes = float(10**file.price_scale), float(10**file.qty_scale)
    names = {"open": prices, "high": prices, "low": prices, "close": prices, "volume": sizes}
    floats = {name: file[name] / unit for name, unit in names.items()}
    for column in floats.values():
        column.flags.writeable = False
    return PriceColumns(symbol=file.symbol, time_ns=file["time_ns"], **floats)
