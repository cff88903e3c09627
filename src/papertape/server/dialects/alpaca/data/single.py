"""Routes of one stock's data: `/alpaca-data/v2/stocks/{symbol}/...`, as other clients ask for them.

Each is the route of several symbols, asked for one, and its answer without the map around it.
"""

from collections.abc import Awaitable, Callable
from inspect import Parameter, signature
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.data.routes import DataRoutes
from papertape.server.dialects.alpaca.documents import document
from papertape.server.dialects.alpaca.models import data as models
from papertape.server.dialects.alpaca.words import DATA_PREFIX
from papertape.server.models.base import Reply
from papertape.server.problems import not_found
from papertape.server.replies import JSON

Handler = Callable[..., Awaitable[Response]]
Members = dict[str, Any]
Shown = Callable[[Members], Members | None]
"""What is told of a stock out of the answer for several; None when nothing is known."""

_Symbol = Annotated[str, Path(min_length=1, max_length=24)]
_ROOT = f"{DATA_PREFIX}/v2/stocks/{{symbol}}"
_READ = msgspec.json.Decoder(dict[str, msgspec.Raw])


class SingleRoutes:
    """Lists and latest values of one stock."""

    def __init__(self, several: DataRoutes, assets: Assets) -> None:
        self._several = several
        self._assets = assets

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        several = self._several
        routes: tuple[tuple[str, Handler, Callable[[str], Shown], type[Reply]], ...] = (
            ("bars", several.bars, _listed("bars"), models.StockBarsReply),
            ("quotes", several.quotes, _listed("quotes"), models.StockQuotesReply),
            ("trades", several.trades, _listed("trades"), models.StockTradesReply),
            ("bars/latest", several.latest_bars, _latest("bars"), models.StockBarReply),
            ("quotes/latest", several.latest_quotes, _latest("quotes"), models.StockQuoteReply),
            ("trades/latest", several.latest_trades, _latest("trades"), models.StockTradeReply),
            ("snapshot", several.plain_snapshots, _snapshot, models.StockSnapshotReply),
        )
        for path, handler, shown, reply in routes:
            router.add_api_route(
                f"{_ROOT}/{path}",
                self._of_one(handler, shown),
                name=f"get_one_stock_{path.replace('/', '_')}",
                description=f"{handler.__doc__} Of one stock.",
                tags=["market data"],
                **document(reply, problems=(404,)),
            )

    def _of_one(self, handler: Handler, shown: Callable[[str], Shown]) -> Handler:
        """The handler of several symbols as one that takes a single symbol in its path."""

        async def answer(request: Request, symbol: str, **given: Any) -> Response:
            told = _READ.decode((await handler(request, symbol, **given)).body)
            stock = await self._stock(symbol)
            members = shown(stock.symbol)(told)
            if members is None:
                raise not_found(f"price: nothing is known of {stock.symbol} yet")
            return Response(
                msgspec.json.encode({"symbol": stock.symbol} | members), media_type=JSON
            )

        answer.__signature__ = _with_symbol(handler)  # type: ignore[attr-defined]
        return answer

    async def _stock(self, name: str) -> Asset:
        """The stock of a name; raises `Problem` 404."""
        asset = await self._assets.find(name)
        if asset is None or asset.is_crypto or asset.is_option:
            raise not_found(f"stock: {name[:24]}")
        return asset


def _with_symbol(handler: Handler) -> Any:
    """The signature of a handler of several symbols with `symbol` in their place."""
    one = Parameter("symbol", Parameter.POSITIONAL_OR_KEYWORD, annotation=_Symbol)
    found = signature(handler)
    return found.replace(
        parameters=[one if it.name == "symbols" else it for it in found.parameters.values()]
    )


def _listed(key: str) -> Callable[[str], Shown]:
    def of(symbol: str) -> Shown:
        return lambda told: told | {key: _READ.decode(told[key]).get(symbol, [])}

    return of


def _latest(key: str) -> Callable[[str], Shown]:
    def of(symbol: str) -> Shown:
        def shown(told: Members) -> Members | None:
            found = _READ.decode(told[key]).get(symbol)
            return None if found is None else {key.removesuffix("s"): found}

        return shown

    return of


def _snapshot(symbol: str) -> Shown:
    return lambda told: _READ.decode(told[symbol]) if symbol in told else None
