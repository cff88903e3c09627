"""Risk: limits, the dashboard, alerts, kill switches, compliance."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ORDER,
    EXAMPLE_TIME,
    EXAMPLE_USER,
    Body,
    Example,
    Reply,
    Uuid,
)

EXAMPLE_LIMIT = "7a1f6b1c-94c1-5f0e-8f5e-2b6b9d0c3a11"
EXAMPLE_ALERT = "4711-2"

LimitScope = Literal["user", "account", "instrument", "asset_class", "sector"]
Measure = Literal[
    "order_qty",
    "order_value",
    "order_rate",
    "open_orders",
    "price_collar",
    "position_qty",
    "position_value",
    "capital_share",
    "concentration",
    "leverage",
    "restricted",
    "no_short",
    "daily_loss",
    "daily_loss_share",
    "drawdown",
]
Action = Literal["reject", "flatten", "alert"]
State = Literal["ok", "warn", "breach"]
SetBy = Literal["user", "admin"]
_SET_BY = "what an admin set, only admins change"
Reason = Annotated[str, Field(min_length=1, max_length=128)]


class LimitRequest(Body):
    """A limit as it is to be.

    For whom: `account_id` for one account; `everyone` (admins) for each by itself; neither is the
    caller, all accounts together. On what: `target` names an instrument, class or sector, and `*`
    is each of them by itself.
    """

    example: ClassVar[Example] = {
        "scope": "user",
        "measure": "order_value",
        "limit": "50000",
        "alert_at": "0.8",
    }

    scope: LimitScope
    measure: Measure
    limit: DecimalText | None = Field(
        default=None, description="quantity, money, count, share of 1 or multiple, by the measure"
    )
    target: str | None = Field(default=None, min_length=1, max_length=64)
    account_id: Uuid | None = None
    user_id: Uuid | None = Field(default=None, description="another user, by an admin")
    everyone: bool = Field(default=False, strict=True)
    alert_at: DecimalText | None = Field(
        default=None, description="the share of the limit from which on an alert is raised"
    )
    window_s: int | None = Field(default=None, ge=1, le=86_400, strict=True)
    action: Action = "reject"


class LimitReply(Reply):
    """A limit; its ETag is needed to change it."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_LIMIT,
        "scope": "user",
        "target": None,
        "account_id": None,
        "user_id": EXAMPLE_USER,
        "everyone": False,
        "measure": "order_value",
        "limit": "50000",
        "alert_at": "0.8",
        "window_s": None,
        "action": "reject",
        "set_by": "user",
        "editable": True,
    }

    id: Uuid
    scope: LimitScope
    target: str | None
    account_id: str | None
    user_id: str | None
    everyone: bool
    measure: Measure
    limit: str | None
    alert_at: str | None
    window_s: int | None
    action: Action
    set_by: SetBy = Field(description=_SET_BY)
    editable: bool = Field(description="whether the caller may change it")


class UsedLimit(Reply):
    """A limit, and how much of it is used."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_LIMIT,
        "scope": "user",
        "measure": "order_value",
        "limit": "50000",
        "alert_at": "0.8",
        "window_s": None,
        "action": "reject",
        "everyone": False,
        "set_by": "user",
        "target": None,
        "used": "1904.80",
        "utilisation": "0.038096",
        "state": "ok",
    }

    id: Uuid
    scope: LimitScope
    measure: Measure
    limit: str | None
    alert_at: str | None
    window_s: int | None
    action: Action
    everyone: bool
    set_by: SetBy = Field(description=_SET_BY)
    target: str | None
    used: str | None = Field(description="null for a share of no or negative equity")
    utilisation: str | None = Field(description="the share of the limit that is used")
    state: State


class MarginPart(Reply):
    """The margin of an account."""

    example: ClassVar[Example] = {
        "equity": "100000.00",
        "initial": "952.40",
        "maintenance": "476.20",
        "excess": "99523.80",
        "utilisation": "0.004762",
        "state": "ok",
        "call": None,
    }

    equity: str
    initial: str | None
    maintenance: str
    excess: str
    utilisation: str | None
    state: State
    call: dict[str, Any] | None = Field(description="since when, and when it is due")


class ExposureSum(Reply):
    """What is held of a group, in one currency."""

    example: ClassVar[Example] = {
        "name": "Technology",
        "currency": "USD",
        "long": "1904.80",
        "short": "0.00",
        "gross": "3809.60",
        "net": "1904.80",
    }

    name: str
    currency: str
    long: str
    short: str
    gross: str = Field(description="open orders of the larger side counted as filled")
    net: str


class InstrumentExposure(Reply):
    """A position, and what open orders would add to it."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "sector": "Technology",
        "currency": "USD",
        "qty": "10",
        "buying": "10",
        "selling": "0",
        "price": "190.48",
        "value": "1904.80",
        "gross": "3809.60",
    }

    symbol: str
    asset_class: str
    sector: str
    currency: str
    qty: str
    buying: str
    selling: str
    price: str | None
    value: str
    gross: str


class ExposurePart(Reply):
    """What an account is exposed to."""

    example: ClassVar[Example] = {
        "total": [ExposureSum.example | {"name": "USD"}],
        "by_sector": [ExposureSum.example],
        "by_asset_class": [ExposureSum.example | {"name": "us_equity"}],
        "by_instrument": [InstrumentExposure.example],
    }

    total: list[ExposureSum]
    by_sector: list[ExposureSum]
    by_asset_class: list[ExposureSum]
    by_instrument: list[InstrumentExposure]


