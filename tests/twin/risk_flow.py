"""Random commands of risk: policies, kill switches, suspensions."""

from typing import TYPE_CHECKING, Any

from twin.amounts import format_decimal, format_money
from twin.policy import BANS, SCALES
from twin.prices import price
from twin.state import World

if TYPE_CHECKING:
    from twin.flow import Flow

LIMITS = {
    "order_rate": ["0", "1", "3", "8"],
    "open_orders": ["0", "1", "3", "10"],
    "price_collar": ["0", "0.001", "0.01", "0.05"],
    "capital_share": ["0.0001", "0.01", "0.3", "2"],
    "concentration": ["0", "0.001", "0.1", "1.5"],
    "leverage": ["0", "0.001", "0.1", "1"],
    "daily_loss_share": ["0.00001", "0.001", "0.02", "0.2"],
    "drawdown": ["0.00001", "0.001", "0.02", "0.3"],
}
"""Limits that say nothing of an instrument; amounts are drawn from the prices."""


def limit(flow: "Flow", world: World, measure: str) -> str:
    """A limit that now and then bites."""
    draw, instrument = flow.random, flow.symbol(world)
    if measure in LIMITS:
        return draw.choice(LIMITS[measure])
    lots = draw.choice([1, 4, 20, 100, 3_000])
    if measure.endswith("qty"):
        return format_decimal(lots * instrument.lot, instrument.terms["qty_scale"], 0)[:20]
    at = price(instrument) or instrument.tick * 50
    return format_money(min(10**17, instrument.value(at, lots * instrument.lot, "up")))


def set_policy(flow: "Flow", world: World) -> dict[str, Any]:
    """A policy of a few rules; mostly something is watched."""
    draw = flow.random
    if not flow.is_risky:
        return flow.submit(world)
    policy: dict[str, Any] = {"rules": [rule(flow, world) for _ in range(draw.randrange(8))]}
    if draw.random() < 0.7:
        policy["rules"].append(watched(flow, world))
    if draw.random() < 0.45:
        policy["wash_trade"] = draw.random() < 0.9
    if draw.random() < 0.6:
        policy["day_trading"] = {
            "minimum_equity": draw.choice(["25000", "900000000000", "900000000000"]),
            "day_trades": draw.choice([0, 0, 0, 1]),
            "days": draw.choice([0, 1, 5]),
        }
    if draw.random() < 0.6:
        policy["margin"] = margin(flow)
    if draw.random() < 0.3:
        policy["day_starts"] = draw.choice(["21:00", "00:00", "14:30", "24:00"])
    return {"kind": "set_policy", "policy": policy}


def margin(flow: "Flow") -> dict[str, Any]:
    """When margin accounts are called and liquidated."""
    draw = flow.random
    levels = [("1", "1"), ("1.3", "1"), ("2", "1.7"), ("8", "5"), ("40", "35"), ("100", "80")]
    call, liquidate = draw.choice([*levels, ("1", "2")])
    rule: dict[str, Any] = {"call_at": call, "liquidate_at": liquidate}
    if draw.random() < 0.5:
        rule["grace_s"] = draw.choice([1, 60, 3_600, 100_000])
    return rule


def rule(flow: "Flow", world: World) -> dict[str, Any]:
    """A rule that orders are held against; now and then one that means nothing."""
    draw = flow.random
    measure = draw.choice([*SCALES][: -3 if draw.random() < 0.95 else None])
    measure = draw.choice([measure, *LIMITS][: 1 if draw.random() < 0.8 else -2])
    found: dict[str, Any] = {"measure": measure, **whom(flow, world)}
    if draw.random() < 0.01:
        found["symol"] = "ACME"
    if measure not in BANS:
        found["limit"] = limit(flow, world, measure)
        if draw.random() < 0.4:
            found["alert_at"] = draw.choice(["0.5", "0.8", "1", "0.000001"])
        if draw.random() < 0.25:
            found["action"] = draw.choice(["alert", "alert", "reject", "flatten"])
    if draw.random() < 0.1:
        found["set_by"] = draw.choice(
            ["user", "admin", "nobody"][: 3 if draw.random() < 0.1 else 2]
        )
    if measure == "order_rate" and draw.random() < 0.8:
        found["window_s"] = draw.choice([1, 10, 600])
    groups = {
        "symbol": ["*", draw.choice(world.instruments).symbol],
        "asset_class": ["*", draw.choice(world.instruments).terms["asset_class"]],
        "sector": ["*", "Industrials"],
    }
    if measure == "position_qty" and draw.random() < 0.95:
        found["symbol"] = draw.choice(groups["symbol"])
    elif draw.random() < 0.6:
        name = draw.choice(list(groups))
        found[name] = draw.choice(groups[name])
    return found


