"""Operations a second of the engine alone, on the flow that the peers were measured with.

Two works: the bare book (order book and matching), and a whole world (accounts, holds, risk checks,
fees, double-entry events for every step). Both run in Rust without Python in between, and both
must report exactly the totals that every correct price-time book reports.
"""

import statistics
from collections.abc import Callable
from typing import Any

import data
import numpy as np
from numpy.typing import NDArray

from papertape.engine import _engine

RUNS = 3

Work = Callable[[NDArray[np.int64]], tuple[float, int, int, int]]
"""Runs a flow; returns seconds, trades, volume and resting orders."""


def run(count: int = 1_000_000) -> list[dict[str, Any]]:
    """One row for each work and flow."""
    rows = []
    for deep in (False, True):
        operations, expected = data.flow(count, deep=deep)
        if not deep and count == data.SHALLOW_MILLION.ops:
            assert expected == data.SHALLOW_MILLION, "the generator has changed"
        shape = "deep" if deep else "shallow"
        works = {"book": _engine.bench_book, "world": _engine.bench_world}
        for name, work in works.items():
            measured = _measure(work, operations, expected)
            rows.append(_row(f"{name}, {shape}", measured, count))
    return rows


def _measure(work: Work, operations: NDArray[np.int64], expected: data.FlowTotals) -> list[float]:
    """Seconds of each run; every run must have the expected totals."""
    seconds = []
    for _ in range(RUNS):
        taken, trades, volume, live = work(operations)
        totals = (trades, volume, live)
        assert totals == (expected.trades, expected.volume, expected.live), totals
        seconds.append(taken)
    return seconds


def _row(name: str, seconds: list[float], count: int) -> dict[str, Any]:
    rates = [count / taken for taken in seconds]
    median = statistics.median(rates)
    return {
        "name": name,
        "value": median,
        "unit": "operations/s",
        "runs": rates,
        "median": median,
        "best": max(rates),
    }
