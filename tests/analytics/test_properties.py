"""What must hold of metrics for any returns, and their naive twins."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from papertape import analytics

returns = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=80)


def varied(values):
    assume(max(values) - min(values) > 1e-6)
    return values


@given(returns)
def test_equity_made_of_returns_gives_the_returns_back(values):
    worth = analytics.wealth(values)
    assert analytics.simple_returns(worth).tolist() == pytest.approx(values, abs=1e-9)
    assert analytics.total_return(values) == pytest.approx(worth[-1] - 1, abs=1e-9)


@given(returns)
def test_the_deepest_drawdown_is_the_worst_of_all_pairs_of_moments(values):
    worth = analytics.wealth(values).tolist()
    naive = min(later / worth[at] - 1 for at in range(len(worth)) for later in worth[at:])
    assert analytics.max_drawdown(values) == pytest.approx(naive, abs=1e-12)
    assert -1 <= analytics.max_drawdown(values) <= 0


@given(returns, st.floats(0.1, 10))
def test_sharpe_does_not_care_for_the_size_of_the_stake(values, stake):
    values = varied(values)
    first = analytics.sharpe(values, 252)
    assert analytics.sharpe([r * stake for r in values], 252) == pytest.approx(first, rel=1e-6)
    assert analytics.sharpe([-r for r in values], 252) == pytest.approx(-first, rel=1e-9)


@given(returns)
def test_sharpe_and_volatility_are_what_their_formulas_say(values):
    values = varied(values)
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((r - mean) ** 2 for r in values) / (len(values) - 1))
    assert analytics.volatility(values, 252) == pytest.approx(spread * math.sqrt(252), rel=1e-9)
    expected = mean / spread * math.sqrt(252)
    assert analytics.sharpe(values, 252) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(returns)
def test_growth_a_year_over_one_year_is_the_total_return(values):
    assert analytics.cagr(values, len(values)) == pytest.approx(
        analytics.total_return(values), abs=1e-9
    )


@given(returns)
def test_a_series_has_beta_one_and_alpha_nothing_against_itself(values):
    values = varied(values)
    assert analytics.beta(values, values) == pytest.approx(1)
    assert analytics.alpha(values, values, 252) == pytest.approx(0, abs=1e-9)
    assert analytics.tracking_error(values, values, 252) == 0


@given(returns)
def test_the_shortfall_is_never_better_than_the_value_at_risk(values):
    assert analytics.expected_shortfall(values) <= analytics.value_at_risk(values) + 1e-12


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60))
def test_statistics_of_trades_agree_with_counting(profits):
    wins = [p for p in profits if p > 0]
    losses = [-p for p in profits if p < 0]
    assert analytics.win_rate(profits) == len(wins) / len(profits)
    assert analytics.expectancy(profits) == pytest.approx(sum(profits) / len(profits))
    if losses:
        assert analytics.profit_factor(profits) == pytest.approx(sum(wins) / sum(losses))
    else:
        assert math.isnan(analytics.profit_factor(profits))


@given(returns)
def test_drawdowns_end_where_wealth_reaches_a_new_high(values):
    worth = analytics.wealth(values).tolist()
    depths = analytics.drawdowns(values).tolist()
    for (before, now), depth in zip(pairwise(worth), depths[1:], strict=True):
        assert depth <= 0
        if now > max(worth[: worth.index(now)], default=before):
            assert depth == 0
