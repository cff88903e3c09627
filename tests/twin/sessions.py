"""The parts of an exchange's day, halts, price bands and tick tables."""

from collections.abc import Iterable
from typing import Any

from twin import combo_rest, trails
from twin.accruals import count_day
from twin.amounts import PRICE_MAX, RATE_SCALE
from twin.fields import is_name
from twin.prices import OTHER, Offer, live_mark, offers, price_of_mark, reaches, waiting
from twin.queue_ahead import leave_queue
from twin.state import Crossing, Exchange, Instrument, Order, World, malformed

REGULAR = ("open", "auction")
EXTENDED = ("pre_market", "post_market")
MATCHING = ("continuous", "extended")
Marks = dict[str, int]


def crossing_of(world: World, instrument: Instrument) -> Crossing | None:
    """The auction that was left and still has to trade in this instrument."""
    for crossing in world.crossings:
        here = crossing.exchange is instrument.exchange
        if here and crossing.next <= instrument.index < crossing.end:
            return crossing
    return None


def phase(world: World, instrument: Instrument) -> str:
    """`halted`, `closed`, `extended`, `continuous`, or the kind of the auction that collects."""
    exchange = instrument.exchange
    halts = [halt for halt in (instrument.halt, exchange.halt) if halt]
    if any(not halt["is_auction"] for halt in halts):
        return "halted"
    crossing = crossing_of(world, instrument)
    if crossing:
        return f"auction {crossing.auction}"
    if exchange.state == "closed":
        return "closed"
    if exchange.state == "auction":
        return f"auction {exchange.auction}"
    if halts:
        return "auction halt"
    return "continuous" if exchange.state == "open" else "extended"


def seat_of(world: World, order: Order) -> str:
    """Where an open order waits: `market`, for an auction (`open`, `close`), or `idle`."""
    if order.auction:
        return order.auction
    crossing = crossing_of(world, order.instrument)
    if crossing:
        sleeps = order.priority >= crossing.below
    else:
        sleeps = order.instrument.exchange.state in EXTENDED and not order.extended_hours
    return "idle" if sleeps else "market"


def may_trade(world: World, instrument: Instrument) -> bool:
    """Whether orders meet one by one now: fresh prices, no closed exchange, halt or auction."""
    stands_still = any(
        action.stage == "working" and action.instrument is instrument for action in world.actions
    )
    stands_still = stands_still or is_over(world, instrument)
    is_open = phase(world, instrument) in MATCHING
    return instrument.market.is_fresh and is_open and not stands_still


def is_over(world: World, instrument: Instrument) -> bool:
    """Whether a contract has reached its end."""
    return 0 < instrument.contract.get("expiry_ns", 0) <= world.now_ns


# Where orders stand ---------------------------------------------------------------------------


def link(world: World, order: Order) -> None:
    """Puts an open order where it waits, rests, is armed, or sleeps."""
    queue = order.instrument.market.queue
    if order.is_combo and order.status != "pending_new":
        combo_rest.add(world, order)
    if order.is_combo or order.is_bound:
        return
    has_no_price = order.is_armed and order.stop_price is None
    waits = order.leaves == 0 or order.status in {"held", "pending_new"} or has_no_price
    if waits or any(one is order for one in queue):
        return
    order.seat = seat_of(world, order)
    order.trail = trails.place_of(order) if order.seat == "market" else None
    queue.append(order)
    if order.seat == "market":
        combo_rest.moved(order.instrument)


def link_again(world: World, orders: Iterable[Order]) -> None:
    """Takes orders out and links them by place in time."""
    orders = sorted(orders, key=lambda order: order.priority)
    for order in orders:
        queue = order.instrument.market.queue
        if any(one is order for one in queue):
            leave_queue(order)
        queue[:] = [one for one in queue if one is not order]
        order.trail = None
        combo_rest.remove(order)
    for order in orders:
        link(world, order)


def relink(world: World, exchange: Exchange) -> None:
    """Orders that slept come back among those that did not, behind bots of the same price."""
    link_again(world, [one for one in world.open if one.instrument.exchange is exchange])


def wake(world: World, instrument: Instrument) -> None:
    """Links the orders of an instrument that sleep."""
    queue = instrument.market.queue
    link_again(world, [one for one in queue if isinstance(one, Order) and one.seat == "idle"])


# Prices that are allowed ----------------------------------------------------------------------


def tick_at(instrument: Instrument, price: int) -> int:
    """The price step at a price."""
    rows = instrument.rules.get("tick_table", [])
    return next((step for start, step in reversed(rows) if start <= price), instrument.tick)


def tick_down(instrument: Instrument, price: int) -> int:
    """The highest price of the grid that is not above a price."""
    return price - price % tick_at(instrument, price)


def tick_up(instrument: Instrument, price: int) -> int:
    """The lowest price of the grid that is not below a price."""
    down = tick_down(instrument, price)
    return price if down == price else down + tick_at(instrument, price)


