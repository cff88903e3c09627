"""The trade journal at `/api/trades`: `{"ticker", "price", "quantity", "side"}`, and no more words.

It reads and writes a journal account of the caller by `TradeJournal`; what is written here are the
addresses, the days of a search, and problems in the words of the short form.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api.moments import end_moment, moment
from papertape.server.api.orders import request_id
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.api.searches import SymbolName
from papertape.server.auth.account_store import ACTIVE_MAX
from papertape.server.auth.journal_store import EntrySearch
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.documents import IDEMPOTENCY_KEY, document
from papertape.server.models.base import UUID_PATTERN
from papertape.server.models.trade_journal import (
    EntryList,
    EntryPatch,
    EntryReply,
    EntryRequest,
)
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply
from papertape.server.trade_journal import Place, Terms, TradeJournal
from papertape.storage.reads import LIMIT_MAX

PATH = "/api/trades"
_ONE = f"{PATH}/{{entry_id}}"
_UUID = re.compile(UUID_PATTERN)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHORT = {"symbol": "ticker", "qty": "quantity"}
_LONG = {short: name for name, short in _SHORT.items()}

_NO_TRADE = {404: ("not_found", not_found("trade").detail)}
_TOO_LATE = {
    409: ("not_replaceable", "since then the account was reset: record the opposite trade")
}
_TOO_MANY = (
    "too_many_accounts",
    f"a user has at most {ACTIVE_MAX} accounts that are not archived; archive one first",
)
_LINK = {"schema": {"type": "string"}, "description": 'where there are more, with rel="next"'}

Day = Annotated[
    str | None, Query(max_length=40, description="a day in UTC, inclusive", examples=["2026-11-20"])
]


class TradeJournalRoutes:
    """Everything under `/api/trades`."""

    def __init__(self, callers: Callers, journal: TradeJournal) -> None:
        self._callers = callers
        self._journal = journal

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        listed = document(replies={200: EntryList}, problems=(422,), reasons={422: BAD_LIMIT})
        listed["responses"][200]["headers"] = {"Link": _LINK}
        self._add(router, "GET", PATH, self.list_entries, listed)
        written = document(
            replies={201: EntryReply, 200: EntryReply},
            body=EntryRequest,
            parameters=(IDEMPOTENCY_KEY,),
            problems=(409,),
            reasons={409: _TOO_MANY, 422: ("malformed", "ticker: Field required")},
            scope="trade",
        )
        self._add(router, "POST", PATH, self.write_entry, written)
        read = document(replies={200: EntryReply}, problems=(404,), reasons=_NO_TRADE)
        self._add(router, "GET", _ONE, self.get_entry, read)
        for method, handler, body in (
            ("PUT", self.put_entry, EntryRequest),
            ("PATCH", self.patch_entry, EntryPatch),
        ):
            changed = document(
                replies={200: EntryReply},
                body=body,
                problems=(404, 409),
                reasons=_NO_TRADE | _TOO_LATE,
                scope="trade",
            )
            self._add(router, method, _ONE, handler, changed)
        deleted = document(
            replies={204: None},
            problems=(404, 409),
            reasons=_NO_TRADE | _TOO_LATE,
            scope="trade",
        )
        self._add(router, "DELETE", _ONE, self.delete_entry, deleted)

    @staticmethod
    def _add(
        router: APIRouter, method: str, path: str, handler: Any, documented: dict[str, Any]
    ) -> None:
        router.add_api_route(
            path,
            handler,
            methods=[method],
            name=f"journal_{handler.__name__}",
            tags=["trade journal"],
            **documented,
        )

    async def list_entries(
        self,
        request: Request,
        ticker: SymbolName = None,
        start_date: Day = None,
        end_date: Day = None,
        limit: Limit = LIMIT_MAX,
        cursor: Cursor = None,
    ) -> Response:
        """The journal, the newest first; where there is more, `Link` says where."""
        caller = await self._callers.of(request)
        search = EntrySearch(
            symbol=None if ticker is None else await self._journal.listed_symbol(ticker),
            from_ns=moment("start_date", _day("start_date", start_date)),
            to_ns=end_moment("end_date", _day("end_date", end_date)),
        )
        before = None if cursor is None else _read_cursor(cursor)
        items, more = await self._journal.search(caller, search, limit, before)
        response = json_reply(items)
        if more is not None:
            asked = dict(request.query_params) | {"cursor": _write_cursor(more)}
            response.headers["Link"] = f'<{PATH}/?{urlencode(asked)}>; rel="next"'
        return response

    async def write_entry(self, request: Request) -> Response:
        """Enter a trade that was made elsewhere; the first one opens the journal."""
        caller = await self._callers.of(request)
        asked = await read_body(request, EntryRequest)
        with _short_words(asked.model_dump()):
            entry, is_new = await self._journal.write(
                caller, Terms(**_long_words(asked)), request_id(request)
            )
        return json_reply(entry, 201 if is_new else 200)

    async def get_entry(self, request: Request, entry_id: str) -> Response:
        """One trade of the journal as it stands."""
        caller = await self._callers.of(request)
        return json_reply(await self._journal.one(caller, _checked(entry_id)))

    async def put_entry(self, request: Request, entry_id: str) -> Response:
        """Say what a trade should have been; it is taken back and recorded anew, the id stays."""
        return await self._change(request, entry_id, EntryRequest)

    async def patch_entry(self, request: Request, entry_id: str) -> Response:
        """Put a part of a trade right; it is taken back and recorded anew, the id stays."""
        return await self._change(request, entry_id, EntryPatch)

    async def delete_entry(self, request: Request, entry_id: str) -> Response:
        """Take a trade back; entries in the ledger undo what it did."""
        caller = await self._callers.of(request)
        with _short_words({}):
            await self._journal.delete(caller, _checked(entry_id))
        return Response(status_code=204)

    async def _change(
        self, request: Request, entry_id: str, model: type[EntryRequest | EntryPatch]
    ) -> Response:
        caller = await self._callers.of(request)
        await self._journal.one(caller, _checked(entry_id))
        asked = await read_body(request, model)
        with _short_words(asked.model_dump()):
            entry = await self._journal.change(caller, entry_id, _long_words(asked))
        return json_reply(entry)


def _checked(entry_id: str) -> str:
    if not _UUID.fullmatch(entry_id):
        raise not_found("trade")
    return entry_id


# --- words ---------------------------------------------------------------------------------------


def _long_words(asked: EntryRequest | EntryPatch) -> dict[str, str]:
    """What was asked in the words of all other routes."""
    given = asked.model_dump(exclude_none=True)
    return {_LONG.get(name, name): value for name, value in given.items()}


@contextmanager
def _short_words(asked: Mapping[str, Any]) -> Iterator[None]:
    """Problems about a field call it by the name that it has here, and tell its value."""
    try:
        yield
    except Problem as problem:
        told = str(problem.more.get("field") or "")
        field = _SHORT.get(told, told)
        if not field:
            raise
        detail = re.sub(rf"\b{told}\b", field, problem.detail)
        said = {name: value for name, value in problem.more.items() if value is not None}
        more = {"value": asked.get(field)} | said | {"field": field}
        raise Problem(
            problem.status,
            problem.reason,
            detail,
            retry_after_s=problem.retry_after_s,
            more=more,
        ) from problem


# --- days and cursors ----------------------------------------------------------------------------


def _day(field: str, day: str | None) -> str | None:
    """The day as it came; raises `Problem` 422 for what is no day."""
    if day is not None and not _DAY.fullmatch(day):
        raise malformed(f"{field}: give a day such as 2026-11-20", field=field, value=day)
    return day


def _write_cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]} {place[1]}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> Place:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        time_ns, entry_id = text.split(" ")
        place = (int(time_ns), _checked(entry_id))
        if not 0 <= place[0] < 2**63:
            raise ValueError(time_ns)
    except (ValueError, binascii.Error, Problem) as error:
        raise malformed(
            "cursor: the cursor is not one of ours", field="cursor", value=cursor
        ) from error
    return place
