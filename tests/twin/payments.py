"""Money that is no trade: deposits, withdrawals, transfers, conversions, resets, and its rules."""

from typing import Any

from twin.account_risk import AccountRisk
from twin.amounts import (
    AMOUNT_MAX,
    ORDER_VALUE_MAX,
    RATE_SCALE,
    bounded,
    clamp,
    divide,
    format_money,
)
from twin.corporate import forgo
from twin.currencies import convert as at_rate
from twin.currencies import rate_between
from twin.ids import Digest
from twin.listing import is_currency
from twin.margin import worth
from twin.requests import answered, remember
from twin.state import Account, Exchange, Instrument, Refused, World, malformed
from twin.trading import cancel

WHOLE = 10**RATE_SCALE
CLEARED_MAX = 900
"""The most open orders and positions that a reset clears in its turn."""


# The rules of the world -----------------------------------------------------------------------


def set_rate(world: World, here: str, there: str, rate: int) -> str:
    """States a rate of exchange."""
    for field, code in (("from", here), ("to", there)):
        if not is_currency(code):
            raise malformed(field)
    if here == there or not 1 <= rate <= 1_000_000 * WHOLE:
        raise malformed("rate")
    for code in (here, there):
        meet_currency(world, code)
    if world.rates.get((here, there)) == rate:
        return "existing"
    world.rates[here, there] = rate
    world.emit("rate_set", **{"from": here, "to": there, "rate": rate})
    return "ok"


def meet_currency(world: World, code: str) -> None:
    """A currency comes up for the first time."""
    if code not in world.currencies:
        world.know(code)
        world.emit("currency_added", code=code)


def set_margin(
    world: World, instrument: Instrument, margin: dict[str, Any]
) -> tuple[str, Instrument]:
    """Sets what margin accounts must know of an instrument."""
    if instrument.margin == margin:
        return "existing", instrument
    instrument.margin = margin
    world.emit("margin_set", symbol=instrument.symbol, margin=margin)
    return "ok", instrument


def set_settlement(world: World, exchange: Exchange, days: int) -> tuple[str, Exchange]:
    """Sets after how many of its trading days the sells of an exchange are settled."""
    if exchange.settles_after == days:
        return "existing", exchange
    exchange.settles_after = days
    world.emit("settlement_set", exchange=exchange.id, days=days)
    return "ok", exchange


# In and out -----------------------------------------------------------------------------------


def check_may_change(account: Account) -> None:
    """Money and trades come to no account that is suspended; a transfer has left another one."""
    if account.status == "suspended":
        raise Refused("rejected", "account_not_active", "account_id")


def pay(
    world: World,
    account: Account,
    kind: str,
    currency: str | None,
    amount: int,
    transfer: str,
    request: str,
) -> tuple[str, Account]:
    """Money comes in or goes out."""
    digest = Digest(kind).text(currency or "").number(amount).text(transfer).state
    if answered(world, account, request, digest) is not None:
        return "existing", account
    if kind == "deposit":
        check_may_change(account)
    check_amount(amount, "amount")
    if currency is not None and not is_currency(currency):
        raise malformed("currency")
    if transfer and (transfer, account.index) in world.transfers:
        if world.transfers[transfer, account.index] == digest:
            return "existing", account
        raise Refused("id_reused", "id_reused", "transfer_id")
    if transfer and not is_paired(world, account, kind, (currency or "", amount, transfer)):
        raise Refused("id_reused", "id_reused", "transfer_id")
    code = account.currency if currency is None else currency
    if kind in {"withdraw", "transfer_out"}:
        if code not in world.currencies:
            raise malformed("currency")
        check_can_leave(world, account, code, amount)
        amount = -amount
    meet_currency(world, code)
    account.pay(code, amount)
    capital = bounded(at_rate(world, amount, code, account.currency) or 0)
    account.put_in += capital
    if transfer:
        world.transfers[transfer, account.index] = digest
    remember(world, account, request, digest, 0)
    world.emit(
        "paid",
        account=account.text,
        currency=code,
        amount=amount,
        kind=LEDGER_KINDS[kind],
        transfer=transfer,
        transfer_digest=f"{digest:016x}",
        capital=capital,
        request=on_tape(request, digest),
    )
    return "ok", account


