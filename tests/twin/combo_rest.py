"""Multi-leg orders that rest: beside the books, found by the instruments that they trade.

When the market of an instrument moves, the orders on it are looked at, the earliest first. A round
that was not finished goes on where it stood in the next turn.
"""

from dataclasses import dataclass

from twin.state import Instrument, Order, World


@dataclass
class Round:
    """A round over the orders on one instrument: from which place in time, how many are left."""

    start: int
    left: int


def add(world: World, order: Order) -> None:
    """Puts an order beside the books of its legs."""
    remove(order)
    order.rests_at = order.priority
    order.rests_in = [world.instruments[leg["instrument"]].market for leg in order.more["legs"]]
    for market in order.rests_in:
        market.combos[order.rests_at] = order


def remove(order: Order) -> None:
    """Takes an order away; one that does not rest changes nothing."""
    for market in order.rests_in:
        market.combos.pop(order.rests_at, None)
        if not market.combos:
            market.round = None
    order.rests_in = []


def moved(instrument: Instrument) -> None:
    """Notes that the market of an instrument moved: all orders on it are to be looked at."""
    market = instrument.market
    if market.combos:
        market.round = market.round or Round(0, 0)
        market.round.left = len(market.combos)


def are_due(world: World) -> bool:
    """Whether orders are still to be looked at."""
    return any(instrument.market.round for instrument in world.instruments)


def next_of(world: World) -> Order | None:
    """The next order that is to be looked at."""
    for market in (instrument.market for instrument in world.instruments):
        going = market.round
        if going is None:
            continue
        if going.left == 0:
            market.round = None
            continue
        places = sorted(market.combos)
        place = next((one for one in places if one >= going.start), places[0])
        going.start, going.left = place + 1, going.left - 1
        return market.combos[place]
    return None
