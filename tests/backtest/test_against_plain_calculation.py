"""A crossover through the engine equals, trade by trade, the same worked out plainly."""

import csv
from decimal import Decimal

import pytest

from backtest.plain_crossover import plain_crossover, plain_drawdown, plain_sharpe, seeded_rows
from papertape.backtest import run


def rows_of(path):
    with path.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        return [(Decimal(row[1]), Decimal(row[4])) for row in rows]


def trades_of(result):
    fills = result.fills
    prices = [Decimal(price).scaleb(-result.price_scale) for price in fills["price"].tolist()]
    fees = [Decimal(fee).scaleb(-6) for fee in fills["fee"].tolist()]
    sides = ["buy" if side == 0 else "sell" for side in fills["side"].tolist()]
    return list(zip(fills["bar"].tolist(), sides, prices, fees, strict=True))


def check(path, crossover, *, fast, slow, size, cash, fee, fill_on):
    terms = {"cash": cash, "fee": fee, "fill_on": fill_on}
    trades, equity, waiting = plain_crossover(
        rows_of(path), fast=fast, slow=slow, size=size, **terms
    )
    result = run(crossover, path, params={"fast": fast, "slow": slow, "size": size}, **terms)

    assert trades_of(result) == trades
    assert result.equity["equity"].tolist() == [int(worth.scaleb(6)) for worth in equity]
    assert result.final_equity == float(equity[-1])
    assert result.trades == len(trades)
    assert result.fees == float(sum(fee for *_, fee in trades))
    assert result.round_trips == sum(side == "sell" for _, side, *_ in trades)
    assert result.unfilled == (waiting is not None)
    assert result.total_return == pytest.approx(float(equity[-1] / Decimal(cash) - 1), abs=1e-12)
    assert result.sharpe == pytest.approx(plain_sharpe(equity, 252), rel=1e-9)
    assert result.max_drawdown == pytest.approx(plain_drawdown(cash, equity), abs=1e-12)
    return result


FILL_ON = ["next_open", "close"]


@pytest.mark.parametrize("fill_on", FILL_ON)
@pytest.mark.parametrize("seed", range(4))
def test_seeded_days(bar_file, crossover, seed, fill_on):
    path = bar_file(seed=seed)
    terms = {"size": 100, "cash": "100000", "fee": "0.001", "fill_on": fill_on}
    result = check(path, crossover, fast=5, slow=20, **terms)
    assert result.trades > 10


@pytest.mark.parametrize("fill_on", FILL_ON)
@pytest.mark.parametrize(("fast", "slow", "size"), [(10, 30, 100), (20, 50, 7), (2, 200, 1)])
def test_goog_days_trade_by_trade(market_data, crossover, fast, slow, size, fill_on):
    terms = {"size": size, "cash": "100000", "fee": "0.001", "fill_on": fill_on}
    check(market_data("GOOG-1d.csv"), crossover, fast=fast, slow=slow, **terms)


@pytest.mark.parametrize("fee", ["0", "0.0025", "0.00000037"])
def test_fees_of_all_sizes(bar_file, crossover, fee):
    terms = {"size": 33, "cash": "50000.25", "fee": fee, "fill_on": "next_open"}
    check(bar_file(seed=9), crossover, fast=3, slow=9, **terms)


def test_a_signal_on_the_last_bar_stays_unfilled(bar_file, crossover):
    rows = [*seeded_rows(2, 90), ("1.00", "900.00")]
    terms = {"size": 1, "cash": "1000", "fee": "0.001"}
    late = check(bar_file(rows), crossover, fast=2, slow=4, fill_on="next_open", **terms)
    assert late.unfilled == 1
    at_once = check(bar_file(rows), crossover, fast=2, slow=4, fill_on="close", **terms)
    assert (at_once.trades, at_once.unfilled) == (late.trades + 1, 0)