def table_is_fine(table: list[list[int]], tick: int) -> bool:
    """Whether a tick table rises and its prices lie on the steps around them."""
    before, step_before = 0, tick
    for start, step in table:
        if step <= 0 or step % tick != 0:
            return False
        if start <= before or start > PRICE_MAX or start % step or start % step_before:
            return False
        before, step_before = start, step
    return True


def last_price(instrument: Instrument) -> int | None:
    """The last trade, live or as recorded, else the price that stands for the instrument."""
    live, mark = instrument.market.last, instrument.mark
    prices = (live, mark["last"], price_of_mark(live_mark(instrument)), price_of_mark(mark))
    return next((price for price in prices if price is not None), None)


def band_of(instrument: Instrument) -> tuple[int, int] | None:
    """The lowest and highest price that is allowed; nothing where no rule sets a band."""
    share = instrument.rules.get("band", 0) or instrument.exchange.rules.get("band", 0)
    reference = instrument.market.band_reference
    if reference is None:
        reference = last_price(instrument)
    if share == 0 or reference is None:
        return None
    width = reference * share // 10**RATE_SCALE
    return max(1, reference - width), min(PRICE_MAX, reference + width)


def band_edge(instrument: Instrument, side: str) -> int | None:
    """The worst price that a market order may take."""
    band = band_of(instrument)
    return band and band[1 if side == "buy" else 0]


def offers_to(instrument: Instrument, side: str) -> list[Offer]:
    """What an order that comes meets: who waits at any price first, at the best price there."""
    there, found = OTHER[side], offers(instrument, side)
    if not found:
        return []
    price = found[0].price
    first = [
        Offer(price, order.leaves, order)
        for order in waiting(instrument, there)
        if "notional" not in order.more
        and order.leaves > 0
        and reaches(there, band_edge(instrument, there), price)
    ]
    return first + found


# What ends orders -----------------------------------------------------------------------------


def end_of(order: Order) -> str | None:
    """The part of the day that ends an order: `regular`, `extended`, `opening`, or nothing."""
    if order.auction:
        return "opening" if order.auction == "open" else "regular"
    if order.time_in_force != "day":
        return None
    return "extended" if order.extended_hours else "regular"


def has_ended(order: Order) -> bool:
    """Whether that part has ended."""
    end = end_of(order)
    return end is not None and order.number < order.instrument.exchange.marks[end]


def set_marks(exchange: Exchange, marks: Marks) -> None:
    """Orders below these numbers are past their time; marks never fall."""
    for end, below in marks.items():
        exchange.marks[end] = max(exchange.marks[end], below)


def marks_after(exchange: Exchange, state: str, auction: str | None, below: int) -> Marks:
    """The marks after a change to this part of the day; `below` is the next order."""
    old, marks = exchange.state, dict(exchange.marks)
    if old in REGULAR and state not in REGULAR:
        marks["regular"] = below
    closes = state == "closed" != old
    if closes or old == "post_market" != state:
        marks["extended"] = below
    leaves_opening = exchange.auction == "open" != auction
    if leaves_opening or state == "open" != old:
        marks["opening"] = below
    return marks


# Commands -------------------------------------------------------------------------------------


def change(world: World, exchange: Exchange, asked: dict[str, Any]) -> bool:
    """An exchange enters another part of its day; says whether it was not in it before."""
    if (asked["auction"] is not None) != (asked["state"] == "auction"):
        raise malformed("auction")
    if exchange.has_sessions and all(getattr(exchange, k) == v for k, v in asked.items()):
        return False
    marks = marks_after(exchange, asked["state"], asked["auction"], world.next_order)
    left = exchange.auction if asked["state"] != "auction" else None
    was_extended, was_closed = exchange.state in EXTENDED, exchange.state == "closed"
    if exchange.state in REGULAR and asked["state"] in {"post_market", "closed"}:
        futures_settle(world, exchange)
        count_day(exchange)
    exchange.has_sessions = True
    exchange.opened_ns = world.now_ns if asked["state"] == "open" else exchange.opened_ns
    for name, value in asked.items():
        setattr(exchange, name, value)
    if left:
        begin_crossing(world, left, exchange, range(len(world.instruments)), marks)
    else:
        set_marks(exchange, marks)
    rarer = {
        "auction": exchange.auction,
        "next_open_ns": exchange.next_open_ns,
        "extended_below": marks["extended"],
        "opening_below": marks["opening"],
    }
    world.emit(
        "session_changed",
        exchange=exchange.id,
        state=exchange.state,
        next_ns=exchange.next_ns,
        below=marks["regular"],
        **{name: value for name, value in rarer.items() if value},
    )
    if was_extended != (exchange.state in EXTENDED):
        relink(world, exchange)
    if was_closed != (exchange.state == "closed"):
        pass_night(world, exchange, is_over=was_closed)
    return True


