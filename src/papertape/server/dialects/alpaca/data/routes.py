"""Routes of market data: `/alpaca-data/v2/stocks/...` and `/alpaca-data/v1beta3/crypto/us/...`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from papertape.markets.store import BarStore
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.corporate import CorporateActions, Step, steps_of
from papertape.server.dialects.alpaca.data.bars import read_bars, timeframe_of
from papertape.server.dialects.alpaca.data.pages import Read, Stretch, page_of, token_of
from papertape.server.dialects.alpaca.data.past import Past
from papertape.server.dialects.alpaca.data.prices import Prices
from papertape.server.dialects.alpaca.data.shapes import Shape, as_json, bar_of
from papertape.server.dialects.alpaca.documents import document
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.models import data as models
from papertape.server.dialects.alpaca.seats import Seats
from papertape.server.dialects.alpaca.times import EndMoment, Moment, end_moment, moment
from papertape.server.dialects.alpaca.words import DATA_PREFIX
from papertape.server.models.base import Reply
from papertape.server.problems import malformed
from papertape.server.replies import JSON

LIMIT_MAX = 10_000
SYMBOLS_MAX = 1_000
ADJUSTED = frozenset({"split", "dividend"})
_FAR = 2**63 - 1

Symbols = Annotated[
    str,
    Query(
        min_length=1, max_length=20_000, pattern=r"^[\x20-\x7e]+$", description="Comma-separated"
    ),
]
"""All of it escaped fits in an address, which has at most 64 KiB."""
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Sort = Literal["asc", "desc"]
Token = Annotated[str | None, Query(max_length=200)]
Feed = Annotated[str | None, Query(max_length=20, description="All feeds are this one market")]
AsOf = Annotated[str | None, Query(max_length=10, description="Symbols do not change hands here")]
Currency = Annotated[str | None, Query(max_length=5, description="USD")]
Adjustment = Annotated[str | None, Query(max_length=20, description="raw, split, dividend, all")]
Latest = Callable[[Asset], Awaitable[Shape | None]]
Handler = Callable[..., Awaitable[Response]]

QUOTES = "Quotes of a span of time: at most twenty a second of an asset, the newest of each moment."
TRADES = "Trades of a span of time, every one."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What all lists ask for."""

    assets: list[Asset]
    stretch: Stretch
    token: str | None


