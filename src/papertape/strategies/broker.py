"""The small port through which a strategy trades: a backtest's, later a live account's."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol, TypeAlias

from papertape.strategies.market_view import History

Quantity: TypeAlias = int | float | Decimal | str
"""A quantity as a strategy writes it; it must be a number of whole lots."""


class OrderError(ValueError):
    """An order or question that makes no sense: quantity not in whole lots, unknown symbol."""


class Broker(Protocol):
    """What a strategy may ask and order. Answers are of the moment, after the newest bar."""

    def buy(self, symbol: str, qty: Quantity) -> int:
        """Send a market order to buy and return its number; raises `OrderError`."""
        ...

    def sell(self, symbol: str, qty: Quantity) -> int:
        """Send a market order to sell and return its number; raises `OrderError`."""
        ...

    def position(self, symbol: str) -> int | float:
        """How much is held, 0 when nothing; a whole number is an int."""
        ...

    @property
    def cash(self) -> float:
        """Money that is not in positions, in the account's currency."""
        ...

    @property
    def equity(self) -> float:
        """Cash and the value of all positions."""
        ...

    def history(self, symbol: str, n: int) -> History:
        """The newest `n` bars, or fewer at the beginning; raises `OrderError`."""
        ...
