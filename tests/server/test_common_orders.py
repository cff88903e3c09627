"""The short way of reading an order reads what the model of the route reads, or nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.server.bodies import _DECODER, check_body
from papertape.server.common_orders import common_fields
from papertape.server.models.orders import OrderRequest
from papertape.server.problems import Problem

ACCOUNT = "0f8b4a52-7c1e-4d3a-9a55-2f6d7b1c9e04"
PLAIN = {"account_id": ACCOUNT, "symbol": "AAPL", "side": "buy", "type": "limit", "qty": "10"}
FIGURES = st.one_of(
    st.from_regex(r"-?[0-9]{1,22}(\.[0-9]{0,12})?", fullmatch=True),
    st.sampled_from(["0", "0.0", "007", "1.", ".5", "1e3", " 1", "1_0", "\u0661", "", "NaN"]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "account_id": st.sampled_from([ACCOUNT, ACCOUNT.upper(), "x", None, 5]),
        "symbol": st.sampled_from(["AAPL", "BTC/USD", "aapl", "", "A" * 40, None, "BRK.A", "É"]),
        "side": st.sampled_from(["buy", "sell", "BUY", None, "hold"]),
        "type": st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop", None]),
        "qty": FIGURES,
        "limit_price": FIGURES,
        "stop_price": FIGURES,
        "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok", "gtd", None, "DAY"]),
        "client_order_id": st.sampled_from(["mine", "", "a b", "x" * 129, None, 7, "é"]),
        "tags": st.sampled_from([None, [], ["a"]]),
        "unknown": st.just(1),
    },
)


def read_by_the_model(body: bytes) -> dict | None:
    try:
        return check_body(_DECODER.decode(body), OrderRequest).fields()
    except Problem:
        return None


@given(BODIES, st.booleans())
def test_where_the_short_way_reads_an_order_the_model_reads_the_same(changes, complete):
    body = json.dumps({**(PLAIN if complete else {}), **changes}).encode()
    short = common_fields(body)
    if short is not None:
        assert list(short.items()) == list(read_by_the_model(body).items())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": "market"},
        {"limit_price": "190.50", "time_in_force": "gtc"},
        {"type": "stop_limit", "limit_price": "1.00", "stop_price": "0.5"},
        {"symbol": "BTC/USD", "qty": "0.00010000", "client_order_id": "mine-1"},
    ],
    ids=str,
)
def test_common_orders_are_read_the_short_way(changes):
    body = json.dumps(PLAIN | changes).encode()
    assert common_fields(body) == read_by_the_model(body)


@pytest.mark.parametrize("again", ['"qty":"11"', '"\\u0071ty":"10"', '"time_in_force":"gtc"'])
def test_a_name_that_stands_twice_is_left_to_the_model(again):
    body = json.dumps(PLAIN | {"time_in_force": "day"})
    assert common_fields(body.encode()) is not None
    assert common_fields(f"{body[:-1]},{again}}}".encode()) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"qty":1}', b"[" * 5000])
def test_what_is_no_order_is_left_to_the_model(body):
    assert common_fields(body) is None
