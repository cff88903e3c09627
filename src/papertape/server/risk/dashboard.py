"""The dashboard: how much of each limit an account uses, its margin, its exposure.

What is used is the engine's own figure, the one that orders are judged by; here it is only held
against the limit and added up by sector and class.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from papertape.domain.decimal_text import decimal_text
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.exchange import Exchange
from papertape.server.risk.alerts import Alerts
from papertape.server.risk.limits import BANS, WATCHED, Limit, limits_of
from papertape.server.risk.policy import Policies, PolicyInForce

State = Literal["ok", "warn", "breach"]
WARN_AT = Decimal("0.8")
"""Where a limit does not say itself when it alerts."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Used:
    """What an account uses of the policy in force: the engine's figures."""

    policy: PolicyInForce
    usage: dict[str, Any]
    standing: dict[str, Any]

    @property
    def limits(self) -> list[dict[str, Any]]:
        """Each limit that concerns the account, with `used`, `utilisation` and `state`."""
        limits = limits_of(self.policy.rules)
        return [_line(limits[one["rule"]], one) for one in self.usage["limits"]]


class Dashboards:
    """Puts the dashboard of an account together; three questions to the floor and one query."""

    def __init__(
        self, exchange: Exchange, accounts: Accounts, policies: Policies, alerts: Alerts
    ) -> None:
        self._exchange = exchange
        self._accounts = accounts
        self._policies = policies
        self._alerts = alerts

    async def of(self, account: OwnedAccount) -> dict[str, Any]:
        """The dashboard of an account, at the present market."""
        value, open_alerts, used = await asyncio.gather(
            self._accounts.value(account),
            self._alerts.open_count(account.account_id),
            self.used(account.account_id),
        )
        usage, standing = used.usage, used.standing
        return {
            "account_id": account.account_id,
            "status": value.account["status"],
            "equity": usage["equity"],
            "kill_switch": standing["kill_switch"],
            "kill_switch_set_by": standing["kill_switch_set_by"],
            "stop": standing.get("stop"),
            "day_start_equity": standing["day_start_equity"],
            "peak_equity": standing["peak_equity"],
            "limits": used.limits,
            "margin": margin_of(value.account, standing),
            "exposure": exposure_of(usage["exposures"]),
            "open_alerts": open_alerts,
            "policy_version": used.policy.version,
            "as_of_seq": usage["as_of_seq"],
        }

    async def standing(self, account_id: str) -> dict[str, Any]:
        """Where the engine says that an account stands: what stops it, what losses count from."""
        reply = await self._exchange.ask("risk", {"account_id": account_id})
        told: dict[str, Any] = msgspec.json.decode(reply.body)
        return told

    async def used(self, account_id: str) -> Used:
        """The policy, what is used of it, and where the account stands; of one version."""
        fields = {"account_id": account_id}
        for _ in range(_TRIES):
            policy, used, standing = await asyncio.gather(
                self._policies.read(),
                self._exchange.ask("usage", fields),
                self.standing(account_id),
            )
            usage = msgspec.json.decode(used.body)
            if usage["version"] == policy.version:
                break
        return Used(policy, usage, standing)


def _line(limit: Limit, usage: Mapping[str, Any]) -> dict[str, Any]:
    shown = limit.shown(editable=False)
    names = (
        *("id", "scope", "measure", "limit", "alert_at", "window_s", "action", "everyone"),
        "set_by",
    )
    line = {name: shown[name] for name in names} | {"target": usage["target"]}
    return line | used_of(limit, usage["used"])


def used_of(limit: Limit, used: str | None) -> dict[str, Any]:
    """`used`, `utilisation` (its share of the limit) and `state` of a limit.

    A share of nothing or of debts has no figure, and is beyond every limit.
    """
    measure = limit.rule["measure"]
    if measure in BANS:
        # What was there before the ban may be closed at any time: a warning, not a breach.
        state: State = "ok" if used == "0" else "warn"
        return {"used": used, "utilisation": None, "state": state}
    if used is None:
        return {"used": None, "utilisation": None, "state": "breach"}
    amount, most = Decimal(used), Decimal(limit.rule["limit"])
    utilisation = None if most == 0 else (amount / most).quantize(Decimal("0.000001"))
    return {
        "used": used,
        "utilisation": None if utilisation is None else decimal_text(utilisation),
        "state": _state(amount, most, limit),
    }


def _state(amount: Decimal, most: Decimal, limit: Limit) -> State:
    is_reached = amount >= most if limit.rule["measure"] in WATCHED else amount > most
    if is_reached and amount > 0:
        return "breach"
    near = Decimal(limit.rule.get("alert_at", WARN_AT)) * most
    return "warn" if amount >= near and amount > 0 else "ok"


def margin_of(account: Mapping[str, Any], standing: Mapping[str, Any]) -> dict[str, Any] | None:
    """The margin of an account that has one; `utilisation` is the share of equity it needs."""
    maintenance = account.get("maintenance_margin")
    if maintenance is None:
        return None
    equity, needed = Decimal(account["equity"]), Decimal(maintenance)
    state: State = "ok"
    if needed > equity or (needed > 0 and "margin_call" in standing):
        state = "breach"
    elif needed >= equity * WARN_AT and needed > 0:
        state = "warn"
    share = (needed / equity).quantize(Decimal("0.000001")) if equity > 0 else None
    return {
        "equity": account["equity"],
        "initial": account.get("initial_margin"),
        "maintenance": maintenance,
        "excess": decimal_text(equity - needed, 2),
        "utilisation": None if share is None else decimal_text(share),
        "state": state,
        "call": standing.get("margin_call"),
    }


def exposure_of(exposures: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """What is held, and with open orders: in all, by sector, by class, by instrument.

    `long` and `short` are values of positions (short below zero), `gross` counts open orders of
    the larger side as filled. By currency, since amounts of several are no sum.
    """
    items = list(exposures)
    return {
        "total": _sums(items, "currency"),
        "by_sector": _sums(items, "sector"),
        "by_asset_class": _sums(items, "asset_class"),
        "by_instrument": items,
    }


def _sums(items: Iterable[Mapping[str, str]], group: str) -> list[dict[str, str]]:
    sums: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(
        lambda: dict.fromkeys(("long", "short", "gross"), Decimal(0))
    )
    for item in items:
        found = sums[item[group], item["currency"]]
        value = Decimal(item["value"])
        found["long" if value > 0 else "short"] += value
        found["gross"] += Decimal(item["gross"])
    return [
        {"name": name, "currency": currency}
        | {kind: decimal_text(amount, 2) for kind, amount in amounts.items()}
        | {"net": decimal_text(amounts["long"] + amounts["short"], 2)}
        for (name, currency), amounts in sorted(sums.items())
    ]
