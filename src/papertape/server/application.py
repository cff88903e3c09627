"""The application: which routes there are. Every room is handed in; no settings are read here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Protocol

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Lifespan
from starlette.websockets import WebSocket

from papertape.floor.ports import FloorUnavailableError
from papertape.server.api import PREFIX
from papertape.server.api.account_actions import AccountActionRoutes
from papertape.server.api.accounts import AccountRoutes
from papertape.server.api.auth import AuthRoutes
from papertape.server.api.bulk import BulkRoutes
from papertape.server.api.compliance import ComplianceRoutes
from papertape.server.api.engine import EngineRoutes
from papertape.server.api.health import HealthRoutes
from papertape.server.api.instruments import InstrumentRoutes
from papertape.server.api.keys import KeyRoutes
from papertape.server.api.limits import LimitRoutes
from papertape.server.api.market import MarketRoutes
from papertape.server.api.me import MeRoutes
from papertape.server.api.orders import OrderRoutes
from papertape.server.api.positions import PositionRoutes
from papertape.server.api.privacy import PrivacyRoutes
from papertape.server.api.profiles import ProfileRoutes
from papertape.server.api.reports import ReportRoutes
from papertape.server.api.risk import RiskRoutes
from papertape.server.api.rules import RuleRoutes
from papertape.server.api.security import SecurityRoutes
from papertape.server.api.trades import TradeRoutes
from papertape.server.api.watchlists import WatchlistRoutes
from papertape.server.api.webhook_endpoints import EndpointRoutes
from papertape.server.dialects.alpaca.errors import error_reply as alpaca_error
from papertape.server.dialects.alpaca.errors import tell as tell_alpaca
from papertape.server.dialects.alpaca.words import PREFIXES as ALPACA_PREFIXES
from papertape.server.dialects.paper_trading import PaperTradingRoutes
from papertape.server.dialects.trade_journal import TradeJournalRoutes
from papertape.server.documents import openapi_of
from papertape.server.edge import Edge
from papertape.server.mounts import PrefixRoute
from papertape.server.page import Page
from papertape.server.problems import (
    Problem,
    answer_floor_unavailable,
    answer_http,
    answer_problem,
    answer_validation,
)
from papertape.server.queries import BadQuery, NativeRoute, after_the_caller
from papertape.server.quick import Quick
from papertape.server.rooms import Rooms
from papertape.server.route_index import NO_TELEMETRY, RouteIndex
from papertape.server.shortcut import Shortcut
from papertape.server.stream.session import serve

_DESCRIPTION = """A stock exchange in a box.

Money, prices and quantities are decimal text; they may be sent as numbers and are read digit by
digit. Times are RFC 3339 in UTC with nanoseconds. Errors are RFC 9457 problem details with a stable
`reason`. Lists are `{"items": [...], "next_cursor": ...}`. Live news: WebSocket `/api/v1/stream`.
"""


class Group(Protocol):
    """Routes that belong together."""

    def add_to(self, router: APIRouter, /) -> None:
        """Add all of them."""


def create_app(rooms: Rooms) -> FastAPI:
    """The server of one world."""
    app = _bare_app(rooms)
    quick = app.state.quick = Quick(rooms.measures)
    app.router.routes.append(PrefixRoute(ALPACA_PREFIXES, lambda: _alpaca_app(rooms, quick)))
    for group in _groups(rooms):
        group.add_to(app.router)
    _add_streams(app, rooms)
    app.router.default = Page(rooms.web_dir)
    RouteIndex(app.router).install()
    quick.add(app.router, Problem.response)
    return app


def _alpaca_app(rooms: Rooms, quick: Quick) -> FastAPI:
    """The dialect's application; loaded for its first request, so that no start waits for it."""
    from papertape.server.dialects.alpaca.application import alpaca_app

    app = alpaca_app(rooms)
    quick.add(app.router, tell_alpaca)
    return app


def _groups(rooms: Rooms) -> Iterator[Group]:
    """Routes are tried in this order, so the busiest come first."""
    native = _accounts(rooms)
    yield from _orders(rooms)
    yield from _people(rooms)
    yield from native
    yield from _holdings(rooms)
    yield from _market(rooms)
    yield from _settings(rooms)
    yield from _oversight(rooms)
    yield PaperTradingRoutes(
        rooms.callers, rooms.accounts, rooms.exchange, rooms.desk, rooms.reads, native
    )
    yield TradeJournalRoutes(rooms.callers, rooms.journal)
    yield from _webhooks(rooms)


def _orders(rooms: Rooms) -> tuple[Group, ...]:
    callers, accounts, exchange, desk = rooms.callers, rooms.accounts, rooms.exchange, rooms.desk
    return (
        OrderRoutes(callers, accounts, exchange, desk, rooms.past),
        BulkRoutes(callers, accounts, exchange, desk),
    )


