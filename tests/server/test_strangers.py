"""One user never reads or touches what is another's: every route there is, walked with his ids.

The routes come from the OpenAPI document, and a parameter that this test does not know fails it: a
new route cannot be forgotten here.
"""

import itertools
import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from papertape.server.openapi import document_text

DOCUMENT = json.loads(document_text())
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]
SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture(scope="module")
def owner(product):
    """A user with an open order, a filled one, a position, an API key."""
    return furnished(product, product.trader("owner"))


def furnished(product, trader):
    """The trader with one of everything that has an id."""
    trader.symbol = stock_of(product)
    trader.order(symbol=trader.symbol, limit_price="10.01")
    trader.open_order = trader.order(symbol=trader.symbol, limit_price="9.00").json()["id"]
    trader.key_id = product.key(trader, ["read"])["key_id"]
    trader.webhook = trader.client.post("/webhooks", json={"name": "mine"}).json()
    told = {"url": "https://example.com/", "events": ["fill"], "enabled": False}
    trader.endpoint_id = trader.client.post("/webhook-endpoints", json=told).json()["id"]
    sent = trader.client.post(f"/webhook-endpoints/{trader.endpoint_id}/test").json()
    trader.delivery_id = sent["id"]
    asked = {"name": "mine", "account_ids": [trader.account_id]}
    trader.group_id = trader.client.post("/account-groups", json=asked).json()["id"]
    trader.trade_id = trader.client.get("/trades").json()["items"][0]["id"]
    trader.login_id = trader.client.get("/me/logins").json()["items"][0]["login_id"]
    return trader


def stock_of(product) -> str:
    """One stock for all of them, offered anew to each: a product lists only so many."""
    if not hasattr(product, "stock_of_all"):
        product.stock_of_all = product.stock()
        product.offers = itertools.count(101)
    product.quote(product.stock_of_all, "9.99", "10.01", str(next(product.offers)))
    return product.stock_of_all


def watchlist_of(trader) -> str:
    asked = {"name": "mine", "symbols": [trader.symbol]}
    return trader.client.post("/watchlists", json=asked).json()["id"]


def profile_of(trader) -> str:
    return trader.client.post("/profiles", json={"name": "mine"}).json()["id"]


def limit_of(trader) -> str:
    asked = {"scope": "user", "measure": "order_value", "limit": "1000000", "alert_at": "0.00001"}
    return trader.client.post("/risk/limits", json=asked).json()["id"]


def alert_of(trader) -> str:
    made(trader, "limit_id")
    trader.order(symbol=trader.symbol, limit_price="9.00")
    return trader.client.get("/risk/alerts").json()["items"][0]["id"]


def entry_of(trader) -> str:
    base = str(trader.client.base_url).removesuffix("/api/v1/")
    asked = {"ticker": trader.symbol, "price": "9", "quantity": "1", "side": "buy"}
    return trader.client.post(f"{base}/api/trades", json=asked).json()["id"]


MADE_WHEN_NEEDED = {
    "watchlist_id": watchlist_of,
    "profile_id": profile_of,
    "limit_id": limit_of,
    "alert_id": alert_of,
    "entry_id": entry_of,
}
"""What has an id and takes some time to make: only the routes that name it need it."""


def made(trader, name: str) -> str:
    """Something of the trader's, made once."""
    if not hasattr(trader, name):
        setattr(trader, name, MADE_WHEN_NEEDED[name](trader))
    return getattr(trader, name)


