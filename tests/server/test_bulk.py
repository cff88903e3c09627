"""Many orders in one request: each for itself, or all or none."""

from uuid import uuid4

import pytest

from papertape.server.models.bulk import BULK_MAX
from server.test_orders import problem


def bulk(trader, *orders: dict, key: str | None = None, atomic: bool = False, client=None):
    """Send limit orders for ten, changed by their fields."""
    usual = {"account_id": trader.account_id, "side": "buy", "type": "limit", "qty": "10"}
    body = {"orders": [usual | {"limit_price": "9"} | order for order in orders], "atomic": atomic}
    headers = {} if key is None else {"Idempotency-Key": key}
    return (client or trader.client).post("/orders/bulk", json=body, headers=headers)


def told(response) -> list[tuple[int, str]]:
    """Status and order status or reason of each."""
    items = response.json()["items"]
    return [
        (item["status"], (item.get("order") or {}).get("status") or item["problem"]["reason"])
        for item in items
    ]


def orders_of(trader, status: str = "all") -> list[dict]:
    """The orders themselves; the world goes on meanwhile, so not the turn they were read at."""
    items = trader.client.get(f"/orders?status={status}&limit=1000").json()["items"]
    return [{name: value for name, value in item.items() if name != "as_of_seq"} for item in items]


def test_each_order_is_answered_for_itself(alice, bob, stock) -> None:
    response = bulk(
        alice,
        {"symbol": stock, "strategy": "many"},
        {"symbol": stock, "limit_price": "10.01"},
        {"symbol": stock, "qty": "x"},
        {"symbol": stock, "side": "sell", "qty": "99"},
        {"symbol": "NOPE"},
        {"symbol": stock, "account_id": bob.account_id},
        {"symbol": stock, "side": "sell", "limit_price": "12"},
    )
    assert response.status_code == 207, response.text
    assert told(response) == [
        (201, "new"),
        (201, "filled"),
        (422, "invalid_quantity"),
        (422, "insufficient_quantity"),
        (422, "unknown_symbol"),
        (404, "not_found"),
        (201, "new"),
    ]
    assert response.json()["items"][0]["order"]["strategy"] == "many"
    assert orders_of(bob) == []


def test_five_hundred_orders_come_in_their_order_and_leave_together(alice, stock) -> None:
    orders = [{"symbol": stock, "qty": "1", "client_order_id": str(n)} for n in range(BULK_MAX)]
    response = bulk(alice, *orders)
    assert told(response) == [(201, "new")] * BULK_MAX
    listed = [order["client_order_id"] for order in orders_of(alice)]
    assert listed == [str(n) for n in reversed(range(BULK_MAX))]
    ids = [item["order"]["id"] for item in response.json()["items"]]
    canceled = alice.client.post("/orders/bulk-cancel", json={"order_ids": ids})
    assert told(canceled) == [(200, "canceled")] * BULK_MAX
    assert [item["id"] for item in canceled.json()["items"]] == ids


def test_a_repeated_request_sends_nothing_twice(alice, stock) -> None:
    first, again = (bulk(alice, {"symbol": stock}, {"symbol": stock}, key="k") for _ in range(2))
    assert (told(first), told(again)) == ([(201, "new")] * 2, [(200, "new")] * 2)
    assert len(orders_of(alice)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orders": []},
        {"orders": {}},
        {"orders": [5]},
        {"orders": [{}] * (BULK_MAX + 1)},
        {"orders": [{}], "atomic": "yes"},
        {"orders": [{}], "all": True},
    ],
    ids=str,
)
def test_a_bad_request_is_refused_whole(alice, body) -> None:
    problem(alice.client.post("/orders/bulk", json=body), 422, "malformed")


def test_none_is_sent_when_one_would_be_refused(alice, stock) -> None:
    bad = [
        {"symbol": stock, "qty": "x"},
        {"symbol": stock, "side": "sell"},
        {"symbol": "NOPE"},
        {"symbol": stock, "advanced_instructions": {"algorithm": "VWAP"}},
    ]
    for wrong in bad:
        response = bulk(alice, {"symbol": stock, "strategy": "x"}, wrong, atomic=True)
        problem(response, 422, "bulk_refused")
        first, second = told(response)
        assert first == (409, "not_sent")
        assert second[0] == 422
    assert orders_of(alice) == []
    # What was not sent is not labelled: the same ids may be used again.
    labelled = {"symbol": stock, "client_order_id": "a"}
    problem(bulk(alice, labelled | {"strategy": "x"}, bad[1], atomic=True), 422, "bulk_refused")
    assert bulk(alice, labelled | {"strategy": "y"}).json()["items"][0]["status"] == 201


def test_orders_that_fit_alone_but_not_together_are_not_sent(alice, stock) -> None:
    half = {"symbol": stock, "qty": "6000", "limit_price": "10.00"}
    refused = problem(bulk(alice, half, half, atomic=True), 422, "bulk_refused")
    assert [item["status"] for item in refused["items"]] == [409, 422]
    short = refused["items"][1]["problem"]
    assert (short["reason"], short["limit"]) == ("insufficient_buying_power", "40000.00")
    assert orders_of(alice) == []
    assert told(bulk(alice, half, half)) == [(201, "new"), (422, "insufficient_buying_power")]


