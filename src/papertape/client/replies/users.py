"""Users, logins and keys."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from papertape.client.replies import Reply


class Login(Reply, frozen=True, kw_only=True):
    """A token that is good for `expires_in` seconds; `refresh_token` gets the next one, once."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None


class User(Reply, frozen=True, kw_only=True):
    """A user."""

    id: str
    username: str
    email: str | None
    role: str
    created_at: datetime
    display_name: str | None = None


class Preferences(Reply, frozen=True, kw_only=True):
    """What a user has chosen."""

    theme: str
    time_zone: str
    locale: str
    default_account: str | None
    confirmations: bool


class LoginPlace(Reply, frozen=True, kw_only=True):
    """Where the user is logged in, as far as the client told."""

    login_id: str
    address: str | None
    user_agent: str | None
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_this_one: bool


class Demo(Reply, frozen=True, kw_only=True):
    """The login that everybody on the server's machine may use."""

    enabled: bool
    username: str
    password: str


class Key(Reply, frozen=True, kw_only=True):
    """An API key without its secret."""

    key_id: str
    name: str
    scopes: list[str]
    account_id: str | None
    expires_at: datetime | None
    ip_allow: list[str]
    max_notional: Decimal | None
    created_at: datetime
    last_used_at: datetime | None


class NewKey(Key, frozen=True, kw_only=True):
    """A new API key with its secret, which is told here and never again."""

    secret: str


class Watchlist(Reply, frozen=True, kw_only=True):
    """A watchlist, its symbols in the user's order."""

    id: str
    name: str
    symbols: list[str]
    created_at: datetime
    updated_at: datetime


class RiskPreferences(Reply, frozen=True, kw_only=True):
    """Limits that a user wants to keep; None is none. Shares are of 1."""

    max_order_value: Decimal | None = None
    max_position_share: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    risk_per_trade: Decimal | None = None


class TradingProfile(Reply, frozen=True, kw_only=True):
    """What a user's new accounts begin with, and what the user prefers."""

    id: str
    name: str
    is_default: bool
    starting_cash: Decimal
    currency: str
    account_kind: str
    commission: str | None
    slippage: str | None
    risk: RiskPreferences
    created_at: datetime
    updated_at: datetime


class TwoFactor(Reply, frozen=True, kw_only=True):
    """Whether a login takes a code, and how many recovery codes are unused."""

    enabled: bool
    recovery_codes_left: int


class TwoFactorSecret(Reply, frozen=True, kw_only=True):
    """What the app needs."""

    secret: str
    uri: str


class RecoveryCodes(Reply, frozen=True, kw_only=True):
    """Codes for when the app is lost, each good once; told here only."""

    recovery_codes: list[str]


class Notice(Reply, frozen=True, kw_only=True):
    """What users are told about this product."""

    document: str
    version: int
    text: str


class Consent(Reply, frozen=True, kw_only=True):
    """What a user accepted, and when for the first time."""

    document: str
    version: int
    accepted_at: datetime


class SecurityEvent(Reply, frozen=True, kw_only=True):
    """One event of the log of safety."""

    id: str
    at: datetime
    event: str
    user_id: str | None
    subject: str | None
    address: str | None
    user_agent: str | None


class Export(Reply, frozen=True, kw_only=True):
    """All that is kept about a user: tables of the server, and each account of the exchange."""

    exported_at: datetime
    kept: dict[str, list[dict[str, Any]]]
    security_events: list[SecurityEvent]
    worlds: dict[str, list[dict[str, Any]]]
