"""What things cost: holds, what an account can pay, what a fill moves."""

from collections.abc import Callable

from twin import spreads
from twin.amounts import AMOUNT_MAX, QUANTITY_MAX, clamp, divide
from twin.fees import fee, fee_of_hold
from twin.margin import borrowable, initial_of, power_for
from twin.options import is_option, secured
from twin.prices import price as price_now
from twin.state import Instrument, Order, Position, World


def fee_of(
    world: World,
    order: Order,
    qty: int,
    notional: int,
    liquidity: str,
    before: tuple[int, int] | None = None,
) -> int:
    """The fee of a fill of an order that has filled so much before."""
    earlier = (order.filled, order.filled_value) if before is None else before
    traded = (qty, notional)
    return fee(
        order.instrument, order.account, order.side, liquidity, traded, earlier, world.now_ns
    )


def hold_at(instrument: Instrument, price: int, qty: int) -> int:
    """The cash that a buy at this price sets aside."""
    value = min(instrument.value(price, qty, "up"), AMOUNT_MAX)
    return clamp(min(value + fee_of_hold(instrument, qty, clamp(value)), AMOUNT_MAX))


def margin_hold(world: World, order: Order, qty: int, value: int, own: int) -> int:
    """What an order on margin sets aside: the requirement of what it would open, and the fee."""
    account, instrument = order.account, order.instrument
    position = account.position(instrument)
    opening = qty - min(qty, position.free_to_close(order.side, own))
    need = 0
    if opening:
        share = divide(value * opening, qty, "up")
        change = (instrument, signed(order.side, opening))
        if is_option(instrument):
            need = spreads.hold_of(world, account, change, share, price_now)
        else:
            need = initial_of(account.margin, *change, share)
    held = fee_of_hold(instrument, qty, clamp(min(value, AMOUNT_MAX)))
    return clamp(min(need + held, AMOUNT_MAX))


def signed(side: str, qty: int) -> int:
    """A quantity as the change of a position."""
    return qty if side == "buy" else -qty


def spent_by(world: World, order: Order, price: int, qty: int, liquidity: str) -> int:
    """What a fill takes of the account's power: cash, or on margin what it opens requires."""
    instrument, margin = order.instrument, order.account.margin
    notional = instrument.notional(price, qty)
    paid = fee_of(world, order, qty, notional, liquidity)
    if margin is None:
        return notional + paid
    opening = qty - min(qty, order.account.position(instrument).closing(order.side))
    if opening == 0:
        return 0
    value = instrument.value(price, opening, "up")
    return initial_of(margin, instrument, signed(order.side, opening), value) + paid


def reducible(order: Order) -> int | None:
    """What a reduce-only order can still close; nothing for other orders."""
    if not order.only_closes:
        return None
    return order.account.position(order.instrument).closing(order.side)


def payable(
    world: World, order: Order, price: int, wanted: int, liquidity: str, held: int = 0
) -> int:
    """How much of `wanted` the account can pay at this price: all of it, or whole lots; `held`:
    what other orders hold for a part of it."""
    instrument, account = order.instrument, order.account
    most = reducible(order)
    wanted = wanted if most is None else min(wanted, instrument.whole_lots(most))
    value = instrument.value(price, wanted, "up")
    if value > AMOUNT_MAX:
        wanted = instrument.whole_lots(clamp(wanted // (value // AMOUNT_MAX + 1)))
    if order.side == "sell" and account.margin is None:
        return writable(world, order, price, wanted, liquidity, held)
    position, sign = account.position(instrument), signed(order.side, 1)
    wanted = min(wanted, instrument.whole_lots(QUANTITY_MAX - sign * position.qty))
    power = power_for(world, account, instrument) + order.hold + held
    room = AMOUNT_MAX - sign * position.cost
    left = borrowable(world, instrument) if order.side == "sell" else None

    def fits(qty: int) -> bool:
        if left is not None and qty - min(qty, position.closing("sell")) > left:
            return False
        need = spent_by(world, order, price, qty, liquidity)
        if account.margin is None:
            return need <= min(power, room)
        return need == 0 or (need <= power and instrument.notional(price, qty) <= room)

    return most_lots(instrument, wanted, fits)


def writable(world: World, order: Order, price: int, wanted: int, liquidity: str, held: int) -> int:
    """A sell of a cash account that comes to write puts needs the cash of their strike."""
    instrument, position = order.instrument, order.account.position(order.instrument)
    if not is_option(instrument) or wanted <= position.closing("sell"):
        return wanted
    power = power_for(world, order.account, instrument) + order.hold + held

    def fits(qty: int) -> bool:
        tied = secured(instrument, position.qty - qty) - secured(instrument, position.qty)
        notional = instrument.notional(price, qty)
        needed = tied + fee_of(world, order, qty, notional, liquidity) - notional
        return tied <= 0 or needed <= power

    return most_lots(instrument, wanted, fits)


def most_lots(instrument: Instrument, wanted: int, fits: Callable[[int], bool]) -> int:
    """All that is wanted, or the most lots that fit."""
    if fits(wanted):
        return wanted
    # The most lots that fit. What they need only grows with the quantity, so halving finds them.
    lots, beyond = 0, wanted // instrument.lot + 1
    while beyond - lots > 1:
        middle = (lots + beyond) // 2
        lots, beyond = (middle, beyond) if fits(middle * instrument.lot) else (lots, middle)
    return lots * instrument.lot


def release_of(
    world: World, order: Order, price: int, qty: int, liquidity: str, deposit: int
) -> int:
    """What a fill sets free of the order's hold; `deposit`: what it ties up besides."""
    if qty == order.unfilled:
        return order.hold
    account, rest = order.account, order.leaves - qty
    if order.side == "buy" and order.limit_price is not None and account.margin is None:
        kept = hold_at(order.instrument, order.limit_price, rest)
    else:
        kept = divide(order.hold * rest, order.leaves, "up")
    if order.side == "sell" and account.margin is None and is_option(order.instrument):
        notional = order.instrument.notional(price, qty)
        spent = deposit + fee_of(world, order, qty, notional, liquidity) - notional
    else:
        spent = spent_by(world, order, price, qty, liquidity)
    needed = spent - power_for(world, account, order.instrument)
    return max(0, min(order.hold, max(order.hold - kept, needed)))


def cost_of(position: Position, side: str, qty: int, notional: int) -> tuple[int, int]:
    """Cost that a fill adds (buy) or removes (sell), and the profit of what it closes.

    What crosses zero closes first, at its share of the notional, and opens the rest.
    """
    closing = min(qty, position.closing(side))
    if closing == 0:
        return notional, 0
    closed = share_of(notional, closing, qty)
    share = share_of(abs(position.cost), closing, abs(position.qty))
    profit = closed - share if side == "sell" else share - closed
    return share + notional - closed, profit


def share_of(total: int, part: int, whole: int) -> int:
    """A share of a sum, half-even."""
    return clamp(divide(total * part, whole, "half_even"))
