"""One command a call: what comes back, and what is refused."""

import pytest

from engine.worlds import command, listing
from papertape.engine import DirectWorld, EngineEvent

ONE = 10**6
"""Of a share and of the currency: both have six decimals here."""


def told(events: list[EngineEvent]) -> list[tuple[object, ...]]:
    return [(event.kind, event.order, event.side, event.price, event.qty) for event in events]


def stocked() -> DirectWorld:
    """Two accounts; the first has bought ten shares of the street."""
    quote = command("quote", symbol="ACME", bid="9.99", bid_size="100", ask="10.00", ask_size="100")
    return DirectWorld("main", [*listing(), quote])


def test_each_call_gives_back_what_it_caused():
    world = stocked()
    bought = world.submit(0, 0, 0, 10 * ONE)
    assert told(bought) == [
        ("accepted", 1, 0, 0, 10 * ONE),
        ("filled", 1, 0, 10 * ONE, 10 * ONE),
    ]
    assert (bought[1].account, bought[1].fee, bought[1].reason) == (0, 200_000, "")
    assert (world.position(0, 0), world.cash(0)) == (10 * ONE, 99_899_800_000)
    assert told(world.submit(0, 0, 1, 4 * ONE, 11 * ONE)) == [("accepted", 2, 1, 11 * ONE, 4 * ONE)]
    (canceled,) = world.cancel(0, 2)
    assert (canceled.kind, canceled.order, canceled.reason) == ("canceled", 2, "requested")
    assert "canceled order=2" in repr(canceled)


def test_an_order_that_a_check_refuses_is_an_event():
    (rejected,) = stocked().submit(1, 0, 1, 5 * ONE, 10 * ONE)
    assert (rejected.kind, rejected.reason) == ("rejected", "insufficient_quantity")


def test_what_makes_no_sense_raises_and_changes_nothing():
    world = stocked()
    for wrong in (lambda: world.submit(0, 0, 0, 0), lambda: world.submit(7, 0, 0, ONE)):
        with pytest.raises(ValueError, match=r"quantity|account"):
            wrong()
    with pytest.raises(ValueError, match="no such order"):
        world.cancel(0, 1)
    with pytest.raises(ValueError, match="no such account"):
        world.command(command("cancel_all", account_id="00000000-0000-4000-8000-000000000000"))


def test_commands_of_any_kind_go_in_as_json():
    world = stocked()
    world.set_time(5)
    assert world.command(command("trade", symbol="ACME", price="10.00", qty="5")) == []


def test_an_opening_that_is_refused_raises():
    with pytest.raises(ValueError, match="symbol"):
        DirectWorld("main", [*listing(), command("quote", symbol="NONE")])
