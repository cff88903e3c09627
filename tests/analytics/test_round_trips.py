"""Trades from flat to flat, to the cent; statistics with the published values of the toy trades."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape import analytics
from papertape.analytics import Change, round_trips, trade_statistics

TOY_TRADES = [Decimal(n) for n in (120, -80, 60, -40, 200, -100, 30, -20, 90, -60)]


def changes(*rows: tuple[str, str, str]) -> list[Change]:
    """Quantity, money and fee of each fill of one stock, a nanosecond apart."""
    return [
        Change("ACME", at, Decimal(qty), Decimal(money), Decimal(fee))
        for at, (qty, money, fee) in enumerate(rows)
    ]


TRIPS = [
    # fills (quantity, money, fee)                                 profits      still held
    ([], [], []),
    ([("10", "-100", "1"), ("-10", "120", "1")], ["18"], []),
    ([("10", "-100", "0"), ("-4", "50", "0")], [], ["6"]),
    ([("10", "-100", "0"), ("-4", "50", "0"), ("-6", "40", "0.50")], ["-10.50"], []),
    ([("-5", "50", "0"), ("5", "-45", "0")], ["5"], []),
    # 15 sold of 10 held: two thirds of money and fee end the trip, one third begins a short one.
    ([("10", "-100", "0"), ("-15", "165", "0.30")], ["9.80"], ["-5"]),
    ([("10", "-100", "0"), ("-15", "165", "0.30"), ("5", "-60", "0")], ["9.80", "-5.10"], []),
    # A split brings quantity and no money; what is left over is paid in cash.
    ([("3", "-30", "0"), ("-2", "5", "0"), ("-1", "31", "0")], ["6"], []),
    # Nothing held, nothing got: an option that expired without worth.
    ([("1", "-250", "0"), ("-1", "0", "0")], ["-250"], []),
    ([("0", "1", "0"), ("1", "-1", "0"), ("-1", "2", "0")], ["2"], []),
]


@pytest.mark.parametrize(("fills", "profits", "held"), TRIPS)
def test_a_trip_goes_from_nothing_to_nothing(fills, profits, held) -> None:
    ended, open_ones = round_trips(changes(*fills))
    assert [trip.profit for trip in ended] == [Decimal(profit) for profit in profits]
    assert [holding.qty for holding in open_ones] == [Decimal(qty) for qty in held]


def test_instruments_do_not_meet() -> None:
    one, other = Change("A", 1, Decimal(1), Decimal(-5)), Change("B", 2, Decimal(-1), Decimal(9))
    ended, held = round_trips([one, other, Change("A", 3, Decimal(-1), Decimal(7))])
    assert [(trip.symbol, trip.opened_ns, trip.closed_ns) for trip in ended] == [("A", 1, 3)]
    assert [holding.symbol for holding in held] == ["B"]


def test_a_trade_that_was_taken_back_is_none() -> None:
    bought = Change("ACME", 1, Decimal(5), Decimal(-50), Decimal(1))
    busted = Change("ACME", 2, Decimal(-5), Decimal(50), Decimal(-1), ends_a_trade=False)
    assert round_trips([bought, busted]) == ([], [])


@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.integers(-1000, 1000), st.integers(0, 9)), max_size=30
    )
)
def test_no_cent_is_lost_between_the_trips(rows) -> None:
    fills = changes(*[(str(qty), str(money), str(fee)) for qty, money, fee in rows if qty])
    ended, held = round_trips(fills)
    moved = sum(fill.money - fill.fee for fill in fills)
    assert sum(trip.profit for trip in ended) + sum(one.money for one in held) == moved
    assert sum(one.qty for one in held) == sum(fill.qty for fill in fills)


def test_statistics_of_the_toy_trades_have_their_published_values() -> None:
    told = trade_statistics(TOY_TRADES)
    assert (told.total_trades, told.winning_trades, told.losing_trades) == (10, 5, 5)
    assert (told.gross_profit, told.gross_loss) == (500, -300)
    assert (told.avg_win, told.avg_loss) == (100, -60)
    assert (told.largest_win, told.largest_loss) == (200, -100)
    assert told.win_rate == analytics.win_rate(TOY_TRADES) == 0.5
    assert told.profit_factor == pytest.approx(1.6666667)
    assert told.profit_factor == pytest.approx(analytics.profit_factor(TOY_TRADES))


def test_what_is_not_defined_is_none() -> None:
    nothing = trade_statistics([])
    assert (nothing.win_rate, nothing.profit_factor, nothing.avg_win) == (None, None, None)
    won = trade_statistics([Decimal(1)])
    assert (won.win_rate, won.profit_factor, won.avg_loss, won.largest_loss) == (
        1,
        None,
        None,
        None,
    )
    even = trade_statistics([Decimal(0)])
    assert (even.total_trades, even.winning_trades, even.losing_trades, even.win_rate) == (
        1,
        0,
        0,
        0,
    )


FLOWS = [
    # equity                flows               returns
    ([100, 110], [100, 0], [0.0, 0.1]),
    # 100 more come in before the second period: 220 of 210.
    ([100, 110, 220.5], [100, 0, 100], [0.0, 0.1, 0.05]),
    ([100, 50, 55], [100, -50, 0], [0.0, 0.0, 0.1]),
    ([], [], []),
]


@pytest.mark.parametrize(("equity", "flows", "returns"), FLOWS)
def test_money_that_comes_and_goes_is_no_return(equity, flows, returns) -> None:
    np.testing.assert_allclose(analytics.time_weighted_returns(equity, flows), returns, atol=1e-12)


def test_without_money_there_is_no_return() -> None:
    first, second = analytics.time_weighted_returns([0, 10], [0, 10])
    assert math.isnan(first)
    assert second == 0
    with pytest.raises(ValueError, match="2 values of equity do not fit to 1 flows"):
        analytics.time_weighted_returns([1, 2], [1])
