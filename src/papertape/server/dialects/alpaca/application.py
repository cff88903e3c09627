"""The dialect's application: what is where. It has errors and a document of its own."""

from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from papertape.floor.ports import FloorUnavailableError
from papertape.server.dialects.alpaca.account_routes import AccountRoutes
from papertape.server.dialects.alpaca.activity_list import ActivityList
from papertape.server.dialects.alpaca.assets import Assets
from papertape.server.dialects.alpaca.configuration import Configurations
from papertape.server.dialects.alpaca.corporate import CorporateActions
from papertape.server.dialects.alpaca.curves import Curves
from papertape.server.dialects.alpaca.data.channels import Channels
from papertape.server.dialects.alpaca.data.not_offered import NotOffered
from papertape.server.dialects.alpaca.data.past import Past
from papertape.server.dialects.alpaca.data.prices import Prices
from papertape.server.dialects.alpaca.data.routes import DataRoutes
from papertape.server.dialects.alpaca.data.single import SingleRoutes
from papertape.server.dialects.alpaca.data.stream import DataStream
from papertape.server.dialects.alpaca.desk import OrderDesk
from papertape.server.dialects.alpaca.documents import openapi_of
from papertape.server.dialects.alpaca.errors import (
    answer_floor_unavailable,
    answer_http,
    answer_problem,
    answer_validation,
    tell,
)
from papertape.server.dialects.alpaca.market import Market
from papertape.server.dialects.alpaca.market_routes import MarketRoutes
from papertape.server.dialects.alpaca.order_routes import OrderRoutes
from papertape.server.dialects.alpaca.position_routes import PositionRoutes
from papertape.server.dialects.alpaca.reference_routes import ReferenceRoutes
from papertape.server.dialects.alpaca.replacements import Replacements
from papertape.server.dialects.alpaca.seats import Seats
from papertape.server.dialects.alpaca.stream import TradingStream
from papertape.server.dialects.alpaca.watchlist_routes import WatchlistRoutes
from papertape.server.dialects.alpaca.words import DATA_PREFIX, PREFIX
from papertape.server.late_routes import LateRoute
from papertape.server.problems import Problem
from papertape.server.queries import after_the_caller
from papertape.server.replies import json_reply
from papertape.server.rooms import Rooms
from papertape.server.route_index import NO_TELEMETRY, RouteIndex
from papertape.storage.spans import Spans

_DESCRIPTION = """The dialect of Alpaca, for bots that were written for it.

Amounts and quantities are decimal text; they may be sent as numbers. Errors are
`{"code": ..., "message": ...}`. What Alpaca has no word for is on the native API, under `/api/v1`.
"""


def alpaca_app(rooms: Rooms) -> FastAPI:
    """The application behind `/alpaca` and `/alpaca-data`; its routes have whole paths."""
    app = _bare_app(rooms)
    assets = Assets(rooms.symbols)
    spans = Spans(rooms.reads)
    seats = Seats(rooms.callers, rooms.accounts)
    replacements = Replacements(rooms.auth)
    configurations = Configurations(rooms.auth)
    market = Market(rooms.exchange, assets, rooms.history)
    desk = OrderDesk(rooms.exchange, rooms.entry, assets, rooms.reads, replacements, rooms.measures)
    actions = CorporateActions(rooms.reads)
    past = Past(rooms.exchange, rooms.hub, rooms.ticks)
    prices = Prices(rooms.exchange, past, rooms.bars, market)
    stocks, coins = (
        DataRoutes(seats, assets, market, prices, past, rooms.bars, actions, crypto=crypto)
        for crypto in (False, True)
    )
    for group in (  # tried in this order, so the busiest come first
        OrderRoutes(seats, assets, desk, configurations),
        PositionRoutes(seats, assets, desk, configurations, market, rooms.exchange, spans),
        AccountRoutes(
            seats, configurations, market, Curves(spans), ActivityList(spans, replacements)
        ),
        ReferenceRoutes(seats, assets, market, actions),
        MarketRoutes(seats, market),
        WatchlistRoutes(seats, assets, rooms.watchlists),
        stocks,
        coins,
        NotOffered(),  # before the path that takes any symbol
        SingleRoutes(stocks, assets),
    ):
        group.add_to(app.router)
    _add_streams(app, rooms, seats, assets, desk, Channels(rooms.hub, prices))
    RouteIndex(app.router).install()
    return app


def _add_streams(
    app: FastAPI,
    rooms: Rooms,
    seats: Seats,
    assets: Assets,
    desk: OrderDesk,
    channels: Channels,
) -> None:
    trading = TradingStream(rooms.callers, seats, desk, rooms.hub, rooms.measures)
    stocks, coins = (
        DataStream(rooms.callers, seats, assets, channels, rooms.measures, crypto=crypto)
        for crypto in (False, True)
    )
    app.router.add_websocket_route(f"{PREFIX}/stream", trading.serve)
    for feed in ("iex", "sip"):
        app.router.add_websocket_route(f"{DATA_PREFIX}/v2/{feed}", stocks.serve)
    app.router.add_websocket_route(f"{DATA_PREFIX}/v1beta3/crypto/us", coins.serve)


class _Inner(FastAPI):
    """An application inside of another, whose `Edge` tells faults, in the words of the dialect.

    Its own outermost layer would answer a plain text, and the connection would be closed.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """The layers without the one that answers faults."""
        outermost = super().build_middleware_stack()
        assert isinstance(outermost, ServerErrorMiddleware)
        return outermost.app


def _bare_app(rooms: Rooms) -> FastAPI:
    app = _Inner(
        title="Papertape, in the dialect of Alpaca",
        version=version("papertape"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry=NO_TELEMETRY,
    )
    app.router.route_class = LateRoute
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(FloorUnavailableError, answer_floor_unavailable)
    wrong = after_the_caller(rooms.callers, answer_validation, tell)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, answer_http)
    told: list[dict[str, object]] = []

    async def document(_request: Request) -> Response:
        if not told:
            told.append(openapi_of(app))
        return json_reply(told[0])

    app.router.add_route(f"{PREFIX}/openapi.json", document, include_in_schema=False)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