def is_paired(world: World, account: Account, kind: str, asked: tuple[str, int, str]) -> bool:
    """Whether the other side of a transfer, where this world has done it, is the only and same."""
    other = {"transfer_in": "transfer_out", "transfer_out": "transfer_in"}[kind]
    currency, amount, transfer = asked
    digest = Digest(other).text(currency).number(amount).text(transfer).state
    done = world.transfers.items()
    known = [it for (name, index), it in done if name == transfer and index != account.index]
    return known in ([], [digest])


LEDGER_KINDS = {
    "deposit": "deposit",
    "withdraw": "withdrawal",
    "transfer_in": "transfer",
    "transfer_out": "transfer",
}


def on_tape(request: str, digest: int) -> dict[str, str]:
    """A request as the events of money carry it."""
    return {"request": request, "digest": f"{digest:016x}"}


def check_amount(amount: int, field: str, least: int = 1) -> None:
    """An amount that one command may move."""
    if not least <= amount <= ORDER_VALUE_MAX:
        raise malformed(field)


def check_can_leave(world: World, account: Account, currency: str, amount: int) -> None:
    """Only settled cash that no order and no position needs may leave; nothing is borrowed."""
    most = account.free_in(currency)
    if account.margin is not None:
        excess = worth(world, account).excess
        most = min(most, at_rate(world, excess, account.currency, currency) or 0)
    if amount > most:
        texts = (format_money(amount), format_money(max(0, most)))
        raise Refused("rejected", "insufficient_buying_power", "amount", *texts)


def convert(
    world: World, account: Account, here: str, there: str, amount: int, request: str
) -> tuple[str, Account]:
    """Money of one currency becomes money of another, rounded down."""
    digest = Digest("convert").text(here).text(there).number(amount).state
    if answered(world, account, request, digest) is not None:
        return "existing", account
    check_amount(amount, "amount")
    rate = None if here == there else rate_between(world, here, there)
    if rate is None:
        raise malformed("from")
    times, over = rate
    got = clamp(divide(amount * times, over, "down"))
    check_amount(got, "amount")
    check_can_leave(world, account, here, amount)
    account.pay(here, -amount)
    account.pay(there, got)
    remember(world, account, request, digest, 0)
    world.emit(
        "converted",
        account=account.text,
        **{"from": here, "to": there},
        paid=amount,
        got=got,
        rate=WHOLE * times // over,
        request=on_tape(request, digest),
    )
    return "ok", account


# Resets ---------------------------------------------------------------------------------------


def reset(world: World, account: Account, starting_cash: int, request: str) -> tuple[str, Account]:
    """An account begins again under its id; what it was leaves it, entry by entry."""
    digest = Digest("reset").number(starting_cash).state
    if answered(world, account, request, digest) is not None:
        return "existing", account
    check_may_change(account)
    check_amount(starting_cash, "starting_cash", 0)
    orders = world.open_orders(account)
    if len(orders) + len(account.positions) > CLEARED_MAX:
        raise malformed()
    equity = worth(world, account).equity
    for order in orders:
        cancel(world, order, "requested")
    archive(world, account)
    account.wallets, account.unsettled, account.lots = {}, {}, {}
    account.realized_pl = account.deposited = 0
    account.resets += 1
    account.fills_from = world.next_fill
    account.put_in = starting_cash
    forgo(world, account)
    begin_risk_again(world, account)
    remember(world, account, request, digest, 0)
    world.emit(
        "account_reset", account=account.text, equity=equity, request=on_tape(request, digest)
    )
    if starting_cash > 0:
        account.pay(account.currency, starting_cash)
        world.emit("deposited", account=account.text, amount=starting_cash)
    return "ok", account


def begin_risk_again(world: World, account: Account) -> None:
    """Only a kill switch outlives what the account was; it is valued anew."""
    account.risk = AccountRisk(killed=account.risk.killed)
    if world.risk is not None:
        world.risk.baselined = min(world.risk.baselined, account.index)


def archive(world: World, account: Account) -> None:
    """Positions and cash leave the account, debts too."""
    for index in sorted(account.positions):
        position, symbol = account.positions[index], world.instruments[index].symbol
        qty, position.qty, position.cost, position.realized_pl = position.qty, 0, 0, 0
        world.emit("position_archived", account=account.text, symbol=symbol, qty=qty)
    for currency in world.currencies:
        while account.wallet(currency).cash != 0 and not world.is_full:
            amount = max(-AMOUNT_MAX, min(AMOUNT_MAX, account.wallet(currency).cash))
            account.pay(currency, -amount)
            world.emit("cash_archived", account=account.text, currency=currency, amount=amount)
