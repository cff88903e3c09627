"""From the fields of an alert to what it asks for.

Pure: an `Alert`, or `UnreadableAlertError` that says which field is wrong and what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from papertape.domain.decimal_text import DIGITS_MAX
from papertape.server.dialects.tradingview.fields import SYMBOL, Fields, UnreadableAlertError
from papertape.server.dialects.tradingview.words import (
    ORDER_TYPES,
    POSITIONS,
    TIMES_IN_FORCE,
    VERBS,
    Position,
    Side,
    Verb,
    plain,
)


@dataclass(frozen=True, slots=True)
class Level:
    """A price, or a distance from the entry in percent of it."""

    value: Decimal
    is_percent: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that can be acted on. Either it names a position to have, or it has a verb.

    `contracts` is a quantity, `notional` money, `percent` a share of equity; at most one of them.
    """

    symbol: str
    exchange: str | None = None
    verb: Verb | None = None
    side: Side | None = None
    position: Position | None = None
    previous: Position | None = None
    position_size: Decimal | None = None
    previous_size: Decimal | None = None
    contracts: Decimal | None = None
    notional: Decimal | None = None
    percent: Decimal | None = None
    leverage: Decimal | None = None
    type: str = "market"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Level | None = None
    stop_loss_limit: Decimal | None = None
    take_profit: Level | None = None
    time_in_force: str | None = None
    account: str | None = None
    strategy: str | None = None
    order_id: str | None = None
    time: str | None = None

    @property
    def is_target(self) -> bool:
        """Whether it says what to have, rather than what to do."""
        return self.position is not None

    @property
    def has_size(self) -> bool:
        """Whether it says how much."""
        return any(x is not None for x in (self.contracts, self.notional, self.percent))


def read_alert(fields: Fields) -> Alert:
    """The alert that the fields mean."""
    return _Reading(fields).alert()


