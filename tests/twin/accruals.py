"""The daily work on money: interest on borrowed cash, fees on borrowed stock, settled proceeds."""

from typing import Any

from twin.amounts import AMOUNT_MAX, RATE_SCALE, divide
from twin.prices import price
from twin.state import Account, Exchange, World

DAY_NS = 86_400 * 10**9
YEAR_DAYS = 360
FIRST_POSITION = 2**30
"""From this step on the steps of an account are its positions; before, its currencies."""


def next_midnight(time_ns: int) -> int:
    """The first 00:00 UTC after a time."""
    return (time_ns // DAY_NS + 1) * DAY_NS


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


def work_off_money(world: World) -> None:
    """Charges what is due and settles what is due, as much as a turn may."""
    while world.margin_days > 0 and not world.is_full:
        if not charge_next(world):
            world.margin_days = 0
            world.emit("accrual_ended")
    while not world.is_full:
        due = due_settlement(world)
        if due is None:
            return
        settle(world, *due)


# Charges --------------------------------------------------------------------------------------


def charge_next(world: World) -> bool:
    """Makes the next charge of the day; false when all are made."""
    first, step = world.margin_next
    for account in world.accounts[first:]:
        if account.margin is not None:
            done = step if account.index == first else 0
            if charge_interest(world, account, done) or charge_borrowing(world, account, done):
                return True
    return False


def charge(world: World, value: int, yearly_rate: int) -> int:
    """A yearly rate on a value, for the days that are charged."""
    exact = value * yearly_rate * world.margin_days
    return min(AMOUNT_MAX, divide(exact, YEAR_DAYS * 10**RATE_SCALE, "half_up"))


def charge_interest(world: World, account: Account, done: int) -> bool:
    """Charges interest in the next currency of which the account has borrowed."""
    for step, currency in enumerate(world.currencies[done:], start=done + 1):
        borrowed = max(0, -account.wallet(currency).cash)
        amount = charge(world, borrowed, account.margin["interest_rate"])
        if amount > 0:
            take(
                world,
                "interest_charged",
                account,
                currency,
                amount,
                step,
                currency=currency,
                amount=amount,
                borrowed=min(AMOUNT_MAX, borrowed),
            )
            return True
    return False


def charge_borrowing(world: World, account: Account, done: int) -> bool:
    """Charges the fee on the next instrument that the account owes."""
    for instrument in world.instruments[max(0, done - FIRST_POSITION) :]:
        owed, at = max(0, -account.position(instrument).qty), price(instrument)
        if owed == 0 or at is None or instrument.margin is None:
            continue
        amount = charge(world, instrument.notional(at, owed), instrument.margin["borrow_rate"])
        if amount > 0:
            take(
                world,
                "borrow_charged",
                account,
                instrument.currency,
                amount,
                FIRST_POSITION + instrument.index + 1,
                symbol=instrument.symbol,
                amount=amount,
                qty=owed,
                price=at,
            )
            return True
    return False


def take(
    world: World, name: str, account: Account, currency: str, amount: int, step: int, /, **told: Any
) -> None:
    """Takes a charge; an account may come to owe it."""
    account.pay(currency, -amount)
    world.margin_next = (account.index, step)
    world.emit(name, account=account.text, **told, step=step)


# Settlement -----------------------------------------------------------------------------------


def count_day(exchange: Exchange) -> None:
    """A trading day has ended; counted from the first on that matters to a settlement."""
    if exchange.settles_after or exchange.days_ended:
        exchange.days_ended += 1


def due_settlement(world: World) -> tuple[Exchange, int, Account] | None:
    """The proceeds that are settled next: by exchange, day and account."""
    for exchange in world.exchanges:
        waiting = [
            (day, account.index)
            for account in world.accounts
            for name, day, _ in account.unsettled
            if name == exchange.id
        ]
        if waiting:
            day, index = min(waiting)
            # An exchange that settles at once settles what waits, too.
            if day <= exchange.days_ended or exchange.settles_after == 0:
                return exchange, day, world.accounts[index]
    return None


def settle(world: World, exchange: Exchange, day: int, account: Account) -> None:
    """Proceeds of one day can be spent from now on."""
    for key in list(account.unsettled):
        if key[:2] == (exchange.id, day):
            del account.unsettled[key]
    world.emit("settled", account=account.text, exchange=exchange.id, day=day)


def is_due(world: World) -> bool:
    """Whether charges or settlements are left for another `time`."""
    return world.margin_days > 0 or due_settlement(world) is not None
