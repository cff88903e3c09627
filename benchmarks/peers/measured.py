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


def tell(name: str, count: int, work: Callable[[], object], unit: str, runs: int = RUNS) -> None:
    """Run a work several times and print its rates and what it came to."""
    rates, totals = [], None
    for _ in range(runs):
        started = time.perf_counter()
        totals = work()
        rates.append(count / (time.perf_counter() - started))
    print(json.dumps({"name": name, "rates": rates, "unit": unit, "totals": totals}), flush=True)
