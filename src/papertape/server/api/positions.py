"""Routes of positions: what is held, and ways out of it."""

import asyncio
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.decimal_text import parse_decimal
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.orders import request_id
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.callers import Caller, Callers
from papertape.server.closing import Closing
from papertape.server.documents import IDEMPOTENCY_KEY, Listed, document
from papertape.server.models.account_changes import ClosedPositionsReply
from papertape.server.models.accounts import PositionReply
from papertape.server.models.orders import OrderReply, Strategy
from papertape.server.problems import malformed, not_found
from papertape.server.replies import json_reply, listed, passed_on
from papertape.storage.reads import Reads

AccountId = Annotated[
    str | None,
    Query(
        max_length=36,
        description="the default account of the user when left out",
    ),
]
ClosingStrategy = Annotated[
    Strategy | None,
    Query(description="what the order is sent for; the one that alone holds it when left out"),
]
_NO_POSITION = {404: ("not_found", not_found("position").detail)}
_ONE = f"{PREFIX}/positions/{{symbol:path}}"


class PositionRoutes:
    """Everything under `/positions`."""

    def __init__(
        self, callers: Callers, accounts: Accounts, closing: Closing, reads: Reads
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._closing = closing
        self._reads = reads

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        key = (IDEMPOTENCY_KEY,)
        for path, method, handler, documented in (
            (
                f"{PREFIX}/positions",
                "GET",
                self.list_positions,
                document(replies={200: Listed[PositionReply]}, problems=(404,)),
            ),
            (
                f"{PREFIX}/positions",
                "DELETE",
                self.close_all_positions,
                document(
                    replies={207: ClosedPositionsReply},
                    parameters=key,
                    problems=(404,),
                    scope="trade",
                ),
            ),
            (
                _ONE,
                "GET",
                self.get_position,
                document(replies={200: PositionReply}, problems=(404,), reasons=_NO_POSITION),
            ),
            (
                _ONE,
                "DELETE",
                self.close_position,
                document(
                    replies={201: OrderReply, 200: OrderReply},
                    parameters=key,
                    problems=(404, 409, 429),
                    reasons=_NO_POSITION | {422: ("malformed", "give qty or percentage, not both")},
                    scope="trade",
                ),
            ),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["positions"], **documented)

    async def list_positions(self, request: Request, account_id: AccountId = None) -> Response:
        """What an account holds, valued at the present market."""
        _, account = await self._account(request, account_id)
        return listed(await self._closing.positions(account))

    async def get_position(
        self, request: Request, symbol: str, account_id: AccountId = None
    ) -> Response:
        """What an account holds of one instrument."""
        _, account = await self._account(request, account_id)
        return json_reply(await self._closing.position(account, symbol))

    async def close_position(
        self,
        request: Request,
        symbol: str,
        account_id: AccountId = None,
        qty: Annotated[str | None, Query(max_length=40, examples=["5"])] = None,
        percentage: Annotated[str | None, Query(max_length=40, examples=["50"])] = None,
        strategy: ClosingStrategy = None,
    ) -> Response:
        """Close a position at the market, or `qty` or `percentage` of it; answers the order."""
        caller, account = await self._account(request, account_id)
        key = request_id(request)
        known = None if key is None else await self._known(account, key)
        if known is not None:
            return json_reply(known)
        reply = await self._closing.close(
            caller,
            account,
            symbol,
            request_id=key or str(uuid4()),
            qty=_decimal("qty", qty),
            percentage=_decimal("percentage", percentage),
            strategy=strategy,
        )
        return passed_on(reply)

    async def close_all_positions(
        self,
        request: Request,
        account_id: AccountId = None,
        cancel_orders: Annotated[
            bool, Query(description="cancel all orders first, which may hold what is to be sold")
        ] = False,
        strategy: ClosingStrategy = None,
    ) -> Response:
        """Close all positions at the market; each is answered for itself."""
        caller, account = await self._account(request, account_id)
        request_key = request_id(request) or str(uuid4())
        if cancel_orders:
            await self._closing.cancel_all(account, request_key)
        closed = await self._closing.close_all(caller, account, request_key, strategy)
        return json_reply({"items": closed}, 207)

    async def _known(self, account: OwnedAccount, key: str) -> dict[str, object] | None:
        """The order that this request has made already."""
        find = self._reads.order_by_client_id
        return await asyncio.to_thread(find, account.account_id, key)

    async def _account(
        self, request: Request, account_id: str | None
    ) -> tuple[Caller, OwnedAccount]:
        caller = await self._callers.of(request)
        if account_id is None:
            return caller, await self._accounts.first(caller)
        return caller, await self._accounts.require(caller, account_id)


def _decimal(field: str, text: str | None) -> str | None:
    """Decimal text as it is; raises `Problem` 422 for what is none."""
    if text is None:
        return None
    try:
        parse_decimal(text)
    except ValueError as error:
        reason = "invalid_quantity" if field == "qty" else "malformed"
        raise malformed(f"{field}: {error}", field=field, value=text, reason=reason) from error
    return text
