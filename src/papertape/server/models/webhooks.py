"""Incoming webhooks: how they are set up, what arrives by them, what became of it."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.groups import BUILT_IN
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_ORDER,
    EXAMPLE_TIME,
    Body,
    Example,
    Reply,
    Side,
    Travelling,
    Uuid,
)
from papertape.server.models.groups import GroupName

EXAMPLE_WEBHOOK = "3b1d2c6e-8a0f-4a36-9c62-51d7e1f0a7b4"
EXAMPLE_ALERT = "9f0d4a52-17c1-4e4d-83a9-a552f6d7b1c9"
_EXAMPLE_TOKEN = "4n6sB8dF0hM1oR3tZp0yV1mQ8rT3uX5wA7cE9gJ2kL4"  # noqa: S105 - nobody's
_PERCENT_MAX = 1_000

AlertSymbol = Annotated[
    str, StringConstraints(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9._/!:\-]+$")
]
ListedSymbol = Annotated[
    str, StringConstraints(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9./_\-]+$")
]
Secret = Annotated[str, StringConstraints(min_length=8, max_length=200)]
AlertStatus = Literal["received", "done", "refused", "duplicate", "failed"]


class SizingRequest(Body):
    """How much is traded.

    `alert`: what the alert says. `fixed`: `value` units. `percent`: worth `value` percent of the
    account's equity. `risk`: as much as loses `value` percent of equity at the alert's stop loss.
    """

    example: ClassVar[Example] = {"method": "percent", "value": "5"}

    method: Literal["alert", "fixed", "percent", "risk"]
    value: DecimalText | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "SizingRequest":
        if self.method == "alert":
            if self.value is not None:
                raise ValueError("with the method alert the alert gives the value; leave it out")
        elif self.value is None or Decimal(self.value) <= 0:
            raise ValueError(f"the method {self.method} needs a value above zero")
        elif self.method != "fixed" and Decimal(self.value) > _PERCENT_MAX:
            raise ValueError(f"a percentage is at most {_PERCENT_MAX}")
        return self


class _WebhookTerms(Body):
    @field_validator("symbol_map", check_fields=False)
    @classmethod
    def _upper_case(cls, symbols: dict[str, str] | None) -> dict[str, str] | None:
        return symbols and {name.upper(): symbol for name, symbol in symbols.items()}


class WebhookRequest(_WebhookTerms):
    """A new webhook. `secret`, when there is one, must be in every alert, besides the address."""

    example: ClassVar[Example] = {
        "name": "my strategy",
        "group": BUILT_IN,
        "sizing": SizingRequest.example,
        "symbol_map": {"BTCUSDT.P": "AAPL"},
        "duplicate_window_s": 60,
    }

    name: str = Field(min_length=1, max_length=64)
    group: GroupName = Field(default=BUILT_IN, description="the accounts that its alerts trade")
    sizing: SizingRequest = SizingRequest(method="alert")
    symbol_map: dict[AlertSymbol, ListedSymbol] = Field(
        default={}, max_length=500, description="TradingView's symbol to a listed one"
    )
    duplicate_window_s: int = Field(
        default=60,
        ge=0,
        le=86_400,
        description="an alert without order id and time is a repeat for so long",
    )
    secret: Secret | None = None
    enabled: bool = True


class WebhookChange(_WebhookTerms):
    """What changes in a webhook; an empty `secret` ends it."""

    example: ClassVar[Example] = {"enabled": False}

    name: str | None = Field(default=None, min_length=1, max_length=64)
    group: GroupName | None = None
    sizing: SizingRequest | None = None
    symbol_map: dict[AlertSymbol, ListedSymbol] | None = Field(default=None, max_length=500)
    duplicate_window_s: int | None = Field(default=None, ge=0, le=86_400)
    secret: Secret | Literal[""] | None = None
    enabled: bool | None = None


class SizingReply(Reply):
    """How much is traded."""

    example: ClassVar[Example] = SizingRequest.example

    method: Literal["alert", "fixed", "percent", "risk"]
    value: str | None


class WebhookReply(Reply):
    """A webhook without its token; `token_hint` is the token's end."""

    example: ClassVar[Example] = {
        **WebhookRequest.example,
        "id": EXAMPLE_WEBHOOK,
        "has_secret": False,
        "token_hint": _EXAMPLE_TOKEN[-4:],
        "enabled": True,
        "created_at": EXAMPLE_TIME,
        "last_alert_at": None,
    }

    id: Uuid
    name: str
    group: str
    sizing: SizingReply
    symbol_map: dict[str, str]
    duplicate_window_s: int
    has_secret: bool
    token_hint: str
    enabled: bool
    created_at: str
    last_alert_at: str | None


