"""Limits, what is used of them, alerts, kill switches, checks."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from papertape.client.replies import Reply


class Limit(Reply, frozen=True, kw_only=True):
    """A limit."""

    id: str
    scope: str
    target: str | None
    account_id: str | None
    user_id: str | None
    everyone: bool
    measure: str
    limit: Decimal | None
    alert_at: Decimal | None
    window_s: int | None
    action: str
    set_by: str
    editable: bool


class UsedLimit(Reply, frozen=True, kw_only=True):
    """A limit, and how much of it is used."""

    id: str
    scope: str
    measure: str
    limit: Decimal | None
    alert_at: Decimal | None
    window_s: int | None
    action: str
    everyone: bool
    set_by: str
    target: str | None
    used: Decimal | None
    utilisation: Decimal | None
    state: str


class Margin(Reply, frozen=True, kw_only=True):
    """The margin of an account."""

    equity: Decimal
    initial: Decimal | None
    maintenance: Decimal
    excess: Decimal
    utilisation: Decimal | None
    state: str
    call: dict[str, Any] | None


class ExposureSum(Reply, frozen=True, kw_only=True):
    """What is held of a group, in one currency."""

    name: str
    currency: str
    long: Decimal
    short: Decimal
    gross: Decimal
    net: Decimal


class InstrumentExposure(Reply, frozen=True, kw_only=True):
    """A position, and what open orders would add to it."""

    symbol: str
    asset_class: str
    sector: str
    currency: str
    qty: Decimal
    buying: Decimal
    selling: Decimal
    price: Decimal | None
    value: Decimal
    gross: Decimal


class Exposure(Reply, frozen=True, kw_only=True):
    """What an account is exposed to."""

    total: list[ExposureSum]
    by_sector: list[ExposureSum]
    by_asset_class: list[ExposureSum]
    by_instrument: list[InstrumentExposure]


class Dashboard(Reply, frozen=True, kw_only=True):
    """Where an account stands against its limits, at the present market."""

    account_id: str
    status: str
    equity: Decimal
    kill_switch: str | None
    kill_switch_set_by: str | None
    stop: dict[str, Any] | None
    day_start_equity: Decimal | None
    peak_equity: Decimal | None
    limits: list[UsedLimit]
    margin: Margin | None
    exposure: Exposure
    open_alerts: int
    policy_version: int
    as_of_seq: int


class Alert(Reply, frozen=True, kw_only=True):
    """Something of risk that somebody should look at."""

    id: str
    account_id: str
    kind: str
    level: str
    measure: str | None
    value: str | None
    limit: str | None
    order_id: str | None
    symbol: str | None
    time: datetime
    seq: int
    state: str
    note: str | None
    marked_at: datetime | None
    due: datetime | None = None
    qty: Decimal | None = None
    leaves: str | None = None
    scope: str | None = None
    reason: str | None = None
    set_by: str | None = None


class StoppedAccount(Reply, frozen=True, kw_only=True):
    """Whether orders of an account are stopped, and why."""

    account_id: str
    on: bool
    reason: str | None
    set_by: str | None


class KillSwitch(Reply, frozen=True, kw_only=True):
    """The kill switches that stop the caller's accounts."""

    world: dict[str, Any]
    accounts: list[StoppedAccount]


class ComplianceRule(Reply, frozen=True, kw_only=True):
    """A check that orders go through."""

    check: str
    detail: str
    active: bool
    always: bool
    limits: list[str]


class Compliance(Reply, frozen=True, kw_only=True):
    """What orders are checked for now."""

    policy_version: int
    items: list[ComplianceRule]
    next_cursor: str | None = None


class Check(Reply, frozen=True, kw_only=True):
    """What one order, or one replace of it, was checked for."""

    id: str
    order_id: str
    account_id: str
    kind: str
    outcome: str
    policy: int
    checks: list[str]
    reason: str | None
    value: str | None
    limit: str | None
    time: datetime
    seq: int
