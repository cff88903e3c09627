"""What every request meets: problem details, safety headers, sizes, ids, the page, the figures."""

import json
import re
import socket
import stat
import time

import httpx
import pytest
from websockets.sync.client import connect

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("POST", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/assets/none.js", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
        ("GET", "/api/v1/accounts//", 404, "not_found"),
        ("GET", "/api/v1/accounts/", 401, "not_authenticated"),
        ("GET", "/api/v1/simulation", 404, "not_found"),
        ("GET", "/api/v1/simulation/nothing", 404, "not_found"),
        ("GET", "/api/v1/simulationaccounts", 404, "not_found"),
        ("PUT", "/api/v1/orders", 405, "method_not_allowed"),
        ("POST", "/api/v1/me", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/auth/login", 405, "method_not_allowed"),
        ("GET", "/api/v1/me", 401, "not_authenticated"),
        ("POST", "/api/v1/auth/login", 422, "malformed"),
        ("GET", "/api/v1/instruments?query=" + "x" * 101, 422, "malformed"),
        ("GET", "/api/v1/demo", 404, "not_found"),
    ],
)
def test_every_error_is_a_problem(product, method, path, status, reason) -> None:
    response = httpx.request(method, product.url(path))
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    body = response.json()
    assert (body["status"], body["reason"]) == (status, reason)
    assert body["type"] == f"urn:papertape:problem:{reason}"
    assert {"title", "detail", "instance"} <= set(body)
    if status == 405:
        assert response.headers["allow"]


@pytest.fixture(scope="module")
def somebody(product):
    return product.trader("somebody")


@pytest.mark.parametrize(
    ("method", "path", "field", "known"),
    [
        ("GET", "/api/v1/orders?symbl=A", "symbl", "account_id, cursor, format, from, limit, side"),
        ("GET", "/api/v1/orders?limit=5&status=all&%20limit=5", " limit", "limit"),
        ("POST", "/api/v1/orders?account_id=a", "account_id", "there are none"),
        ("DELETE", "/api/v1/orders?account=a", "account", "known are account_id"),
        ("GET", "/api/v1/me?x", "x", "there are none"),
        ("GET", "/api/v1/orders?limit=5&limit=6", "limit", "twice"),
        ("GET", "/api/v1/instruments?query=a&exchange=X&query=b", "query", "twice"),
        ("HEAD", "/api/v1/me?x", None, None),
        ("GET", "/api/v1/simulation/market/BTC/USD/bars/?starts=2026-01-01", "starts", "start"),
        ("GET", "/api/trades?cursors=", "cursors", "cursor"),
        ("GET", "/api/v1/instruments?query=a&" + "x" * 200, "x" * 100, "query"),
    ],
)
def test_a_parameter_that_no_route_reads_is_refused(
    product, somebody, method, path, field, known
) -> None:
    refused = somebody.client.request(method, product.url(path))
    assert refused.status_code == 422
    if method != "HEAD":
        assert (refused.json()["reason"], refused.json()["field"]) == ("malformed", field)
        assert known in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz?probe=1", 200),
        ("/alpaca-data/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD&probe=1", 200),
        ("/api/v1/me", 401),
        ("/api/v1/nothing?x=1", 404),
        ("/?utm_source=x", 200),
    ],
)
def test_what_is_no_route_of_the_api_looks_at_no_query(product, path, status) -> None:
    assert product.anyone.get(product.url(path)).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/orders", "DELETE, GET, HEAD, POST"),
        ("PUT", "/api/v1/orders/00000000-0000-4000-8000-000000000000", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/api/v1/market/BTC/USD/quote", "GET, HEAD"),
        ("GET", "/api/v1/auth/login", "POST"),
        ("HEAD", "/api/v1/auth/login", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_all_the_right_ones(product, method, path, allowed) -> None:
    response = httpx.request(method, product.url(path))
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts"),
        ("GET", "/accounts/{account_id}"),
        ("GET", "/orders"),
        ("GET", "/instruments"),
        ("GET", "/market/BTC/USD/quote"),
        ("GET", "/orderbook/BTC%2FUSD"),
        ("GET", "/orders/00000000-0000-4000-8000-000000000000"),
        ("DELETE", "/orders/00000000-0000-4000-8000-000000000000"),
        ("POST", "/orders"),
        ("PUT", "/orders"),
    ],
)
def test_every_route_stands_under_the_mount_too_and_takes_a_slash(
    product, alice, method, path
) -> None:
    path = path.format(account_id=alice.account_id)
    plain = alice.client.request(method, path)
    for form in (f"{path}/", f"/simulation{path}", f"/simulation{path}/"):
        response = alice.client.request(method, form)
        assert (response.status_code, response.headers.get("allow")) == (
            plain.status_code,
            plain.headers.get("allow"),
        ), form
        assert response.json().keys() == plain.json().keys()
        assert response.json().get("reason") == plain.json().get("reason")


