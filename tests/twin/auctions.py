"""Call auctions: one price for all orders that were collected.

The rules are those of the single-price auctions of the Australian Securities Exchange: maximum
volume, minimum surplus, market pressure, reference price. Here every price of interest is tried.
"""

from dataclasses import dataclass

from twin.amounts import QUANTITY_MAX
from twin.clock_work import next_due, work_off_due
from twin.market import BotOrder, Level
from twin.money import payable
from twin.notionals import changes_size
from twin.prices import best_first, book, on_offer, reaches, shown_book, street, waiting
from twin.public_trades import print_trade
from twin.receipts import Met
from twin.sessions import (
    EXTENDED,
    band_of,
    last_price,
    phase,
    relink,
    set_marks,
    tick_down,
    tick_up,
    wake,
)
from twin.state import Crossing, Exchange, Instrument, Order, World
from twin.trading import cancel, fill, reduce_bot, take_from_street, why_unpayable


@dataclass
class Found:
    """What an auction would do."""

    price: int
    qty: int
    imbalance: int
    side: str | None


# The price ------------------------------------------------------------------------------------


def wishes(
    instrument: Instrument, auction: str, side: str, *, seen_only: bool
) -> list[tuple[int | None, int]]:
    """What a side wants: limit price (nothing: any) and quantity."""
    orders = waiting(instrument, side) + parked(instrument, auction, side)
    wanted = [(one.limit_price, one.leaves) for one in orders]
    if seen_only:
        wanted += [(one.limit_price, on_offer(one)) for one in shown_book(instrument, side)]
    else:
        wanted += [(one.limit_price, one.leaves) for one in book(instrument, side)]
    return wanted + [(level.price, level.available) for level in street(instrument, side)]


def parked(instrument: Instrument, auction: str, side: str) -> list[Order]:
    """Orders for this auction only: any price first, then better limits, then by time."""
    queue = [one for one in instrument.market.queue if isinstance(one, Order)]
    mine = [one for one in queue if one.side == side and one.seat == auction]

    def rank(order: Order) -> tuple[bool, int, int]:
        limit = order.limit_price
        return (
            limit is not None,
            0 if limit is None else best_first(side, limit),
            order.priority,
        )

    return sorted(mine, key=rank)


def uncross(instrument: Instrument, auction: str, *, seen_only: bool = False) -> Found | None:
    """The price at which the auction would trade, or nothing; `seen_only` for those who look on."""
    buys = wishes(instrument, auction, "buy", seen_only=seen_only)
    sells = wishes(instrument, auction, "sell", seen_only=seen_only)
    reference, band = last_price(instrument), band_of(instrument)
    limits = sorted({limit for limit, _ in buys + sells if limit is not None})

    def volumes(at: int) -> tuple[int, int]:
        bought = sum(qty for limit, qty in buys if limit is None or limit >= at)
        return bought, sum(qty for limit, qty in sells if limit is None or limit <= at)

    if not limits and reference is not None:
        stretches = [(reference, reference)]
    else:
        stretches = cut(instrument, limits, band)
    # Within a stretch both sides want the same at every price.
    told = [(low, high, *volumes(low)) for low, high in stretches]
    most = max((min(bought, sold) for _, _, bought, sold in told), default=0)
    if most == 0:
        return None
    best = [one for one in told if min(one[2], one[3]) == most]
    least = min(abs(bought - sold) for _, _, bought, sold in best)
    left = [one for one in best if abs(one[2] - one[3]) == least]
    at = choose(instrument, left, reference)
    surplus = next(one[2] - one[3] for one in left if one[0] <= at <= one[1])
    side = None if surplus == 0 else "buy" if surplus > 0 else "sell"
    return Found(at, min(most, QUANTITY_MAX), min(least, QUANTITY_MAX), side)


