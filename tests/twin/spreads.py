"""What the options of a margin account require: FINRA Rule 4210(f)(2), the Cboe Margin Manual.

Short legs are covered by the underlying, then paired with long ones that end no earlier, and what
is left stands alone; the leg that can lose most comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from twin.amounts import divide
from twin.currencies import in_own
from twin.options import is_option, strike_of, underlying_of, units_of
from twin.state import Account, Instrument, World

PriceOf = Callable[[Instrument], int | None]


@dataclass
class Leg:
    """An option position, in units of its underlying."""

    base: Instrument
    right: str
    is_long: bool
    expiry_ns: int
    units: int
    strike: int
    value: int
    used: int = 0

    @property
    def left(self) -> int:
        return self.units - self.used

    def share(self, whole: int, units: int) -> int:
        """The part of an amount that so many units are."""
        return divide(whole * min(units, self.units), max(1, self.units), "half_even")


def required(world: World, account: Account, price_of: PriceOf) -> int:
    """What all options require, in the currency of the account."""
    legs = legs_of(world, account, price_of, None)
    bases = {leg.base.index: leg.base for leg in legs}
    total = 0
    for base in bases.values():
        here = required_on(base, account, legs, price_of(base))
        total += in_own(world, account, base, here)
    return total


def required_on(base: Instrument, account: Account, legs: list[Leg], spot: int | None) -> int:
    """What the legs on one underlying require."""
    held, total = account.position(base).qty, 0
    cover = {"call": max(0, held), "put": max(0, -held)}
    for right in ("call", "put"):
        mine = [leg for leg in legs if leg.base is base and leg.right == right]
        total += required_of(mine, cover[right], spot)
    return total


def legs_of(
    world: World, account: Account, price_of: PriceOf, change: tuple[Instrument, int] | None
) -> list[Leg]:
    """The option positions, the change counted in."""
    held = {index: (one.qty, one.cost) for index, one in sorted(account.positions.items())}
    if change:
        instrument, by = change
        qty, cost = held.get(instrument.index, (0, 0))
        held[instrument.index] = (qty + by, cost)
    legs = []
    for index, (qty, cost) in held.items():
        instrument = world.instruments[index]
        if qty == 0 or not is_option(instrument):
            continue
        at = price_of(instrument)
        value = cost if at is None else instrument.value(at, abs(qty), "half_even")
        legs.append(
            Leg(
                base=underlying_of(world, instrument),
                right=instrument.contract["right"],
                is_long=qty > 0,
                expiry_ns=instrument.contract["expiry_ns"],
                units=units_of(world, instrument, abs(qty)),
                strike=strike_of(instrument, abs(qty), "up"),
                value=abs(value),
            )
        )
    return legs


def required_of(legs: list[Leg], cover: int, spot: int | None) -> int:
    """What the legs of one right on one underlying require; `cover` units of it stand behind."""

    def rank(leg: Leg) -> tuple[int, int]:
        return divide(leg.strike * 10**6, max(1, leg.units), "half_even"), leg.expiry_ns

    ranked = sorted(legs, key=rank)
    if legs and legs[0].right == "put":
        ranked.reverse()
    long = [leg for leg in ranked if leg.is_long]
    total = sum(leg.value for leg in long)
    for leg in (leg for leg in ranked if not leg.is_long):
        covered = min(leg.left, cover)
        cover -= covered
        leg.used += covered
        total += beside_the_underlying(leg, covered, spot)
        for other in long:
            units = min(leg.left, other.left)
            if units == 0 or other.expiry_ns < leg.expiry_ns:
                continue
            total += paired(leg, other, units, spot)
            leg.used += units
            other.used += units
        if leg.left > 0:
            total += alone(leg, leg.left, spot)
    return total


def beside_the_underlying(leg: Leg, units: int, spot: int | None) -> int:
    """A leg that the underlying covers: as far as it is in the money, beyond its value."""
    if units == 0 or spot is None:
        return 0
    inside = leg.base.value(spot, units, "up") - leg.share(leg.strike, units)
    if leg.right == "put":
        inside = -inside
    return max(0, inside) - leg.share(leg.value, units)


def paired(leg: Leg, other: Leg, units: int, spot: int | None) -> int:
    """A short leg before a long one: the difference of the strikes, never more than alone."""
    loss = other.share(other.strike, units) - leg.share(leg.strike, units)
    if leg.right == "put":
        loss = -loss
    return min(max(0, loss) - leg.share(leg.value, units), alone(leg, units, spot))


def alone(leg: Leg, units: int, spot: int | None) -> int:
    """20 % of the underlying less what it is out of the money, at least 10 %."""
    strike = leg.share(leg.strike, units)
    value = strike if spot is None else leg.base.value(spot, units, "up")
    out = strike - value if leg.right == "call" else value - strike
    floor = value if leg.right == "call" else strike
    fifth = divide(value * 20, 100, "up")
    return max(fifth - max(0, out), divide(floor * 10, 100, "up"))


def hold_of(
    world: World, account: Account, change: tuple[Instrument, int], value: int, price_of: PriceOf
) -> int:
    """By how much an order raises the sum, and what it pays more than options are worth."""
    instrument, by = change
    at = price_of(instrument)
    if at is None:
        at = instrument.average_price(value, abs(by))

    def price(one: Instrument) -> int | None:
        return at if one is instrument else price_of(one)

    base = underlying_of(world, instrument)
    before, after = (
        required_on(base, account, legs_of(world, account, price, one), price(base))
        for one in (None, change)
    )
    lost = value - instrument.value(at, abs(by), "half_even")
    return max(0, after - before + (lost if by > 0 else -lost))
