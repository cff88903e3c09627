"""Which accounts a user has in a world, in `auth.db`; what is in them lives on the floor.

An account is entered here first, its id derived from user, world and number, and then opened on the
floor, which is repeated until it is noted as done. Everything here blocks and is thread-safe.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from papertape.server.auth.tables import accounts, transfers

FIRST_NAME = "Paper account"
JOURNAL = "journal"
"""The kind of account that sends no orders and takes what its owner says was traded."""

ACTIVE_MAX = 25
"""Accounts that a user may trade with at a time in one world."""

ACCOUNTS_MAX = 200
"""The archived ones counted, too: they stay on the tape."""

FIRST_TERMS: Mapping[str, Any] = {
    "account_kind": "cash",
    "currency": "USD",
    "starting_cash": "100000.00",
}


class TooManyAccountsError(Exception):
    """The user has as many accounts as one may have; `limit` says how many that is."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"a user has at most {limit} {what}")
        self.limit = limit


class RequestReusedError(Exception):
    """The request id stands for another account or transfer."""


class LastAccountError(Exception):
    """It is the only account that the user trades with."""


class ArchivedError(Exception):
    """The account was put away."""


@dataclass(frozen=True, slots=True)
class OwnedAccount:
    """An account of a user in one world; its figures live on the floor.

    `terms` are those of `open_account`. `archived_ns` is nanoseconds since 1970, wall clock.
    """

    account_id: str
    user_id: str
    name: str
    opened: bool
    number: int = 1
    terms: Mapping[str, Any] | None = None
    archived_ns: int | None = None

    @property
    def is_archived(self) -> bool:
        """Whether the owner has put it away."""
        return self.archived_ns is not None

    @property
    def opening(self) -> Mapping[str, Any]:
        """The terms that it is opened with."""
        return FIRST_TERMS if self.terms is None else self.terms

    @property
    def is_journal(self) -> bool:
        """Whether it sends no orders."""
        return bool(self.opening["account_kind"] == JOURNAL)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money under way between two accounts of a user; `done` when it has arrived."""

    transfer_id: str
    from_account_id: str
    to_account_id: str
    amount: str
    currency: str | None
    done: bool


def account_id_of(user_id: str, world: str, number: int = 1) -> str:
    """The id of a user's account of a number in a world; the same one at every start."""
    return str(uuid5(UUID(user_id), world if number == 1 else f"{world}#{number}"))


