"""Orders meet: executing, filling, resting, waiting, canceling, and stops that fire."""

from typing import Any

from twin import aftermath, chance, combo_life, combo_rest, notionals, trails
from twin.amounts import bounded
from twin.checks import is_due
from twin.currencies import in_own
from twin.day_trades import note_fill
from twin.fees import count_volume
from twin.ids import FILL, ORDER, make_id
from twin.lots import Booked, book_fill, change_lots
from twin.margin import borrowable, tied_up
from twin.market import BotOrder
from twin.money import fee_of, payable, reducible, release_of, signed
from twin.prices import (
    OTHER,
    Offer,
    armed,
    book,
    level_of,
    offers,
    on_offer,
    reaches,
    seen,
    street,
    waiting,
)
from twin.public_trades import print_trade
from twin.queue_ahead import come_to_rest, leave_queue
from twin.receipts import Met, Step, note_step, receipt_of
from twin.requests import remember
from twin.sessions import band_edge, link, may_trade, offers_to, seat_of
from twin.slippage import moved
from twin.state import Account, Instrument, Order, Position, World
from twin.whole import certain


def order_id(world: World, number: int) -> str:
    """The id of an order."""
    return make_id(world.name, ORDER, number)


# What happens to one order --------------------------------------------------------------------


def unlink(order: Order | BotOrder, instrument: Instrument) -> None:
    """Takes an order out of the market."""
    queue = instrument.market.queue
    if isinstance(order, Order) and any(one is order for one in queue):
        leave_queue(order)
    queue[:] = [one for one in queue if one is not order]
    if isinstance(order, Order):
        order.trail = None
        combo_rest.remove(order)


def touch(world: World, order: Order) -> None:
    """Stamps an order that has changed."""
    order.updated_ns = world.now_ns


def cancel(
    world: World, order: Order, reason: str, request: str | None = None, digest: int = 0
) -> None:
    """Cancels an open order and sets its hold free."""
    if request is not None:
        remember(world, order.account, request, digest, order.number)
    if not order.is_open:
        return
    release = order.hold
    close(world, order, "canceled", reason)
    world.emit(
        "canceled",
        order=order_id(world, order.number),
        reason=reason,
        release=release,
        request=request,
        digest=None if request is None else f"{digest:016x}",
    )
    aftermath.after_close(world, order)


def expire(world: World, order: Order) -> None:
    """Ends an order whose time is over."""
    release = order.hold
    close(world, order, "expired", "expired")
    world.emit("expired", order=order_id(world, order.number), release=release)
    aftermath.after_close(world, order)


def close(world: World, order: Order, status: str, reason: str) -> None:
    """Takes what an order held away from it, and the order out of everything open."""
    order.account.set_aside(order.instrument.currency, -order.hold)
    order.account.promise(order, -order.promised)
    order.hold = 0
    order.status, order.reason = status, reason
    touch(world, order)
    leave(world, order)


def leave(world: World, order: Order) -> None:
    """Takes a closed order out of everything open."""
    world.open = [one for one in world.open if one is not order]
    unlink(order, order.instrument)


def leave_if_due(world: World, order: Order) -> bool:
    """Closes an order that is due to leave; says whether it was."""
    why = is_due(world, order) if order.is_open else None
    if why == "kill":
        cancel(world, order, "kill_switch")
    elif why == "cancel":
        cancel(world, order, "requested")
    elif why == "expire":
        expire(world, order)
    elif why == "auction_over":
        cancel(world, order, "auction_over")
    return why is not None


def fill(
    world: World,
    order: Order,
    price: int,
    qty: int,
    liquidity: str,
    other: str,
    met: Met | None = None,
) -> None:
    """Fills one order, for the fee that is due."""
    receipt = receipt_of(world, order, (price, qty), liquidity, met or Met())
    notional = order.instrument.notional(price, qty)
    fee = fee_of(world, order, qty, notional, liquidity)
    booked = book_fill(order, qty, notional)
    deposit = tied_by(order, qty, booked.cost)
    release = release_of(world, order, price, qty, liquidity, deposit)
    enter_fill(world, order, price, qty, fee, release, liquidity, other, receipt)


