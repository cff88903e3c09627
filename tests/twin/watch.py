"""Limits that are watched while prices move: losses and margin. Every account is valued plainly.

The core values an account only when a price comes to where it could matter. Here an account is
valued whenever something has happened to it, or the price of something that it holds has moved.
"""

from typing import Any

from twin.account_risk import OF_THE_DAY
from twin.amounts import RATE_SCALE, divide, format_decimal, format_money
from twin.liquidation import comes_to_margin_limit
from twin.margin import worth
from twin.options import underlying_of
from twin.policy import WHOLE, Rule
from twin.prices import price, price_of_mark
from twin.risk_state import Risk
from twin.state import Account, Instrument, World


def prices_moved(world: World, instrument: Instrument) -> None:
    """Looks at everybody who holds an instrument whose prices may have moved."""
    if world.risk is None or not world.risk.policy.watches:
        return
    at = price(instrument)
    for account in world.accounts:
        if account.risk.seen.get(instrument.index) != at and answers(world, account, instrument):
            world.risk.stirred.add(account.index)
    value_accounts(world)


def answers(world: World, account: Account, instrument: Instrument) -> bool:
    """Whether the price of an instrument counts for an account: by itself, or for an option."""
    held = [one for one in world.instruments if account.position(one).qty != 0]
    return any(instrument is one or instrument is underlying_of(world, one) for one in held)


def value_accounts(world: World) -> None:
    """Values the accounts that have to be valued, the first first, until nothing happens."""
    risk = world.risk
    works = any(action.stage == "working" for action in world.actions)
    if risk is None or risk.is_busy or works:
        return
    risk.is_busy = True
    while risk.stirred and not world.is_full:
        account = world.accounts[min(risk.stirred)]
        risk.stirred.discard(account.index)
        account.risk.seen = {one.index: price(one) for one in world.instruments}
        acted = comes_to_loss_limit(world, risk, account)
        acted = acted or comes_to_margin_limit(world, risk, account)
        if is_above_peak(world, risk, account):
            risk.rising.add(account.index)
        if acted:
            risk.stirred.add(account.index)
    risk.is_busy = False


# Losses ---------------------------------------------------------------------------------------


def comes_to_loss_limit(world: World, risk: Risk, account: Account) -> bool:
    """Acts on the first watched rule whose limit the account has come to; says whether it did."""
    equity = worth(world, account).equity
    for place, rule in enumerate(risk.policy.rules):
        start = account.risk.day_start if rule.measure in OF_THE_DAY else account.risk.peak
        if not rule.is_watched or not rule.concerns(account) or start is None:
            continue
        lost, most = start - equity, most_loss(rule, start)
        is_hard, is_soft = (
            (risk.version, place, level) in account.risk.fired for level in ("hard", "soft")
        )
        if lost >= max(1, most) and not is_hard:
            come_to(world, account, risk, place, loss_of(rule, lost, most, start))
            return True
        soft = divide(most * rule.alert_at, WHOLE, "up")
        if rule.alert_at and lost >= max(1, soft) and not is_soft and not is_hard:
            alert(world, account, "soft", place, loss_of(rule, lost, most, start))
            return True
    return False


def most_loss(rule: Rule, start: int) -> int:
    """How much may be lost: an amount, or a share of what the loss counts from."""
    if rule.measure == "daily_loss":
        return rule.limit
    return divide(max(0, start) * rule.limit, WHOLE, "down")


def loss_of(rule: Rule, lost: int, most: int, start: int) -> dict[str, str]:
    """A loss and its limit as text."""
    if rule.measure == "daily_loss":
        value, limit = format_money(lost), format_money(most)
    else:
        value = format_decimal(divide(lost * 10**6, max(1, start), "half_even"), 6, 0)
        limit = format_decimal(rule.limit, RATE_SCALE, 0)
    return {"measure": rule.measure, "value": value, "limit": limit}


def come_to(world: World, account: Account, risk: Risk, place: int, stop: dict[str, str]) -> None:
    """The hard limit is reached: the account is stopped, or only an alert is raised."""
    rule = risk.policy.rules[place]
    if rule.action == "alert":
        alert(world, account, "hard", place, stop)
        return
    account.risk.fired[risk.version, place, "hard"] = rule.measure
    account.risk.stop_at(stop)
    clean = "everything" if rule.action == "flatten" else "opening"
    account.risk.clean = max(
        clean, account.risk.clean or "", key=("", "opening", "everything").index
    )
    world.emit("account_stopped", account=account.text, rule=place, **stop, clean=clean)


def alert(world: World, account: Account, level: str, place: int, found: dict[str, Any]) -> None:
    """Prices have brought an account near a limit, or to it."""
    account.risk.fired[world.risk.version, place, level] = found["measure"]
    world.emit("risk_alert", account=account.text, level=level, rule=place, **found, order=None)


# Peaks and calls ------------------------------------------------------------------------------


def is_above_peak(world: World, risk: Risk, account: Account) -> bool:
    """Whether an account whose drawdown is watched has a new high of equity."""
    rules = [rule for rule in risk.policy.rules if rule.measure == "drawdown"]
    peak = account.risk.peak
    watched = any(rule.concerns(account) for rule in rules)
    return watched and peak is not None and worth(world, account).equity > peak


def raise_peaks(world: World) -> None:
    """Notes new highs of equity at the prices that were marked last."""
    risk = world.risk
    works = any(action.stage == "working" for action in world.actions)
    if risk is None or works or not risk.is_marked or world.is_full:
        return
    equities = []
    for index in sorted(risk.rising):
        account = world.accounts[index]
        equity = worth(world, account, lambda one: price_of_mark(one.mark)).equity
        if account.risk.peak is not None and equity > account.risk.peak:
            account.risk.peak = equity
            equities.append({"account": account.text, "equity": equity})
    risk.stirred |= risk.rising
    risk.rising, risk.is_marked = set(), False
    if equities:
        world.emit("peaks_raised", equities=equities)


def look_at_calls(world: World) -> None:
    """Time was told: accounts whose margin call was not met in time are valued."""
    if world.risk is None:
        return
    world.risk.told_ns = world.now_ns
    for account in world.accounts:
        call = account.risk.call
        if call is not None and 0 < call["due_ns"] <= world.now_ns:
            world.risk.stirred.add(account.index)