class DashboardReply(Reply):
    """Where an account stands against its limits, at the present market."""

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "status": "active",
        "equity": "100000.00",
        "kill_switch": None,
        "kill_switch_set_by": None,
        "stop": None,
        "day_start_equity": "100000.00",
        "peak_equity": "100250.00",
        "limits": [UsedLimit.example],
        "margin": None,
        "exposure": ExposurePart.example,
        "open_alerts": 0,
        "policy_version": 3,
        "as_of_seq": 4711,
    }

    account_id: Uuid
    status: str
    equity: str
    kill_switch: str | None = Field(description="why one stops this account")
    kill_switch_set_by: SetBy | None = Field(description="who set it; null on older tapes")
    stop: dict[str, Any] | None = Field(description="the loss limit that it came to")
    day_start_equity: str | None
    peak_equity: str | None
    limits: list[UsedLimit]
    margin: MarginPart | None = Field(description="null for a cash account")
    exposure: ExposurePart
    open_alerts: int
    policy_version: int
    as_of_seq: int


class RiskAlertReply(Reply):
    """Something of risk that somebody should look at."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ALERT,
        "account_id": EXAMPLE_ACCOUNT,
        "kind": "risk_alert",
        "level": "soft",
        "measure": "order_value",
        "value": "41000",
        "limit": "50000",
        "order_id": EXAMPLE_ORDER,
        "symbol": None,
        "time": EXAMPLE_TIME,
        "seq": 4711,
        "state": "open",
        "note": None,
        "marked_at": None,
    }

    id: str
    account_id: Uuid
    kind: str = Field(
        description="risk_alert, account_stopped, margin_called, margin_call_met, liquidated, "
        "kill_switch or kill_switch_off"
    )
    level: Literal["soft", "hard", "info"]
    measure: str | None
    value: str | None
    limit: str | None
    order_id: str | None
    symbol: str | None
    time: str
    seq: int
    state: Literal["open", "acknowledged", "resolved"]
    note: str | None
    marked_at: str | None
    due: str | None = Field(None, description="when a margin call is due")
    qty: str | None = Field(None, description="how much was liquidated")
    leaves: str | None = Field(None, description="what leaves when an account is stopped")
    scope: Literal["account", "user", "world"] | None = Field(
        None, description="whom a kill switch stops or lets go on"
    )
    reason: str | None = Field(None, description="why a kill switch went on")
    set_by: SetBy | None = Field(None, description="who turned a kill switch")


class MarkRequest(Body):
    """What is to be said about an alert."""

    example: ClassVar[Example] = {"note": "seen, position is closed by hand"}

    note: str = Field(default="", max_length=500)


class KillSwitchRequest(Body):
    """Turns a kill switch on or off."""

    example: ClassVar[Example] = {"scope": "user", "on": False, "reason": "back at the desk"}

    scope: Literal["account", "user", "world"]
    on: bool = Field(strict=True)
    account_id: Uuid | None = Field(default=None, description="for scope account")
    user_id: Uuid | None = Field(default=None, description="another user, by an admin")
    reason: Reason = "by the user"
    flatten: bool = Field(default=False, strict=True, description="close positions too")

    @model_validator(mode="after")
    def _means_one_thing(self) -> "KillSwitchRequest":
        if self.account_id is not None and self.scope != "account":
            raise ValueError("account_id: use the scope account")
        if self.user_id is not None and self.scope != "user":
            raise ValueError("user_id: use the scope user")
        if self.flatten and not self.on:
            raise ValueError("flatten: only a switch that goes on closes positions")
        return self


class KillSwitchPart(Reply):
    """Whether orders of an account are stopped, and why."""

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "on": True,
        "reason": "too many orders",
        "set_by": "admin",
    }

    account_id: Uuid
    on: bool
    reason: str | None
    set_by: SetBy | None = Field(description="who set it; null when off and on older tapes")


class KillSwitchReply(Reply):
    """The kill switches that stop the caller's accounts."""

    example: ClassVar[Example] = {
        "world": {"on": False, "reason": None, "set_by": None},
        "accounts": [KillSwitchPart.example],
    }

    world: dict[str, Any]
    accounts: list[KillSwitchPart]


class ComplianceRule(Reply):
    """A check that orders go through, in this order."""

    example: ClassVar[Example] = {
        "check": "order_size",
        "detail": "one order is no larger than its limits allow",
        "active": True,
        "always": False,
        "limits": [EXAMPLE_LIMIT],
    }

    check: str
    detail: str
    active: bool
    always: bool = Field(description="made in every world, whatever its policy")
    limits: list[str] = Field(description="the limits of the caller that it holds orders against")


class ComplianceReply(Reply):
    """What orders are checked for now."""

    example: ClassVar[Example] = {
        "policy_version": 3,
        "items": [ComplianceRule.example],
        "next_cursor": None,
    }

    policy_version: int
    items: list[ComplianceRule]
    next_cursor: str | None


class CheckReply(Reply):
    """What one order, or one replace of it, was checked for."""

    example: ClassVar[Example] = {
        "id": "4711-1",
        "order_id": EXAMPLE_ORDER,
        "account_id": EXAMPLE_ACCOUNT,
        "kind": "new",
        "outcome": "passed",
        "policy": 3,
        "checks": ["order", "buying_power", "kill_switch", "loss_stop", "order_size"],
        "reason": None,
        "value": None,
        "limit": None,
        "time": EXAMPLE_TIME,
        "seq": 4711,
    }

    id: str
    order_id: Uuid
    account_id: Uuid
    kind: Literal["new", "replace"] = Field(description="a new order, or new terms of one")
    outcome: Literal["passed", "failed"]
    policy: int = Field(description="the version of the policy; 0 where there was none")
    checks: list[str] = Field(description="what was passed; empty for what failed")
    reason: str | None = Field(description="what failed")
    value: str | None
    limit: str | None
    time: str
    seq: int
