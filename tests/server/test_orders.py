"""Orders through REST, against the real engine."""

import re
from uuid import uuid4

import pytest

from papertape.server.models.orders import OrderReply
from server.shapes import has_the_shape_of

LABELS = {"strategy": "mean", "tags": ["a", "b"]}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def problem(response, status: int, reason: str) -> dict:
    """The body of a problem reply, its fixed part checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["reason"] == reason, body
    assert body["status"] == status
    assert body["type"] == f"urn:papertape:problem:{reason}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"].startswith("/api/")
    return body


def test_a_resting_order_comes_back_whole(alice, stock) -> None:
    response = alice.order(symbol=stock, client_order_id="first", time_in_force="gtc")
    assert response.status_code == 201, response.text
    order = response.json()
    assert has_the_shape_of(order, OrderReply)
    assert TIME.fullmatch(order["created_at"])
    assert TIME.fullmatch(order["updated_at"])
    expected = {
        "account_id": alice.account_id,
        "client_order_id": "first",
        "symbol": stock,
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "limit_price": "9.00",
        "stop_price": None,
        "status": "new",
        "reason": None,
    }
    assert {name: order[name] for name in expected} == expected
    fetched = alice.client.get(f"/orders/{order['id']}").json()
    assert {**fetched, "as_of_seq": 0} == {**order, "as_of_seq": 0}
    assert fetched["as_of_seq"] >= order["as_of_seq"]


@pytest.mark.parametrize(
    ("fields", "status", "filled", "price"),
    [
        ({"type": "market", "limit_price": None}, "filled", "10", "10.01"),
        ({"limit_price": "10.01"}, "filled", "10", "10.01"),
        ({"limit_price": "10.50"}, "filled", "10", "10.01"),
        ({"limit_price": "10.00"}, "new", "0", None),
        ({"limit_price": "10.01", "qty": "150"}, "partially_filled", "100", "10.01"),
        (
            {"limit_price": "10.01", "qty": "150", "time_in_force": "ioc"},
            "canceled",
            "100",
            "10.01",
        ),
        ({"limit_price": "10.00", "time_in_force": "ioc"}, "canceled", "0", None),
        ({"limit_price": "10.01", "time_in_force": "fok"}, "filled", "10", "10.01"),
        ({"type": "stop", "limit_price": None, "stop_price": "11"}, "new", "0", None),
        ({"type": "stop_limit", "limit_price": "12", "stop_price": "11"}, "new", "0", None),
    ],
)
def test_an_order_is_answered_as_it_stands_after_matching(
    alice, stock, fields: dict, status: str, filled: str, price: str | None
) -> None:
    order = alice.order(symbol=stock, **fields).json()
    assert (order["status"], order["filled_qty"], order["filled_avg_price"]) == (
        status,
        filled,
        price,
    )


def test_orders_of_a_group_come_back_with_all_their_documented_terms(alice, stock) -> None:
    bracket = {
        "order_class": "bracket",
        "take_profit": {"limit_price": "12"},
        "stop_loss": {"stop_price": "8", "limit_price": "7.5"},
    }
    parent = alice.order(symbol=stock, limit_price="10.01", **bracket).json()
    trailing = {"type": "trailing_stop", "limit_price": None, "trail_price": "1"}
    trail = alice.order(symbol=stock, side="buy", **trailing).json()
    legs = [alice.client.get(f"/orders/{leg}").json() for leg in parent["legs"]]
    for order in (parent, trail, *legs):
        assert has_the_shape_of(order, OrderReply)
        OrderReply.model_validate(order)
    assert parent["stop_loss"] == {"stop_price": "8.00", "limit_price": "7.50"}
    assert parent["take_profit"] == {"limit_price": "12.00"}
    assert [leg["parent_id"] for leg in legs] == [parent["id"]] * 2
    assert [leg["sibling_id"] for leg in legs] == [legs[1]["id"], legs[0]["id"]]
    assert trail["water_mark"] == "10.01"


MALFORMED = [
    # (what is changed, the field that is named)
    ({"side": "short"}, "side"),
    ({"side": "BUY"}, "side"),
    ({"side": None}, "side"),
    ({"type": "trailing"}, "type"),
    ({"time_in_force": "gtx"}, "time_in_force"),
    ({"qty": None}, "qty"),
    ({"qty": "ten"}, "qty"),
    ({"qty": "NaN"}, "qty"),
    ({"qty": "Infinity"}, "qty"),
    ({"qty": "1e3"}, "qty"),
    ({"qty": " 10"}, "qty"),
    ({"qty": "+10"}, "qty"),
    ({"qty": "1_0"}, "qty"),
    ({"qty": "\u0661"}, "qty"),
    ({"qty": ""}, "qty"),
    ({"qty": True}, "qty"),
    ({"qty": []}, "qty"),
    ({"qty": {"value": 1}}, "qty"),
    ({"qty": "9" * 60}, "qty"),
    ({"limit_price": "1.0.0"}, "limit_price"),
    ({"stop_price": "x"}, "stop_price"),
    ({"symbol": ""}, "symbol"),
    ({"symbol": "A" * 25}, "symbol"),
    ({"symbol": "AC ME"}, "symbol"),
    ({"symbol": 5}, "symbol"),
    ({"client_order_id": ""}, "client_order_id"),
    ({"client_order_id": "x" * 129}, "client_order_id"),
    ({"client_order_id": "a b"}, "client_order_id"),
    ({"client_order_id": 7}, "client_order_id"),
    ({"account_id": "mine"}, "account_id"),
    ({"account_id": None}, "account_id"),
    ({"quantity": "10"}, "quantity"),
    ({"post_only": "yes"}, "post_only"),
    ({"hidden": 1}, "hidden"),
    ({"reduce_only": "true"}, "reduce_only"),
    ({"extended_hours": "on"}, "extended_hours"),
    ({"do_not_reduce": 0}, "do_not_reduce"),
]


def reason_of(field: str) -> str:
    """The reason for a field that cannot be read; figures have the engine's."""
    figures = {"qty": "invalid_quantity", "limit_price": "invalid_price"}
    return (figures | {"stop_price": "invalid_price"}).get(field, "malformed")


