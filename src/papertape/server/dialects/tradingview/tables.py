"""The tables of incoming webhooks in `auth.db`; `server/auth/tables.py` makes them.

`alert_key` is what repeats of an alert have in common. `cancels`, `plan` and `result` of a trade
are JSON: what an alert does on one account, and what became of it.
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("is_demo", Boolean, nullable=False),
)
"""What is asked of a webhook's user."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("token_hint", Text, nullable=False),
    Column("secret_hash", Text),
    Column("group_name", Text, nullable=False),
    Column("sizing", Text, nullable=False),
    Column("symbol_map", Text, nullable=False),
    Column("duplicate_window_s", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("last_alert_ns", BigInteger, nullable=False),
)

alerts = Table(
    "webhook_alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("webhook_id", Text, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("alert_key", Text, nullable=False),
    Column("duplicate_of", Text),
    Column("content", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("finished_ns", BigInteger),
)

trades = Table(
    "webhook_trades",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("cancels", Text, nullable=False),
    Column("plan", Text),
    Column("result", Text),
)
