"""Seeded data of the benchmarks: one million bars, and one million operations on one book.

Both are the data that the peers were measured with, drawn from the same seeds in the same order,
so our totals must equal the totals that every correct price-time book reports.
"""

import json
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ADD, CANCEL, MARKET = 0, 1, 2
BUY, SELL = 0, 1
CACHE = Path(__file__).parent / "results" / "data"


@dataclass(frozen=True)
class FlowTotals:
    """What a correct book reports after a flow."""

    ops: int
    trades: int
    volume: int
    notional_ticks: int
    best_bid: int
    best_ask: int
    live: int


SHALLOW_MILLION = FlowTotals(
    ops=1_000_000,
    trades=299_316,
    volume=12_633_464,
    notional_ticks=1_263_306_951_862,
    best_bid=100_005,
    best_ask=100_006,
    live=1_120,
)


def bars(count: int = 1_000_000, seed: int = 7) -> NDArray[np.float64]:
    """Minute bars (count, 5): open, high, low, close, volume; each opens where the last closed."""
    draw = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(draw.normal(0.0, 4e-4, count))), 4)
    opened = np.concatenate(([100.0], close[:-1]))
    reach_up = np.exp(np.abs(draw.normal(0, 1.5e-4, count)))
    reach_down = np.exp(-np.abs(draw.normal(0, 1.5e-4, count)))
    high = np.round(np.maximum(opened, close) * reach_up, 4)
    low = np.round(np.minimum(opened, close) * reach_down, 4)
    volume = draw.integers(1_000, 100_000, count).astype(float)
    return np.column_stack([opened, high, low, close, volume])


def flow(count: int = 1_000_000, *, deep: bool = False) -> tuple[NDArray[np.int64], FlowTotals]:
    """Operations (count, 5): op, id, side, price in ticks, quantity; and what they must lead to.

    60 % limit adds near the touch, 35 % cancels, 5 % market orders. `deep` keeps about a quarter
    of `count` orders resting. Made once, then read from a file.
    """
    name = f"flow-{'deep' if deep else 'shallow'}-{count}"
    operations, totals = CACHE / f"{name}.npy", CACHE / f"{name}.json"
    if not totals.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        made, reported = _make_flow(count, scale=400.0 if deep else 8.0, fill=count // 4 * deep)
        np.save(operations, made)
        totals.write_text(json.dumps(asdict(reported)))
    return np.load(operations), FlowTotals(**json.loads(totals.read_text()))


class _PlainBook:
    """A price-time book that only the generator uses: it knows who is live, to cancel at random."""

    def __init__(self, middle: int = 100_000, span: int = 200_000) -> None:
        self.levels: list[list[OrderedDict[int, int] | None]] = [[None] * span, [None] * span]
        self.best = [middle - 1, middle + 1]
        self.count = [0, 0]
        self.live: list[int] = []
        self._place: dict[int, int] = {}
        self._where: dict[int, tuple[int, int]] = {}
        self.trades = self.volume = self.notional = 0

    def add(self, order: int, side: int, price: int, quantity: int) -> None:
        level = self.levels[side][price]
        if level is None:
            level = self.levels[side][price] = OrderedDict()
        level[order] = quantity
        self._where[order] = (side, price)
        self._place[order] = len(self.live)
        self.live.append(order)
        self.count[side] += 1
        better = price > self.best[BUY] if side == BUY else price < self.best[SELL]
        if better or self.count[side] == 1:
            self.best[side] = price

    def cancel(self, order: int) -> int:
        side, price = self._where[order]
        level = self.levels[side][price]
        assert level is not None
        del level[order]
        self._forget(order, side)
        if price == self.best[side]:
            self._find_best(side)
        return side

    def take(self, side: int, quantity: int) -> None:
        other = 1 - side
        while quantity:
            price = self.best[other]
            level = self.levels[other][price]
            assert level
            order, rest = next(iter(level.items()))
            filled = min(quantity, rest)
            quantity -= filled
            self.trades += 1
            self.volume += filled
            self.notional += filled * price
            if filled < rest:
                level[order] = rest - filled
                continue
            del level[order]
            self._forget(order, other)
            if not level:
                self._find_best(other)

    def _forget(self, order: int, side: int) -> None:
        del self._where[order]
        self.count[side] -= 1
        place, last = self._place.pop(order), self.live.pop()
        if last != order:
            self.live[place] = last
            self._place[last] = place

    def _find_best(self, side: int) -> None:
        step = -1 if side == BUY else 1
        while not self.levels[side][self.best[side]]:
            self.best[side] += step


def _make_flow(
    count: int, *, scale: float, fill: int, seed: int = 11, warm: int = 2_000
) -> tuple[NDArray[np.int64], FlowTotals]:
    draw = np.random.default_rng(seed)
    kind = draw.random(count).tolist()
    offset = (1 + np.floor(draw.exponential(scale, count)).astype(np.int64)).tolist()
    sides = draw.integers(0, 2, count).tolist()
    rests = draw.integers(1, 101, count).tolist()
    takes = draw.integers(1, 501, count).tolist()
    pick = draw.random(count).tolist()
    book = _PlainBook()
    operations = np.zeros((count, 5), np.int64)
    number = 0
    for k in range(count):
        side = sides[k]
        if kind[k] < 0.60 or k < fill or min(book.count) < 500:
            if k < max(warm, fill):
                side = k & 1
            number += 1
            price = book.best[SELL] - offset[k] if side == BUY else book.best[BUY] + offset[k]
            book.add(number, side, price, rests[k])
            operations[k] = (ADD, number, side, price, rests[k])
        elif kind[k] < 0.95:
            order = book.live[int(pick[k] * len(book.live))]
            operations[k] = (CANCEL, order, book.cancel(order), 0, 0)
        else:
            number += 1
            book.take(side, takes[k])
            operations[k] = (MARKET, number, side, 0, takes[k])
    return operations, _totals(count, book)


def _totals(count: int, book: _PlainBook) -> FlowTotals:
    return FlowTotals(
        ops=count,
        trades=book.trades,
        volume=book.volume,
        notional_ticks=book.notional,
        best_bid=book.best[BUY],
        best_ask=book.best[SELL],
        live=len(book.live),
    )
