"""API keys: they work wherever a login works, within what they were made for."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from papertape import server
from papertape.server.auth.keys import KEYS_MAX
from papertape.server.auth.store import Role

PASSWORD = "correct horse"
ALL = ["read", "trade", "account"]


def headers_of(key: dict[str, Any]) -> dict[str, dict[str, str]]:
    pair = f"{key['key_id']}:{key['secret']}"
    return {
        "alpaca": {"APCA-API-KEY-ID": key["key_id"], "APCA-API-SECRET-KEY": key["secret"]},
        "bearer": {"Authorization": f"Bearer {pair}"},
        "basic": {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
    }


def get_me(product, headers: dict[str, str]) -> httpx.Response:
    return product.anyone.get("/me", headers=headers)


# --- making them ---------------------------------------------------------------------------------


def test_a_key_tells_its_secret_once(product, alice) -> None:
    asked = {
        "name": "my bot",
        "scopes": ["trade", "read"],
        "account_id": alice.account_id,
        "expires_at": "2099-12-31T01:00:00+01:00",
        "ip_allow": ["127.0.0.1", "2001:db8::/32"],
        "max_notional": 1000.50,
    }
    made = product.key(alice, **asked)
    secret = made.pop("secret")
    assert len(secret) == 43
    assert made == {
        "key_id": made["key_id"],
        "name": "my bot",
        "scopes": ["read", "trade"],
        "account_id": alice.account_id,
        "expires_at": "2099-12-31T00:00:00.000000000Z",
        "ip_allow": ["127.0.0.1/32", "2001:db8::/32"],
        "max_notional": "1000.5",
        "created_at": made["created_at"],
        "last_used_at": None,
    }
    listed = alice.client.get("/keys")
    assert listed.json() == {"items": [made], "next_cursor": None}
    assert alice.client.get(f"/keys/{made['key_id']}").json() == made
    assert secret.encode() not in product.stored_of_users()


BAD = [
    ({"name": ""}, "name"),
    ({"name": "x" * 65}, "name"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["everything"]}, "scopes.0"),
    ({"scopes": ["login"]}, "scopes.0"),
    ({"scopes": ["admin"]}, "scopes"),
    ({"account_id": "mine"}, "account_id"),
    ({"expires_at": "tomorrow"}, "expires_at"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "9999-12-31T00:00:00Z"}, "expires_at"),
    ({"ip_allow": ["localhost"]}, "ip_allow.0"),
    ({"ip_allow": ["10.0.0.1/8"]}, "ip_allow.0"),
    ({"ip_allow": "127.0.0.1"}, "ip_allow"),
    ({"max_notional": "0"}, "max_notional"),
    ({"max_notional": "-1"}, "max_notional"),
    ({"max_notional": "lots"}, "max_notional"),
    ({"secret": "of my own"}, "secret"),
]


@pytest.mark.parametrize(("fields", "field"), BAD, ids=str)
def test_a_bad_key_is_refused_by_its_field(alice, fields, field) -> None:
    response = alice.client.post("/keys", json={"name": "k", "scopes": ["read"]} | fields)
    assert (response.status_code, response.json()["field"]) == (422, field), response.text
    assert alice.client.get("/keys").json()["items"] == []


def test_keys_are_counted(product, alice, monkeypatch) -> None:
    for _ in range(KEYS_MAX):
        product.auth.keys.create(
            alice.client.get("/me").json()["id"], name="k", scopes=["read"], now_ns=0
        )
    refused = alice.client.post("/keys", json={"name": "k", "scopes": ["read"]})
    assert (refused.status_code, refused.json()["reason"]) == (409, "too_many_keys")
    assert len(alice.client.get("/keys").json()["items"]) == KEYS_MAX


# --- showing them --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["alpaca", "bearer", "basic"])
def test_a_key_is_shown_in_any_of_three_ways(product, alice, way) -> None:
    key = product.key(alice, ["read"])
    assert get_me(product, headers_of(key)[way]).json()["username"] == alice.name
    (listed,) = alice.client.get("/keys").json()["items"]
    assert listed["last_used_at"] is not None


@pytest.mark.parametrize("way", ["alpaca", "bearer", "basic"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "x" * 43},
        {"secret": ""},
        {"key_id": "PK" + "A" * 18},
        {"key_id": ""},
        {"key_id": "' OR 1=1 --"},
    ],
    ids=str,
)
def test_half_a_key_is_no_key(product, alice, way, wrong) -> None:
    key = product.key(alice, ["read"]) | wrong
    refused = get_me(product, headers_of(key)[way])
    assert (refused.status_code, refused.json()["reason"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Bearer :",
        "Digest x:y",
    ],
)
def test_what_is_no_credential_is_refused(product, header) -> None:
    assert get_me(product, {"Authorization": header}).status_code == 401


def test_name_and_password_are_no_key(product, alice) -> None:
    basic = base64.b64encode(f"{alice.name}:correct horse".encode()).decode()
    assert get_me(product, {"Authorization": f"Basic {basic}"}).status_code == 401


@pytest.mark.parametrize("form", ["pair", "token"])
def test_a_key_opens_the_stream(product, alice, form) -> None:
    key = product.key(alice, ["read"])
    pair = {"key": key["key_id"], "secret": key["secret"]}
    shown = pair if form == "pair" else {"token": f"{key['key_id']}:{key['secret']}"}
    with product.stream() as stream:
        stream.send(action="auth", **shown)
        greeting = stream.next()
        assert (greeting["type"], greeting["data"]["expires_at"]) == ("authenticated", None)
        assert set(stream.subscribe("orders")) == {"orders"}


@pytest.mark.parametrize("shown", [{}, {"key": "k"}, {"secret": "s"}, {"token": ""}], ids=str)
def test_half_a_credential_opens_no_stream(product, shown) -> None:
    with product.stream() as stream:
        stream.send(action="auth", **shown)
        assert stream.closing_code == 4401


def test_a_key_that_may_not_read_opens_no_stream(product, alice) -> None:
    key = product.key(alice, ["trade"])
    with product.stream() as stream:
        stream.send(action="auth", key=key["key_id"], secret=key["secret"])
        assert stream.closing_code == 4401


# --- what they were made for ---------------------------------------------------------------------


def test_a_revoked_key_ends_at_once_on_requests_and_streams(product, alice) -> None:
    key = product.key(alice, ["read"])
    kept = product.key_client(alice, ["read"])
    headers = headers_of(key)["alpaca"]
    with product.stream() as stream:
        stream.send(action="auth", key=key["key_id"], secret=key["secret"])
        assert stream.next()["type"] == "authenticated"
        assert get_me(product, headers).status_code == 200
        assert alice.client.delete(f"/keys/{key['key_id']}").status_code == 204
        assert get_me(product, headers).status_code == 401
        assert stream.closing_code == 4401
    assert kept.get("/me").status_code == 200
    assert alice.client.delete(f"/keys/{key['key_id']}").status_code == 404


def test_a_key_ends_when_it_said_it_would(product, alice) -> None:
    user_id = alice.client.get("/me").json()["id"]
    now = time.time_ns()
    key, secret = product.auth.keys.create(
        user_id, name="k", scopes=["read"], now_ns=now, expires_ns=now - 1
    )
    assert product.client(f"{key.key_id}:{secret}").get("/me").status_code == 401


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ([], 200),
        (["127.0.0.1"], 200),
        (["10.0.0.0/8", "127.0.0.0/8"], 200),
        (["0.0.0.0/0"], 200),
        (["10.0.0.0/8"], 401),
        (["::/0"], 401),
    ],
    ids=str,
)
def test_a_key_works_from_allowed_addresses_only(product, alice, allowed, status) -> None:
    client = product.key_client(alice, ["read"], ip_allow=allowed)
    assert client.get("/me").status_code == status
    assert client.get("/me", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == status


def test_a_bound_key_sees_no_other_account(product, alice, bob) -> None:
    refused = alice.client.post(
        "/keys", json={"name": "k", "scopes": ALL, "account_id": bob.account_id}
    )
    assert refused.status_code == 404
    own = product.key_client(alice, ALL, account_id=alice.account_id)
    assert [one["id"] for one in own.get("/accounts").json()["items"]] == [alice.account_id]
    elsewhere = "00000000-0000-4000-8000-000000000000"
    key, secret = product.auth.keys.create(
        alice.client.get("/me").json()["id"],
        name="k",
        scopes=["read", "trade"],
        now_ns=0,
        account_id=elsewhere,
    )
    bound = product.client(f"{key.key_id}:{secret}")
    assert bound.get("/accounts").json()["items"] == []
    assert bound.get("/orders").status_code == 404
    assert bound.get(f"/accounts/{alice.account_id}").status_code == 404
    with product.stream() as stream:
        stream.send(action="auth", key=key.key_id, secret=secret)
        assert stream.next()["data"]["accounts"] == []


def test_only_an_admin_makes_keys_for_an_admins_work(product) -> None:
    product.auth.create_user("keeper", PASSWORD, role=Role.ADMIN)
    root = product.login("keeper")
    body = {"name": "k", "scopes": ["admin"]}
    assert root.client.post("/keys", json=body).status_code == 201
    bound = body | {"account_id": root.account_id}
    assert root.client.post("/keys", json=bound).json()["field"] == "account_id"


# --- what one order may be worth -----------------------------------------------------------------


@pytest.fixture
def limited(product, alice) -> httpx.Client:
    """Alice's key for orders up to 1000. Stocks are at 9.99 x 100 / 10.01 x 100."""
    return product.key_client(alice, ["read", "trade"], max_notional="1000")


