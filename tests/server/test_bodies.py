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
from server.test_orders import problem


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


UNREADABLE = [
    # (body, what the detail says)
    (b"", "it is empty"),
    (b"{", "Input data was truncated"),
    (b'{"amount": "\xff"}', "its text is not UTF-8"),
    (b'{"amount": "\\ud800"}', "half of a surrogate pair"),
    (b'{"amount": "\\udc00\\ud800x"}', "half of a surrogate pair"),
    (b'{"amount": "\\ud800"', "Input data was truncated"),
    (b"[" * 100_000, "nested too deep"),
    (b'{"amount": 1e999999999999999999999}', "a number in it is out of bounds"),
    (b"[]", "must be a JSON object"),
    (b'{"amount": 1, "amount": 2}', "amount stands twice"),
    (b'{"amount": 1, "\\u0061mount": 1}', "amount stands twice"),
    (b'{"a": [{"b": {"c": 1, "d": 1, "c": 1}}]}', "c stands twice"),
    (b'{"amount": 1e400}', "amount: the number is out of bounds"),
]


@pytest.mark.parametrize(("body", "said"), UNREADABLE, ids=lambda body: str(body[:40]))
async def test_what_cannot_be_read_is_told_in_plain_words(body: bytes, said: str) -> None:
    with pytest.raises(Problem) as refused:
        await read_body(request_with(body), Amount)
    assert refused.value.status == 422
    assert said in refused.value.detail


async def test_values_are_told_as_they_were_written() -> None:
    for number in ("1e400", "1E+400", "true", "9" * 39):
        with pytest.raises(Problem) as refused:
            await amount_of(number)
        told = refused.value.more["value"]
        assert json.loads(told, parse_float=Decimal) == json.loads(number, parse_float=Decimal)


TYPES = [
    (None, True),
    ("", True),
    ("application/json", True),
    ("Application/JSON ; charset=utf-8", True),
    ("application/merge-patch+json", True),
    ("text/plain", False),
    ("application/x-www-form-urlencoded", False),
    ("multipart/form-data; boundary=application/json", False),
    ("application/jsonp", False),
]


@pytest.mark.parametrize(("media", "taken"), TYPES)
def test_a_body_is_json_or_says_nothing(alice, product, stock, media, taken) -> None:
    headers = {} if media is None else {"content-type": media}
    order = {"account_id": alice.account_id, "symbol": stock, "side": "buy", "qty": "1"}
    order |= {"type": "limit", "limit_price": "9"}
    for path, body in (("/orders", order), ("/orders", order | {"qty": 1}), ("/watchlists", {})):
        response = alice.client.post(path, content=json.dumps(body), headers=headers)
        assert (response.status_code != 415) == taken
        if not taken:
            problem(response, 415, "unsupported_media_type")
    assert len(alice.client.get("/orders").json()["items"]) == (2 if taken else 0)


def test_an_order_that_names_a_member_twice_is_not_sent(alice, stock) -> None:
    order = {"account_id": alice.account_id, "symbol": stock, "side": "buy", "type": "market"}
    for qty in ('"1"', "1"):
        body = f'{json.dumps(order)[:-1]},"qty":{qty},"qty":"100"}}'
        told = problem(alice.client.post("/orders", content=body), 422, "malformed")
        assert told["field"] == "qty"
    assert alice.client.get("/orders?status=all").json()["items"] == []


@given(st.decimals(min_value=-(10**18), max_value=10**18, places=9))
def test_text_and_number_of_any_decimal_are_the_same(value: Decimal) -> None:
    read = {check_body({"amount": form}, Amount).amount for form in (value, f"{value:f}")}
    assert {Decimal(text) for text in read} == {value}
    assert len(read) == 1


@given(st.binary(max_size=200))
async def test_no_bytes_break_the_reading(body: bytes) -> None:
    with contextlib.suppress(Problem):
        await read_body(request_with(body), Amount)
