"""Margin calls and liquidation: closes the least that restores the margin, and says why."""

from dataclasses import dataclass

from twin.checks import walk_offers
from twin.forced import cancel_orders, force
from twin.margin import worth
from twin.policy import WHOLE, share
from twin.prices import price
from twin.risk_state import Risk
from twin.state import Account, Instrument, Order, World
from twin.trading import order_id


@dataclass
class Shortfall:
    """An account that has less equity than `level` times its maintenance requirement."""

    world: World
    account: Account
    equity: int
    maintenance: int
    level: int

    @property
    def required(self) -> int:
        return share(self.maintenance, self.level)


def comes_to_margin_limit(world: World, risk: Risk, account: Account) -> bool:
    """Calls the margin of an account, takes the call back, or liquidates; says whether it did."""
    rule, own = risk.policy.margin, account.risk
    if rule is None or account.margin is None:
        return False
    now = worth(world, account)
    required = share(now.maintenance, rule["call_at"])
    told = {"account": account.text, "equity": now.equity, "required": required}
    if own.call is None:
        if now.equity >= required:
            return False
        due_ns = world.now_ns + rule["grace_ns"] if rule["grace_ns"] else 0
        own.call = {"since_ns": world.now_ns, "due_ns": due_ns}
        world.emit("margin_called", **told, due_ns=due_ns)
        return True
    if now.equity >= required:
        own.call = None
        world.emit("margin_call_met", **told)
        return True
    is_late = 0 < own.call["due_ns"] <= risk.told_ns
    level = rule["call_at"] if is_late else rule["liquidate_at"]
    return liquidate(Shortfall(world, account, now.equity, now.maintenance, level))


def liquidate(short: Shortfall) -> bool:
    """Closes positions of an account that fell too far; says whether it did."""
    world, account = short.world, short.account
    is_closing = any(order.is_forced for order in world.open_orders(account))
    if short.equity >= short.required or is_closing:
        return False
    if not cancel_orders(world, account, "liquidation", every=True):
        return True
    found = least_closing(short)
    if found is None:
        return False
    instrument, qty = found
    number = world.next_order
    world.emit(
        "liquidated",
        account=account.text,
        order=order_id(world, number),
        symbol=instrument.symbol,
        qty=abs(qty),
        equity=short.equity,
        required=short.required,
    )
    force(world, account, instrument, qty, "liquidation")
    # One that nobody can pay at this price would be sent for ever: it waits for another price.
    return world.orders[number].is_open or world.orders[number].filled > 0


def least_closing(short: Shortfall) -> tuple[Instrument, int] | None:
    """The part of a position that cures the account at the least value, else the best whole one."""
    account = short.account
    held = [one for one in short.world.instruments if account.position(one).qty != 0]
    priced = [one for one in held if price(one) is not None]
    cures = [(one, cure(short, one)) for one in priced]
    cures = [(one, qty) for one, qty in cures if qty is not None]
    if cures:
        return min(cures, key=lambda found: value_of(*found))
    # Of equal ones the last.
    best = max(reversed(priced), key=lambda one: freed_for_value(short, one), default=None)
    return None if best is None else (best, account.position(best).qty)


def value_of(instrument: Instrument, qty: int) -> int:
    """What a part of a position is worth now, whichever way it stands."""
    return abs(instrument.notional(price(instrument), qty))


def freed_for_value(short: Shortfall, instrument: Instrument) -> int:
    """The requirement that closing all of a position sets free, for its value, in 10^-9."""
    qty = short.account.position(instrument).qty
    freed = short.maintenance - maintenance_without(short, instrument, qty)
    sign = -1 if freed < 0 else 1
    return sign * (abs(freed) * WHOLE // max(1, value_of(instrument, qty)))


def cure(short: Shortfall, instrument: Instrument) -> int | None:
    """The least part of a position that cures the account; nothing when all of it does not."""
    whole = short.account.position(instrument).qty
    if not is_cured(short, instrument, whole):
        return None
    sign, lot = (1 if whole > 0 else -1), instrument.lot
    low, high = 0, abs(whole) // lot
    while low < high:
        middle = (low + high) // 2
        if is_cured(short, instrument, middle * lot * sign):
            high = middle
        else:
            low = middle + 1
    part = low * lot * sign
    return part if is_cured(short, instrument, part) else whole


def is_cured(short: Shortfall, instrument: Instrument, qty: int) -> bool:
    """Whether equity would cover the requirement after closing this much."""
    left = maintenance_without(short, instrument, qty)
    equity = short.equity - cost_of_closing(short, instrument, qty)
    return equity >= share(left, short.level)


def maintenance_without(short: Shortfall, instrument: Instrument, qty: int) -> int:
    """What the account would have to keep without this much of a position."""
    position = short.account.own_position(instrument)
    position.qty -= qty
    maintenance = worth(short.world, short.account).maintenance
    position.qty += qty
    return maintenance


def cost_of_closing(short: Shortfall, instrument: Instrument, qty: int) -> int:
    """The spread, the depth and the fees; what the book cannot take counts at the price."""
    side = "sell" if qty > 0 else "buy"
    order = Order(
        short.account, "liquidation", instrument, side, "market", abs(qty), None, None, "gtc"
    )
    walked = walk_offers(short.world, order)
    value = instrument.notional(price(instrument), walked.filled)
    spread = value - walked.notional if side == "sell" else walked.notional - value
    return spread + walked.fees
