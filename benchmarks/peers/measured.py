"""What the scripts of the peers share: where the data is, and how a result is told.

It runs in the environment of a peer, so it may import nothing of ours but this file.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

DATA = Path(os.environ["PEER_DATA"])
RUNS = 3


def bars(count: int) -> np.ndarray:
    """The first bars: open, high, low, close, volume."""
    return np.load(DATA / "bars.npy")[:count]


def flow() -> list[tuple[int, ...]]:
    """The operations: kind, order, side, price in ticks, quantity."""
    return [tuple(row) for row in np.load(DATA / "flow.npy").tolist()]


def flow_file(shape: str) -> tuple[Path, int]:
    """The operations of a flow ("shallow" or "deep") as rows of five 64-bit numbers; how many."""
    rows = np.load(DATA / ("flow.npy" if shape == "shallow" else f"flow-{shape}.npy"))
    path = DATA / f"flow-{shape}.bin"
    rows.astype("<i8").tofile(path)
    return path, len(rows)


def expect(shape: str, totals: dict[str, int]) -> None:
    """Stop where a peer came to other totals than every correct book does."""
    expected = json.loads((DATA / "expected.json").read_text())[shape]
    wrong = {key: (it, expected[key]) for key, it in totals.items() if it != expected[key]}
    if wrong:
        raise SystemExit(f"other totals than every correct book: {wrong}")


def tell(name: str, count: int, work: Callable[[], object], unit: str, runs: int = RUNS) -> None:
    """Run a work several times and print its rates and what it came to."""
    rates, totals = [], None
    for _ in range(runs):
        started = time.perf_counter()
        totals = work()
        rates.append(count / (time.perf_counter() - started))
    tell_rates(name, rates, unit, totals)


def tell_rates(name: str, rates: list[float], unit: str, totals: object) -> None:
    """Print rates that were measured elsewhere, and what the work came to."""
    print(json.dumps({"name": name, "rates": rates, "unit": unit, "totals": totals}), flush=True)
