"""Routes of orders: submit, preview, look at, replace, cancel."""

import re
from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.api.searches import ORDER_COLUMNS, common_search, order_search
from papertape.server.bodies import read_body, require_json
from papertape.server.callers import Callers
from papertape.server.common_orders import common_fields
from papertape.server.csv_text import Format, csv_reply, wants_csv
from papertape.server.documents import (
    IDEMPOTENCY_KEY,
    ORDER_ID,
    WHOLE_ACCOUNT,
    DirectRoute,
    Listed,
    commonly,
    document,
    with_csv,
)
from papertape.server.exchange import Exchange
from papertape.server.models.orders import (
    CancelAllReply,
    OrderReply,
    OrderRequest,
    PreviewReply,
    PreviewRequest,
    ReplaceRequest,
)
from papertape.server.order_desk import OrderDesk, too_late
from papertape.server.order_history import OrderHistory, OrderSearch
from papertape.server.problems import malformed, not_found
from papertape.server.replies import json_reply, listed, passed_on

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_NO_ORDER = {404: ("not_found", not_found("order").detail)}
_NO_ACCOUNT = ("malformed", "account_id: name the account whose orders are to be canceled")
_BAD_KEY = ("malformed", "an Idempotency-Key has 1 to 128 visible ASCII characters")


class OrderRoutes:
    """Everything under `/orders`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        desk: OrderDesk,
        history: OrderHistory,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._desk = desk
        self._history = history

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        self._add_commands(router)
        router.add_api_route(
            f"{PREFIX}/orders/preview",
            self.preview_order,
            methods=["POST"],
            tags=["orders"],
            **document(
                replies={200: PreviewReply}, body=PreviewRequest, problems=(404,), scope="read"
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders",
            self.list_orders,
            tags=["orders"],
            route_class_override=commonly(self.list_common_orders),
            **with_csv(
                document(
                    replies={200: Listed[OrderReply]},
                    problems=(404, 422),
                    reasons={422: BAD_LIMIT},
                )
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders",
            self.cancel_all_orders,
            methods=["DELETE"],
            tags=["orders"],
            route_class_override=DirectRoute,
            **document(
                replies={207: CancelAllReply},
                parameters=(WHOLE_ACCOUNT, IDEMPOTENCY_KEY),
                problems=(404, 429),
                reasons={422: _NO_ACCOUNT},
                scope="trade",
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders/{{order_id}}",
            self.get_order,
            tags=["orders"],
            **document(replies={200: OrderReply}, problems=(404,), reasons=_NO_ORDER),
        )

    def _add_commands(self, router: APIRouter) -> None:
        router.add_api_route(
            f"{PREFIX}/orders",
            self.submit_order,
            methods=["POST"],
            tags=["orders"],
            route_class_override=DirectRoute,
            **document(
                replies={201: OrderReply, 200: OrderReply},
                body=OrderRequest,
                parameters=(IDEMPOTENCY_KEY,),
                problems=(404, 409, 429),
                scope="trade",
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders/{{order_id}}",
            self.replace_order,
            methods=["PATCH"],
            tags=["orders"],
            route_class_override=DirectRoute,
            **document(
                replies={200: OrderReply},
                body=ReplaceRequest,
                parameters=(ORDER_ID, IDEMPOTENCY_KEY),
                problems=(404, 409, 429),
                reasons=_NO_ORDER | {409: too_late("replace", "filled")},
                scope="trade",
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders/{{order_id}}",
            self.cancel_order,
            methods=["DELETE"],
            tags=["orders"],
            route_class_override=DirectRoute,
            **document(
                replies={204: None},
                parameters=(ORDER_ID, IDEMPOTENCY_KEY),
                problems=(404, 409, 429),
                reasons=_NO_ORDER | {409: too_late("cancel", "filled"), 422: _BAD_KEY},
                scope="trade",
            ),
        )

    async def submit_order(self, request: Request) -> Response:
        """Send an order; the reply is the order as it stands after matching, and is durable."""
        caller = await self._callers.of(request)
        require_json(request)
        common = common_fields(await request.body())
        if common is not None:
            return passed_on(await self._desk.submit_common(caller, common, request_id(request)))
        order = await read_body(request, OrderRequest)
        return passed_on(await self._desk.submit(caller, order, request_id(request)))

    async def preview_order(self, request: Request) -> Response:
        """What an order would cost and why it might be refused; nothing is sent."""
        caller = await self._callers.of(request)
        order = await read_body(request, PreviewRequest)
        fields = await self._desk.fields(caller, order)
        fields["client_order_id"] = order.client_order_id or str(uuid4())
        return passed_on(await self._exchange.send("preview", fields))

    async def list_orders(
        self,
        request: Request,
        wanted: Annotated[OrderSearch, Depends(order_search)],
        account_id: str | None = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        format: Format = None,  # noqa: A002 - the name on the wire
    ) -> Response:
        """Orders, the newest first; without `account_id` those of the caller's default account."""
        caller = await self._callers.of(request)
        account = (
            await self._accounts.require(caller, account_id)
            if account_id
            else await self._accounts.first(caller)
        )
        page = await self._history.orders(account.account_id, wanted, limit, cursor)
        if wants_csv(request, format):
            return csv_reply(ORDER_COLUMNS, page.items, page.next_cursor, "orders")
        return listed(page.items, page.next_cursor)

    async def list_common_orders(self, request: Request) -> Response | None:
        """The same for the query of `common_search`; None for every other one."""
        wanted = common_search(request.scope["query_string"])
        if wanted is None or wants_csv(request, None):
            return None
        caller = await self._callers.of(request)
        account = await self._accounts.first(caller)
        search, limit = wanted
        page = await self._history.orders(account.account_id, search, limit, None)
        return listed(page.items, page.next_cursor)

    async def get_order(self, request: Request, order_id: str) -> Response:
        """One order."""
        caller = await self._callers.of(request)
        return json_reply(await self._desk.order(caller, order_id))

    async def replace_order(self, request: Request) -> Response:
        """Change a working order, which keeps its id."""
        caller = await self._callers.of(request)
        change = await read_body(request, ReplaceRequest)
        order_id = request.path_params["order_id"]
        reply = await self._desk.replace(caller, order_id, dict(change), request_id(request))
        return passed_on(await self._desk.shown(reply), 200)

    async def cancel_order(self, request: Request) -> Response:
        """Cancel a working order."""
        caller = await self._callers.of(request)
        order_id = request.path_params["order_id"]
        passed_on(await self._desk.cancel(caller, order_id, request_id(request)))
        return Response(status_code=204)

    async def cancel_all_orders(self, request: Request) -> Response:
        """Cancel all working orders of an account."""
        caller = await self._callers.of(request)
        account_id = request.query_params.get("account_id")
        if account_id is None:
            raise malformed(_NO_ACCOUNT[1], field="account_id")
        account = await self._accounts.require(caller, account_id)
        fields = {
            "account_id": account.account_id,
            "request_id": request_id(request) or str(uuid4()),
        }
        reply = await self._exchange.ask("cancel_all", fields)
        told = msgspec.json.decode(reply.body)
        return json_reply(told | {"items": await self._desk.items_shown(told["items"])}, 207)


def request_id(request: Request) -> str | None:
    """The `Idempotency-Key` of a request; raises `Problem` 422 for one that cannot be kept."""
    key: str | None = request.headers.get("idempotency-key")
    if key is not None and not _REQUEST_ID.fullmatch(key):
        raise malformed(
            _BAD_KEY[1],
            field="Idempotency-Key",
            value=key,
        )
    return key