class DataRoutes:
    """The lists and latest values of one kind of asset."""

    def __init__(
        self,
        seats: Seats,
        assets: Assets,
        market: Market,
        prices: Prices,
        past: Past,
        store: BarStore,
        actions: CorporateActions,
        *,
        crypto: bool,
    ) -> None:
        self._seats = seats
        self._assets = assets
        self._market = market
        self._prices = prices
        self._store = store
        self._actions = actions
        self._past = past
        self._crypto = crypto
        self.quotes = self._ticks("quotes", past.quotes, QUOTES)
        self.trades = self._ticks("trades", past.trades, TRADES)
        self._root = DATA_PREFIX + ("/v1beta3/crypto/us" if crypto else "/v2/stocks")

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        latest = "/latest/{}" if self._crypto else "/{}/latest"
        routes: list[tuple[str, Any, str, type[Reply]]] = [
            ("/bars", self.bars, "bars", models.BarsReply),
            ("/quotes", self.quotes, "quotes", models.QuotesReply),
            ("/trades", self.trades, "trades", models.TradesReply),
            (latest.format("bars"), self.latest_bars, "latest_bars", models.LatestBarsReply),
            (
                latest.format("quotes"),
                self.latest_quotes,
                "latest_quotes",
                models.LatestQuotesReply,
            ),
            (
                latest.format("trades"),
                self.latest_trades,
                "latest_trades",
                models.LatestTradesReply,
            ),
        ]
        if self._crypto:
            books = (latest.format("orderbooks"), self.latest_books, "latest_orderbooks")
            routes.append((*books, models.LatestBooksReply))
            routes.append(("/snapshots", self.snapshots, "snapshots", models.SnapshotsReply))
        else:
            routes.append(
                ("/snapshots", self.plain_snapshots, "snapshots", models.PlainSnapshotsReply)
            )
        kind = "crypto" if self._crypto else "stock"
        scope: Any = None if self._crypto else "read"
        for path, handler, name, reply in routes:
            router.add_api_route(
                self._root + path,
                handler,
                name=f"get_{kind}_{name}",
                tags=["market data"],
                **document(reply, scope=scope),
            )

    # --- lists -----------------------------------------------------------------------------------

    async def bars(
        self,
        request: Request,
        symbols: Symbols,
        timeframe: Annotated[str, Query(max_length=10, examples=["1Day"])] = "1Min",
        start: Moment = None,
        end: EndMoment = None,
        limit: Limit = 1_000,
        adjustment: Adjustment = None,
        feed: Feed = None,
        asof: AsOf = None,
        currency: Currency = None,
        sort: Sort = "asc",
        page_token: Token = None,
    ) -> Response:
        """Bars of closed minutes and what is made of them, by symbol, then by time."""
        del feed, asof
        wanted = await self._wanted(request, symbols, start, end, limit, sort, page_token)
        _check_terms(currency)
        kinds = _adjustments(adjustment)
        frame = timeframe_of(timeframe)

        async def read(asset: Asset, stretch: Stretch) -> list[Shape]:
            steps = await self._steps(asset, kinds)
            bars = await asyncio.to_thread(
                read_bars,
                self._store,
                asset.symbol,
                frame,
                stretch.start_ns,
                min(stretch.end_ns, _FAR - 1) + 1,
                limit=stretch.limit,
                newest_first=stretch.newest_first,
                in_new_york=not self._crypto,
                steps=steps,
            )
            return [bar_of(bar) for bar in bars]

        return await self._listed("bars", wanted, read)

    async def _steps(self, asset: Asset, kinds: frozenset[str]) -> list[Step]:
        """What is to be done to the asset's bars for its corporate actions."""
        if not kinds:
            return []
        actions = await self._actions.all()
        closes = {
            action.began_ns: await self._market.closed(asset.symbol, action.began_ns)
            for action in actions
            if action.symbol == asset.symbol and action.began_ns is not None
        }
        return steps_of(actions, asset.symbol, kinds, closes.get)

    def _ticks(self, kind: str, read: Read, about: str) -> Handler:
        """The handler of a list of quotes or trades."""

        async def answer(
            request: Request,
            symbols: Symbols,
            start: Moment = None,
            end: EndMoment = None,
            limit: Limit = 1_000,
            feed: Feed = None,
            asof: AsOf = None,
            currency: Currency = None,
            sort: Sort = "asc",
            page_token: Token = None,
        ) -> Response:
            del feed, asof
            wanted = await self._wanted(request, symbols, start, end, limit, sort, page_token)
            _check_terms(currency)
            return await self._listed(kind, wanted, read)

        answer.__doc__ = about
        return answer

    async def _wanted(
        self,
        request: Request,
        symbols: str,
        start: str | None,
        end: str | None,
        limit: int,
        sort: str,
        token: str | None,
    ) -> Wanted:
        """Without a start a list begins with the present day, without an end it goes to now."""
        assets = await self._named(request, symbols)
        now_ns = await self._market.now_ns()
        start_ns, end_ns = moment("start", start), _last_moment(end)
        if start_ns is None:
            start_ns = now_ns - now_ns % 86_400_000_000_000
        stretch = Stretch(start_ns, now_ns if end_ns is None else end_ns, sort == "desc", limit)
        return Wanted(assets, stretch, token)

    async def _listed(self, key: str, wanted: Wanted, read: Read) -> Response:
        token = token_of(wanted.token)
        page, following = await page_of(wanted.assets, wanted.stretch, token, read)
        return _reply({key: page, "next_page_token": following})

    # --- the present -----------------------------------------------------------------------------

    async def latest_bars(
        self, request: Request, symbols: Symbols, feed: Feed = None, currency: Currency = None
    ) -> Response:
        """The newest closed minute of each symbol that has one."""
        del feed
        return await self._latest(request, symbols, currency, "bars", self._prices.minute)

    async def latest_quotes(
        self, request: Request, symbols: Symbols, feed: Feed = None, currency: Currency = None
    ) -> Response:
        """The present quote of each symbol that has one."""
        del feed
        return await self._latest(request, symbols, currency, "quotes", self._past.quote)

    async def latest_trades(
        self, request: Request, symbols: Symbols, feed: Feed = None, currency: Currency = None
    ) -> Response:
        """The last trade of each symbol that has one."""
        del feed
        return await self._latest(request, symbols, currency, "trades", self._past.trade)

    async def latest_books(self, request: Request, symbols: Symbols) -> Response:
        """The order book of each symbol."""
        return await self._latest(request, symbols, None, "orderbooks", self._prices.book)

    async def snapshots(self, request: Request, symbols: Symbols) -> Response:
        """Last trade and quote, newest minute, the present day and the one before."""
        return await self._latest(request, symbols, None, "snapshots", self._prices.snapshot)

    async def plain_snapshots(
        self, request: Request, symbols: Symbols, feed: Feed = None, currency: Currency = None
    ) -> Response:
        """Last trade and quote, newest minute, the present day and the one before."""
        del feed
        assets = await self._named(request, symbols)
        _check_terms(currency)
        return _reply({asset.symbol: await self._prices.snapshot(asset) for asset in assets})

    async def _latest(
        self, request: Request, symbols: str, currency: str | None, key: str, read: Latest
    ) -> Response:
        assets = await self._named(request, symbols)
        _check_terms(currency)
        found = {asset.symbol: await read(asset) for asset in assets}
        return _reply({key: {name: shape for name, shape in found.items() if shape is not None}})

    async def _named(self, request: Request, symbols: str) -> list[Asset]:
        """The assets of a list of names, each once; of unknown ones there are no data.

        Data of coins are open to all, as Alpaca's are.
        """
        if not self._crypto:
            await self._seats.may_read(request)
        names = [name.strip() for name in symbols.split(",") if name.strip()]
        if len(names) > SYMBOLS_MAX:
            raise malformed(f"symbols: at most {SYMBOLS_MAX} at once", field="symbols")
        found = [await self._assets.find(name) for name in names]
        return list(
            {
                asset.symbol: asset
                for asset in found
                if asset is not None and asset.is_crypto == self._crypto and not asset.is_option
            }.values()
        )


def _last_moment(end: str | None) -> int | None:
    """The last nanosecond that is asked for: an end is inclusive, and a date counts whole."""
    at = moment("end", end)
    behind = end_moment("end", end)
    return at if at == behind or behind is None else behind - 1


def _check_terms(currency: str | None) -> None:
    if currency not in {None, "", "USD"}:
        raise malformed("currency: prices are told in USD only", field="currency", value=currency)


def _adjustments(text: str | None) -> frozenset[str]:
    """The kinds of corporate actions that bars are adjusted for; spin-offs never happen here."""
    words = {word.strip() for word in (text or "raw").split(",")}
    if not words <= {"raw", *ADJUSTED, "spin-off", "all"}:
        raise malformed(
            "adjustment: raw, split, dividend, spin-off or all", field="adjustment", value=text
        )
    return ADJUSTED if "all" in words else ADJUSTED & words


def _reply(content: Any) -> Response:
    return Response(as_json(content), media_type=JSON)
