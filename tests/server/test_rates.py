"""How many requests a caller may send, and where they are counted from."""

import httpx
import pytest

from papertape.server import rates as rates_module
from papertape.server.problems import Problem
from papertape.server.rates import Rates


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait_of(rates: Rates, who: str) -> float | None:
    """None when the request may pass, else the seconds that the problem tells to wait."""
    try:
        rates.take(who)
    except Problem as problem:
        return problem.retry_after_s if problem.status == 429 else -1
    return None


def test_a_bucket_empties_and_fills_for_each_caller() -> None:
    clock = Clock()
    rates = Rates(2, 3, clock)
    table = [
        # (seconds later, who, seconds to wait or None)
        (0, "alice", None),
        (0, "alice", None),
        (0, "alice", None),
        (0, "alice", 0.5),
        (0, "bob", None),
        (0.25, "alice", 0.25),
        (0.25, "alice", None),
        (0, "alice", 0.5),
        (60, "alice", None),
        (0, "alice", None),
        (0, "alice", None),
        (0, "alice", 0.5),
    ]
    for row, (later, who, expected) in enumerate(table):
        clock.now += later
        assert wait_of(rates, who) == expected, f"row {row}"


def test_a_dear_request_counts_as_several() -> None:
    clock = Clock()
    rates = Rates(2, 10, clock)
    rates.take("alice", 8)
    with pytest.raises(Problem) as refused:
        rates.take("alice", 8)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 3)
    assert wait_of(rates, "alice") is None, "a cheap one still passes"
    clock.now += 60
    rates.take("alice", 1_000)
    assert wait_of(rates, "alice") == 0.5, "the dearest takes a full bucket"


def test_zero_switches_the_limit_off() -> None:
    rates = Rates(0, 1)
    assert all(wait_of(rates, "alice") is None for _ in range(1000))


def test_only_full_buckets_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(rates_module, "_BUCKETS_MAX", 3)
    clock = Clock()
    rates = Rates(1, 2, clock)
    for who in ("a", "b", "c"):
        rates.take(who)
    clock.now += 10
    assert [wait_of(rates, "c") for _ in range(3)] == [None, None, 1]
    rates.take("d")
    assert set(rates._buckets) == {"c", "d"}
    assert wait_of(rates, "c") == 1


# --- through the door ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow(serve):
    """A product that lets each caller send eight requests, and hardly one more."""
    product = serve(requests_per_second=0.001, requests_burst=8, trusted_proxies="127.0.0.1")
    user = product.auth.create_user("alice", "correct horse")
    product.alice = product.client(product.tokens.issue(user.user_id, 1))
    key, secret = product.auth.keys.create(user.user_id, name="k", scopes=["read"], now_ns=0)
    product.key = product.client(f"{key.key_id}:{secret}")
    return product


def statuses(client: httpx.Client, path: str, address: str, count: int = 9) -> list[int]:
    from_there = {"X-Forwarded-For": address}
    return [client.get(path, headers=from_there).status_code for _ in range(count)]


def test_a_user_and_a_key_are_counted_for_themselves(slow) -> None:
    for client, address in ((slow.alice, "192.0.2.1"), (slow.key, "192.0.2.2")):
        assert statuses(client, "/me", address) == [200] * 8 + [429]
    refused = slow.alice.get("/me", headers={"X-Forwarded-For": "192.0.2.1"})
    assert refused.json()["reason"] == "too_many_requests"
    assert int(refused.headers["retry-after"]) > 0


def test_who_shows_nothing_is_counted_by_address(slow) -> None:
    assert statuses(slow.anyone, "/instruments", "192.0.2.3") == [200] * 8 + [429]
    assert statuses(slow.anyone, "/instruments", "192.0.2.4", 1) == [200]


def test_guesses_are_counted_by_address_whatever_they_show(slow) -> None:
    def guess(number: int) -> int:
        headers = {"X-Forwarded-For": "192.0.2.5", "Authorization": f"Bearer guess{number}"}
        return slow.anyone.get("/me", headers=headers).status_code

    assert [guess(number) for number in range(9)] == [401] * 8 + [429]


def test_what_a_client_says_of_its_origin_is_believed_from_a_proxy_alone(serve) -> None:
    direct = serve(requests_per_second=0.001, requests_burst=100)
    for _ in range(3):
        statuses(direct.anyone, "/instruments", "192.0.2.6", 33)
    assert 429 in statuses(direct.anyone, "/instruments", "192.0.2.7", 2)
