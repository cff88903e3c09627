"""Sweeps: one strategy with many parameters over the same bars.

    from papertape.backtest import sweep

    rows = sweep(Crossover, "GOOG-1d.csv", {"fast": range(5, 20), "slow": range(20, 80, 5)})
    best = max(rows, key=lambda row: row.final_equity)

Array strategies (`SignalStrategy`) run on threads that share the bars and keep figures only, so
ten thousand runs need no more memory than a few. Strategies that are called bar by bar run in
processes, because Python code holds the interpreter.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path

from papertape.backtest.arrays import is_array_strategy, targets_in_units
from papertape.backtest.broker import EngineBroker
from papertape.backtest.result import MONEY_UNIT, Result
from papertape.backtest.run import FillOn, Setup, prepare, run
from papertape.markets.files import MarketFile, periods_per_year
from papertape.strategies import SignalStrategy, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """The figures of one run; named and defined as in `Result`."""

    params: dict[str, object]
    final_equity: float
    total_return: float
    sharpe: float
    max_drawdown: float
    trades: int
    fees: float


def combinations(grid: Mapping[str, Iterable[object]]) -> Iterator[dict[str, object]]:
    """Give every combination of a grid, the last name changing fastest."""
    names = list(grid)
    for values in product(*grid.values()):
        yield dict(zip(names, values, strict=True))


def sweep(
    strategy: type[Strategy],
    data: MarketFile | Path | str,
    params: Mapping[str, Iterable[object]] | Sequence[Mapping[str, object]],
    symbol: str | None = None,
    cash: Decimal | float | str = 100_000,
    fee: Decimal | float | str = "0.001",
    fill_on: FillOn = "next_open",
    workers: int | None = None,
) -> list[SweepRow]:
    """Run a strategy once for each set of parameters and return a row for each, in their order.

    `params` is a grid (each name with its values; all combinations run) or a list of sets.
    `workers` counts threads or processes; without it there is one for each processor.
    Raises what `run` raises.
    """
    sets = list(combinations(params)) if isinstance(params, Mapping) else [dict(p) for p in params]
    setup = prepare(data, symbol, cash, fee, fill_on)
    workers = workers or os.cpu_count() or 1
    if is_array_strategy(strategy):
        return _on_threads(strategy, setup, sets, workers)
    return _in_processes(strategy, setup, sets, workers)


def _on_threads(
    strategy: type[SignalStrategy], setup: Setup, sets: list[dict[str, object]], workers: int
) -> list[SweepRow]:
    engine = setup.engine()
    broker = EngineBroker(engine, {setup.file.symbol: setup.file})
    symbol = setup.file.symbol
    yearly = periods_per_year(symbol, setup.file.bar_seconds)

    def one(params: dict[str, object]) -> SweepRow:
        targets = targets_in_units(strategy(broker, params), broker, symbol)
        swept = engine.sweep_targets(symbol, targets)
        if swept is None:
            return _full_row(strategy, setup, params)
        (_, filled, fees, equity), (count, total, squares), drawdown = swept
        return SweepRow(
            params=params,
            final_equity=equity / MONEY_UNIT,
            total_return=equity / MONEY_UNIT / float(setup.cash) - 1.0,
            sharpe=_sharpe(count, total, squares, yearly),
            max_drawdown=drawdown,
            trades=filled,
            fees=fees / MONEY_UNIT,
        )

    if workers == 1:
        return [one(params) for params in sets]
    with ThreadPoolExecutor(workers) as executor:
        return list(executor.map(one, sets))


def _sharpe(count: int, total: float, squares: float, yearly: int) -> float:
    """As `analytics.sharpe`, of returns of which only the sums are kept."""
    if count < 2:
        return math.nan
    mean = total / count
    variance = max(0.0, (squares - count * mean * mean) / (count - 1))
    if variance <= 1e-28:
        return math.nan
    return mean / math.sqrt(variance) * math.sqrt(yearly)


def _full_row(strategy: type[Strategy], setup: Setup, params: dict[str, object]) -> SweepRow:
    result = run(
        strategy,
        setup.file,
        cash=setup.cash,
        fee=setup.fee,
        fill_on=setup.fill_on,
        params=params,
    )
    return _row(params, result)


def _row(params: dict[str, object], result: Result) -> SweepRow:
    return SweepRow(
        params=params,
        final_equity=result.final_equity,
        total_return=result.total_return,
        sharpe=result.sharpe,
        max_drawdown=result.max_drawdown,
        trades=result.trades,
        fees=result.fees,
    )


_shared: tuple[type[Strategy], Setup] | None = None
"""What the processes of a sweep share: set once in each, instead of sent with each run."""


def _share(strategy: type[Strategy], setup: Setup) -> None:
    global _shared  # noqa: PLW0603 - one value for the life of a worker process
    _shared = (strategy, setup)


def _in_worker(params: dict[str, object]) -> SweepRow:
    assert _shared is not None
    return _full_row(*_shared, params)


def _in_processes(
    strategy: type[Strategy], setup: Setup, sets: list[dict[str, object]], workers: int
) -> list[SweepRow]:
    if workers == 1 or len(sets) == 1:
        return [_full_row(strategy, setup, params) for params in sets]
    with _processes(strategy, setup, min(workers, len(sets))) as executor:
        return list(executor.map(_in_worker, sets))


def _processes(strategy: type[Strategy], setup: Setup, workers: int) -> Executor:
    # A fork shares the bars and the class; where there is none, both are pickled once a process.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)
    share: Callable[..., None] = _share
    return ProcessPoolExecutor(workers, context, share, (strategy, setup))