def tied_by(order: Order, qty: int, cost: int) -> int:
    """How a fill changes the cash that contracts tie up."""
    account, instrument, bought = order.account, order.instrument, signed(order.side, 1)
    position = account.position(instrument)
    after = Position(qty=position.qty + bought * qty, cost=position.cost + bought * cost)
    return tied_up(account, instrument, after) - tied_up(account, instrument, position)


def enter_fill(
    world: World,
    order: Order,
    price: int,
    qty: int,
    fee: int,
    release: int,
    liquidity: str,
    other: str,
    receipt: dict[str, Any] | None = None,
) -> None:
    """Moves everything that a fill moves, and tells it."""
    instrument, account = order.instrument, order.account
    notional = instrument.notional(price, qty)
    completes = qty == order.unfilled
    was_linked = any(one is order for one in instrument.market.queue)
    position = account.own_position(instrument)
    booked = book_fill(order, qty, notional)
    cost, realized_pl = booked.cost, booked.realized_pl
    bought = signed(order.side, 1)
    deposit = tied_by(order, qty, cost)
    position.cost += bought * cost
    position.qty += bought * qty
    account.deposited += deposit
    # Only profit and loss of a margined contract move, never the notional.
    moved = realized_pl if instrument.is_margined else -bought * notional
    account.pay(instrument.currency, moved - fee)
    account.promise(order, -qty if order.promised else 0)
    position.realized_pl += realized_pl
    account.realized_pl += bounded(in_own(world, account, instrument, realized_pl))
    account.set_aside(instrument.currency, -release)
    order.hold -= release
    order.filled += qty
    order.filled_value += price * qty
    order.status = "filled" if completes else "partially_filled"
    touch(world, order)
    if all(one is None for one in instrument.mark.values()):
        instrument.mark["last"] = price
    if completes:
        leave(world, order)
    elif order.shown == 0:
        unlink(order, instrument)
    # What was only recorded counts for no tier, and was settled where it was made.
    is_here = not order.more.get("recorded")
    day = count_volume(account, instrument, world.now_ns, notional) if is_here else 0
    world.emit(
        "filled",
        fill=make_id(world.name, FILL, world.next_fill),
        order=order_id(world, order.number),
        account=account.text,
        symbol=instrument.symbol,
        side=order.side,
        price=price,
        qty=qty,
        notional=notional,
        fee=fee,
        release=release,
        cost=cost,
        realized_pl=realized_pl,
        liquidity=liquidity,
        counterparty=other,
        completes=completes,
        **({"margined": True} if instrument.is_margined else {}),
        **({"deposit": deposit} if deposit else {}),
        **({"volume_day": day} if day else {}),
        **({"receipt": receipt} if receipt else {}),
        **effects_of(world, order, booked, notional - fee),
    )
    world.next_fill += 1
    note_fill(world, account, instrument, bought * qty)
    aftermath.after_fill(world, order, qty, was_linked=was_linked)


def effects_of(world: World, order: Order, booked: Booked, proceeds: int) -> dict[str, Any]:
    """What a fill does beyond cash and position: lots, profit abroad, later settlement."""
    account, instrument = order.account, order.instrument
    effects: dict[str, Any] = {}
    if booked.lots:
        change_lots(account, instrument, booked.lots, world.next_fill, world.now_ns)
        effects["lots"] = booked.lots
    if instrument.currency != account.currency:
        effects["realized_here"] = bounded(in_own(world, account, instrument, booked.realized_pl))
    exchange = instrument.exchange
    # A margined contract brings no proceeds: only its profit moves.
    waits = not instrument.is_margined and not order.more.get("recorded")
    if order.side == "sell" and exchange.settles_after and waits:
        day = exchange.days_ended + exchange.settles_after
        key = (exchange.id, day, instrument.currency)
        account.unsettled[key] = account.unsettled.get(key, 0) + proceeds
        effects |= {"settles_day": day, "settles": proceeds}
    return {"effects": effects} if effects else {}


# An order takes what it can -------------------------------------------------------------------


