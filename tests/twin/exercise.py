"""Commands about options: exercise one now, or say that it is not to be exercised at its end."""

from twin import contracts
from twin.amounts import format_money
from twin.checks import check_quantity
from twin.failures import Failure
from twin.ids import Digest
from twin.options import changes, is_option, underlying_of
from twin.outcomes import can_carry, exercised, side_of_delivery, tell
from twin.requests import answered, remember
from twin.sessions import is_over
from twin.state import Account, Instrument, World, malformed
from twin.wheels import open_interest, wheel


def check_option(world: World, instrument: Instrument) -> None:
    """Whether it is an option that still trades."""
    if not is_option(instrument):
        raise malformed("symbol")
    if instrument.status != "active" or is_over(world, instrument):
        raise Failure("instrument_not_active", "symbol").refused()


def exercise(
    world: World, account: Account, instrument: Instrument, qty: int, request: str | None
) -> tuple[str, Account]:
    """Exercises an option now; as many contracts are assigned to those who are short."""
    digest = Digest("exercise").number(instrument.index).number(qty).state
    if answered(world, account, request, digest) is not None:
        return "existing", account
    check_option(world, instrument)
    check_quantity(qty)
    if instrument.contract["style"] == "european":
        raise malformed("symbol")
    spot = contracts.settlement_price(underlying_of(world, instrument))
    failed = failure(world, account, instrument, spot, qty)
    if failed:
        raise failed.refused()
    drawn = wheel(world, instrument, max(open_interest(world, instrument)), qty)
    passed = exercised(world, account, instrument, spot, (qty, qty), "exercise")
    asked = None
    if request is not None:
        remember(world, account, request, digest, 0)
        asked = {"request": request, "digest": f"{digest:016x}"}
    tell(world, account, instrument, passed, 0, asked)
    contracts.begin(world, instrument, "assignment", spot, wheel=drawn)
    contracts.work_on_one(world, instrument)
    return "ok", account


def failure(
    world: World, account: Account, instrument: Instrument, spot: int, qty: int
) -> Failure | None:
    """Why so many contracts cannot be exercised."""
    position, text = account.position(instrument), instrument.qty_text
    free = position.qty - position.promised
    if account.status != "active":
        return Failure("account_not_active")
    if qty % instrument.lot != 0:
        return Failure("invalid_lot", "qty", text(qty), text(instrument.lot))
    if qty > free:
        return Failure("insufficient_quantity", "qty", text(qty), text(max(0, free)))
    if changes(world, instrument) or len(instrument.works) >= contracts.WORKS_MAX:
        return Failure("instrument_not_active", "symbol")
    in_cash = instrument.contract["settlement"] == "cash"
    if in_cash or can_carry(world, account, instrument, spot, qty):
        return None
    buys = side_of_delivery(instrument, is_long=True) == "buy"
    reason = "insufficient_buying_power" if buys else "insufficient_quantity"
    strike = instrument.notional(instrument.contract["strike"], qty)
    return Failure(reason, "qty", format_money(strike), format_money(account.free_cash))


def do_not_exercise(
    world: World, account: Account, instrument: Instrument, revoke: bool
) -> tuple[str, Account]:
    """A holder keeps his option from being exercised at its end, or takes that back."""
    check_option(world, instrument)
    if (account.index in instrument.keeping) != revoke:
        return "existing", account
    (instrument.keeping.remove if revoke else instrument.keeping.add)(account.index)
    world.emit(
        "exercise_instructed", symbol=instrument.symbol, account=account.text, exercise=revoke
    )
    return "ok", account