def test_the_stream_stands_under_the_mount_too(product, alice) -> None:
    for path in ("/api/v1/simulation/stream", "/api/v1/stream/"):
        with connect(f"ws://127.0.0.1:{product.port}{path}") as socket_:
            socket_.send(json.dumps({"action": "auth", "token": alice.token}))
            assert json.loads(socket_.recv(timeout=5))["type"] == "authenticated"


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/instruments", "/api/v1/me", "/", "/metrics"])
def test_head_is_get_without_the_body(product, path: str) -> None:
    with httpx.Client() as client:
        for _ in range(2):  # what a head must not have would break the second on the connection
            head, get = client.head(product.url(path)), client.get(product.url(path))
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert head.headers["content-type"] == get.headers["content-type"]
    figures = httpx.get(product.url("/metrics")).text
    assert 'method="HEAD",route="/healthz",status="405"' not in figures


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/me", "/api/v1/nothing", "/metrics"])
def test_every_reply_has_the_safety_headers(product, path: str) -> None:
    headers = httpx.get(product.url(path), headers={"Origin": "https://elsewhere.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_private_replies_are_not_stored_by_caches(alice) -> None:
    assert alice.client.get("/accounts").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("given", "kept"), [("my-id.1", True), ("a b", False), ("x" * 65, False)])
def test_a_request_id_is_taken_over_or_made(product, given: str, kept: bool) -> None:
    told = httpx.get(product.url("/healthz"), headers={"X-Request-Id": given})
    assert (told.headers["x-request-id"] == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", told.headers["x-request-id"])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_more_than_a_mebibyte_is_refused(product, alice, chunked: bool) -> None:
    content = b'{"qty":"' + b"1" * 1024 * 1024 + b'"}'
    parts = (content[start : start + 65536] for start in range(0, len(content), 65536))
    response = alice.client.post("/orders", content=parts if chunked else content)
    assert response.status_code == 413
    assert (response.json()["reason"], response.json()["limit"]) == ("body_too_large", "1048576")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert alice.client.get("/me").status_code == 200


def test_a_client_that_hangs_up_while_it_speaks_is_no_fault(product, alice, capfd) -> None:
    head = f"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\n"
    with socket.create_connection(("127.0.0.1", product.port)) as connection:
        connection.sendall(f'{head}Content-Length: 500\r\n\r\n{{"qty"'.encode())
        time.sleep(0.1)
    figure = 'route="/api/v1/orders",status="499"} 1.0'
    deadline = time.monotonic() + 5
    while figure not in httpx.get(product.url("/metrics")).text:
        assert time.monotonic() < deadline
    told = capfd.readouterr()
    assert "request_failed" not in told.out + told.err


def test_health_readiness_and_figures(product, alice, stock) -> None:
    assert httpx.get(product.url("/healthz")).json() == {"status": "ok"}
    assert httpx.get(product.url("/readyz")).json() == {"status": "ready", "world": "main"}
    alice.order(symbol=stock)
    alice.client.get("/orders/00000000-0000-4000-8000-000000000000")
    httpx.get(product.url("/some/page"))
    figures = httpx.get(product.url("/metrics")).text
    assert 'papertape_orders_total{outcome="created"}' in figures
    assert 'route="/api/v1/orders/{order_id}",status="404"' in figures
    assert 'route="other"' in figures
    assert "papertape_stream_clients 0.0" in figures
    assert "papertape_floor_round_trip_seconds_count" in figures
    assert "00000000-0000" not in figures


def test_without_a_built_page_the_root_says_what_to_do(product) -> None:
    response = httpx.get(product.url("/"))
    assert response.headers["content-type"].startswith("text/plain")
    assert "make setup" in response.text


@pytest.fixture(scope="module")
def built(serve, tmp_path_factory):
    """A product with a page, and a secret beside the page's folder."""
    folder = tmp_path_factory.mktemp("web")
    page = folder / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<title>Papertape</title>")
    (page / "assets" / "index-abc123.js").write_text("export {}")
    (folder / "secret.txt").write_text("buried treasure")
    return serve(web_dir=page)


PAGES = [
    "/",
    "//x",
    "/index.html",
    "/login",
    "/desk/AAPL",
    "/BTC/USD",
    "/desk/BRK.A",
    "/desk/BTC%2FUSD",
]


@pytest.mark.parametrize("path", PAGES)
def test_addresses_inside_the_page_show_the_page(built, path: str) -> None:
    response = httpx.get(built.url(path))
    assert response.status_code == 200
    assert "<title>Papertape" in response.text
    assert response.headers["cache-control"] == "no-cache"


def test_hashed_files_are_kept_for_ever(built) -> None:
    response = httpx.get(built.url("/assets/index-abc123.js"))
    assert "javascript" in response.headers["content-type"]
    assert "immutable" in response.headers["cache-control"]
    assert httpx.head(built.url("/assets/index-abc123.js")).status_code == 200
    assert httpx.get(built.url("/assets/none.js")).status_code == 404
    assert httpx.get(built.url("/api/v1/nothing")).status_code == 404
    for path in ("/api", "//api/v1/orders", "//alpaca/v2/account", "//webhooks/tradingview/x"):
        assert httpx.get(built.url(path)).json()["reason"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%2f..%2fdata/auth.db",
        "/..%5c..%5cdata",
        "/desk/%2e%2e",
        "/desk/%2e%2e/login",
        "/data/exchange.db",
        "/.env",
        "/.git/config",
        "/index-abc123.js.map",
        "/wp-login.php",
    ],
)
def test_no_path_leads_out_of_the_pages_folder(built, path: str) -> None:
    address = httpx.URL(built.url("/")).copy_with(raw_path=path.encode())
    response = httpx.get(address)
    assert "treasure" not in response.text
    assert response.status_code == 404
    assert response.json()["reason"] == "not_found"


def test_databases_are_their_owners_alone(product, alice, stock, pytestconfig) -> None:
    if pytestconfig.getoption("--postgres"):
        pytest.skip("no database is a file there")
    alice.order(symbol=stock)
    found = {file.name: stat.S_IMODE(file.stat().st_mode) for file in product.folder.glob("*.db*")}
    assert {"auth.db", "auth.db-wal", "exchange.db", "exchange.db-wal"} <= set(found)
    assert set(found.values()) == {0o600}
