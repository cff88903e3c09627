"""Webhooks, groups, endpoints and deliveries in SQL, in a file and in PostgreSQL alike."""

import time
from decimal import Decimal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import AuthStore
from papertape.server.dialects.tradingview import store as webhook_store
from papertape.server.dialects.tradingview.plan import Sizing
from papertape.server.dialects.tradingview.store import (
    TooManyAlertsError,
    TooManyWebhooksError,
    WebhookStore,
)
from papertape.server.groups import GroupNameTakenError, GroupStore, TooManyGroupsError
from papertape.server.hooks import store as endpoint_store
from papertape.server.hooks.store import EndpointStore, TooManyEndpointsError
from papertape.storage.news import News, Spot

CONTENT = {"values": {"symbol": "A"}, "names": {"symbol": "ticker"}, "ignored": []}
TERMS = {
    "name": "mine",
    "group_name": "paper_simulator",
    "sizing": Sizing("percent", Decimal("2.5")),
    "symbol_map": {"ES1!": "ESZ6"},
    "duplicate_window_s": 60,
    "enabled": True,
}
TOLD = {"url": "https://example.com/", "events": ["fill"], "description": "", "enabled": True}


@pytest.fixture(params=["sqlite", "postgres"])
def auth(request, tmp_path):
    place = (
        tmp_path / "auth.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").new_schema("auth")
    )
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    opened = AuthStore(place, quick, key_file=tmp_path / "personal.key")
    yield opened
    opened.close()


@pytest.fixture
def user_id(auth) -> str:
    return auth.create_user("alice", "correct horse").user_id


def test_alerts_are_taken_once_and_worked_in_their_order(auth, user_id, monkeypatch) -> None:
    store = WebhookStore(auth, "main")
    webhook, token = store.create(user_id, TERMS)
    assert store.of_token(token) == webhook
    assert webhook.sizing == Sizing("percent", Decimal("2.5"))
    assert WebhookStore(auth, "other").of_token(token) is None
    first = store.take(webhook, "k1", CONTENT, is_exact=True)
    again = store.take(webhook, "k1", CONTENT, is_exact=True)
    second = store.take(webhook, "k2", CONTENT, is_exact=False)
    assert (again.duplicate_of, second.duplicate_of) == (first.alert_id, None)
    assert store.with_work() == [webhook.webhook_id]
    waiting = store.next_waiting(webhook.webhook_id)
    assert waiting is not None
    assert (waiting.alert_id, waiting.content) == (first.alert_id, CONTENT)
    monkeypatch.setattr(webhook_store, "WAITING_MAX", 2)
    with pytest.raises(TooManyAlertsError):
        store.take(webhook, "k3", CONTENT, is_exact=False)
    store.finish(waiting, "done")
    assert store.next_waiting(webhook.webhook_id).alert_id == second.alert_id
    assert [alert.status for alert, _ in store.log(webhook.webhook_id, 10, None)] == [
        "received",
        "duplicate",
        "done",
    ]


def test_what_is_planned_first_counts(auth, user_id) -> None:
    store = WebhookStore(auth, "main")
    webhook, _ = store.create(user_id, TERMS)
    alert_id = store.take(webhook, "k1", CONTENT, is_exact=True).alert_id
    assert store.trade(alert_id, "a") is None
    assert store.plan_cancels(alert_id, "a", ["o1"]).cancels == ["o1"]
    assert store.plan_cancels(alert_id, "a", ["o2"]).cancels == ["o1"]
    assert store.plan_orders(alert_id, "a", {"orders": [1]}).plan == {"orders": [1]}
    assert store.plan_orders(alert_id, "a", {"orders": [2]}).plan == {"orders": [1]}
    store.note_result(alert_id, "a", {"status": "sent"})
    assert store.trade(alert_id, "a").result == {"status": "sent"}


def test_the_log_keeps_the_newest_and_all_that_wait(auth, user_id, monkeypatch) -> None:
    monkeypatch.setattr(webhook_store, "KEPT_MAX", 3)
    monkeypatch.setattr(webhook_store, "FORGET_EVERY", 2)
    store = WebhookStore(auth, "main")
    webhook, _ = store.create(user_id, TERMS)
    waits = store.take(webhook, "k", CONTENT, is_exact=True).alert_id
    for _ in range(9):
        store.note_refused(webhook, CONTENT, "malformed", "it is")
    log = [alert.alert_id for alert, _ in store.log(webhook.webhook_id, 100, None)]
    assert len(log) == 4
    assert waits == log[-1]


def test_a_webhook_that_was_removed_ends_its_work(auth, user_id, monkeypatch) -> None:
    store = WebhookStore(auth, "main")
    webhook, token = store.create(user_id, TERMS)
    store.take(webhook, "k", CONTENT, is_exact=True)
    assert store.remove(user_id, webhook.webhook_id)
    assert store.of_token(token) is None
    assert store.all_of(user_id) == []
    assert store.with_work() == [webhook.webhook_id]
    assert store.by_id(webhook.webhook_id) is not None
    assert not store.remove(user_id, webhook.webhook_id)
    monkeypatch.setattr(webhook_store, "WEBHOOKS_MAX", 1)
    store.create(user_id, TERMS)
    with pytest.raises(TooManyWebhooksError):
        store.create(user_id, TERMS)