ORDERS = [
    ({"type": "limit", "limit_price": "10", "qty": "100"}, None),
    ({"type": "limit", "limit_price": "10", "qty": "101"}, "1010.00"),
    ({"type": "limit", "limit_price": "12.50", "qty": "80"}, None),
    ({"type": "limit", "limit_price": "12.50", "qty": "81"}, "1012.50"),
    ({"type": "market", "qty": "99"}, None),
    ({"type": "market", "qty": "100"}, "1001.00"),
    ({"type": "market", "qty": None, "notional": "1500"}, "1500.00"),
    ({"type": "stop", "stop_price": "11", "qty": "90"}, None),
    ({"type": "stop", "stop_price": "11", "qty": "91"}, "1001.00"),
    ({"type": "stop_limit", "stop_price": "11", "limit_price": "12", "qty": "84"}, "1008.00"),
]


@pytest.mark.parametrize(("order", "worth"), ORDERS, ids=str)
def test_an_order_is_worth_at_most_what_the_key_allows(alice, limited, stock, order, worth) -> None:
    body = {"account_id": alice.account_id, "symbol": stock, "side": "buy"} | order
    body = {name: value for name, value in body.items() if value is not None}
    response = limited.post("/orders", json=body)
    if worth is None:
        assert response.status_code == 201, response.text
        return
    told = response.json()
    assert (response.status_code, told["reason"]) == (403, "max_notional_exceeded"), told
    assert told["limit"] == "1000"
    assert float(told["value"]) == pytest.approx(float(worth), rel=0.01)
    assert alice.client.get("/orders?status=all").json()["items"] == []


