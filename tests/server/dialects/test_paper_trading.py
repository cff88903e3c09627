"""The paper-trading surface: the same accounts and orders, under short addresses."""

import re

import httpx
import pytest

from papertape.server.models.orders import OrderReply
from papertape.server.models.paper_trading import StatusReply
from server.shapes import has_the_shape_of

PREFIX = "/api/paper-trading"


def call(trader, method: str, path: str, **options) -> httpx.Response:
    base = str(trader.client.base_url).removesuffix("/api/v1/")
    return trader.client.request(method, f"{base}{PREFIX}/{path}", **options)


def alert(trader, **fields) -> httpx.Response:
    return call(trader, "POST", "alerts", json=fields)


@pytest.mark.parametrize(
    ("fields", "kind", "status"),
    [
        ({"ticker": "{}", "action": "buy", "quantity": 10}, "market", "filled"),
        ({"symbol": "{}", "side": "buy", "qty": "10"}, "market", "filled"),
        ({"symbol": "{}", "side": "buy", "qty": 10, "price": 9}, "limit", "new"),
        ({"ticker": "{}", "side": "buy", "qty": 1, "limit_price": "10.01"}, "limit", "filled"),
        (
            {"ticker": "{}", "side": "buy", "qty": 1, "order_type": "stop", "stop_price": 12},
            "stop",
            "new",
        ),
        ({"symbol": "{}", "action": "buy", "notional": "500.00"}, "market", "filled"),
    ],
    ids=str,
)
def test_an_alert_is_an_order(alice, stock, fields, kind: str, status: str) -> None:
    given = {name: stock if value == "{}" else value for name, value in fields.items()}
    response = alert(alice, **given, strategy="alerts")
    assert response.status_code == 201, response.text
    order = response.json()
    assert has_the_shape_of(order, OrderReply)
    assert (order["type"], order["status"], order["strategy"]) == (kind, status, "alerts")
    assert alice.client.get(f"/orders/{order['id']}").json()["id"] == order["id"]


def test_an_alert_with_an_id_trades_once(alice, stock) -> None:
    fields = {"ticker": stock, "action": "buy", "quantity": 1, "price": 9, "order_id": "a1"}
    first, again = (alert(alice, **fields) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"action": "buy", "quantity": 1}, "malformed"),
        ({"ticker": "{}", "quantity": 1}, "malformed"),
        ({"ticker": "{}", "symbol": "{}", "action": "buy", "quantity": 1}, "malformed"),
        ({"ticker": "{}", "action": "hold", "quantity": 1}, "malformed"),
        ({"ticker": "{}", "action": "buy"}, "invalid_quantity"),
        ({"ticker": "{}", "action": "buy", "quantity": "x"}, "malformed"),
        ({"ticker": "{}", "action": "buy", "qty": "x"}, "invalid_quantity"),
        ({"ticker": "{}", "action": "sell", "quantity": 1}, "insufficient_quantity"),
        ({"ticker": "NOPE", "action": "buy", "quantity": 1}, "unknown_symbol"),
        ({"ticker": "{}", "action": "buy", "quantity": 1, "comment": "?"}, "malformed"),
    ],
    ids=str,
)
def test_what_is_no_order_is_refused_by_its_reason(alice, stock, fields, reason: str) -> None:
    given = {name: stock if value == "{}" else value for name, value in fields.items()}
    response = alert(alice, **given)
    assert (response.status_code, response.json()["reason"]) == (422, reason), response.text


def test_an_alert_may_name_an_account_of_its_own_only(alice, bob, stock) -> None:
    fields = {"ticker": stock, "action": "buy", "quantity": 1}
    second = alice.client.post("/accounts", json={"name": "Second"}).json()["id"]
    assert alert(alice, **fields, account_id=second).json()["account_id"] == second
    assert alert(alice, **fields, account_id=bob.account_id).status_code == 404


def test_accounts_orders_fills_and_metrics_are_those_of_the_native_api(alice, stock) -> None:
    alert(alice, ticker=stock, action="buy", quantity=10)
    resting = alert(alice, ticker=stock, action="buy", quantity=1, price=9).json()["id"]
    own = f"accounts/{alice.account_id}"
    for path, native in (
        ("accounts", "accounts"),
        (own, own),
        (f"{own}/orders", f"{own}/orders"),
        (f"{own}/orders?status=all&limit=1", f"{own}/orders?status=all&limit=1"),
        (f"{own}/fills", f"{own}/fills"),
        (f"{own}/metrics", f"{own}/metrics"),
        (f"{own}/", own),
    ):
        replies = (call(alice, "GET", path), alice.client.get(f"/{native}"))
        # A turn of the world may pass between the two.
        short, long = (re.sub(r'"as_of_seq":\d+', "", reply.text) for reply in replies)
        assert short == long, path
    status = call(alice, "GET", "status").json()
    assert has_the_shape_of(status, StatusReply)
    assert (status["accounts"], status["open_orders"], status["positions"]) == (1, 1, 1)
    canceled = call(alice, "POST", f"orders/{resting}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert call(alice, "POST", f"orders/{resting}/cancel").json()["reason"] == "not_cancelable"
    flat = call(alice, "POST", f"{own}/flatten")
    assert (flat.status_code, len(flat.json()["positions"])) == (207, 1)
    reset = call(alice, "POST", f"{own}/reset", json={"starting_cash": "5"})
    assert (reset.status_code, reset.json()["cash"]) == (200, "5.00")
