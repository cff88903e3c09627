"""Which accounts a user has in the served world, and that they are open on its floor."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from papertape.domain.time_text import time_text
from papertape.floor.ports import FloorUnavailableError
from papertape.server.auth.account_store import (
    AccountStore,
    LastAccountError,
    OwnedAccount,
    RequestReusedError,
    TooManyAccountsError,
    Transfer,
)
from papertape.server.callers import Caller
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem, id_reused, not_found
from papertape.server.transfers import finish_transfer

OPEN_WITHIN_S = 2.0
"""A login does not wait longer for the floor; the next request of the user opens the account."""

_KNOWN_MAX = 50_000
_LOOK_AGAIN_S = 1.0


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

    def __init__(
        self,
        store: AccountStore,
        exchange: Exchange,
        chosen: Callable[[str], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`chosen` is the account that a user prefers, by the user's id; it may block."""
        self._store = store
        self._exchange = exchange
        self._chosen = chosen
        self._clock = clock
        self._preferred: dict[str, tuple[str | None, float]] = {}
        self._known: dict[str, tuple[Sequence[OwnedAccount], float]] = {}

    async def of(self, caller: Caller) -> Sequence[OwnedAccount]:
        """The accounts that the caller sees in the served world, opened; archived ones too."""
        owned = await self.of_user(caller.user.user_id)
        if caller.key is None or caller.key.account_id is None:
            return owned
        return [account for account in owned if account.account_id == caller.key.account_id]

    async def of_user(self, user_id: str) -> Sequence[OwnedAccount]:
        """All accounts of a user in the served world, opened; routes ask `of`."""
        known = self._known.get(user_id)
        return known[0] if known is not None else await self._look(user_id)

    def forget(self, user_id: str) -> None:
        """The user has left."""
        self._known.pop(user_id, None)
        self._preferred.pop(user_id, None)

    def prefer(self, user_id: str, account_id: str | None) -> None:
        """The user has chosen the account that is meant where none is named."""
        if len(self._preferred) >= _KNOWN_MAX:
            self._preferred.clear()
        self._preferred[user_id] = (account_id, self._clock())

    async def _look(self, user_id: str) -> Sequence[OwnedAccount]:
        """Read the user's accounts again, open what is not yet, end what is under way."""
        world = self._exchange.world
        owned = await asyncio.to_thread(self._store.of_user, user_id, world)
        for account in owned:
            if not account.opened:
                await self._open_again(account)
        if any(not account.opened for account in owned):
            owned = await asyncio.to_thread(self._store.of_user, user_id, world)
        for transfer in await asyncio.to_thread(self._store.transfers_under_way, user_id, world):
            await self._finish(transfer)
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[user_id] = (owned, self._clock())
        return owned

    async def _open_again(self, account: OwnedAccount) -> None:
        """Open what was not opened when it was asked for; nobody waits for a further account."""
        try:
            await self._open(account)
        except Problem as problem:
            if account.number == 1:
                raise
            structlog.get_logger().warning("account_not_opened", reason=problem.reason)

    async def _finish(self, transfer: Transfer) -> None:
        """End a transfer that somebody began; why it was refused concerns nobody any more."""
        try:
            await finish_transfer(self._exchange, self._store, transfer)
        except Problem as problem:
            structlog.get_logger().warning("transfer_not_made", reason=problem.reason)

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
        """The account that is meant where none is named: the one the user chose, else the first.

        Archived ones are never meant. Raises `Problem` 404 when there is none: for a key that is
        bound to an account of another world.
        """
        owned = [account for account in await self.of(caller) if not account.is_archived]
        if not owned:
            raise not_found("account")
        if len(owned) > 1:
            chosen = await self._preference(caller.user.user_id)
            owned.sort(key=lambda account: account.account_id != chosen)
        return owned[0]

    async def _preference(self, user_id: str) -> str | None:
        known = self._preferred.get(user_id)
        # Another process may have changed it since.
        if known is None or known[1] + _LOOK_AGAIN_S < self._clock():
            self.prefer(user_id, await asyncio.to_thread(self._chosen, user_id))
        return self._preferred[user_id][0]

    async def require(self, caller: Caller, account_id: str) -> OwnedAccount:
        """The caller's account of that id; raises `Problem` 404, also when it is another's."""
        account = await self._find(caller, account_id)
        if account is None and self._is_stale(caller.user.user_id):
            # Another process may have opened it since.
            await self._look(caller.user.user_id)
            account = await self._find(caller, account_id)
        if account is None:
            raise not_found("account")
        return account

    async def _find(self, caller: Caller, account_id: str) -> OwnedAccount | None:
        for account in await self.of(caller):
            if account.account_id == account_id:
                return account
        return None

    def _is_stale(self, user_id: str) -> bool:
        known = self._known.get(user_id)
        return known is None or known[1] + _LOOK_AGAIN_S < self._clock()

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
        away = account.archived_ns
        archived = {} if away is None else {"archived_at": time_text(away)}
        value.account = head | value.account | archived
        return value

    # --- changes ---------------------------------------------------------------------------------

    async def open_further(
        self, caller: Caller, name: str, terms: Mapping[str, Any], request_id: str
    ) -> tuple[OwnedAccount, bool]:
        """Open another account, and whether it is new; a repeated request gives the same one.

        Raises `Problem` 409 and what the floor says of the terms; then there is no such account.
        """
        user_id, world = caller.user.user_id, self._exchange.world
        enter = self._store.enter
        try:
            account = await asyncio.to_thread(
                enter, user_id, world, name=name, terms=terms, request_id=request_id
            )
        except TooManyAccountsError as error:
            raise _too_many(error) from error
        except RequestReusedError as error:
            raise id_reused("account") from error
        self._known.pop(user_id, None)
        if account.opened:
            return account, False
        await self._open(account)
        return account, True

    async def rename(self, account: OwnedAccount, name: str) -> OwnedAccount:
        """Give an account another name."""
        await asyncio.to_thread(self._store.rename, account.account_id, name)
        return await self._changed(account)

    async def archive(self, account: OwnedAccount, *, is_away: bool) -> OwnedAccount:
        """Put an account away, so that it does not trade, or take it out again.

        Raises `Problem` 409 for the last one, and where there would be too many again.
        """
        if not is_away and not account.is_archived:
            return account
        status = "suspended" if is_away else "active"
        archived_ns = account.archived_ns or time.time_ns() if is_away else None
        try:
            await asyncio.to_thread(self._store.archive, account, archived_ns)
        except TooManyAccountsError as error:
            raise _too_many(error) from error
        except LastAccountError as error:
            detail = "it is the only account that trades; open another one first"
            raise Problem(409, "last_account", detail) from error
        fields = {"account_id": account.account_id, "status": status, "reason": "archived"}
        await self._exchange.ask("set_status", fields)
        return await self._changed(account)

    async def _changed(self, account: OwnedAccount) -> OwnedAccount:
        for owned in await self._look(account.user_id):
            if owned.account_id == account.account_id:
                return owned
        raise not_found("account")

    async def _open(self, account: OwnedAccount) -> None:
        """Send the account to the floor; a further one that is refused there never was."""
        fields = {
            **account.opening,
            "account_id": account.account_id,
            "owner": account.user_id,
            "request_id": account.account_id,
        }
        try:
            await self._exchange.ask("open_account", fields)
        except Problem as problem:
            if account.number > 1 and problem.status == 422 and not account.opened:
                await asyncio.to_thread(self._store.drop, account.account_id)
            raise
        await asyncio.to_thread(self._store.mark_opened, account.account_id)


def _too_many(error: TooManyAccountsError) -> Problem:
    return Problem(
        409,
        "too_many_accounts",
        f"{error}; archive one that you do not need",
        more={"limit": str(error.limit)},
    )
