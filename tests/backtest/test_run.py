"""What a run promises: no look ahead, whole lots, honest refusals, clear errors."""

import math

import numpy as np
import pytest

from papertape.backtest import BacktestError, StrategyFailedError, run
from papertape.strategies import OrderError, Strategy

ROWS = [("10.00", "10.50"), ("10.60", "10.40"), ("10.30", "10.90"), ("11.00", "11.20")]


def playing(script):
    """Make a strategy that does `script[bar]` (a function of the strategy) at that bar."""

    class Playing(Strategy):
        def on_start(self):
            self.at = -1

        def on_bar(self, bar):
            self.at += 1
            if self.at in script:
                script[self.at](self)

    return Playing


def test_a_strategy_that_does_nothing_keeps_its_cash(bar_file):
    result = run(Strategy, bar_file(ROWS), cash="1234.56")
    assert (result.final_equity, result.trades, result.fees) == (1234.56, 0, 0)
    assert result.equity_curve.tolist() == [1234.56] * 4
    assert math.isnan(result.sharpe)
    assert math.isnan(result.win_rate)
    assert result.figures()["sharpe"] is None


def test_bars_come_in_order_with_their_own_numbers(bar_file):
    seen = []

    class Watching(Strategy):
        def on_bar(self, bar):
            seen.append((bar.symbol, f"{bar.time:%F}", bar.open, bar.high, bar.low, bar.close))

    run(Watching, bar_file(ROWS))
    assert seen == [
        ("ACME", "2000-01-01", 10.0, 10.5, 10.0, 10.5),
        ("ACME", "2000-01-02", 10.6, 10.6, 10.4, 10.4),
        ("ACME", "2000-01-03", 10.3, 10.9, 10.3, 10.9),
        ("ACME", "2000-01-04", 11.0, 11.2, 11.0, 11.2),
    ]


def test_days_before_1970_count_like_others(bar_file):
    path = bar_file(ROWS)
    path.write_text(path.read_text().replace("2000-", "1962-"))
    result = run(playing({1: lambda me: me.buy("ACME", 10)}), path, cash=1000, fee=0)
    assert result.fills["bar"].tolist() == [2]
    assert result.final_equity == 1000 + 10 * (11.2 - 10.3)


def test_history_ends_at_the_present_bar(bar_file):
    lengths = []

    class Watching(Strategy):
        def on_bar(self, bar):
            history = self.history("ACME", 3)
            assert history.close[-1] == bar.close
            assert history.time_ns[-1] == bar.time_ns
            with pytest.raises(ValueError, match="read-only"):
                history.close[-1] = 0
            lengths.append(len(history))

    run(Watching, bar_file(ROWS))
    assert lengths == [1, 2, 3, 3]


def test_a_signal_fills_at_the_next_open_and_not_before(bar_file):
    seen = []
    script = {
        0: lambda me: (me.buy("ACME", 10), seen.append((me.position("ACME"), me.cash))),
        1: lambda me: seen.append((me.position("ACME"), me.cash, me.equity)),
        2: lambda me: me.close("ACME"),
        3: lambda me: seen.append((me.position("ACME"), me.cash, me.equity)),
    }
    result = run(playing(script), bar_file(ROWS), cash=1000, fee="0.001")
    bought = 1000 - 106 - 0.106
    sold = bought + 110 - 0.11
    assert seen == [
        (0, 1000.0),
        (10, pytest.approx(bought), pytest.approx(bought + 104)),
        (0, pytest.approx(sold), pytest.approx(sold)),
    ]
    assert result.fills["price"].tolist() == [10_600_000, 11_000_000]
    assert (result.trades, result.round_trips, result.win_rate) == (2, 1, 1.0)


def test_a_signal_can_fill_at_its_own_close(bar_file):
    seen = []
    script = {1: lambda me: (me.buy("ACME", 10), seen.append((me.position("ACME"), me.cash)))}
    result = run(playing(script), bar_file(ROWS), cash=1000, fee=0, fill_on="close")
    assert seen == [(10, 896.0)]
    assert result.fills["bar"].tolist() == [1]
    assert result.final_equity == 896 + 112


def test_positions_of_whole_shares_are_integers(bar_file):
    kinds = []
    script = {
        0: lambda me: me.buy("ACME", 3),
        1: lambda me: kinds.append(type(me.position("ACME"))),
    }
    run(playing(script), bar_file(ROWS))
    assert kinds == [int]


def test_coins_are_traded_in_fractions(bar_file):
    held = []
    script = {
        0: lambda me: me.buy("BTCUSD", 0.0315),
        1: lambda me: held.append(me.position("BTCUSD")),
    }
    result = run(playing(script), bar_file(ROWS, name="BTCUSD-1d.csv"), fee=0)
    assert held == [0.0315]
    assert result.final_equity == pytest.approx(100_000 + 0.0315 * (11.2 - 10.6), abs=1e-6)
    assert result.periods_per_year == 365


