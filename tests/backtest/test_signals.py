"""An array strategy ends as it would end bar by bar, to the last cent and the last order."""

import math

import numpy as np
import pytest

from papertape.backtest import BacktestError, StrategyFailedError, combinations, run, sweep
from papertape.strategies import SignalStrategy, Strategy

FILL_ON = ["next_open", "close"]
POOR = 10_800
"""Pays some of the orders, not all."""


def average(values, period):
    out = np.full(len(values), np.nan)
    if len(values) >= period:
        out[period - 1 :] = np.convolve(values, np.ones(period) / period, "valid")
    return out


class Arrays(SignalStrategy):
    fast: int = 5
    slow: int = 20
    size: int = 100

    def targets(self, bars):
        return self.size * (average(bars.close, self.fast) > average(bars.close, self.slow))


class BarByBar(Arrays):
    """The same rule; written out, so that the engine is called for each bar."""

    def on_bar(self, bar):
        super().on_bar(bar)


def assert_same(one, other):
    for table in ("orders", "fills", "equity"):
        ours, theirs = getattr(one, table), getattr(other, table)
        assert ours.keys() == theirs.keys()
        for column in ours:
            assert ours[column].tolist() == theirs[column].tolist(), (table, column)
    for figure in ("final_equity", "sharpe", "max_drawdown", "fees", "unfilled", "refused"):
        assert repr(getattr(one, figure)) == repr(getattr(other, figure)), figure


@pytest.mark.parametrize("fill_on", FILL_ON)
@pytest.mark.parametrize("seed", range(5))
def test_one_call_gives_what_a_call_for_each_bar_gives(bar_file, seed, fill_on):
    path = bar_file(seed=seed)
    at_once = run(Arrays, path, fill_on=fill_on)
    assert at_once.trades > 10
    assert_same(at_once, run(BarByBar, path, fill_on=fill_on))


@pytest.mark.parametrize("fill_on", FILL_ON)
def test_orders_that_the_account_cannot_pay_are_refused_in_both(bar_file, fill_on):
    path = bar_file(seed=3)
    at_once = run(Arrays, path, cash=POOR, fill_on=fill_on)
    assert at_once.refused
    assert_same(at_once, run(BarByBar, path, cash=POOR, fill_on=fill_on))


def test_targets_may_change_size_and_need_not_begin_with_nothing(bar_file):
    class Steps(SignalStrategy):
        def targets(self, bars):
            return np.arange(len(bars)) // 7 * 13 % 50 + 1

    class StepsBarByBar(Steps):
        lookback = 400

        def on_bar(self, bar):
            super().on_bar(bar)

    path = bar_file(seed=2)
    assert_same(run(Steps, path), run(StepsBarByBar, path))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (lambda n: np.zeros(n - 1), "one number for each"),
        (lambda n: np.full(n, np.nan), "target of bar 0 is no number"),
        (lambda n: np.where(np.arange(n) == 3, -1, 0), "target of bar 3 is below zero"),
        (lambda n: np.where(np.arange(n) == 4, 0.5, 0), "bar 4 is not a number of whole lots"),
        (lambda n: np.full(n, 1e300), "too large"),
    ],
)
def test_targets_that_make_no_sense_are_refused_with_their_bar(bar_file, targets, words):
    class Wrong(SignalStrategy):
        def targets(self, bars):
            return targets(len(bars))

    with pytest.raises((BacktestError, StrategyFailedError), match=words):
        run(Wrong, bar_file())


def test_an_error_in_targets_names_the_line(bar_file):
    class Broken(SignalStrategy):
        def targets(self, bars):
            raise KeyError("no such thing")

    with pytest.raises(StrategyFailedError, match=r"test_signals.py:\d+, in on_start: KeyError"):
        run(Broken, bar_file())


GRID = {"fast": [3, 5, 8], "slow": [10, 20]}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("cash", [100_000, POOR])
def test_a_sweep_of_arrays_has_the_figures_of_single_runs(bar_file, cash, workers):
    path = bar_file(seed=4)
    rows = sweep(Arrays, path, GRID, cash=cash, workers=workers)
    assert [row.params for row in rows] == list(combinations(GRID))
    for row in rows:
        result = run(Arrays, path, cash=cash, params=row.params)
        assert (row.final_equity, row.trades, row.fees) == (
            result.final_equity,
            result.trades,
            result.fees,
        )
        assert row.total_return == pytest.approx(result.total_return, abs=1e-12)
        assert row.sharpe == pytest.approx(result.sharpe, rel=1e-9, nan_ok=True)
        assert row.max_drawdown == pytest.approx(result.max_drawdown, abs=1e-9)


def test_a_sweep_of_a_strategy_in_processes_has_the_figures_of_single_runs(bar_file):
    path = bar_file(seed=5, count=120)
    rows = sweep(BarByBar, path, [{"fast": 2}, {"fast": 4}], workers=2)
    for row in rows:
        result = run(BarByBar, path, params=row.params)
        assert (row.final_equity, row.trades) == (result.final_equity, result.trades)


def test_a_run_that_never_trades_has_no_sharpe_and_no_drawdown(bar_file):
    class Never(SignalStrategy):
        def targets(self, bars):
            return np.zeros(len(bars))

    (row,) = sweep(Never, bar_file(), [{}])
    assert math.isnan(row.sharpe)
    assert (row.max_drawdown, row.trades, row.total_return) == (0.0, 0, 0.0)


def test_a_sweep_says_which_parameter_is_unknown(bar_file):
    with pytest.raises(ValueError, match="fats"):
        sweep(Arrays, bar_file(), {"fats": [1]}, workers=1)
    assert issubclass(Arrays, Strategy)
