"""Routes of accounts: what they hold now, and what happened to them."""

import asyncio
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.orders import request_id
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit, page_of
from papertape.server.api.searches import ORDER_COLUMNS, order_search
from papertape.server.auth.account_store import ACTIVE_MAX, OwnedAccount
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.csv_text import Format, csv_reply, wants_csv
from papertape.server.currencies import Currencies
from papertape.server.documents import (
    ACCOUNT_ID,
    IDEMPOTENCY_KEY,
    DirectRoute,
    Listed,
    document,
    with_csv,
)
from papertape.server.models.account_changes import AccountPatch, AccountRequest
from papertape.server.models.accounts import (
    AccountReply,
    EquityPoint,
    FillReply,
    LedgerLine,
    PositionReply,
)
from papertape.server.models.orders import OrderReply
from papertape.server.order_history import OrderHistory, OrderSearch
from papertape.server.problems import not_permitted
from papertape.server.replies import json_reply, listed
from papertape.server.trading_profiles import TradingProfiles
from papertape.storage.reads import Reads

_ONE = f"{PREFIX}/accounts/{{account_id}}"
_TOO_MANY = (
    "too_many_accounts",
    f"a user has at most {ACTIVE_MAX} accounts that are not archived; archive one first",
)


class AccountRoutes:
    """Everything under `/accounts`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        profiles: TradingProfiles,
        history: OrderHistory,
        reads: Reads,
        currencies: Currencies,
    ) -> None:
        self._callers = callers
        self._profiles = profiles
        self._accounts = accounts
        self._history = history
        self._reads = reads
        self._currencies = currencies

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        router.add_api_route(
            f"{PREFIX}/accounts",
            self.list_accounts,
            tags=["accounts"],
            **document(replies={200: Listed[AccountReply]}),
        )
        router.add_api_route(
            f"{PREFIX}/accounts",
            self.open_account,
            methods=["POST"],
            tags=["accounts"],
            **document(
                replies={201: AccountReply, 200: AccountReply},
                body=AccountRequest,
                parameters=(IDEMPOTENCY_KEY,),
                problems=(409,),
                reasons={409: _TOO_MANY, 422: ("malformed", "name: Field required")},
                scope="account",
            ),
        )
        router.add_api_route(
            _ONE,
            self.get_account,
            tags=["accounts"],
            route_class_override=DirectRoute,
            **document(replies={200: AccountReply}, problems=(404,), parameters=(ACCOUNT_ID,)),
        )
        router.add_api_route(
            _ONE,
            self.rename_account,
            methods=["PATCH"],
            tags=["accounts"],
            **document(
                replies={200: AccountReply},
                body=AccountPatch,
                problems=(404,),
                reasons={422: ("malformed", "name: Field required")},
                scope="account",
            ),
        )
        bad_limit = {422: BAD_LIMIT}
        orders = document(replies={200: Listed[OrderReply]}, problems=(404, 422), reasons=bad_limit)
        router.add_api_route(
            f"{_ONE}/orders",
            self.orders,
            name="list_account_orders",
            tags=["accounts"],
            **with_csv(orders),
        )
        router.add_api_route(
            f"{_ONE}/positions",
            self.positions,
            name="list_account_positions",
            tags=["accounts"],
            route_class_override=DirectRoute,
            **document(
                replies={200: Listed[PositionReply]},
                problems=(404, 422),
                reasons=bad_limit,
                parameters=(ACCOUNT_ID,),
            ),
        )
        for path, handler, item in (
            ("fills", self.fills, Listed[FillReply]),
            ("ledger", self.ledger, Listed[LedgerLine]),
            ("equity", self.equity, Listed[EquityPoint]),
        ):
            router.add_api_route(
                f"{_ONE}/{path}",
                handler,
                name=f"list_account_{path}",
                tags=["accounts"],
                **document(replies={200: item}, problems=(404, 422), reasons=bad_limit),
            )

    async def list_accounts(
        self,
        request: Request,
        archived: Annotated[bool, Query(description="those that were put away, too")] = False,
    ) -> Response:
        """The caller's accounts in this world, valued at the present market."""
        caller = await self._callers.of(request)
        owned = [one for one in await self._accounts.of(caller) if archived or not one.is_archived]
        return listed([(await self._accounts.value(account)).account for account in owned])

    async def open_account(self, request: Request) -> Response:
        """Open a further account. The same Idempotency-Key and body is the same account."""
        caller = await self._callers.of(request)
        asked = await read_body(request, AccountRequest)
        not_bound(caller)
        profile = await asyncio.to_thread(self._profiles.default, caller.user.user_id)
        if profile is not None:
            asked = asked.preferring(profile.settings)
        await self._currencies.require(asked.currency)
        account, is_new = await self._accounts.open_further(
            caller, asked.name, asked.terms(), request_id(request) or str(uuid4())
        )
        return json_reply((await self._accounts.value(account)).account, 201 if is_new else 200)

    async def rename_account(self, request: Request, account_id: str) -> Response:
        """Give an account another name."""
        account = await self._own(request, account_id)
        asked = await read_body(request, AccountPatch)
        renamed = await self._accounts.rename(account, asked.name)
        return json_reply((await self._accounts.value(renamed)).account)

    async def get_account(self, request: Request) -> Response:
        """One account, valued at the present market."""
        account = await self._own(request, request.path_params["account_id"])
        return json_reply((await self._accounts.value(account)).account)

    async def positions(self, request: Request) -> Response:
        """What the account holds, valued at the present market."""
        account = await self._own(request, request.path_params["account_id"])
        return listed((await self._accounts.value(account)).positions)

    async def orders(
        self,
        request: Request,
        account_id: str,
        wanted: Annotated[OrderSearch, Depends(order_search)],
        limit: Limit = 100,
        cursor: Cursor = None,
        format: Format = None,  # noqa: A002 - the name on the wire
    ) -> Response:
        """The account's orders, the newest first."""
        account = await self._own(request, account_id)
        page = await self._history.orders(account.account_id, wanted, limit, cursor)
        if wants_csv(request, format):
            return csv_reply(ORDER_COLUMNS, page.items, page.next_cursor, "orders")
        return listed(page.items, page.next_cursor)

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


def not_bound(caller: Caller) -> None:
    """Raises `Problem` 403 for a key that is bound to an account: it opens no other."""
    if caller.key is not None and caller.key.account_id is not None:
        raise not_permitted(
            "account", "the API key is bound to one account; use a key that is not, or a login"
        )
