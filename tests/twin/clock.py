"""Time: the end of days, sessions, marks, and work that is due."""

from twin.checks import is_due
from twin.prices import live_mark, price_of_mark
from twin.state import Exchange, Instrument, Order, World
from twin.trading import leave_if_due, work_on

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS


def next_midnight(time_ns: int) -> int:
    """The first 00:00 UTC after a time."""
    return (time_ns // DAY_NS + 1) * DAY_NS


def end_days(world: World) -> None:
    """Ends the day of every always-open exchange whose day is over."""
    for exchange in world.exchanges:
        if not exchange.has_sessions and exchange.next_ns <= world.now_ns:
            exchange.expire_below = world.next_order
            exchange.next_ns = next_midnight(world.now_ns)
            world.emit(
                "day_ended",
                exchange=exchange.id,
                below=exchange.expire_below,
                next_ns=exchange.next_ns,
            )


def time(world: World) -> None:
    """Due orders leave, matching that stopped goes on, prices are marked."""
    work_off_due(world)
    for index in sorted(world.unfinished):
        if world.is_full:
            break
        work_on(world, world.instruments[index])
    if not world.is_full:
        mark(world)


def next_due(world: World) -> Order | None:
    """The next order to leave: canceled ones by account, then expired ones by exchange."""
    for account in world.accounts:
        for order in world.open_orders(account)[:1]:
            if is_due(order) == "cancel":
                return order
    for exchange in world.exchanges:
        for order in world.open:
            if order.instrument.exchange is exchange and is_due(order) == "expire":
                return order
    return None


def work_off_due(world: World) -> None:
    """Closes orders that are due, as many as a turn may."""
    while not world.is_full:
        order = next_due(world)
        if order is None:
            return
        leave_if_due(world, order)


def is_of_interest(world: World, instrument: Instrument) -> bool:
    """Whether somebody holds the instrument or has an open order in it."""
    held = any(
        index == instrument.index and position.qty != 0
        for account in world.accounts
        for index, position in account.positions.items()
    )
    return held or any(order.instrument is instrument for order in world.open)


def mark(world: World) -> None:
    """Records changed prices of instruments of interest, at most once a second."""
    if world.marked_ns != 0 and world.now_ns < world.marked_ns + SECOND_NS:
        return
    marks = []
    for instrument in world.instruments:
        market = instrument.market
        if not market.is_unmarked or not is_of_interest(world, instrument):
            continue
        now = live_mark(instrument)
        market.is_unmarked = False
        market.high = market.low = None
        if now != instrument.mark and price_of_mark(now) is not None:
            marks.append((instrument, now))
    if not marks:
        return
    new_minute = world.now_ns // MINUTE_NS > world.equity_ns // MINUTE_NS
    world.marked_ns = world.now_ns
    if new_minute:
        world.equity_ns = world.now_ns
    for instrument, now in marks:
        instrument.mark = now
    listed = [{"symbol": instrument.symbol, **now} for instrument, now in marks]
    world.emit("marked", new_minute=new_minute, marks=listed)


def session(world: World, exchange: Exchange, state: str, next_ns: int) -> None:
    """An exchange opens or closes."""
    opens = state == "open"
    if exchange.has_sessions and (exchange.open, exchange.next_ns) == (opens, next_ns):
        return
    if exchange.open and not opens:
        exchange.expire_below = world.next_order
    exchange.has_sessions, exchange.open, exchange.next_ns = True, opens, next_ns
    world.emit(
        "session_changed",
        exchange=exchange.id,
        state=state,
        next_ns=next_ns,
        below=exchange.expire_below,
    )
    if not opens:
        work_off_due(world)
        return
    for instrument in world.instruments:
        if instrument.exchange is not exchange:
            continue
        if world.is_full:
            world.unfinished.add(instrument.index)
        else:
            work_on(world, instrument)
