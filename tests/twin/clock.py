"""Time: the end of days, sessions, marks, and work that is due."""

from typing import Any

from twin import contracts, options, sessions, trails
from twin.accruals import count_day, end_margin_day, next_midnight, work_off_money
from twin.auctions import cross_auctions, release
from twin.clock_work import work_off_due
from twin.prices import live_mark, price_of_mark
from twin.state import Exchange, Instrument, World
from twin.trading import work_on
from twin.watch import look_at_calls, raise_peaks

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS


def end_days(world: World) -> None:
    """Ends the day of margin accounts, and of every always-open exchange whose day is over."""
    end_margin_day(world)
    for exchange in world.exchanges:
        if not exchange.has_sessions and exchange.next_ns <= world.now_ns:
            exchange.marks["regular"] = world.next_order
            sessions.futures_settle(world, exchange)
            count_day(exchange)
            exchange.next_ns = next_midnight(world.now_ns)
            world.emit(
                "day_ended",
                exchange=exchange.id,
                below=world.next_order,
                next_ns=exchange.next_ns,
            )


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
    work_off_money(world)
    continue_matching(world)
    trails.record(world)
    if not world.is_full:
        mark(world)
    raise_peaks(world)
    look_at_calls(world)


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
    ordered = any(order.instrument is instrument for order in world.open)
    return held or ordered or options.has_options(world, instrument)


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
