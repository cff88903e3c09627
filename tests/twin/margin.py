"""What margin accounts may borrow: what positions require, and what an account can spend.

Regulation T (12 CFR 220.12) bounds what is opened, FINRA Rule 4210(c) what is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

from twin import options, spreads
from twin.amounts import RATE_SCALE, divide
from twin.currencies import abroad, convert, in_own
from twin.prices import price, price_of_mark
from twin.state import Account, Instrument, Position, World

WHOLE = 10**RATE_SCALE
DOLLAR = 10**6


@dataclass
class Worth:
    """What an account is worth at some prices, and what its positions require."""

    equity: int
    held: int = 0
    unrealized_pl: int = 0
    long_value: int = 0
    short_value: int = 0
    initial: int = 0
    maintenance: int = 0

    @property
    def excess(self) -> int:
        """Equity that no position and no open order needs."""
        return self.equity - self.initial - self.held

    def buying_power(self, account: Account) -> int:
        """What the account shows as buying power."""
        if account.is_journal:
            return 0
        if account.margin is None:
            return account.free_cash
        return max(0, self.excess) * account.margin["multiplier"]


def at_rate(value: int, rate: int) -> int:
    """A share of a value, rounded up."""
    return divide(value * rate, WHOLE, "up")


def maintenance_of(margin: dict[str, int], instrument: Instrument, qty: int, value: int) -> int:
    """What keeping `qty` (short: below zero) worth `value` requires."""
    value = abs(value)
    if instrument.is_margined:
        return deposit_of(instrument, "maintenance", qty, value)
    usual = usual_maintenance(margin, instrument, qty, value)
    return max(usual, at_rate(value, rate_set(instrument, "maintenance_rate")))


def rate_set(instrument: Instrument, name: str) -> int:
    """A stricter rate that `set_margin` asks for; 0 when it asks for none."""
    return (instrument.margin or {}).get(name) or 0


def usual_maintenance(margin: dict[str, int], instrument: Instrument, qty: int, value: int) -> int:
    """What the terms of the account ask to be kept."""
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
    if options.is_option(instrument):
        return abs(value) if qty > 0 else 0
    rate = max(WHOLE // margin["multiplier"], rate_set(instrument, "initial_rate"))
    return max(at_rate(abs(value), rate), maintenance_of(margin, instrument, qty, value))


def deposit_of(instrument: Instrument, which: str, qty: int, value: int) -> int:
    """What a margined contract requires: an amount for each, and a share of the notional."""
    each = instrument.contract.get(which, 0) * abs(qty)
    share = at_rate(abs(value), instrument.contract.get(f"{which}_rate", 0))
    return divide(each, 10 ** instrument.terms["qty_scale"], "up") + share


def tied_up(account: Account, instrument: Instrument, position: Position) -> int:
    """The cash that a contract of a cash account ties up: its entry value, a put's strike."""
    if account.margin is not None:
        return 0
    if instrument.is_margined:
        return max(0, position.cost)
    return options.secured(instrument, position.qty)


def value_at(instrument: Instrument, position: Position, at: int | None) -> int:
    """What a position is worth at a price; at cost when there is none."""
    return position.cost if at is None else instrument.notional(at, position.qty)


def worth(
    world: World, account: Account, price_of: Callable[[Instrument], int | None] = price
) -> Worth:
    """What an account is worth at the live prices, or others."""
    others = abroad(world, account)
    sums = Worth(account.cash + account.receivable + others.cash, account.held + others.held)
    for index, position in account.positions.items():
        instrument = world.instruments[index]
        if position.qty == 0:
            continue
        before = price_before(world, account, instrument)
        at = price_of(instrument) if before is None else before
        count(world, account, sums, instrument, position, value_at(instrument, position, at))
    if account.margin is not None:
        needed = spreads.required(world, account, price_of)
        sums.initial += needed
        sums.maintenance += needed
    return sums


def count(
    world: World,
    account: Account,
    sums: Worth,
    instrument: Instrument,
    position: Position,
    value: int,
) -> None:
    """Counts a position in, in the currency of the account."""
    here, cost = (in_own(world, account, instrument, it) for it in (value, position.cost))
    sums.unrealized_pl += here - cost
    sums.equity += here - cost if instrument.is_margined else here
    if not instrument.is_margined:
        sums.long_value += max(0, here)
        sums.short_value += min(0, here)
    if account.margin is not None and not options.is_option(instrument):
        terms = (account.margin, instrument, position.qty, value)
        sums.initial += in_own(world, account, instrument, initial_of(*terms))
        sums.maintenance += in_own(world, account, instrument, maintenance_of(*terms))


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
    """What an account may spend on an instrument, in the currency of the instrument."""
    if account.is_journal:
        return 0
    if account.margin is not None:
        excess = worth(world, account).excess
        return convert(world, excess, account.currency, instrument.currency) or 0
    # Contracts tie up money of the account's own currency only.
    if instrument.contract and instrument.currency != account.currency:
        return 0
    return account.free_in(instrument.currency)


def borrowable(world: World, instrument: Instrument) -> int | None:
    """How much of an instrument can still be borrowed; nothing says that there is no bound."""
    terms = instrument.margin
    if terms is None:
        return None
    if not terms["shortable"]:
        return 0
    if terms["borrow_qty"] is None:
        return None
    owed = sum(max(0, -account.position(instrument).qty) for account in world.accounts)
    return max(0, terms["borrow_qty"] - owed)
