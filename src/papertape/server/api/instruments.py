"""Routes of what is traded and where: instruments, exchanges, sessions, summaries; open to all."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import SECOND_NS, parse_time, time_text
from papertape.markets.calendars import Session, Sessions
from papertape.server.api import PREFIX
from papertape.server.api.moments import EndMoment, Moment, end_moment, moment
from papertape.server.api.pages import (
    BAD_LIMIT,
    Cursor,
    Limit,
    no_cursor,
    read_cursor,
    write_cursor,
)
from papertape.server.documents import Listed, document
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.models.market import (
    ExchangeReply,
    InstrumentReply,
    SessionReply,
    SummaryReply,
)
from papertape.server.problems import not_found
from papertape.server.quotes import quote_in
from papertape.server.replies import json_reply, listed
from papertape.server.summary import DAY_NS, summary_of
from papertape.server.symbols import NO_INSTRUMENT, Symbols

SessionsOf = Callable[[str], Sessions]
"""The sessions of a calendar as the served world keeps them."""

SUMMARIES_MAX = 100
_SHOWN_DAYS_NS = 14 * DAY_NS
_NO_EXCHANGE = "exchange; GET /api/v1/exchanges lists them"
_LOST = {404: ("not_found", not_found(NO_INSTRUMENT).detail)}
_LOST_EXCHANGE = {404: ("not_found", not_found(_NO_EXCHANGE).detail), 422: BAD_LIMIT}

Word = Annotated[str | None, Query(max_length=64)]


class InstrumentRoutes:
    """`/instruments`, `/exchanges`, `/sessions` and the summaries."""

    def __init__(
        self, exchange: Exchange, symbols: Symbols, history: History, sessions_of: SessionsOf
    ) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._history = history
        self._sessions_of = sessions_of
        self._sessions: dict[str, Sessions] = {}

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give; the path that takes any symbol comes last."""
        for path, handler, reply, problems, reasons in (
            (
                "/instruments",
                self.list_instruments,
                Listed[InstrumentReply],
                (422,),
                {422: BAD_LIMIT},
            ),
            ("/exchanges", self.list_exchanges, Listed[ExchangeReply], (), {}),
            ("/exchanges/{exchange}", self.get_exchange, ExchangeReply, (404,), _LOST_EXCHANGE),
            (
                "/sessions",
                self.list_sessions,
                Listed[SessionReply],
                (404, 422),
                _LOST_EXCHANGE,
            ),
            (
                "/market/summary",
                self.list_summaries,
                Listed[SummaryReply],
                (422,),
                {422: BAD_LIMIT},
            ),
            ("/instruments/{symbol:path}/summary", self.get_summary, SummaryReply, (404,), _LOST),
            ("/instruments/{symbol:path}", self.get_instrument, InstrumentReply, (404,), _LOST),
        ):
            router.add_api_route(
                PREFIX + path,
                handler,
                tags=["market"],
                **document(replies={200: reply}, problems=problems, reasons=reasons, secured=False),
            )

    # --- instruments ------------------------------------------------------------------------------

    async def list_instruments(
        self,
        _request: Request,
        query: Annotated[str, Query(max_length=100)] = "",
        sector: Word = None,
        asset_class: Word = None,
        exchange: Word = None,
        limit: Limit = 1_000,
        cursor: Cursor = None,
    ) -> Response:
        """What can be traded, sorted by symbol; `query` looks into symbols and names."""
        wanted = query.strip().casefold()
        same = {"sector": sector, "asset_class": asset_class, "exchange": exchange}
        items = [
            item
            for item in await self._symbols.instruments()
            if _mentions(item, wanted) and _is_same(item, same)
        ]
        return _page(items, "symbol", limit, cursor)

    async def get_instrument(self, _request: Request, symbol: str) -> Response:
        """One instrument; a symbol that it had before finds it too."""
        listed_symbol = await self._symbols.require(symbol)
        for item in await self._symbols.instruments():
            if item["symbol"] == listed_symbol:
                return json_reply(item)
        raise not_found(NO_INSTRUMENT)

    # --- exchanges and their hours ----------------------------------------------------------------

    async def list_exchanges(self, _request: Request) -> Response:
        """Where instruments trade: hours, halts, fees, sorted by id."""
        return listed(await self._exchanges())

    async def get_exchange(self, _request: Request, exchange: str) -> Response:
        """One exchange."""
        return json_reply(await self._one_exchange(exchange))

    async def list_sessions(
        self,
        _request: Request,
        exchange: Word = None,
        start: Moment = None,
        end: EndMoment = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """When exchanges trade: sessions that end after `start` and begin before `end`, by opening.

        Without a start from the world's present on; without an end for fourteen days.
        """
        exchanges = [await self._one_exchange(exchange)] if exchange else await self._exchanges()
        start_ns = moment("start", start)
        if start_ns is None:
            start_ns = await self._now_ns()
        end_ns = end_moment("end", end)
        if end_ns is None:
            end_ns = start_ns + _SHOWN_DAYS_NS
        after = read_cursor(cursor)
        if after is not None:
            start_ns = max(start_ns, _opening_of(after, cursor))
        items = await asyncio.to_thread(self._between, exchanges, start_ns, end_ns, limit, after)
        return _page(items, None, limit, cursor)

    def _between(
        self,
        exchanges: Sequence[dict[str, Any]],
        start_ns: int,
        end_ns: int,
        limit: int,
        after: str | None,
    ) -> list[dict[str, Any]]:
        """The sessions of all exchanges behind the cursor, no more than a page and one."""
        items: list[dict[str, Any]] = []
        for one in exchanges:
            sessions = self._of_calendar(one["calendar"])
            found = 0
            session = sessions.at_or_after(start_ns)
            while session is not None and session.open_ns < end_ns and found <= limit:
                shown = _shown_session(one["exchange"], sessions, session)
                if after is None or _session_key(shown) > after:
                    items.append(shown)
                    found += 1
                session = sessions.at_or_after(session.close_ns)
        return sorted(items, key=_session_key)

    def _of_calendar(self, code: str) -> Sessions:
        if code not in self._sessions:
            self._sessions[code] = self._sessions_of(code)
        return self._sessions[code]

    async def _exchanges(self) -> list[dict[str, Any]]:
        reply = await self._exchange.ask("exchanges")
        items: list[dict[str, Any]] = msgspec.json.decode(reply.body)["items"]
        return items

    async def _one_exchange(self, name: str) -> dict[str, Any]:
        for one in await self._exchanges():
            if one["exchange"] == name:
                return one
        raise not_found(_NO_EXCHANGE)

    async def _now_ns(self) -> int:
        reply = await self._exchange.ask("floor_status")
        return parse_time(msgspec.json.decode(reply.body)["time"])

    # --- summaries --------------------------------------------------------------------------------

    async def list_summaries(
        self,
        _request: Request,
        symbols: Annotated[
            str | None, Query(max_length=2_000, description="only these, with commas between")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=SUMMARIES_MAX)] = SUMMARIES_MAX,
        cursor: Cursor = None,
    ) -> Response:
        """How instruments do today, by symbol; unknown symbols are left out."""
        names = [item["symbol"] for item in await self._symbols.instruments()]
        if symbols is not None:
            asked = {await self._symbols.find(name.strip()) for name in symbols.split(",")}
            names = [name for name in names if name in asked]
        after = read_cursor(cursor)
        left = [name for name in names if after is None or name > after]
        now_ns = await self._now_ns()
        found = await asyncio.gather(*(self._summary(name, now_ns) for name in left[:limit]))
        more = len(left) > limit
        return listed(found, write_cursor(left[limit - 1]) if more else None)

    async def get_summary(self, _request: Request, symbol: str) -> Response:
        """How one instrument does today."""
        name = await self._symbols.require(symbol)
        return json_reply(await self._summary(name, await self._now_ns()))

    async def _summary(self, symbol: str, now_ns: int) -> dict[str, Any]:
        book, days = await asyncio.gather(
            self._exchange.ask("book", {"symbol": symbol, "depth": 1}),
            self._history.bars(symbol, "1d", None, None, 2),
        )
        return summary_of(quote_in(book.body), days, now_ns)


