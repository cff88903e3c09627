"""Webhooks in both directions, and the account groups that alerts trade on."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from papertape.client.replies import Reply


class Group(Reply, frozen=True, kw_only=True):
    """Accounts that are traded together."""

    id: str
    name: str
    account_ids: list[str]
    built_in: bool
    created_at: datetime | None


class Sizing(Reply, frozen=True, kw_only=True):
    """How much an alert trades."""

    method: str
    value: Decimal | None


class Webhook(Reply, frozen=True, kw_only=True):
    """An address that takes alerts of TradingView."""

    id: str
    name: str
    group: str
    sizing: Sizing
    symbol_map: dict[str, str]
    duplicate_window_s: int
    has_secret: bool
    token_hint: str
    enabled: bool
    created_at: datetime
    last_alert_at: datetime | None


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook with its token, which is told here and never again."""

    token: str
    path: str


class AlertRefusal(Reply, frozen=True, kw_only=True):
    """Why an alert would be refused."""

    reason: str
    detail: str
    value: str | None = None
    limit: str | None = None
    field: str | None = None


class AlertOrder(Reply, frozen=True, kw_only=True):
    """An order that an alert makes."""

    symbol: str
    side: str
    type: str
    qty: Decimal
    time_in_force: str
    client_order_id: str | None = None
    strategy: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool | None = None
    order_class: str | None = None
    take_profit: dict[str, Any] | None = None
    stop_loss: dict[str, Any] | None = None
    status: str | None = None
    order_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    rejections: list[AlertRefusal] | None = None


class AlertOnAccount(Reply, frozen=True, kw_only=True):
    """What an alert did on one account."""

    account_id: str
    status: str
    symbol: str | None = None
    held: Decimal | None = None
    target: Decimal | None = None
    canceled: list[str] = msgspec.field(default_factory=list)
    orders: list[AlertOrder] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    reason: str | None = None
    detail: str | None = None
    value: str | None = None
    limit: str | None = None


class LoggedAlert(Reply, frozen=True, kw_only=True):
    """An alert that came, and what became of it."""

    id: str
    received_at: datetime
    finished_at: datetime | None
    status: str
    reason: str | None
    detail: str | None
    duplicate_of: str | None
    fields: dict[str, str]
    accounts: list[AlertOnAccount]


class FoundField(Reply, frozen=True, kw_only=True):
    """A field of an alert, under the name that it had."""

    name: str
    value: str


class DryRunSize(Reply, frozen=True, kw_only=True):
    """What an alert would open, in the currency of the instrument."""

    side: str
    qty: Decimal
    price: Decimal | None = None
    currency: str | None = None
    worth: Decimal | None = None
    worth_percent: Decimal | None = None
    stop: Decimal | None = None
    risk: Decimal | None = None
    risk_percent: Decimal | None = None
    rate: Decimal | None = None


class DryRunAccount(Reply, frozen=True, kw_only=True):
    """What an alert would do on one account."""

    account: str
    held: Decimal | None = None
    target: Decimal | None = None
    size: DryRunSize | None = None
    cancels: int = 0
    orders: list[AlertOrder] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    refusal: AlertRefusal | None = None


class DryRun(Reply, frozen=True, kw_only=True):
    """How an alert would be read; nothing was sent."""

    fields: dict[str, FoundField]
    ignored: list[str]
    symbol: str | None
    accounts: list[DryRunAccount]
    refusal: AlertRefusal | None


class Endpoint(Reply, frozen=True, kw_only=True):
    """An address that is told events of the caller's accounts."""

    id: str
    url: str
    events: list[str]
    account_id: str | None
    description: str
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime


class NewEndpoint(Endpoint, frozen=True, kw_only=True):
    """An endpoint with the secret that signs its deliveries, which is told here only."""

    secret: str


class DeliveryAttempt(Reply, frozen=True, kw_only=True):
    """One attempt to tell an event."""

    time: datetime
    status: int | None
    error: str | None
    seconds: float


class Delivery(Reply, frozen=True, kw_only=True):
    """One event on its way."""

    id: str
    event: str
    status: str
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: list[DeliveryAttempt]
    payload: str