def whom(flow: "Flow", world: World) -> dict[str, str]:
    """For each account or user, or for one of them."""
    draw = flow.random
    per = draw.choice(["account", "user", None])
    found = {"per": per} if per else {}
    if draw.random() < 0.4:
        owner = draw.choice(world.accounts).owner
        account = flow.account(world)
        found["of"] = draw.choice([owner, account]) if per == "user" else account
    return found


def watched(flow: "Flow", world: World) -> dict[str, Any]:
    """A rule that is watched while prices move."""
    draw = flow.random
    measure = draw.choice(["daily_loss", "daily_loss_share", "drawdown"])
    found = {"measure": measure, "limit": limit(flow, world, measure)}
    if draw.random() < 0.5:
        found["alert_at"] = draw.choice(["0.5", "0.9"])
    if draw.random() < 0.6:
        found["action"] = draw.choice(["flatten", "alert"])
    if draw.random() < 0.2:
        found["of"] = flow.account(world)
    return found


def kill_switch(flow: "Flow", world: World) -> dict[str, Any]:
    """A switch goes on, or mostly off when one is on."""
    draw = flow.random
    if not flow.is_risky:
        return flow.submit(world)
    killed = [one for one in world.accounts if one.risk.killed]
    scope = draw.choice(["account", "user", "world"])
    command: dict[str, Any] = {"kind": "kill_switch", "scope": scope, "on": draw.random() < 0.4}
    account = draw.choice(killed or world.accounts)
    if scope == "account":
        command["account_id"] = account.text
    elif scope == "user":
        command["owner"] = draw.choice([account.owner, account.text])
    if draw.random() < 0.5:
        command["reason"] = draw.choice(["fat finger", "drill"])
    if draw.random() < 0.4:
        command["flatten"] = draw.random() < 0.8
    if draw.random() < 0.6:
        command["set_by"] = draw.choice(["user", "user", "user", "admin", "nobody"])
    return command


def let_go(flow: "Flow", world: World) -> dict[str, Any]:
    """What stops accounts ends: a switch that is on, a suspension, a stop."""
    draw, risk = flow.random, world.risk
    if not flow.is_risky:
        return flow.submit(world)
    off = {"kind": "kill_switch", "on": False, "set_by": draw.choice(["user", "admin"])}
    found: list[dict[str, Any]] = []
    if risk is not None and risk.killed:
        found.append({**off, "scope": "world"})
    if risk is not None:
        found += [{**off, "scope": "user", "owner": owner} for owner in risk.killed_users]
    for account in world.accounts:
        named = {"account_id": account.text}
        if account.risk.killed:
            found.append({**off, "scope": "account", **named})
        if account.status != "active":
            found.append({"kind": "set_status", "status": "active", **named})
        if account.risk.stop:
            found.append({"kind": "resume_account", **named})
    return draw.choice(found) if found else flow.market(world)


def set_status(flow: "Flow", world: World) -> dict[str, Any]:
    """Suspends an account, or lets it trade again."""
    draw = flow.random
    status = draw.choice(["active", "active", "suspended"])
    command = {"kind": "set_status", "account_id": flow.account(world), "status": status}
    return command | ({"reason": "review"} if draw.random() < 0.5 else {})


def resume_account(flow: "Flow", world: World) -> dict[str, Any]:
    """Ends a stop, mostly of an account that has one."""
    stopped = [one.text for one in world.accounts if one.risk.stop]
    account = flow.random.choice(stopped or [flow.account(world)])
    return {"kind": "resume_account", "account_id": account}


def ask(flow: "Flow", world: World) -> dict[str, Any]:
    """The questions of risk."""
    kind = flow.random.choice(["policy", "risk", "usage", "usage"])
    return {"kind": kind} | ({} if kind == "policy" else {"account_id": flow.account(world)})


KINDS = {
    set_policy: 0.8,
    kill_switch: 0.4,
    let_go: 3,
    set_status: 0.1,
    resume_account: 0.2,
    ask: 0.8,
}
"""How often each of them comes."""
