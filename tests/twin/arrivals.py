"""Commands arrive, and meet the market as it is then."""

from twin import combo_orders
from twin.combos import Combo
from twin.ids import ORDER, make_id
from twin.orders import cancel_below, replace_now, tell_refused
from twin.sessions import why_closed
from twin.state import Delayed, Order, Refused, World
from twin.trading import arrive, cancel, leave_if_due, touch
from twin.whole import certain


def next_arrival(world: World) -> Delayed | None:
    """The next command that has arrived."""
    arrived = [one for one in world.under_way if one.arrives_ns <= world.now_ns]
    return min(arrived, key=lambda one: (one.arrives_ns, one.number), default=None)


def release_arrivals(world: World) -> None:
    """Lets the commands that have arrived do what they are for, as many as a turn may."""
    while not world.is_full:
        delayed = next_arrival(world)
        if delayed is None:
            return
        world.under_way.remove(delayed)
        order = world.orders.get(delayed.order)
        if delayed.kind == "order" and order is not None and order.status == "pending_new":
            begin(world, order)
        named = {}
        if delayed.kind == "order":
            named = {"order": make_id(world.name, ORDER, delayed.order)}
        world.emit("arrived", arrives_ns=delayed.arrives_ns, number=delayed.number, **named)
        take_effect(world, delayed, order)


def begin(world: World, order: Order) -> None:
    """An order that was under way is new, behind all that came before."""
    order.status, order.priority = "new", world.next_priority
    world.next_priority += 1
    touch(world, order)


def take_effect(world: World, delayed: Delayed, order: Order | None) -> None:
    """What a command does when it arrives."""
    is_open = order is not None and order.is_open
    if delayed.kind == "cancel_all":
        cancel_below(world, delayed.account, delayed.below)
    elif delayed.kind == "replace":
        replace_arrives(world, delayed)
    elif is_open and delayed.kind == "cancel":
        cancel(world, order, "requested")
    elif is_open and not leave_if_due(world, order):
        order_arrives(world, order)


def order_arrives(world: World, order: Order) -> None:
    """An order comes to the market, or cannot as the market is now."""
    if why_closed(world, order):
        cancel(world, order, "market_closed")
    elif is_short_of_all(world, order):
        cancel(world, order, "would_not_fill")
    else:
        arrive(world, order)


def is_short_of_all(world: World, order: Order) -> bool:
    """Whether it is a fill-or-kill order that the book cannot fill now."""
    if order.is_combo:
        return any(combo_orders.would_not_fill(world, Combo(world, order)))
    at_once = order.time_in_force == "fok" and not order.awaits_price
    return at_once and certain(world, order) < order.qty


def replace_arrives(world: World, delayed: Delayed) -> None:
    """A replace is checked again, and refused by an event when it has become impossible."""
    try:
        replace_now(world, delayed.account, delayed.order, delayed.asked)
    except Refused as refused:
        if delayed.order in world.orders:
            tell_refused(world, delayed.order, refused)
