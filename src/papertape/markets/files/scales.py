"""How many decimals a column is kept with, and the price step a file shows.

Prices keep up to nine decimals and quantities up to eight. What is finer is dust of somebody's
floating point (a volume of 218102.59507500002) and is rounded half to even.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from papertape.markets.files.market_file import IntArray

PRICE_DIGITS_MOST = 9
QTY_DIGITS_MOST = 8
PRICE_MOST = 10**9
QTY_MOST = 10**18
INT64_SAFE = 10**18

ENOUGH_PRICES_TO_SEE_A_STEP = 400
"""With fewer prices a file of round numbers would look as if it had a coarse tick."""


def scale_that_fits(wanted: int, largest: int) -> int:
    """Give the finest scale, at most `wanted`, at which values up to `largest` fit 64 bits."""
    scale = wanted
    while scale > 0 and (largest + 1) * 10**scale > INT64_SAFE:
        scale -= 1
    return scale


def digits_needed(columns: Iterable[IntArray], scale: int) -> int:
    """Count the decimals that remain when trailing zeros common to all values are dropped."""
    divisor = _common_divisor(columns)
    digits = scale
    while digits > 0 and divisor % 10 == 0:
        divisor //= 10
        digits -= 1
    return digits


def price_step(columns: list[IntArray], scale: int, digits: int) -> int:
    """Guess the tick: one unit of the last decimal, or five or 25 when every price agrees.

    Whole prices say nothing about the step; then it is a cent.
    """
    if digits == 0:
        return int(10 ** (scale - 2)) if scale >= 2 else 1
    unit = int(10 ** (scale - digits))
    if sum(len(column) for column in columns) < ENOUGH_PRICES_TO_SEE_A_STEP:
        return unit
    divisor = _common_divisor(columns)
    return next((unit * many for many in (25, 5) if divisor % (unit * many) == 0), unit)


def _common_divisor(columns: Iterable[IntArray]) -> int:
    return int(np.gcd.reduce([int(np.gcd.reduce(column)) for column in columns]))


def fixed_text(value: int, scale: int, digits: int) -> str:
    """Write a positive scaled integer as decimal text with at least `digits` decimals."""
    whole, rest = divmod(value, 10**scale)
    decimals = f"{rest:0{scale}d}".rstrip("0").ljust(digits, "0") if scale else ""
    return f"{whole}.{decimals}" if decimals else str(whole)


def decimal_text(value: int, scale: int) -> str:
    """Write a positive scaled integer as decimal text without needless zeros."""
    return fixed_text(value, scale, 0)
