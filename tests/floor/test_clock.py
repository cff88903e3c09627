import pytest

from floor.small_exchange import START_NS, HandClock

SECOND = 1_000_000_000


def test_a_clock_starts_at_the_wall_and_follows_the_monotonic_clock() -> None:
    hand = HandClock()
    clock = hand.world_clock()
    assert clock.now_ns() == START_NS
    hand.pass_seconds(2)
    assert clock.now_ns() == START_NS + 2 * SECOND


def test_a_clock_starts_no_earlier_than_the_tape_ends() -> None:
    hand = HandClock()
    clock = hand.world_clock()
    clock.start(START_NS + 60 * SECOND)
    hand.pass_seconds(1)
    assert clock.now_ns() == START_NS + 61 * SECOND


@pytest.mark.parametrize(("speed", "passed"), [(60.0, 600), (0.5, 5), (1.0, 10)])
def test_a_clock_may_run_faster_or_slower(speed: float, passed: int) -> None:
    hand = HandClock()
    clock = hand.world_clock(speed=speed)
    hand.pass_seconds(10)
    assert clock.now_ns() == START_NS + passed * SECOND


@pytest.mark.parametrize("speed", [0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        HandClock().world_clock(speed=speed)


@pytest.mark.parametrize("jump_s", [86_400, -86_400, 6, -6])
def test_a_jump_of_the_wall_is_told_and_not_followed(jump_s: int) -> None:
    hand = HandClock()
    clock = hand.world_clock()
    assert not clock.jumped()
    hand.wall_ns += jump_s * SECOND
    hand.pass_seconds(1)
    assert clock.now_ns() == START_NS + SECOND
    assert clock.jumped()
    hand.wall_ns -= jump_s * SECOND
    assert not clock.jumped()


def test_small_corrections_of_the_wall_are_no_jump() -> None:
    hand = HandClock()
    clock = hand.world_clock()
    hand.wall_ns += 4 * SECOND
    assert not clock.jumped()


def test_a_replay_tells_its_own_time_and_it_never_decreases() -> None:
    hand = HandClock()
    clock = hand.world_clock(told=lambda elapsed: 1_000 + elapsed // SECOND % 5)
    clock.start(500)
    seen = []
    for _ in range(8):
        seen.append(clock.now_ns())
        hand.pass_seconds(1)
    assert seen == [1_000, 1_001, 1_002, 1_003, 1_004, 1_004, 1_004, 1_004]
