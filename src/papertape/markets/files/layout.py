"""Which column of a file means what, found from its header line.

Column names are matched without regard to case. A file without a header is only understood in one
shape, the tick file `YYYYMMDD HHMMSSmmm,bid,ask,volume`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from papertape.markets.files.market_file import Kind

NAMES: dict[str, tuple[str, ...]] = {
    "time_ns": (
        "", "time", "timestamp", "timestamp_utc", "date", "datetime", "ts", "open_time",
        "unnamed: 0", "index",
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol"),
    "price": ("price", "last"),
    "qty": ("quantity", "qty", "size", "amount", "volume"),
    "bid": ("bid", "bid_price"),
    "ask": ("ask", "ask_price", "offer"),
    "bid_size": ("bid_size", "bid_qty", "bid_volume"),
    "ask_size": ("ask_size", "ask_qty", "ask_volume"),
    "side": ("side",),
    "buyer_maker": ("buyer_maker", "is_buyer_maker"),
    "symbol": ("symbol",),
}  # fmt: skip
REQUIRED: dict[Kind, tuple[str, ...]] = {
    "bars": ("time_ns", "open", "high", "low", "close", "volume"),
    "trades": ("time_ns", "price", "qty"),
    "quotes": ("time_ns", "bid", "ask"),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "bars": ("symbol",),
    "trades": ("side", "buyer_maker", "symbol"),
    "quotes": ("bid_size", "ask_size", "symbol"),
}
COMPACT_TIME = re.compile(r"\d{8} \d{9}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The kind of a file, where its columns stand, and how many columns each row must have."""

    kind: Kind
    position: dict[str, int]
    width: int
    has_header: bool


class LayoutError(ValueError):
    """The first line names no columns that make bars, trades or quotes."""


def find_layout(first_row: Sequence[str]) -> Layout:
    """Read the header (or the first tick of a headerless file); raises `LayoutError`."""
    if COMPACT_TIME.fullmatch(first_row[0]):
        return _headerless_ticks(len(first_row))
    names = [name.strip().lower() for name in first_row]
    kind = _kind_of(names)
    position = {}
    for wanted in REQUIRED[kind] + OPTIONAL[kind]:
        found = _position(names, wanted)
        if found is not None:
            position[wanted] = found
        elif wanted in REQUIRED[kind]:
            label = "time" if wanted == "time_ns" else wanted
            raise LayoutError(f"missing column '{label}' of a file of {kind}")
    return Layout(kind, position, len(names), has_header=True)


def _headerless_ticks(width: int) -> Layout:
    if width != 4:
        raise LayoutError(f"a tick line has 4 columns (time,bid,ask,volume), this one has {width}")
    return Layout("quotes", {"time_ns": 0, "bid": 1, "ask": 2}, width, has_header=False)


def _kind_of(names: Sequence[str]) -> Kind:
    """Take the kind most of whose columns are there, so that one missing name can be told."""
    marks: dict[Kind, tuple[str, ...]] = {
        "bars": ("open", "high", "low", "close"),
        "quotes": ("bid", "ask"),
        "trades": ("price",),
    }
    for kind, marked in marks.items():
        if any(_position(names, mark) is not None for mark in marked):
            return kind
    raise LayoutError(
        "no header with known columns (bars: open high low close volume; trades: price quantity; "
        "quotes: bid ask), and no tick line 'YYYYMMDD HHMMSSmmm,bid,ask,volume'"
    )


def _position(names: Sequence[str], wanted: str) -> int | None:
    return next((names.index(name) for name in NAMES[wanted] if name in names), None)
