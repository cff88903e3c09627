"""Market files: bars, trades and quotes of the past, loaded exactly or refused by line.

Start reading at `load`. `layout` finds what the columns mean, `columns` reads fast, `plain` reads
row by row and is the definition of what a file may hold, `naming` guesses symbol and asset class.
This room never repairs, drops or invents a record, and never trades: that is `markets.replay`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from papertape.markets.files.delimited import read_delimited
from papertape.markets.files.layout import Layout
from papertape.markets.files.market_file import (
    COLUMNS,
    PRICES,
    QUANTITIES,
    BrokenFile,
    IntArray,
    MarketFile,
)
from papertape.markets.files.naming import (
    asset_class,
    contract_of,
    periods_per_year,
    symbol_from_name,
)
from papertape.markets.files.parquet import MAGIC, read_parquet
from papertape.markets.files.plain import Scaled
from papertape.markets.files.scales import digits_needed, price_step, scale_that_fits

__all__ = [
    "BrokenFile",
    "MarketFile",
    "asset_class",
    "contract_of",
    "load",
    "periods_per_year",
]

PARQUET_SUFFIXES = (".parquet", ".pq")


def load(path: Path | str, symbol: str | None = None) -> MarketFile:
    """Load a market file; the symbol comes from the argument, else from the file's name.

    Reads CSV (also gzipped), headerless tick files and Parquet. Raises `BrokenFile`, which names
    the file, the line and the reason, for anything that is not wholly right.
    """
    path = Path(path)
    raw = _bytes_of(path)
    is_parquet = path.suffix.lower() in PARQUET_SUFFIXES or raw.startswith(MAGIC)
    layout, columns = (read_parquet if is_parquet else read_delimited)(path, raw, symbol)
    name = (symbol or symbol_from_name(path)).upper()
    return _finish(path, hashlib.sha256(raw).hexdigest(), name, layout, columns)


def _bytes_of(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BrokenFile(path, None, "there is no such file") from None
    except OSError as error:
        raise BrokenFile(path, None, f"cannot be read ({error.strerror})") from None
    if not raw:
        raise BrokenFile(path, 1, "the file is empty")
    return raw


def _finish(
    path: Path, digest: str, symbol: str, layout: Layout, columns: dict[str, Scaled]
) -> MarketFile:
    """Bring all prices to one scale and all quantities to another."""
    kind = layout.kind
    usual = asset_class(symbol)
    prices = {name: columns[name] for name in PRICES[kind]}
    price_scale = max(usual.price_scale, *(scale for _, scale in prices.values()))
    sizes = {name: columns[name] for name in QUANTITIES[kind]}
    qty_scale = _common_scale(sizes, usual.qty_scale)
    scaled = {name: _rescaled(column, price_scale) for name, column in prices.items()}
    digits = digits_needed(scaled.values(), price_scale)
    tick = price_step(list(scaled.values()), price_scale, digits)
    scaled |= {name: _rescaled(column, qty_scale) for name, column in sizes.items()}
    scaled |= {name: columns[name][0] for name in ("time_ns", "side")}
    return MarketFile(
        path=path,
        digest=digest,
        kind=kind,
        symbol=symbol,
        columns={name: _frozen(scaled[name]) for name in COLUMNS[kind]},
        price_scale=price_scale,
        qty_scale=qty_scale,
        price_digits=digits,
        tick=tick,
        bar_seconds=_bar_seconds(scaled["time_ns"]) if kind == "bars" else 0,
    )


def _common_scale(sizes: dict[str, Scaled], usual: int) -> int:
    """Take the usual scale or a finer one that the file needs, and less when values are huge."""
    largest = max(int(column.max()) // 10**scale for column, scale in sizes.values())
    return scale_that_fits(max(usual, *(scale for _, scale in sizes.values())), largest)


def _rescaled(column: Scaled, scale: int) -> IntArray:
    values, has = column
    if scale >= has:
        return np.asarray(values * 10 ** (scale - has), np.int64)
    return _half_even(values, 10 ** (has - scale))


def _half_even(values: IntArray, unit: int) -> IntArray:
    whole, rest = np.divmod(values, unit)
    up = (2 * rest > unit) | ((2 * rest == unit) & (whole % 2 == 1))
    return np.asarray(whole + up, np.int64)


def _bar_seconds(time_ns: IntArray) -> int:
    """Take the most frequent distance between bars; a single bar counts as a day."""
    if len(time_ns) < 2:
        return 86_400
    steps, counts = np.unique(np.diff(time_ns), return_counts=True)
    return max(1, int(steps[np.argmax(counts)]) // 10**9)


def _frozen(values: IntArray) -> IntArray:
    values = np.ascontiguousarray(values)
    values.flags.writeable = False
    return values
