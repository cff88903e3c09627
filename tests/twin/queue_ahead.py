"""Queue position `volume_ahead`: what of the street stands before a resting order.

An order that comes to rest stands behind all that the street shows at its price. Prints there
trade what stands before it, and no more stands there than the street shows. What lies beyond the
street's levels is not known, and endless.
"""

from math import inf

from twin.prices import is_resting, reaches, shown_book, street
from twin.state import Instrument, Order


def shown(instrument: Instrument, side: str, price: int) -> float:
    """What the street shows at a price; endless when that is not known."""
    levels = street(instrument, side)
    at_price = [level.available for level in levels if level.price == price]
    if at_price:
        return at_price[0]
    return 0 if is_within(instrument, side, price) else inf


def is_within(instrument: Instrument, side: str, price: int) -> bool:
    """Whether a price is no worse than the last level that the street shows."""
    levels = street(instrument, side)
    return bool(levels) and reaches(side, price, levels[-1].price)


def come_to_rest(order: Order) -> None:
    """Notes what stands before an order that has just come to rest."""
    if order.is_armed or order.limit_price is None:
        return
    order.stood_behind = shown(order.instrument, order.side, order.limit_price)
    if order.instrument.profile["queue"] == "volume_ahead":
        stand(order)


def stand(order: Order) -> None:
    """The order stands where it stood, or behind all that is shown now."""
    if order.ahead is None:
        order.ahead = shown(order.instrument, order.side, order.limit_price)


def street_moved(orders: list[Order], instrument: Instrument, side: str) -> None:
    """The street shows new levels: no more than it shows stands before anyone."""
    for one in orders:
        here = one.instrument is instrument and one.side == side and one.ahead is not None
        if here and is_within(instrument, side, one.limit_price):
            one.ahead = min(one.ahead, shown(instrument, side, one.limit_price))


def leave_queue(order: Order) -> None:
    """An order is taken out of the book, and loses its place."""
    if is_resting(order):
        order.ahead = order.stood_behind = None


def at_the_print(instrument: Instrument, side: str, price: int) -> list[Order]:
    """The shown orders of users that rest at exactly this price, when it is the best of their side.

    What else is hidden there is not known, so no print at its price reaches a hidden order.
    """
    resting = shown_book(instrument, side)
    if not resting or resting[0].limit_price != price:
        return []
    return [one for one in resting if isinstance(one, Order) and one.limit_price == price]


def pass_queue(order: Order, printed: int) -> int:
    """Takes a print from what stands before an order; gives what of it reaches the order."""
    stand(order)
    if order.ahead == inf:
        return 0
    reaches_it = max(0, printed - order.ahead)
    order.ahead = max(0, order.ahead - printed)
    return int(reaches_it)
