"""The rooms of the server: what it is handed, what is made of it, and what stands on what.

Each is made when something first asks for it, and is the same for all who ask.
"""

# ruff: noqa: D102  (a room says what it is in its own class)

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from papertape.floor.ports import FloorPort
from papertape.markets.scheduled import sessions_of_calendar
from papertape.markets.store import BarStore
from papertape.markets.ticks import TickStore
from papertape.server.accounts import Accounts
from papertape.server.api.instruments import SessionsOf
from papertape.server.auth.attempts import Attempts
from papertape.server.auth.hashing import Hashing
from papertape.server.auth.journal_store import JournalStore
from papertape.server.auth.store import AuthStore
from papertape.server.auth.tokens import Tokens
from papertape.server.callers import Callers
from papertape.server.closing import Closing
from papertape.server.corrections import Corrections
from papertape.server.currencies import Currencies
from papertape.server.dialects.tradingview.webhooks import Webhooks
from papertape.server.exchange import Exchange
from papertape.server.history import History
from papertape.server.hooks.outbox import Outbox
from papertape.server.hooks.store import EndpointStore
from papertape.server.mail import Mailer
from papertape.server.measures import Measures
from papertape.server.order_desk import OrderDesk
from papertape.server.order_entry import OrderEntry
from papertape.server.order_history import OrderHistory
from papertape.server.performance import Performance
from papertape.server.proofs import Proofs
from papertape.server.rates import BURST, PER_SECOND, Rates
from papertape.server.risk.alerts import Alerts
from papertape.server.risk.dashboard import Dashboards
from papertape.server.risk.marks import AlertMarks
from papertape.server.risk.policy import Policies
from papertape.server.rules import Rules
from papertape.server.stream.hub import Hub
from papertape.server.stream.session import StreamRooms
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


@dataclass(kw_only=True)
class Rooms:
    """All rooms of the server of one world. The fields are what it is handed.

    Without `ticks` quotes and trades of the past are the last ones.
    `demo_login` is the name and password that the page offers; None ends the demo user. Logins and
    registrations are limited to `attempts_per_minute` for a name and address, all requests of a
    user or key to `requests_per_second` with a burst of `requests_burst`; 0 is no limit.
    `webhook_certificate_header` is the header in which a proxy names TradingView's certificate;
    `webhooks_allow_private` lets outgoing webhooks call addresses inside, and without TLS.
    `sessions_of` gives the hours that the world keeps, by calendar.
    Without a `mailer` nobody gets mail.
    """

    floor: FloorPort
    reads: Reads
    auth: AuthStore
    tokens: Tokens
    bars: BarStore
    world: str
    ticks: TickStore | None = None
    web_dir: Path | None = None
    demo_login: tuple[str, str] | None = None
    attempts_per_minute: int = ATTEMPTS_PER_MINUTE
    requests_per_second: int = PER_SECOND
    requests_burst: int = BURST
    webhook_certificate_header: str | None = None
    webhooks_allow_private: bool = False
    sessions_of: SessionsOf = sessions_of_calendar
    mailer: Mailer | None = None

    # --- who asks, and what of ------------------------------------------------------------------

    @cached_property
    def measures(self) -> Measures:
        return Measures()

    @cached_property
    def rates(self) -> Rates:
        return Rates(self.requests_per_second, self.requests_burst)

    @cached_property
    def callers(self) -> Callers:
        enabled = self.demo_login is not None
        return Callers(self.auth, self.tokens, demo_enabled=enabled, rates=self.rates)

    @cached_property
    def attempts(self) -> Attempts:
        return Attempts(self.attempts_per_minute)

    @cached_property
    def hashing(self) -> Hashing:
        return Hashing()

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(self.auth, self.attempts, self.hashing)

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange(self.floor, self.world, self.measures)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.auth.accounts, self.exchange, self.auth.default_account)

    @cached_property
    def symbols(self) -> Symbols:
        return Symbols(self.exchange)

    @cached_property
    def currencies(self) -> Currencies:
        return Currencies(self.symbols)

    # --- orders and what became of them ---------------------------------------------------------

    @cached_property
    def entry(self) -> OrderEntry:
        return OrderEntry(self.exchange, self.reads)

    @cached_property
    def desk(self) -> OrderDesk:
        return OrderDesk(
            self.accounts,
            self.exchange,
            self.symbols,
            self.entry,
            self.auth.labels,
            self.reads,
            self.measures,
        )

    @cached_property
    def closing(self) -> Closing:
        return Closing(self.accounts, self.exchange, self.desk, self.symbols, self.performance)

    @cached_property
    def lives(self) -> Lives:
        return Lives(self.reads)

    @cached_property
    def past(self) -> OrderHistory:
        return OrderHistory(self.reads, self.auth.labels, self.desk)

    @cached_property
    def performance(self) -> Performance:
        return Performance(self.accounts, self.symbols, self.lives, self.auth.labels)

    @cached_property
    def corrections(self) -> Corrections:
        return Corrections(
            self.accounts, self.exchange, self.symbols, self.past, self.reads, self.auth.labels
        )

    @cached_property
    def journal(self) -> TradeJournal:
        store = JournalStore(self.auth.engine)
        return TradeJournal(self.accounts, self.symbols, self.past, self.corrections, store)

    # --- what users set and watch ---------------------------------------------------------------

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.exchange)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self.exchange)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.reads, AlertMarks(self.auth, self.world))

    @cached_property
    def dashboards(self) -> Dashboards:
        return Dashboards(self.exchange, self.accounts, self.policies, self.alerts)

    @cached_property
    def profiles(self) -> TradingProfiles:
        return TradingProfiles(self.auth)

    @cached_property
    def watchlists(self) -> Watchlists:
        return Watchlists(self.auth)

    # --- live news ------------------------------------------------------------------------------

    @cached_property
    def hub(self) -> Hub:
        return Hub(self.world)

    @cached_property
    def history(self) -> History:
        return History(self.bars, lambda symbol: self.hub.newest(f"bars:{symbol}:1m"))

    @cached_property
    def states(self) -> States:
        return States(self.accounts, self.exchange, self.dashboards, self.hub)

    @cached_property
    def stream(self) -> StreamRooms:
        snapshots = Snapshots(
            accounts=self.accounts,
            exchange=self.exchange,
            reads=self.reads,
            history=self.history,
            hub=self.hub,
        )
        return StreamRooms(
            self.callers,
            self.accounts,
            self.symbols,
            self.hub,
            snapshots,
            self.states,
            self.measures,
        )

    @cached_property
    def tickers(self) -> Tickers:
        rooms = TickerRooms(self.callers, self.symbols, self.history, self.hub, self.measures)
        return Tickers(rooms)

    # --- webhooks, in and out -------------------------------------------------------------------

    @cached_property
    def webhooks(self) -> Webhooks:
        return Webhooks(
            auth=self.auth,
            callers=self.callers,
            accounts=self.accounts,
            exchange=self.exchange,
            symbols=self.symbols,
            orders=self.desk,
            reads=self.reads,
            demo_enabled=self.demo_login is not None,
            certificate_header=self.webhook_certificate_header,
        )

    @cached_property
    def endpoints(self) -> EndpointStore:
        return EndpointStore(self.auth, self.world)

    @cached_property
    def outbox(self) -> Outbox:
        outbox = Outbox(self.endpoints, self.reads, allow_private=self.webhooks_allow_private)
        self.hub.hear(outbox.hear)
        self.hub.listen_for_gaps(outbox.wake)
        return outbox
