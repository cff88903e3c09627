"""Routes of watchlists: the user's own, the same as on the native API."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.dialects.alpaca.assets import Assets
from papertape.server.dialects.alpaca.documents import document
from papertape.server.dialects.alpaca.models.bodies import (
    WatchlistBody,
    WatchlistChange,
    WatchlistSymbol,
)
from papertape.server.dialects.alpaca.models.reference import WatchlistReply
from papertape.server.dialects.alpaca.seats import Seat, Seats, body_of
from papertape.server.dialects.alpaca.words import PREFIX
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply
from papertape.server.watchlists import (
    TooManyWatchlistsError,
    Watchlist,
    WatchlistNameTakenError,
    Watchlists,
)

_LISTS = f"{PREFIX}/v2/watchlists"
_ONE = f"{_LISTS}/{{watchlist_id}}"
_NAMED = f"{_LISTS}:by_name"
Name = Annotated[str, Query(min_length=1, max_length=64)]


class WatchlistRoutes:
    """Everything under `/alpaca/v2/watchlists`, by id and by name."""

    def __init__(self, seats: Seats, assets: Assets, watchlists: Watchlists) -> None:
        self._seats = seats
        self._assets = assets
        self._watchlists = watchlists

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        get = document(WatchlistReply, problems=(404,))
        made = document(WatchlistReply, body=WatchlistBody, scope="account", problems=(404,))
        change = document(WatchlistReply, body=WatchlistChange, scope="account", problems=(404,))
        add = document(WatchlistReply, body=WatchlistSymbol, scope="account", problems=(404,))
        remove = document(WatchlistReply, scope="account", problems=(404,))
        delete = document(None, status=204, scope="account", problems=(404,))
        listed = document(WatchlistReply, listed=True, problems=(404,))
        for path, handler, method, told in (
            (_LISTS, self.list_watchlists, "GET", listed),
            (_LISTS, self.create_watchlist, "POST", made),
            (_ONE, self.get_watchlist, "GET", get),
            (_ONE, self.update_watchlist, "PUT", change),
            (_ONE, self.add_to_watchlist, "POST", add),
            (_ONE, self.delete_watchlist, "DELETE", delete),
            (f"{_ONE}/{{symbol:path}}", self.remove_from_watchlist, "DELETE", remove),
            (_NAMED, self.get_watchlist_by_name, "GET", get),
            (_NAMED, self.update_watchlist_by_name, "PUT", change),
            (_NAMED, self.add_to_watchlist_by_name, "POST", add),
            (_NAMED, self.delete_watchlist_by_name, "DELETE", delete),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["watchlists"], **told)

    async def list_watchlists(self, request: Request) -> Response:
        """All watchlists of the user, without their assets."""
        seat = await self._seats.of(request)
        found = await asyncio.to_thread(self._watchlists.of_user, seat.caller.user.user_id)
        return json_reply([_head(seat, one) for one in found])

    async def create_watchlist(self, request: Request) -> Response:
        """A new watchlist."""
        seat = await self._seats.of(request)
        body = await body_of(request, WatchlistBody)
        symbols = await self._symbols(body.symbols or ())
        user_id = seat.caller.user.user_id
        made = await _kept(self._watchlists.create, user_id, body.name, symbols)
        return await self._whole(seat, made)

    async def get_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """One watchlist with its assets."""
        seat = await self._seats.of(request)
        return await self._whole(seat, await self._require(seat, watchlist_id))

    async def update_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """Another name, or other symbols in place of all that it had."""
        seat = await self._seats.of(request)
        body = await body_of(request, WatchlistChange)
        return await self._update(seat, await self._require(seat, watchlist_id), body)

    async def add_to_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """Put a symbol at the end."""
        seat = await self._seats.of(request)
        body = await body_of(request, WatchlistSymbol)
        return await self._add(seat, await self._require(seat, watchlist_id), body.symbol)

    async def delete_watchlist(self, request: Request, watchlist_id: str) -> Response:
        """Delete a watchlist."""
        seat = await self._seats.of(request)
        return await self._delete(seat, await self._require(seat, watchlist_id))

    async def remove_from_watchlist(
        self, request: Request, watchlist_id: str, symbol: str
    ) -> Response:
        """Take a symbol out."""
        seat = await self._seats.of(request)
        found = await self._require(seat, watchlist_id)
        asset = await self._assets.find(symbol)
        gone = asset.symbol if asset is not None else symbol
        if gone not in found.symbols:
            raise not_found(f"asset in this watchlist: {symbol[:100]}")
        left = [one for one in found.symbols if one != gone]
        return await self._change(seat, found, symbols=left)

    async def get_watchlist_by_name(self, request: Request, name: Name) -> Response:
        """One watchlist by its name."""
        seat = await self._seats.of(request)
        return await self._whole(seat, await self._named(seat, name))

    async def update_watchlist_by_name(self, request: Request, name: Name) -> Response:
        """The same as by id."""
        seat = await self._seats.of(request)
        body = await body_of(request, WatchlistChange)
        return await self._update(seat, await self._named(seat, name), body)

    async def add_to_watchlist_by_name(self, request: Request, name: Name) -> Response:
        """The same as by id."""
        seat = await self._seats.of(request)
        body = await body_of(request, WatchlistSymbol)
        return await self._add(seat, await self._named(seat, name), body.symbol)

    async def delete_watchlist_by_name(self, request: Request, name: Name) -> Response:
        """The same as by id."""
        seat = await self._seats.of(request)
        return await self._delete(seat, await self._named(seat, name))

    # --- the same for both ways to name one ------------------------------------------------------

    async def _update(self, seat: Seat, found: Watchlist, body: WatchlistChange) -> Response:
        if body.name is None and body.symbols is None:
            raise malformed("give name or symbols")
        symbols = None if body.symbols is None else await self._symbols(body.symbols)
        return await self._change(seat, found, name=body.name, symbols=symbols)

    async def _add(self, seat: Seat, found: Watchlist, name: str) -> Response:
        (symbol,) = await self._symbols([name])
        return await self._change(seat, found, symbols=[*found.symbols, symbol])

    async def _delete(self, seat: Seat, found: Watchlist) -> Response:
        user_id = seat.caller.user.user_id
        await asyncio.to_thread(self._watchlists.delete, user_id, found.watchlist_id)
        return Response(status_code=204)

    async def _change(self, seat: Seat, found: Watchlist, **values: Any) -> Response:
        user_id = seat.caller.user.user_id
        changed = await _kept(self._watchlists.change, user_id, found.watchlist_id, **values)
        if changed is None:
            raise not_found("watchlist")
        return await self._whole(seat, changed)

    async def _require(self, seat: Seat, watchlist_id: str) -> Watchlist:
        return await _found(self._watchlists.find, seat, watchlist_id.lower())

    async def _named(self, seat: Seat, name: str) -> Watchlist:
        return await _found(self._watchlists.named, seat, name)

    async def _symbols(self, names: Sequence[str]) -> list[str]:
        """The listed symbols; raises `Problem` 422 for what is not listed."""
        return [(await self._assets.tradable(name)).symbol for name in names]

    async def _whole(self, seat: Seat, watchlist: Watchlist) -> Response:
        account = (await self._seats.accounts.value(seat.account)).account
        assets = [await self._assets.find(symbol) for symbol in watchlist.symbols]
        shown = [asset.shown(account) for asset in assets if asset is not None]
        return json_reply(_head(seat, watchlist) | {"assets": shown})


def _head(seat: Seat, watchlist: Watchlist) -> dict[str, Any]:
    return {
        "id": watchlist.watchlist_id,
        "account_id": seat.account_id,
        "name": watchlist.name,
        "created_at": time_text(watchlist.created_ns),
        "updated_at": time_text(watchlist.updated_ns),
    }


async def _found(find: Callable[[str, str], Watchlist | None], seat: Seat, key: str) -> Watchlist:
    watchlist = await asyncio.to_thread(find, seat.caller.user.user_id, key)
    if watchlist is None:
        raise not_found("watchlist")
    return watchlist


async def _kept(write: Callable[..., Any], *arguments: Any, **values: Any) -> Any:
    """Write on a thread; refusals of the store become `Problem` 422."""
    try:
        return await asyncio.to_thread(write, *arguments, **values)
    except WatchlistNameTakenError as error:
        raise Problem(
            422, "name_taken", f"watchlist name must be unique: there is one called {error}"
        ) from error
    except TooManyWatchlistsError as error:
        raise Problem(422, "too_many_watchlists", str(error)) from error
    except ValueError as error:
        raise malformed(f"symbols: {error}", field="symbols") from error
