"""Backtests: a strategy over the bars of a market file, through the one engine.

    from papertape.backtest import run

    result = run(SmaCrossover, "GOOG-1d.csv", cash=100_000, fee="0.001", params={"fast": 20})
    result.final_equity, result.sharpe, result.equity_curve

Start reading at `run.run`. This room feeds bars to the compiled engine and reads its columns; it
never matches an order, never rounds money and never looks ahead of the present bar.
"""

from papertape.backtest.failures import BacktestError, StrategyFailedError
from papertape.backtest.result import Result
from papertape.backtest.run import run
from papertape.backtest.sweep import SweepRow, combinations, sweep

__all__ = [
    "BacktestError",
    "Result",
    "StrategyFailedError",
    "SweepRow",
    "combinations",
    "run",
    "sweep",
]
