"""Bars a second of backtests, on the bars that peers were measured with.

Strategies in Python, array strategies, sweeps over parameters, and a universe of 500 symbols.

The strategy is long 100 shares while the 10-bar average is above the 30-bar one. Written with whole
numbers it must give the orders and the equity of the exact reference; written with the indicator,
as users write it, up to two orders may differ, because averages that tie differ in their last bit.
Loading a file stands before the clock, as for the peers.
"""

import resource
import statistics
from collections import deque
from pathlib import Path
from time import perf_counter
from typing import Any

import data
import numpy as np
from numpy.typing import NDArray

from papertape.backtest import Result, combinations, sweep
from papertape.backtest import run as run_backtest
from papertape.engine import Backtest
from papertape.indicators import SMA, sma
from papertape.markets.files import MarketFile
from papertape.strategies import Bar, History, SignalStrategy, Strategy

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


class Arrays(SignalStrategy):
    """The crossover as arrays, with TA-Lib's averages, as users write it."""

    fast: int = 10
    slow: int = 30
    size: int = 100

    def targets(self, bars: History) -> NDArray[np.int64]:
        rising = sma(bars.close, self.fast) > sma(bars.close, self.slow)
        return np.asarray(self.size * rising)


class ExactArrays(Arrays):
    """The same with sums of whole ticks."""

    def targets(self, bars: History) -> NDArray[np.int64]:
        ticks = np.rint(bars.close * 10_000).astype(np.int64)
        sums = np.concatenate(([0], np.cumsum(ticks)))
        rising = np.zeros(len(ticks), np.int64)
        fast = sums[self.slow :] - sums[self.slow - self.fast : -self.fast]
        slow = sums[self.slow :] - sums[: -self.slow]
        rising[self.slow - 1 :] = fast * self.slow > slow * self.fast
        return self.size * rising


SWEPT = {"fast": range(2, 42), "slow": range(42, 92, 2)}
"""1,000 pairs."""
SWEPT_BAR_BY_BAR = {"fast": range(2, 12), "slow": range(42, 62, 2)}
"""100 pairs."""


def run(count: int = 1_000_000) -> list[dict[str, Any]]:
    """One row for each kind of run."""
    file = bar_file(count)
    rows = []
    check_exactly(run_backtest(ExactCrossover, file, cash=10_000_000, fee="0.001"), count)
    for name, strategy in (("empty strategy", Nothing), ("Python SMA(10/30)", Crossover)):
        results = [run_backtest(strategy, file, cash=10_000_000, fee="0.001") for _ in range(RUNS)]
        if strategy is Crossover:
            check_nearly(results[-1], count)
        rows.append(row(f"backtest, {name}", [result.bars_per_second for result in results]))
    return [*rows, *array_rows(file, count), *sweep_rows(), *universe_rows()]


def array_rows(file: MarketFile, count: int) -> list[dict[str, Any]]:
    """Array strategies: the time of targets and engine, without the figures of the result."""
    check_exactly(run_backtest(ExactArrays, file, cash=10_000_000, fee="0.001"), count)
    results = [run_backtest(Arrays, file, cash=10_000_000, fee="0.001") for _ in range(RUNS)]
    check_nearly(results[-1], count)
    return [row("backtest, array SMA(10/30)", [result.bars_per_second for result in results])]


def sweep_rows() -> list[dict[str, Any]]:
    """Seconds of sweeps over 100,000 bars; one row of each must be that of a run alone."""
    file = bar_file(100_000)
    rows = []
    for name, strategy, grid in (
        ("1,000 array strategies", Arrays, SWEPT),
        ("100 Python strategies", Crossover, SWEPT_BAR_BY_BAR),
    ):
        sets = list(combinations(grid))
        seconds = []
        for _ in range(RUNS if strategy is Arrays else 1):
            started = perf_counter()
            swept = sweep(strategy, file, sets, cash=10_000_000, fee="0.001")
            seconds.append(perf_counter() - started)
        alone = run_backtest(strategy, file, cash=10_000_000, fee="0.001", params=sets[7])
        assert (swept[7].trades, swept[7].final_equity) == (alone.trades, alone.final_equity)
        rows.append(seconds_row(f"sweep of {name}, 100 k bars", seconds))
    rows.append(memory_row())
    return rows


def memory_row() -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**seconds_row("peak memory of all runs above", [used]), "unit": "MB"}


def seconds_row(name: str, seconds: list[float]) -> dict[str, Any]:
    median = statistics.median(seconds)
    found = {"name": name, "value": median, "unit": "s", "runs": seconds}
    return {**found, "median": median, "best": min(seconds)}


SYMBOLS, DAYS, DAYS_OF_MONTH, CHOSEN = 500, 2_520, 21, 50


def universe_rows() -> list[dict[str, Any]]:
    """Hold the 50 strongest of 500 symbols, chosen anew each month, over ten years of days."""
    seconds, outcomes = [], set()
    for _ in range(RUNS):
        taken, outcome = universe()
        seconds.append(taken)
        outcomes.add(outcome)
    assert len(outcomes) == 1, "the same inputs must give the same result"
    return [seconds_row("universe, 500 symbols x 10 years, monthly rotation", seconds)]


def universe() -> tuple[float, tuple[int, int]]:
    """Seconds; count of fills and final equity in money units."""
    draw = np.random.default_rng(3)
    steps = draw.normal(3e-4, 0.015, (SYMBOLS, DAYS))
    close = np.rint(50 * np.exp(np.cumsum(steps, axis=1)) * 100).astype(np.int64).clip(100)
    opened = np.concatenate((close[:, :1], close[:, :-1]), axis=1)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    times = START_NS + np.arange(DAYS, dtype=np.int64) * 86_400 * 10**9
    volume = np.full(DAYS, 10**12, np.int64)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    listing = [
        b'{"symbol":"%s","name":"S","asset_class":"us_equity","exchange":"X","sector":"",'
        b'"currency":"USD","tick_size":"0.01","lot_size":"1","price_scale":2,"qty_scale":0,'
        b'"trigger":"last"}' % name.encode()
        for name in names
    ]
    engine = Backtest(listing, "10000000", "0.001", "next_open")
    for at, name in enumerate(names):
        engine.load(name, times, opened[at], high[at], low[at], close[at], volume)
    started = perf_counter()
    held: dict[int, int] = {}
    for day in range(DAYS):
        engine.step()
        if day % DAYS_OF_MONTH == 0 and day >= 6 * DAYS_OF_MONTH:
            rotate(engine, names, close, day, held)
    result = engine.result()
    return perf_counter() - started, (
        len(result["fills"]["order"]),
        int(result["equity"]["equity"][-1]),
    )


def rotate(
    engine: Backtest, names: list[str], close: NDArray[np.int64], day: int, held: dict[int, int]
) -> None:
    strength = close[:, day] / close[:, day - 6 * DAYS_OF_MONTH]
    chosen = set(np.argsort(-strength, kind="stable")[:CHOSEN].tolist())
    for symbol in [symbol for symbol in held if symbol not in chosen]:
        engine.submit(names[symbol], 1, held.pop(symbol))
    # Two hundredths of nine tenths each, so that the cash reaches before the sales have filled.
    budget = engine.equity // 10**6 * 9 // 10 // (2 * CHOSEN)
    for symbol in sorted(chosen - held.keys()):
        qty = budget * 100 // int(close[symbol, day])
        engine.submit(names[symbol], 0, qty)
        held[symbol] = qty


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
