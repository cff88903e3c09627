"""Webhooks and their alerts in `auth.db`.

An alert is acknowledged only when `take` has returned, which has written it to the disk. Everything
here blocks and is safe for use from several threads and processes. What an alert does is written
down before it is done (`plan_cancels`, `plan_orders`): the first writer's word counts, so whoever
takes the work up again, or does it at the same time, sends the very same orders under the same ids.
"""

import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

import structlog
from sqlalchemy import Connection, Engine, Row, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.dialects.tradingview.plan import Sizing, SizingMethod
from papertape.server.dialects.tradingview.tables import alerts, trades, users, webhooks

WEBHOOKS_MAX = 100
WAITING_MAX = 1_000
KEPT_MAX = 10_000
"""Alerts in the log of a webhook; the oldest finished ones are forgotten beyond it."""

FORGET_EVERY = 100
_TOKEN_BYTES = 32
_SECOND_NS = 1_000_000_000


class TooManyWebhooksError(Exception):
    """The user has as many webhooks as one may have."""


class TooManyAlertsError(Exception):
    """More alerts of this webhook wait than are kept waiting."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook without its token. Times are nanoseconds since 1970; 0 is never."""

    webhook_id: str
    user_id: str
    name: str
    token_hint: str
    secret_hash: str | None
    group: str
    sizing: Sizing
    symbol_map: Mapping[str, str]
    duplicate_window_s: int
    enabled: bool
    created_ns: int
    last_alert_ns: int
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """An alert that was written down; `duplicate_of` is the alert that it repeats."""

    alert_id: str
    duplicate_of: str | None


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert with what became of it."""

    alert_id: str
    webhook_id: str
    received_ns: int
    duplicate_of: str | None
    content: dict[str, Any]
    status: str
    reason: str | None
    detail: str | None
    finished_ns: int | None


@dataclass(frozen=True, slots=True)
class Trade:
    """What an alert does on one account: cancels first, then orders; None is not yet planned."""

    account_id: str
    cancels: list[str]
    plan: dict[str, Any] | None
    result: dict[str, Any] | None


class WebhookStore:
    """The webhooks of one world."""

    def __init__(self, auth: AuthStore, world: str) -> None:
        self._auth = auth
        self._world = world
        self._noted: Counter[str] = Counter()

    @property
    def _engine(self) -> Engine:
        return self._auth.engine

    # --- webhooks --------------------------------------------------------------------------------

    def create(self, user_id: str, values: Mapping[str, Any]) -> tuple[Webhook, str]:
        """A new webhook and its token; raises `TooManyWebhooksError`."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        row = {
            "webhook_id": str(uuid4()),
            "user_id": user_id,
            "world": self._world,
            "deleted": False,
            "created_ns": time.time_ns(),
            "last_alert_ns": 0,
            **_columns(values),
            **_token_columns(token),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(webhooks).values(row))
            count = select(func.count()).select_from(webhooks).where(*self._of(user_id))
            if (connection.scalar(count) or 0) > WEBHOOKS_MAX:
                raise TooManyWebhooksError
        webhook = self.one(user_id, row["webhook_id"])
        assert webhook is not None
        return webhook, token

    def all_of(self, user_id: str) -> list[Webhook]:
        """The webhooks of a user, the oldest first."""
        query = self._select().where(*self._of(user_id))
        with self._engine.connect() as connection:
            ordered = query.order_by(webhooks.c.created_ns, webhooks.c.webhook_id)
            return [_webhook(row) for row in connection.execute(ordered)]

    def one(self, user_id: str, webhook_id: str) -> Webhook | None:
        """The user's webhook of that id."""
        return self._first(*self._of(user_id), webhooks.c.webhook_id == webhook_id)

    def of_token(self, token: str) -> Webhook | None:
        """The webhook whose address has that token."""
        return self._first(*self._alive(), webhooks.c.token_hash == _hash(token))

    def by_id(self, webhook_id: str) -> Webhook | None:
        """Any webhook, also one that its user has removed while alerts of it wait."""
        return self._first(webhooks.c.webhook_id == webhook_id)

    def change(self, user_id: str, webhook_id: str, values: Mapping[str, Any]) -> Webhook | None:
        """Change the given ones; None when there is no such webhook."""
        columns = _columns(values) or {"name": webhooks.c.name}
        return self._update(user_id, webhook_id, columns)

    def rotate(self, user_id: str, webhook_id: str) -> tuple[Webhook, str] | None:
        """A new token; the old address ends at once. None when there is no such webhook."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        webhook = self._update(user_id, webhook_id, _token_columns(token))
        return None if webhook is None else (webhook, token)

    def remove(self, user_id: str, webhook_id: str) -> bool:
        """End a webhook. What it acknowledged before is still done."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        columns = {"deleted": True, **_token_columns(token)}
        where = (*self._of(user_id), webhooks.c.webhook_id == webhook_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(update(webhooks).where(*where).values(columns)).rowcount)

    # --- alerts ----------------------------------------------------------------------------------

    def take(
        self, webhook: Webhook, key: str, content: Mapping[str, Any], *, is_exact: bool
    ) -> Taken:
        """Write an alert down; it is on the disk when this returns.

        The same exact key is the same alert for as long as the log reaches, any other key within
        the webhook's window. Raises `TooManyAlertsError`.
        """
        with self._engine.begin() as connection:
            received_ns = self._next_ns(connection, webhook.webhook_id)
            window_ns = webhook.duplicate_window_s * _SECOND_NS
            since_ns = 0 if is_exact else received_ns - window_ns
            first = self._same(connection, webhook.webhook_id, key, since_ns)
            alert_id = str(uuid5(UUID(webhook.webhook_id), key)) if is_exact else str(uuid4())
            if first is not None:
                alert_id = str(uuid4())
            elif self._waiting(connection, webhook.webhook_id) >= WAITING_MAX:
                raise TooManyAlertsError
            row = {
                "alert_id": alert_id,
                "webhook_id": webhook.webhook_id,
                "received_ns": received_ns,
                "alert_key": key,
                "duplicate_of": first,
                "content": _text(content),
                "status": "received" if first is None else "duplicate",
                "finished_ns": None if first is None else received_ns,
            }
            connection.execute(insert(alerts).values(row))
        self._forget_now_and_then(webhook.webhook_id)
        return Taken(alert_id, first)

    def note_refused(
        self, webhook: Webhook, content: Mapping[str, Any], reason: str, detail: str
    ) -> str:
        """Write an alert down that could not be read; returns its id."""
        alert_id = str(uuid4())
        with self._engine.begin() as connection:
            received_ns = self._next_ns(connection, webhook.webhook_id)
            row = {
                "alert_id": alert_id,
                "webhook_id": webhook.webhook_id,
                "received_ns": received_ns,
                "alert_key": alert_id,
                "content": _text(content),
                "status": "refused",
                "reason": reason,
                "detail": detail,
                "finished_ns": received_ns,
            }
            connection.execute(insert(alerts).values(row))
        self._forget_now_and_then(webhook.webhook_id)
        return alert_id

    def _forget_now_and_then(self, webhook_id: str) -> None:
        self._noted[webhook_id] += 1
        if self._noted[webhook_id] % FORGET_EVERY == 0:
            self.forget_oldest(webhook_id)

    def _next_ns(self, connection: Connection, webhook_id: str) -> int:
        """The time of the next alert, later than all before; others of the webhook wait here."""
        last, now = webhooks.c.last_alert_ns, time.time_ns()
        connection.execute(
            update(webhooks)
            .where(webhooks.c.webhook_id == webhook_id)
            .values(last_alert_ns=case((last >= now, last + 1), else_=now))
        )
        query = select(last).where(webhooks.c.webhook_id == webhook_id)
        return connection.scalar(query) or now

    def _same(self, connection: Connection, webhook_id: str, key: str, since_ns: int) -> str | None:
        query = (
            select(alerts.c.alert_id)
            .where(alerts.c.webhook_id == webhook_id, alerts.c.alert_key == key)
            .where(alerts.c.received_ns > since_ns, alerts.c.duplicate_of.is_(None))
            .order_by(alerts.c.received_ns.desc())
            .limit(1)
        )
        return connection.scalar(query)

    def _waiting(self, connection: Connection, webhook_id: str) -> int:
        query = select(func.count()).select_from(alerts).where(*_waits(webhook_id))
        return connection.scalar(query) or 0

    # --- the work --------------------------------------------------------------------------------

    def with_work(self) -> list[str]:
        """The ids of webhooks that have alerts waiting."""
        query = (
            select(alerts.c.webhook_id)
            .join(webhooks, webhooks.c.webhook_id == alerts.c.webhook_id)
            .where(alerts.c.status == "received", webhooks.c.world == self._world)
            .distinct()
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def next_waiting(self, webhook_id: str) -> KeptAlert | None:
        """The oldest alert of a webhook that nobody has finished."""
        query = select(alerts).where(*_waits(webhook_id)).order_by(alerts.c.received_ns).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _alert(row)

    def trade(self, alert_id: str, account_id: str) -> Trade | None:
        """What is planned and done for an alert on an account."""
        with self._engine.connect() as connection:
            row = connection.execute(select(trades).where(*_of_trade(alert_id, account_id))).first()
        return None if row is None else _trade(row)

    def plan_cancels(self, alert_id: str, account_id: str, cancels: list[str]) -> Trade:
        """Write down which orders go first; the first one to say so counts."""
        row = {"alert_id": alert_id, "account_id": account_id, "cancels": _text(cancels)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(trades).values(row))
        except IntegrityError:
            structlog.get_logger().info("alert_was_planned_elsewhere", alert=alert_id)
        trade = self.trade(alert_id, account_id)
        assert trade is not None
        return trade

    def plan_orders(self, alert_id: str, account_id: str, plan: Mapping[str, Any]) -> Trade:
        """Write down what is sent then; the first one to say so counts."""
        where = (*_of_trade(alert_id, account_id), trades.c.plan.is_(None))
        with self._engine.begin() as connection:
            connection.execute(update(trades).where(*where).values(plan=_text(plan)))
        trade = self.trade(alert_id, account_id)
        assert trade is not None
        return trade

    def note_result(self, alert_id: str, account_id: str, result: Mapping[str, Any]) -> None:
        """What became of it."""
        change = update(trades).where(*_of_trade(alert_id, account_id))
        with self._engine.begin() as connection:
            connection.execute(change.values(result=_text(result)))

    def finish(
        self, alert: KeptAlert, status: str, reason: str | None = None, detail: str | None = None
    ) -> None:
        """An alert needs no more work."""
        values = {
            "status": status,
            "reason": reason,
            "detail": detail,
            "finished_ns": time.time_ns(),
        }
        where = (alerts.c.alert_id == alert.alert_id, alerts.c.status == "received")
        with self._engine.begin() as connection:
            connection.execute(update(alerts).where(*where).values(values))

    def forget_oldest(self, webhook_id: str) -> None:
        """Keep the newest alerts of the log, and all that wait."""
        newest = (
            select(alerts.c.received_ns)
            .where(alerts.c.webhook_id == webhook_id)
            .order_by(alerts.c.received_ns.desc())
            .offset(KEPT_MAX)
            .limit(1)
        )
        with self._engine.begin() as connection:
            bound = connection.scalar(newest)
            if bound is not None:
                connection.execute(
                    delete(alerts).where(
                        alerts.c.webhook_id == webhook_id,
                        alerts.c.received_ns <= bound,
                        alerts.c.status != "received",
                    )
                )

    # --- the log ---------------------------------------------------------------------------------

    def log(
        self, webhook_id: str, limit: int, before_ns: int | None
    ) -> list[tuple[KeptAlert, list[Trade]]]:
        """Alerts of a webhook with what they did, the newest first."""
        query = select(alerts).where(alerts.c.webhook_id == webhook_id)
        if before_ns is not None:
            query = query.where(alerts.c.received_ns < before_ns)
        query = query.order_by(alerts.c.received_ns.desc()).limit(limit)
        with self._engine.connect() as connection:
            found = [_alert(row) for row in connection.execute(query)]
            done: dict[str, list[Trade]] = {alert.alert_id: [] for alert in found}
            of_these = select(trades).where(trades.c.alert_id.in_(done))
            for row in connection.execute(of_these.order_by(trades.c.account_id)):
                done[row.alert_id].append(_trade(row))
        return [(alert, done[alert.alert_id]) for alert in found]

    # --- inside ----------------------------------------------------------------------------------

    def _alive(self) -> tuple[Any, ...]:
        return (webhooks.c.world == self._world, webhooks.c.deleted.is_(False))

    def _of(self, user_id: str) -> tuple[Any, ...]:
        return (*self._alive(), webhooks.c.user_id == user_id)

    def _select(self) -> Any:
        return select(webhooks, users.c.is_demo).join(users, users.c.user_id == webhooks.c.user_id)

    def _first(self, *conditions: Any) -> Webhook | None:
        with self._engine.connect() as connection:
            row = connection.execute(self._select().where(*conditions)).one_or_none()
        return None if row is None else _webhook(row)

    def _update(self, user_id: str, webhook_id: str, columns: Mapping[str, Any]) -> Webhook | None:
        where = (*self._of(user_id), webhooks.c.webhook_id == webhook_id)
        with self._engine.begin() as connection:
            connection.execute(update(webhooks).where(*where).values(**columns))
        return self.one(user_id, webhook_id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _token_columns(token: str) -> dict[str, str]:
    return {"token_hash": _hash(token), "token_hint": token[-4:]}


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the values that are given."""
    columns = dict(values)
    if "sizing" in columns:
        sizing: Sizing = columns["sizing"]
        value = None if sizing.value is None else str(sizing.value)
        columns["sizing"] = _text({"method": sizing.method, "value": value})
    if "symbol_map" in columns:
        columns["symbol_map"] = _text(columns["symbol_map"])
    return columns


def _waits(webhook_id: str) -> tuple[Any, ...]:
    return (alerts.c.webhook_id == webhook_id, alerts.c.status == "received")


def _of_trade(alert_id: str, account_id: str) -> tuple[Any, ...]:
    return (trades.c.alert_id == alert_id, trades.c.account_id == account_id)


def _text(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _webhook(row: Row[Any]) -> Webhook:
    sizing = json.loads(row.sizing)
    method: SizingMethod = sizing["method"]
    value = None if sizing["value"] is None else Decimal(sizing["value"])
    return Webhook(
        webhook_id=row.webhook_id,
        user_id=row.user_id,
        name=row.name,
        token_hint=row.token_hint,
        secret_hash=row.secret_hash,
        group=row.group_name,
        sizing=Sizing(method, value),
        symbol_map=json.loads(row.symbol_map),
        duplicate_window_s=row.duplicate_window_s,
        enabled=row.enabled,
        created_ns=row.created_ns,
        last_alert_ns=row.last_alert_ns,
        is_demo=row.is_demo,
    )


def _alert(row: Row[Any]) -> KeptAlert:
    return KeptAlert(
        alert_id=row.alert_id,
        webhook_id=row.webhook_id,
        received_ns=row.received_ns,
        duplicate_of=row.duplicate_of,
        content=json.loads(row.content),
        status=row.status,
        reason=row.reason,
        detail=row.detail,
        finished_ns=row.finished_ns,
    )


def _trade(row: Row[Any]) -> Trade:
    return Trade(
        row.account_id,
        json.loads(row.cancels),
        json.loads(row.plan) if row.plan else None,
        json.loads(row.result) if row.result else None,
    )