WRONG_ORDERS = [
    (lambda me: me.buy("ACME", 1.5), "cannot buy 1.5 ACME: it trades in whole lots of 1"),
    (lambda me: me.buy("ACME", 0), "cannot buy 0 ACME: the quantity must be above zero"),
    (lambda me: me.sell("ACME", -3), "cannot sell -3 ACME: the quantity must be above zero"),
    (lambda me: me.buy("ACME", float("nan")), "cannot buy nan ACME"),
    (lambda me: me.buy("ACME", "many"), "cannot buy many ACME"),
    (lambda me: me.buy("GOOG", 1), "there is no symbol 'GOOG' in this run, only ACME"),
    (lambda me: me.position("GOOG"), "there is no symbol 'GOOG'"),
    (lambda me: me.history("GOOG", 1), "there is no symbol 'GOOG'"),
    (lambda me: me.history("ACME", 0), "history needs at least 1 bar, not 0"),
]


@pytest.mark.parametrize(("call", "message"), WRONG_ORDERS)
def test_an_order_that_makes_no_sense_is_an_error_at_once(bar_file, call, message):
    def attempt(me):
        with pytest.raises(OrderError) as refused:
            call(me)
        assert message in str(refused.value)

    assert run(playing({1: attempt}), bar_file(ROWS)).trades == 0


def test_what_cannot_be_paid_is_refused_and_the_run_goes_on(bar_file):
    script = {0: lambda me: me.buy("ACME", 1000), 1: lambda me: me.buy("ACME", 10)}
    result = run(playing(script), bar_file(ROWS), cash=1000)
    assert result.trades == 1
    assert result.refused == {"insufficient_buying_power": 1}


def test_a_gap_that_makes_an_order_too_dear_never_borrows_money(bar_file):
    rows = [("10.00", "10.00"), ("15.00", "15.00"), ("15.00", "15.00")]
    result = run(playing({0: lambda me: me.buy("ACME", 95)}), bar_file(rows), cash=1000)
    assert result.fills["qty"].tolist() == [66_000_000], "66 x 15.00 and the fee, not 67"
    assert result.equity["cash"].min() >= 0
    assert result.refused == {"insufficient_buying_power": 1}, "the rest was canceled"


def test_nobody_sells_what_is_not_held(bar_file):
    script = {0: lambda me: me.buy("ACME", 5), 1: lambda me: me.sell("ACME", 6)}
    result = run(playing(script), bar_file(ROWS))
    assert result.refused == {"insufficient_quantity": 1}
    assert result.round_trips == 0


def test_adding_to_a_position_is_one_round_trip(bar_file):
    script = {
        0: lambda me: me.buy("ACME", 5),
        1: lambda me: me.buy("ACME", 5),
        2: lambda me: me.close("ACME"),
    }
    result = run(playing(script), bar_file(ROWS), fee=0)
    assert (result.trades, result.round_trips) == (3, 1)


def test_the_same_run_gives_the_same_result(bar_file, crossover):
    path = bar_file(seed=3)
    first, second = (run(crossover, path, params={"fast": 3, "slow": 8}) for _ in range(2))
    for table in ("orders", "fills", "equity"):
        for name, column in getattr(first, table).items():
            assert np.array_equal(column, getattr(second, table)[name]), (table, name)


WRONG_CALLS = [
    ({"cash": -5}, "cash must be above zero, not -5"),
    ({"cash": 0}, "cash must be above zero, not 0"),
    ({"cash": "much"}, "cash must be a number, not 'much'"),
    ({"cash": "nan"}, "cash must be a number, not nan"),
    ({"fee": -0.1}, "fee must be a share from 0 to below 1"),
    ({"fee": 1}, "fee must be a share from 0 to below 1"),
    ({"fee": "free"}, "fee must be a number, not 'free'"),
    ({"fill_on": "open"}, "fill_on must be next_open or close, not 'open'"),
]


@pytest.mark.parametrize(("call", "message"), WRONG_CALLS)
def test_a_call_that_makes_no_sense_is_refused(bar_file, call, message):
    with pytest.raises(BacktestError) as refused:
        run(Strategy, bar_file(ROWS), **call)
    assert message in str(refused.value)


def test_ticks_are_no_bars(tmp_path):
    path = tmp_path / "EURUSD-tick.csv"
    path.write_text("20240101 000000000,1.1,1.2,0\n")
    with pytest.raises(
        BacktestError, match=r"EURUSD-tick\.csv holds quotes; a backtest needs bars"
    ):
        run(Strategy, path)


def test_an_error_in_the_strategy_names_its_line_and_its_bar(bar_file):
    script = {2: lambda me: 1 / 0}
    with pytest.raises(StrategyFailedError) as failed:
        run(playing(script), bar_file(ROWS))
    message = str(failed.value)
    assert message.startswith("test_run.py:")
    assert "at the bar of 2000-01-03 00:00:00: ZeroDivisionError: division by zero" in message
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


def test_an_error_before_the_first_bar_says_so(bar_file, crossover):
    with pytest.raises(
        StrategyFailedError, match=r"sma_crossover\.py:\d+, in on_start: ValueError"
    ):
        run(crossover, bar_file(ROWS), params={"fast": 30, "slow": 10})