@pytest.mark.parametrize(("fields", "field"), MALFORMED, ids=str)
def test_a_malformed_order_is_named_and_leaves_nothing(alice, stock, fields, field) -> None:
    body = problem(alice.order(**({"symbol": stock} | fields)), 422, reason_of(field))
    assert body["field"] == field
    assert "order_id" not in body
    assert alice.client.get(f"/accounts/{alice.account_id}/orders?status=all").json() == {
        "items": [],
        "next_cursor": None,
    }


REFUSED_BY_THE_ENGINE = [
    # (what is changed, reason, whether the order is kept)
    ({"symbol": "NOPE"}, "unknown_symbol", False),
    ({"qty": "0"}, "invalid_quantity", False),
    ({"qty": "-1"}, "invalid_quantity", False),
    ({"limit_price": "0"}, "invalid_price", False),
    ({"limit_price": "-1"}, "invalid_price", False),
    ({"limit_price": None}, "missing_price", False),
    ({"type": "stop", "limit_price": None}, "missing_price", False),
    ({"stop_price": "9"}, "unexpected_price", False),
    ({"type": "market"}, "unexpected_price", False),
    ({"qty": "1.0000001"}, "too_many_decimals", False),
    ({"qty": "0.5"}, "invalid_lot", True),
    ({"limit_price": "9.005"}, "invalid_tick", True),
    ({"qty": "20000"}, "insufficient_buying_power", True),
    ({"side": "sell"}, "insufficient_quantity", True),
    ({"limit_price": "10.01", "qty": "150", "time_in_force": "fok"}, "would_not_fill", True),
]


@pytest.mark.parametrize(("fields", "reason", "kept"), REFUSED_BY_THE_ENGINE, ids=str)
def test_a_refused_order_says_why_and_is_kept_when_it_was_well_formed(
    alice, stock, fields, reason, kept
) -> None:
    body = problem(alice.order(**({"symbol": stock} | fields)), 422, reason)
    orders = alice.client.get(f"/accounts/{alice.account_id}/orders?status=all").json()["items"]
    assert len(orders) == kept
    if kept:
        assert body["order_id"] == orders[0]["id"]
        assert (orders[0]["status"], orders[0]["reason"]) == ("rejected", reason)


