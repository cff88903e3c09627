"""Events that are told to a real HTTP server, over restarts and failures."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("quick_retries")


class Receiver:
    """An HTTP server that keeps what it was sent and answers what the test wants."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[dict[str, str], bytes]] = []

    def wait(self, count: int) -> list[dict[str, Any]]:
        until = time.monotonic() + 10
        while len(self.got) < count:
            assert time.monotonic() < until, f"only {len(self.got)} of {count} came"
            time.sleep(0.005)
        return [json.loads(body) for _, body in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
            self.send_response(status)
            for name, value in ({"content-length": "0"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            told = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append((told, body))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def quick_retries():
    """Waits of a few hundredths of a second, so that retries happen within the test."""
    from papertape.server.hooks import sender

    before = sender.WAITS_S
    sender.WAITS_S = tuple(0.02 for _ in before)
    yield
    sender.WAITS_S = before


@pytest.fixture(scope="module")
def product(serve, quick_retries):
    return serve(webhooks_allow_private=True)


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


def endpoint(trader, receiver, *events: str, **more: Any) -> dict[str, Any]:
    body = {"url": receiver.url, "events": list(events or ("fill",))} | more
    made = trader.client.post("/webhook-endpoints", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def log(trader, made: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    path = f"/webhook-endpoints/{made['id']}/deliveries"
    return trader.client.get(path, params=query).json()["items"]


def wait_for(trader, made: dict[str, Any], status: str, count: int = 1) -> list[dict[str, Any]]:
    until = time.monotonic() + 10
    while True:
        found = [one for one in log(trader, made) if one["status"] == status]
        if len(found) >= count:
            return found
        assert time.monotonic() < until, log(trader, made)
        time.sleep(0.01)


def test_fills_and_rejections_are_told_signed(product, alice, stock, receiver) -> None:
    made = endpoint(alice, receiver, "fill", "rejection")
    rests = alice.order(symbol=stock, limit_price="9.00").json()["id"]
    assert alice.client.patch(f"/orders/{rests}", json={"qty": "1000000"}).status_code == 422
    filled = alice.order(symbol=stock, limit_price="10.01").json()
    refused = alice.order(symbol=stock, qty="1000000", limit_price="10.01").json()
    told = {one["type"]: one["data"] for one in receiver.wait(2)}
    assert told["fill"]["order_id"] == filled["id"]
    assert (told["fill"]["qty"], told["fill"]["price"]) == ("10", "10.01")
    assert told["rejection"]["order_id"] == refused["order_id"]
    assert told["rejection"]["reason"] == "insufficient_buying_power"
    assert told["rejection"]["order"]["status"] == "rejected"
    assert "checks" not in told["rejection"], "those that it passed: there are none"
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    delivered = wait_for(alice, made, "delivered", 2)
    assert {one["id"] for one in delivered} == {one["webhook-id"] for one, _ in receiver.got}
    assert [attempt["status"] for one in delivered for attempt in one["attempts"]] == [200, 200]


def test_alerts_of_risk_are_told(product, alice, stock, receiver) -> None:
    endpoint(alice, receiver, "alert")
    rule = {"measure": "order_qty", "of": alice.account_id, "limit": "100", "alert_at": "0.5"}
    product.feed({"kind": "set_policy", "policy": {"rules": [rule]}})
    order = alice.order(symbol=stock, qty="50").json()
    for on in (True, False):
        alice.client.post("/risk/kill-switch", json={"scope": "user", "on": on, "reason": "enough"})
    told = [one["data"] for one in receiver.wait(3) if one["type"] == "alert"]
    by_kind = {one["kind"]: one for one in told}
    assert by_kind.keys() == {"risk_alert", "kill_switch", "kill_switch_off"}
    near, switch = by_kind["risk_alert"], by_kind["kill_switch"]
    assert (near["order_id"], near["value"]) == (order["id"], "50")
    assert (switch["scope"], switch["reason"], switch["leaves"]) == ("user", "enough", "orders")


def test_only_what_was_asked_for_is_told(product, alice, bob, stock, receiver) -> None:
    endpoint(alice, receiver, "fill")
    bob.order(symbol=stock, limit_price="10.01")
    alice.order(symbol=stock, qty="1000000", limit_price="10.01")
    mine = alice.order(symbol=stock, limit_price="10.01").json()
    (told,) = receiver.wait(1)
    assert (told["type"], told["data"]["order_id"]) == ("fill", mine["id"])


def test_a_delivery_is_tried_again_until_it_arrives(product, alice, stock, receiver) -> None:
    made = endpoint(alice, receiver)
    receiver.answers = [(500, {}), (302, {"location": receiver.url}), (200, {})]
    alice.order(symbol=stock, limit_price="10.01")
    (delivered,) = wait_for(alice, made, "delivered")
    assert [one["status"] for one in delivered["attempts"]] == [500, 302, 200]
    assert "redirect" in delivered["attempts"][1]["error"]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    assert len(receiver.got) == 3


def test_one_that_never_arrives_is_given_up_and_can_be_sent_again(
    product, alice, stock, receiver
) -> None:
    made = endpoint(alice, receiver)
    receiver.answers = [(503, {})] * 11
    alice.order(symbol=stock, limit_price="10.01")
    (failed,) = wait_for(alice, made, "failed")
    assert len(failed["attempts"]) == 11
    shown = alice.client.get(f"/webhook-endpoints/{made['id']}").json()
    assert shown["enabled"]
    assert shown["failing_since"]
    path = f"/webhook-endpoints/{made['id']}/deliveries/{failed['id']}/redeliver"
    assert alice.client.post(path).status_code == 202
    wait_for(alice, made, "delivered")
    assert alice.client.get(f"/webhook-endpoints/{made['id']}").json()["failing_since"] is None
    assert alice.client.post(path + "x").status_code == 404


def test_an_address_that_is_gone_is_not_called_again(product, alice, stock, receiver) -> None:
    made = endpoint(alice, receiver)
    receiver.answers = [(410, {})]
    alice.order(symbol=stock, limit_price="10.01")
    wait_for(alice, made, "failed")
    one = f"/webhook-endpoints/{made['id']}"
    shown = alice.client.get(one).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    alice.order(symbol=stock, limit_price="10.01", qty="1")
    changed = alice.client.patch(one, json={"enabled": True}).json()
    assert (changed["enabled"], changed["disabled_reason"]) == (True, None)
    alice.order(symbol=stock, limit_price="10.01", qty="2")
    assert receiver.wait(2)[1]["data"]["qty"] == "2"


def test_a_long_failure_switches_an_endpoint_off(product, alice, stock, receiver) -> None:
    made = endpoint(alice, receiver)
    receiver.answers = [(500, {}), (500, {"retry-after": "3600"}), (500, {})]
    alice.order(symbol=stock, limit_price="10.01")
    receiver.wait(2)
    until = time.monotonic() + 5
    while len(log(alice, made)[0]["attempts"]) < 2:
        assert time.monotonic() < until
    product.change_users(
        "UPDATE webhook_endpoints SET failing_since_ns = failing_since_ns - 300000000000000"
        " WHERE endpoint_id = :id",
        id=made["id"],
    )
    path = f"/webhook-endpoints/{made['id']}"
    alice.client.post(f"{path}/deliveries/{log(alice, made)[0]['id']}/redeliver")
    while alice.client.get(path).json()["enabled"]:
        assert time.monotonic() < until + 5
    assert alice.client.get(path).json()["disabled_reason"] == "failing"


def test_what_happens_while_the_server_is_down_is_told_later(serve, receiver) -> None:
    before = serve(webhooks_allow_private=True)
    trader, symbol = before.trader(), before.stock()
    made = endpoint(trader, receiver)
    receiver.answers = [(500, {"retry-after": "2"})]
    trader.order(symbol=symbol, limit_price="10.01", qty="1")
    receiver.wait(1)
    # As if the server had fallen before it heard of the next fill.
    before.change_users("UPDATE webhook_endpoints SET enabled = false")
    trader.order(symbol=symbol, limit_price="10.01", qty="2")
    before.running.stop()
    before.change_users("UPDATE webhook_endpoints SET enabled = true")
    before.change_users("UPDATE webhook_deliveries SET next_ns = 0 WHERE status = 'pending'")
    after = serve(before.folder, webhooks_allow_private=True)
    receiver.wait(3)
    trader = after.login(trader.name)
    wait_for(trader, made, "delivered", 2)
    quantities = [json.loads(body)["data"]["qty"] for _, body in receiver.got]
    assert sorted(quantities) == ["1", "1", "2"]


def test_lost_messages_lose_no_event(product, alice, stock, receiver) -> None:
    endpoint(alice, receiver)
    product.lose_messages()
    alice.order(symbol=stock, limit_price="10.01", qty="3")
    product.lose_messages()
    assert receiver.wait(1)[0]["data"]["qty"] == "3"


def test_a_rotated_secret_signs_along_for_a_day(product, alice, receiver) -> None:
    made = endpoint(alice, receiver)
    rotated = alice.client.post(f"/webhook-endpoints/{made['id']}/rotate-secret").json()
    assert rotated["secret"] != made["secret"]
    sent = alice.client.post(f"/webhook-endpoints/{made['id']}/test")
    assert (sent.status_code, sent.json()["event"]) == (202, "test")
    assert receiver.wait(1)[0]["type"] == "test"
    assert len(receiver.got[0][0]["webhook-signature"].split()) == 2
    assert "secret" not in alice.client.get(f"/webhook-endpoints/{made['id']}").json()


def test_the_log_is_read_page_by_page(product, alice, receiver) -> None:
    made = endpoint(alice, receiver)
    path = f"/webhook-endpoints/{made['id']}"
    sent = [alice.client.post(f"{path}/test").json()["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = alice.client.get(f"{path}/deliveries", params=query).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sent[::-1]
    for bad in ("x", "1", ".x", "1.", "9" * 30 + ".x"):
        refused = alice.client.get(f"{path}/deliveries", params={"cursor": bad})
        assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


def test_addresses_inside_are_refused_without_the_setting(serve, receiver) -> None:
    product = serve()
    trader = product.trader()
    for url in (receiver.url, "https://127.0.0.1/", "https://[::1]/x", "nonsense"):
        body = {"url": url, "events": ["fill"]}
        refused = trader.client.post("/webhook-endpoints", json=body)
        assert (refused.status_code, refused.json()["field"]) == (422, "url")
    made = endpoint(trader, type("Public", (), {"url": "https://example.com/"}))
    changed = trader.client.patch(f"/webhook-endpoints/{made['id']}", json={"url": receiver.url})
    assert changed.status_code == 422
    product.change_users("UPDATE webhook_endpoints SET url = :url", url=receiver.url)
    trader.client.post(f"/webhook-endpoints/{made['id']}/test")
    (failed,) = wait_for(trader, made, "failed")
    assert "inside this network" in failed["attempts"][0]["error"]
    assert receiver.got == []


BAD_TERMS = [
    ({"events": ["fill"]}, "url"),
    ({"url": "https://x.example/", "events": []}, "events"),
    ({"url": "https://x.example/", "events": ["everything"]}, "events"),
    ({"url": "https://x.example/", "events": ["fill"], "more": 1}, "more"),
]


@pytest.mark.parametrize(("terms", "field"), BAD_TERMS, ids=lambda one: str(one)[:40])
def test_terms_that_cannot_be_are_refused_by_field(alice, terms, field) -> None:
    refused = alice.client.post("/webhook-endpoints", json=terms)
    assert refused.status_code == 422
    assert refused.json()["field"].startswith(field)