def pass_night(world: World, exchange: Exchange, *, is_over: bool) -> None:
    """What the street said before the exchange closed is no offer after the night."""
    for instrument in world.instruments:
        market = instrument.market
        if instrument.exchange is not exchange or instrument.terms["source"] != "street":
            continue
        if is_over and market.is_of_yesterday:
            market.street = {"buy": [], "sell": []}
        market.is_of_yesterday = not is_over


def futures_settle(world: World, exchange: Exchange) -> None:
    """The day of an exchange ended: its futures that somebody holds settle."""
    for instrument in world.instruments:
        is_future = instrument.is_margined and instrument.contract.get("expiry_ns", 0)
        held = any(account.position(instrument).qty for account in world.accounts)
        if instrument.exchange is exchange and is_future and held and not instrument.ended:
            instrument.settles = True


def begin_crossing(
    world: World, auction: str, exchange: Exchange, instruments: range, marks: Marks
) -> None:
    """An auction that was left has to trade, instrument by instrument."""
    world.crossings.append(
        Crossing(auction, exchange, instruments.start, instruments.stop, world.next_priority, marks)
    )


def halt(world: World, scope: Exchange | Instrument, reason: str) -> str:
    """Stops trading; a new halt takes the place of one that lasts."""
    if not is_name(reason):
        raise malformed("reason")
    if scope.halt == {"reason": reason, "is_auction": False}:
        return "existing"
    scope.halt = {"reason": reason, "is_auction": False}
    world.emit("halted", **scope_on_tape(scope), reason=reason)
    return "ok"


def resume(world: World, scope: Exchange | Instrument, wants: bool | None) -> bool:
    """Ends a halt (true), or lets it come to its auction."""
    if scope.halt is None:
        raise malformed("exchange" if isinstance(scope, Exchange) else "symbol")
    exchange = scope if isinstance(scope, Exchange) else scope.exchange
    if wants is None:
        wants = exchange.rules.get("halt_auction", False)
    auction = wants and not scope.halt["is_auction"]
    was_auction = scope.halt["is_auction"]
    scope.halt = {**scope.halt, "is_auction": True} if auction else None
    if was_auction and not auction:
        everywhere = range(len(world.instruments))
        here = everywhere if scope is exchange else range(scope.index, scope.index + 1)
        nothing = dict.fromkeys(("regular", "extended", "opening"), 0)
        begin_crossing(world, "halt", exchange, here, nothing)
    world.emit("resumed", **scope_on_tape(scope), auction=auction)
    return not auction


def scope_on_tape(scope: Exchange | Instrument) -> dict[str, str]:
    """What a halt is about."""
    return {"exchange": scope.id} if isinstance(scope, Exchange) else {"symbol": scope.symbol}


# Checks ---------------------------------------------------------------------------------------


def check_hours(order: Order) -> None:
    """Whether an order of this type can be for an auction or for extended hours at all."""
    wrong = "invalid_time_in_force"
    if order.auction and order.type not in {"market", "limit"}:
        raise malformed("time_in_force", wrong)
    waits = order.type == "limit" and order.time_in_force in {"day", "gtc", "gtd"}
    if order.extended_hours and not waits:
        raise malformed("extended_hours", wrong)
    closed = order.more.get("when_closed")
    never_waits = closed == "wait" and order.time_in_force not in {"day", "gtc", "gtd"}
    if never_waits or (closed == "refuse" and order.auction):
        raise malformed("when_closed", wrong)


def takes_part(world: World, order: Order) -> bool:
    """Whether the order would meet others at once in this part of the day."""
    now = phase(world, order.instrument)
    if now == "continuous":
        return not order.auction
    return now == "extended" and order.extended_hours


def why_closed(world: World, order: Order) -> tuple[str, str | None, int | None] | None:
    """Why an order can neither trade nor wait: reason, field, when the exchange opens."""
    exchange = order.instrument.exchange
    if order.auction:
        return why_no_auction(order)
    now = phase(world, order.instrument)
    at_once = order.time_in_force in {"ioc", "fok"}
    refuses = at_once or order.more.get("when_closed") == "refuse"
    if now == "halted":
        return ("halted", None, None) if refuses else None
    if now.startswith("auction"):
        return ("market_closed", None, None) if refuses else None
    refused = {"continuous": False, "closed": refuses}
    if refused.get(now, refuses and not order.extended_hours):
        return "market_closed", None, next_open(exchange)
    return None


def why_no_auction(order: Order) -> tuple[str, str, int | None] | None:
    """Why the auction that an order is for does not come."""
    exchange = order.instrument.exchange
    if not exchange.has_sessions:
        return "no_auction", "time_in_force", None
    collects_open = exchange.state == "auction" and exchange.auction == "open"
    is_over = exchange.state in REGULAR and not collects_open
    if order.auction == "open" and is_over:
        return "auction_over", "time_in_force", exchange.next_open_ns or None
    return None


def next_open(exchange: Exchange) -> int | None:
    """When the regular hours begin next, as far as it was told."""
    told = exchange.next_open_ns
    if told == 0 and exchange.state == "closed":
        told = exchange.next_ns
    return told if exchange.state != "open" and told > 0 else None
