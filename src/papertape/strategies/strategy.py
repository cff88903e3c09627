"""The base class of all strategies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from papertape.strategies.broker import Broker, Quantity
from papertape.strategies.market_view import Bar, History
from papertape.strategies.parameters import set_parameters


class Strategy:
    """Derive from this, write `on_bar`, and call `buy`, `sell` and `close` in it.

    Parameters are typed class attributes with a value (`fast: int = 10`); a run may set others.
    Orders are market orders; when they fill is the run's business (by default at the open of the
    next bar), so a strategy cannot trade at a price that it has already seen.
    """

    def __init__(self, broker: Broker, parameters: Mapping[str, object] | None = None) -> None:
        self._broker = broker
        set_parameters(self, parameters or {})

    # --- to be written by you -------------------------------------------------------------------

    def on_start(self) -> None:
        """Prepare, before the first bar: make indicators, check parameters."""

    def on_bar(self, bar: Bar) -> None:
        """Decide, once for every finished bar."""

    # --- to be called by you ----------------------------------------------------------------------

    @final
    def buy(self, symbol: str, qty: Quantity) -> int:
        """Buy `qty` at the market; returns the order's number.

        Raises `OrderError` when the quantity is not positive or not in whole lots.
        """
        return self._broker.buy(symbol, qty)

    @final
    def sell(self, symbol: str, qty: Quantity) -> int:
        """Sell `qty` at the market; returns the order's number. Raises `OrderError` as `buy`."""
        return self._broker.sell(symbol, qty)

    @final
    def close(self, symbol: str) -> int | None:
        """Sell all that is held; returns the order's number, None when nothing is held."""
        held = self._broker.position(symbol)
        return self._broker.sell(symbol, held) if held > 0 else None

    @final
    def position(self, symbol: str) -> int | float:
        """How much of the symbol is held, 0 when nothing."""
        return self._broker.position(symbol)

    @final
    @property
    def cash(self) -> float:
        """Money that is not in positions."""
        return self._broker.cash

    @final
    @property
    def equity(self) -> float:
        """Cash and the value of all positions at the newest prices."""
        return self._broker.equity

    @final
    def history(self, symbol: str, n: int) -> History:
        """The newest `n` bars with the present one last, as arrays; fewer at the beginning."""
        return self._broker.history(symbol, n)
