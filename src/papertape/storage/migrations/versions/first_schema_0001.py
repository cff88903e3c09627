"""The first schema: tape, head, read models, and where a market source resumes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # compared by its bytes
OPEN = sa.text("status IN ('pending_new', 'new', 'partially_filled', 'held')")


def upgrade() -> None:
    """Create every table of the first release."""
    _create_truth()
    _create_read_models()
    _create_history()


def _create_truth() -> None:
    _table(
        "tape",
        _text("world", key=True),
        _number("seq", key=True),
        _number("time_ns"),
        _number("market_seq"),
        _text("body"),
        _text("hash"),
    )
    _table(
        "world_head",
        _text("world", key=True),
        _number("epoch"),
        _number("seq"),
        _text("hash"),
        _text("address"),
    )
    _table(
        "market_state",
        _text("world", key=True),
        _number("time_ns"),
        _number("market_seq"),
        _blob("state"),
    )


def _create_read_models() -> None:
    _table(
        "accounts",
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
        _number("seq"),
    )
    op.create_index("accounts_by_owner", "accounts", ["world", "owner"])
    _table(
        "positions",
        _text("world", key=True),
        _text("account_id", key=True),
        _text("symbol", key=True),
        _text("qty"),
        _text("avg_entry_price", optional=True),
        _text("cost_basis"),
        _text("realized_pl"),
        _number("seq"),
    )
    _table(
        "orders",
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
        _number("created_ns"),
        _number("updated_ns"),
        _number("seq"),
    )
    op.create_index(
        "orders_by_client_id", "orders", ["world", "account_id", "client_order_id"], unique=True
    )
    op.create_index("orders_by_number", "orders", ["world", "account_id", "number"])
    op.create_index(
        "orders_open",
        "orders",
        ["world", "account_id", "number"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _create_history() -> None:
    _table(
        "fills",
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
        _number("time_ns"),
        _number("seq"),
        _number("i"),
    )
    op.create_index("fills_by_account", "fills", ["world", "account_id", "seq", "i"])
    _table(
        "ledger",
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
    )
    op.create_index("ledger_by_account", "ledger", ["world", "account_id", "seq", "i", "line"])
    _table(
        "equity",
        _text("world", key=True),
        _text("account_id", key=True),
        _number("minute_ns", key=True),
        _text("equity"),
        _text("cash"),
        _number("seq"),
    )


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, sqlite_with_rowid=False)


def _text(name: str, *, key: bool = False, optional: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, primary_key=key, nullable=optional)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
