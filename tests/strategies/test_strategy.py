"""A strategy trades through its broker and sees bars as numbers."""

from datetime import UTC, datetime

import numpy as np
import pytest

from papertape.strategies import Bar, History, Strategy
from papertape.strategies.market_view import PriceColumns


class PaperBroker:
    """The port's smallest body: it notes orders and fills them at once, for nothing."""

    def __init__(self):
        self.orders = []
        self.held = {}
        self.cash = 1_000.0
        self.equity = 1_500.0

    def buy(self, symbol, qty):
        self.orders.append(("buy", symbol, qty))
        self.held[symbol] = self.held.get(symbol, 0) + qty
        return len(self.orders)

    def sell(self, symbol, qty):
        self.orders.append(("sell", symbol, qty))
        self.held[symbol] -= qty
        return len(self.orders)

    def position(self, symbol):
        return self.held.get(symbol, 0)

    def history(self, symbol, n):
        return (symbol, n)


def test_every_call_goes_to_the_broker():
    broker = PaperBroker()
    strategy = Strategy(broker)

    assert strategy.buy("GOOG", 10) == 1
    assert strategy.sell("GOOG", 4) == 2
    assert strategy.position("GOOG") == 6
    assert strategy.close("GOOG") == 3
    assert strategy.close("GOOG") is None, "nothing is held any more"
    assert broker.orders == [("buy", "GOOG", 10), ("sell", "GOOG", 4), ("sell", "GOOG", 6)]
    assert (strategy.cash, strategy.equity) == (1_000.0, 1_500.0)
    assert strategy.history("GOOG", 5) == ("GOOG", 5)


def test_a_strategy_that_does_nothing_needs_no_methods():
    strategy = Strategy(PaperBroker())
    strategy.on_start()
    strategy.on_bar(Bar("GOOG", 0, 1.0, 1.0, 1.0, 1.0, 1.0))


def test_a_bar_tells_its_time_in_utc():
    bar = Bar("GOOG", 1_092_873_600 * 10**9, 100.0, 104.06, 95.96, 100.34, 22_351_900.0)
    assert bar.time == datetime(2004, 8, 19, tzinfo=UTC)


def test_history_is_a_view_and_not_a_copy():
    numbers = np.arange(10.0)
    columns = PriceColumns("ACME", np.arange(10), *(numbers + n for n in range(5)))
    history = History(columns, 3, 7)

    assert len(history) == 4
    assert history.time_ns.tolist() == [3, 4, 5, 6]
    assert history.open.tolist() == [3, 4, 5, 6]
    assert history.high.tolist() == [4, 5, 6, 7]
    assert history.low.tolist() == [5, 6, 7, 8]
    assert history.close.tolist() == [6, 7, 8, 9]
    assert history.volume.tolist() == [7, 8, 9, 10]
    assert history.close.base is columns.close


def test_history_is_also_a_sequence_of_bars():
    numbers = np.arange(10.0)
    columns = PriceColumns("ACME", np.arange(10), *(numbers + n for n in range(5)))
    history = History(columns, 3, 7)
    newest = Bar("ACME", 6, 6.0, 7.0, 8.0, 9.0, 10.0)

    assert history[-1] == newest
    assert history[0].time_ns == 3
    assert [bar.close for bar in history] == history.close.tolist()
    assert [bar.time_ns for bar in history[-2:]] == [5, 6]
    assert newest in history
    assert len(history[10:]) == 0
    for nowhere in (4, -5):
        with pytest.raises(IndexError):
            history[nowhere]
    with pytest.raises(ValueError, match="without steps"):
        history[::2]