def test_ids_that_were_used_and_amounts_beyond_the_key_refuse_all(product, alice, stock) -> None:
    alice.order(symbol=stock, client_order_id="used")
    before = orders_of(alice)
    buy = {"symbol": stock, "limit_price": "10.01", "qty": "1"}
    key = product.key_client(alice, ["read", "trade"], max_notional="1000")
    for others, status, reason in (
        ([buy | {"client_order_id": "used"}], 409, "id_reused"),
        ([buy | {"client_order_id": "twice"}] * 2, 409, "id_reused"),
        ([buy | {"qty": "100"}], 403, "max_notional_exceeded"),
    ):
        response = bulk(alice, buy | {"strategy": "s"}, *others, atomic=True, client=key)
        problem(response, 422, "bulk_refused")
        assert told(response)[0] == (409, "not_sent")
        assert told(response)[-1] == (status, reason)
    assert orders_of(alice) == before
    assert bulk(alice, buy, atomic=True, client=product.key_client(alice, ["read"])).is_error
    assert told(bulk(alice, buy, buy, atomic=True, client=key)) == [(201, "filled")] * 2


def test_a_repeated_atomic_request_answers_the_orders_of_the_first(alice, stock) -> None:
    # Together they need nearly all: sent again as new ones they would be refused.
    half = {"symbol": stock, "qty": "4900", "limit_price": "10.00"}
    first, again = (bulk(alice, half, half, key="k", atomic=True) for _ in range(2))
    assert (told(first), told(again)) == ([(201, "new")] * 2, [(200, "new")] * 2)
    assert len(orders_of(alice)) == 2
    problem(bulk(alice, half, half, half, atomic=True), 422, "bulk_refused")


def test_a_refused_request_labels_no_other_order(alice, stock) -> None:
    plain = alice.order(symbol=stock, client_order_id="plain").json()
    other = {"symbol": stock, "client_order_id": "plain", "qty": "3", "strategy": "s"}
    for atomic in (True, False):
        bulk(alice, other, atomic=atomic)
        assert "strategy" not in alice.client.get(f"/orders/{plain['id']}").json()


def test_all_are_sent_when_all_are_fine(alice, stock) -> None:
    response = bulk(
        alice, {"symbol": stock}, {"symbol": stock, "limit_price": "10.01"}, atomic=True
    )
    assert response.status_code == 207
    assert told(response) == [(201, "new"), (201, "filled")]


def test_a_refusal_leaves_nothing_of_what_would_have_traded(alice, bob, stock) -> None:
    # Each of the sales is fine alone; the second finds its stock promised to the first.
    alice.order(symbol=stock, limit_price="10.01")
    bob.order(symbol=stock, limit_price="10.00")
    before = [orders_of(trader) for trader in (alice, bob)]
    cash = alice.client.get(f"/accounts/{alice.account_id}").json()["cash"]
    buy, sale = {"symbol": stock, "limit_price": "10.01"}, {"symbol": stock, "side": "sell"}
    sales = [sale | {"limit_price": "10.00"}, sale | {"limit_price": "15"}]
    short = sale | {"limit_price": "15", "client_order_id": "short"}
    response = bulk(alice, buy, *sales, short, buy, atomic=True)
    problem(response, 422, "bulk_refused")
    assert told(response) == [
        (409, "not_sent"),
        (409, "not_sent"),
        (409, "not_sent"),
        (422, "insufficient_quantity"),
        (409, "not_sent"),
    ]
    assert [orders_of(trader) for trader in (alice, bob)] == before
    assert alice.client.get(f"/accounts/{alice.account_id}").json()["cash"] == cash
    # Its id is free, since nothing of it was kept.
    done = bulk(alice, buy, *sales, buy | {"client_order_id": "short"}, atomic=True)
    assert told(done) == [(201, "filled"), (201, "filled"), (201, "new"), (201, "filled")]
    assert len({item["order"]["as_of_seq"] for item in done.json()["items"]}) == 1


def test_an_order_may_sell_what_one_before_it_bought(alice, stock) -> None:
    pair = [{"symbol": stock, "limit_price": "10.01"}, {"symbol": stock, "side": "sell"}]
    assert told(bulk(alice, *pair, atomic=True)) == [(201, "filled")] * 2


def test_cancels_are_answered_each_or_all_or_none(alice, bob, stock) -> None:
    mine = [alice.order(symbol=stock).json()["id"] for _ in range(3)]
    filled = alice.order(symbol=stock, limit_price="10.01").json()["id"]
    his = bob.order(symbol=stock).json()["id"]

    def cancel(*ids: str, key: str | None = None, **fields):
        body = {"order_ids": list(ids)} | fields
        headers = {} if key is None else {"Idempotency-Key": key}
        return alice.client.post("/orders/bulk-cancel", json=body, headers=headers)

    for other, reason in (
        (filled, (409, "not_cancelable")),
        (his, (404, "not_found")),
        (str(uuid4()), (404, "not_found")),
    ):
        refused = cancel(*mine, other, atomic=True)
        problem(refused, 422, "bulk_refused")
        assert told(refused) == [(409, "not_sent")] * 3 + [reason]
    assert len(orders_of(alice, "open")) == 3
    assert told(cancel(mine[0], filled, his, mine[0])) == [
        (200, "canceled"),
        (409, "not_cancelable"),
        (404, "not_found"),
        (409, "not_cancelable"),
    ]
    for _ in range(2):
        done = cancel(*mine[1:], mine[1], atomic=True, key="k")
        assert told(done) == [(200, "canceled")] * 3
        assert [one["id"] for one in done.json()["items"]] == [*mine[1:], mine[1]]
    problem(cancel(mine[1], atomic=True, key="k"), 409, "id_reused")
    assert bob.client.get(f"/orders/{his}").json()["status"] == "new"
    for body in ({}, {"order_ids": []}, {"order_ids": ["x"]}, {"order_ids": [filled] * 501}):
        problem(alice.client.post("/orders/bulk-cancel", json=body), 422, "malformed")
