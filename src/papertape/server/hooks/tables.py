"""The tables of outgoing webhooks in `auth.db`; `server/auth/tables.py` makes them.

`told_seq` and `told_i` are the place behind which an endpoint has not been told anything yet.
`attempts` of a delivery is a JSON list: when, how long, what came back.
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text

metadata = MetaData()

endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("account_id", Text),
    Column("secret", Text, nullable=False),
    Column("secret_before", Text),
    Column("rotated_ns", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("failing_since_ns", BigInteger),
    Column("told_seq", BigInteger, nullable=False),
    Column("told_i", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("endpoint_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("attempts", Text, nullable=False),
    Column("next_ns", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)