class AccountStore:
    """The accounts and transfers of all users."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_user(self, user_id: str, world: str) -> Sequence[OwnedAccount]:
        """The user's accounts in the world by number, archived ones last.

        The first one is entered when there is none.
        """
        with self._engine.connect() as connection:
            found = _listed(connection, user_id, world)
        if found:
            return found
        # Another process may be faster.
        with suppress(IntegrityError), self._engine.begin() as connection:
            _enter(connection, user_id, world, 1, FIRST_NAME, None, None)
        with self._engine.connect() as connection:
            return _listed(connection, user_id, world)

    def enter(
        self,
        user_id: str,
        world: str,
        *,
        name: str,
        terms: Mapping[str, Any],
        request_id: str,
    ) -> OwnedAccount:
        """A further account, not yet opened; the same request again gives the same account.

        Raises `TooManyAccountsError`, and `RequestReusedError` when the request was for another.
        """
        self.of_user(user_id, world)
        with self._engine.begin() as connection:
            # Writing first makes other requests of the user wait until this one is done.
            mine = (accounts.c.user_id == user_id) & (accounts.c.world == world)
            connection.execute(update(accounts).where(mine).values(world=world))
            known = connection.execute(
                select(accounts).where(mine, accounts.c.request_id == request_id)
            ).one_or_none()
            if known is not None:
                if known.request_body != _body(name, terms):
                    raise RequestReusedError(request_id)
                return _account(known)
            _check_room(connection, user_id, world)
            last = connection.execute(select(func.max(accounts.c.number)).where(mine)).scalar_one()
            return _enter(connection, user_id, world, last + 1, name, terms, request_id)

    def mark_opened(self, account_id: str) -> None:
        """The floor has confirmed the account."""
        self._change(account_id, {"opened": True})

    def rename(self, account_id: str, name: str) -> None:
        """Give it another name."""
        self._change(account_id, {"name": name})

    def archive(self, account: OwnedAccount, archived_ns: int | None) -> None:
        """Put it away, or (None) take it out again.

        Raises `LastAccountError` where the user could trade with none, and `TooManyAccountsError`
        where it would be one too many.
        """
        with self._engine.begin() as connection:
            # Writing first makes other requests of the user wait until this one is done.
            mine = accounts.c.user_id == account.user_id
            connection.execute(update(accounts).where(mine).values(world=accounts.c.world))
            this = accounts.c.account_id == account.account_id
            world = connection.execute(select(accounts.c.world).where(this)).scalar_one()
            connection.execute(update(accounts).where(this).values(archived_ns=archived_ns))
            if archived_ns is None:
                _check_room(connection, account.user_id, world, further=0)
            elif not account.is_journal:
                _check_one_trades(connection, account.user_id, world)

    def drop(self, account_id: str) -> None:
        """The floor refused to open it: it never was."""
        never = (accounts.c.account_id == account_id) & accounts.c.opened.is_(False)
        with self._engine.begin() as connection:
            connection.execute(delete(accounts).where(never))

    def _change(self, account_id: str, values: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            change = update(accounts).where(accounts.c.account_id == account_id)
            connection.execute(change.values(dict(values)))

    # --- transfers -------------------------------------------------------------------------------

    def enter_transfer(self, user_id: str, world: str, transfer: Transfer) -> Transfer:
        """Note a transfer before it begins; the same one again is given as it stands.

        Raises `RequestReusedError` when its id stands for another transfer of the user, and
        `ArchivedError` where it would begin to an account that was put away.
        """
        values = {
            "transfer_id": transfer.transfer_id,
            "user_id": user_id,
            "world": world,
            "from_account_id": transfer.from_account_id,
            "to_account_id": transfer.to_account_id,
            "amount": transfer.amount,
            "currency": transfer.currency,
            "done": False,
        }
        known = select(transfers).where(transfers.c.transfer_id == transfer.transfer_id)
        mine = (accounts.c.user_id == user_id) & (accounts.c.world == world)
        to = select(accounts.c.archived_ns).where(accounts.c.account_id == transfer.to_account_id)
        with self._engine.begin() as connection:
            # Writing first makes other requests of the user wait until this one is done.
            connection.execute(update(accounts).where(mine).values(world=world))
            row = connection.execute(known).one_or_none()
            if row is not None:
                return _same(transfer, _transfer(row))
            if connection.execute(to).scalar_one() is not None:
                raise ArchivedError(transfer.to_account_id)
            connection.execute(insert(transfers).values(values))
        return transfer

    def transfers_under_way(self, user_id: str, world: str) -> Sequence[Transfer]:
        """What the user sent off and nobody has seen arrive."""
        mine = (transfers.c.user_id == user_id) & (transfers.c.world == world)
        query = select(transfers).where(mine, transfers.c.done.is_(False))
        with self._engine.connect() as connection:
            return [_transfer(row) for row in connection.execute(query)]

    def end_transfer(self, transfer_id: str, *, arrived: bool) -> None:
        """It has arrived; or it was refused, so that it never was."""
        this = transfers.c.transfer_id == transfer_id
        with self._engine.begin() as connection:
            if arrived:
                connection.execute(update(transfers).where(this).values(done=True))
            else:
                connection.execute(delete(transfers).where(this))


def _listed(connection: Connection, user_id: str, world: str) -> list[OwnedAccount]:
    mine = (accounts.c.user_id == user_id) & (accounts.c.world == world)
    query = select(accounts).where(mine).order_by(accounts.c.number)
    found = [_account(row) for row in connection.execute(query)]
    return sorted(found, key=lambda account: account.is_archived)


def _enter(
    connection: Connection,
    user_id: str,
    world: str,
    number: int,
    name: str,
    terms: Mapping[str, Any] | None,
    request_id: str | None,
) -> OwnedAccount:
    account_id = account_id_of(user_id, world, number)
    connection.execute(
        insert(accounts).values(
            account_id=account_id,
            user_id=user_id,
            world=world,
            name=name,
            opened=False,
            number=number,
            terms=None if terms is None else json.dumps(dict(terms)),
            request_id=request_id,
            request_body=None if terms is None else _body(name, terms),
        )
    )
    return OwnedAccount(account_id, user_id, name, False, number, terms)


def _check_one_trades(connection: Connection, user_id: str, world: str) -> None:
    owned = _listed(connection, user_id, world)
    if all(one.is_archived or one.is_journal for one in owned):
        raise LastAccountError


def _check_room(connection: Connection, user_id: str, world: str, further: int = 1) -> None:
    mine = (accounts.c.user_id == user_id) & (accounts.c.world == world)
    counted = select(func.count()).where(mine)
    if connection.execute(counted).scalar_one() + further > ACCOUNTS_MAX:
        raise TooManyAccountsError(ACCOUNTS_MAX, "accounts, archived ones included")
    active = connection.execute(counted.where(accounts.c.archived_ns.is_(None))).scalar_one()
    if active + further > ACTIVE_MAX:
        raise TooManyAccountsError(ACTIVE_MAX, "accounts that are not archived")


def _body(name: str, terms: Mapping[str, Any]) -> str:
    """What was asked for, also when the account has another name by now."""
    return json.dumps({"name": name} | dict(terms), sort_keys=True)


def _account(row: Row[Any]) -> OwnedAccount:
    terms = None if row.terms is None else json.loads(row.terms)
    return OwnedAccount(
        row.account_id, row.user_id, row.name, row.opened, row.number, terms, row.archived_ns
    )


def _same(asked: Transfer, known: Transfer) -> Transfer:
    """The one that is known, when it is the one that is asked for."""
    members = ("from_account_id", "to_account_id", "amount", "currency")
    if any(getattr(asked, name) != getattr(known, name) for name in members):
        raise RequestReusedError(asked.transfer_id)
    return known


def _transfer(row: Row[Any]) -> Transfer:
    return Transfer(
        row.transfer_id,
        row.from_account_id,
        row.to_account_id,
        row.amount,
        row.currency,
        row.done,
    )
