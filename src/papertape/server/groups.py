"""Groups of accounts that are traded together, kept in `auth.db`.

`paper_simulator` is there for everybody and holds the user's first account; the others are the
user's own. The methods of `GroupStore` block, so the server calls them on a thread.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.store import AuthStore

BUILT_IN = "paper_simulator"
GROUPS_MAX = 50
MEMBERS_MAX = 100

_metadata = MetaData()

_groups = Table(
    "account_groups",
    _metadata,
    Column("group_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

_members = Table(
    "account_group_members",
    _metadata,
    Column("group_id", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("place", Integer, nullable=False),
)


class GroupNameTakenError(Exception):
    """The user has a group of this name already."""


class TooManyGroupsError(Exception):
    """The user has as many groups as one may have."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `created_ns` is nanoseconds since 1970, 0 for the built-in one."""

    group_id: str
    name: str
    account_ids: tuple[str, ...]
    created_ns: int
    is_built_in: bool = False


def built_in(user_id: str, first_account: Sequence[str]) -> Group:
    """The group that every user has; it is empty when all accounts are archived."""
    group_id = str(uuid5(NAMESPACE_URL, f"{user_id}/{BUILT_IN}"))
    return Group(group_id, BUILT_IN, tuple(first_account), 0, is_built_in=True)


class GroupStore:
    """The users' own groups in one world."""

    def __init__(self, auth: AuthStore, world: str) -> None:
        self._auth = auth
        self._world = world

    @property
    def _engine(self) -> Engine:
        return self._auth.engine

    def all_of(self, user_id: str) -> list[Group]:
        """The groups of a user, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(self._select(user_id).order_by(_groups.c.name)).all()
            return [self._group(connection, row) for row in rows]

    def one(self, user_id: str, group_id: str) -> Group | None:
        """The user's group of that id."""
        return self._first(user_id, _groups.c.group_id == group_id)

    def named(self, user_id: str, name: str) -> Group | None:
        """The user's group of that name."""
        return self._first(user_id, _groups.c.name == name)

    def create(self, user_id: str, name: str, account_ids: Sequence[str]) -> Group:
        """A new group; raises `GroupNameTakenError` and `TooManyGroupsError`."""
        group = Group(str(uuid4()), name, tuple(account_ids), time.time_ns())
        row = {
            "group_id": group.group_id,
            "user_id": user_id,
            "world": self._world,
            "name": name,
            "created_ns": group.created_ns,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_groups).values(row))
                if self._count(connection, user_id) > GROUPS_MAX:
                    raise TooManyGroupsError
                _set_members(connection, group.group_id, account_ids)
        except IntegrityError as error:
            raise GroupNameTakenError(name) from error
        return group

    def change(
        self, user_id: str, group_id: str, name: str | None, account_ids: Sequence[str] | None
    ) -> Group | None:
        """Change what is not None; None when there is no such group."""
        try:
            with self._engine.begin() as connection:
                values: dict[str, Any] = {"name": _groups.c.name if name is None else name}
                where = self._mine(user_id) & (_groups.c.group_id == group_id)
                if not connection.execute(update(_groups).where(where).values(values)).rowcount:
                    return None
                if account_ids is not None:
                    _set_members(connection, group_id, account_ids)
        except IntegrityError as error:
            raise GroupNameTakenError(name) from error
        return self.one(user_id, group_id)

    def remove(self, user_id: str, group_id: str) -> bool:
        """Forget a group; False when there is none."""
        where = self._mine(user_id) & (_groups.c.group_id == group_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(delete(_groups).where(where)).rowcount)

    def _mine(self, user_id: str) -> Any:
        return (_groups.c.user_id == user_id) & (_groups.c.world == self._world)

    def _select(self, user_id: str) -> Any:
        return select(_groups).where(self._mine(user_id))

    def _count(self, connection: Connection, user_id: str) -> int:
        query = select(func.count()).select_from(_groups).where(self._mine(user_id))
        return connection.scalar(query) or 0

    def _first(self, user_id: str, condition: Any) -> Group | None:
        with self._engine.connect() as connection:
            row = connection.execute(self._select(user_id).where(condition)).one_or_none()
            return None if row is None else self._group(connection, row)

    def _group(self, connection: Connection, row: Any) -> Group:
        query = select(_members.c.account_id).where(_members.c.group_id == row.group_id)
        members = connection.execute(query.order_by(_members.c.place)).scalars()
        return Group(row.group_id, row.name, tuple(members), row.created_ns)


def _set_members(connection: Connection, group_id: str, account_ids: Sequence[str]) -> None:
    connection.execute(delete(_members).where(_members.c.group_id == group_id))
    rows = [
        {"group_id": group_id, "account_id": account_id, "place": place}
        for place, account_id in enumerate(account_ids)
    ]
    connection.execute(insert(_members), rows)
