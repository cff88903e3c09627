"""The tables of `auth.db`, and the steps that lead an older file to them.

A step is never changed once released; a new one is added at the end. Steps are SQL that SQLite
and PostgreSQL read alike: TEXT, INTEGER, BIGINT, BLOB, BOOLEAN (never with a 0 or 1 as default). A
column of nanoseconds is BIGINT there and `BigInteger` in its table.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from papertape.storage.engines import ddl

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False, unique=True),
    Column("profile", Text),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("is_demo", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)
"""`username_key` is the name as it is compared; `generation` is in every token, and a reset of the
password raises it, which ends the tokens of before. `profile` is sealed (see `vault.py`); `email`,
where older versions kept one in plain text, is empty."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("world", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("terms", Text),
    Column("request_id", Text),
    Column("request_body", Text),
    Column("archived_ns", BigInteger),
    Index("accounts_of_user", "user_id", "world"),
    Index("accounts_by_number", "user_id", "world", "number", unique=True),
    Index("accounts_by_request", "user_id", "world", "request_id", unique=True),
)
"""`terms` are the JSON that the account is opened with (None: those of every first account)."""

transfers = Table(
    "transfers",
    metadata,
    Column("transfer_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("world", Text, nullable=False),
    Column("from_account_id", Text, nullable=False),
    Column("to_account_id", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("currency", Text),
    Column("done", Boolean, nullable=False),
    Index("transfers_of_user", "user_id", "world", "done"),
)
"""Money between accounts of one user: noted before it leaves, `done` when it has arrived."""

order_labels = Table(
    "order_labels",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.account_id"), primary_key=True),
    Column("client_order_id", Text, primary_key=True),
    Column("order_id", Text),
    Column("strategy", Text),
    Column("tags", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("order_labels_by_order", "order_id"),
    Index("order_labels_by_strategy", "account_id", "strategy", "order_id"),
)
"""What a user calls an order. `tags` is `a|b`, as they are shown. `order_id` is None until the
floor has answered; ids of one world sort as their orders came."""

order_tags = Table(
    "order_tags",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.account_id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("client_order_id", Text, primary_key=True),
)
"""The tags once more, to find orders by them."""

trade_notes = Table(
    "trade_notes",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.account_id"), primary_key=True),
    Column("fill_id", Text, primary_key=True),
    Column("note", Text, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Index("trade_notes_by_fill", "fill_id"),
)

trade_busts = Table(
    "trade_busts",
    metadata,
    Column("fill_id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.account_id"), nullable=False),
    Column("corrected_by", Text),
    Column("busted_ns", BigInteger, nullable=False),
)
"""Which trades were taken back, and the trades in their place. The truth is on the tape, where the
figures are undone; this remembers of which trade."""

journal_trades = Table(
    "journal_trades",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.account_id"), nullable=False),
    Column("asked", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("time_ns", BigInteger),
    Column("fill_id", Text),
    Column("wanted", Text),
    Index("journal_trades_by_time", "account_id", "time_ns", "entry_id"),
    Index("journal_trades_unsettled", "account_id", "wanted"),
)
"""Trades of the short journal by an id that stays. `wanted` is what was noted and not yet known to
be done; `asked` is what the entry began with."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("account_id", Text),
    Column("ip_allow", Text, nullable=False),
    Column("max_notional", Text),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("last_used_ns", BigInteger),
    Index("api_keys_of_user", "user_id"),
)
"""`scopes` and `ip_allow` are words with blanks between them, `max_notional` is decimal text."""

watchlists = Table(
    "watchlists",
    metadata,
    Column("watchlist_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("symbols", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Index("watchlists_of_user", "user_id", "name", unique=True),
)
"""`symbols` is a JSON list, in the order of the user."""

alpaca_configurations = Table(
    "alpaca_configurations",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("choices", Text, nullable=False),
)

alpaca_replacements = Table(
    "alpaca_replacements",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("alpaca_id", Text, nullable=False, unique=True),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("submitted_ns", BigInteger, nullable=False),
    Column("replaced_ns", BigInteger, nullable=False),
    Column("noted_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("old_order", Text, nullable=False),
    Index("alpaca_replacements_client", "account_id", "client_order_id", unique=True),
    Index("alpaca_replacements_time", "account_id", "submitted_ns"),
)
"""`terms` is what the replacement changes; `old_order` the order as it was shown up to it, since
`submitted_ns`; `noted_ns` is wall clock."""
personal_keys = Table(
    "personal_keys",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("wrapped", Text, nullable=False),
)
"""What a user's personal data is sealed with, itself sealed with the key file's key."""

logins = Table(
    "logins",
    metadata,
    Column("login_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("used_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Index("logins_of_user", "user_id"),
)
"""`number` is that of the refresh token which is good now, `origin` is sealed."""

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("chosen", Text, nullable=False),
)
"""What a user has chosen, sealed."""

trading_profiles = Table(
    "trading_profiles",
    metadata,
    Column("profile_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("settings", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Index("trading_profiles_of_user", "user_id", "name", unique=True),
)
"""`settings` is a JSON object; `version` counts the changes and is the ETag."""

alert_marks = Table(
    "alert_marks",
    metadata,
    Column("world", Text, primary_key=True),
    Column("alert_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("marked_by", Text, nullable=False),
    Column("marked_ns", BigInteger, nullable=False),
    Index("alert_marks_of_account", "world", "account_id"),
)
"""What somebody said about an alert: `acknowledged` or `resolved`. The alert stands on the tape."""

two_factor = Table(
    "two_factor",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("used_step", BigInteger, nullable=False),
)
"""`secret` is sealed; `used_step` is the half minute of the last code that was used."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Index("recovery_codes_of_user", "user_id"),
)

reset_tokens = Table(
    "reset_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("document", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("accepted_ns", BigInteger, nullable=False),
)

security_events = Table(
    "security_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("user_id", Text),
    Column("subject", Text),
    Column("origin", Text),
    Index("security_events_of_user", "user_id", "event_id"),
)
"""It outlives its users, so it refers to none; ids sort by time. `origin` is sealed."""

schema = Table("auth_schema", metadata, Column("version", Integer, nullable=False))

STEPS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE users (
            user_id TEXT PRIMARY KEY, username TEXT NOT NULL, username_key TEXT NOT NULL UNIQUE,
            email TEXT, password_hash TEXT NOT NULL, role TEXT NOT NULL, is_demo BOOLEAN NOT NULL,
            generation INTEGER NOT NULL, created_ns BIGINT NOT NULL)""",
        """CREATE TABLE accounts (
            account_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),
            world TEXT NOT NULL, name TEXT NOT NULL, opened BOOLEAN NOT NULL)""",
        "CREATE INDEX accounts_of_user ON accounts (user_id, world)",
    ),
    (
        """CREATE TABLE api_keys (
            key_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),
            name TEXT NOT NULL, secret_hash TEXT NOT NULL, scopes TEXT NOT NULL, account_id TEXT,
            ip_allow TEXT NOT NULL, max_notional TEXT, created_ns BIGINT NOT NULL,
            expires_ns BIGINT, last_used_ns BIGINT)""",
        "CREATE INDEX api_keys_of_user ON api_keys (user_id)",
    ),
    (
        """CREATE TABLE account_groups (
            group_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            world TEXT NOT NULL, name TEXT NOT NULL, created_ns BIGINT NOT NULL,
            UNIQUE (user_id, world, name))""",
        """CREATE TABLE account_group_members (
            group_id TEXT NOT NULL REFERENCES account_groups (group_id) ON DELETE CASCADE,
            account_id TEXT NOT NULL, place INTEGER NOT NULL,
            PRIMARY KEY (group_id, account_id))""",
        """CREATE TABLE webhooks (
            webhook_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            world TEXT NOT NULL, name TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE,
            token_hint TEXT NOT NULL, secret_hash TEXT, group_name TEXT NOT NULL,
            sizing TEXT NOT NULL, symbol_map TEXT NOT NULL, duplicate_window_s INTEGER NOT NULL,
            enabled BOOLEAN NOT NULL, deleted BOOLEAN NOT NULL, created_ns BIGINT NOT NULL,
            last_alert_ns BIGINT NOT NULL)""",
        "CREATE INDEX webhooks_of_user ON webhooks (user_id, world)",
        """CREATE TABLE webhook_alerts (
            alert_id TEXT PRIMARY KEY,
            webhook_id TEXT NOT NULL REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
            received_ns BIGINT NOT NULL, alert_key TEXT NOT NULL, duplicate_of TEXT,
            content TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, detail TEXT,
            finished_ns BIGINT)""",
        """CREATE UNIQUE INDEX webhook_alerts_by_time
            ON webhook_alerts (webhook_id, received_ns)""",
        "CREATE INDEX webhook_alerts_by_key ON webhook_alerts (webhook_id, alert_key)",
        "CREATE INDEX webhook_alerts_by_status ON webhook_alerts (status, webhook_id)",
        """CREATE TABLE webhook_trades (
            alert_id TEXT NOT NULL REFERENCES webhook_alerts (alert_id) ON DELETE CASCADE,
            account_id TEXT NOT NULL, cancels TEXT NOT NULL, plan TEXT, result TEXT,
            PRIMARY KEY (alert_id, account_id))""",
    ),
    (
        "ALTER TABLE accounts ADD COLUMN number INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE accounts ADD COLUMN terms TEXT",
        "ALTER TABLE accounts ADD COLUMN request_id TEXT",
        "ALTER TABLE accounts ADD COLUMN request_body TEXT",
        "ALTER TABLE accounts ADD COLUMN archived_ns BIGINT",
        "CREATE UNIQUE INDEX accounts_by_number ON accounts (user_id, world, number)",
        "CREATE UNIQUE INDEX accounts_by_request ON accounts (user_id, world, request_id)",
        """CREATE TABLE transfers (
            transfer_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            world TEXT NOT NULL, from_account_id TEXT NOT NULL, to_account_id TEXT NOT NULL,
            amount TEXT NOT NULL, currency TEXT, done BOOLEAN NOT NULL)""",
        "CREATE INDEX transfers_of_user ON transfers (user_id, world, done)",
        """CREATE TABLE order_labels (
            account_id TEXT NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
            client_order_id TEXT NOT NULL, order_id TEXT, strategy TEXT, tags TEXT NOT NULL,
            created_ns BIGINT NOT NULL,
            PRIMARY KEY (account_id, client_order_id))""",
        "CREATE INDEX order_labels_by_order ON order_labels (order_id)",
        "CREATE INDEX order_labels_by_strategy ON order_labels (account_id, strategy, order_id)",
        """CREATE TABLE order_tags (
            account_id TEXT NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
            tag TEXT NOT NULL, client_order_id TEXT NOT NULL,
            PRIMARY KEY (account_id, tag, client_order_id))""",
        """CREATE TABLE trade_notes (
            account_id TEXT NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
            fill_id TEXT NOT NULL, note TEXT NOT NULL, changed_ns BIGINT NOT NULL,
            PRIMARY KEY (account_id, fill_id))""",
        "CREATE INDEX trade_notes_by_fill ON trade_notes (fill_id)",
    ),
    (
        """CREATE TABLE watchlists (
            watchlist_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            name TEXT NOT NULL, symbols TEXT NOT NULL, created_ns BIGINT NOT NULL,
            updated_ns BIGINT NOT NULL)""",
        "CREATE UNIQUE INDEX watchlists_of_user ON watchlists (user_id, name)",
    ),
    (
        """CREATE TABLE alpaca_configurations (
            account_id TEXT PRIMARY KEY, choices TEXT NOT NULL)""",
        """CREATE TABLE alpaca_replacements (
            order_id TEXT NOT NULL, number INTEGER NOT NULL, account_id TEXT NOT NULL,
            alpaca_id TEXT NOT NULL UNIQUE, client_order_id TEXT NOT NULL, symbol TEXT NOT NULL,
            side TEXT NOT NULL, submitted_ns BIGINT NOT NULL, replaced_ns BIGINT NOT NULL,
            noted_ns BIGINT NOT NULL, state TEXT NOT NULL, terms TEXT NOT NULL,
            old_order TEXT NOT NULL, PRIMARY KEY (order_id, number))""",
        """CREATE UNIQUE INDEX alpaca_replacements_client
            ON alpaca_replacements (account_id, client_order_id)""",
        """CREATE INDEX alpaca_replacements_time
            ON alpaca_replacements (account_id, submitted_ns)""",
    ),
    (
        """CREATE TABLE webhook_endpoints (
            endpoint_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            world TEXT NOT NULL, url TEXT NOT NULL, description TEXT NOT NULL,
            events TEXT NOT NULL, account_id TEXT, secret TEXT NOT NULL, secret_before TEXT,
            rotated_ns BIGINT NOT NULL, enabled BOOLEAN NOT NULL, disabled_reason TEXT,
            failing_since_ns BIGINT, told_seq BIGINT NOT NULL, told_i BIGINT NOT NULL,
            created_ns BIGINT NOT NULL)""",
        "CREATE INDEX webhook_endpoints_of_user ON webhook_endpoints (user_id, world)",
        """CREATE TABLE webhook_deliveries (
            delivery_id TEXT PRIMARY KEY,
            endpoint_id TEXT NOT NULL
                REFERENCES webhook_endpoints (endpoint_id) ON DELETE CASCADE,
            event TEXT NOT NULL, payload TEXT NOT NULL, status TEXT NOT NULL,
            tries INTEGER NOT NULL, attempts TEXT NOT NULL, next_ns BIGINT NOT NULL,
            created_ns BIGINT NOT NULL)""",
        """CREATE INDEX webhook_deliveries_of_endpoint
            ON webhook_deliveries (endpoint_id, created_ns, delivery_id)""",
        "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (status, next_ns)",
    ),
    (
        "ALTER TABLE users ADD COLUMN profile TEXT",
        """CREATE TABLE personal_keys (
            user_id TEXT PRIMARY KEY REFERENCES users (user_id), wrapped TEXT NOT NULL)""",
        """CREATE TABLE logins (
            login_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),
            number INTEGER NOT NULL, created_ns BIGINT NOT NULL, used_ns BIGINT NOT NULL,
            expires_ns BIGINT NOT NULL, origin TEXT NOT NULL)""",
        "CREATE INDEX logins_of_user ON logins (user_id)",
        """CREATE TABLE preferences (
            user_id TEXT PRIMARY KEY REFERENCES users (user_id), chosen TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE trade_busts (
            fill_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
            corrected_by TEXT, busted_ns BIGINT NOT NULL)""",
    ),
    (
        """CREATE TABLE trading_profiles (
            profile_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            name TEXT NOT NULL, is_default BOOLEAN NOT NULL, settings TEXT NOT NULL,
            version INTEGER NOT NULL, created_ns BIGINT NOT NULL, updated_ns BIGINT NOT NULL)""",
        "CREATE UNIQUE INDEX trading_profiles_of_user ON trading_profiles (user_id, name)",
        """CREATE TABLE alert_marks (
            world TEXT NOT NULL, alert_id TEXT NOT NULL, account_id TEXT NOT NULL,
            state TEXT NOT NULL, note TEXT NOT NULL, marked_by TEXT NOT NULL,
            marked_ns BIGINT NOT NULL, PRIMARY KEY (world, alert_id))""",
        "CREATE INDEX alert_marks_of_account ON alert_marks (world, account_id)",
    ),
    (
        """CREATE TABLE two_factor (
            user_id TEXT PRIMARY KEY REFERENCES users (user_id), secret TEXT NOT NULL,
            enabled BOOLEAN NOT NULL, used_step BIGINT NOT NULL)""",
        """CREATE TABLE recovery_codes (
            code_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id))""",
        "CREATE INDEX recovery_codes_of_user ON recovery_codes (user_id)",
        """CREATE TABLE reset_tokens (
            token_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (user_id),
            expires_ns BIGINT NOT NULL)""",
        """CREATE TABLE consents (
            user_id TEXT NOT NULL REFERENCES users (user_id), document TEXT NOT NULL,
            version INTEGER NOT NULL, accepted_ns BIGINT NOT NULL,
            PRIMARY KEY (user_id, document, version))""",
        """CREATE TABLE security_events (
            event_id TEXT PRIMARY KEY, at_ns BIGINT NOT NULL, event TEXT NOT NULL, user_id TEXT,
            subject TEXT, origin TEXT)""",
        "CREATE INDEX security_events_of_user ON security_events (user_id, event_id)",
    ),
    (
        """CREATE TABLE journal_trades (
            entry_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES accounts (account_id) ON DELETE CASCADE,
            asked TEXT NOT NULL, symbol TEXT NOT NULL, time_ns BIGINT, fill_id TEXT,
            wanted TEXT)""",
        """CREATE INDEX journal_trades_by_time
            ON journal_trades (account_id, time_ns, entry_id)""",
        "CREATE INDEX journal_trades_unsettled ON journal_trades (account_id, wanted)",
    ),
)


class NewerSchemaError(Exception):
    """The file was written by a newer Papertape than this one."""


def migrate(connection: Connection) -> None:
    """Bring the tables up to date inside the caller's transaction."""
    schema.create(connection, checkfirst=True)
    version = connection.execute(select(schema.c.version)).scalar()
    if version is None:
        connection.execute(insert(schema).values(version=0))
        version = 0
    if version > len(STEPS):
        raise NewerSchemaError(
            f"auth.db has schema {version}, this Papertape knows {len(STEPS)}: "
            "start the newer version, or another --data-dir"
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.exec_driver_sql(ddl(statement, connection.dialect.name))
    connection.execute(update(schema).values(version=len(STEPS)))
