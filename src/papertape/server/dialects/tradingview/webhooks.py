"""Everything about incoming webhooks, put together."""

from papertape.server.accounts import Accounts
from papertape.server.api.groups import GroupRoutes
from papertape.server.api.webhooks import WebhookRoutes
from papertape.server.auth.store import AuthStore
from papertape.server.callers import Callers
from papertape.server.dialects.tradingview.desk import Desk
from papertape.server.dialects.tradingview.dry_run import DryRun
from papertape.server.dialects.tradingview.routes import TradingViewRoutes
from papertape.server.dialects.tradingview.secret import SecretCheck
from papertape.server.dialects.tradingview.situations import Situations
from papertape.server.dialects.tradingview.store import WebhookStore
from papertape.server.exchange import Exchange
from papertape.server.groups import GroupStore
from papertape.server.order_desk import OrderDesk
from papertape.server.symbols import Symbols
from papertape.storage.reads import Reads


class Webhooks:
    """The desk that works alerts off, and all routes around it."""

    def __init__(
        self,
        *,
        auth: AuthStore,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        symbols: Symbols,
        orders: OrderDesk,
        reads: Reads,
        demo_enabled: bool,
        certificate_header: str | None,
    ) -> None:
        store = WebhookStore(auth, exchange.world)
        groups = GroupStore(auth, exchange.world)
        situations = Situations(
            groups=groups, accounts=accounts, exchange=exchange, symbols=symbols, reads=reads
        )
        self.desk = Desk(
            store=store, auth=auth, situations=situations, exchange=exchange, orders=orders
        )
        dry_run, secrets = DryRun(situations), SecretCheck(auth)
        self.routes = (
            TradingViewRoutes(
                store,
                self.desk,
                dry_run,
                secrets,
                demo_enabled=demo_enabled,
                certificate_header=certificate_header,
            ),
            WebhookRoutes(callers, store, groups, symbols, dry_run, secrets),
            GroupRoutes(callers, accounts, groups),
        )
