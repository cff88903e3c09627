"""Time: the end of days, sessions, marks, and work that is due."""

from typing import Any

from twin import contracts, sessions
from twin.amounts import AMOUNT_MAX, RATE_SCALE, divide
from twin.auctions import cross_auctions, release
from twin.clock_work import work_off_due
from twin.prices import live_mark, price_of_mark
from twin.state import Exchange, Instrument, World
from twin.trading import work_on

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS


def next_midnight(time_ns: int) -> int:
    """The first 00:00 UTC after a time."""
    return (time_ns // DAY_NS + 1) * DAY_NS


def end_days(world: World) -> None:
    """Ends the day of margin accounts, and of every always-open exchange whose day is over."""
    end_margin_day(world)
    for exchange in world.exchanges:
        if not exchange.has_sessions and exchange.next_ns <= world.now_ns:
            exchange.marks["regular"] = world.next_order
            sessions.futures_settle(world, exchange)
            exchange.next_ns = next_midnight(world.now_ns)
            world.emit(
                "day_ended",
                exchange=exchange.id,
                below=world.next_order,
                next_ns=exchange.next_ns,
            )


def end_margin_day(world: World) -> None:
    """Begins to charge margin accounts when their day has ended."""
    if world.margin_since_ns == 0 or world.margin_days > 0:
        return
    ends_ns = world.margin_day_ends_ns or next_midnight(world.margin_since_ns)
    if world.now_ns < ends_ns:
        return
    world.margin_days = (world.now_ns - ends_ns) // DAY_NS + 1
    world.margin_day_ends_ns = ends_ns + world.margin_days * DAY_NS
    world.margin_next = (0, 0)
    world.emit("accrual_began", days=world.margin_days, next_ns=world.margin_day_ends_ns)


def charge_interest(world: World) -> None:
    """Charges margin accounts for what they have borrowed, as much as a turn may."""
    while world.margin_days > 0 and not world.is_full:
        if not charge_next(world):
            world.margin_days = 0
            world.emit("accrual_ended")


def charge_next(world: World) -> bool:
    """Charges the next account that owes interest; false when all are charged."""
    first, step = world.margin_next
    for account in world.accounts[first:]:
        own = world.currencies.index(account.currency)
        if account.margin is None or (account.index == first and own < step):
            continue
        borrowed = min(AMOUNT_MAX, -account.cash)
        yearly = max(0, -account.cash) * account.margin["interest_rate"] * world.margin_days
        amount = min(AMOUNT_MAX, divide(yearly, 360 * 10**RATE_SCALE, "half_up"))
        if amount > 0:
            account.cash -= amount
            world.margin_next = (account.index, own + 1)
            world.emit(
                "interest_charged",
                account=account.text,
                currency=account.currency,
                amount=amount,
                borrowed=borrowed,
                step=own + 1,
            )
            return True
    return False


def pass_dates(world: World) -> None:
    """Lets the dates of good-till-date orders pass."""
    dates = [one.more["expires_ns"] for one in world.open if one.time_in_force == "gtd"]
    if (
        world.dates_passed_ns < world.now_ns
        and min(dates, default=world.now_ns + 1) <= world.now_ns
    ):
        world.dates_passed_ns = world.now_ns
        world.emit("dates_passed", until_ns=world.now_ns)


def time(world: World) -> None:
    """Due orders leave, matching that stopped goes on, prices are marked."""
    cross_auctions(world)
    work_off_due(world)
    contracts.work_on_contracts(world)
    charge_interest(world)
    continue_matching(world)
    if not world.is_full:
        mark(world)


def continue_matching(world: World) -> None:
    """Matching that stopped, or that may begin, goes on."""
    for index in sorted(world.unfinished):
        if world.is_full:
            return
        work_on(world, world.instruments[index])


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
        market.band_reference = market.last
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


def session(world: World, exchange: Exchange, **asked: Any) -> None:
    """An exchange enters another part of its day, and what that makes possible happens."""
    if sessions.change(world, exchange, asked):
        cross_auctions(world)
        work_off_due(world)
        release(world, exchange, range(len(world.instruments)))
        continue_matching(world)


def resume(world: World, scope: Exchange | Instrument, auction: bool | None) -> str:
    """A halt ends, at once or through an auction."""
    if sessions.resume(world, scope, auction):
        cross_auctions(world)
        if isinstance(scope, Exchange):
            release(world, scope, range(len(world.instruments)))
        else:
            world.unfinished.add(scope.index)
        continue_matching(world)
    return "ok"
