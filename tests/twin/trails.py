"""Trailing stops: the stop price follows the best price seen, at a distance.

A trailing stop fires before it follows. Where it stands is kept with the market and recorded at
most once a second; after a restart the recorded place counts.
"""

from typing import Any

from twin.amounts import PRICE_MAX, divide
from twin.ids import ORDER, make_id
from twin.prices import price, seen
from twin.state import Instrument, Order, Trail, World
from twin.terms import WHOLE, kept

SECOND_NS = 10**9


def stop_behind(more: dict[str, Any], instrument: Instrument, side: str, mark: int) -> int:
    """The stop price behind a mark; a percentage is rounded up to whole ticks."""
    tick = instrument.tick
    away = more.get("trail_price")
    if away is None:
        away = divide(mark * more["trail_percent"], WHOLE * tick, "up") * tick
    return max(1, min(PRICE_MAX, mark + away if side == "buy" else mark - away))


def first_place(order: Order) -> tuple[int, int] | None:
    """Mark and stop price of a trailing stop that begins now; nothing without any price."""
    instrument = order.instrument
    shown = seen(instrument, order.trigger, order.side)
    candidates = (shown, instrument.market.last, price(instrument))
    mark = next((one for one in candidates if one is not None), None)
    if not mark:
        return None
    return mark, stop_behind(order.more, instrument, order.side, mark)


def prepare(order: Order) -> None:
    """Gives a new trailing stop its place."""
    if order.type == "trailing_stop":
        begin(order)


def begin(order: Order) -> None:
    """A new trailing stop begins where the market stands."""
    place = first_place(order)
    if place:
        stand_at(order, *place)


def stand_at(order: Order, mark: int, stop: int) -> None:
    """Notes in the terms where a trailing stop stands."""
    order.stop_price = stop
    order.more = kept({**order.more, "water_mark": mark})


def can_wait(world: World, order: Order) -> bool:
    """Lets a trailing stop that comes alive begin to trail; says whether it has a place."""
    if order.type != "trailing_stop" or not order.is_armed or "water_mark" in order.more:
        return True
    place = first_place(order)
    if place is None:
        return False
    tell(world, order, *place)
    return True


def tell(world: World, order: Order, mark: int, stop: int) -> None:
    """Records where a trailing stop stands."""
    stand_at(order, mark, stop)
    order.updated_ns = world.now_ns
    order_id = make_id(world.name, ORDER, order.number)
    world.emit("trail_moved", order=order_id, mark=mark, stop=stop)


def tell_if_moved(world: World, order: Order) -> None:
    """Records it when its stop price is another one than was recorded."""
    trail = order.trail
    if trail and trail.stop != order.stop_price:
        tell(world, order, trail.mark, trail.stop)


def place_of(order: Order) -> Trail | None:
    """Where a trailing stop stands when it is linked: where it was recorded last."""
    mark = order.more.get("water_mark")
    return Trail(mark, order.stop_price) if mark and order.is_armed else None


def keep(order: Order, new: Order) -> None:
    """New terms trail from the mark that the order has by now."""
    mark = order.trail.mark if order.trail else order.more.get("water_mark")
    if mark and order.is_armed:
        stand_at(new, mark, stop_behind(new.more, new.instrument, new.side, mark))


# Prices come ----------------------------------------------------------------------------------


def trailing(instrument: Instrument) -> list[Order]:
    """The trailing stops that stand in the market, by number."""
    linked = [one for one in instrument.market.queue if isinstance(one, Order) and one.trail]
    return sorted(linked, key=lambda order: order.number)


def see_quote(instrument: Instrument) -> None:
    """A quote fires what it reaches, then the others follow it."""
    for order in trailing(instrument):
        shown = seen(instrument, order.trigger, order.side)
        follow(order, fires=shown, moves=shown)


def hear_print(instrument: Instrument, at: int) -> None:
    """A print fires all but those that watch the middle; only those that watch trades follow."""
    for order in trailing(instrument):
        fires = None if order.trigger == "mid" else at
        follow(order, fires=fires, moves=at if order.trigger == "last" else None)


def walk_to(instrument: Instrument, at: int) -> None:
    """The path of a bar came to a price: all follow."""
    for order in trailing(instrument):
        follow(order, fires=None, moves=at)


def follow(order: Order, fires: int | None, moves: int | None) -> None:
    """One trailing stop meets a price."""
    trail, is_buy = order.trail, order.side == "buy"
    if fires is not None and (fires >= trail.stop if is_buy else fires <= trail.stop):
        trail.reached = fires
    if moves is None or trail.reached is not None:
        return
    if moves < trail.mark if is_buy else moves > trail.mark:
        trail.mark, trail.has_moved = moves, True
        trail.stop = stop_behind(order.more, order.instrument, order.side, moves)


def reached(instrument: Instrument) -> tuple[Order, int] | None:
    """The first of those whose stop was reached, and by which price."""
    fired = [one for one in trailing(instrument) if one.trail.reached is not None]
    return (fired[0], fired[0].trail.reached) if fired else None


def record(world: World) -> None:
    """Records those that moved, at most once a second and as many as a turn may."""
    if world.now_ns < world.trails_ns + SECOND_NS:
        return
    for instrument in world.instruments:
        for order in trailing(instrument):
            if not order.trail.has_moved:
                continue
            if world.is_full:
                return
            order.trail.has_moved = False
            tell_if_moved(world, order)
            world.trails_ns = world.now_ns
