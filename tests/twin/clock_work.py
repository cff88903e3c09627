"""Work that is due: orders that have to leave."""

from twin.sessions import end_of, has_ended
from twin.state import Order, World
from twin.trading import leave_if_due


def next_due(world: World) -> Order | None:
    """The next order to leave: canceled ones by account, dated ones, ended ones by exchange."""
    for account in world.accounts:
        for order in world.open_orders(account)[:1]:
            if order.number < account.cancel_below:
                return order
    return next_dated(world) or next_ended(world)


def next_dated(world: World) -> Order | None:
    """The good-till-date order whose date passed first."""
    dated = [one for one in world.open if one.time_in_force == "gtd"]
    passed = [one for one in dated if one.more["expires_ns"] <= world.dates_passed_ns]
    return min(passed, key=lambda one: (one.more["expires_ns"], one.number), default=None)


def next_ended(world: World) -> Order | None:
    """The next order whose part of the day has ended."""
    for ends in (("regular",), ("extended", "opening")):
        for exchange in world.exchanges:
            for end in ends:
                for order in world.open:
                    here = order.instrument.exchange is exchange and end_of(order) == end
                    if here and has_ended(order):
                        return order
    return None


def work_off_due(world: World) -> None:
    """Closes orders that are due, as many as a turn may."""
    while not world.is_full:
        order = next_due(world)
        if order is None:
            return
        leave_if_due(world, order)
