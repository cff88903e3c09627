"""Endpoints and deliveries in `auth.db`. Everything here blocks; several processes may share it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore
from papertape.server.auth.tables import accounts
from papertape.server.hooks.signing import new_secret
from papertape.server.hooks.tables import deliveries, endpoints
from papertape.storage.news import News, Spot

ENDPOINTS_MAX = 20
WAITING_MAX = 10_000
KEPT_MAX = 1_000
ATTEMPTS_KEPT = 20
OLD_SECRET_NS = 24 * 3_600 * 1_000_000_000


class TooManyEndpointsError(Exception):
    """The user has as many endpoints as one may have."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told events. Times are nanoseconds since 1970."""

    endpoint_id: str
    user_id: str
    url: str
    description: str
    events: tuple[str, ...]
    account_id: str | None
    enabled: bool
    disabled_reason: str | None
    failing_since_ns: int | None
    told: Spot
    created_ns: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint; `next_ns` is when it is tried (again)."""

    delivery_id: str
    endpoint_id: str
    event: str
    payload: str
    status: str
    tries: int
    attempts: list[dict[str, Any]]
    next_ns: int
    created_ns: int


class EndpointStore:
    """The endpoints of one world."""

    def __init__(self, auth: AuthStore, world: str) -> None:
        self._auth = auth
        self._world = world

    @property
    def _engine(self) -> Engine:
        return self._auth.engine

    # --- endpoints -------------------------------------------------------------------------------

    def create(self, user_id: str, values: Mapping[str, Any], told_seq: int) -> Endpoint:
        """A new endpoint, told what comes behind `told_seq`; raises `TooManyEndpointsError`."""
        row = {
            "endpoint_id": str(uuid4()),
            "user_id": user_id,
            "world": self._world,
            "rotated_ns": 0,
            "told_seq": told_seq,
            "told_i": _BEHIND_ALL,
            "created_ns": time.time_ns(),
            **_columns(values),
        }
        mine = (endpoints.c.user_id == user_id, endpoints.c.world == self._world)
        with self._engine.begin() as connection:
            row["secret"] = self._sealed(connection, user_id, new_secret())
            connection.execute(insert(endpoints).values(row))
            count = select(func.count()).select_from(endpoints).where(*mine)
            if (connection.scalar(count) or 0) > ENDPOINTS_MAX:
                raise TooManyEndpointsError
        made = self.one(user_id, row["endpoint_id"])
        assert made is not None
        return made

    def all_of(self, user_id: str) -> list[Endpoint]:
        """The endpoints of a user, the oldest first."""
        return self._select(endpoints.c.user_id == user_id)

    def one(self, user_id: str, endpoint_id: str) -> Endpoint | None:
        """The user's endpoint of that id."""
        found = self._select(endpoints.c.user_id == user_id, endpoints.c.endpoint_id == endpoint_id)
        return found[0] if found else None

    def enabled(self) -> list[Endpoint]:
        """All that are told events."""
        return self._select(endpoints.c.enabled)

    def by_id(self, endpoint_id: str) -> Endpoint | None:
        """Any endpoint."""
        found = self._select(endpoints.c.endpoint_id == endpoint_id)
        return found[0] if found else None

    def change(
        self, user_id: str, endpoint_id: str, values: Mapping[str, Any], told_seq: int
    ) -> Endpoint | None:
        """Change the given ones; None when there is none. One that is enabled again begins now."""
        before = self.one(user_id, endpoint_id)
        columns = _columns(values)
        if before is not None and columns.get("enabled") and not before.enabled:
            columns |= {"disabled_reason": None, "failing_since_ns": None}
            columns |= {"told_seq": told_seq, "told_i": _BEHIND_ALL}
        if before is not None and columns:
            self._update(endpoint_id, columns)
        return self.one(user_id, endpoint_id)

    def rotate(self, user_id: str, endpoint_id: str) -> Endpoint | None:
        """A new secret; the one before signs along for a day."""
        if self.one(user_id, endpoint_id) is None:
            return None
        mine = endpoints.c.endpoint_id == endpoint_id
        with self._engine.begin() as connection:
            columns = {
                "secret": self._sealed(connection, user_id, new_secret()),
                "secret_before": endpoints.c.secret,
                "rotated_ns": time.time_ns(),
            }
            connection.execute(update(endpoints).where(mine).values(**columns))
        return self.one(user_id, endpoint_id)

    def secrets_of(self, endpoint: Endpoint) -> list[str]:
        """What deliveries are signed with, the newest first; none when the endpoint is gone."""
        columns = (endpoints.c.secret, endpoints.c.secret_before, endpoints.c.rotated_ns)
        query = select(*columns).where(endpoints.c.endpoint_id == endpoint.endpoint_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return []
            is_old_good = time.time_ns() < row.rotated_ns + OLD_SECRET_NS
            sealed = [row.secret, row.secret_before if is_old_good else None]
            opened = [
                self._auth.vault.open(connection, endpoint.user_id, one) for one in sealed if one
            ]
        return [one["secret"] for one in opened if one]

    def _sealed(self, connection: Connection, user_id: str, secret: str) -> str:
        return self._auth.vault.seal(connection, user_id, {"secret": secret})

    def remove(self, user_id: str, endpoint_id: str) -> bool:
        """Forget an endpoint and its deliveries; False when there is none."""
        where = (
            endpoints.c.user_id == user_id,
            endpoints.c.world == self._world,
            endpoints.c.endpoint_id == endpoint_id,
        )
        with self._engine.begin() as connection:
            return bool(connection.execute(delete(endpoints).where(*where)).rowcount)

    def accounts_of(self, endpoint: Endpoint) -> list[str]:
        """The accounts whose events an endpoint is told."""
        mine = (accounts.c.user_id == endpoint.user_id, accounts.c.world == self._world)
        with self._engine.connect() as connection:
            found = list(connection.execute(select(accounts.c.account_id).where(*mine)).scalars())
        return [one for one in found if endpoint.account_id in {None, one}]

    # --- deliveries ------------------------------------------------------------------------------

    def enqueue(self, endpoint: Endpoint, news: Sequence[News], told: Spot) -> bool:
        """Write down what is to be delivered, and that the endpoint is told up to a place.

        False when another process did so meanwhile: then nothing was written.
        """
        rows = [
            _new_delivery(endpoint, one.kind, f"{one.seq}-{one.i}", _as_told(one)) for one in news
        ]
        where = (
            endpoints.c.endpoint_id == endpoint.endpoint_id,
            endpoints.c.told_seq == endpoint.told.seq,
            endpoints.c.told_i == endpoint.told.i,
        )
        values = {"told_seq": told.seq, "told_i": told.i}
        try:
            with self._engine.begin() as connection:
                if not connection.execute(update(endpoints).where(*where).values(values)).rowcount:
                    return False
                if rows:
                    connection.execute(insert(deliveries), rows)
        except IntegrityError:
            return False
        return True

    def enqueue_test(self, endpoint: Endpoint, item: Mapping[str, Any]) -> Delivery:
        """A delivery that somebody asked for."""
        row = _new_delivery(endpoint, "test", str(uuid4()), item)
        with self._engine.begin() as connection:
            connection.execute(insert(deliveries).values(row))
        found = self.delivery(endpoint.endpoint_id, row["delivery_id"])
        assert found is not None
        return found

    def waiting(self, endpoint_id: str) -> int:
        """How many deliveries of an endpoint have not arrived yet."""
        where = (deliveries.c.endpoint_id == endpoint_id, deliveries.c.status == "pending")
        query = select(func.count()).select_from(deliveries).where(*where)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def due(self, now_ns: int, of_endpoint_max: int) -> list[Delivery]:
        """What is to be tried now, of each endpoint that is enabled the longest due ones."""
        place = func.row_number().over(
            partition_by=deliveries.c.endpoint_id,
            order_by=(deliveries.c.next_ns, deliveries.c.delivery_id),
        )
        due = (
            select(deliveries, place.label("place"))
            .join(endpoints, endpoints.c.endpoint_id == deliveries.c.endpoint_id)
            .where(deliveries.c.status == "pending", deliveries.c.next_ns <= now_ns)
            .where(endpoints.c.enabled, endpoints.c.world == self._world)
            .subquery()
        )
        with self._engine.connect() as connection:
            rows = connection.execute(select(due).where(due.c.place <= of_endpoint_max)).all()
        return [_delivery(row) for row in rows]

    def next_due_ns(self) -> int | None:
        """When the next delivery is to be tried."""
        query = (
            select(func.min(deliveries.c.next_ns))
            .join(endpoints, endpoints.c.endpoint_id == deliveries.c.endpoint_id)
            .where(deliveries.c.status == "pending")
            .where(endpoints.c.enabled, endpoints.c.world == self._world)
        )
        with self._engine.connect() as connection:
            due_ns: int | None = connection.scalar(query)
        return due_ns

    def claim(self, delivery: Delivery, until_ns: int) -> bool:
        """Take a delivery; False when another process has it. Who falls loses it at `until_ns`."""
        where = (
            deliveries.c.delivery_id == delivery.delivery_id,
            deliveries.c.status == "pending",
            deliveries.c.next_ns == delivery.next_ns,
        )
        with self._engine.begin() as connection:
            change = update(deliveries).where(*where).values(next_ns=until_ns)
            return bool(connection.execute(change).rowcount)

    def note(
        self,
        delivery: Delivery,
        attempt: Mapping[str, Any],
        *,
        status: str,
        next_ns: int,
        disable: str | None,
    ) -> None:
        """What an attempt came to; `disable` is why the endpoint ends, if it does."""
        attempts = [*delivery.attempts, dict(attempt)][-ATTEMPTS_KEPT:]
        values = {
            "status": status,
            "tries": delivery.tries + 1,
            "attempts": json.dumps(attempts),
            "next_ns": next_ns,
        }
        of_endpoint: dict[str, Any] = {"failing_since_ns": None}
        if status != "delivered":
            since = func.coalesce(endpoints.c.failing_since_ns, time.time_ns())
            of_endpoint = {"failing_since_ns": since}
        if disable is not None:
            of_endpoint |= {"enabled": False, "disabled_reason": disable}
        with self._engine.begin() as connection:
            mine = deliveries.c.delivery_id == delivery.delivery_id
            connection.execute(update(deliveries).where(mine).values(values))
            its = endpoints.c.endpoint_id == delivery.endpoint_id
            connection.execute(update(endpoints).where(its).values(of_endpoint))

    def again(self, endpoint_id: str, delivery_id: str) -> Delivery | None:
        """Try a delivery once more from now on; None when there is none."""
        where = (
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.delivery_id == delivery_id,
        )
        values = {"status": "pending", "tries": 0, "next_ns": time.time_ns()}
        with self._engine.begin() as connection:
            connection.execute(update(deliveries).where(*where).values(values))
        return self.delivery(endpoint_id, delivery_id)

    def delivery(self, endpoint_id: str, delivery_id: str) -> Delivery | None:
        """One delivery of an endpoint."""
        where = (
            deliveries.c.endpoint_id == endpoint_id,
            deliveries.c.delivery_id == delivery_id,
        )
        with self._engine.connect() as connection:
            row = connection.execute(select(deliveries).where(*where)).first()
        return None if row is None else _delivery(row)

    def log(self, endpoint_id: str, limit: int, before: tuple[int, str] | None) -> list[Delivery]:
        """Deliveries of an endpoint, the newest first, behind (created_ns, id)."""
        created, own = deliveries.c.created_ns, deliveries.c.delivery_id
        query = select(deliveries).where(deliveries.c.endpoint_id == endpoint_id)
        if before is not None:
            earlier = (created == before[0]) & (own < before[1])
            query = query.where((created < before[0]) | earlier)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(created.desc(), own.desc()).limit(limit))
            return [_delivery(row) for row in rows]

    def forget_oldest(self, endpoint_id: str) -> None:
        """Keep the newest deliveries of the log, and all that wait."""
        of_it = deliveries.c.endpoint_id == endpoint_id
        newest = (
            select(deliveries.c.created_ns)
            .where(of_it)
            .order_by(deliveries.c.created_ns.desc())
            .offset(KEPT_MAX)
            .limit(1)
        )
        with self._engine.begin() as connection:
            bound = connection.scalar(newest)
            if bound is not None:
                ended = (deliveries.c.status != "pending", deliveries.c.created_ns <= bound)
                connection.execute(delete(deliveries).where(of_it, *ended))

    # --- inside ----------------------------------------------------------------------------------

    def _select(self, *conditions: Any) -> list[Endpoint]:
        query = select(endpoints).where(endpoints.c.world == self._world, *conditions)
        ordered = query.order_by(endpoints.c.created_ns, endpoints.c.endpoint_id)
        with self._engine.connect() as connection:
            return [_endpoint(row) for row in connection.execute(ordered)]

    def _update(self, endpoint_id: str, columns: Mapping[str, Any]) -> None:
        mine = endpoints.c.endpoint_id == endpoint_id
        with self._engine.begin() as connection:
            connection.execute(update(endpoints).where(mine).values(**columns))