def cut(
    instrument: Instrument, limits: list[int], band: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Each limit price, and the prices of the grid between it and the next; within the band."""
    found = []
    for at, following in zip(limits, [*limits[1:], None], strict=False):
        found.append((at, at))
        if following is not None:
            found.append((tick_up(instrument, at + 1), tick_down(instrument, following - 1)))
    if band:
        least, most = band
        found = [
            (
                tick_up(instrument, least) if low < least else low,
                tick_down(instrument, most) if high > most else high,
            )
            for low, high in found
        ]
    return [(low, high) for low, high in found if low <= high]


def choose(
    instrument: Instrument, left: list[tuple[int, int, int, int]], reference: int | None
) -> int:
    """Market pressure, then the reference price."""
    surpluses = [bought - sold for _, _, bought, sold in left]
    if all(surplus > 0 for surplus in surpluses):
        return left[-1][1]
    if reference is None or all(surplus < 0 for surplus in surpluses):
        return left[0][0]
    near = [nearest(instrument, low, high, reference) for low, high, *_ in left]
    return min(near, key=lambda at: abs(at - reference))


def nearest(instrument: Instrument, low: int, high: int, reference: int) -> int:
    """The price of a stretch that is nearest to the reference; of two the lower."""
    if reference <= low or reference >= high:
        return low if reference <= low else high
    down, up = tick_down(instrument, reference), tick_up(instrument, reference)
    return max(down, low) if reference - down <= up - reference else min(up, high)


# The trades -----------------------------------------------------------------------------------


def cross_auctions(world: World) -> None:
    """Uncrosses the auctions that were left, as much as the turn may."""
    while world.crossings:
        crossing = world.crossings[0]
        start = crossing.next
        # Orders that are due to leave take no part, so they go first.
        work_off_due(world)
        if next_due(world):
            return
        stopped = cross_from(world, crossing)
        if stopped:
            crossing.next, left = stopped
            crossing.price = (crossing.price[0], left) if crossing.price and left else None
            world.emit("crossing_moved", next=crossing.next, left=left)
            release_after(world, crossing.exchange, range(start, crossing.next))
            return
        world.crossings.pop(0)
        set_marks(crossing.exchange, crossing.marks)
        world.emit("crossing_ended")
        release_after(world, crossing.exchange, range(start, crossing.end))


def cross_from(world: World, crossing: Crossing) -> tuple[int, int] | None:
    """Crosses one instrument after the other; says where the full turn stopped it."""
    begun, here = crossing.price, range(crossing.next, crossing.end)
    for index in here:
        price, begun = begun, None
        instrument = world.instruments[index]
        collects = phase(world, instrument) == f"auction {crossing.auction}"
        if (
            instrument.exchange is not crossing.exchange
            or not collects
            or not instrument.market.is_fresh
        ):
            continue
        if world.is_full:
            return index, 0
        price = price or find_price(world, crossing, instrument)
        if price is None:
            continue
        left = cross(world, crossing.auction, instrument, *price)
        if left > 0:
            return index, left
    return None


def find_price(world: World, crossing: Crossing, instrument: Instrument) -> tuple[int, int] | None:
    """Decides the price of an instrument's auction and tells it."""
    found = uncross(instrument, crossing.auction)
    if found and size_for(world, instrument, crossing.auction, found.price):
        found = uncross(instrument, crossing.auction)
    if found is None:
        return None
    crossing.next, crossing.price = instrument.index, (found.price, found.qty)
    world.emit(
        "auction_crossed",
        symbol=instrument.symbol,
        auction=crossing.auction,
        price=found.price,
        qty=found.qty,
        imbalance=found.imbalance,
        side=found.side,
    )
    return crossing.price


def size_for(world: World, instrument: Instrument, auction: str, price: int) -> bool:
    """Orders for an amount of money get their quantity; says whether that changed any."""
    sides = ("buy", "sell")
    orders = [
        one
        for side in sides
        for one in waiting(instrument, side) + parked(instrument, auction, side)
        if "notional" in one.more
    ]
    changed = [not world.is_full and changes_size(world, one, price) for one in orders]
    return any(changed)


def cross(world: World, auction: str, instrument: Instrument, price: int, qty: int) -> int:
    """Trades at the price until nothing or nobody is left, or the turn is full."""
    left, traded = qty, 0
    while left > 0 and not world.is_full:
        buy = next_taker(instrument, auction, "buy", price)
        sell = next_taker(instrument, auction, "sell", price)
        if buy is None or sell is None:
            left = 0
            break
        paired = pair(world, instrument, price, (buy, sell), left)
        left, traded = left - paired, traded + paired
    if traded > 0:
        print_trade(world, instrument, price, traded, None)
    return left


Taker = Order | BotOrder | Level


def next_taker(instrument: Instrument, auction: str, side: str, price: int) -> Taker | None:
    """Who trades next on a side: any price first, then better prices, the street first."""
    mine = parked(instrument, auction, side)[:1]
    at_any = waiting(instrument, side)[:1] + [one for one in mine if one.limit_price is None]
    if at_any:
        return min(at_any, key=lambda order: order.priority)
    best: Taker | None = next(iter(book(instrument, side)), None)
    for order in mine:
        if best is None or comes_first(side, order, best):
            best = order
    limit = None if best is None else best.limit_price
    for level in street(instrument, side)[:1]:
        if limit is None or best_first(side, level.price) <= best_first(side, limit):
            best, limit = level, level.price
    return best if best is not None and reaches(side, limit, price) else None


def comes_first(side: str, order: Order, best: Order | BotOrder) -> bool:
    """Whether an order that is for the auction only comes before the best of the book."""
    mine, other = best_first(side, order.limit_price), best_first(side, best.limit_price)
    if mine != other:
        return mine < other
    return isinstance(best, Order) and order.priority < best.priority


def pair(
    world: World, instrument: Instrument, price: int, sides: tuple[Taker, Taker], left: int
) -> int:
    """Lets two sides trade; gives how much. One that cannot pay leaves instead."""
    qty = min(left, *(one.available if isinstance(one, Level) else one.leaves for one in sides))
    users = [one for one in sides if isinstance(one, Order)]
    for order in users:
        if "notional" in order.more and changes_size(world, order, price):
            return 0
        qty = payable(world, order, price, qty, "maker")
        if qty == 0:
            cancel(world, order, why_unpayable(world, order))
            return 0
    other = "user" if len(users) == 2 else "house"
    for side, one in zip(("buy", "sell"), sides, strict=True):
        if isinstance(one, Order):
            fill(world, one, price, qty, "maker", other, Met("auction"))
        elif isinstance(one, BotOrder):
            reduce_bot(instrument, one, qty)
        else:
            take_from_street(instrument, side, one.price, qty)
    return qty


def release_after(world: World, exchange: Exchange, instruments: range) -> None:
    """Lets trading go on where an auction is done: late orders come to their places first."""
    if exchange.state in EXTENDED:
        relink(world, exchange)
    for index in instruments:
        wake(world, world.instruments[index])
    release(world, exchange, instruments)


def release(world: World, exchange: Exchange, instruments: range) -> None:
    """Matching goes on in instruments of an exchange, now or in a later turn."""
    for index in instruments:
        if world.instruments[index].exchange is exchange:
            world.unfinished.add(index)
