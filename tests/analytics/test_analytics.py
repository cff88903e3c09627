"""Metrics have the values of the published conventions, and no value where they have no meaning."""

import json
import math

import numpy as np
import pytest

from papertape import analytics

RETURNS = [
    0.01, -0.02, 0.015, 0.003, -0.007, 0.02, -0.011, 0.004, 0.0, 0.009,
    -0.013, 0.006, 0.012, -0.004, 0.002, -0.025, 0.018, 0.001, -0.006, 0.008,
]  # fmt: skip
BENCHMARK = [
    0.008, -0.015, 0.01, 0.001, -0.005, 0.014, -0.009, 0.006, 0.001, 0.005,
    -0.01, 0.004, 0.009, -0.002, 0.003, -0.02, 0.012, 0.002, -0.004, 0.006,
]  # fmt: skip
TRADES = [120, -80, 60, -40, 200, -100, 30, -20, 90, -60]

GOLDEN = [
    # metric                  further arguments     value
    ("total_return", (), 0.0208010525),
    ("cagr", (252,), 0.2961580924),
    ("volatility", (252,), 0.1925646303),
    ("sharpe", (252,), 1.4395166941),
    ("sortino", (252,), 2.0752782129),
    ("downside_deviation", (252,), 0.1335724522),
    ("max_drawdown", (), -0.0269578),
    ("calmar", (252,), 10.98598893),
    ("omega", (), 1.2558139535),
    ("ulcer_index", (), 0.0105544306),
    ("value_at_risk", (), -0.02025),
    ("value_at_risk_normal", (), -0.0188527843),
    ("expected_shortfall", (), -0.025),
    ("tail_ratio", (), 0.8938271605),
    ("beta", (BENCHMARK,), 1.3308406395),
    ("alpha", (BENCHMARK, 252), 0.0089421138),
    ("tracking_error", (BENCHMARK, 252), 0.0537961063),
    ("information_ratio", (BENCHMARK, 252), 1.4053061682),
    ("treynor", (BENCHMARK,), 0.0156300100),
    ("up_capture", (BENCHMARK, 252), 1.8558748270),
    ("down_capture", (BENCHMARK, 252), 1.0560915971),
]


@pytest.mark.parametrize(("metric", "arguments", "value"), GOLDEN)
def test_metrics_have_their_published_values(metric, arguments, value):
    assert getattr(analytics, metric)(RETURNS, *arguments) == pytest.approx(value, rel=1e-8)


TOY_TRADES = [
    ("profit_factor", 500 / 300),
    ("expectancy", 20),
    ("win_rate", 0.5),
    ("payoff", 100 / 60),
    ("kelly", 0.2),
    ("sqn", 0.6507913735),
]


@pytest.mark.parametrize(("metric", "value"), TOY_TRADES)
def test_statistics_of_trades_have_their_published_values(metric, value):
    assert getattr(analytics, metric)(TRADES) == pytest.approx(value, rel=1e-8)


FILE_KEYS = {
    "ep.cum_returns_final": ("total_return", ()),
    "ep.annual_return": ("cagr", (252,)),
    "ep.annual_volatility": ("volatility", (252,)),
    "ep.sharpe": ("sharpe", (252,)),
    "ep.sortino": ("sortino", (252,)),
    "ep.downside_risk": ("downside_deviation", (252,)),
    "ep.max_drawdown": ("max_drawdown", ()),
    "ep.calmar": ("calmar", (252,)),
    "ep.omega": ("omega", ()),
    "ep.tail_ratio": ("tail_ratio", ()),
    "ep.VaR5": ("value_at_risk", ()),
    "ep.CVaR5": ("expected_shortfall", ()),
    "qs.var95(parametric)": ("value_at_risk_normal", ()),
    "qs.ulcer": ("ulcer_index", ()),
    "ep.beta": ("beta", (BENCHMARK,)),
    "ep.alpha": ("alpha", (BENCHMARK, 252)),
    "ep.up_capture": ("up_capture", (BENCHMARK, 252)),
    "ep.down_capture": ("down_capture", (BENCHMARK, 252)),
    "np.tracking_error_ann": ("tracking_error", (BENCHMARK, 252)),
    "np.IR_ann": ("information_ratio", (BENCHMARK, 252)),
    "qs.treynor": ("treynor", (BENCHMARK,)),
}


def test_metrics_agree_with_the_oracles_to_ten_digits(market_data):
    golden = json.loads(market_data("golden_metrics.json").read_text())
    assert (golden["returns"], golden["benchmark"]) == (RETURNS, BENCHMARK)
    for key, (metric, arguments) in FILE_KEYS.items():
        ours = getattr(analytics, metric)(RETURNS, *arguments)
        assert ours == pytest.approx(golden["values"][key], rel=1e-10), key


def test_a_risk_free_rate_is_taken_off_each_period():
    rate = 1.05 ** (1 / 252) - 1
    expected = analytics.sharpe(np.array(RETURNS) - rate, 252)
    assert analytics.sharpe(RETURNS, 252, risk_free=0.05) == pytest.approx(expected)


def test_equity_and_returns_are_two_views_of_one_thing():
    equity = [100.0, 110.0, 99.0, 99.0]
    returns = analytics.simple_returns(equity)
    np.testing.assert_allclose(returns, [0.1, -0.1, 0.0])
    np.testing.assert_allclose(analytics.wealth(returns) * 100, equity)
    assert analytics.total_return(returns) == pytest.approx(-0.01)
    assert analytics.max_drawdown(returns) == pytest.approx(-0.1)


def test_the_start_counts_for_the_drawdown():
    assert analytics.max_drawdown([-0.1, 0.05]) == pytest.approx(-0.1)
    assert analytics.max_drawdown([0.1, 0.05]) == 0
    assert analytics.max_drawdown([]) == 0


UNDEFINED = [
    ("sharpe", [], (252,)),
    ("sharpe", [0.01], (252,)),
    ("sharpe", [0.0, 0.0, 0.0], (252,)),
    ("sharpe", [0.1, 0.1, 0.1], (252,)),
    ("volatility", [0.01], (252,)),
    ("sortino", [], (252,)),
    ("sortino", [0.01, 0.02], (252,)),
    ("calmar", [0.01, 0.02], (252,)),
    ("omega", [0.01], ()),
    ("cagr", [], (252,)),
    ("cagr", [-2.0], (252,)),
    ("value_at_risk", [], ()),
    ("expected_shortfall", [], ()),
    ("tail_ratio", [], ()),
    ("ulcer_index", [0.1], ()),
    ("beta", [0.1], ([0.1],)),
    ("beta", [0.1, 0.2], ([0.5, 0.5],)),
    ("information_ratio", [0.1], ([0.1], 252)),
    ("win_rate", [], ()),
    ("profit_factor", [1.0], ()),
    ("expectancy", [], ()),
    ("payoff", [1.0], ()),
    ("sqn", [1.0], ()),
]


@pytest.mark.parametrize(("metric", "values", "arguments"), UNDEFINED)
def test_what_has_no_meaning_is_not_a_number(metric, values, arguments):
    assert math.isnan(getattr(analytics, metric)(values, *arguments))


def test_series_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 returns cannot be set against 3"):
        analytics.beta([0.1, 0.2], [0.1, 0.2, 0.3])


def test_tables_are_refused():
    with pytest.raises(ValueError, match="one dimension, this has 2"):
        analytics.sharpe([[0.1], [0.2]], 252)
