"""What follows from a fill or an end: icebergs show more, siblings shrink, legs come alive."""

from twin import combo_life, sessions, trading
from twin.amounts import divide
from twin.ids import ORDER, make_id
from twin.money import hold_at
from twin.state import Order, World


def after_fill(world: World, order: Order, qty: int, *, was_linked: bool) -> None:
    """Icebergs show their next part, siblings shrink, legs come alive."""
    if order.is_open and was_linked and order.shown == 0 and order.leaves > 0:
        replenish(world, order)
        sessions.link(world, order)
    sibling = world.orders.get(order.more.get("sibling"))
    if sibling:
        shrink(world, sibling, qty, "sibling_filled")
    for leg in legs_of(world, order):
        wake(world, leg, qty)
    if not order.is_open:
        for leg in legs_of(world, order):
            stop_waiting(world, leg)


def after_close(world: World, order: Order) -> None:
    """The end of one is the end of the other; what still waits for a parent leaves."""
    if order.is_bound:
        combo_life.leg_closed(world, order)
        return
    reason = "parent_closed" if order.reason == "parent_closed" else "sibling_closed"
    sibling = world.orders.get(order.more.get("sibling"))
    legs = legs_of(world, order)
    if sibling and order.reason != "sibling_filled":
        trading.cancel(world, sibling, reason)
    for leg in legs:
        stop_waiting(world, leg)


def legs_of(world: World, order: Order) -> list[Order]:
    """The legs of an order that are still kept."""
    return [world.orders[number] for number in order.legs if number in world.orders]


def replenish(world: World, order: Order) -> None:
    """An iceberg shows its next part, behind all orders of its price."""
    go_to_the_back(world, order)
    order.shown_from = order.filled
    world.emit("replenished", order=make_id(world.name, ORDER, order.number))


def go_to_the_back(world: World, order: Order) -> None:
    """Takes the order out of the market and gives it the next place in time."""
    trading.unlink(order, order.instrument)
    order.priority = world.next_priority
    world.next_priority += 1
    trading.touch(world, order)


def show_whole_part(world: World, order: Order) -> None:
    """An iceberg that took liquidity before it came to rest shows a whole part of the rest."""
    display = order.more.get("display_qty")
    if display is not None and order.shown < min(display, order.leaves):
        replenish(world, order)


def wake(world: World, leg: Order, qty: int) -> None:
    """More of a leg may trade, because its parent filled."""
    qty = min(qty, leg.waits)
    if not leg.is_open or qty <= 0 or leg.is_bound:
        return
    hold = hold_of_exit(leg, qty)
    promised = leg.promised
    leg.waits -= qty
    leg.account.promise(leg, leg.promised - promised)
    leg.account.set_aside(leg.instrument.currency, hold)
    leg.hold += hold
    leg.status = "partially_filled" if leg.filled else "new"
    go_to_the_back(world, leg)
    world.emit("released", order=make_id(world.name, ORDER, leg.number), qty=qty, hold=hold)
    world.arrivals.append(leg)


def hold_of_exit(leg: Order, qty: int) -> int:
    """Only the exit of a short position would need cash; no more than the account has."""
    account = leg.account
    if leg.side == "sell" or account.margin is not None:
        return 0
    at = next((one for one in (leg.limit_price, leg.stop_price) if one is not None), 0)
    return max(0, min(hold_at(leg.instrument, at, qty), account.free_cash))


def stop_waiting(world: World, leg: Order) -> None:
    """What still waits will not come; what may trade already stays."""
    if not leg.is_open or (leg.waits == 0 and not leg.is_bound):
        return
    if leg.leaves == 0 or leg.is_bound:
        trading.cancel(world, leg, "parent_closed")
    else:
        resize(world, leg, leg.qty - leg.waits, 0, 0)


def shrink(world: World, order: Order, qty: int, reason: str) -> None:
    """An order loses a part of what is not filled; it is canceled when nothing stays."""
    if not order.is_open:
        return
    rest = order.unfilled - qty
    if rest <= 0:
        trading.cancel(world, order, reason)
        return
    waits = min(order.waits, rest)
    kept_hold = divide(order.hold * (rest - waits), max(1, order.leaves), "up")
    release = order.hold - min(order.hold, kept_hold)
    resize(world, order, order.filled + rest, waits, release)


def resize(world: World, order: Order, qty: int, waits: int, release: int) -> None:
    """The order has another quantity, and gives a part of its hold back."""
    promised = order.promised
    order.qty, order.waits = qty, waits
    order.account.promise(order, order.promised - promised)
    order.account.set_aside(order.instrument.currency, -release)
    order.hold -= release
    trading.touch(world, order)
    if order.shown == 0:
        trading.unlink(order, order.instrument)
    order_id = make_id(world.name, ORDER, order.number)
    world.emit("resized", order=order_id, qty=qty, waits=waits, release=release)
