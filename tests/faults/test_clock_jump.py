"""The wall clock is set: it is told, no order expires by it, the tape never goes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from floor.small_exchange import ALICE, HandClock, SmallExchange, buy, command, open_account
from papertape.domain.time_text import time_text
from papertape.floor.verify import verify

DAY_S = 86_400
HOUR_S = 3_600


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def exchange(tmp_path: Path, clock: HandClock) -> Iterator[SmallExchange]:
    made = SmallExchange(tmp_path, clock=clock)
    made.ask(open_account())
    yield made
    made.close()


def set_wall(clock: HandClock, seconds: int) -> None:
    clock.wall_ns += seconds * 10**9


def until_in_an_hour(clock: HandClock) -> bytes:
    """An order that rests far from the market and expires in an hour."""
    expires = time_text(clock.wall_ns + HOUR_S * 10**9)
    return buy("hour", limit_price="1.00", time_in_force="gtd", expire_time=expires)


def status_of(exchange: SmallExchange, order_id: str) -> str:
    """What the tables say about the order that expires."""
    known = exchange.storage.known_order("main", ALICE, "hour")
    assert known is not None
    assert order_id.encode() in known
    return known.split(b'"status":"')[1].split(b'"')[0].decode()


def times(exchange: SmallExchange) -> list[int]:
    return [row.time_ns for row in exchange.storage.tail("main", 0)]


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_nothing_expires_by_a_jump_and_all_does_when_its_time_has_come(
    exchange: SmallExchange, clock: HandClock, caplog: pytest.LogCaptureFixture, jump_s: int
) -> None:
    outcome, order = exchange.ask_one(until_in_an_hour(clock))
    assert outcome == "created", order
    set_wall(clock, jump_s)
    for _ in range(10):
        exchange.step(60)
    assert exchange.status()["clock_jump"] is True
    assert "clock_jump" in caplog.text
    assert status_of(exchange, order["id"]) == "new"
    assert exchange.ask_one(buy("meanwhile"))[0] == "created"  # orders are served all the same
    set_wall(clock, -jump_s)
    for _ in range(10):
        exchange.step(60)
    assert exchange.status()["clock_jump"] is False
    assert status_of(exchange, order["id"]) == "new"
    for _ in range(50):
        exchange.step(60)
    assert status_of(exchange, order["id"]) == "expired"
    assert times(exchange) == sorted(times(exchange))


def test_after_a_start_with_a_clock_that_was_set_back_the_tape_goes_on_from_its_end(
    exchange: SmallExchange, clock: HandClock, tmp_path: Path
) -> None:
    _, order = exchange.ask_one(until_in_an_hour(clock))
    exchange.loop.end()
    exchange.close()
    last = clock.wall_ns
    set_wall(clock, -DAY_S)
    again = SmallExchange(tmp_path, clock=clock)
    assert again.ask_one(buy("later"))[0] == "created"
    assert status_of(again, order["id"]) == "new"
    assert times(again) == sorted(times(again))
    assert times(again)[-1] >= last
    again.loop.end()
    again.close()
    assert verify(tmp_path) == []


def test_a_cancel_works_while_the_clock_disagrees(
    exchange: SmallExchange, clock: HandClock
) -> None:
    _, order = exchange.ask_one(until_in_an_hour(clock))
    set_wall(clock, DAY_S)
    exchange.step(1)
    assert exchange.ask_one(command("cancel", account_id=ALICE, order_id=order["id"]))[0] == "ok"
