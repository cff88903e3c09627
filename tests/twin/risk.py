"""Commands and questions of risk: the policy, kill switches, suspension, the end of a stop."""

from typing import Any

from twin.account_risk import Switch
from twin.amounts import format_money
from twin.clock_work import work_off_due
from twin.fields import Fields, is_name
from twin.ids import format_time, parse_uuid
from twin.margin import worth
from twin.policy import Policy, read
from twin.risk_state import Risk, why_killed
from twin.risk_work import request_cancel_all
from twin.state import Account, Refused, World, malformed, not_found

STATUSES = ("active", "suspended")
SETTERS = ("user", "admin")


# Reading --------------------------------------------------------------------------------------


def read_policy(fields: Fields) -> dict[str, Any]:
    """A policy; a user may be named by the id of one of its accounts."""
    if fields.get("policy") is None:
        raise malformed("policy")
    policy = read(fields.get("policy"))
    fields.check_version(fields.world.risk.version if fields.world.risk else 0)
    for rule in policy.rules:
        if rule.per == "user" and rule.of is not None:
            rule.of = owner_of(fields.world, rule.of)
    return {"policy": policy}


def owner_of(world: World, text: str) -> str:
    """The owner that a text names: by itself, or by an account."""
    bits = parse_uuid(text)
    account = None if bits is None else world.find_account(bits)
    return text if account is None else account.owner


def read_switch(fields: Fields) -> dict[str, Any]:
    """A kill switch: on or off, for whom, why."""
    is_on, flatten, reason = fields.flag("on"), fields.flag("flatten"), read_reason(fields)
    scope = fields.text("scope")
    whom: Any = None
    if scope == "account":
        whom = fields.account()
    elif scope == "user":
        whom = owner_of(fields.world, fields.text("owner"))
    elif scope != "world":
        raise malformed("scope")
    set_by = fields.word("set_by", SETTERS, "admin")
    switch = Switch(reason, set_by) if is_on else None
    return {"whom": whom, "switch": switch, "set_by": set_by, "flatten": flatten and is_on}


def read_reason(fields: Fields) -> str:
    """Why something is done."""
    reason = fields.text("reason", "by an operator")
    if not is_name(reason):
        raise malformed("reason")
    return reason


def read_status(fields: Fields) -> dict[str, Any]:
    """Suspends an account, or lets it trade again."""
    status = fields.word("status", STATUSES)
    return {"account": fields.account(), "status": status, "reason": read_reason(fields)}


# Commands -------------------------------------------------------------------------------------


def state_of(world: World) -> Risk:
    """The risk state of the world, made when it is needed first."""
    if world.risk is None:
        world.risk = Risk(swept=len(world.accounts))
    return world.risk


def set_policy(world: World, policy: Policy) -> tuple[str, dict[str, Any]]:
    """Puts a policy in force; the same again changes nothing."""
    for rule in policy.rules:
        if rule.per == "account" and rule.of is not None and not world.find_account(rule.of):
            raise not_found("of")
        if rule.group == "symbol" and rule.name != "*" and not world.find_instrument(rule.name):
            raise malformed("symbol", "unknown_symbol")
    known = world.risk
    if known is None or known.version == 0 or known.policy != policy:
        risk = state_of(world)
        risk.version += 1
        risk.policy, risk.baselined = policy, 0
        risk.day = policy.trading_day(world.now_ns)
        risk.next_day_ns = policy.next_day(world.now_ns) if policy.has_days else 0
        world.emit(
            "policy_set",
            version=risk.version,
            policy=policy.shown(),
            day=risk.day,
            next_day_ns=risk.next_day_ns,
        )
    return "ok", show_policy(world)


