"""Bars a second of a backtest with a Python strategy, on the bars that peers were measured with.

The strategy is long 100 shares while the 10-bar average is above the 30-bar one. Written with whole
numbers it must give the orders and the equity of the exact reference; written with the indicator,
as users write it, up to two orders may differ, because averages that tie differ in their last bit.
Loading a file stands before the clock, as for the peers.
"""

import statistics
from collections import deque
from pathlib import Path
from typing import Any

import data
import numpy as np

from papertape.backtest import Result
from papertape.backtest import run as run_backtest
from papertape.indicators import SMA
from papertape.markets.files import MarketFile
from papertape.strategies import Bar, Strategy

RUNS = 3
REFERENCE = {100_000: (3_780, 9_965_317.66), 1_000_000: (38_584, 9_571_438.27)}
"""Count of bars: orders and final equity."""
ORDERS_MAY_DIFFER_BY = 2
EQUITY_MAY_DIFFER_BY = 50.0
"""A tie decided otherwise moves an order by a bar or more: some cents a share."""
MINUTE_NS = 60 * 10**9
START_NS = 1_577_836_800 * 10**9


class Nothing(Strategy):
    """The loop alone."""


class Crossover(Strategy):
    fast: int = 10
    slow: int = 30
    size: int = 100

    def on_start(self) -> None:
        self.fast_average = SMA(self.fast)
        self.slow_average = SMA(self.slow)
        self.holding = False

    def on_bar(self, bar: Bar) -> None:
        rising = self.fast_average.update(bar.close) > self.slow_average.update(bar.close)
        if rising != self.holding:
            self.holding = rising
            if rising:
                self.buy("SYM", self.size)
            else:
                self.sell("SYM", self.size)


class ExactCrossover(Strategy):
    """The same with sums of whole ticks of 0.0001, in which equal averages are equal."""

    def on_start(self) -> None:
        self.closes: deque[int] = deque(maxlen=30)
        self.holding = False

    def on_bar(self, bar: Bar) -> None:
        self.closes.append(round(bar.close * 10_000))
        if len(self.closes) < 30:
            return
        rising = 3 * sum(list(self.closes)[-10:]) > sum(self.closes)
        if rising != self.holding:
            self.holding = rising
            (self.buy if rising else self.sell)("SYM", 100)


def run(count: int = 1_000_000) -> list[dict[str, Any]]:
    """One row for the empty strategy and one for the crossover."""
    file = bar_file(count)
    rows = []
    check_exactly(run_backtest(ExactCrossover, file, cash=10_000_000, fee="0.001"), count)
    for name, strategy in (("empty strategy", Nothing), ("Python SMA(10/30)", Crossover)):
        results = [run_backtest(strategy, file, cash=10_000_000, fee="0.001") for _ in range(RUNS)]
        if strategy is Crossover:
            check_nearly(results[-1], count)
        rows.append(row(f"backtest, {name}", [result.bars_per_second for result in results]))
    return rows


def bar_file(count: int) -> MarketFile:
    """The seeded bars as a market file: prices to four decimals, whole volumes."""
    floats = data.bars(count)
    scaled = [np.rint(floats[:, at] * 10_000).astype(np.int64) * 100 for at in range(4)]
    volume = floats[:, 4].astype(np.int64) * 10**6
    times = START_NS + np.arange(count, dtype=np.int64) * MINUTE_NS
    names = ("time_ns", "open", "high", "low", "close", "volume")
    return MarketFile(
        path=Path("seeded"),
        digest="",
        kind="bars",
        symbol="SYM",
        columns=dict(zip(names, (times, *scaled, volume), strict=True)),
        price_scale=6,
        qty_scale=6,
        price_digits=4,
        tick=100,
        bar_seconds=60,
    )


def check_exactly(result: Result, count: int) -> None:
    """Hold a result to the reference, where there is one for this many bars."""
    if count in REFERENCE:
        assert (result.trades, round(result.final_equity, 2)) == REFERENCE[count], result.figures()


def check_nearly(result: Result, count: int) -> None:
    """The same, with room for averages that tie."""
    if count in REFERENCE:
        orders, equity = REFERENCE[count]
        assert abs(result.trades - orders) <= ORDERS_MAY_DIFFER_BY, result.trades
        assert abs(result.final_equity - equity) <= EQUITY_MAY_DIFFER_BY, result.final_equity


def row(name: str, rates: list[float]) -> dict[str, Any]:
    median = statistics.median(rates)
    return {
        "name": name,
        "value": median,
        "unit": "bars/s",
        "runs": rates,
        "median": median,
        "best": max(rates),
    }
