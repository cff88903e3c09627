"""Which accounts a user has in the served world, and that they are open on its floor."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from papertape.floor.ports import FloorUnavailableError
from papertape.server.auth.store import AuthStore, OwnedAccount
from papertape.server.callers import Caller
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem, not_found

STARTING_CASH = "100000.00"
CURRENCY = "USD"
OPEN_WITHIN_S = 2.0
"""A login does not wait longer for the floor; the next request of the user opens the account."""

_KNOWN_MAX = 50_000


class Value(msgspec.Struct):
    """The present figures of an account as the floor tells them."""

    account: dict[str, Any]
    positions: msgspec.Raw

    @property
    def as_of_seq(self) -> int:
        """The last turn that the figures include."""
        seq: int = self.account["as_of_seq"]
        return seq


_VALUE = msgspec.json.Decoder(Value)


class Accounts:
    """Ownership, the only rule that the server itself enforces: a stranger's account is not there.

    A key that is bound to an account sees that one and no other of its user's.

    Opening is a command that does nothing the second time; it is repeated until noted as done.
    """

    def __init__(self, auth: AuthStore, exchange: Exchange) -> None:
        self._auth = auth
        self._exchange = exchange
        self._known: dict[str, Sequence[OwnedAccount]] = {}

    async def of(self, caller: Caller) -> Sequence[OwnedAccount]:
        """The accounts that the caller sees in the served world, opened."""
        owned = await self.of_user(caller.user.user_id)
        if caller.key is None or caller.key.account_id is None:
            return owned
        return [account for account in owned if account.account_id == caller.key.account_id]

    async def of_user(self, user_id: str) -> Sequence[OwnedAccount]:
        """All accounts of a user in the served world, opened; routes ask `of`."""
        known = self._known.get(user_id)
        if known is not None:
            return known
        owned = await asyncio.to_thread(self._auth.ensure_account, user_id, self._exchange.world)
        for account in owned:
            if not account.opened:
                await self._open(account)
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[user_id] = owned
        return owned

    async def try_open(self, user_id: str) -> None:
        """Open at a login or registration, which succeed all the same while the floor is away."""
        log = structlog.get_logger()
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                await self.of_user(user_id)
        except TimeoutError:
            log.warning("account_not_opened_yet", reason="no_answer")
        except (FloorUnavailableError, Problem) as error:
            log.warning("account_not_opened_yet", reason=error.reason)

    async def first(self, caller: Caller) -> OwnedAccount:
        """The account that is meant where none is named; raises `Problem` 404 when there is none.

        There is none for a key that is bound to an account of another world.
        """
        for account in await self.of(caller):
            return account
        raise not_found("account")

    async def require(self, caller: Caller, account_id: str) -> OwnedAccount:
        """The caller's account of that id; raises `Problem` 404, also when it is another's."""
        for account in await self.of(caller):
            if account.account_id == account_id:
                return account
        raise not_found("account")

    async def owns(self, caller: Caller, account_id: str) -> bool:
        """Whether the account is one of the caller's."""
        return any(account.account_id == account_id for account in await self.of(caller))

    async def value(self, account: OwnedAccount) -> Value:
        """The present figures, the account with its name behind its id.

        An account that the floor does not know was opened in a world that somebody has thrown away
        since; it is opened again.
        """
        fields = {"account_id": account.account_id}
        try:
            reply = await self._exchange.ask("value", fields)
        except Problem as problem:
            if problem.status != 404:
                raise
            await self._open(account)
            reply = await self._exchange.ask("value", fields)
        value = _VALUE.decode(reply.body)
        head = {"id": value.account["id"], "name": account.name}
        value.account = head | value.account
        return value

    async def _open(self, account: OwnedAccount) -> None:
        fields = {
            "account_id": account.account_id,
            "owner": account.user_id,
            "account_kind": "cash",
            "currency": CURRENCY,
            "starting_cash": STARTING_CASH,
            "request_id": account.account_id,
        }
        await self._exchange.ask("open_account", fields)
        await asyncio.to_thread(self._auth.mark_opened, account.account_id)