def _mentions(item: dict[str, Any], wanted: str) -> bool:
    symbol = item["symbol"].casefold()
    names = (symbol, symbol.replace("/", ""), item["name"].casefold())
    return any(wanted in name for name in names)


def _is_same(item: dict[str, Any], wanted: dict[str, str | None]) -> bool:
    return all(
        value is None or (item[name] or "").casefold() == value.strip().casefold()
        for name, value in wanted.items()
    )


def _shown_session(exchange: str, sessions: Sessions, session: Session) -> dict[str, Any]:
    before_ns, after_ns = sessions.extended_ns
    last = datetime.fromtimestamp((session.close_ns - 1) // SECOND_NS, UTC)
    return {
        "exchange": exchange,
        "date": f"{last:%Y-%m-%d}",
        "open": time_text(session.open_ns),
        "close": time_text(session.close_ns),
        "pre_market_open": time_text(session.open_ns - before_ns) if before_ns else None,
        "post_market_close": time_text(session.close_ns + after_ns) if after_ns else None,
        "auctions": sessions.has_auctions,
    }


def _session_key(session: dict[str, Any]) -> str:
    return f"{session['open']} {session['exchange']}"


def _page(
    items: Sequence[dict[str, Any]], key: str | None, limit: int, cursor: str | None
) -> Response:
    """A page of sorted items; without a key they are sessions, and behind the cursor already."""
    key_of = _session_key if key is None else lambda item: item[key]
    after = read_cursor(cursor)
    left = [item for item in items if after is None or key_of(item) > after]
    more = len(left) > limit
    return listed(left[:limit], write_cursor(key_of(left[limit - 1])) if more else None)


def _opening_of(key: str, cursor: str | None) -> int:
    """When the session of a cursor's key opens; raises `Problem` 422 for no such key."""
    try:
        return parse_time(key.partition(" ")[0])
    except ValueError as error:
        raise no_cursor(cursor) from error
