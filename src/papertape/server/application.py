"""The application: what is wired to what. Every room is handed in; no settings are read here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Lifespan
from starlette.websockets import WebSocket

from papertape.floor.ports import FloorPort, FloorUnavailableError
from papertape.markets.scheduled import sessions_of_calendar
from papertape.markets.store import BarStore
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.account_actions import AccountActionRoutes
from papertape.server.api.accounts import AccountRoutes
from papertape.server.api.auth import AuthRoutes
from papertape.server.api.bulk import BulkRoutes
from papertape.server.api.compliance import ComplianceRoutes
from papertape.server.api.engine import EngineRoutes
from papertape.server.api.health import HealthRoutes
from papertape.server.api.instruments import InstrumentRoutes, SessionsOf
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
from papertape.server.auth.attempts import Attempts
from papertape.server.auth.hashing import Hashing
from papertape.server.auth.journal_store import JournalStore
from papertape.server.auth.store import AuthStore
from papertape.server.auth.tokens import Tokens
from papertape.server.callers import Callers
from papertape.server.closing import Closing
from papertape.server.corrections import Corrections
from papertape.server.dialects.alpaca.application import ALPACA_PREFIXES, alpaca_app
from papertape.server.dialects.alpaca.application import Rooms as AlpacaRooms
from papertape.server.dialects.alpaca.errors import error_reply as alpaca_error
from papertape.server.dialects.paper_trading import PaperTradingRoutes
from papertape.server.dialects.trade_journal import TradeJournalRoutes
from papertape.server.dialects.tradingview.webhooks import Webhooks
from papertape.server.documents import openapi_of
from papertape.server.edge import Edge
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.hooks.outbox import Outbox
from papertape.server.hooks.store import EndpointStore
from papertape.server.mail import Mailer
from papertape.server.measures import Measures
from papertape.server.mounts import PrefixRoute
from papertape.server.order_desk import OrderDesk
from papertape.server.order_entry import OrderEntry
from papertape.server.order_history import OrderHistory
from papertape.server.page import Page
from papertape.server.performance import Performance
from papertape.server.problems import (
    Problem,
    answer_floor_unavailable,
    answer_http,
    answer_problem,
    answer_validation,
)
from papertape.server.proofs import Proofs
from papertape.server.rates import BURST, PER_SECOND, Rates
from papertape.server.risk.alerts import Alerts
from papertape.server.risk.dashboard import Dashboards
from papertape.server.risk.marks import AlertMarks
from papertape.server.risk.policy import Policies
from papertape.server.rules import Rules
from papertape.server.shortcut import Shortcut
from papertape.server.stream.hub import Hub
from papertape.server.stream.session import StreamRooms, serve
from papertape.server.stream.snapshots import Snapshots
from papertape.server.stream.states import States
from papertape.server.stream.tickers import TickerRooms, Tickers
from papertape.server.symbols import Symbols
from papertape.server.trade_journal import TradeJournal
from papertape.server.trading_profiles import TradingProfiles
from papertape.server.watchlists import Watchlists
from papertape.storage.lives import Lives
from papertape.storage.reads import Reads

ATTEMPTS_PER_MINUTE = 20

_DESCRIPTION = """A stock exchange in a box.