def _people(rooms: Rooms) -> tuple[Group, ...]:
    """Who a user is, and how one proves it."""
    auth, callers, accounts, proofs = rooms.auth, rooms.callers, rooms.accounts, rooms.proofs
    tokens, attempts, hashing = rooms.tokens, rooms.attempts, rooms.hashing
    return (
        AuthRoutes(auth, tokens, callers, accounts, attempts, hashing, proofs),
        MeRoutes(auth, callers, accounts, proofs),
        SecurityRoutes(auth, tokens, callers, proofs, attempts, hashing, rooms.mailer),
        PrivacyRoutes(auth, callers, accounts, rooms.exchange, rooms.reads, proofs),
        KeyRoutes(auth, callers, accounts, proofs),
    )


def _accounts(rooms: Rooms) -> tuple[AccountRoutes, AccountActionRoutes, ReportRoutes]:
    callers, accounts = rooms.callers, rooms.accounts
    return (
        AccountRoutes(callers, accounts, rooms.profiles, rooms.past, rooms.reads, rooms.currencies),
        AccountActionRoutes(
            callers,
            accounts,
            rooms.exchange,
            rooms.closing,
            rooms.auth.accounts,
            rooms.lives,
            rooms.currencies,
        ),
        ReportRoutes(callers, accounts, rooms.performance, rooms.lives, rooms.reads),
    )


def _holdings(rooms: Rooms) -> tuple[Group, ...]:
    callers, accounts, labels = rooms.callers, rooms.accounts, rooms.auth.labels
    return (
        PositionRoutes(callers, accounts, rooms.closing, rooms.reads),
        TradeRoutes(callers, accounts, rooms.past, rooms.performance, labels, rooms.corrections),
    )


def _market(rooms: Rooms) -> tuple[Group, ...]:
    exchange, symbols, history = rooms.exchange, rooms.symbols, rooms.history
    return (
        MarketRoutes(exchange, symbols, history),
        RuleRoutes(rooms.rules, rooms.callers, symbols),  # before the path that takes any symbol
        InstrumentRoutes(exchange, symbols, history, rooms.sessions_of),
    )


def _settings(rooms: Rooms) -> tuple[Group, ...]:
    callers = rooms.callers
    return (
        WatchlistRoutes(rooms.watchlists, callers, rooms.symbols),
        ProfileRoutes(rooms.profiles, callers, rooms.rules, rooms.currencies),
        LimitRoutes(callers, rooms.accounts, rooms.policies, rooms.symbols),
    )


def _oversight(rooms: Rooms) -> tuple[Group, ...]:
    """Risk, compliance, and how the machine does."""
    callers, accounts, exchange = rooms.callers, rooms.accounts, rooms.exchange
    policies, reads, measures = rooms.policies, rooms.reads, rooms.measures
    return (
        RiskRoutes(callers, accounts, exchange, policies, rooms.dashboards, rooms.alerts),
        ComplianceRoutes(callers, accounts, policies, reads),
        EngineRoutes(callers, exchange, rooms.symbols, policies, reads, measures),
        HealthRoutes(exchange, measures, rooms.demo_login),
    )


def _webhooks(rooms: Rooms) -> tuple[Group, ...]:
    """Alerts that come in, and what is told to others."""
    going_out = EndpointRoutes(
        rooms.callers,
        rooms.accounts,
        rooms.endpoints,
        rooms.outbox,
        rooms.reads,
        allow_private=rooms.webhooks_allow_private,
    )
    return (*rooms.webhooks.routes, going_out)


def _bare_app(rooms: Rooms) -> FastAPI:
    app = FastAPI(
        title="Papertape",
        version=version("papertape"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=_while_serving(rooms),
        telemetry=NO_TELEMETRY,
    )
    app.router.route_class = NativeRoute
    app.add_middleware(Shortcut, router=app.router)
    app.add_middleware(
        Edge,
        measures=rooms.measures,
        rates=rooms.rates,
        dialects={f"{prefix}/": alpaca_error for prefix in ALPACA_PREFIXES},
    )
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(FloorUnavailableError, answer_floor_unavailable)
    for error, answer in ((BadQuery, answer_problem), (RequestValidationError, answer_validation)):
        app.add_exception_handler(error, after_the_caller(rooms.callers, answer))
    app.add_exception_handler(HTTPException, answer_http)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    return app


def _while_serving(rooms: Rooms) -> Lifespan[FastAPI]:
    """Listens to the floor, and works alerts off, as long as the server runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(rooms.hub.run(rooms.floor.streams))
        telling = asyncio.create_task(rooms.outbox.run())
        await rooms.webhooks.desk.start()
        try:
            yield
        finally:
            await rooms.webhooks.desk.stop()
            rooms.states.close()
            listening.cancel()
            telling.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)
            rooms.hashing.close()

    return lifespan


def _add_streams(app: FastAPI, rooms: Rooms) -> None:
    async def stream(socket: WebSocket) -> None:
        await serve(rooms.stream, socket)

    app.router.add_websocket_route(f"{PREFIX}/stream", stream)
    app.router.add_websocket_route("/ws/stocks/{ticker:path}", rooms.tickers.serve)


def _operation_id(route: APIRoute) -> str:
    return route.name
