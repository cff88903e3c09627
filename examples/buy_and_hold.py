"""Buy once, then do nothing: the measure that every other strategy has to beat.

    papertape backtest examples/buy_and_hold.py:BuyAndHold --data examples/ACME-1d.csv

The file given with --data holds bars: one line a day (or minute, or hour) with the first, highest,
lowest and last price and the volume. Papertape hands them over one after the other.
"""

from papertape.strategies import Bar, Strategy


class BuyAndHold(Strategy):
    # A parameter: a class attribute with a type. Change it for one run with --set share=0.5
    share: float = 0.95
    """How much of the cash to spend. Not all: the order fills at the next bar's open, which may be
    dearer than the close that we see now, and there is a fee to pay."""

    def on_bar(self, bar: Bar) -> None:
        """Called for every bar, when it is finished."""
        if self.position(bar.symbol) > 0:
            return

        # Stocks are traded in whole shares, so round down.
        shares = int(self.share * self.cash / bar.close)
        if shares > 0:
            self.buy(bar.symbol, shares)
