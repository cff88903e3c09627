"""Random orders through the engine and through a naive account: the same money, bar after bar."""

import random
from decimal import ROUND_HALF_UP, Decimal

import pytest

from backtest.plain_crossover import MICRO, seeded_rows
from papertape.backtest import run
from papertape.strategies import Strategy


class NaiveAccount:
    """A cash account that trades whole shares at one price, worked out with Decimal."""

    def __init__(self, cash, fee):
        self.cash = Decimal(cash)
        self.fee_rate = Decimal(fee)
        self.held = 0
        self.fills = []
        self.refused = []

    def fee(self, value):
        return (value * self.fee_rate).quantize(MICRO, ROUND_HALF_UP)

    def cost(self, qty, price):
        return qty * price + self.fee(qty * price)

    def accepts(self, side, qty, price):
        """Check an order against the present price, as it is sent."""
        if side == "sell" and qty > self.held:
            self.refused.append("insufficient_quantity")
            return False
        if side == "buy" and self.cost(qty, price) > self.cash:
            self.refused.append("insufficient_buying_power")
            return False
        return True

    def fill(self, bar, side, qty, price):
        """Fill at a price that may have moved; of a buy what cannot be paid is canceled."""
        if side == "buy":
            got = qty
            while self.cost(got, price) > self.cash:
                got -= 1
            if got < qty:
                self.refused.append("insufficient_buying_power")
            qty = got
        if qty:
            value = qty * price
            sign = 1 if side == "buy" else -1
            self.cash -= sign * value + self.fee(value)
            self.held += sign * qty
            self.fills.append((bar, side, qty, price))


def orders_of(seed, count):
    """At most one order a bar: small ones, ones of all the money, ones that cannot be."""
    draw = random.Random(seed)
    for bar in range(count):
        if draw.random() < 0.6:
            yield (
                bar,
                draw.choice(["buy", "buy", "sell"]),
                draw.choice([1, 5, 20, 60, 99, 100, 300]),
            )


def naively(rows, orders, cash, fee, fill_on):
    account = NaiveAccount(cash, fee)
    waiting, equity = None, []
    for bar, (open_, close) in enumerate((Decimal(o), Decimal(c)) for o, c in rows):
        if waiting:
            account.fill(bar, *waiting, open_)
            waiting = None
        if bar in orders and account.accepts(*orders[bar], close):
            if fill_on == "close":
                account.fill(bar, *orders[bar], close)
            else:
                waiting = orders[bar]
        equity.append(account.cash + account.held * close)
    return account, equity, waiting


def strategy_of(orders):
    class Scripted(Strategy):
        def on_start(self):
            self.bar = -1

        def on_bar(self, bar):
            self.bar += 1
            if self.bar in orders:
                side, qty = orders[self.bar]
                (self.buy if side == "buy" else self.sell)(bar.symbol, qty)

    return Scripted


@pytest.mark.parametrize("fill_on", ["next_open", "close"])
@pytest.mark.parametrize("fee", ["0", "0.001", "0.0123457"])
@pytest.mark.parametrize("seed", range(12))
def test_the_engine_and_the_naive_account_agree(bar_file, seed, fee, fill_on):
    rows = seeded_rows(seed, 250)
    orders = {bar: (side, qty) for bar, side, qty in orders_of(seed, len(rows))}
    account, equity, waiting = naively(rows, orders, "10000", fee, fill_on)

    result = run(strategy_of(orders), bar_file(rows), cash=10_000, fee=fee, fill_on=fill_on)

    fills = result.fills
    ours = [
        (bar, ("buy", "sell")[side], qty // 10**6, Decimal(price).scaleb(-6))
        for bar, side, qty, price in zip(
            *(fills[name].tolist() for name in ("bar", "side", "qty", "price")), strict=True
        )
    ]
    assert ours == account.fills
    assert result.equity["equity"].tolist() == [int(worth.scaleb(6)) for worth in equity]
    assert result.equity["cash"].min() >= 0
    assert result.refused == {r: account.refused.count(r) for r in set(account.refused)}
    assert result.unfilled == (waiting is not None)
    assert len(account.fills) > 20
    assert account.refused