def test_groups_have_names_of_their_own(auth, user_id, monkeypatch) -> None:
    groups = GroupStore(auth, "main")
    made = groups.create(user_id, "x", ["b", "a"])
    assert groups.named(user_id, "x") == made
    assert made.account_ids == ("b", "a")
    with pytest.raises(GroupNameTakenError):
        groups.create(user_id, "x", ["a"])
    other = groups.create(user_id, "y", ["a"])
    with pytest.raises(GroupNameTakenError):
        groups.change(user_id, other.group_id, "x", None)
    changed = groups.change(user_id, other.group_id, None, ["c"])
    assert (changed.name, changed.account_ids) == ("y", ("c",))
    assert GroupStore(auth, "other").all_of(user_id) == []
    monkeypatch.setattr("papertape.server.groups.GROUPS_MAX", 2)
    with pytest.raises(TooManyGroupsError):
        groups.create(user_id, "z", ["a"])
    assert groups.remove(user_id, made.group_id)
    assert not groups.remove(user_id, made.group_id)


def news(seq: int, i: int = 0) -> News:
    return News(seq, i, "fill", {"time": "2026-11-20T10:46:00.000000000Z", "seq": seq})


def test_an_event_is_enqueued_once_whoever_finds_it(auth, user_id) -> None:
    store = EndpointStore(auth, "main")
    endpoint = store.create(user_id, TOLD, told_seq=5)
    assert endpoint.told.seq == 5
    assert store.enqueue(endpoint, [news(6), news(7, 1)], Spot(7, 1))
    assert not store.enqueue(endpoint, [news(6), news(7, 1)], Spot(7, 1))
    assert store.waiting(endpoint.endpoint_id) == 2
    moved = store.by_id(endpoint.endpoint_id)
    assert moved.told == Spot(7, 1)
    assert not store.enqueue(moved, [news(7, 1), news(8)], Spot(8, 0))
    assert store.waiting(endpoint.endpoint_id) == 2


def test_what_is_due_is_given_to_one_and_of_each_endpoint_a_few(auth, user_id) -> None:
    store = EndpointStore(auth, "main")
    endpoints = [store.create(user_id, TOLD, told_seq=0) for _ in range(2)]
    for endpoint in endpoints:
        assert store.enqueue(endpoint, [news(seq) for seq in range(1, 6)], Spot(5, 0))
    now_ns = time.time_ns()
    due = store.due(now_ns, 2)
    assert sorted(one.endpoint_id for one in due) == sorted(
        endpoint.endpoint_id for endpoint in endpoints for _ in range(2)
    )
    assert store.next_due_ns() <= now_ns
    assert store.claim(due[0], now_ns + 10**12)
    assert not store.claim(due[0], now_ns + 10**12)
    store.note(due[0], {"status": 500}, status="pending", next_ns=now_ns, disable="failing")
    ended = store.by_id(due[0].endpoint_id)
    assert (ended.enabled, ended.disabled_reason) == (False, "failing")
    assert ended.failing_since_ns
    assert {one.endpoint_id for one in store.due(now_ns, 9)} != {ended.endpoint_id}
    on = store.change(user_id, ended.endpoint_id, {"enabled": True}, told_seq=77)
    assert (on.enabled, on.disabled_reason, on.told.seq) == (True, None, 77)


def test_secrets_are_rotated_and_kept_sealed(auth, user_id, monkeypatch) -> None:
    store = EndpointStore(auth, "main")
    endpoint = store.create(user_id, TOLD, told_seq=0)
    (first,) = store.secrets_of(endpoint)
    store.rotate(user_id, endpoint.endpoint_id)
    newest, before = store.secrets_of(endpoint)
    assert newest != before == first
    with auth.engine.connect() as connection:
        kept = str(connection.execute(text("SELECT * FROM webhook_endpoints")).all())
    assert not any(one.removeprefix("whsec_") in kept for one in (newest, before))
    monkeypatch.setattr(endpoint_store, "OLD_SECRET_NS", 0)
    assert store.secrets_of(endpoint) == [newest]
    assert store.remove(user_id, endpoint.endpoint_id)
    assert store.rotate(user_id, endpoint.endpoint_id) is None
    assert store.secrets_of(endpoint) == []


def test_a_user_has_a_bounded_number_of_endpoints(auth, user_id, monkeypatch) -> None:
    monkeypatch.setattr(endpoint_store, "ENDPOINTS_MAX", 1)
    store = EndpointStore(auth, "main")
    store.create(user_id, TOLD, told_seq=0)
    with pytest.raises(TooManyEndpointsError):
        store.create(user_id, TOLD, told_seq=0)


def test_the_log_of_deliveries_keeps_the_newest(auth, user_id, monkeypatch) -> None:
    monkeypatch.setattr(endpoint_store, "KEPT_MAX", 2)
    store = EndpointStore(auth, "main")
    endpoint = store.create(user_id, TOLD, told_seq=0)
    item = {"time": "2026-11-20T10:46:00.000000000Z"}
    sent = [store.enqueue_test(endpoint, item) for _ in range(5)]
    for delivery in sent[1:]:
        store.note(delivery, {}, status="delivered", next_ns=0, disable=None)
    store.forget_oldest(endpoint.endpoint_id)
    kept = [one.delivery_id for one in store.log(endpoint.endpoint_id, 10, None)]
    assert kept == [one.delivery_id for one in (sent[4], sent[3], sent[0])]
    again = store.again(endpoint.endpoint_id, sent[4].delivery_id)
    assert (again.status, again.tries) == ("pending", 0)
