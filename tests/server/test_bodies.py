"""Bodies: JSON in, exact decimals out."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.requests import Request

from papertape.server.bodies import DecimalText, check_body, read_body
from papertape.server.problems import Problem


class Amount(BaseModel):
    amount: DecimalText


def request_with(body: bytes) -> Request:
    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def amount_of(number: str) -> str:
    body = f'{{"amount": {number}}}'.encode()
    return (await read_body(request_with(body), Amount)).amount


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ("1", "1"),
        ("-1.50", "-1.5"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551617", "18446744073709551617"),
        ("1e3", "1000"),
        ("1E-3", "0.001"),
        ("12.5e-1", "1.25"),
        ('"007.10"', "7.1"),
        ('"0.00000001"', "0.00000001"),
    ],
)
async def test_a_number_keeps_its_digits(number: str, text: str) -> None:
    assert await amount_of(number) == text


@pytest.mark.parametrize(
    "number",
    [
        "1e41",
        "1e-41",
        "1e400",
        "1e999999999999999999999",
        "1" * 39,
        "0." + "1" * 39,
        "1" * 10_000,
        "NaN",
        "-Infinity",
        '"NaN"',
        '"1e3"',
        '"0x10"',
        '""',
        '"."',
        '".5"',
        '"5."',
        '"--1"',
        '"1 "',
        '"1\\n"',
        '"\\u0000"',
        '"\\u0663"',
        "null",
        "true",
        "[1]",
        "{}",
    ],
    ids=lambda number: number[:20],
)
async def test_what_is_no_decimal_in_bounds_is_refused(number: str) -> None:
    with pytest.raises(Problem) as refused:
        await amount_of(number)
    assert refused.value.status == 422
    assert len(json.dumps(dict(refused.value.more))) < 400, "a reply never echoes a whole body"


@given(st.decimals(min_value=-(10**18), max_value=10**18, places=9))
def test_text_and_number_of_any_decimal_are_the_same(value: Decimal) -> None:
    read = {check_body({"amount": form}, Amount).amount for form in (value, f"{value:f}")}
    assert {Decimal(text) for text in read} == {value}
    assert len(read) == 1


@given(st.binary(max_size=200))
async def test_no_bytes_break_the_reading(body: bytes) -> None:
    with contextlib.suppress(Problem):
        await read_body(request_with(body), Amount)
