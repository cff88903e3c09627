"""The busiest requests are answered at the connection, and nobody can tell."""

import asyncio
import gc
import json
import socket
import time
import weakref
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from papertape.server import patience
from papertape.server.edge import Edge
from papertape.server.quick import Answerer, Quick, QuickRequest
from server.conftest import Trader, wait_until

LONG_WAY = {"X-Forwarded-For": "10.0.0.1"}
"""Says how a request travelled, which no proxy is believed here; a quick request does not."""

OWN = {"date", "x-request-id"}
"""Headers whose values differ in two replies."""


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which requests were answered the quick way."""
    seen: list[str] = []
    plain = Quick.answer

    async def seen_answer(self: Quick, answerer: Answerer, request: QuickRequest) -> Any:
        seen.append(f"{request.method} {answerer.short.route.path}")
        return await plain(self, answerer, request)

    monkeypatch.setattr(Quick, "answer", seen_answer)
    return seen


@pytest.fixture(scope="module")
def trader(product):
    """Somebody with an order that works."""
    trader = product.trader("quick")
    trader.stock = product.stock()
    trader.working = trader.order(symbol=trader.stock).json()["id"]
    return trader


ORDER = (
    '{"account_id": "{account}", "symbol": "{stock}", "side": "buy", "type": "limit", '
    '"qty": "10", "limit_price": "9.00", "client_order_id": "quick-1"}'
)


ALPACA = (
    '{"symbol": "{stock}", "side": "buy", "type": "limit", "time_in_force": "day", '
    '"qty": "1", "limit_price": "9.00", "client_order_id": "quick-1"}'
)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/orders", ORDER, {}, 200),
        ("POST", "/orders", ORDER.replace('"10"', "10.0"), {}, 200),
        ("POST", "/orders", ORDER.replace('"10"', '"11"'), {}, 409),
        ("POST", "/orders", ORDER.replace('"10"', '"ten"'), {}, 422),
        ("POST", "/orders", ORDER.replace('"qty"', '"quantity"'), {}, 422),
        ("POST", "/orders", ORDER.replace("{account}", "{stranger}"), {}, 404),
        ("POST", "/orders", ORDER, {"Content-Type": "text/plain"}, 415),
        ("POST", "/orders", ORDER, {"Idempotency-Key": "x" * 129}, 422),
        ("POST", "/orders", "", {}, 422),
        ("POST", "/orders", '{"qty": "\\ud800"}', {}, 422),
        ("POST", "/orders", ORDER, {"Authorization": "Bearer nobody"}, 401),
        ("POST", "/orders", ORDER, {"Authorization": "Digest nobody"}, 401),
        ("POST", "/orders", ORDER, {"Authorization": ""}, 401),
        ("PATCH", "/orders/{working}", '{"qty": "0"}', {}, 422),
        ("PATCH", "/orders/{stranger}", '{"qty": "5"}', {}, 404),
        ("DELETE", "/orders/{stranger}", None, {}, 404),
        ("DELETE", "/orders", None, {}, 422),
        ("DELETE", "/orders?account_id={stranger}", None, {}, 404),
        ("GET", "/accounts/{account}", None, {}, 200),
        ("GET", "/accounts/{account}/positions", None, {}, 200),
        ("GET", "/accounts/{stranger}", None, {}, 404),
        ("POST", "/alpaca/v2/orders", ALPACA, {}, 422),
        ("POST", "/alpaca/v2/orders", ALPACA.replace('"1"', '"0"'), {}, 422),
        ("POST", "/alpaca/v2/orders", ALPACA.replace("{stock}", "NOPE"), {}, 422),
        ("POST", "/alpaca/v2/orders", "{", {}, 400),
        ("POST", "/alpaca/v2/orders", ALPACA, {"Authorization": "Bearer nobody"}, 401),
        ("PATCH", "/alpaca/v2/orders/{working}", '{"qty": "0"}', {}, 422),
        ("PATCH", "/alpaca/v2/orders/{stranger}", '{"qty": "5"}', {}, 404),
        ("DELETE", "/alpaca/v2/orders/{stranger}", None, {}, 404),
        ("GET", "/alpaca/v2/account", None, {}, 200),
        ("GET", "/alpaca/v2/positions", None, {}, 200),
    ],
)
def test_both_ways_answer_the_same(trader, taken, method, path, body, headers, status) -> None:
    trader.order(symbol=trader.stock, client_order_id="quick-1")
    names = {
        "account": trader.account_id,
        "stock": trader.stock,
        "working": trader.working,
        "stranger": "00000000-0000-4000-8000-000000000000",
    }
    for name, value in names.items():
        path, body = path.replace(f"{{{name}}}", value), body and body.replace(f"{{{name}}}", value)
    if path.startswith("/alpaca"):
        path = f"{trader.client.base_url.copy_with(path='')}{path}"
        # The dialect is loaded for its first request.
        trader.client.get(path, headers=LONG_WAY)
    taken.clear()
    send = {"content": body, "headers": {"Content-Type": "application/json"} | headers}
    quick = trader.client.request(method, path, **send)
    assert len(taken) == 1
    send["headers"] |= LONG_WAY
    long = trader.client.request(method, path, **send)
    assert len(taken) == 1
    assert (quick.status_code, long.status_code) == (status, status)
    assert _told(quick) == _told(long)
    assert list(quick.headers) == list(long.headers)


def _told(response: httpx.Response) -> tuple[dict[str, str], Any]:
    """Headers and body without what is new in every reply."""
    headers = {name: value for name, value in response.headers.items() if name not in OWN}
    body = response.json()
    if isinstance(body, dict):
        body.pop("as_of_seq", None)
    headers.pop("content-length")
    return headers, body


def test_an_order_is_taken_changed_and_canceled_the_quick_way(trader, taken) -> None:
    made = trader.order(symbol=trader.stock, client_order_id="quick-life")
    assert (made.status_code, made.json()["status"]) == (201, "new")
    path = f"/orders/{made.json()['id']}"
    assert trader.client.patch(path, json={"qty": "5"}).json()["qty"] == "5"
    gone = trader.client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-length" not in gone.headers
    assert trader.client.delete(path).json()["reason"] == "not_cancelable"
    of_one = "/api/v1/orders/{order_id}"
    assert taken == [
        "POST /api/v1/orders",
        f"PATCH {of_one}",
        f"DELETE {of_one}",
        f"DELETE {of_one}",
    ]


@pytest.mark.parametrize(
    "unusual",
    [
        {"path": "/orders/"},
        {"path": "/simulation/orders"},
        {"path": "/orders?x=1"},
        {"headers": LONG_WAY},
        {"headers": {"Expect": "100-continue"}},
        {"chunked": True},
        {"method": "PUT"},
    ],
)
def test_what_is_unusual_goes_the_long_way(trader, taken, unusual) -> None:
    body = json.dumps(
        {
            "account_id": trader.account_id,
            "symbol": trader.stock,
            "side": "buy",
            "type": "limit",
            "qty": "1",
            "limit_price": "9.00",
        }
    ).encode()
    response = trader.client.request(
        unusual.get("method", "POST"),
        unusual.get("path", "/orders"),
        content=iter([body]) if unusual.get("chunked") else body,
        headers={"Content-Type": "application/json"} | unusual.get("headers", {}),
    )
    status = 405 if "method" in unusual else 422 if "?" in unusual.get("path", "") else 201
    assert response.status_code == status, response.text
    assert taken == []


def test_a_request_id_comes_back_and_figures_count_the_request(product, trader) -> None:
    given = trader.client.get(f"/accounts/{trader.account_id}", headers={"X-Request-Id": "mine.1"})
    assert given.headers["x-request-id"] == "mine.1"
    made = trader.client.get(f"/accounts/{trader.account_id}", headers={"X-Request-Id": "a b"})
    assert made.headers["x-request-id"] not in {"a b", "mine.1", ""}
    figures = httpx.get(product.url("/metrics")).text
    route = 'method="GET",route="/api/v1/accounts/{account_id}",status="200"'
    count = next(line for line in figures.splitlines() if route in line)
    assert float(count.rpartition(" ")[2]) >= 2


class Wire:
    """A connection on which a test writes bytes of its own."""

    def __init__(self, product, trader) -> None:
        self.socket = socket.create_connection(("127.0.0.1", product.port), timeout=10)
        self.trader = trader

    def order(self, client_order_id: str, *more: str) -> bytes:
        body = json.dumps(
            {
                "account_id": self.trader.account_id,
                "symbol": self.trader.stock,
                "side": "buy",
                "type": "limit",
                "qty": "1",
                "limit_price": "9.00",
                "client_order_id": client_order_id,
            }
        ).encode()
        return self.head("POST", "/api/v1/orders", f"Content-Length: {len(body)}", *more) + body

    def head(self, method: str, path: str, *more: str, version: str = "1.1") -> bytes:
        token = f"authorization: Bearer {self.trader.token}"
        lines = [f"{method} {path} HTTP/{version}", "Host: localhost", token, *more]
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    def replies(self, count: int) -> list[tuple[int, dict[str, str], bytes]]:
        """The next replies, in the order in which they come."""
        file = self.socket.makefile("rb")
        return [self._reply(file) for _ in range(count)]

    @staticmethod
    def _reply(file: Any) -> tuple[int, dict[str, str], bytes]:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return status, headers, file.read(int(headers.get("content-length", "0")))

    def is_closed(self) -> bool:
        return self.socket.recv(1) == b""


@pytest.fixture
def wire(product, trader) -> Iterator[Wire]:
    wire = Wire(product, trader)
    yield wire
    wire.socket.close()


def test_requests_sent_at_once_are_answered_in_their_order(wire, taken) -> None:
    account = wire.head("GET", f"/api/v1/accounts/{wire.trader.account_id}")
    me = wire.head("GET", "/api/v1/me")
    wire.socket.sendall(wire.order("at-once-1") + me + account + wire.order("at-once-2") + me)
    replies = wire.replies(5)
    assert [status for status, _, _ in replies] == [201, 200, 200, 201, 200]
    told = [json.loads(body) for _, _, body in replies]
    assert [told[0]["client_order_id"], told[3]["client_order_id"]] == ["at-once-1", "at-once-2"]
    assert told[2]["id"] == wire.trader.account_id
    assert taken[0] == "POST /api/v1/orders"


def test_a_request_may_come_in_any_pieces(wire, taken) -> None:
    for byte in wire.order("in-pieces"):
        wire.socket.sendall(bytes([byte]))
    assert [status for status, _, _ in wire.replies(1)] == [201]
    assert taken == ["POST /api/v1/orders"]


def test_the_first_of_two_credentials_counts(wire, taken) -> None:
    wire.socket.sendall(wire.order("two-tokens", "Authorization: Bearer nobody"))
    assert [status for status, _, _ in wire.replies(1)] == [201]
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("asked", "version"), [("Connection: close", "1.1"), ("Connection: keep-alive, close", "1.1")]
)
def test_a_connection_ends_when_the_client_says_so(wire, taken, asked, version) -> None:
    path = f"/api/v1/accounts/{wire.trader.account_id}"
    wire.socket.sendall(wire.head("GET", path, asked, version=version))
    ((status, headers, _),) = wire.replies(1)
    assert (status, headers["connection"]) == (200, "close")
    assert wire.is_closed()
    assert len(taken) == 1


def test_an_older_version_of_http_goes_the_long_way(wire, taken) -> None:
    path = f"/api/v1/accounts/{wire.trader.account_id}"
    wire.socket.sendall(wire.head("GET", path, version="1.0"))
    assert [status for status, _, _ in wire.replies(1)] == [200]
    assert wire.is_closed()
    assert taken == []


def test_a_large_body_is_refused_before_it_is_read_when_nobody_knows_who_sends_it(
    wire, taken
) -> None:
    wire.trader = Trader("nobody", "nobody", None)
    wire.socket.sendall(wire.head("POST", "/api/v1/orders", "Content-Length: 16385"))
    assert [status for status, _, _ in wire.replies(1)] == [401]
    assert taken == []


def test_a_body_is_let_go_of_when_its_request_is_answered(
    product, wire, taken, monkeypatch
) -> None:
    made: list[weakref.ref[QuickRequest]] = []
    plain = QuickRequest.__init__

    def seen(self: QuickRequest, *args: Any) -> None:
        plain(self, *args)
        made.append(weakref.ref(self))

    monkeypatch.setattr(QuickRequest, "__init__", seen)
    wire.socket.sendall(wire.order("let-go-of"))
    assert [status for status, _, _ in wire.replies(1)] == [201]
    wait_until(lambda: gc.collect() >= 0 and made[0]() is None)
    assert len(taken) == 1


def test_a_task_that_is_canceled_answers_and_hangs_up(wire, monkeypatch) -> None:
    def canceled(_body: bytes) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr("papertape.server.api.orders.common_fields", canceled)
    wire.socket.sendall(wire.order("canceled"))
    ((status, headers, _),) = wire.replies(1)
    assert (status, headers["connection"], headers["x-frame-options"]) == (500, "close", "DENY")
    assert wire.is_closed()


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999", "0" * 5_000 + "9" * 12])
def test_a_body_that_announces_too_much_is_refused_before_it_comes(wire, taken, length) -> None:
    wire.socket.sendall(wire.head("POST", "/api/v1/orders", f"Content-Length: {length}"))
    ((status, _, body),) = wire.replies(1)
    assert status in {400, 413}
    assert status == 400 or json.loads(body)["reason"] == "body_too_large"
    assert taken == []


def test_a_body_that_never_comes_is_not_waited_for(product, trader, taken, monkeypatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", 0.2)
    wire = Wire(product, trader)  # a connection looks when the first patience would have ended
    with wire.socket:
        wire.socket.sendall(wire.order("too-slow")[:-10])
        assert [status for status, _, _ in wire.replies(1)] == [408]
        assert wire.is_closed()
    assert taken == []


def test_who_hangs_up_has_sent_the_order_all_the_same(product, wire) -> None:
    wire.socket.sendall(wire.order("hung-up"))
    wire.socket.close()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        found = wire.trader.client.get("/orders?status=open&limit=500").json()["items"]
        if "hung-up" in {order["client_order_id"] for order in found}:
            return
    pytest.fail("the order is lost")


def test_a_fault_is_told_as_500_and_the_connection_goes_on(wire, monkeypatch, capfd) -> None:
    def broken(_body: bytes) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("papertape.server.api.orders.common_fields", broken)
    wire.socket.sendall(wire.order("broken"))
    ((status, headers, body),) = wire.replies(1)
    assert (status, json.loads(body)["reason"]) == (500, "internal_error")
    assert "x-request-id" in headers
    assert b"on purpose" not in body
    monkeypatch.undo()
    wire.socket.sendall(wire.order("after-broken"))
    assert [status for status, _, _ in wire.replies(1)] == [201]


def test_a_stream_has_no_layers_between_unless_its_path_is_unusual(
    product, trader, monkeypatch
) -> None:
    passed: list[str] = []
    plain = Edge.__call__

    async def passes(self: Edge, scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope.get("path", ""))
        await plain(self, scope, receive, send)

    monkeypatch.setattr(Edge, "__call__", passes)
    paths = ("/api/v1/stream", "/api/v1/simulation/stream", "/api/v1/stream/")
    for path in paths:
        with connect(f"ws://127.0.0.1:{product.port}{path}", compression=None) as stream:
            stream.send(json.dumps({"action": "auth", "token": trader.token}))
            assert json.loads(stream.recv(timeout=5))["data"]["username"] == "quick"
    assert passed == list(paths[1:])
