"""Trading strategies: the base class, and what a strategy sees of the market.

    from papertape.strategies import Strategy

    class Momentum(Strategy):
        size: int = 10

        def on_bar(self, bar):
            if bar.close > bar.open:
                self.buy(bar.symbol, self.size)

Start reading at `strategy.Strategy`. A strategy talks to a `Broker` and to nothing else, so the
same class runs in a backtest and against a live market. This room never fills an order and never
reads a file; `papertape.backtest` runs strategies over the past.
"""

from papertape.strategies.broker import Broker, OrderError
from papertape.strategies.market_view import Bar, History
from papertape.strategies.parameters import ParameterError, parameters_of, set_parameters
from papertape.strategies.signals import SignalStrategy
from papertape.strategies.strategy import Strategy

__all__ = [
    "Bar",
    "Broker",
    "History",
    "OrderError",
    "ParameterError",
    "SignalStrategy",
    "Strategy",
    "parameters_of",
    "set_parameters",
]