def test_a_rejection_tells_value_and_limit(alice, stock) -> None:
    body = problem(
        alice.order(symbol=stock, qty="20000", limit_price="10"), 422, "insufficient_buying_power"
    )
    assert (body["value"], body["limit"]) == ("200000.00", "100000.00")


NEVER_WAS = "0f8b4a52-7c1e-4d3a-9a55-2f6d7b1c9e04"

BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"{'side': 'buy'}",
    b'{"qty": NaN}',
    b'{"qty": Infinity}',
    b'{"qty": 01}',
    b'{"qty": 1.}',
    b'{"qty": 1e999999999999999999999}',
    b'{"side": "\xff"}',
    b'{"side": "\\ud800"}',
    b"[" * 5000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
]


@pytest.mark.parametrize("content", BODIES, ids=lambda content: repr(content[:20]))
def test_a_body_that_is_no_json_object_is_malformed(alice, content: bytes) -> None:
    problem(alice.client.post("/orders", content=content), 422, "malformed")


@pytest.mark.parametrize(
    ("number", "qty"),
    [
        ("10", "10"),
        ("10.0", "10"),
        ("10.00", "10"),
        ("1e1", "10"),
        ("0.1e2", "10"),
        ('"10"', "10"),
        ('"10.000"', "10"),
        ("-0", None),
        ("1e400", None),
        ("1e99999999999", None),
        ("-1e-400", None),
        ("123456789012345678901234567890123456789012345", None),
        ("1" * 5000, None),
    ],
)
def test_numbers_and_decimal_text_are_the_same_digits(
    alice, stock, number: str, qty: str | None
) -> None:
    content = (
        f'{{"account_id":"{alice.account_id}","symbol":"{stock}","side":"buy","type":"limit",'
        f'"limit_price":9.10,"qty":{number}}}'
    )
    response = alice.client.post("/orders", content=content)
    if qty is None:
        assert response.status_code == 422, response.text
    else:
        assert (response.json()["qty"], response.json()["limit_price"]) == (qty, "9.10")


@pytest.mark.parametrize("text", ["0.1", "0.3", "1.0001", "4.9407", "0.7"])
def test_no_number_passes_through_a_float(alice, product, text: str) -> None:
    product.quote("BTC/USD", "50000", "50001")
    content = (
        f'{{"account_id":"{alice.account_id}","symbol":"BTC/USD","side":"buy","type":"limit",'
        f'"limit_price":12345.67,"qty":{text}}}'
    )
    order = alice.client.post("/orders", content=content).json()
    assert (order["qty"], order["limit_price"]) == (text, "12345.67")


@pytest.mark.parametrize("symbol", ["BTC/USD", "BTCUSD"])
def test_a_slash_may_be_left_out_of_a_symbol(alice, product, symbol: str) -> None:
    product.quote("BTC/USD", "50000", "50001")
    order = alice.order(symbol=symbol, qty="0.01", limit_price="49000").json()
    assert order["symbol"] == "BTC/USD"


# --- request ids ---------------------------------------------------------------------------------


def test_the_same_id_and_body_is_the_same_order(alice, stock) -> None:
    first = alice.order(symbol=stock, client_order_id="a")
    again = alice.order(symbol=stock, client_order_id="a")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = problem(alice.order(symbol=stock, client_order_id="a", qty="11"), 409, "id_reused")
    assert other["detail"]
    orders = alice.client.get(f"/accounts/{alice.account_id}/orders?status=all").json()["items"]
    assert len(orders) == 1


