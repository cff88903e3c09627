"""The fast reader: whole columns of text into scaled integers, by Arrow's exact decimal casts.

It never says what is wrong. At the first doubt it gives up with `DoubtError`, and the plain reader
goes through the rows again and finds the line, or accepts what was only unusual.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from papertape.markets.files.layout import Layout
from papertape.markets.files.market_file import PRICES, QUANTITIES, IntArray, Kind
from papertape.markets.files.plain import BUYER_WAS_MAKER, EPOCH_UNIT_NS, SIDES, Scaled
from papertape.markets.files.scales import (
    PRICE_DIGITS_MOST,
    PRICE_MOST,
    QTY_DIGITS_MOST,
    QTY_MOST,
    scale_that_fits,
)

DECIMAL_DIGITS = 38
"""What Arrow's 128-bit decimals hold."""

Text = Any
"""A pyarrow array of strings; pyarrow comes without types."""


class DoubtError(Exception):
    """Something is wrong or unusual; the plain reader will say what."""


def read_columns(columns: dict[str, Text], layout: Layout) -> dict[str, Scaled]:
    """Convert text columns by name into scaled columns; raises `DoubtError`."""
    import pyarrow as pa

    rows = len(columns["time_ns"])
    if rows == 0:
        raise DoubtError
    try:
        scaled = {
            "time_ns": (_times(columns["time_ns"]), 0),
            "side": (_sides(columns, rows), 0),
            **{name: _prices(columns[name]) for name in PRICES[layout.kind]},
            **{name: _quantities(columns.get(name), rows) for name in QUANTITIES[layout.kind]},
        }
    except (pa.ArrowException, OverflowError) as error:
        raise DoubtError from error
    _check(scaled, layout.kind)
    return scaled


def _times(text: Text) -> IntArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    first = text[0].as_py() or ""
    if re.fullmatch(r"\d{8} \d{9}", first):
        text = _compact_to_iso(text)
    elif first.isdigit() and len(first) in EPOCH_UNIT_NS:
        if pc.any(pc.not_equal(pc.utf8_length(text), len(first))).as_py():
            raise DoubtError
        return _numpy(text.cast(pa.int64())) * EPOCH_UNIT_NS[len(first)]
    has_zone = re.search(r"(Z|[+-]\d\d:?\d\d)$", first[10:]) is not None
    stamps = text.cast(pa.timestamp("ns", "UTC" if has_zone else None))
    return _numpy(stamps.cast(pa.int64()))


def _compact_to_iso(text: Text) -> Text:
    """Rewrite `YYYYMMDD HHMMSSmmm` as ISO text, which Arrow can read."""
    import pyarrow.compute as pc

    shape = r"^(?P<y>\d{4})(?P<o>\d\d)(?P<d>\d\d) (?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)(?P<f>\d{3})$"
    if not pc.all(pc.match_substring_regex(text, shape)).as_py():
        raise DoubtError
    return pc.replace_substring_regex(text, shape, r"\1-\2-\3 \4:\5:\6.\7")


def _prices(text: Text) -> Scaled:
    values, scale = _scaled(text, PRICE_DIGITS_MOST)
    if values.min() <= 0 or values.max() >= PRICE_MOST * 10**scale:
        raise DoubtError
    return values, scale


def _quantities(text: Text | None, rows: int) -> Scaled:
    if text is None:
        return np.zeros(rows, np.int64), 0
    values, scale = _scaled(text, QTY_DIGITS_MOST)
    if values.min() < 0 or values.max() >= QTY_MOST * 10**scale:
        raise DoubtError
    return values, scale


def _scaled(text: Text, digits_most: int) -> Scaled:
    import pyarrow as pa
    import pyarrow.compute as pc

    if text.null_count or pc.any(pc.match_substring_regex(text, "[eE]")).as_py():
        raise DoubtError
    point = pc.find_substring(text, ".")
    after = pc.subtract(pc.subtract(pc.utf8_length(text), point), 1)
    digits = pc.max(pc.if_else(pc.less(point, 0), 0, after)).as_py()
    if digits > DECIMAL_DIGITS - 19:
        raise DoubtError
    exact = text.cast(pa.decimal128(DECIMAL_DIGITS, digits))
    largest = int(pc.max(exact).as_py())
    scale = scale_that_fits(min(digits, digits_most), max(largest, 0))
    if scale < digits:
        exact = pc.round(exact, scale, "half_to_even").cast(pa.decimal128(DECIMAL_DIGITS, scale))
    return _low_words(exact), scale


def _low_words(decimals: Text) -> IntArray:
    """Take the low 64 bits of each 128-bit decimal: its unscaled value, known to fit."""
    whole = decimals.combine_chunks() if hasattr(decimals, "combine_chunks") else decimals
    words = np.frombuffer(whole.buffers()[1], np.int64)
    first = 2 * whole.offset
    low, high = words[first::2][: len(whole)], words[first + 1 :: 2][: len(whole)]
    if not np.array_equal(high, low >> 63):
        raise DoubtError
    return np.ascontiguousarray(low)


def _sides(columns: dict[str, Text], rows: int) -> IntArray:
    for name, meanings in (("side", SIDES), ("buyer_maker", BUYER_WAS_MAKER)):
        if name in columns:
            return _numpy(_lookup(columns[name], meanings))
    return np.zeros(rows, np.int64)


def _lookup(text: Text, meanings: dict[str, int]) -> Text:
    import pyarrow as pa
    import pyarrow.compute as pc

    at = pc.index_in(pc.utf8_lower(text), pa.array(list(meanings)))
    if at.null_count:
        raise DoubtError
    return pc.take(pa.array(list(meanings.values()), pa.int64()), at)


def _numpy(array: Text) -> IntArray:
    if array.null_count:
        raise DoubtError
    values: IntArray = array.to_numpy().astype(np.int64, copy=False)
    return values


def _check(columns: dict[str, Scaled], kind: Kind) -> None:
    steps = np.diff(columns["time_ns"][0])
    if len(steps) and steps.min() < (1 if kind == "bars" else 0):
        raise DoubtError
    if kind == "bars":
        high, low = columns["high"], columns["low"]
        _demand_at_most(low, high)
        for name in ("open", "close"):
            _demand_at_most(low, columns[name])
            _demand_at_most(columns[name], high)
    elif kind == "quotes":
        _demand_at_most(columns["bid"], columns["ask"])
    elif columns["qty"][0].min() == 0:
        raise DoubtError


def _demand_at_most(lower: Scaled, upper: Scaled) -> None:
    scale = max(lower[1], upper[1])
    if np.any(lower[0] * 10 ** (scale - lower[1]) > upper[0] * 10 ** (scale - upper[1])):
        raise DoubtError
