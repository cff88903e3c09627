"""`/ws/stocks/{ticker}/` as a plain WebSocket client sees it."""

import json
from contextlib import contextmanager
from decimal import Decimal

import pytest
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from papertape.server.stream.tickers import is_from_here


@contextmanager
def listening(product, path: str, **options):
    address = f"ws://127.0.0.1:{product.port}/ws/stocks/{path}"
    with connect(address, compression=None, **options) as connection:
        yield connection


def closing_code(connection) -> int:
    """The code that the server closes with, before it says anything else."""
    with pytest.raises(ConnectionClosed):
        connection.recv(timeout=5)
    return connection.close_code


def told(connection) -> dict:
    return json.loads(connection.recv(timeout=5))


def trade(product, symbol: str, price: str) -> None:
    product.feed({"kind": "trade", "symbol": symbol, "price": price, "qty": "5"})


@pytest.mark.parametrize("ending", ["", "/"])
def test_every_change_of_the_price_is_told(product, ending) -> None:
    symbol = product.stock()
    trade(product, symbol, "10.00")
    with listening(product, symbol + ending) as connection:
        first = told(connection)
        assert (first["ticker"], first["price"]) == (symbol, "10")
        assert set(first) == {"ticker", "price", "moving_average_5m", "change_1m", "time"}
        trade(product, symbol, "10.00")
        trade(product, symbol, "10.01")
        after = told(connection)
        assert after["price"] == "10.01"
        assert Decimal(10) <= Decimal(after["moving_average_5m"]) <= Decimal("10.01")
        assert after["time"] > first["time"]


def test_before_the_first_trade_the_middle_of_the_quote_counts(product) -> None:
    symbol = product.stock(bid="9.90", ask="10.10")
    with listening(product, symbol) as connection:
        assert told(connection)["price"] == "10"
        trade(product, symbol, "10.05")
        assert told(connection)["price"] == "10.05"


def test_a_move_of_two_percent_within_a_minute_is_an_alert(product) -> None:
    symbol = product.stock()
    trade(product, symbol, "10.00")
    with listening(product, symbol) as connection:
        assert "alert" not in told(connection)
        trade(product, symbol, "10.19")
        assert "alert" not in told(connection)
        trade(product, symbol, "10.20")
        assert told(connection)["alert"] == "up 2.00 % within a minute"
        trade(product, symbol, "9.90")
        assert told(connection)["alert"] == "down 2.94 % within a minute"


def test_a_ticker_may_have_a_slash(product) -> None:
    product.quote("BTC/USD", "60000", "60002")
    for name in ("BTC/USD/", "BTC/USD", "BTCUSD/"):
        with listening(product, name) as connection:
            assert told(connection)["ticker"] == "BTC/USD"


@pytest.mark.parametrize("name", ["NOPE", "NOPE/", "", "a/b/c"])
def test_an_unknown_ticker_closes_4404_with_a_reason(product, name) -> None:
    with listening(product, name) as connection:
        assert closing_code(connection) == 4404
        assert "unknown ticker" in connection.close_reason


def test_from_elsewhere_a_token_is_needed(product, alice, stock) -> None:
    elsewhere = {"additional_headers": {"X-Forwarded-For": "203.0.113.7"}}
    for query in ("", "?token=", "?token=nonsense"):
        with listening(product, f"{stock}/{query}", **elsewhere) as connection:
            assert closing_code(connection) == 4401
    with listening(product, f"{stock}/?token={alice.token}", **elsewhere) as connection:
        assert told(connection)["ticker"] == stock


def test_a_bad_token_is_refused_on_this_machine_too(product, stock) -> None:
    with listening(product, f"{stock}/?token=nonsense") as connection:
        assert closing_code(connection) == 4401


ADDRESSES = [
    ("127.0.0.1", {}, True),
    ("::1", {}, True),
    ("192.168.1.5", {}, False),
    ("unix", {}, False),
    ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, False),
    ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, False),
]


@pytest.mark.parametrize(("host", "headers", "here"), ADDRESSES)
def test_what_counts_as_this_machine(host, headers, here) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "client": (host, 1), "headers": raw}
    assert is_from_here(WebSocket(scope, None, None)) is here


def test_clients_share_a_ticker_and_come_again(product) -> None:
    symbol = product.stock()
    trade(product, symbol, "10.00")
    with listening(product, symbol) as one, listening(product, symbol) as other:
        assert told(one) == told(other)
        trade(product, symbol, "10.03")
        assert told(one) == told(other)
    with listening(product, symbol) as again:
        assert told(again)["price"] == "10.03"