def test_the_idempotency_key_stands_in_for_the_client_order_id(alice, stock) -> None:
    body = {
        "account_id": alice.account_id,
        "symbol": stock,
        "side": "buy",
        "type": "limit",
        "qty": "1",
        "limit_price": "9",
    }
    headers = {"Idempotency-Key": str(uuid4())}
    first = alice.client.post("/orders", json=body, headers=headers)
    again = alice.client.post("/orders", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["client_order_id"] == headers["Idempotency-Key"]
    assert first.json()["id"] == again.json()["id"]
    bad = alice.client.post("/orders", json=body, headers={"Idempotency-Key": "x" * 129})
    assert problem(bad, 422, "malformed")["field"] == "Idempotency-Key"


def test_without_an_id_the_server_makes_one_and_tells_it(alice, stock) -> None:
    first, second = (alice.order(symbol=stock).json() for _ in range(2))
    assert first["client_order_id"] != second["client_order_id"]
    assert first["id"] != second["id"]


def test_ids_of_two_accounts_do_not_meet(alice, bob, stock) -> None:
    assert alice.order(symbol=stock, client_order_id="a").status_code == 201
    assert bob.order(symbol=stock, client_order_id="a").status_code == 201


# --- replace and cancel --------------------------------------------------------------------------


def test_a_replaced_order_keeps_its_id(alice, stock) -> None:
    order = alice.order(symbol=stock).json()
    response = alice.client.patch(f"/orders/{order['id']}", json={"limit_price": 9.5, "qty": "20"})
    assert response.status_code == 200, response.text
    changed = response.json()
    assert changed["id"] == order["id"]
    assert (changed["limit_price"], changed["qty"], changed["status"]) == ("9.50", "20", "new")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"qty": None},
        {"side": "sell"},
        {"qty": "x"},
        {"qty": "0"},
        {"limit_price": "-1"},
        {"limit_price": "9.005"},
        {"time_in_force": "soon"},
        {"qty": "200000"},
        {"stop_price": "5"},
    ],
    ids=str,
)
def test_a_bad_change_is_refused_and_changes_nothing(alice, stock, change: dict) -> None:
    order = alice.order(symbol=stock).json()
    response = alice.client.patch(f"/orders/{order['id']}", json=change)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    now = alice.client.get(f"/orders/{order['id']}").json()
    assert {**now, "as_of_seq": 0} == {**order, "as_of_seq": 0}


