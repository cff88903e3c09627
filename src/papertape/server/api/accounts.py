"""Routes of accounts: what they hold now, and what happened to them."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.orders import OrderFilter
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit, page_of
from papertape.server.auth.store import OwnedAccount
from papertape.server.callers import Callers
from papertape.server.documents import Listed, document
from papertape.server.models.accounts import (
    AccountReply,
    EquityPoint,
    FillReply,
    LedgerLine,
    PositionReply,
)
from papertape.server.models.orders import OrderReply
from papertape.server.replies import json_reply, listed
from papertape.storage.reads import Reads

_ONE = f"{PREFIX}/accounts/{{account_id}}"


class AccountRoutes:
    """Everything under `/accounts`."""

    def __init__(self, callers: Callers, accounts: Accounts, reads: Reads) -> None:
        self._callers = callers
        self._accounts = accounts
        self._reads = reads

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        router.add_api_route(
            f"{PREFIX}/accounts",
            self.list_accounts,
            tags=["accounts"],
            **document(replies={200: Listed[AccountReply]}),
        )
        router.add_api_route(
            _ONE,
            self.get_account,
            tags=["accounts"],
            **document(replies={200: AccountReply}, problems=(404,)),
        )
        for path, handler, item in (
            ("positions", self.positions, Listed[PositionReply]),
            ("orders", self.orders, Listed[OrderReply]),
            ("fills", self.fills, Listed[FillReply]),
            ("ledger", self.ledger, Listed[LedgerLine]),
            ("equity", self.equity, Listed[EquityPoint]),
        ):
            router.add_api_route(
                f"{_ONE}/{path}",
                handler,
                name=f"list_account_{path}",
                tags=["accounts"],
                **document(replies={200: item}, problems=(404, 422), reasons={422: BAD_LIMIT}),
            )

    async def list_accounts(self, request: Request) -> Response:
        """The caller's accounts in this world, valued at the present market."""
        caller = await self._callers.of(request)
        owned = await self._accounts.of(caller)
        return listed([(await self._accounts.value(account)).account for account in owned])

    async def get_account(self, request: Request, account_id: str) -> Response:
        """One account, valued at the present market."""
        account = await self._own(request, account_id)
        return json_reply((await self._accounts.value(account)).account)

    async def positions(self, request: Request, account_id: str) -> Response:
        """What the account holds, valued at the present market."""
        account = await self._own(request, account_id)
        return listed((await self._accounts.value(account)).positions)

    async def orders(
        self,
        request: Request,
        account_id: str,
        status: OrderFilter = "open",
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The account's orders, the newest first."""
        account = await self._own(request, account_id)
        return await page_of(self._reads.orders, account.account_id, status, limit, cursor)

    async def fills(
        self, request: Request, account_id: str, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """The account's fills, the newest first."""
        account = await self._own(request, account_id)
        return await page_of(self._reads.fills, account.account_id, limit, cursor)

    async def ledger(
        self, request: Request, account_id: str, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """The account's lines of the double-entry ledger, the newest first."""
        account = await self._own(request, account_id)
        return await page_of(self._reads.ledger, account.account_id, limit, cursor)

    async def equity(
        self, request: Request, account_id: str, limit: Limit = 1_000, cursor: Cursor = None
    ) -> Response:
        """The account's equity minute by minute, the newest first."""
        account = await self._own(request, account_id)
        return await page_of(self._reads.equity, account.account_id, limit, cursor)

    async def _own(self, request: Request, account_id: str) -> OwnedAccount:
        caller = await self._callers.of(request)
        return await self._accounts.require(caller, account_id)