def arrive(world: World, order: Order) -> None:
    """Lets an order that was just accepted wait for its stop price, or trade."""
    may_come = order.is_open and order.status != "held" and order.leaves > 0
    if not may_come or not trails.can_wait(world, order):
        return
    if order.is_combo:
        combo_life.enter(world, order)
        return
    if not order.is_armed:
        enter(world, order)
    else:
        through = price_through(world, order)
        if through is None:
            link(world, order)
        else:
            trigger(world, order, through)
    fire_stops(world, order.instrument)


def let_arrive(world: World) -> None:
    """Lets orders that came alive meet the market, as many as a turn may."""
    while world.arrivals and not world.is_full:
        order = world.arrivals.pop(0)
        if not leave_if_due(world, order):
            arrive(world, order)


def next_arrival(world: World, instrument: Instrument, account: Account) -> Order | None:
    """The next order of an account in an instrument that came alive."""
    for index, order in enumerate(world.arrivals):
        if order.is_open and order.instrument is instrument and order.account is account:
            return world.arrivals.pop(index)
    return None


def enter(world: World, order: Order) -> None:
    """Lets an order trade, then rest; what waits for liquidity may trade with the rest."""
    if may_trade(world, order.instrument) and seat_of(world, order) == "market":
        execute(world, order)
    settle(world, order)
    serve_waiting(world, order.instrument)


def execute(world: World, order: Order) -> None:
    """Lets an order take offers until there is none that it takes."""
    instrument, bound = order.instrument, order.limit_price
    if bound is None:
        bound = band_edge(instrument, order.side)
    notionals.size(world, order, None)
    if order.more.get("post_only") and any(
        reaches(order.side, order.limit_price, offer.price)
        for offer in offers(instrument, order.side)[:1]
    ):
        cancel(world, order, "would_take_liquidity")
    # What a leg gets more by trading with its own parent comes to the market later.
    until, sweep = order.filled + order.leaves, list[Step]()
    while order.is_open and order.leaves > 0 and order.filled < until:
        offer = next(iter(offers_to(instrument, order.side)), None)
        if offer is None or not reaches(order.side, bound, offer.price):
            return
        maker = offer.resting if isinstance(offer.resting, Order) else None
        if maker and (leave_if_due(world, maker) or keeps_apart(world, order, maker)):
            continue
        most = min(until - order.filled, order.leaves, offer.qty)
        at, wanted, is_part, met = terms_of_offer(world, order, offer, bound, most)
        qty = payable(world, order, at, wanted, "taker")
        if qty == 0:
            cancel(world, order, why_unpayable(world, order))
            return
        if maker is not None:
            qty = payable(world, maker, offer.price, qty, "maker")
            if qty == 0:
                cancel(world, maker, why_unpayable(world, maker))
                continue
        met.before = sweep
        trade(world, order, offer, at, qty, met)
        note_step(sweep, at, qty)
        print_trade(world, instrument, at, qty, order.side)
        if is_part:
            return


def terms_of_offer(
    world: World, order: Order, offer: Offer, bound: int | None, wanted: int
) -> tuple[int, int, bool, Met]:
    """The price of an order for an offer, how much of it, whether that is a part, and why."""
    if offer.resting is not None:
        return offer.price, wanted, False, Met(offered=offer.qty)
    part = part_of(world, order, wanted)
    wanted = wanted if part is None else part
    at, slipped, own = moved(world, order.instrument, order.side, bound, offer.price, wanted)
    met = Met(offered=offer.qty, slippage=slipped, impact=own)
    return at, wanted, part is not None, met