class _Reading:
    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._values = fields.values

    def alert(self) -> Alert:
        position, position_size = self._position()
        verb, side = self._verb()
        if position is None and verb is None:
            raise UnreadableAlertError(
                "no_action",
                "say what to do: action buy, sell or close, or market_position long, short or flat",
                field="action",
            )
        order_type = self._word("order_type", ORDER_TYPES)
        limit_price, stop_price = self._prices(order_type)
        return Alert(
            symbol=self._symbol(),
            exchange=self._values.get("exchange"),
            verb=verb,
            side=side,
            position=position,
            previous=self._word("prev_market_position", POSITIONS),
            position_size=position_size,
            previous_size=self._amount("prev_market_position_size", signed=True),
            **self._size(),
            leverage=self._amount("leverage", positive=True),
            type=_type(order_type, limit_price, stop_price),
            limit_price=limit_price,
            stop_price=stop_price,
            stop_loss=self._stop_loss(order_type),
            stop_loss_limit=self._amount("stop_loss_limit", positive=True),
            take_profit=self._level("take_profit"),
            time_in_force=self._word("time_in_force", TIMES_IN_FORCE),
            account=self._values.get("account"),
            strategy=self._values.get("strategy"),
            order_id=self._values.get("order_id"),
            time=self._values.get("time") or self._values.get("bar_time"),
        )

    def _symbol(self) -> str:
        symbol = self._said("symbol")
        if symbol is None:
            raise UnreadableAlertError(
                "no_symbol", "say what to trade: ticker or symbol", field="symbol"
            )
        if not SYMBOL.fullmatch(symbol):
            raise self._bad("symbol", "a symbol such as AAPL or NASDAQ:AAPL")
        return symbol

    def _position(self) -> tuple[Position | None, Decimal | None]:
        """The position to have, and its size without a sign; (None, None) for a plain order."""
        position = self._word("market_position", POSITIONS)
        signed = self._amount("position_size", signed=True)
        size = self._amount("market_position_size", signed=True)
        told = size if size is not None else signed
        if position is None and told is not None:
            position = "flat" if told == 0 else "long" if told > 0 else "short"
        return position, None if told is None else abs(told)

    def _verb(self) -> tuple[Verb | None, Side | None]:
        """What to do, from action and side together: `close` and `long` is a sell."""
        action = self._word("action", VERBS)
        side = self._word("side", VERBS)
        if action is None:
            return side or (None, None)
        verb, way = action
        if side is None or side[1] is None:
            if verb == "open" and way is None:
                raise self._bad("action", "buy or sell, or open together with side long or short")
            return verb, way
        if verb == "close":
            way = way or ("buy" if side[1] == "sell" else "sell")
        elif way is None:
            way = side[1]
        elif way != side[1]:
            raise UnreadableAlertError(
                "conflicting_fields",
                f"action {self._values['action']} and side {self._values['side']} contradict each "
                "other; leave one out",
                field="side",
                value=self._values["side"],
            )
        return verb, way

    def _size(self) -> dict[str, Decimal | None]:
        sizes = {name: self._amount(name) for name in ("contracts", "notional", "percent")}
        told = [name for name, size in sizes.items() if size is not None]
        if len(told) > 1:
            raise UnreadableAlertError(
                "conflicting_fields",
                f"{' and '.join(told)} all say how much; leave all but one out",
                field=told[1],
            )
        return sizes

    def _prices(self, order_type: str | None) -> tuple[Decimal | None, Decimal | None]:
        """Limit and stop price.

        `price` is one of them only where the order type says so: else it tells at which price the
        strategy saw the market.
        """
        limit_price = self._amount("limit_price", positive=True)
        stop_price = self._amount("stop_price", positive=True)
        if order_type in {"stop", "stop_limit"}:
            stop_price = stop_price or self._amount("stop", positive=True)
        if order_type in {"limit", "stop_limit"} and limit_price is None:
            limit_price = self._amount("price", positive=True)
        if order_type == "stop" and stop_price is None:
            stop_price = self._amount("price", positive=True)
        if order_type in {"limit", "stop_limit"} and limit_price is None:
            raise self._lacking("limit_price", order_type)
        if order_type in {"stop", "stop_limit"} and stop_price is None:
            raise self._lacking("stop_price", order_type)
        if order_type == "market":
            return None, None
        return limit_price, stop_price

    def _stop_loss(self, order_type: str | None) -> Level | None:
        """`stop` is the stop loss, except in an order that is itself a stop."""
        level = self._level("stop_loss")
        if level is None and order_type not in {"stop", "stop_limit"}:
            level = self._level("stop")
        return level

    def _level(self, field: str) -> Level | None:
        text = self._said(field)
        if text is None:
            return None
        value = self._number(field, text.removesuffix("%"), positive=True)
        return Level(value, text.endswith("%"))

    def _amount(
        self, field: str, *, signed: bool = False, positive: bool = False
    ) -> Decimal | None:
        text = self._said(field)
        if text is None:
            return None
        if field == "percent":
            text = text.removesuffix("%")
        return self._number(field, text, signed=signed, positive=positive)

    def _number(
        self, field: str, text: str, *, signed: bool = False, positive: bool = False
    ) -> Decimal:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise self._bad(field, "a number such as 10.5") from None
        digits = len(number.as_tuple().digits)
        if not number.is_finite() or digits > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX:
            raise self._bad(field, "a number such as 10.5")
        if (number < 0 and not signed) or (number == 0 and positive):
            raise self._bad(field, "a number above zero")
        return number

    def _word(self, field: str, words: Mapping[str, Any]) -> Any:
        text = self._said(field)
        if text is None:
            return None
        if plain(text) not in words:
            raise self._bad(field, f"one of {', '.join(words)}")
        return words[plain(text)]

    def _said(self, field: str) -> str | None:
        """The text of a field; a placeholder that TradingView did not fill in is refused."""
        text = self._values.get(field)
        if text is not None and "{{" in text:
            raise UnreadableAlertError(
                "unresolved_placeholder",
                f"{self._fields.names[field]} is still the placeholder {text[:100]}: it is "
                "misspelt, or only strategies have it",
                field=self._fields.names[field],
                value=text[:100],
            )
        return text

    def _bad(self, field: str, wanted: str) -> UnreadableAlertError:
        name = self._fields.names[field]
        return UnreadableAlertError(
            "malformed", f"{name}: give {wanted}", field=name, value=self._values[field][:200]
        )

    def _lacking(self, field: str, order_type: str) -> UnreadableAlertError:
        return UnreadableAlertError(
            "malformed",
            f"a {order_type.replace('_', '-')} order has a {field}; give one",
            field=field,
        )


def _type(order_type: str | None, limit_price: Decimal | None, stop_price: Decimal | None) -> str:
    """The order type, from the prices where it is not said."""
    if order_type is not None:
        return order_type
    if stop_price is not None:
        return "stop" if limit_price is None else "stop_limit"
    return "market" if limit_price is None else "limit"
