"""Routes of trades: executions with their receipts, notes on them, figures of closed ones."""

import asyncio
import re
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.moments import FromMoment, ToMoment, end_moment, moment
from papertape.server.api.orders import request_id
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.api.positions import AccountId
from papertape.server.api.searches import TRADE_COLUMNS, trade_search
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.label_store import LabelStore
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.corrections import Corrections
from papertape.server.csv_text import Format, csv_reply, wants_csv
from papertape.server.documents import IDEMPOTENCY_KEY, Listed, document, with_csv
from papertape.server.models.base import UUID_PATTERN
from papertape.server.models.performance import TradeFigures
from papertape.server.models.trades import TradePatch, TradeReply, TradeRequest, TradeTerms
from papertape.server.order_history import OrderHistory, TradeSearch
from papertape.server.performance import Performance
from papertape.server.problems import not_found
from papertape.server.replies import json_reply, listed

_UUID = re.compile(UUID_PATTERN)
_NO_TRADE = {404: ("not_found", not_found("trade").detail)}
_TOO_LATE = ("not_replaceable", "the trade was taken back already")
_SPENT = ("malformed", "trades of margined contracts cannot be busted")
_ONE = f"{PREFIX}/trades/{{trade_id}}"


class TradeRoutes:
    """Everything under `/trades`. The id of a trade is that of its fill."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        history: OrderHistory,
        performance: Performance,
        labels: LabelStore,
        corrections: Corrections,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._history = history
        self._performance = performance
        self._labels = labels
        self._corrections = corrections

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        searched = document(
            replies={200: Listed[TradeReply]}, problems=(404, 422), reasons={422: BAD_LIMIT}
        )
        router.add_api_route(
            f"{PREFIX}/trades", self.list_trades, tags=["trades"], **with_csv(searched)
        )
        router.add_api_route(
            f"{PREFIX}/trades/statistics",
            self.trade_statistics,
            tags=["trades"],
            **document(
                replies={200: TradeFigures},
                problems=(404, 422),
                reasons={422: ("malformed", "from: give a time such as 2026-11-20T10:46:00Z")},
            ),
        )
        router.add_api_route(
            f"{PREFIX}/trades",
            self.record_trade,
            methods=["POST"],
            tags=["trades"],
            **document(
                replies={201: TradeReply, 200: TradeReply},
                body=TradeRequest,
                parameters=(IDEMPOTENCY_KEY,),
                problems=(404, 409),
                reasons={422: ("not_a_journal", "trades are recorded in a journal only")},
                scope="account",
            ),
        )
        router.add_api_route(
            f"{_ONE}/bust",
            self.bust_trade,
            methods=["POST"],
            tags=["trades"],
            **document(
                replies={204: None},
                problems=(404, 409, 422),
                reasons=_NO_TRADE | {409: _TOO_LATE, 422: _SPENT},
                scope="account",
            ),
        )
        router.add_api_route(
            f"{_ONE}/correct",
            self.correct_trade,
            methods=["POST"],
            tags=["trades"],
            **document(
                replies={201: TradeReply},
                body=TradeTerms,
                problems=(404, 409),
                reasons=_NO_TRADE | {409: _TOO_LATE},
                scope="account",
            ),
        )
        one: dict[str, Any] = {
            "replies": {200: TradeReply},
            "problems": (404,),
            "reasons": _NO_TRADE,
        }
        router.add_api_route(_ONE, self.get_trade, tags=["trades"], **document(**one))
        router.add_api_route(
            _ONE,
            self.note_trade,
            methods=["PATCH"],
            tags=["trades"],
            **document(**one, body=TradePatch, scope="trade"),
        )

    async def list_trades(
        self,
        request: Request,
        wanted: Annotated[TradeSearch, Depends(trade_search)],
        account_id: AccountId = None,
        limit: Limit = 100,
        cursor: Cursor = None,
        format: Format = None,  # noqa: A002 - the name on the wire
    ) -> Response:
        """Executions, the newest first, each with the receipt that says why it got its price."""
        _, account = await self._account(request, account_id)
        page = await self._history.trades(account, wanted, limit, cursor)
        if wants_csv(request, format):
            return csv_reply(TRADE_COLUMNS, page.items, page.next_cursor, "trades")
        return listed(page.items, page.next_cursor)

    async def trade_statistics(
        self,
        request: Request,
        account_id: AccountId = None,
        from_: FromMoment = None,
        to: ToMoment = None,
    ) -> Response:
        """Figures of the trades that were closed in a time."""
        _, account = await self._account(request, account_id)
        span = (moment("from", from_), end_moment("to", to))
        return json_reply(await self._performance.trade_figures(account, *span))

    async def get_trade(self, request: Request, trade_id: str) -> Response:
        """One execution."""
        caller = await self._callers.of(request)
        return json_reply(await self._own(caller, trade_id))

    async def note_trade(self, request: Request, trade_id: str) -> Response:
        """Write a note on a trade, or take it away. The trade itself never changes."""
        caller = await self._callers.of(request)
        trade = await self._own(caller, trade_id)
        asked = await read_body(request, TradePatch)
        note = self._labels.note
        await asyncio.to_thread(note, trade["account_id"], trade_id, asked.note)
        return json_reply(trade | {"note": asked.note})

    async def record_trade(self, request: Request) -> Response:
        """Enter a trade that was made elsewhere into a journal."""
        caller = await self._callers.of(request)
        asked = await read_body(request, TradeRequest)
        key = request_id(request) or str(uuid4())
        trade, is_new = await self._corrections.record(caller, asked, key)
        return json_reply(trade, 201 if is_new else 200)

    async def bust_trade(self, request: Request, trade_id: str) -> Response:
        """Take a trade back: one of a journal, or as an admin any; entries undo what it did."""
        caller = await self._callers.of(request)
        await self._corrections.bust(caller, _checked(trade_id))
        return Response(status_code=204)

    async def correct_trade(self, request: Request, trade_id: str) -> Response:
        """Take a trade back and record what it should have been; answers the new trade."""
        caller = await self._callers.of(request)
        right = await read_body(request, TradeTerms)
        return json_reply(await self._corrections.correct(caller, _checked(trade_id), right), 201)

    async def _own(self, caller: Caller, trade_id: str) -> dict[str, Any]:
        trade = await self._history.trade(trade_id) if _UUID.fullmatch(trade_id) else None
        if trade is None or not await self._accounts.owns(caller, trade["account_id"]):
            raise not_found("trade")
        return trade

    async def _account(
        self, request: Request, account_id: str | None
    ) -> tuple[Caller, OwnedAccount]:
        caller = await self._callers.of(request)
        if account_id is None:
            return caller, await self._accounts.first(caller)
        return caller, await self._accounts.require(caller, account_id)


def _checked(trade_id: str) -> str:
    """The id, when it can be one; raises `Problem` 404."""
    if not _UUID.fullmatch(trade_id):
        raise not_found("trade")
    return trade_id
