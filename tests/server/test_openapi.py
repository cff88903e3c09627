"""The OpenAPI document: current, whole, and true."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import settings
from schemathesis.specs.openapi import checks

from generated_requests import each_operation
from papertape.server.documents import document, openapi_of
from papertape.server.models.base import Reply
from papertape.server.openapi import document_text
from server.damaged_requests import damaged

DOCUMENT = json.loads(document_text())
WRITTEN = Path(__file__).parents[2] / "web" / "openapi.json"

LISTED = """
POST /api/v1/auth/register
POST /api/v1/auth/login
POST /api/v1/auth/refresh
POST /api/v1/auth/logout
GET /api/v1/me
PATCH /api/v1/me
DELETE /api/v1/me
POST /api/v1/me/password
GET /api/v1/me/two-factor
POST /api/v1/me/two-factor
POST /api/v1/me/two-factor/confirm
POST /api/v1/me/two-factor/recovery-codes
POST /api/v1/me/two-factor/off
GET /api/v1/me/consents
POST /api/v1/me/consents
POST /api/v1/me/export
POST /api/v1/auth/password-reset
POST /api/v1/auth/password-reset/begin
GET /api/v1/notice
GET /api/v1/security-events
GET /api/v1/me/preferences
PATCH /api/v1/me/preferences
GET /api/v1/me/logins
DELETE /api/v1/me/logins
DELETE /api/v1/me/logins/{login_id}
GET /api/v1/keys
POST /api/v1/keys
GET /api/v1/keys/{key_id}
DELETE /api/v1/keys/{key_id}
GET /api/v1/accounts
GET /api/v1/accounts/{account_id}
GET /api/v1/accounts/{account_id}/positions
GET /api/v1/accounts/{account_id}/orders
GET /api/v1/accounts/{account_id}/fills
GET /api/v1/accounts/{account_id}/ledger
GET /api/v1/accounts/{account_id}/equity
POST /api/v1/accounts
PATCH /api/v1/accounts/{account_id}
POST /api/v1/accounts/{account_id}/reset
POST /api/v1/accounts/{account_id}/clone
POST /api/v1/accounts/{account_id}/deposit
POST /api/v1/accounts/{account_id}/withdraw
POST /api/v1/accounts/{account_id}/transfer
POST /api/v1/accounts/{account_id}/archive
POST /api/v1/accounts/{account_id}/restore
POST /api/v1/accounts/{account_id}/fork
POST /api/v1/accounts/{account_id}/flatten
GET /api/v1/accounts/{account_id}/metrics
GET /api/v1/accounts/{account_id}/strategies
GET /api/v1/accounts/{account_id}/statements
GET /api/v1/positions
DELETE /api/v1/positions
GET /api/v1/positions/{symbol}
DELETE /api/v1/positions/{symbol}
GET /api/v1/trades
GET /api/v1/trades/statistics
GET /api/v1/trades/{trade_id}
PATCH /api/v1/trades/{trade_id}
POST /api/v1/trades
POST /api/v1/trades/{trade_id}/bust
POST /api/v1/trades/{trade_id}/correct
POST /api/v1/orders/bulk
POST /api/v1/orders/bulk-cancel
POST /api/v1/orders
GET /api/v1/orders
DELETE /api/v1/orders
POST /api/v1/orders/preview
GET /api/v1/orders/{order_id}
PATCH /api/v1/orders/{order_id}
DELETE /api/v1/orders/{order_id}
GET /api/v1/exchanges
GET /api/v1/instruments
GET /api/v1/instruments/{symbol}
GET /api/v1/instruments/{symbol}/summary
GET /api/v1/market/summary
GET /api/v1/exchanges/{exchange}
GET /api/v1/sessions
GET /api/v1/fill-profiles
GET /api/v1/exchanges/{exchange}/fill-profile
PUT /api/v1/exchanges/{exchange}/fill-profile
DELETE /api/v1/exchanges/{exchange}/fill-profile
GET /api/v1/exchanges/{exchange}/fees
PUT /api/v1/exchanges/{exchange}/fees
DELETE /api/v1/exchanges/{exchange}/fees
GET /api/v1/instruments/{symbol}/fill-profile
PUT /api/v1/instruments/{symbol}/fill-profile
DELETE /api/v1/instruments/{symbol}/fill-profile
GET /api/v1/instruments/{symbol}/fees
PUT /api/v1/instruments/{symbol}/fees
DELETE /api/v1/instruments/{symbol}/fees
GET /api/v1/watchlists
POST /api/v1/watchlists
GET /api/v1/watchlists/{watchlist_id}
PUT /api/v1/watchlists/{watchlist_id}
DELETE /api/v1/watchlists/{watchlist_id}
POST /api/v1/watchlists/{watchlist_id}/symbols
DELETE /api/v1/watchlists/{watchlist_id}/symbols/{symbol}
GET /api/v1/profiles
POST /api/v1/profiles
GET /api/v1/profiles/{profile_id}
PUT /api/v1/profiles/{profile_id}
DELETE /api/v1/profiles/{profile_id}
GET /api/v1/risk/limits
POST /api/v1/risk/limits
GET /api/v1/risk/limits/{limit_id}
PUT /api/v1/risk/limits/{limit_id}
DELETE /api/v1/risk/limits/{limit_id}
GET /api/v1/risk/dashboard
GET /api/v1/risk/alerts
GET /api/v1/risk/alerts/{alert_id}
POST /api/v1/risk/alerts/{alert_id}/acknowledge
POST /api/v1/risk/alerts/{alert_id}/resolve
GET /api/v1/risk/kill-switch
POST /api/v1/risk/kill-switch
GET /api/v1/compliance/rules
GET /api/v1/compliance/checks
GET /api/v1/worlds
GET /api/v1/worlds/{world}
GET /api/v1/engine/status
GET /api/v1/engine/statistics
POST /api/v1/engine/halt
POST /api/v1/engine/resume
GET /api/v1/engine/config
PUT /api/v1/engine/config
GET /api/v1/market/{symbol}/quote
GET /api/v1/market/{symbol}/bars
GET /api/v1/orderbook/{symbol}
GET /api/v1/webhooks
POST /api/v1/webhooks
GET /api/v1/webhooks/{webhook_id}
PATCH /api/v1/webhooks/{webhook_id}
DELETE /api/v1/webhooks/{webhook_id}
POST /api/v1/webhooks/{webhook_id}/rotate
POST /api/v1/webhooks/{webhook_id}/dry-run
GET /api/v1/webhooks/{webhook_id}/log
GET /api/v1/webhook-endpoints
POST /api/v1/webhook-endpoints
GET /api/v1/webhook-endpoints/{endpoint_id}
PATCH /api/v1/webhook-endpoints/{endpoint_id}
DELETE /api/v1/webhook-endpoints/{endpoint_id}
POST /api/v1/webhook-endpoints/{endpoint_id}/rotate-secret
POST /api/v1/webhook-endpoints/{endpoint_id}/test
GET /api/v1/webhook-endpoints/{endpoint_id}/deliveries
POST /api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver
GET /api/v1/account-groups
POST /api/v1/account-groups
GET /api/v1/account-groups/{group_id}
PATCH /api/v1/account-groups/{group_id}
DELETE /api/v1/account-groups/{group_id}
POST /webhooks/tradingview/{token}
POST /webhooks/tradingview/{token}/dry-run
GET /api/v1/demo
GET /api/paper-trading/status
GET /api/paper-trading/accounts
GET /api/paper-trading/accounts/{account_id}
GET /api/paper-trading/accounts/{account_id}/orders
GET /api/paper-trading/accounts/{account_id}/fills
GET /api/paper-trading/accounts/{account_id}/metrics
POST /api/paper-trading/accounts/{account_id}/reset
POST /api/paper-trading/accounts/{account_id}/flatten
POST /api/paper-trading/alerts
POST /api/paper-trading/orders/{order_id}/cancel
GET /api/trades
POST /api/trades
GET /api/trades/{entry_id}
PUT /api/trades/{entry_id}
PATCH /api/trades/{entry_id}
DELETE /api/trades/{entry_id}
GET /healthz
GET /readyz
GET /metrics
"""


def test_two_models_of_one_name_are_an_error() -> None:
    class KeyReply(Reply):
        one: str

    class _Other:
        class KeyReply(Reply):
            two: int

    async def nothing() -> None: ...

    app = FastAPI()
    for path, model in (("/one", KeyReply), ("/two", _Other.KeyReply)):
        app.add_api_route(path, nothing, **document(replies={200: model}, secured=False))
    with pytest.raises(ValueError, match=r"KeyReply of .* rename one"):
        openapi_of(app)


def test_the_file_of_the_page_is_the_document_of_the_server() -> None:
    assert WRITTEN.read_text() == document_text(), (
        "run: python -m papertape.server.openapi > web/openapi.json"
    )


def test_the_server_tells_the_same_document(product) -> None:
    assert httpx.get(product.url("/openapi.json")).json() == DOCUMENT


def test_these_routes_are_there_and_no_others() -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    assert documented == set(LISTED.strip().splitlines())


OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_says_what_it_does_and_shows_all_that_travels(operation) -> None:
    assert operation["description"]
    assert operation["tags"]
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    replies = [reply for status, reply in operation["responses"].items() if status != "204"]
    for travelling in [*bodies, *replies]:
        assert travelling["content"]
        for content in travelling["content"].values():
            _check_example(content["schema"], content["example"])


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_example_of_a_problem_has_the_status_that_it_stands_for(operation) -> None:
    for status, reply in operation["responses"].items():
        if int(status) >= 400:
            assert reply["content"]["application/problem+json"]["example"]["status"] == int(status)


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_has_an_example_of_itself(name: str) -> None:
    for example in DOCUMENT["components"]["schemas"][name]["examples"]:
        _check_example({"$ref": f"#/components/schemas/{name}"}, example)


def _check_example(schema: dict[str, Any], example: Any) -> None:
    """It fits its schema, and shows no field that the schema does not know."""
    components = DOCUMENT["components"]
    jsonschema_rs.Draft202012Validator({**schema, "components": components}).validate(example)
    if "$ref" in schema:
        named = components["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if named.get("type") == "array":
            for item in example:
                _check_example(named["items"], item)
        else:
            assert set(example) <= set(named["properties"])


def test_operation_ids_are_good_names_for_a_client() -> None:
    ids = [o["operationId"] for ops in DOCUMENT["paths"].values() for o in ops.values()]
    assert len(ids) == len(set(ids))
    assert all(one.isidentifier() for one in ids)


# --- whatever is sent, the server says what is wrong with it -------------------------------------

AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
ENDS_LOGINS = {"/api/v1/me/logins", "/api/v1/auth/logout", "/api/v1/me", "/api/v1/me/password"}
"""After these somebody else goes on, so that the others are not tried without a login."""

EXAMPLES = int(os.environ.get("PAPERTAPE_TEST_EXAMPLES", "6"))
"""Generated requests of each phase for each operation; `make soak` asks for many more."""

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
KNOWN = {"symbol": "ACME0", "exchange": "XTST", "world": "main", "ticker": "ACME0"}


@pytest.fixture(scope="module")
def anybody(product):
    return product.trader("anybody")


@each_operation(SCHEMA, OPERATIONS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_no_generated_request_breaks_the_server(case, product, anybody, generated) -> None:
    who = product.trader() if case.path in ENDS_LOGINS else anybody
    response = case.call(base_url=product.url(""), headers={"Authorization": f"Bearer {who.token}"})
    generated[response.status_code] += 1
    # A server that nobody gave a mail server says so, whatever it is asked.
    assert response.status_code < 500 or response.json()["reason"] == "no_mail", response.text
    case.validate_response(response, checks=AS_DOCUMENTED)
    if response.status_code >= 400:
        assert response.headers["content-type"][0] == "application/problem+json"
        assert response.json()["reason"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_damaged_request_breaks_the_server(name, product, anybody, generated) -> None:
    who = product.trader() if name.split(" ")[1] in ENDS_LOGINS else anybody
    known = KNOWN | {"account_id": who.account_id}
    for request in damaged(name, OPERATIONS[name], known):
        response = request.send(product.anyone, product.url(""), who.client.headers)
        generated[response.status_code] += 1
        told = f"{request}: {response.text}"
        assert str(response.status_code) in OPERATIONS[name]["responses"], told
        assert response.status_code < 500 or response.json()["reason"] == "no_mail", told
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", told
            assert response.json()["reason"], told