def kill_switch(
    world: World,
    whom: Account | str | None,
    switch: Switch | None,
    set_by: str,
    *,
    flatten: bool,
) -> tuple[str, dict[str, Any]]:
    """Turns a kill switch; on, it cancels the open orders of everybody whom it stops."""
    if isinstance(whom, str) and not is_name(whom):
        raise malformed("owner")
    present = present_switch(world, whom)
    reason = switch.reason if switch else None
    if set_by == "user" and present is not None and present.set_by == "admin":
        raise Refused("not_permitted", "not_permitted")
    if present != switch or flatten:
        risk = state_of(world)
        scope = {"scope": "world"}
        if isinstance(whom, Account):
            scope = {"scope": "account", "account": whom.text}
        elif whom is not None:
            scope = {"scope": "user", "owner": whom}
        turn(risk, whom, switch, flatten=flatten)
        world.emit("kill_switched", **scope, reason=reason, flatten=flatten, set_by=set_by)
        is_stopped = isinstance(whom, Account) and reason is not None
        if is_stopped and request_cancel_all(world, whom):
            work_off_due(world)
    return "ok", {"on": reason is not None, "switch_reason": reason, "as_of_seq": world.seq}


def present_switch(world: World, whom: Account | str | None) -> Switch | None:
    """The switch that is on, if it is."""
    if isinstance(whom, Account):
        return whom.risk.killed
    if world.risk is None:
        return None
    return world.risk.killed if whom is None else world.risk.killed_users.get(whom)


def turn(risk: Risk, whom: Account | str | None, switch: Switch | None, *, flatten: bool) -> None:
    """The switch stands as it is told; users and the world are told one account after another."""
    if isinstance(whom, Account):
        whom.risk.killed = switch
        if flatten:
            whom.risk.clean = "everything"
        return
    if whom is None:
        risk.killed = switch
    elif switch is None:
        risk.killed_users.pop(whom, None)
    else:
        risk.killed_users[whom] = switch
    if switch is not None:
        risk.swept, risk.sweep_flattens = 0, flatten


def set_status(world: World, account: Account, status: str, reason: str) -> tuple[str, Account]:
    """Suspends an account, or lets it trade again."""
    if account.status != status:
        state_of_status = {"account": account.text, "status": status, "reason": reason}
        account.status = status
        world.emit("status_set", **state_of_status)
    return "ok", account


def resume_account(world: World, account: Account) -> tuple[str, Account]:
    """Lets a stopped account open positions again; its losses count from here."""
    own = account.risk
    if own.stop is not None:
        equity = worth(world, account).equity
        own.stop, own.fired = None, {}
        own.day_start = own.peak = equity
        world.emit("account_resumed", account=account.text, equity=equity)
    return "ok", account


# Answers --------------------------------------------------------------------------------------


def show_policy(world: World) -> dict[str, Any]:
    """The policy in force."""
    risk = world.risk or Risk(swept=0)
    return {
        "version": risk.version,
        "policy": risk.policy.shown(),
        **switch_members(risk.killed),
        "as_of_seq": world.seq,
    }


def switch_members(switch: Switch | None) -> dict[str, str | None]:
    """Why a kill switch stops somebody, and who set it."""
    return {
        "kill_switch": switch.reason if switch else None,
        "kill_switch_set_by": switch.set_by if switch else None,
    }


def show_standing(world: World, account: Account) -> dict[str, Any]:
    """Where an account stands."""
    own, risk = account.risk, world.risk

    def money(amount: int | None) -> str | None:
        return None if amount is None else format_money(amount)

    return {
        "account_id": account.text,
        "version": risk.version if risk else 0,
        "status": account.status,
        "equity": format_money(worth(world, account).equity),
        "day_start_equity": money(own.day_start),
        "peak_equity": money(own.peak),
        **switch_members(why_killed(world, account)),
        "day_trades": len(own.day_trades),
        **risk_members(account),
        "as_of_seq": world.seq,
    }


def risk_members(account: Account) -> dict[str, Any]:
    """What stops an account, or calls it."""
    own, shown = account.risk, {}
    if own.stop is not None:
        shown["stop"] = own.stop
    if own.call is not None:
        due_ns = own.call["due_ns"]
        shown["margin_call"] = {
            "since": format_time(own.call["since_ns"]),
            "due": format_time(due_ns) if due_ns else None,
        }
    return shown
