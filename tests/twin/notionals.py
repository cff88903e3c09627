"""Orders for an amount of money: how much they trade for it, in whole lots and never for more."""

from twin import aftermath, trading
from twin.amounts import QUANTITY_MAX, divide
from twin.options import free_to_sell
from twin.prices import offers, price
from twin.sessions import takes_part
from twin.state import Instrument, Order, World


def prepare(world: World, order: Order) -> None:
    """Gives a new order for an amount of money its quantity."""
    if "notional" in order.more:
        order.qty = first_size(world, order, order.more["notional"])


def first_size(world: World, order: Order, money: int) -> int:
    """The quantity at the limit price, or of what it would meet."""
    instrument = order.instrument
    if order.limit_price is not None:
        return lots_at(instrument, order.limit_price, money, QUANTITY_MAX)
    reference = price(instrument)
    if takes_part(world, order) and instrument.market.is_fresh:
        return lots_for(instrument, order.side, money, reference)
    return 0 if reference is None else lots_at(instrument, reference, money, QUANTITY_MAX)


def lots_at(instrument: Instrument, at: int, money: int, most: int) -> int:
    """The most whole lots that cost no more than the money."""
    most = instrument.whole_lots(most)
    if instrument.value(at, most, "up") <= money:
        return most
    lots, beyond = 0, most // instrument.lot + 1
    while beyond - lots > 1:
        middle = (lots + beyond) // 2
        fits = instrument.value(at, middle * instrument.lot, "up") <= money
        lots, beyond = (middle, beyond) if fits else (lots, middle)
    return lots * instrument.lot


def lots_for(instrument: Instrument, side: str, money: int, reference: int | None) -> int:
    """What the money trades with the offers, and beyond them at the last price."""
    total, at = 0, reference
    for offer in offers(instrument, side):
        qty = lots_at(instrument, offer.price, money, offer.qty)
        total += qty
        money -= instrument.notional(offer.price, qty)
        at = offer.price
        if qty < offer.qty:
            return total
    return total if at is None else total + lots_at(instrument, at, money, QUANTITY_MAX - total)


def size(world: World, order: Order, at: int | None) -> None:
    """A market order gets its quantity where it comes to trade; it leaves with nothing."""
    if not order.is_open or order.type != "market" or "notional" not in order.more:
        return
    instrument, money = order.instrument, money_left(order)
    if at is not None:
        lots = lots_at(instrument, at, money, QUANTITY_MAX)
    elif offers(instrument, order.side):
        lots = lots_for(instrument, order.side, money, None)
    else:
        return
    lots = min(lots, deliverable(world, order))
    if lots == 0:
        trading.cancel(world, order, "notional_too_small")
    elif order.filled + lots != order.qty:
        aftermath.resize(world, order, order.filled + lots, 0, 0)


def money_left(order: Order) -> int:
    """What the order has not yet traded for."""
    instrument = order.instrument
    units = instrument.contract.get("multiplier", 10**6)
    spent = divide(order.filled_value * units, 10**instrument.scales, "up")
    return max(0, order.more["notional"] - spent)


def deliverable(world: World, order: Order) -> int:
    """A cash account sells what it has, other orders have not promised and no call locks."""
    room = QUANTITY_MAX - order.filled
    if order.side == "buy" or order.account.margin is not None:
        return room
    free = free_to_sell(world, order.account, order.instrument) + order.promised
    return max(0, min(room, free))


def changes_size(world: World, order: Order, at: int) -> bool:
    """Gives the order its quantity at the price of an auction; says whether that changed it."""
    before = order.leaves
    size(world, order, at)
    return not order.is_open or order.leaves != before
