"""What margin accounts may borrow: what positions require, and what an account can spend.

Regulation T (12 CFR 220.12) bounds what is opened, FINRA Rule 4210(c) what is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

from twin.amounts import RATE_SCALE, divide
from twin.prices import price, price_of_mark
from twin.state import Account, Instrument, Position, World

WHOLE = 10**RATE_SCALE
DOLLAR = 10**6


@dataclass
class Worth:
    """What an account is worth at some prices, and what its positions require."""

    equity: int
    unrealized_pl: int = 0
    long_value: int = 0
    short_value: int = 0
    initial: int = 0
    maintenance: int = 0

    def excess(self, account: Account) -> int:
        """Equity that no position and no open order needs."""
        return self.equity - self.initial - account.held

    def buying_power(self, account: Account) -> int:
        """What the account shows as buying power."""
        if account.margin is None:
            return account.free_cash
        return max(0, self.excess(account)) * account.margin["multiplier"]


def at_rate(value: int, rate: int) -> int:
    """A share of a value, rounded up."""
    return divide(value * rate, WHOLE, "up")


def maintenance_of(margin: dict[str, int], instrument: Instrument, qty: int, value: int) -> int:
    """What keeping `qty` (short: below zero) worth `value` requires."""
    value = abs(value)
    if instrument.is_margined:
        return deposit_of(instrument, "maintenance", qty, value)
    if qty >= 0:
        return at_rate(value, margin["long_maintenance"])

    def each(money: int) -> int:
        return divide(money * -qty, 10 ** instrument.terms["qty_scale"], "up")

    share = at_rate(value, margin["short_maintenance"])
    if instrument.terms["asset_class"] != "us_equity":
        return share
    if value >= each(5 * DOLLAR):
        return max(share, each(5 * DOLLAR))
    return max(value, each(5 * DOLLAR // 2))


def initial_of(margin: dict[str, int], instrument: Instrument, qty: int, value: int) -> int:
    """What opening requires: never less than keeping."""
    if instrument.is_margined:
        return deposit_of(instrument, "initial", qty, value)
    rate = WHOLE // margin["multiplier"]
    return max(at_rate(abs(value), rate), maintenance_of(margin, instrument, qty, value))


def deposit_of(instrument: Instrument, which: str, qty: int, value: int) -> int:
    """What a margined contract requires: an amount for each, and a share of the notional."""
    each = instrument.contract.get(which, 0) * abs(qty)
    share = at_rate(abs(value), instrument.contract.get(f"{which}_rate", 0))
    return divide(each, 10 ** instrument.terms["qty_scale"], "up") + share


def tied_up(account: Account, instrument: Instrument, cost: int) -> int:
    """The cash that a margined contract of a cash account ties up: its entry value."""
    is_cash = account.margin is None
    return max(0, cost) if instrument.is_margined and is_cash else 0


def value_at(instrument: Instrument, position: Position, at: int | None) -> int:
    """What a position is worth at a price; at cost when there is none."""
    return position.cost if at is None else instrument.notional(at, position.qty)


def worth(
    world: World, account: Account, price_of: Callable[[Instrument], int | None] = price
) -> Worth:
    """What an account is worth at the live prices, or others."""
    sums = Worth(account.cash + account.receivable)
    for index, position in account.positions.items():
        instrument = world.instruments[index]
        if position.qty == 0:
            continue
        before = price_before(world, account, instrument)
        at = price_of(instrument) if before is None else before
        value = value_at(instrument, position, at)
        sums.equity += value - position.cost if instrument.is_margined else value
        sums.unrealized_pl += value - position.cost
        if not instrument.is_margined:
            sums.long_value += max(0, value)
            sums.short_value += min(0, value)
        if account.margin is not None:
            sums.initial += initial_of(account.margin, instrument, position.qty, value)
            sums.maintenance += maintenance_of(account.margin, instrument, position.qty, value)
    return sums


def price_before(world: World, account: Account, instrument: Instrument) -> int | None:
    """The price before a corporate action that has not come to this position yet."""
    for action in world.actions:
        done = action.account > account.index or (
            action.account == account.index and action.position
        )
        if action.stage == "working" and action.instrument is instrument and not done:
            return price_of_mark(action.before)
    return None


def power_for(world: World, account: Account, instrument: Instrument) -> int:
    """What an account may spend on an instrument."""
    if account.currency != instrument.terms["currency"]:
        return 0
    return account.free_cash if account.margin is None else worth(world, account).excess(account)
