"""The SMA crossover, calculated plainly: Decimal, lists and loops, and nothing of Papertape."""

import random
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import mean, stdev

MICRO = Decimal("0.000001")


def plain_crossover(bars, *, fast, slow, size, cash, fee, fill_on):
    """Trade `(open, close)` Decimals; gives trades, equity after each bar and the open signal.

    A trade is `(bar, side, price, fee)`. A signal of the last bar stays unfilled.
    """
    cash, held, trades, equity, waiting = Decimal(cash), 0, [], [], None
    closes = [close for _, close in bars]
    for at, (open_, close) in enumerate(bars):
        if waiting and fill_on == "next_open":
            cash, held = traded(trades, at, waiting, open_, size, fee, cash, held)
            waiting = None
        if at >= slow - 1:
            # Compare sums crosswise: exact, where dividing would round.
            fast_sum = sum(closes[at - fast + 1 : at + 1])
            slow_sum = sum(closes[at - slow + 1 : at + 1])
            rising = fast_sum * slow > slow_sum * fast
            if rising != (held > 0):
                waiting = "buy" if rising else "sell"
        if waiting and fill_on == "close":
            cash, held = traded(trades, at, waiting, close, size, fee, cash, held)
            waiting = None
        equity.append(cash + held * close)
    return trades, equity, waiting


def traded(trades, at, side, price, size, fee, cash, held):
    taken = (price * size * Decimal(fee)).quantize(MICRO, ROUND_HALF_UP)
    trades.append((at, side, price, taken))
    if side == "buy":
        return cash - price * size - taken, held + size
    return cash + price * size - taken, held - size


def plain_sharpe(equity, periods):
    returns = [float(after / before - 1) for before, after in pairwise(equity)]
    return mean(returns) / stdev(returns) * periods**0.5


def plain_drawdown(cash, equity):
    highest, deepest = Decimal(cash), Decimal(0)
    for worth in equity:
        highest = max(highest, worth)
        deepest = min(deepest, worth / highest - 1)
    return float(deepest)


def seeded_rows(seed, count):
    """Walk in cents, with a gap between a close and the next open."""
    draw = random.Random(seed)
    cents, rows = 10_000, []
    for _ in range(count):
        open_ = cents + draw.randint(-40, 40)
        cents = open_ + draw.randint(-150, 152)
        rows.append((f"{open_ / 100:.2f}", f"{cents / 100:.2f}"))
    return rows
