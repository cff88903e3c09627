"""The paper-trading surface at `/api/paper-trading`: the native functions under short addresses.

Most routes are those of `/api/v1` themselves; what is its own is the alert that is an order, the
cancel by POST, and the status. It has no rule, no table and no words of its own.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api.account_actions import AccountActionRoutes
from papertape.server.api.accounts import AccountRoutes
from papertape.server.api.orders import request_id
from papertape.server.api.pages import BAD_LIMIT
from papertape.server.api.reports import ReportRoutes
from papertape.server.bodies import check_body, read_body
from papertape.server.callers import Callers
from papertape.server.documents import (
    ACCOUNT_ID,
    IDEMPOTENCY_KEY,
    Listed,
    document,
    optional_body,
    with_csv,
)
from papertape.server.exchange import Exchange
from papertape.server.models.account_changes import FlattenReply, ResetRequest
from papertape.server.models.accounts import AccountReply, FillReply
from papertape.server.models.orders import OrderReply, OrderRequest
from papertape.server.models.paper_trading import AlertRequest, StatusReply
from papertape.server.models.performance import MetricsReply
from papertape.server.order_desk import OrderDesk, too_late
from papertape.server.problems import not_found
from papertape.server.replies import json_reply, passed_on
from papertape.storage.reads import Reads

PREFIX = "/api/paper-trading"


class PaperTradingRoutes:
    """Everything under `/api/paper-trading`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        desk: OrderDesk,
        reads: Reads,
        native: tuple[AccountRoutes, AccountActionRoutes, ReportRoutes],
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._desk = desk
        self._reads = reads
        self._native = native

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        account, action, report = self._native
        key = (IDEMPOTENCY_KEY,)
        listed: Mapping[str, Any] = {"problems": (404, 422), "reasons": {422: BAD_LIMIT}}
        orders = with_csv(document(replies={200: Listed[OrderReply]}, **listed))
        fills = document(replies={200: Listed[FillReply]}, **listed)
        one = document(replies={200: AccountReply}, problems=(404,), parameters=(ACCOUNT_ID,))
        self._get(router, "status", self.status, document(replies={200: StatusReply}))
        accounts = document(replies={200: Listed[AccountReply]})
        self._get(router, "accounts", account.list_accounts, accounts)
        self._get(router, "accounts/{account_id}", account.get_account, one)
        self._get(router, "accounts/{account_id}/orders", account.orders, orders)
        self._get(router, "accounts/{account_id}/fills", account.fills, fills)
        metrics = document(replies={200: MetricsReply}, problems=(404,))
        self._get(router, "accounts/{account_id}/metrics", report.metrics, metrics)
        reset = document(
            replies={200: AccountReply},
            body=ResetRequest,
            parameters=key,
            problems=(404, 409),
            scope="account",
        )
        self._post(
            router, "accounts/{account_id}/reset", action.reset_account, optional_body(reset)
        )
        flatten = document(
            replies={207: FlattenReply}, parameters=key, problems=(404, 409), scope="trade"
        )
        self._post(router, "accounts/{account_id}/flatten", action.flatten_account, flatten)
        alert = document(
            replies={201: OrderReply, 200: OrderReply},
            body=AlertRequest,
            parameters=key,
            problems=(404, 409, 429),
            scope="trade",
        )
        self._post(router, "alerts", self.submit_alert, alert)
        cancel = document(
            replies={200: OrderReply},
            parameters=key,
            problems=(404, 409, 429),
            reasons={
                404: ("not_found", not_found("order").detail),
                409: too_late("cancel", "filled"),
            },
            scope="trade",
        )
        self._post(router, "orders/{order_id}/cancel", self.cancel_order, cancel)

    @staticmethod
    def _get(router: APIRouter, path: str, handler: Any, documented: dict[str, Any]) -> None:
        name = f"paper_trading_{handler.__name__}"
        router.add_api_route(
            f"{PREFIX}/{path}", handler, name=name, tags=["paper trading"], **documented
        )

    @staticmethod
    def _post(router: APIRouter, path: str, handler: Any, documented: dict[str, Any]) -> None:
        router.add_api_route(
            f"{PREFIX}/{path}",
            handler,
            methods=["POST"],
            name=f"paper_trading_{handler.__name__}",
            tags=["paper trading"],
            **documented,
        )

    async def status(self, request: Request) -> Response:
        """What the caller has here; the answer comes from the world itself."""
        caller = await self._callers.of(request)
        owned = [one for one in await self._accounts.of(caller) if not one.is_archived]
        values = [await self._accounts.value(account) for account in owned]
        counts = [
            await asyncio.to_thread(self._reads.open_order_count, account.account_id)
            for account in owned
        ]
        return json_reply(
            {
                "status": "running",
                "world": self._exchange.world,
                "accounts": len(owned),
                "open_orders": sum(counts),
                "positions": sum(len(msgspec.json.decode(one.positions)) for one in values),
                "as_of_seq": max((value.as_of_seq for value in values), default=0),
            }
        )

    async def submit_alert(self, request: Request) -> Response:
        """Send the order that an alert asks for; the reply is the order after matching."""
        caller = await self._callers.of(request)
        alert = await read_body(request, AlertRequest)
        account_id = alert.account_id or (await self._accounts.first(caller)).account_id
        order = check_body(alert.order(account_id), OrderRequest)
        return passed_on(await self._desk.submit(caller, order, request_id(request)))

    async def cancel_order(self, request: Request, order_id: str) -> Response:
        """Cancel a working order; the reply is the order as it stands then."""
        caller = await self._callers.of(request)
        reply = await self._desk.cancel(caller, order_id, request_id(request))
        return passed_on(await self._desk.shown(reply), 200)