def test_a_sale_counts_at_the_market_and_not_at_its_low_limit(alice, limited, stock) -> None:
    alice.order(symbol=stock, type="market", limit_price=None, qty="100")
    alice.order(symbol=stock, type="market", limit_price=None, qty="60")
    body = {"account_id": alice.account_id, "symbol": stock, "side": "sell", "type": "limit"}
    low = limited.post("/orders", json=body | {"qty": "110", "limit_price": "0.01"})
    assert low.json()["reason"] == "max_notional_exceeded"
    assert limited.post("/orders", json=body | {"qty": "90", "limit_price": "9"}).is_success


def test_an_order_does_not_grow_beyond_what_the_key_allows(alice, limited, stock) -> None:
    order = alice.order(symbol=stock, qty="100", limit_price="9.00").json()
    grow = limited.patch(f"/orders/{order['id']}", json={"qty": "120"})
    assert grow.json()["reason"] == "max_notional_exceeded"
    assert alice.client.get(f"/orders/{order['id']}").json()["qty"] == "100"
    assert limited.patch(f"/orders/{order['id']}", json={"qty": "110"}).json()["qty"] == "110"
    # A limit above the market counts whole, though the order would fill below it.
    dear = limited.patch(f"/orders/{order['id']}", json={"limit_price": "15"})
    assert dear.json()["reason"] == "max_notional_exceeded"
    assert dear.json()["value"] == "1650.00"
    unknown = "00000000-0000-4000-8000-000000000000"
    assert limited.patch(f"/orders/{unknown}", json={"qty": "1"}).status_code == 404


def test_the_legs_of_a_multi_leg_order_count_each(product, alice, limited, stock) -> None:
    other = product.stock()
    body = {
        "account_id": alice.account_id,
        "type": "limit",
        "limit_price": "0.05",
        "order_class": "mleg",
        "legs": [{"symbol": stock, "side": "buy"}, {"symbol": other, "side": "sell"}],
    }
    refused = limited.post("/orders", json=body | {"qty": "60"})
    assert refused.json()["reason"] == "max_notional_exceeded"
    assert float(refused.json()["value"]) == pytest.approx(1200)
    assert limited.post("/orders", json=body | {"qty": "40"}).status_code != 403


def test_what_nobody_can_price_is_refused(product, alice, limited) -> None:
    body = {"account_id": alice.account_id, "symbol": "BTC/USD", "side": "buy", "qty": "1"}
    refused = limited.post("/orders", json=body | {"type": "market"})
    assert refused.status_code in {403, 422}
    assert limited.post("/orders", json=body | {"type": "limit", "limit_price": "5"}).is_success


def test_an_order_that_was_taken_before_may_be_asked_for_again(
    product, alice, limited, stock
) -> None:
    body = {
        "account_id": alice.account_id,
        "symbol": stock,
        "side": "buy",
        "type": "market",
        "qty": "99",
        "client_order_id": "once",
    }
    first = limited.post("/orders", json=body)
    assert first.status_code == 201
    product.quote(stock, "19.99", "20.01")
    again = limited.post("/orders", json=body)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    refused = limited.post("/orders", json=body | {"client_order_id": "twice"})
    assert refused.json()["reason"] == "max_notional_exceeded"


def test_no_order_goes_around_the_amount() -> None:
    """Orders reach the floor through `OrderEntry` alone."""
    folder = Path(server.__file__).parent
    sending = re.compile(r"""(send|ask)\(\s*["'](submit|replace)["']""")
    found = [file.name for file in folder.rglob("*.py") if sending.search(file.read_text())]
    assert found == ["order_entry.py"]
