"""What a market file holds once it is loaded, and the error of a file that cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
Kind: TypeAlias = Literal["bars", "trades", "quotes"]

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "bars": ("time_ns", "open", "high", "low", "close", "volume"),
    "trades": ("time_ns", "price", "qty", "side"),
    "quotes": ("time_ns", "bid", "ask", "bid_size", "ask_size"),
}
PRICES: dict[Kind, tuple[str, ...]] = {
    "bars": ("open", "high", "low", "close"),
    "trades": ("price",),
    "quotes": ("bid", "ask"),
}
QUANTITIES: dict[Kind, tuple[str, ...]] = {
    "bars": ("volume",),
    "trades": ("qty",),
    "quotes": ("bid_size", "ask_size"),
}


@dataclass(frozen=True, slots=True)
class MarketFile:
    """Bars, trades or quotes of one instrument, oldest first, as scaled integers.

    `columns` maps each name of `COLUMNS[kind]` to an int64 array; all have the same length.
    Prices count in 10^-price_scale, quantities in 10^-qty_scale, `time_ns` in nanoseconds UTC.
    `side` of a trade is +1 (a buyer was the aggressor), -1 (a seller) or 0 (not told).
    `tick` is the price step seen in the file, in 10^-price_scale.
    `price_digits` is how many decimals the file's prices need; `bar_seconds` is 0 for ticks.
    """

    path: Path
    digest: str
    kind: Kind
    symbol: str
    columns: dict[str, IntArray]
    price_scale: int
    qty_scale: int
    price_digits: int
    tick: int
    bar_seconds: int

    def __len__(self) -> int:
        return len(self.columns["time_ns"])

    def __getitem__(self, name: str) -> IntArray:
        """Give the column of that name, int64, one value a record."""
        return self.columns[name]


class BrokenFile(ValueError):  # noqa: N818 - the word readers know
    """A market file that was refused: which file, where in it, and why.

    `line` counts from 1 (the header included); for Parquet it is the row, from 1.
    It is None when the whole file is the problem.
    """

    def __init__(self, path: Path, line: int | None, reason: str, unit: str = "line") -> None:
        where = f"{path.name}, {unit} {line}" if line is not None else path.name
        super().__init__(f"{where}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason
