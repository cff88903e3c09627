"""The joint walk through the books of all legs: how many strategies trade, and with whom.

The next strategy takes the best of every leg's book, and trades while its own net price is within
the limit. Nothing here changes anything: a plan is made whole, then traded whole.
"""

from dataclasses import dataclass, field

from twin.checks import is_due
from twin.combos import Combo, Part
from twin.fees import fee
from twin.money import payable, spent_by
from twin.prices import Offer, offers, reaches
from twin.sessions import band_edge, is_over, phase
from twin.slippage import moved
from twin.state import Account, Order, World

OFFERS_MAX = 32
"""How many offers of a leg one plan takes at most; only fill-or-kill orders have no other plan."""


@dataclass
class Take:
    """What a leg takes of one offer, and at which price."""

    offer: Offer
    qty: int
    price: int
    slippage: int
    impact: int

    @property
    def maker(self) -> Order | None:
        """The resting order of a user that it meets."""
        return self.offer.resting if isinstance(self.offer.resting, Order) else None


@dataclass
class Plan:
    """What a number of strategies takes and costs."""

    strategies: int = 0
    takes: list[list[Take]] = field(default_factory=list)
    """By leg."""
    cash: int = 0
    fees: int = 0


def are_open(world: World, combo: Combo) -> bool:
    """Whether all legs trade one by one now."""
    for one in (part.instrument for part in combo.parts):
        works = any(it.stage == "working" and it.instrument is one for it in world.actions)
        ends = works or one.ended or is_over(world, one)
        if not one.market.is_fresh or phase(world, one) != "continuous" or ends:
            return False
    return True


def plan(world: World, combo: Combo, most: int) -> Plan:
    """The most strategies, up to `most`, that trade within the limit."""
    if not are_open(world, combo) or most <= 0:
        return cut(world, combo, [[] for _ in combo.parts], 0)
    met = [combo.order.account]
    there = [offers_of(world, combo, part, most, met) for part in combo.parts]
    steps = reach(combo, there, most // combo.step)
    return cut(world, combo, there, steps * combo.step)


def offers_of(world: World, combo: Combo, part: Part, most: int, met: list[Account]) -> list[Take]:
    """The offers that a leg may meet for so many strategies."""
    wanted, takes = part.ratio * most, list[Take]()
    band = band_edge(part.instrument, part.side)
    for offer in offers(part.instrument, part.side):
        is_full = len(takes) >= OFFERS_MAX and combo.order.time_in_force != "fok"
        if wanted == 0 or is_full or not reaches(part.side, band, offer.price):
            break
        there, ends = willing(world, offer, wanted, met)
        if there == 0:
            break
        qty = min(there, wanted)
        takes.append(take(world, part, offer, qty))
        wanted -= qty
        if ends:
            break
    return takes


def willing(world: World, offer: Offer, wanted: int, met: list[Account]) -> tuple[int, bool]:
    """How much of an offer can be had, and whether nothing behind it can be told from here.

    Who cannot pay at all stands in the way. An account that the plan has met gives more only out
    of what its order has set aside.
    """
    maker = offer.resting
    if not isinstance(maker, Order):
        return offer.qty, False
    qty = min(offer.qty, wanted)
    pays = payable(world, maker, offer.price, qty, "maker")
    if any(one is maker.account for one in met):
        sets_aside = pays > 0 and is_set_aside(world, maker, offer.price, pays)
        if maker.only_closes or not sets_aside:
            return 0, True
    met.append(maker.account)
    if pays == 0:
        return qty, True
    return pays, "sibling" in maker.more or pays < qty


def is_set_aside(world: World, maker: Order, price: int, qty: int) -> bool:
    """Whether what a resting order gives is set aside for it."""
    if maker.account.margin is None and maker.side == "sell":
        return True
    return spent_by(world, maker, price, qty, "maker") <= maker.hold


def take(world: World, part: Part, offer: Offer, qty: int) -> Take:
    """So much of an offer, at the price that the leg gets."""
    if offer.resting is not None:
        return Take(offer, qty, offer.price, 0, 0)
    band = band_edge(part.instrument, part.side)
    return Take(offer, qty, *moved(world, part.instrument, part.side, band, offer.price, qty))


def reach(combo: Combo, there: list[list[Take]], most: int) -> int:
    """How many steps lie within the limit."""
    limit = combo.limit_money
    left = [[[one.price, one.qty] for one in takes] for takes in there]
    steps = 0
    while steps < most:
        money = money_of_step(combo, left)
        if money is None or (limit is not None and money > limit * combo.step):
            break
        more = max(1, min(repeats(combo, left), most - steps))
        for part, levels in zip(combo.parts, left, strict=True):
            use(levels, part.ratio * combo.step * more)
        steps += more
    return steps


def money_of_step(combo: Combo, left: list[list[list[int]]]) -> int | None:
    """What one more step pays; nothing when the books are empty."""
    money = 0
    for part, levels in zip(combo.parts, left, strict=True):
        wanted = part.ratio * combo.step
        for price, there in levels:
            qty = min(wanted, there)
            money += part.signed(part.instrument.notional(price, qty))
            wanted -= qty
            if wanted == 0:
                break
        if wanted > 0:
            return None
    return money


def repeats(combo: Combo, left: list[list[list[int]]]) -> int:
    """How many steps the next offers give by themselves."""
    legs = zip(combo.parts, left, strict=True)
    return min(levels[0][1] // (part.ratio * combo.step) for part, levels in legs)


def use(levels: list[list[int]], qty: int) -> None:
    """Takes so much from the front."""
    while qty > 0:
        some = min(qty, levels[0][1])
        levels[0][1] -= some
        qty -= some
        if levels[0][1] == 0:
            levels.pop(0)


def cut(world: World, combo: Combo, there: list[list[Take]], strategies: int) -> Plan:
    """The plan for just so many of the strategies that the offers give."""
    made = Plan(strategies)
    legs = combo.legs or [None] * len(combo.parts)
    for part, leg, takes in zip(combo.parts, legs, there, strict=True):
        wanted, taken = part.ratio * strategies, list[Take]()
        before = (leg.filled, leg.filled_value) if leg else (0, 0)
        for one in takes:
            qty = min(one.qty, wanted)
            if qty == 0:
                break
            wanted -= qty
            taken.append(take(world, part, one.offer, qty))
            price = taken[-1].price
            notional = part.instrument.notional(price, qty)
            made.cash += part.signed(notional)
            made.fees += fee(
                part.instrument,
                combo.order.account,
                part.side,
                "taker",
                (qty, notional),
                before,
                world.now_ns,
            )
            before = before[0] + qty, before[1] + price * qty
        made.takes.append(taken)
    return made


def obstacle(world: World, combo: Combo, made: Plan) -> tuple[Order, str] | None:
    """The first order of a user in a plan that has to leave before it can be traded, and why."""
    for one in (one for takes in made.takes for one in takes):
        maker = one.maker
        if maker is None:
            continue
        is_own = maker.account.owner == combo.order.account.owner
        rule = combo.order.more.get("self_trade") if is_own else None
        if is_due(world, maker):
            return maker, "due"
        if rule in {"cancel_newest", "cancel_oldest"}:
            return maker, rule
        if payable(world, maker, one.offer.price, one.qty, "maker") == 0:
            return maker, "cannot_pay"
    return None
