"""While the floor is away, slow or full: refusals that say whether to send again."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from papertape.floor.ports import OutcomeUnknown, Reply, StreamBatch
from papertape.floor.queue import Limits
from papertape.server import accounts
from papertape.server.api import health
from papertape.server.application import create_app
from papertape.server.auth.account_store import account_id_of
from papertape.server.auth.hashing import HASHES_WAITING_MAX, Hashing
from papertape.server.auth.store import AuthStore
from papertape.server.auth.tokens import Tokens
from papertape.server.problems import Problem
from papertape.server.rooms import Rooms

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def orphan(serve):
    """A product whose floor has ended after alice had logged in."""
    product = serve()
    product.alice = product.trader("alice")
    product.known = product.alice.order(symbol=product.stock()).json()["id"]
    product.stop_floor()
    return product


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/orders"),
        ("POST", "/orders/preview"),
        ("PATCH", "/orders/{order}"),
        ("DELETE", "/orders/{order}"),
        ("DELETE", "/orders?account_id={account}"),
        ("GET", "/accounts"),
        ("GET", "/accounts/{account}"),
        ("GET", "/accounts/{account}/positions"),
        ("GET", "/instruments"),
        ("GET", "/orderbook/BTCUSD"),
    ],
)
def test_what_needs_the_floor_is_not_accepted(orphan, method: str, path: str) -> None:
    alice = orphan.alice
    body = {
        "account_id": alice.account_id,
        "symbol": "BTC/USD",
        "side": "buy",
        "type": "market",
        "qty": "1",
    }
    content = {"POST": body, "PATCH": {"qty": "1"}}.get(method)
    path = path.format(order=orphan.known, account=alice.account_id)
    response = alice.client.request(method, path, json=content)
    assert (response.status_code, response.json()["reason"]) == (503, "not_accepted")
    assert int(response.headers["retry-after"]) >= 1


def test_what_is_written_is_still_read(orphan) -> None:
    alice = orphan.alice
    assert alice.client.get(f"/orders/{orphan.known}").json()["status"] == "new"
    assert len(alice.client.get("/orders").json()["items"]) == 1
    assert alice.client.get("/me").status_code == 200


def test_users_still_register_and_log_in(orphan) -> None:
    login = {"username": "late", "password": PASSWORD}
    assert orphan.anyone.post("/auth/register", json=login).status_code == 201
    token = orphan.anyone.post("/auth/login", json=login).json()["access_token"]
    assert orphan.client(token).get("/accounts").status_code == 503


def test_the_process_is_alive_but_not_ready(orphan) -> None:
    assert httpx.get(orphan.url("/healthz")).status_code == 200
    ready = httpx.get(orphan.url("/readyz"))
    assert (ready.status_code, ready.json()["reason"]) == (503, "not_accepted")


def test_a_stream_says_why_it_cannot_begin(orphan) -> None:
    with orphan.stream(orphan.alice) as stream:
        stream.send(action="subscribe", channels=["orders"])
        assert stream.next()["type"] == "subscribed"
        assert stream.next()["reason"] == "not_accepted"
        stream.send(action="unsubscribe", channels=["orders"])
        assert stream.next()["type"] == "unsubscribed"


def test_an_account_with_too_much_waiting_is_told_to_wait(serve) -> None:
    product = serve(limits=Limits(waiting_per_account_max=0))
    login = {"username": "busy", "password": PASSWORD}
    product.anyone.post("/auth/register", json=login)
    token = product.anyone.post("/auth/login", json=login).json()["access_token"]
    response = product.client(token).get("/accounts")
    assert (response.status_code, response.json()["reason"]) == (429, "too_many")
    assert int(response.headers["retry-after"]) >= 1


class CutOffFloor:
    """A floor whose answers to orders get lost after the command was sent."""

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        if b'"submit"' in command:
            raise OutcomeUnknown("the commit was cut off", retry_after=2.2)
        return Reply("ok", b'{"items":[]}')

    async def streams(self) -> AsyncIterator[StreamBatch]:
        yield StreamBatch()


async def test_an_unknown_outcome_asks_for_a_repeat_with_the_same_id(tmp_path: Path) -> None:
    auth = AuthStore(tmp_path / "auth.db")
    user = auth.create_user("alice", PASSWORD)
    tokens = Tokens(b"k" * 32)
    app = create_app(
        Rooms(floor=CutOffFloor(), reads=None, auth=auth, tokens=tokens, bars=None, world="main")
    )
    headers = {"Authorization": f"Bearer {tokens.issue(user.user_id, user.generation)}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        order = {"symbol": "ACME", "side": "buy", "type": "market", "qty": "1"}
        order["account_id"] = account_id_of(user.user_id, "main")
        path = "/api/v1/orders"
        response = await client.post(path, headers=headers, json=order)
        order["client_order_id"] = response.json()["client_order_id"]
        again = await client.post(path, headers=headers, json=order)
    auth.close()
    for answer in (response, again):
        assert (answer.status_code, answer.json()["reason"]) == (503, "outcome_unknown")
        assert answer.headers["retry-after"] == "3"
        assert answer.json()["client_order_id"] == order["client_order_id"]


class SilentFloor(CutOffFloor):
    """A floor that hangs."""

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        await asyncio.sleep(60)
        raise AssertionError


async def test_nobody_waits_for_a_floor_that_hangs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(accounts, "OPEN_WITHIN_S", 0.05)
    monkeypatch.setattr(health, "READY_WITHIN_S", 0.05)
    auth = AuthStore(tmp_path / "auth.db")
    tokens = Tokens(b"k" * 32)
    app = create_app(
        Rooms(floor=SilentFloor(), reads=None, auth=auth, tokens=tokens, bars=None, world="main")
    )
    login = {"username": "alice", "password": PASSWORD}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here/api/v1") as client:
        assert (await client.post("/auth/register", json=login)).status_code == 201
        assert (await client.post("/auth/login", json=login)).status_code == 200
        ready = await client.get("http://here/readyz")
    auth.close()
    assert (ready.status_code, ready.json()["reason"]) == (503, "not_accepted")


async def test_a_fault_of_our_own_is_told_without_its_inside(tmp_path: Path, capsys) -> None:
    auth = AuthStore(tmp_path / "auth.db")
    user = auth.create_user("alice", PASSWORD)
    tokens = Tokens(b"k" * 32)
    app = create_app(
        Rooms(floor=None, reads=None, auth=auth, tokens=tokens, bars=None, world="main")
    )
    headers = {"Authorization": f"Bearer {tokens.issue(user.user_id, user.generation)}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        response = await client.get("/api/v1/accounts", headers=headers)
    auth.close()
    assert (response.status_code, response.json()["reason"]) == (500, "internal_error")
    assert "NoneType" not in response.text
    assert "NoneType" in capsys.readouterr().out


async def test_too_many_logins_at_once_are_refused_not_queued() -> None:
    hashing = Hashing()
    may_end = threading.Event()
    waiting = [asyncio.create_task(hashing.run(may_end.wait)) for _ in range(HASHES_WAITING_MAX)]
    await asyncio.sleep(0.05)
    with pytest.raises(Problem) as refused:
        await hashing.run(lambda: None)
    assert (refused.value.status, refused.value.reason) == (503, "busy")
    may_end.set()
    await asyncio.gather(*waiting)
    assert await hashing.run(lambda: 5) == 5
    hashing.close()