class WebhookMadeReply(WebhookReply):
    """A webhook with its token, which is told here and never again."""

    example: ClassVar[Example] = {
        **WebhookReply.example,
        "token": _EXAMPLE_TOKEN,
        "path": f"/webhooks/tradingview/{_EXAMPLE_TOKEN}",
    }

    token: str
    path: str = Field(description="where TradingView sends its alerts, behind this server's name")


class TradingViewAlert(Travelling):
    """An alert, in JSON or as text. These are the usual names; others are known, too.

    With `market_position` or `position_size` the account is brought to that position, however it
    got where it is; else `action` is an order of its own.
    """

    model_config = ConfigDict(extra="allow")

    example: ClassVar[Example] = {
        "ticker": "AAPL",
        "action": "buy",
        "contracts": "10",
        "order_id": "Long",
        "time": "2026-11-20T10:46:00Z",
    }

    ticker: Any = Field(default=None, description="or symbol; NASDAQ:AAPL, BTCUSDT.P, ES1!")
    action: Any = Field(
        default=None, description="buy, sell, long, short, close, exit, flat, cover"
    )
    contracts: Any = Field(default=None, description="or qty, quantity, size; a number or text")
    market_position: Any = Field(default=None, description="long, short or flat")
    market_position_size: Any = None
    position_size: Any = Field(default=None, description="below zero when short")
    order_type: Any = Field(default=None, description="market, limit, stop or stop_limit")
    price: Any = Field(default=None, description="the limit of a limit order, else for the record")
    sl: Any = Field(default=None, description="stop loss: a price, or a distance such as 2%")
    tp: Any = Field(default=None, description="take profit: a price, or a distance such as 4%")
    account: Any = Field(default=None, description="one account of the group, by id or name")
    order_id: Any = Field(default=None, description="{{strategy.order.id}}")
    time: Any = Field(default=None, description="{{time}} or {{timenow}}")
    passphrase: Any = Field(default=None, description="the webhook's secret; or secret, key, token")


class AlertTakenReply(Reply):
    """The alert is kept and will be done, whatever falls meanwhile."""

    example: ClassVar[Example] = {
        "alert_id": EXAMPLE_ALERT,
        "status": "received",
        "duplicate_of": None,
    }

    alert_id: Uuid
    status: Literal["received", "duplicate"]
    duplicate_of: Uuid | None


class AlertRefusal(Reply):
    """Why nothing is sent."""

    example: ClassVar[Example] = {
        "reason": "unknown_symbol",
        "detail": "ES1! is not listed; map it to a listed symbol in the symbol_map of the webhook",
        "value": "ES1!",
    }

    reason: str
    detail: str
    value: str | None = None
    limit: str | None = None
    field: str | None = None


class AlertOrder(Reply):
    """One order of an alert. `status` is the order's, or `refused` or `not_sent`."""

    example: ClassVar[Example] = {
        "client_order_id": "tv-3b1d2c6e8a0f-9f0d4a5217c14e4d83a9a552f6d7b1c9-1",
        "strategy": "my strategy",
        "symbol": "AAPL",
        "side": "buy",
        "type": "market",
        "qty": "10",
        "time_in_force": "day",
        "status": "filled",
        "order_id": EXAMPLE_ORDER,
        "reason": None,
    }

    client_order_id: str | None = None
    strategy: str | None = Field(default=None, description="by which its profit is found again")
    symbol: str
    side: Side
    type: str
    qty: str
    time_in_force: str
    limit_price: str | None = None
    stop_price: str | None = None
    reduce_only: bool | None = None
    order_class: str | None = None
    take_profit: dict[str, str] | None = None
    stop_loss: dict[str, str] | None = None
    status: str | None = None
    order_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    rejections: list[AlertRefusal] | None = Field(
        default=None, description="in a dry run: why the exchange would refuse it now"
    )


