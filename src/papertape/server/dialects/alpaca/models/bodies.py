"""Bodies that clients of Alpaca send. Unknown fields pass: other SDKs send more than is needed."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from papertape.server.bodies import DecimalText
from papertape.server.models.base import Example, RequestId, Side, Symbol, Travelling

OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
TimeInForce = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
OrderClass = Literal["simple", "bracket", "oco", "oto", "mleg"]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
WatchlistName = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _absent(value: object) -> object:
    """SDKs send an empty text for what is not given."""
    return None if value == "" else value


MaybeDecimal = Annotated[DecimalText | None, BeforeValidator(_absent)]
MaybeId = Annotated[RequestId | None, BeforeValidator(_absent)]


class AlpacaBody(Travelling):
    """A body; what it does not name is passed over."""

    model_config = ConfigDict(extra="ignore")


class TakeProfitBody(AlpacaBody):
    """The limit order that takes the profit."""

    example: ClassVar[Example] = {"limit_price": "200.00"}

    limit_price: DecimalText = Field(examples=["200.00"])


class StopLossBody(AlpacaBody):
    """The stop or stop-limit order that stops the loss."""

    example: ClassVar[Example] = {"stop_price": "180.00", "limit_price": "179.50"}

    stop_price: DecimalText = Field(examples=["180.00"])
    limit_price: MaybeDecimal = None


class LegBody(AlpacaBody):
    """One leg of a multi-leg order; `side` may be left to `position_intent`."""

    example: ClassVar[Example] = {
        "symbol": "AAPL261218C00200000",
        "ratio_qty": "1",
        "side": "buy",
        "position_intent": "buy_to_open",
    }

    symbol: Symbol
    ratio_qty: DecimalText = "1"
    side: Side | None = None
    position_intent: Intent | None = None


class OrderBody(AlpacaBody):
    """A new order."""

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "qty": "10",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": "190.50",
        "client_order_id": "my-first-order",
    }

    symbol: Annotated[Symbol | None, BeforeValidator(_absent)] = None
    qty: MaybeDecimal = Field(default=None, examples=["10"])
    notional: MaybeDecimal = None
    side: Annotated[Side | None, BeforeValidator(_absent)] = None
    type: OrderType
    time_in_force: TimeInForce
    limit_price: MaybeDecimal = None
    stop_price: MaybeDecimal = None
    trail_price: MaybeDecimal = None
    trail_percent: MaybeDecimal = None
    extended_hours: bool | None = None
    client_order_id: MaybeId = None
    order_class: Annotated[OrderClass | None, BeforeValidator(_absent)] = None
    take_profit: TakeProfitBody | None = None
    stop_loss: StopLossBody | None = None
    legs: list[LegBody] | None = Field(default=None, max_length=4)
    position_intent: Intent | None = None
    advanced_instructions: dict[str, Any] | None = None


class ReplaceBody(AlpacaBody):
    """What changes in an open order; the order goes on under a new id."""

    example: ClassVar[Example] = {"qty": "5", "limit_price": "190.25"}

    qty: MaybeDecimal = None
    time_in_force: TimeInForce | None = None
    limit_price: MaybeDecimal = None
    stop_price: MaybeDecimal = None
    trail: MaybeDecimal = None
    client_order_id: MaybeId = None
    advanced_instructions: dict[str, Any] | None = None


class ConfigurationBody(AlpacaBody):
    """An account's configuration, all of it or a part; what is null or left out stays."""

    example: ClassVar[Example] = {"suspend_trade": False, "no_shorting": True}

    dtbp_check: str | None = None
    pdt_check: str | None = None
    fractional_trading: bool | None = None
    max_margin_multiplier: str | None = None
    no_shorting: bool | None = None
    suspend_trade: bool | None = None
    trade_confirm_email: Literal["all", "none"] | None = None
    ptp_no_exception_entry: bool | None = None
    max_options_trading_level: Annotated[int, Field(ge=0, le=3)] | None = None


class WatchlistBody(AlpacaBody):
    """A watchlist: its name, and the symbols in order."""

    example: ClassVar[Example] = {"name": "Chips", "symbols": ["NVDA", "AAPL"]}

    name: WatchlistName
    symbols: list[Symbol] | None = Field(default=None, max_length=1_000)


class WatchlistChange(AlpacaBody):
    """What changes in a watchlist."""

    example: ClassVar[Example] = {"name": "Chips", "symbols": ["NVDA"]}

    name: WatchlistName | None = None
    symbols: list[Symbol] | None = Field(default=None, max_length=1_000)


class WatchlistSymbol(AlpacaBody):
    """A symbol that joins a watchlist."""

    example: ClassVar[Example] = {"symbol": "MSFT"}

    symbol: Symbol