Money, prices and quantities are decimal text; they may be sent as numbers and are read digit by
digit. Times are RFC 3339 in UTC with nanoseconds. Errors are RFC 9457 problem details with a stable
`reason`. Lists are `{"items": [...], "next_cursor": ...}`. Live news: WebSocket `/api/v1/stream`.
"""


def create_app(
    *,
    floor: FloorPort,
    reads: Reads,
    auth: AuthStore,
    tokens: Tokens,
    bars: BarStore,
    world: str,
    web_dir: Path | None = None,
    demo_login: tuple[str, str] | None = None,
    attempts_per_minute: int = ATTEMPTS_PER_MINUTE,
    requests_per_second: int = PER_SECOND,
    requests_burst: int = BURST,
    webhook_certificate_header: str | None = None,
    webhooks_allow_private: bool = False,
    sessions_of: SessionsOf = sessions_of_calendar,
    mailer: Mailer | None = None,
) -> FastAPI:
    """The server of one world.

    `demo_login` is the name and password that the page offers; None ends the demo user. Logins and
    registrations are limited to `attempts_per_minute` for a name and address, all requests of a
    user or key to `requests_per_second` with a burst of `requests_burst`; 0 is no limit.
    `webhook_certificate_header` is the header in which a proxy names TradingView's certificate;
    `webhooks_allow_private` lets outgoing webhooks call addresses inside, and without TLS.
    `sessions_of` gives the hours that the world keeps, by calendar.
    Without a `mailer` nobody gets mail.
    """
    measures = Measures()
    exchange = Exchange(floor, world, measures)
    rates = Rates(requests_per_second, requests_burst)
    callers = Callers(auth, tokens, demo_enabled=demo_login is not None, rates=rates)
    accounts = Accounts(auth.accounts, exchange, auth.default_account)
    symbols = Symbols(exchange)
    entry = OrderEntry(exchange, reads)
    desk = OrderDesk(accounts, exchange, symbols, entry, auth.labels, reads, measures)
    lives = Lives(reads)
    past = OrderHistory(reads, auth.labels, desk)
    performance = Performance(accounts, symbols, lives, auth.labels)
    closing = Closing(accounts, exchange, entry, symbols)
    corrections = Corrections(accounts, exchange, symbols, past, reads, auth.labels)
    journal = TradeJournal(accounts, symbols, past, corrections, JournalStore(auth.engine))
    hub = Hub(world)
    history = History(bars, lambda symbol: hub.newest(f"bars:{symbol}:1m"))
    rules, policies = Rules(exchange), Policies(exchange)
    profiles = TradingProfiles(auth)
    alerts = Alerts(reads, AlertMarks(auth, world))
    dashboards = Dashboards(exchange, accounts, policies, alerts)
    hashing = Hashing()
    snapshots = Snapshots(
        accounts=accounts, exchange=exchange, reads=reads, history=history, hub=hub
    )
    attempts = Attempts(attempts_per_minute)
    proofs = Proofs(auth, attempts, hashing)
    webhooks = Webhooks(
        auth=auth,
        callers=callers,
        accounts=accounts,
        exchange=exchange,
        symbols=symbols,
        orders=desk,
        reads=reads,
        demo_enabled=demo_login is not None,
        certificate_header=webhook_certificate_header,
    )
    states = States(accounts, exchange, hub)
    endpoints = EndpointStore(auth, world)
    outbox = Outbox(endpoints, reads, allow_private=webhooks_allow_private)
    hub.hear(outbox.hear)
    hub.listen_for_gaps(outbox.wake)
    native = (
        AccountRoutes(callers, accounts, profiles, past, reads),
        AccountActionRoutes(callers, accounts, exchange, closing, auth.accounts, lives),
        ReportRoutes(callers, accounts, performance, lives, reads),
    )
    routes = (  # tried in this order, so the busiest come first
        OrderRoutes(callers, accounts, exchange, desk, past),
        BulkRoutes(callers, accounts, exchange, desk),
        AuthRoutes(auth, tokens, callers, accounts, attempts, hashing, proofs),
        MeRoutes(auth, callers, accounts, proofs),
        SecurityRoutes(auth, tokens, callers, proofs, attempts, hashing, mailer),
        PrivacyRoutes(auth, callers, accounts, exchange, reads, proofs),
        KeyRoutes(auth, callers, accounts, proofs),
        *native,
        PositionRoutes(callers, accounts, closing, reads),
        TradeRoutes(callers, accounts, past, performance, auth.labels, corrections),
        MarketRoutes(exchange, symbols, history),
        RuleRoutes(rules, callers, symbols),  # before the path that takes any symbol
        InstrumentRoutes(exchange, symbols, history, sessions_of),
        WatchlistRoutes(Watchlists(auth), callers, symbols),
        ProfileRoutes(profiles, callers, rules),
        LimitRoutes(callers, accounts, policies, symbols),
        RiskRoutes(callers, accounts, exchange, policies, dashboards, alerts),
        ComplianceRoutes(callers, accounts, policies, reads),
        EngineRoutes(callers, exchange, symbols, policies, reads, measures),
        HealthRoutes(exchange, measures, demo_login),
        PaperTradingRoutes(callers, accounts, exchange, desk, reads, native),
        TradeJournalRoutes(callers, journal),
        *webhooks.routes,
        EndpointRoutes(
            callers, accounts, endpoints, outbox, reads, allow_private=webhooks_allow_private
        ),
    )
    app = _bare_app(measures, rates, _while_serving(floor, hub, hashing, webhooks, outbox, states))
    for group in routes:
        group.add_to(app.router)
    _add_stream(app, StreamRooms(callers, accounts, symbols, hub, snapshots, states, measures))
    tickers = Tickers(TickerRooms(callers, symbols, history, hub, measures))
    app.router.add_websocket_route("/ws/stocks/{ticker:path}", tickers.serve)
    alpaca = alpaca_app(
        AlpacaRooms(
            callers=callers,
            accounts=accounts,
            exchange=exchange,
            symbols=symbols,
            entry=entry,
            hub=hub,
            bars=bars,
            reads=reads,
            history=history,
            measures=measures,
            auth=auth,
        )
    )
    app.router.routes.append(PrefixRoute(ALPACA_PREFIXES, alpaca))
    app.router.default = Page(web_dir)
    return app


def _bare_app(measures: Measures, rates: Rates, lifespan: Lifespan[FastAPI]) -> FastAPI:
    app = FastAPI(
        title="Papertape",
        version=version("papertape"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked of each request
    )
    app.add_middleware(Shortcut, router=app.router)
    app.add_middleware(
        Edge,
        measures=measures,
        rates=rates,
        dialects={f"{prefix}/": alpaca_error for prefix in ALPACA_PREFIXES},
    )
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(FloorUnavailableError, answer_floor_unavailable)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(HTTPException, answer_http)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    return app


def _while_serving(
    floor: FloorPort,
    hub: Hub,
    hashing: Hashing,
    webhooks: Webhooks,
    outbox: Outbox,
    states: States,
) -> Lifespan[FastAPI]:
    """Listens to the floor, and works alerts off, as long as the server runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(hub.run(floor.streams))
        telling = asyncio.create_task(outbox.run())
        await webhooks.desk.start()
        try:
            yield
        finally:
            await webhooks.desk.stop()
            states.close()
            listening.cancel()
            telling.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)
            hashing.close()

    return lifespan


def _add_stream(app: FastAPI, rooms: StreamRooms) -> None:
    async def stream(socket: WebSocket) -> None:
        await serve(rooms, socket)

    app.router.add_websocket_route(f"{PREFIX}/stream", stream)


def _operation_id(route: APIRoute) -> str:
    return route.name
