"""Strategies that say in one array what to hold after each bar."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertape.strategies.market_view import Bar, History
from papertape.strategies.strategy import Strategy


class SignalStrategy(Strategy):
    """Derive from this and write `targets`; the engine trades towards them.

        class Crossover(SignalStrategy):
            fast: int = 10
            slow: int = 30

            def targets(self, bars):
                return 100 * (sma(bars.close, self.fast) > sma(bars.close, self.slow))

    When the target changes, a market order for the difference to what is held is sent after that
    bar, as `buy` and `sell` would send it. A backtest takes the whole array in one call, which is
    many times as fast as a call for each bar, with the same orders, fills and money. Bar by bar
    (live, or beside other symbols) `targets` is asked for the newest `lookback` bars, and its last
    value counts.

    Every target must depend on its own and earlier bars only: what is shifted backwards would
    know the future, and nothing here can tell.
    """

    lookback: ClassVar[int] = 1_000
    """How many bars `targets` needs, when it is asked bar by bar."""
    _wanted = 0.0

    def targets(self, bars: History) -> ArrayLike:
        """Give the quantity to hold after each bar, one number a bar; 0 holds nothing."""
        raise NotImplementedError(f"{type(self).__name__} has no targets(self, bars)")

    def on_bar(self, bar: Bar) -> None:
        """Trade towards the newest target."""
        bars = self.history(bar.symbol, self.lookback)
        wanted = float(checked_targets(self.targets(bars), len(bars))[-1])
        if wanted == self._wanted:
            return
        self._wanted = wanted
        change = wanted - self.position(bar.symbol)
        if change > 0:
            self.buy(bar.symbol, change)
        elif change < 0:
            self.sell(bar.symbol, -change)


def checked_targets(targets: ArrayLike, bars: int) -> NDArray[np.float64] | NDArray[np.int64]:
    """Give targets as numbers, one for each of so many bars; raises `ValueError` otherwise.

    Whole numbers stay whole: they need no rounding.
    """
    array = np.asarray(targets)
    if array.shape != (bars,):
        raise ValueError(f"targets must give one number for each of {bars} bars")
    if array.dtype.kind in "biu":
        return array.astype(np.int64, copy=False)
    floats = np.asarray(array, dtype=np.float64)
    if not np.isfinite(floats).all():
        raise ValueError(f"the target of bar {int(np.argmin(np.isfinite(floats)))} is no number")
    return floats
