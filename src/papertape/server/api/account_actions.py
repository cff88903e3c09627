"""Routes that do something with an account: begin again, flatten, clone, money, archive, fork."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.accounts import not_bound
from papertape.server.api.moments import moment
from papertape.server.api.orders import request_id
from papertape.server.api.positions import ClosingStrategy
from papertape.server.auth.account_store import (
    AccountStore,
    ArchivedError,
    OwnedAccount,
    RequestReusedError,
    Transfer,
)
from papertape.server.bodies import read_body, read_optional_body
from papertape.server.callers import Caller, Callers
from papertape.server.closing import Closing
from papertape.server.currencies import Currencies
from papertape.server.documents import IDEMPOTENCY_KEY, document, optional_body
from papertape.server.exchange import Exchange
from papertape.server.models.account_changes import (
    CloneRequest,
    FlattenReply,
    ForkReply,
    ForkRequest,
    MoneyRequest,
    ResetRequest,
    TransferReply,
    TransferRequest,
)
from papertape.server.models.accounts import AccountReply
from papertape.server.models.base import Travelling
from papertape.server.problems import Problem, id_reused, malformed
from papertape.server.replies import json_reply
from papertape.server.transfers import finish_transfer
from papertape.storage.lives import Lives

_ONE = f"{PREFIX}/accounts/{{account_id}}"
_NO_AMOUNT = {422: ("malformed", "amount: Field required")}
_NOT_FLAT = (
    "account_not_flat",
    "the account holds something, or an order of it is still leaving; flatten it, then archive it",
)
_JOURNAL_NOT_FLAT = (
    "account_not_flat",
    "the journal holds something; record the trades that close it, then archive it",
)
_ONE_WORLD = (
    "fork_not_available",
    "the moment is on the tape, but a fork is a world of its own and this server serves only one",
)

Handler = Callable[..., Awaitable[Response]]


class AccountActionRoutes:
    """Everything under `/accounts/{account_id}` that is a verb."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        closing: Closing,
        store: AccountStore,
        lives: Lives,
        currencies: Currencies,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._closing = closing
        self._store = store
        self._lives = lives
        self._currencies = currencies

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        shown: dict[int, type[Travelling] | None] = {200: AccountReply}
        opened: dict[int, type[Travelling] | None] = {201: AccountReply, 200: AccountReply}
        self._add(
            router, "reset", self.reset_account, replies=shown, body=ResetRequest, may_be_empty=True
        )
        self._add(
            router,
            "clone",
            self.clone_account,
            replies=opened,
            body=CloneRequest,
            may_be_empty=True,
        )
        money: dict[str, Any] = {"body": MoneyRequest, "reasons": _NO_AMOUNT}
        self._add(router, "deposit", self.deposit, replies=shown, **money)
        self._add(router, "withdraw", self.withdraw, replies=shown, **money)
        self._add(
            router,
            "transfer",
            self.transfer,
            replies={200: TransferReply},
            body=TransferRequest,
            reasons=_NO_AMOUNT,
        )
        not_flat = {409: _NOT_FLAT}
        self._add(router, "archive", self.archive_account, replies=shown, reasons=not_flat)
        self._add(router, "restore", self.restore_account, replies=shown)
        self._add(
            router,
            "fork",
            self.fork_account,
            replies={201: ForkReply},
            body=ForkRequest,
            reasons={409: _ONE_WORLD, 422: ("malformed", "give a seq or a time (at)")},
        )
        flat: dict[int, type[Travelling] | None] = {207: FlattenReply}
        self._add(router, "flatten", self.flatten_account, replies=flat, scope="trade")

    def _add(
        self,
        router: APIRouter,
        verb: str,
        handler: Handler,
        may_be_empty: bool = False,
        **documented: Any,
    ) -> None:
        told = document(
            **({"scope": "account"} | documented),
            parameters=(IDEMPOTENCY_KEY,),
            problems=(404, 409),
        )
        if may_be_empty:
            optional_body(told)
        path = f"{_ONE}/{verb}"
        router.add_api_route(path, handler, methods=["POST"], tags=["accounts"], **told)

    async def reset_account(self, request: Request, account_id: str) -> Response:
        """Begin again under the same id: orders canceled, positions and cash archived."""
        _, account = await self._own(request, account_id)
        asked = await read_optional_body(request, ResetRequest)
        fields = {
            "account_id": account.account_id,
            "starting_cash": asked.starting_cash or account.opening["starting_cash"],
            "request_id": _request_id(request),
        }
        await self._exchange.ask("reset", fields)
        return await self._shown(account)

    async def flatten_account(
        self, request: Request, account_id: str, strategy: ClosingStrategy = None
    ) -> Response:
        """Cancel all orders, then close all positions at the market; each is answered."""
        caller, account = await self._own(request, account_id)
        key = _request_id(request)
        canceled, closed = await self._closing.flatten(caller, account, key, strategy)
        told = {"account_id": account.account_id, "canceled": canceled, "positions": closed}
        return json_reply(told, 207)

    async def clone_account(self, request: Request, account_id: str) -> Response:
        """Open another account on the same terms, with the same starting cash."""
        caller, account = await self._own(request, account_id)
        asked = await read_optional_body(request, CloneRequest)
        not_bound(caller)
        name = asked.name or f"{account.name[:53]} (copy)"
        clone, is_new = await self._accounts.open_further(
            caller, name, account.opening, _request_id(request)
        )
        return await self._shown(clone, 201 if is_new else 200)

    async def deposit(self, request: Request, account_id: str) -> Response:
        """Put money into an account."""
        return await self._pay(request, account_id, "deposit")

    async def withdraw(self, request: Request, account_id: str) -> Response:
        """Take out money that no order and no position needs."""
        return await self._pay(request, account_id, "withdraw")

    async def transfer(self, request: Request, account_id: str) -> Response:
        """Move money to another account of yours: it leaves and arrives, or neither."""
        caller, account = await self._own(request, account_id)
        asked = await read_body(request, TransferRequest)
        other = await self._accounts.require(caller, asked.to_account_id)
        if other.account_id == account.account_id:
            raise malformed(
                "to_account_id: name another account",
                field="to_account_id",
                value=asked.to_account_id,
            )
        transfer = await self._sent(account, other, asked, _request_id(request))
        return json_reply(
            {
                "id": transfer.transfer_id,
                "amount": transfer.amount,
                "from_account": (await self._accounts.value(account)).account,
                "to_account": (await self._accounts.value(other)).account,
            }
        )

    async def archive_account(self, request: Request, account_id: str) -> Response:
        """Put an account away: its orders are canceled, it trades no more and is still readable."""
        _, account = await self._own(request, account_id)
        now = (await self._accounts.value(account)).account
        if now["status"] != "active" and not account.is_archived:
            raise Problem(
                409, "account_not_active", f"the account is {now['status']}; ask who runs this"
            )
        # What is refused cancels nothing; from then on the account takes no order that could fill.
        if not account.is_archived and await self._closing.positions(account):
            raise Problem(409, *(_JOURNAL_NOT_FLAT if account.is_journal else _NOT_FLAT))
        away = await self._accounts.archive(account, is_away=True)
        if not await self._closing.clear(away, _request_id(request)):
            await self._accounts.archive(away, is_away=False)
            raise Problem(409, *_NOT_FLAT)
        return await self._shown(away)

    async def restore_account(self, request: Request, account_id: str) -> Response:
        """Take an archived account out again: it trades as before."""
        _, account = await self._own(request, account_id)
        return await self._shown(await self._accounts.archive(account, is_away=False))

    async def fork_account(self, request: Request, account_id: str) -> Response:
        """A new world that begins at a moment of the tape, with the account as it stood then."""
        _, account = await self._own(request, account_id)
        asked = await read_body(request, ForkRequest)
        await asyncio.to_thread(self._check_moment, account.account_id, asked)
        raise Problem(409, *_ONE_WORLD)

    def _check_moment(self, account_id: str, asked: ForkRequest) -> None:
        """Raises `Problem` 422 for a moment that is not on the tape, or before the account was."""
        field, time = asked.when()
        time_ns = moment(field, time)
        seq = asked.seq if time_ns is None else self._lives.seq_at(time_ns)
        head = self._lives.head_seq()
        first = self._lives.first_seq(account_id) or head
        if seq is None or not first <= seq <= head:
            raise malformed(
                f"{field}: the account is on the tape from turn {first} to turn {head}",
                field=field,
                value=asked.seq or time,
                reason="no_such_moment",
            )

    async def _pay(self, request: Request, account_id: str, kind: str) -> Response:
        _, account = await self._own(request, account_id)
        asked = await read_body(request, MoneyRequest)
        if kind == "deposit":
            await self._currencies.require(asked.currency)
        fields = {
            "account_id": account.account_id,
            "amount": asked.amount,
            "currency": asked.currency,
            "request_id": _request_id(request),
        }
        await self._exchange.ask(kind, fields)
        return await self._shown(account)

    async def _sent(
        self, account: OwnedAccount, other: OwnedAccount, asked: TransferRequest, request: str
    ) -> Transfer:
        transfer = Transfer(
            str(uuid5(UUID(account.account_id), f"transfer/{request}")),
            account.account_id,
            other.account_id,
            asked.amount,
            asked.currency or account.opening["currency"],
            done=False,
        )
        enter = self._store.enter_transfer
        try:
            known = await asyncio.to_thread(enter, account.user_id, self._exchange.world, transfer)
        except RequestReusedError as error:
            raise id_reused("transfer") from error
        except ArchivedError as error:
            detail = f"the account {other.name!r} is archived: restore it first"
            raise Problem(409, "account_not_active", detail) from error
        if not known.done:
            await finish_transfer(self._exchange, self._store, known)
        return known

    async def _shown(self, account: OwnedAccount, status: int = 200) -> Response:
        return json_reply((await self._accounts.value(account)).account, status)

    async def _own(self, request: Request, account_id: str) -> tuple[Caller, OwnedAccount]:
        caller = await self._callers.of(request)
        return caller, await self._accounts.require(caller, account_id)


def _request_id(request: Request) -> str:
    return request_id(request) or str(uuid4())
