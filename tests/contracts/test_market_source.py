"""Where prices come from, as the floor sees it: every body of `MarketSource` must pass."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from papertape.engine import Outcome, World
from papertape.floor.ports import MarketSource
from papertape.markets.replay import ReplayMarket
from papertape.markets.scheduled import ScheduledMarket, always_open
from papertape.markets.simulated import SimulatedSource

START_NS = 1_795_189_560_000_000_000  # 2026-11-20 15:46 UTC: New York trades
SECOND_NS = 1_000_000_000

Make = Callable[[], MarketSource]

BARS = "time,open,high,low,close,volume\n" + "".join(
    f"2026-01-05T14:{minute:02d}:00Z,100.0,101.0,99.0,100.5,1000\n" for minute in range(30)
)


@pytest.fixture(params=["simulated", "real hours", "open hours", "replay"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes the same source as often as it is called."""
    path = tmp_path / "ACME-1m.csv"
    path.write_text(BARS)
    if request.param == "simulated":
        return lambda: SimulatedSource(seed=7)
    if request.param == "real hours":
        return lambda: ScheduledMarket(SimulatedSource(seed=7))
    if request.param == "open hours":
        return lambda: ScheduledMarket(SimulatedSource(seed=7), always_open)
    return lambda: ReplayMarket(path)


def world_of(source: MarketSource) -> World:
    """A world with the source's listing, at the time that the source knows best."""
    commands = source.listing()
    world = World(json.loads(commands[0])["world"])
    replies = world.apply([(start_of(source), command) for command in commands]).replies
    assert {reply[0] for reply in replies if reply} == {"created"}
    return world


def start_of(source: MarketSource) -> int:
    told: Callable[[int], int] | None = getattr(source, "now_ns", None)
    return START_NS if told is None else told(0)


def act(source: MarketSource, world: World, now_ns: int) -> int:
    """Let a source act as the floor does; returns the number of market inputs."""
    before = world.market_seq
    for _ in range(100):
        due = source.next_due_ns
        if due is None or due > now_ns:
            break
        made = source.act(world, now_ns)
        if not isinstance(made, Outcome):
            times = [time_ns for time_ns, _ in made]
            assert times == sorted(times)
            assert all(time_ns <= now_ns for time_ns in times)
            world.apply(made)
    return world.market_seq - before


def test_listing_again_changes_nothing(make: Make) -> None:
    source = make()
    world = world_of(source)
    outcome = world.apply([(world.time_ns, command) for command in source.listing()])
    assert {reply[0] for reply in outcome.replies if reply} == {"existing"}
    assert outcome.turns == []


def test_acting_makes_quotes_for_what_is_listed(make: Make) -> None:
    source = make()
    world = world_of(source)
    source.resume(0, world.time_ns, None)
    assert act(source, world, world.time_ns + 60 * SECOND_NS) > 0
    quoted = {symbol for symbol, _ in world.quotes(changed_only=False)}
    assert quoted & {str(item["symbol"]) for item in world.instruments()}


def test_what_is_due_next_never_goes_back(make: Make) -> None:
    source = make()
    world = world_of(source)
    source.resume(0, world.time_ns, None)
    due = []
    for _ in range(30):
        due.append(source.next_due_ns)
        act(source, world, world.time_ns + 2 * SECOND_NS)
    told = [time_ns for time_ns in due if time_ns is not None]
    assert len(told) > 10
    assert all(earlier <= later for earlier, later in pairwise(told))


def test_nothing_is_done_before_it_is_due(make: Make) -> None:
    source = make()
    world = world_of(source)
    source.resume(0, world.time_ns, None)
    act(source, world, world.time_ns + SECOND_NS)
    due = source.next_due_ns
    assert due is not None
    assert act(source, world, due - 1) == 0


def test_a_source_goes_on_from_its_own_state(make: Make) -> None:
    source = make()
    world = world_of(source)
    source.resume(0, world.time_ns, None)
    act(source, world, world.time_ns + 120 * SECOND_NS)
    again = make()
    again.resume(world.market_seq, world.time_ns, source.state())
    due = again.next_due_ns
    assert due is not None
    assert due >= world.time_ns - SECOND_NS
    assert act(again, world, world.time_ns + 120 * SECOND_NS) > 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state[: len(state) // 2],
        lambda _: b"",
        lambda _: b"{}",
        lambda _: b"\x00\xff",
        lambda _: b'{"next": 1e9, "now_ns": []}',
    ],
    ids=["cut", "empty", "bare", "bytes", "types"],
)
def test_a_damaged_state_is_dropped_and_the_market_starts_afresh(
    make: Make, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    source = make()
    world = world_of(source)
    source.resume(0, world.time_ns, None)
    act(source, world, world.time_ns + 10 * SECOND_NS)
    damaged = damage(source.state())
    again = make()
    again.resume(world.market_seq, world.time_ns, damaged)
    assert act(again, world, world.time_ns + 60 * SECOND_NS) > 0
    assert "cannot be read" in caplog.text


def test_the_same_source_acts_the_same(make: Make) -> None:
    hashes = set()
    for _ in range(2):
        source = make()
        world = world_of(source)
        source.resume(0, world.time_ns, None)
        act(source, world, world.time_ns + 90 * SECOND_NS)
        hashes.add((world.market_seq, tuple(world.quotes(changed_only=False)), source.state()))
    assert len(hashes) == 1
