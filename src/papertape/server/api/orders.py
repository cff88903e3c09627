"""Routes of orders: submit, preview, look at, replace, cancel."""

import asyncio
import re
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.floor.ports import FloorUnavailableError, Reply
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit, page_of
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import (
    IDEMPOTENCY_KEY,
    ORDER_ID,
    DirectRoute,
    Listed,
    document,
)
from papertape.server.exchange import Exchange
from papertape.server.measures import Measures
from papertape.server.models.base import UUID_PATTERN
from papertape.server.models.orders import (
    CancelAllReply,
    OrderReply,
    OrderRequest,
    PreviewReply,
    PreviewRequest,
    ReplaceRequest,
)
from papertape.server.order_entry import OrderEntry
from papertape.server.problems import Problem, floor_unavailable, malformed, not_found
from papertape.server.replies import json_reply, passed_on
from papertape.server.symbols import Symbols
from papertape.storage.reads import Reads

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_UUID = re.compile(UUID_PATTERN)

OrderFilter = Annotated[Literal["open", "closed", "all"], Query(alias="status")]


_NO_ORDER = {404: ("not_found", not_found("order").detail)}
_BAD_KEY = ("malformed", "an Idempotency-Key has 1 to 128 visible ASCII characters")


def _too_late(kind: str, status: str) -> tuple[str, str]:
    """Reason and detail for a cancel or replace of an order that has ended."""
    reason = {"cancel": "not_cancelable", "replace": "not_replaceable"}[kind]
    verb = {"cancel": "canceled", "replace": "replaced"}[kind]
    return reason, f"the order is {status} and cannot be {verb} any more"


class OrderRoutes:
    """Everything under `/orders`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        symbols: Symbols,
        entry: OrderEntry,
        reads: Reads,
        measures: Measures,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._symbols = symbols
        self._entry = entry
        self._reads = reads
        self._measures = measures

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
            **document(
                replies={200: Listed[OrderReply]}, problems=(404, 422), reasons={422: BAD_LIMIT}
            ),
        )
        router.add_api_route(
            f"{PREFIX}/orders",
            self.cancel_all_orders,
            methods=["DELETE"],
            tags=["orders"],
            **document(
                replies={207: CancelAllReply},
                parameters=(IDEMPOTENCY_KEY,),
                problems=(404, 429),
                reasons={422: ("malformed", "account_id: Field required")},
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
                reasons=_NO_ORDER | {409: _too_late("replace", "filled")},
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
                reasons=_NO_ORDER | {409: _too_late("cancel", "filled"), 422: _BAD_KEY},
                scope="trade",
            ),
        )

    async def submit_order(self, request: Request) -> Response:
        """Send an order; the reply is the order as it stands after matching, and is durable."""
        caller = await self._callers.of(request)
        order = await read_body(request, OrderRequest)
        await self._accounts.require(caller, order.account_id)
        fields = await self._fields(order)
        fields["client_order_id"] = order.client_order_id or request_id(request) or str(uuid4())
        try:
            reply = await self._entry.submit(caller, fields)
        except FloorUnavailableError as error:
            # Whoever gave no id learns the one to repeat with.
            given = {"client_order_id": fields["client_order_id"]}
            raise floor_unavailable(error, given) from error
        self._measures.count_order(reply.outcome)
        return passed_on(reply)

    async def preview_order(self, request: Request) -> Response:
        """What an order would cost and why it might be refused; nothing is sent."""
        caller = await self._callers.of(request)
        order = await read_body(request, PreviewRequest)
        await self._accounts.require(caller, order.account_id)
        fields = await self._fields(order)
        fields["client_order_id"] = order.client_order_id or str(uuid4())
        return passed_on(await self._exchange.send("preview", fields))

    async def list_orders(
        self,
        request: Request,
        account_id: str | None = None,
        status: OrderFilter = "open",
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Orders, the newest first; without `account_id` those of the caller's first account."""
        caller = await self._callers.of(request)
        account = (
            await self._accounts.require(caller, account_id)
            if account_id
            else await self._accounts.first(caller)
        )
        return await page_of(self._reads.orders, account.account_id, status, limit, cursor)

    async def get_order(self, request: Request, order_id: str) -> Response:
        """One order."""
        caller = await self._callers.of(request)
        return json_reply(await self._own_order(caller, order_id))

    async def replace_order(self, request: Request) -> Response:
        """Change a working order, which keeps its id."""
        caller = await self._callers.of(request)
        change = await read_body(request, ReplaceRequest)
        reply = await self._command(caller, request, "replace", dict(change))
        return passed_on(reply, 200)

    async def cancel_order(self, request: Request) -> Response:
        """Cancel a working order."""
        caller = await self._callers.of(request)
        passed_on(await self._command(caller, request, "cancel", {}))
        return Response(status_code=204)

    async def cancel_all_orders(self, request: Request, account_id: str) -> Response:
        """Cancel all working orders of an account."""
        caller = await self._callers.of(request)
        account = await self._accounts.require(caller, account_id)
        fields = {
            "account_id": account.account_id,
            "request_id": request_id(request) or str(uuid4()),
        }
        return passed_on(await self._exchange.send("cancel_all", fields), 207)

    async def _command(
        self, caller: Caller, request: Request, kind: str, fields: dict[str, Any]
    ) -> Reply:
        """Send a command about an order in the name of the account that owns it.

        The floor says `not_found` for an order of another account; so the caller's accounts, nearly
        always one, are tried in turn, and no query is needed for an order that works.
        """
        order_id = request.path_params["order_id"]
        if not _UUID.fullmatch(order_id):
            raise not_found("order")
        fields |= {"order_id": order_id, "request_id": request_id(request) or str(uuid4())}
        for account in await self._accounts.of(caller):
            fields["account_id"] = account.account_id
            reply = await self._send(caller, kind, fields)
            if reply.outcome != "not_found":
                return reply
        order = await self._own_order(caller, order_id)
        raise Problem(
            409,
            *_too_late(kind, order["status"]),
            more={"order_id": order_id, "value": order["status"], "order": order},
        )

    async def _send(self, caller: Caller, kind: str, fields: dict[str, Any]) -> Reply:
        if kind == "replace":
            return await self._entry.replace(caller, fields)
        return await self._exchange.send(kind, fields)

    async def _own_order(self, caller: Caller, order_id: str) -> dict[str, Any]:
        """The order of the read models; raises `Problem` 404 when it is not the caller's."""
        if not _UUID.fullmatch(order_id):
            raise not_found("order")
        order = await asyncio.to_thread(self._reads.order, order_id)
        if order is None or not await self._accounts.owns(caller, order["account_id"]):
            raise not_found("order")
        return order

    async def _fields(self, order: PreviewRequest) -> dict[str, Any]:
        """An order for the floor, its symbols as they are listed."""
        fields = order.fields()
        for part in (fields, *fields.get("legs", ())):
            if "symbol" in part:
                part["symbol"] = await self._symbol(part["symbol"])
        return fields

    async def _symbol(self, name: str) -> str:
        """The listed symbol, or the name as it is, which the floor then refuses by its reason."""
        return await self._symbols.find(name) or name


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
