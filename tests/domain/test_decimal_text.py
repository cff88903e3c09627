from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.domain.decimal_text import decimal_text, parse_decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", "0"), ("10.01", "10.01"), ("-3.50", "-3.5"), ("007", "7"), ("1" * 38, "1" * 38)],
)
def test_plain_decimals_are_read_exactly(text: str, value: str) -> None:
    assert parse_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1\n", "1e3", "NaN", "Infinity", "-inf", "+1", "--1", "1.", ".5", "1,5"],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal"):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text", ["1_000", "0x1", "1.2.3", "\N{ARABIC-INDIC DIGIT THREE}", "1" * 39, "1" * 4_000_000]
)
def test_what_only_python_reads_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal"):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("value", "decimals_min", "text"),
    [
        ("190.5", 2, "190.50"),
        ("190.500000", 2, "190.50"),
        ("100000", 2, "100000.00"),
        ("0.123456", 2, "0.123456"),
        ("10.00", 0, "10"),
        ("1E+3", 0, "1000"),
        ("-0.00", 2, "0.00"),
        ("-0.10", 0, "-0.1"),
    ],
)
def test_text_has_no_needless_zeros_but_the_wanted_decimals(
    value: str, decimals_min: int, text: str
) -> None:
    assert decimal_text(Decimal(value), decimals_min) == text


def test_what_is_no_number_has_no_text() -> None:
    with pytest.raises(ValueError, match="NaN"):
        decimal_text(Decimal("NaN"))


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12
    )
)
def test_text_and_back_is_the_same_value(value: Decimal) -> None:
    assert parse_decimal(decimal_text(value)) == value
