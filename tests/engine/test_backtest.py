"""`Backtest`: bars in as columns, fills by the rules of the engine, columns out."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from papertape.engine import BACKTEST_REASONS, Backtest

BUY, SELL = 0, 1
FILLED, CANCELED, REJECTED, EXPIRED = 2, 3, 4, 5
MINUTE_NS = 60_000_000_000
MONEY = 1_000_000
CENTS = 100


def listing(symbol: str = "ACME", **fields: object) -> bytes:
    terms = {
        "symbol": symbol,
        "name": symbol,
        "asset_class": "us_equity",
        "exchange": "XTST",
        "sector": "",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "price_scale": 2,
        "qty_scale": 0,
        "trigger": "last",
    }
    return json.dumps(terms | fields).encode()


def column(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def load(run: Backtest, bars: list[tuple[int, ...]], symbol: str = "ACME", start: int = 0) -> None:
    """Load bars of (open, high, low, close) in cents, one a minute from minute `start`."""
    times = column([(start + i) * MINUTE_NS for i in range(len(bars))])
    prices = [column([bar[k] for bar in bars]) for k in range(4)]
    run.load(symbol, times, *prices, column([1_000_000] * len(bars)))


def opened(
    bars: list[tuple[int, ...]],
    cash: str = "100000",
    fee: str = "0.001",
    fill_on: str = "next_open",
) -> Backtest:
    run = Backtest([listing()], cash, fee, fill_on)
    load(run, bars)
    return run


RISING = [(1000 + 10 * i, 1012 + 10 * i, 998 + 10 * i, 1005 + 10 * i) for i in range(10)]


@pytest.mark.parametrize(("fill_on", "bar", "price"), [("next_open", 1, 1010), ("close", 0, 1005)])
def test_a_signal_fills_where_it_was_asked_to(fill_on: str, bar: int, price: int) -> None:
    run = opened(RISING, fill_on=fill_on)
    assert run.step() == 0
    number = run.submit("ACME", BUY, 100)
    while run.step() >= 0:
        pass
    fills = run.result()["fills"]
    assert [fills[name].tolist() for name in ("order", "bar", "price", "qty")] == [
        [number],
        [bar],
        [price],
        [100],
    ]
    cost = price * 100 * MONEY // CENTS
    fee = cost // 1_000
    assert (fills["notional"].tolist(), fills["fee"].tolist()) == ([cost], [fee])
    assert run.cash == 100_000 * MONEY - cost - fee
    assert run.position("ACME") == 100
    assert run.equity == run.cash + 100 * RISING[-1][3] * MONEY // CENTS


def test_equity_has_one_row_a_bar_at_its_close() -> None:
    run = opened(RISING)
    run.step()
    run.submit("ACME", BUY, 10)
    while run.step() >= 0:
        pass
    equity = run.result()["equity"]
    assert equity["time_ns"].tolist() == [i * MINUTE_NS for i in range(len(RISING))]
    worth = [100_000 * MONEY]
    cash = 100_000 * MONEY - 10 * 1010 * MONEY // CENTS * 1001 // 1000
    worth += [cash + 10 * bar[3] * MONEY // CENTS for bar in RISING[1:]]
    assert equity["equity"].tolist() == worth
    assert equity["cash"].tolist() == [100_000 * MONEY] + [cash] * (len(RISING) - 1)


@pytest.mark.parametrize(
    ("order", "status", "price"),
    [
        ({"type": "limit", "limit_price": 1003}, FILLED, 1003),
        ({"type": "limit", "limit_price": 900}, 0, None),
        ({"type": "stop", "stop_price": 1030}, FILLED, 1030),
        ({"type": "stop", "stop_price": 1005}, FILLED, 1010),
        ({"type": "stop_limit", "stop_price": 1030, "limit_price": 1029}, FILLED, 1029),
    ],
)
def test_limit_and_stop_orders_follow_the_path_inside_a_bar(
    order: dict[str, Any], status: int, price: int | None
) -> None:
    bars = [(1000, 1012, 998, 1005), (1010, 1015, 1002, 1012), (1020, 1045, 1018, 1025)]
    run = opened(bars, fee="0")
    run.step()
    run.submit("ACME", BUY, 10, **order)
    while run.step() >= 0:
        pass
    result = run.result()
    assert result["orders"]["status"].tolist() == [status]
    assert result["fills"]["price"].tolist() == ([] if price is None else [price])


def test_refused_and_canceled_orders_name_their_reason() -> None:
    run = opened(RISING, cash="1000")
    run.step()
    run.submit("ACME", SELL, 5)
    run.submit("ACME", BUY, 1_000_000)
    waiting = run.submit("ACME", BUY, 1, type="limit", limit_price=500)
    assert run.cancel(waiting)
    assert not run.cancel(waiting)
    assert not run.cancel(99)
    orders = run.result()["orders"]
    assert orders["status"].tolist() == [REJECTED, REJECTED, CANCELED]
    assert [BACKTEST_REASONS[reason] for reason in orders["reason"]] == [
        "insufficient_quantity",
        "insufficient_buying_power",
        "requested",
    ]


def test_day_orders_expire_with_their_day() -> None:
    bars = [RISING[0]] * 3
    run = Backtest([listing()], "1000", "0", "next_open")
    days = column([day * 86_400_000_000_000 for day in range(3)])
    run.load("ACME", days, *(column([bar[k] for bar in bars]) for k in range(4)), column([0] * 3))
    run.step()
    run.submit("ACME", BUY, 1, type="limit", limit_price=900, time_in_force="day")
    while run.step() >= 0:
        pass
    assert run.result()["orders"]["status"].tolist() == [EXPIRED]


def test_several_symbols_share_one_clock() -> None:
    run = Backtest([listing("ACME"), listing("BOLT")], "100000", "0", "next_open")
    load(run, RISING[:4], "ACME")
    load(run, [(500, 510, 490, 505)] * 3, "BOLT", start=2)
    seen = []
    while (step := run.step()) >= 0:
        seen.append((step, run.bar_index("ACME"), run.bar_index("BOLT")))
        if step == 2:
            run.submit("ACME", BUY, 1)
            run.submit("BOLT", BUY, 1)
    assert seen == [(0, 0, -1), (1, 1, -1), (2, 2, 0), (3, 3, 1), (4, 3, 2)]
    fills = run.result()["fills"]
    assert [run.symbols[i] for i in fills["instrument"]] == ["ACME", "BOLT"]
    assert fills["bar"].tolist() == [3, 3]


def wandering(count: int) -> list[tuple[int, ...]]:
    """Bars of a seeded walk; each opens where the one before closed."""
    closes = 10_000 + np.cumsum(np.random.default_rng(5).integers(-30, 31, count))
    opens = np.concatenate(([10_000], closes[:-1]))
    high, low = np.maximum(opens, closes) + 5, np.minimum(opens, closes) - 5
    return [tuple(int(cell) for cell in bar) for bar in zip(opens, high, low, closes, strict=True)]


def crossings(bars: list[tuple[int, ...]], fast: int = 5, slow: int = 20) -> list[bool | None]:
    """Whether the fast average of closes is above the slow one, exactly."""
    closes = [bar[3] for bar in bars]
    return [
        None
        if i + 1 < slow
        else sum(closes[i + 1 - fast : i + 1]) * slow > sum(closes[i + 1 - slow : i + 1]) * fast
        for i in range(len(closes))
    ]


def test_a_crossover_equals_a_plain_calculation_to_the_last_unit() -> None:
    bars = wandering(3_000)
    signals = crossings(bars)
    run, held = opened(bars), False
    cash, expected = Fraction(100_000), []
    while (i := run.step()) >= 0:
        if signals[i] is not None and signals[i] != held:
            held = bool(signals[i])
            run.submit("ACME", BUY if held else SELL, 100)
            if i + 1 < len(bars):
                price = Fraction(bars[i + 1][0], CENTS)
                cash -= (1 if held else -1) * 100 * price + 100 * price / 1000
                expected.append((i + 1, int(price * CENTS)))
    fills = run.result()["fills"]
    assert len(expected) > 100
    assert list(zip(fills["bar"].tolist(), fills["price"].tolist(), strict=True)) == expected
    assert run.cash == cash * MONEY


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Backtest([listing()], "100", "0", "tomorrow"), "fill_on"),
        (lambda: Backtest([listing()], "-1", "0", "close"), "starting_cash"),
        (lambda: Backtest([listing()], "100", "2", "close"), "fee"),
        (lambda: Backtest([listing(tick_size="0")], "100", "0", "close"), "tick_size"),
        (lambda: Backtest([b"{"], "100", "0", "close"), "listing"),
        (lambda: opened(RISING).load("NOPE", *[column([])] * 6), "NOPE"),
        (lambda: opened(RISING).load("ACME", *[column([])] * 6), "already"),
        (lambda: opened(RISING).position("NOPE"), "NOPE"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_wrong(make: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_columns_must_fit_together_and_bars_must_be_possible() -> None:
    run = Backtest([listing()], "100", "0", "close")
    short = [column([1, 2]), column([1])]
    with pytest.raises(ValueError, match="length"):
        run.load("ACME", short[0], *[short[1]] * 5)
    with pytest.raises(ValueError, match="not after"):
        run.load("ACME", column([2, 2]), *[column([1, 1])] * 5)
    with pytest.raises((ValueError, BufferError)):
        run.load("ACME", np.array([1.0]), *[column([1])] * 5)  # type: ignore[arg-type]
    load(run, [(1000, 900, 1100, 1000)])
    with pytest.raises(ValueError, match="bar 0"):
        run.step()


def test_orders_need_a_step_and_make_sense() -> None:
    run = opened(RISING)
    with pytest.raises(RuntimeError, match="first step"):
        run.submit("ACME", BUY, 1)
    run.step()
    for wrong in ({"type": "fly"}, {"time_in_force": "later"}, {"type": "limit"}):
        with pytest.raises(ValueError, match=r".+"):
            run.submit("ACME", BUY, 1, **wrong)  # type: ignore[arg-type]
    for side, qty in ((2, 1), (BUY, 0), (BUY, -5)):
        with pytest.raises(ValueError, match=r".+"):
            run.submit("ACME", side, qty)
    assert run.result()["orders"]["number"].tolist() == []
