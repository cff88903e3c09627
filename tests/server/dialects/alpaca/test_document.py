"""The dialect's own OpenAPI document: whole, and true for whatever is sent."""

import os
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from generated_requests import each_operation
from papertape.server.dialects.alpaca.documents import openapi_of
from server.damaged_requests import damaged
from server.dialects.alpaca.routes import routes_alone

DOCUMENT = openapi_of(routes_alone())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# Without the phase of coverage, which sends fifty requests for each route.
CONFIG = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
KNOWN = {"symbol": "ACME0", "symbols": "ACME0", "symbol_or_asset_id": "ACME0"}
EXAMPLES = int(os.environ.get("PAPERTAPE_TEST_EXAMPLES", "4"))


def test_the_server_tells_this_document(product) -> None:
    assert product.anyone.get(product.url("/alpaca/openapi.json")).json() == DOCUMENT


def test_the_native_document_leaves_the_dialect_out(product) -> None:
    paths = product.anyone.get(product.url("/openapi.json")).json()["paths"]
    assert not [path for path in paths if path.startswith("/alpaca")]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_says_what_it_does_and_shows_all_that_travels(operation) -> None:
    assert operation["description"]
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for travelling in [*bodies, *operation["responses"].values()]:
        for content in travelling.get("content", {}).values():
            if "example" in content:
                _check_example(content["schema"], content["example"])


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_has_an_example_of_itself(name: str) -> None:
    for example in DOCUMENT["components"]["schemas"][name]["examples"]:
        _check_example({"$ref": f"#/components/schemas/{name}"}, example)


def _check_example(schema: dict[str, Any], example: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(whole).validate(example)


@pytest.fixture(scope="module")
def anybody(product) -> dict[str, str]:
    trader = product.trader("anybody")
    key = product.key(trader, ["read", "trade", "account"])
    return {"APCA-API-KEY-ID": key["key_id"], "APCA-API-SECRET-KEY": key["secret"]}


@each_operation(SCHEMA, OPERATIONS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_no_generated_request_breaks_the_server(case, product, anybody, generated) -> None:
    case.headers.update(anybody)
    response = case.call(base_url=product.url(""))
    generated[response.status_code] += 1
    assert response.status_code < 500, response.text
    case.validate_response(response, checks=AS_DOCUMENTED)
    if response.status_code >= 400:
        assert {"code", "message"} <= set(response.json())


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_damaged_request_breaks_the_server(name, product, anybody, generated) -> None:
    for request in damaged(name, OPERATIONS[name], KNOWN):
        response = request.send(product.anyone, product.url(""), anybody)
        generated[response.status_code] += 1
        told = f"{request}: {response.text}"
        assert str(response.status_code) in OPERATIONS[name]["responses"], told
        assert response.status_code < 500, told
        if response.status_code >= 400:
            assert {"code", "message"} <= set(response.json()), told


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("shown", [{}, {"Authorization": "Bearer nobody"}])
def test_who_calls_is_asked_before_anything_is_read(name, shown, product) -> None:
    method, path = name.split()
    for parameter in KNOWN:
        path = path.replace(f"{{{parameter}}}", "x")
    query = {
        one["name"]: "?" for one in OPERATIONS[name].get("parameters", ()) if one["in"] == "query"
    }
    response = product.anyone.request(
        method, product.url(path), params=query, content=b"{", headers=shown
    )
    # Data of coins are open to all.
    is_secured = "security" in OPERATIONS[name]
    assert (response.status_code == 401) == is_secured, response.text
    assert not is_secured or {"code", "message"} <= set(response.json())


@pytest.mark.parametrize("path", ["/alpaca/v2/orders/", "/alpaca/v2/nothing", "/alpaca-data/x"])
def test_what_is_not_there_is_told_in_alpacas_way(product, path) -> None:
    response = product.anyone.get(product.url(path))
    assert (response.status_code, response.json()["code"]) == (404, 40410000)


def test_a_body_that_is_too_large_is_told_in_alpacas_way(product, anybody) -> None:
    url = product.url("/alpaca/v2/orders")
    response = product.anyone.post(url, content=b"x" * 1_100_000, headers=anybody)
    assert (response.status_code, response.json()["code"]) == (413, 41310000)


@pytest.mark.parametrize("blank", ["+", "%09", "%20%20"])
@pytest.mark.parametrize(
    "path",
    [
        "/alpaca/v2/account/activities?date=",
        "/alpaca/v2/orders?until=",
        "/alpaca-data/v2/stocks/bars?symbols=ACME0&timeframe=1Min&start=",
        "/alpaca-data/v2/stocks/trades?symbols=ACME0&end=",
    ],
)
def test_a_blank_is_no_time(product, anybody, path, blank) -> None:
    response = product.anyone.get(product.url(path + blank), headers=anybody)
    assert (response.status_code, response.json()["code"]) == (422, 40010001)


def test_a_fault_is_told_in_alpacas_way_and_the_connection_goes_on(
    product, anybody, monkeypatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    names = "papertape.server.dialects.alpaca"
    with httpx.Client(limits=httpx.Limits(max_connections=1), headers=anybody) as client:
        for path, place in (
            ("/alpaca/v2/orders", f"{names}.order_routes.moment"),
            ("/alpaca/v2/account", f"{names}.account_routes.account_of"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(place, broken)
                response = client.get(product.url(path))
            assert (response.status_code, response.json()["code"]) == (500, 50010000)
            assert "on purpose" not in response.text
            told = client.get(product.url(path)).raise_for_status()
            stream = response.extensions["network_stream"], told.extensions["network_stream"]
            assert len({one.get_extra_info("client_addr") for one in stream}) == 1


def test_a_body_that_is_no_json_is_told_apart(product, anybody) -> None:
    response = product.anyone.post(product.url("/alpaca/v2/orders"), content=b"{", headers=anybody)
    assert (response.status_code, response.json()["code"]) == (400, 40010000)


SECURED = [name for name, operation in OPERATIONS.items() if operation.get("security")]


@pytest.mark.parametrize("name", SECURED)
def test_without_a_key_nothing_answers(product, name) -> None:
    method, path = name.split()
    path = path.replace("{", "").replace("}", "")
    response = product.anyone.request(method, product.url(path), params=QUERY)
    assert (response.status_code, response.json()["code"]) == (401, 40110000), response.text


QUERY = {"symbols": "ACME0", "client_order_id": "x", "name": "x"}


def test_only_data_of_coins_are_open(product) -> None:
    open_to_all = {name for name in OPERATIONS if name not in SECURED}
    assert open_to_all
    assert all(name.startswith("GET /alpaca-data/v1beta3/crypto/us/") for name in open_to_all)
