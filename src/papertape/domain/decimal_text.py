"""Decimal text: how money, prices and quantities travel. Strict coming in, plain going out.

No float is ever made of it. Accepted is an optional minus, digits, and at most one point with
digits on both sides; neither exponents nor NaN, infinity, blanks, underscores or the digits of
other alphabets.
"""

import re
from decimal import Decimal

DIGITS_MAX = 38
"""Digits in front of the point and behind it together: more than any i128 product needs."""

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    """The exact value of decimal text; ValueError says what is wrong with anything else."""
    if len(text) > DIGITS_MAX + 2:
        raise ValueError(f"a decimal has at most {DIGITS_MAX} digits")
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain decimal such as 10.01")
    value = Decimal(text)
    if len(value.as_tuple().digits) > DIGITS_MAX:
        raise ValueError(f"a decimal has at most {DIGITS_MAX} digits")
    return value


def decimal_text(value: Decimal, decimals_min: int = 0) -> str:
    """Plain text without needless zeros, with at least `decimals_min` digits after the point."""
    if not value.is_finite():
        raise ValueError(f"{value} has no decimal text")
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals_min, "0")
    text = f"{whole}.{fraction}" if fraction else whole
    return text.removeprefix("-") if not value else text
