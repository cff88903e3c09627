"""Positions: looked at, closed, in part and all."""

import pytest

from papertape.server.models.account_changes import ClosedPositionsReply
from papertape.server.models.accounts import PositionReply
from server.shapes import has_the_shape_of
from server.test_orders import problem


@pytest.fixture
def holder(product):
    """Somebody who holds ten of a stock."""
    trader = product.trader()
    trader.stock = product.stock()
    trader.order(symbol=trader.stock, limit_price="10.01")
    return trader


def held(trader) -> dict[str, str]:
    items = trader.client.get("/positions").json()["items"]
    return {item["symbol"]: item["qty"] for item in items}


def test_positions_are_listed_and_found(holder) -> None:
    (listed,) = holder.client.get("/positions").json()["items"]
    found = holder.client.get(f"/positions/{holder.stock}").json()
    assert has_the_shape_of(found, PositionReply)
    assert (found, found["qty"]) == (listed, "10")
    by_account = holder.client.get(f"/positions?account_id={holder.account_id}")
    assert by_account.json()["items"] == [listed]


@pytest.mark.parametrize("symbol", ["NOPE", "BTC/USD", "BTC%2FUSD"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_held_is_not_found(holder, method: str, symbol: str) -> None:
    problem(holder.client.request(method, f"/positions/{symbol}"), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", None),
        ("qty=3", "7"),
        ("qty=10", None),
        ("percentage=50", "5"),
        ("percentage=100", None),
        ("percentage=39.9", "7"),
    ],
)
def test_a_position_is_closed_in_whole_or_in_part(holder, query: str, left) -> None:
    response = holder.client.delete(f"/positions/{holder.stock}?{query}")
    assert response.status_code == 201, response.text
    order = response.json()
    assert (order["side"], order["type"], order["status"]) == ("sell", "market", "filled")
    assert held(holder).get(holder.stock) == left


@pytest.mark.parametrize(
    ("query", "reason", "field"),
    [
        ("qty=11", "invalid_quantity", "qty"),
        ("qty=0", "invalid_quantity", "qty"),
        ("qty=-1", "invalid_quantity", "qty"),
        ("qty=x", "invalid_quantity", "qty"),
        ("percentage=0", "malformed", "percentage"),
        ("percentage=100.1", "malformed", "percentage"),
        ("percentage=1e1", "malformed", "percentage"),
        ("percentage=9", "invalid_quantity", "percentage"),
        ("qty=1&percentage=1", "malformed", "percentage"),
    ],
)
def test_a_share_that_cannot_be_is_refused(holder, query, reason, field) -> None:
    response = holder.client.delete(f"/positions/{holder.stock}?{query}")
    assert problem(response, 422, reason)["field"] == field
    assert held(holder) == {holder.stock: "10"}


def test_the_exchange_decides_whether_it_can_be_closed(holder) -> None:
    holder.order(symbol=holder.stock, side="sell", limit_price="15")
    refused = problem(
        holder.client.delete(f"/positions/{holder.stock}"), 422, "insufficient_quantity"
    )
    assert refused["order_id"]


def test_a_repeated_request_closes_once(holder) -> None:
    for status in (201, 200):
        response = holder.client.delete(
            f"/positions/{holder.stock}?qty=4", headers={"Idempotency-Key": "close"}
        )
        assert response.status_code == status, response.text
    assert held(holder) == {holder.stock: "6"}


def test_a_repeated_request_knows_its_order_when_nothing_is_held_any_more(holder) -> None:
    headers = {"Idempotency-Key": "close"}
    first, again = (
        holder.client.delete(f"/positions/{holder.stock}", headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]


def test_all_positions_are_closed_and_each_is_answered(holder, product) -> None:
    product.quote("BTC/USD", "50000", "50001")
    holder.order(symbol="BTC/USD", qty="0.1", limit_price="50001")
    blocking = holder.order(symbol=holder.stock, side="sell", limit_price="15").json()["id"]
    response = holder.client.delete("/positions")
    assert response.status_code == 207, response.text
    assert has_the_shape_of(response.json(), ClosedPositionsReply)
    told = {item["symbol"]: item for item in response.json()["items"]}
    assert told["BTC/USD"]["order"]["status"] == "filled"
    assert told[holder.stock]["status"] == 422
    assert told[holder.stock]["problem"]["reason"] == "insufficient_quantity"
    again = holder.client.delete("/positions?cancel_orders=true").json()["items"]
    assert [(item["symbol"], item["status"]) for item in again] == [(holder.stock, 201)]
    assert holder.client.get(f"/orders/{blocking}").json()["status"] == "canceled"
    assert held(holder) == {}


def strategies(trader) -> dict[str | None, tuple[int, str]]:
    """Closed trades and what they made, by strategy."""
    items = trader.client.get(f"/accounts/{trader.account_id}/strategies").json()["items"]
    return {item["strategy"]: (item["total_trades"], item["realized_pl"]) for item in items}


@pytest.mark.parametrize(
    "close",
    [
        lambda trader: trader.client.delete(f"/positions/{trader.stock}"),
        lambda trader: trader.client.delete("/positions"),
        lambda trader: trader.client.post(f"/accounts/{trader.account_id}/flatten"),
    ],
    ids=["one", "all", "flatten"],
)
def test_what_one_strategy_holds_is_closed_in_its_name(product, close) -> None:
    trader = product.trader()
    trader.stock = product.stock()
    trader.order(symbol=trader.stock, limit_price="10.01", strategy="breakout")
    assert close(trader).is_success
    assert strategies(trader) == {"breakout": (1, "-0.20")}
    (closing,) = trader.client.get("/orders?status=all&strategy=breakout&limit=1").json()["items"]
    assert (closing["side"], closing["type"]) == ("sell", "market")


def test_what_several_hold_is_closed_in_nobodys_name_unless_one_is_given(holder) -> None:
    holder.order(symbol=holder.stock, limit_price="10.01", strategy="breakout")
    order = holder.client.delete(f"/positions/{holder.stock}?qty=4").json()
    assert "strategy" not in order
    path = f"/positions/{holder.stock}?qty=10&strategy=breakout"
    assert holder.client.delete(path).json()["strategy"] == "breakout"
    assert strategies(holder)["breakout"][0] == 1
    # What is left is nobody's.
    assert "strategy" not in holder.client.delete(f"/positions/{holder.stock}").json()
    problem(holder.client.delete(f"/positions/{holder.stock}?strategy=a|b"), 422, "malformed")
