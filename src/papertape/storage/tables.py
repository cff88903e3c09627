"""The tables of `exchange.db`. Decimal columns hold the text of the wire; times are nanoseconds.

Every table starts with `world`. A row's `seq` is the turn that changed it last. The order of the
columns is part of the contract with the engine, whose rows come ready to write, without `world`.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared by its bytes, as SQLite does and as `verify` needs it."""

OPEN_STATUSES = ("pending_new", "new", "partially_filled", "held")
OPEN_CONDITION = text("status IN ('pending_new', 'new', 'partially_filled', 'held')")


def _text(name: str, *, key: bool = False, optional: bool = False) -> Column[str]:
    return Column(name, TEXT, primary_key=key, nullable=optional)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _details(name: str) -> Column[str]:
    """A JSON object of further members; empty text when there is none."""
    return Column(name, TEXT, nullable=False, server_default="")


tape = Table(
    "tape",
    metadata,
    _text("world", key=True),
    _number("seq", key=True),
    _number("time_ns"),
    _number("market_seq"),
    _text("body"),
    _text("hash"),
    sqlite_with_rowid=False,
)

world_head = Table(
    "world_head",
    metadata,
    _text("world", key=True),
    _number("epoch"),
    _number("seq"),
    _text("hash"),
    _text("address"),
    sqlite_with_rowid=False,
)

accounts = Table(
    "accounts",
    metadata,
    _text("world", key=True),
    _text("account_id", key=True),
    _text("owner"),
    _text("kind"),
    _text("currency"),
    _text("cash"),
    _text("held"),
    _text("equity"),
    _text("buying_power"),
    _text("unrealized_pl"),
    _text("realized_pl"),
    _text("status"),
    _details("details"),
    _number("seq"),
    Index("accounts_by_owner", "world", "owner"),
    sqlite_with_rowid=False,
)

positions = Table(
    "positions",
    metadata,
    _text("world", key=True),
    _text("account_id", key=True),
    _text("symbol", key=True),
    _text("qty"),
    _text("avg_entry_price", optional=True),
    _text("cost_basis"),
    _text("realized_pl"),
    _details("details"),
    _number("seq"),
    sqlite_with_rowid=False,
)

orders = Table(
    "orders",
    metadata,
    _text("world", key=True),
    _text("order_id", key=True),
    _number("number"),
    _text("account_id"),
    _text("client_order_id"),
    _text("symbol"),
    _text("side"),
    _text("type"),
    _text("time_in_force"),
    _text("qty"),
    _text("filled_qty"),
    _text("filled_avg_price", optional=True),
    _text("limit_price", optional=True),
    _text("stop_price", optional=True),
    _text("status"),
    _text("reason", optional=True),
    _details("details"),
    _number("created_ns"),
    _number("updated_ns"),
    _number("seq"),
    Index("orders_by_client_id", "world", "account_id", "client_order_id", unique=True),
    Index("orders_by_number", "world", "account_id", "number"),
    Index(
        "orders_open",
        "world",
        "account_id",
        "number",
        sqlite_where=OPEN_CONDITION,
        postgresql_where=OPEN_CONDITION,
    ),
    sqlite_with_rowid=False,
)

fills = Table(
    "fills",
    metadata,
    _text("world", key=True),
    _text("fill_id", key=True),
    _text("order_id"),
    _text("account_id"),
    _text("symbol"),
    _text("side"),
    _text("price"),
    _text("qty"),
    _text("notional"),
    _text("fee"),
    _text("liquidity"),
    _text("counterparty"),
    _text("realized_pl"),
    _details("receipt"),
    _number("time_ns"),
    _number("seq"),
    _number("i"),
    Index("fills_by_account", "world", "account_id", "seq", "i"),
    sqlite_with_rowid=False,
)

ledger = Table(
    "ledger",
    metadata,
    _text("world", key=True),
    _number("seq", key=True),
    _number("i", key=True),
    _number("line", key=True),
    _text("account_id"),
    _text("asset"),
    _text("amount"),
    _text("kind"),
    _text("order_id", optional=True),
    _number("time_ns"),
    Index("ledger_by_account", "world", "account_id", "seq", "i", "line"),
    sqlite_with_rowid=False,
)

equity = Table(
    "equity",
    metadata,
    _text("world", key=True),
    _text("account_id", key=True),
    _number("minute_ns", key=True),
    _text("equity"),
    _text("cash"),
    _number("seq"),
    sqlite_with_rowid=False,
)

alerts = Table(
    "alerts",
    metadata,
    _text("world", key=True),
    _number("seq", key=True),
    _number("i", key=True),
    _text("account_id"),
    _text("kind"),
    _text("level"),
    _text("measure", optional=True),
    _text("value", optional=True),
    _text("bound", optional=True),
    _text("order_id", optional=True),
    _text("symbol", optional=True),
    _details("details"),
    _number("time_ns"),
    Index("alerts_by_account", "world", "account_id", "seq", "i"),
    sqlite_with_rowid=False,
)
"""Events of risk that somebody should look at; `bound` is the limit of the wire, a word of SQL."""

checks = Table(
    "checks",
    metadata,
    _text("world", key=True),
    _number("seq", key=True),
    _number("i", key=True),
    _text("order_id"),
    _text("account_id"),
    _text("outcome"),
    _number("policy"),
    _number("checks"),
    _text("reason", optional=True),
    _text("value", optional=True),
    _text("bound", optional=True),
    _number("time_ns"),
    Column("kind", TEXT, nullable=False, server_default="new"),
    Index("checks_by_account", "world", "account_id", "seq", "i"),
    Index("checks_by_order", "world", "order_id"),
    sqlite_with_rowid=False,
)
"""What orders and replaces were checked for: those that a policy let pass, and all that failed."""

market_state = Table(
    "market_state",
    metadata,
    _text("world", key=True),
    _number("time_ns"),
    _number("market_seq"),
    Column("state", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

UPSERTED = (accounts, positions, orders, equity)
APPENDED = (fills, ledger, alerts, checks)
PROJECTIONS = (*UPSERTED, *APPENDED)
"""The read models: what can be dropped and rebuilt from the tape, and what `verify` compares."""