def part_of(world: World, order: Order, wanted: int) -> int | None:
    """The part of an offer of the street that an order gets when chance gives it only a part."""
    lots = chance.part_of_lots(world, order, wanted // order.instrument.lot)
    return None if lots is None else lots * order.instrument.lot


def why_unpayable(world: World, order: Order) -> str:
    """Why an order that can pay nothing leaves."""
    if reducible(order) == 0:
        return "would_not_reduce"
    return why_not_borrowed(world, order) or "insufficient_buying_power"


def why_not_borrowed(world: World, order: Order) -> str | None:
    """Why not even a lot of a short sale can be borrowed, if that is so."""
    account, instrument = order.account, order.instrument
    lot = min(instrument.lot, order.leaves)
    opening = lot - min(lot, account.position(instrument).closing(order.side))
    if order.side == "buy" or account.margin is None or opening == 0:
        return None
    left = borrowable(world, instrument)
    if left is None or left >= opening:
        return None
    return "borrow_unavailable" if instrument.margin["shortable"] else "not_shortable"


def keeps_apart(world: World, newest: Order, oldest: Order) -> bool:
    """Deals with two orders of one owner by the incoming one's rule; says whether it did."""
    rule = newest.more.get("self_trade", "none")
    if rule == "none" or newest.account.owner != oldest.account.owner:
        return False
    if rule == "cancel_newest":
        cancel(world, newest, "self_trade")
    elif rule == "cancel_oldest":
        cancel(world, oldest, "self_trade")
    else:
        both = min(newest.leaves, oldest.leaves)
        for order in (newest, oldest):
            sibling = world.orders.get(order.more.get("sibling"))
            for one in (order, sibling) if sibling else (order,):
                aftermath.shrink(world, one, both, "self_trade")
    return True


def trade(world: World, order: Order, offer: Offer, at: int, qty: int, met: Met) -> None:
    """Fills the order, and whoever it meets."""
    if isinstance(offer.resting, Order):
        fill(world, order, offer.price, qty, "taker", "user", met)
        fill(world, offer.resting, offer.price, qty, "maker", "user")
        return
    fill(world, order, at, qty, "taker", "house", met)
    if offer.resting is None:
        take_from_street(order.instrument, OTHER[order.side], offer.price, qty)
    else:
        reduce_bot(order.instrument, offer.resting, qty)


def take_from_street(instrument: Instrument, side: str, price: int, qty: int) -> None:
    """What is taken stays taken until its level is refreshed."""
    for level in instrument.market.street[side]:
        if level.price == price:
            level.available = max(0, level.available - qty)


def reduce_bot(instrument: Instrument, order: BotOrder, qty: int) -> None:
    """Takes a part of a bot's order; nothing is left of it when all is taken."""
    order.leaves -= qty
    if order.leaves <= 0:
        unlink(order, instrument)


def settle(world: World, order: Order) -> None:
    """What happens to the rest of an order that could not fill at once."""
    if not order.is_open or order.leaves == 0:
        return
    if order.time_in_force in {"ioc", "fok"}:
        nothing_there = order.filled == 0 and order.limit_price is None
        cancel(world, order, "no_liquidity" if nothing_there else "ioc_remainder")
    else:
        aftermath.show_whole_part(world, order)
        link(world, order)
        come_to_rest(order)


def serve_waiting(world: World, instrument: Instrument) -> None:
    """Lets orders at any price that wait take what has come since."""
    if not may_trade(world, instrument):
        return
    for side in ("buy", "sell"):
        orders = waiting(instrument, side)
        if not offers(instrument, side):
            continue
        for order in orders:
            if world.is_full:
                world.unfinished.add(instrument.index)
                return
            if order.is_open and not leave_if_due(world, order):
                execute(world, order)


def fill_resting(
    world: World, order: Order, price: int, wanted: int, met: Met | None = None
) -> int:
    """Fills a resting order against the house at its own price; gives how much."""
    if leave_if_due(world, order):
        return 0
    qty = payable(world, order, price, wanted, "maker")
    if qty == 0:
        cancel(world, order, why_unpayable(world, order))
        return 0
    fill(world, order, price, qty, "maker", "house", met)
    print_trade(world, order.instrument, price, qty, OTHER[order.side])
    return qty


# Stops ----------------------------------------------------------------------------------------


def price_through(world: World, order: Order) -> int | None:
    """The price that is through the stop price of an order that has just come."""
    if not may_trade(world, order.instrument) or seat_of(world, order) != "market":
        return None
    shown = seen(order.instrument, order.trigger, order.side)
    price = order.instrument.market.last if shown is None else shown
    return price if price is not None and is_reached(order, price) else None


def is_reached(order: Order, price: int) -> bool:
    """Whether a price reaches an order that waits for it."""
    level = level_of(order)
    return price <= level if order.is_falling else price >= level


def reached(instrument: Instrument) -> tuple[Order, int] | None:
    """The next order whose price is reached, and the price that reached it; buys first."""
    for side in ("buy", "sell"):
        for falling in (False, True):
            for source in ("bid_ask", "last", "mid"):
                waits = armed(instrument, falling=falling)
                kind = (side, source, None)
                mine = [one for one in waits if (one.side, one.trigger, one.trail) == kind]
                price = extreme(instrument, source, side, falling=falling)
                if mine and price is not None and is_reached(mine[0], price):
                    return mine[0], price
    return trails.reached(instrument)


def extreme(instrument: Instrument, source: str, side: str, *, falling: bool) -> int | None:
    """The price that reaches the most: of what is shown and of trades, which are no middle."""
    prices = [] if source == "mid" else list(instrument.market.heard)
    shown = seen(instrument, source, side)
    prices += [] if shown is None else [shown]
    return (min if falling else max)(prices, default=None)


def fire_stops(world: World, instrument: Instrument) -> None:
    """Fires stop orders, then lets risk look at what the prices have come to."""
    fire_reached(world, instrument)
    world.on_prices(world, instrument)


def fire_reached(world: World, instrument: Instrument) -> None:
    """Fires stop orders one by one: a fired order may trade and reach the next."""
    if may_trade(world, instrument):
        trails.see_quote(instrument)
    while may_trade(world, instrument):
        found = reached(instrument)
        if found is None:
            break
        if world.is_full:
            world.unfinished.add(instrument.index)
            return
        order, price = found
        if not leave_if_due(world, order):
            trigger(world, order, price)
    instrument.market.heard.clear()


def trigger(world: World, order: Order, price: int) -> None:
    """Fires one order and lets it trade."""
    fired(world, order, price)
    if order.time_in_force == "fok" and certain(world, order) < order.qty:
        cancel(world, order, "no_liquidity")
        return
    enter(world, order)


def fired(world: World, order: Order, price: int) -> None:
    """Notes that the stop price of an order was reached; its place in time is a new one."""
    trails.tell_if_moved(world, order)
    unlink(order, order.instrument)
    order.triggered = True
    order.priority = world.next_priority
    world.next_priority += 1
    touch(world, order)
    world.emit("triggered", order=order_id(world, order.number), price=price)


# The other side of the market moves -----------------------------------------------------------


def work_on(world: World, instrument: Instrument) -> None:
    """Lets everything happen that new liquidity or a new price makes possible."""
    world.unfinished.discard(instrument.index)
    combo_rest.moved(instrument)
    if may_trade(world, instrument):
        serve_waiting(world, instrument)
        uncross(world, instrument)
        cross_street(world, instrument)
    fire_stops(world, instrument)


def uncross(world: World, instrument: Instrument) -> None:
    """Resting orders that came to cross while nothing could trade: the later one takes."""
    while True:
        later = later_of_crossed(instrument)
        if later is None:
            return
        if world.is_full:
            world.unfinished.add(instrument.index)
            return
        if not leave_if_due(world, later):
            execute(world, later)


def later_of_crossed(instrument: Instrument) -> Order | None:
    """Of the best bid and ask, when they cross, the user's order that came later."""
    bids, asks = book(instrument, "buy"), book(instrument, "sell")
    if not bids or not asks or bids[0].limit_price < asks[0].limit_price:
        return None
    orders = [one for one in (bids[0], asks[0]) if isinstance(one, Order)]
    return max(orders, key=lambda one: one.priority, default=None)


def cross_street(world: World, instrument: Instrument) -> None:
    """The street trades with resting orders that it has come to cross, at their own price."""
    for side in ("buy", "sell"):
        while True:
            resting, levels = book(instrument, side), street(instrument, OTHER[side])
            if not resting or not levels or not isinstance(resting[0], Order):
                break
            order, level = resting[0], levels[0]
            if not reaches(side, order.limit_price, level.price):
                break
            if world.is_full:
                world.unfinished.add(instrument.index)
                return
            wanted = min(on_offer(order), level.available)
            met = Met("street_came", level.price)
            level.available -= fill_resting(world, order, order.limit_price, wanted, met)