class AlertOnAccount(Reply):
    """What an alert did on one account."""

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "status": "sent",
        "symbol": "AAPL",
        "held": "0",
        "target": "10",
        "canceled": [],
        "orders": [AlertOrder.example],
        "notes": [],
    }

    account_id: Uuid
    status: Literal["waiting", "sent", "nothing_to_do", "refused"]
    symbol: str | None = None
    held: str | None = Field(default=None, description="the position before")
    target: str | None = Field(default=None, description="the position to have")
    canceled: list[str] = Field(default=[], description="orders of earlier alerts that went first")
    orders: list[AlertOrder] = Field(default=[])
    notes: list[str] = Field(default=[])
    reason: str | None = None
    detail: str | None = None
    value: str | None = None
    limit: str | None = None


class AlertReply(Reply):
    """An alert of the log with its outcome. Its secret is not kept."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ALERT,
        "received_at": EXAMPLE_TIME,
        "finished_at": EXAMPLE_TIME,
        "status": "done",
        "reason": None,
        "detail": None,
        "duplicate_of": None,
        "fields": {"symbol": "AAPL", "action": "buy", "contracts": "10"},
        "accounts": [AlertOnAccount.example],
    }

    id: Uuid
    received_at: str
    finished_at: str | None
    status: AlertStatus
    reason: str | None
    detail: str | None
    duplicate_of: Uuid | None
    fields: dict[str, str]
    accounts: list[AlertOnAccount]


class FoundField(Reply):
    """A field of an alert, by the name under which it came."""

    example: ClassVar[Example] = {"name": "ticker", "value": "AAPL"}

    name: str
    value: str


class DryRunSize(Reply):
    """What an alert would open, in the currency of the instrument."""

    example: ClassVar[Example] = {
        "side": "buy",
        "qty": "10",
        "price": "190.48",
        "currency": "USD",
        "worth": "1904.8",
        "worth_percent": "1.9048",
        "stop": "185",
        "risk": "54.8",
        "risk_percent": "0.0548",
        "rate": "1",
    }

    side: Side
    qty: str
    price: str | None = Field(None, description="of the order, else of the market")
    currency: str | None = None
    worth: str | None = Field(None, description="quantity by price and multiplier")
    worth_percent: str | None = Field(None, description="of the equity")
    stop: str | None = Field(None, description="the price of the stop loss")
    risk: str | None = Field(None, description="what is lost at the stop loss")
    risk_percent: str | None = Field(None, description="of the equity")
    rate: str | None = Field(
        None, description="what one unit of the account's currency gives of the instrument's"
    )


class DryRunAccount(Reply):
    """What the alert would do on one account."""

    example: ClassVar[Example] = {
        "account": "Paper account",
        "held": "0",
        "target": "10",
        "size": DryRunSize.example,
        "cancels": 0,
        "orders": [
            {
                **{k: v for k, v in AlertOrder.example.items() if k in {"symbol", "side", "qty"}},
                "type": "market",
                "time_in_force": "day",
                "rejections": [],
            }
        ],
        "notes": [],
        "refusal": None,
    }

    account: str = Field(description="its name")
    held: str | None = None
    target: str | None = None
    size: DryRunSize | None = Field(None, description="what would be opened; null: nothing")
    cancels: int = Field(0, description="open orders of earlier alerts that would go first")
    orders: list[AlertOrder] = Field(default=[])
    notes: list[str] = Field(default=[])
    refusal: AlertRefusal | None = None


class DryRunReply(Reply):
    """How an alert would be read; nothing was sent or kept."""

    example: ClassVar[Example] = {
        "fields": {"symbol": FoundField.example, "action": {"name": "action", "value": "buy"}},
        "ignored": ["interval"],
        "symbol": "AAPL",
        "accounts": [DryRunAccount.example],
        "refusal": None,
    }

    fields: dict[str, FoundField]
    ignored: list[str] = Field(description="names that mean nothing here")
    symbol: str | None = Field(description="the listed symbol")
    accounts: list[DryRunAccount]
    refusal: AlertRefusal | None = Field(description="why no account would trade")