def test_a_canceled_order_is_canceled_once(alice, stock) -> None:
    order = alice.order(symbol=stock, **LABELS).json()
    response = alice.client.delete(f"/orders/{order['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert alice.client.get(f"/orders/{order['id']}").json()["status"] == "canceled"
    again = problem(alice.client.delete(f"/orders/{order['id']}"), 409, "not_cancelable")
    late = alice.client.patch(f"/orders/{order['id']}", json={"qty": "5"})
    late = problem(late, 409, "not_replaceable")
    bulk = {"order_ids": [order["id"]]}
    (one,) = alice.client.post("/orders/bulk-cancel", json=bulk).json()["items"]
    all_of = alice.client.post("/orders/bulk-cancel", json=bulk | {"atomic": True}).json()
    for refused in (again, late, one["problem"], all_of["items"][0]["problem"]):
        assert refused["order"]["id"] == order["id"]
        assert refused["order"].items() >= LABELS.items(), "as everywhere else"


def test_refused_orders_show_their_labels(alice, stock) -> None:
    again = {"symbol": stock, "client_order_id": "labelled", "side": "sell"}
    kept = problem(alice.order(**again, **LABELS), 422, "insufficient_quantity")
    assert kept["order"].items() >= LABELS.items()
    other = problem(alice.order(**again, qty="3"), 409, "id_reused")
    assert other["order"].items() >= LABELS.items(), "those of the order that has the id"


def test_a_filled_order_cannot_be_canceled(alice, stock) -> None:
    order = alice.order(symbol=stock, limit_price="10.01").json()
    problem(alice.client.delete(f"/orders/{order['id']}"), 409, "not_cancelable")


def test_a_rejected_order_cannot_be_canceled(alice, stock) -> None:
    body = problem(alice.order(symbol=stock, side="sell"), 422, "insufficient_quantity")
    problem(alice.client.delete(f"/orders/{body['order_id']}"), 409, "not_cancelable")


@pytest.mark.parametrize("order_id", [NEVER_WAS, "nonsense", "%2e%2e", "0" * 300])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_order_that_never_was_is_not_found(alice, method: str, order_id: str) -> None:
    body = {"qty": "1"} if method == "PATCH" else None
    problem(alice.client.request(method, f"/orders/{order_id}", json=body), 404, "not_found")


def test_all_working_orders_of_an_account_are_canceled(product, alice, bob, stock) -> None:
    mine = {alice.order(symbol=stock, limit_price=price).json()["id"] for price in ("9", "8", "7")}
    his = bob.order(symbol=stock).json()
    response = alice.client.delete("/orders", params={"account_id": alice.account_id})
    assert response.status_code == 207, response.text
    body = response.json()
    assert {item["id"] for item in body["items"]} == mine
    assert all(item["status"] == 200 for item in body["items"])
    assert all(item["order"]["status"] == "canceled" for item in body["items"])
    assert body["remaining"] == 0
    assert bob.client.get(f"/orders/{his['id']}").json()["status"] == "new"
    assert problem(alice.client.delete("/orders"), 422, "malformed")["field"] == "account_id"
    problem(product.anyone.delete("/orders"), 401, "not_authenticated")


# --- preview and lists ---------------------------------------------------------------------------


def test_a_preview_tells_the_cost_and_sends_nothing(alice, stock) -> None:
    body = {
        "account_id": alice.account_id,
        "symbol": stock,
        "side": "buy",
        "type": "market",
        "qty": 10,
    }
    preview = alice.client.post("/orders/preview", json=body)
    assert preview.status_code == 200, preview.text
    told = preview.json()
    assert set(told) == {
        "cost",
        "fees",
        "buying_power_after",
        "expected_slippage",
        "rejections",
        "warnings",
    }
    assert (told["cost"], told["rejections"]) == ("100.10", [])
    assert alice.account()["buying_power"] == "100000.00"
    assert alice.client.get(f"/accounts/{alice.account_id}/orders?status=all").json()["items"] == []


def test_a_preview_names_what_would_refuse_the_order(alice, stock) -> None:
    body = {
        "account_id": alice.account_id,
        "symbol": stock,
        "side": "buy",
        "type": "limit",
        "qty": "20000",
        "limit_price": "10",
    }
    told = alice.client.post("/orders/preview", json=body).json()
    assert [item["reason"] for item in told["rejections"]] == ["insufficient_buying_power"]


@pytest.mark.parametrize(("fields", "field"), MALFORMED[:20], ids=str)
def test_a_malformed_preview_is_refused_like_the_order(alice, stock, fields, field) -> None:
    body = {
        "account_id": alice.account_id,
        "symbol": stock,
        "side": "buy",
        "type": "limit",
        "qty": "1",
        "limit_price": "9",
    } | fields
    content = {name: value for name, value in body.items() if value is not None}
    problem(alice.client.post("/orders/preview", json=content), 422, reason_of(field))


def test_orders_are_listed_by_status_a_page_at_a_time(alice, stock) -> None:
    open_ids = [alice.order(symbol=stock, limit_price="9").json()["id"] for _ in range(5)]
    filled = alice.order(symbol=stock, limit_price="10.01").json()["id"]

    def ids(query: str) -> list[str]:
        response = alice.client.get(f"/accounts/{alice.account_id}/orders{query}")
        assert response.status_code == 200, response.text
        return [order["id"] for order in response.json()["items"]]

    assert ids("") == open_ids[::-1]
    assert ids("?status=open") == open_ids[::-1]
    assert ids("?status=closed") == [filled]
    assert ids("?status=all") == [filled, *open_ids[::-1]]
    page = alice.client.get(f"/accounts/{alice.account_id}/orders?limit=2").json()
    seen = [order["id"] for order in page["items"]]
    while page["next_cursor"]:
        query = {"limit": 2, "cursor": page["next_cursor"]}
        page = alice.client.get(f"/accounts/{alice.account_id}/orders", params=query).json()
        seen += [order["id"] for order in page["items"]]
    assert seen == open_ids[::-1]
    same = alice.client.get("/orders", params={"account_id": alice.account_id}).json()["items"]
    assert [order["id"] for order in same] == open_ids[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "status=some",
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "cursor=" + "x" * 300,
    ],
)
@pytest.mark.parametrize("path", ["/orders", "/accounts/{id}/orders"])
def test_a_bad_query_is_refused_by_its_field(alice, path: str, query: str) -> None:
    response = alice.client.get(f"{path.format(id=alice.account_id)}?{query}")
    assert problem(response, 422, "malformed")["field"] == query.partition("=")[0]