@pytest.fixture(scope="module")
def stranger(product):
    return product.trader("stranger")


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    schema = SCHEMAS[content["schema"]["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return dict(schema["examples"][0])
    return {"side": "buy", "type": "market", "qty": "1", "symbol": "?", "account_id": "?"}


def send(
    operation: tuple[str, str, dict],
    client: httpx.Client,
    owner,
    more: dict[str, str] | None = None,
) -> tuple[bool, Any]:
    """Send an operation with the owner's ids; also tells whether it named one of them."""
    method, path, content = operation
    known = {
        "account_id": owner.account_id,
        "order_id": owner.open_order,
        "symbol": owner.symbol,
        "key_id": owner.key_id,
        "webhook_id": owner.webhook["id"],
        "token": owner.webhook["token"],
        "group_id": owner.group_id,
        "trade_id": owner.trade_id,
        "endpoint_id": owner.endpoint_id,
        "delivery_id": owner.delivery_id,
        "login_id": owner.login_id,
        "default_account": owner.account_id,
        "exchange": "XTST",
        "world": "main",
    }
    for name in MADE_WHEN_NEEDED:
        if "{" + name + "}" in path:
            known[name] = made(owner, name)
    names_an_id = False
    query = {}
    for parameter in content.get("parameters", []):
        name = parameter["name"]
        names_an_id |= name.endswith("_id")
        if parameter["in"] == "path":
            path = path.replace("{" + name + "}", known[name])
        elif parameter["in"] == "query" and name in known:
            query[name] = known[name]
    assert "{" not in path
    body = body_of(content)
    if body is not None and "account_id" in body:
        names_an_id = True
        body |= {name: value for name, value in known.items() if name in body}
    if body is not None and "account_ids" in body:
        names_an_id = True
        body["account_ids"] = [owner.account_id]
    url = str(client.base_url).removesuffix("/api/v1/") + path
    query |= more or {}
    return names_an_id, client.request(method, url, params=query, json=body)


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_a_stranger_finds_nothing_of_anothers(product, owner, stranger, operation) -> None:
    if operation[1].startswith(("/api/v1/me", "/api/v1/auth")) and operation[0] != "GET":
        stranger = product.trader()  # whose login may end by it
    names_an_id, response = send(operation, stranger.client, owner)
    if operation[2].get("x-scope") == "admin":
        assert response.status_code == 403, response.text
    elif names_an_id:
        assert response.status_code == 404, response.text
        assert response.json()["reason"] == "not_found"
    else:
        assert response.status_code != 404 or operation[1] == "/api/v1/demo"
        assert owner.account_id not in response.text
        assert owner.open_order not in response.text


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_without_a_token_only_what_is_open_to_all_answers(product, owner, operation) -> None:
    _, response = send(operation, product.anyone, owner)
    if not operation[2].get("security"):
        assert owner.account_id not in response.text
        return
    assert response.status_code == 401, response.text
    parameters = operation[2].get("parameters", [])
    bad = {one["name"]: "~" * 300 for one in parameters if one["in"] == "query"}
    for query in (bad, bad | {"nobody_knows": "1"}):
        _, response = send(operation, product.anyone, owner, query)
        assert response.status_code == 401, f"{query}: {response.text}"
    if "requestBody" in operation[2]:
        headers = {"Content-Type": "text/plain", "Idempotency-Key": "~" * 300, "If-Match": "?"}
        url = response.request.url
        response = product.anyone.request(operation[0], url, content=b"{", headers=headers)
        assert response.status_code == 401, f"a bad body: {response.text}"


@pytest.fixture(scope="module")
def key_of_owner(product, owner):
    """The owner's client with a key of some scopes; made once, since there are many routes."""
    made: dict[tuple[str, ...], httpx.Client] = {}

    def client(*scopes: str) -> httpx.Client:
        if scopes not in made:
            made[scopes] = product.key_client(owner, list(scopes))
        return made[scopes]

    return client


SECURED = [operation for operation in OPERATIONS if operation[2].get("security")]


@pytest.mark.parametrize("operation", SECURED, ids=lambda one: f"{one[0]} {one[1]}")
def test_a_route_says_what_a_key_needs_for_it_and_lets_no_other_pass(
    product, owner, key_of_owner, operation
) -> None:
    needed = operation[2].get("x-scope")
    assert needed, "declare the route's scope: document(..., scope=...)"
    others = [scope for scope in ("read", "trade", "account") if scope != needed]
    _, refused = send(operation, key_of_owner(*others), owner)
    assert (refused.status_code, refused.json()["reason"]) == (403, "not_permitted")
    assert refused.json()["value"] == needed
    if needed not in {"login", "admin"}:
        if operation[0] == "GET":
            _, response = send(operation, key_of_owner(needed), owner)
        else:
            own = furnished(product, product.trader())
            _, response = send(operation, product.key_client(own, [needed]), own)
        assert response.status_code != 401, response.text
        if response.status_code == 403:  # for another reason than the scope
            assert response.json()["value"] != needed, response.text


def test_the_owner_gets_through_where_the_stranger_did_not(owner) -> None:
    statuses = {
        f"{operation[0]} {operation[1]}": send(operation, owner.client, owner)[1].status_code
        for operation in OPERATIONS
        if operation[0] == "GET"
        and operation[1] != "/api/v1/demo"
        and operation[2].get("x-scope") != "admin"
    }
    assert set(statuses.values()) == {200}, statuses


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_what_the_owner_gets_is_what_the_document_says(product, operation) -> None:
    trader = furnished(product, product.trader())
    _, response = send(operation, trader.client, trader)
    told = operation[2]["responses"].get(str(response.status_code))
    assert told is not None, response.text
    for media_type, content in told.get("content", {}).items():
        if "schema" in content and media_type == response.headers["content-type"]:
            whole = content["schema"] | {"components": DOCUMENT["components"]}
            jsonschema_rs.validate(whole, response.json())


def test_nothing_of_the_owner_was_changed_by_all_that(owner, stranger) -> None:
    order = owner.client.get(f"/orders/{owner.open_order}").json()
    assert (order["status"], order["qty"], order["limit_price"]) in {
        ("new", "10", "9.00"),
        ("canceled", "10", "9.00"),
    }
    orders = stranger.client.get(f"/accounts/{stranger.account_id}/orders?status=all").json()
    assert orders["items"] == []


def test_a_strangers_id_and_an_unknown_id_read_the_same(owner, stranger) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for path, mine in (("/orders/{}", owner.open_order), ("/accounts/{}", owner.account_id)):
        answers = [
            stranger.client.get(path.format(one)).json() | {"instance": ""}
            for one in (mine, nobody)
        ]
        assert answers[0] == answers[1]


def test_private_channels_carry_the_own_account_only(product, owner) -> None:
    stranger = product.trader()
    with product.stream(stranger) as stream:
        first = stream.subscribe("orders", "fills", "account", "positions")
        assert {message["account_id"] for message in first.values()} == {stranger.account_id}
        assert owner.account_id not in str(first)
        owner.order(symbol=owner.symbol, limit_price="10.01")
        assert stream.quiet_for(0.3)
