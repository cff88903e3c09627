"""What is said about a price: against a naive twin, and at the edges."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from papertape.server.stream.price_path import SECOND_NS, PricePath

D = Decimal
prices = st.integers(1, 100_000).map(lambda cents: D(cents) / 100)
paths = st.lists(st.tuples(st.integers(0, 90), prices), min_size=1, max_size=60)


def taken(steps: list[tuple[int, Decimal]]) -> tuple[PricePath, list[tuple[int, Decimal]]]:
    """The path, and its changes as a plain list."""
    path, changes, now = PricePath(), [], 0
    for seconds, price in steps:
        now += seconds
        if path.add(now * SECOND_NS, price):
            changes.append((now, price))
    return path, changes


def held_at(changes: list[tuple[int, Decimal]], second: int) -> Decimal | None:
    before = [price for time, price in changes if time <= second]
    return before[-1] if before else None


@given(paths)
def test_the_figures_are_those_of_a_plain_calculation(steps) -> None:
    path, changes = taken(steps)
    now, price = changes[-1]
    move = path.move()
    assert move is not None
    assert (move.time_ns, move.price) == (now * SECOND_NS, price)

    seconds = range(max(changes[0][0], now - 300), now)
    average = (
        sum((held_at(changes, one) for one in seconds), D(0)) / len(seconds) if seconds else (price)
    )
    assert abs(move.average - average) <= D("0.0001")

    before = held_at(changes, now - 60)
    if before is None:
        assert move.change is None
    else:
        assert move.change == ((price - before) * 100 / before).quantize(D("0.0001"))

    minute = [one for time, one in changes if time > now - 60] + ([before] if before else [])
    moves = [(price - one) * 100 / one for one in minute]
    assert abs(abs(move.largest) - max(map(abs, moves))) <= D("0.0001")
    assert move.is_alert == (abs(move.largest) >= 2)


def test_two_percent_within_a_minute_is_an_alert_and_later_it_is_none() -> None:
    path, _ = taken([(0, D(100)), (30, D(101)), (29, D("101.99"))])
    assert not path.move().is_alert
    path.add(60 * SECOND_NS, D(102))
    assert path.move().is_alert
    assert path.move().largest == 2
    path.add(91 * SECOND_NS, D("102.01"))
    assert not path.move().is_alert
    path.add(100 * SECOND_NS, D("99.90"))
    assert path.move().largest < -2


def test_a_price_that_stays_is_no_news_and_time_never_goes_back() -> None:
    path = PricePath()
    assert path.move() is None
    assert path.add(10 * SECOND_NS, D(5))
    assert not path.add(11 * SECOND_NS, D("5.00"))
    assert path.add(9 * SECOND_NS, D(6))
    assert path.move().time_ns == 10 * SECOND_NS
    assert path.move().average == 6


def test_prices_of_zero_and_below_break_nothing() -> None:
    path, _ = taken([(0, D(0)), (1, D(-5)), (61, D(5))])
    assert path.move().change == 0
    assert not path.move().is_alert
