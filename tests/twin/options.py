"""Options: what they are, what they deliver, and what a cash account ties up for them."""

from collections.abc import Iterator
from typing import Any

from twin.amounts import AMOUNT_MAX, PRICE_MAX, clamp, divide
from twin.failures import Failure
from twin.fields import Fields
from twin.state import Account, Instrument, Order, World

# Terms ----------------------------------------------------------------------------------------


def read(fields: Fields, price_scale: int) -> dict[str, Any]:
    """What makes a contract an option; nothing when it is none."""
    if fields.get("strike") is None and fields.get("right") is None:
        return {}
    return {
        "strike": fields.needed("strike", min(price_scale, 12), "invalid_price"),
        "right": fields.word("right", ("call", "put")),
        "style": fields.word("style", ("american", "european"), "american"),
    }


def is_option(instrument: Instrument) -> bool:
    """Whether an instrument is an option."""
    return "strike" in instrument.contract


def underlying_of(world: World, instrument: Instrument) -> Instrument | None:
    """What an option is on."""
    index = instrument.contract.get("underlying")
    return None if index is None else world.instruments[index]


def is_listable(world: World, instrument: Instrument) -> bool:
    """An option is on something that is held, of its currency, in whole lots."""
    contract, base = instrument.contract, underlying_of(world, instrument)
    if not is_option(instrument):
        return contract["settlement"] == "cash"
    if base is None or base.contract or base.terms["currency"] != instrument.terms["currency"]:
        return False
    if not 1 <= contract["strike"] <= PRICE_MAX:
        return False
    wide = instrument.lot * contract["multiplier"] * 10 ** base.terms["qty_scale"]
    units, rest = divmod(wide, 10 ** (instrument.terms["qty_scale"] + 6))
    return contract["settlement"] == "cash" or (rest == 0 and units % base.lot == 0)


def has_options(world: World, instrument: Instrument) -> bool:
    """Whether options on an instrument are listed."""
    return any(
        is_option(one) and one.contract.get("underlying") == instrument.index
        for one in world.instruments
    )


def units_of(world: World, instrument: Instrument, qty: int) -> int:
    """What so many contracts deliver, within 64 bits: splits since the listing change it."""
    base = underlying_of(world, instrument)
    wide = qty * instrument.contract["multiplier"] * 10 ** base.terms["qty_scale"]
    units = clamp(divide(wide, 10 ** (instrument.terms["qty_scale"] + 6), "down"))
    for new, old in base.splits[instrument.splits_before :]:
        units = clamp(divide(units * new, old, "down"))
    return units


def changes(world: World, instrument: Instrument) -> bool:
    """Whether a corporate action works on what an option delivers."""
    base = underlying_of(world, instrument)
    return any(one.stage == "working" and one.instrument is base for one in world.actions)


# Cash accounts --------------------------------------------------------------------------------


def strike_of(instrument: Instrument, qty: int, rounding: str) -> int:
    """The strike of so many contracts."""
    return instrument.value(instrument.contract["strike"], qty, rounding)


def secured(instrument: Instrument, qty: int) -> int:
    """The cash that secures the puts that a cash account has written: their strike."""
    if instrument.contract.get("right") != "put" or qty >= 0:
        return 0
    return strike_of(instrument, -qty, "up")


def free_to_sell(world: World, account: Account, instrument: Instrument) -> int:
    """What a cash account holds and has neither promised nor locked by calls."""
    position = account.position(instrument)
    return position.qty - position.promised - locked(world, account, instrument)


def locked(world: World, account: Account, base: Instrument) -> int:
    """What the calls that an account has written, or is about to, would have to deliver."""
    total = 0
    for index, position in account.positions.items():
        instrument, short = world.instruments[index], position.promised - position.qty
        contract = instrument.contract
        if contract.get("right") == "call" and contract.get("underlying") == base.index:
            total += units_of(world, instrument, max(0, short))
    return total


def cannot_write(world: World, order: Order, free: int) -> Iterator[Failure]:
    """A cash account writes calls before stock, and one order closes or writes."""
    instrument, account = order.instrument, order.account
    asked = instrument.qty_text(order.qty)
    if free > 0:
        yield Failure("insufficient_quantity", "qty", asked, instrument.qty_text(free))
    elif instrument.contract["right"] == "call":
        base = underlying_of(world, instrument)
        there = free_to_sell(world, account, base)
        if units_of(world, instrument, order.qty) > there:
            limit = base.qty_text(max(0, there))
            yield Failure("insufficient_quantity", "qty", asked, limit)


def hold_of_write(world: World, order: Order) -> int:
    """What a cash account sets aside for the puts that an order writes."""
    if order.instrument.contract.get("right") != "put":
        return 0
    free = free_to_sell(world, order.account, order.instrument)
    written = max(0, order.qty - max(0, free))
    return min(AMOUNT_MAX, strike_of(order.instrument, written, "up"))
