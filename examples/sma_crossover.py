"""Follow the trend: hold while the average of the last days is above that of the last weeks.

    papertape backtest examples/sma_crossover.py:SmaCrossover --data examples/ACME-1d.csv

The same with other averages: add `--set fast=20 --set slow=100`.

A simple moving average (SMA) is the mean of the last n closing prices. A short one follows the
price closely, a long one lags behind. When the short one is the higher, the price has been rising.
"""

from papertape.indicators import SMA
from papertape.strategies import Bar, Strategy


class SmaCrossover(Strategy):
    # Parameters: class attributes with a type. Change them for one run with --set name=value
    fast: int = 10
    slow: int = 30
    size: int = 100  # shares to buy

    def on_start(self) -> None:
        """Called once, before the first bar."""
        if self.fast >= self.slow:
            raise ValueError(f"fast ({self.fast}) must be smaller than slow ({self.slow})")
        self.fast_average = SMA(self.fast)
        self.slow_average = SMA(self.slow)

    def on_bar(self, bar: Bar) -> None:
        """Called for every bar, when it is finished."""
        fast = self.fast_average.update(bar.close)
        slow = self.slow_average.update(bar.close)

        # Until there have been `slow` bars the averages are NaN ("not a number"), and comparing
        # with NaN is always False: so nothing is bought too early.
        rising = fast > slow
        holding = self.position(bar.symbol) > 0

        # An order sent now fills at the open of the next bar: nobody can trade at a price
        # that is known only when the bar is over.
        if rising and not holding:
            self.buy(bar.symbol, self.size)
        elif holding and not rising:
            self.close(bar.symbol)
