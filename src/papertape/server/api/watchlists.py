"""Routes of watchlists."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.documents import Listed, document
from papertape.server.models.watchlists import (
    WatchlistReply,
    WatchlistRequest,
    WatchlistSymbolRequest,
)
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply, listed
from papertape.server.symbols import Symbols
from papertape.server.watchlists import (
    WATCHLISTS_MAX,
    TooManyWatchlistsError,
    Watchlist,
    WatchlistNameTakenError,
    Watchlists,
)

_NO_LIST = {404: ("not_found", not_found("watchlist").detail)}
_TAKEN = ("name_taken", "you have a watchlist of this name; choose another name")
_TOO_MANY = ("too_many_watchlists", f"a user has at most {WATCHLISTS_MAX} watchlists")
_TWICE = ("malformed", "symbols: BTC/USD is in it twice")

Result = TypeVar("Result")


class WatchlistRoutes:
    """Everything under `/watchlists`."""

    def __init__(self, watchlists: Watchlists, callers: Callers, symbols: Symbols) -> None:
        self._watchlists = watchlists
        self._callers = callers
        self._symbols = symbols

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        everything, one = f"{PREFIX}/watchlists", f"{PREFIX}/watchlists/{{watchlist_id}}"
        written: dict[str, Any] = {
            "reasons": _NO_LIST | {409: _TAKEN, 422: _TWICE},
            "scope": "account",
        }
        for path, method, handler, documented in (
            (
                everything,
                "GET",
                self.list_watchlists,
                document(replies={200: Listed[WatchlistReply]}),
            ),
            (
                everything,
                "POST",
                self.create_watchlist,
                document(
                    replies={201: WatchlistReply}, body=WatchlistRequest, problems=(409,), **written
                ),
            ),
            (
                one,
                "GET",
                self.get_watchlist,
                document(replies={200: WatchlistReply}, problems=(404,), reasons=_NO_LIST),
            ),
            (
                one,
                "PUT",
                self.replace_watchlist,
                document(
                    replies={200: WatchlistReply},
                    body=WatchlistRequest,
                    problems=(404, 409),
                    **written,
                ),
            ),
            (
                one,
                "DELETE",
                self.delete_watchlist,
                document(replies={204: None}, problems=(404,), **written),
            ),
            (
                f"{one}/symbols",
                "POST",
                self.add_symbol,
                document(
                    replies={200: WatchlistReply},
                    body=WatchlistSymbolRequest,
                    problems=(404,),
                    **written,
                ),
            ),
            (
                f"{one}/symbols/{{symbol:path}}",
                "DELETE",
                self.remove_symbol,
                document(replies={200: WatchlistReply}, problems=(404,), **written),
            ),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["watchlists"], **documented)

    async def list_watchlists(self, request: Request) -> Response:
        """The caller's watchlists, by name."""
        caller = await self._callers.of(request)
        found = await asyncio.to_thread(self._watchlists.of_user, caller.user.user_id)
        return listed([_shown(one) for one in found])

    async def create_watchlist(self, request: Request) -> Response:
        """Make a watchlist; names are the user's own, each once."""
        caller = await self._callers.of(request)
        asked = await read_body(request, WatchlistRequest)
        symbols = await self._listed(asked.symbols)
        create = self._watchlists.create
        made = await _on_a_thread(lambda: create(caller.user.user_id, asked.name, symbols))
        return json_reply(_shown(made), 201)

    async def get_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """One watchlist."""
        caller = await self._callers.of(request)
        found = await asyncio.to_thread(self._watchlists.find, caller.user.user_id, watchlist_id)
        return _answer(found)

    async def replace_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """Give a watchlist another name and other symbols."""
        caller = await self._callers.of(request)
        asked = await read_body(request, WatchlistRequest)
        symbols = tuple(await self._listed(asked.symbols))
        change, user_id = self._watchlists.change, caller.user.user_id
        return _answer(
            await _on_a_thread(
                lambda: change(user_id, watchlist_id, name=asked.name, symbols=symbols)
            )
        )

    async def delete_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """Delete a watchlist."""
        caller = await self._callers.of(request)
        user_id = caller.user.user_id
        if not await asyncio.to_thread(self._watchlists.delete, user_id, watchlist_id):
            raise not_found("watchlist")
        return Response(status_code=204)

    async def add_symbol(self, request: Request, watchlist_id: str) -> Response:
        """Put a symbol at the end of a watchlist that has not got it."""
        caller = await self._callers.of(request)
        asked = await read_body(request, WatchlistSymbolRequest)
        (symbol,) = await self._listed([asked.symbol], "symbol")
        return await self._edit(
            caller.user.user_id, watchlist_id, lambda symbols: (*symbols, symbol)
        )

    async def remove_symbol(self, request: Request, watchlist_id: str, symbol: str) -> Response:
        """Take a symbol off a watchlist."""
        caller = await self._callers.of(request)
        # An instrument may have been renamed or delisted since; its name still comes off the list.
        meant = {symbol, await self._symbols.find(symbol)}

        def without(symbols: Sequence[str]) -> Sequence[str]:
            left = [one for one in symbols if one not in meant]
            if len(left) == len(symbols):
                raise not_found("symbol on this watchlist")
            return left

        return await self._edit(caller.user.user_id, watchlist_id, without)

    async def _edit(
        self,
        user_id: str,
        watchlist_id: str,
        edited: Callable[[tuple[str, ...]], Sequence[str]],
    ) -> Response:
        edit = self._watchlists.edit
        return _answer(await _on_a_thread(lambda: edit(user_id, watchlist_id, edited)))

    async def _listed(self, names: Sequence[str], field: str = "symbols") -> list[str]:
        """The symbols as they are listed; raises `Problem` 422 for one that is not."""
        found = []
        for name in names:
            symbol = await self._symbols.find(name)
            if symbol is None:
                raise malformed(
                    f"{field}: there is no instrument {name}; GET /api/v1/instruments lists them",
                    field=field,
                    value=name,
                    reason="unknown_symbol",
                )
            found.append(symbol)
        return found


async def _on_a_thread(work: Callable[[], Result]) -> Result:
    """Run a change; what it raises becomes a problem."""
    try:
        return await asyncio.to_thread(work)
    except WatchlistNameTakenError as error:
        raise Problem(409, *_TAKEN, more={"field": "name", "value": str(error)}) from error
    except TooManyWatchlistsError as error:
        raise Problem(409, *_TOO_MANY, more={"limit": str(WATCHLISTS_MAX)}) from error
    except ValueError as error:
        raise malformed(f"symbols: {error}", field="symbols") from error


def _answer(found: Watchlist | None) -> Response:
    if found is None:
        raise not_found("watchlist")
    return json_reply(_shown(found))


def _shown(watchlist: Watchlist) -> dict[str, Any]:
    return {
        "id": watchlist.watchlist_id,
        "name": watchlist.name,
        "symbols": watchlist.symbols,
        "created_at": time_text(watchlist.created_ns),
        "updated_at": time_text(watchlist.updated_ns),
    }