_BEHIND_ALL = 2**31 - 1
"""A place behind every event of its turn."""


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    if "events" in columns:
        columns["events"] = " ".join(columns["events"])
    return columns


def _as_told(news: News) -> Mapping[str, Any]:
    """An event as REST tells it; a rejection without the checks it passed, which are none."""
    return {name: value for name, value in news.item.items() if name != "checks"}


def _new_delivery(
    endpoint: Endpoint, kind: str, of_event: str, item: Mapping[str, Any]
) -> dict[str, Any]:
    """A row whose id is that of its event, so that an event makes one delivery only."""
    now_ns = time.time_ns()
    content = {"type": kind, "timestamp": item["time"], "data": item}
    return {
        "delivery_id": f"msg_{uuid5(UUID(endpoint.endpoint_id), f'{kind} {of_event}').hex}",
        "endpoint_id": endpoint.endpoint_id,
        "event": kind,
        "payload": json.dumps(content, separators=(",", ":")),
        "status": "pending",
        "tries": 0,
        "attempts": "[]",
        "next_ns": now_ns,
        "created_ns": now_ns,
    }


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=row.endpoint_id,
        user_id=row.user_id,
        url=row.url,
        description=row.description,
        events=tuple(row.events.split()),
        account_id=row.account_id,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        failing_since_ns=row.failing_since_ns,
        told=Spot(row.told_seq, row.told_i),
        created_ns=row.created_ns,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        endpoint_id=row.endpoint_id,
        event=row.event,
        payload=row.payload,
        status=row.status,
        tries=row.tries,
        attempts=json.loads(row.attempts),
        next_ns=row.next_ns,
        created_ns=row.created_ns,
    )
