"""Strategies and bars that the backtest's tests share."""

from pathlib import Path

import pytest

from backtest.plain_crossover import seeded_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture
def crossover():
    """Give the example strategy, loaded as the command loads it."""
    from papertape.strategies.loading import load_strategy

    return load_strategy(f"{ROOT / 'examples' / 'sma_crossover.py'}:SmaCrossover")


@pytest.fixture
def bar_file(tmp_path):
    """Write bars, given as `(open, close)` texts or a seed and a count, as a file of days."""

    def write(rows=None, *, seed=1, count=400, name="ACME-1d.csv", start_day=0):
        if rows is None:
            rows = seeded_rows(seed, count)
        lines = ["date,open,high,low,close,volume"]
        for day, (open_, close) in enumerate(rows, start=start_day):
            high, low = max(open_, close, key=float), min(open_, close, key=float)
            date = f"{2000 + day // 336}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02}"
            lines.append(f"{date},{open_},{high},{low},{close},1000")
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
