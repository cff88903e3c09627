"""The words of alerts: which names mean which field, which values mean what.

Names are compared by their letters and digits, in lower case: `takeProfit`, `take_profit` and
`take-profit` are one name. Sorted by field, the usual name first.
"""

from typing import Literal

Side = Literal["buy", "sell"]
Position = Literal["long", "short", "flat"]
Verb = Literal["order", "open", "close"]

NAMES = {
    "secret": "passphrase secret apikey apitoken password token key",
    "symbol": "ticker symbol",
    "exchange": "exchange",
    "action": "action orderaction signal",
    "side": "side orderside direction",
    "contracts": "contracts quantity qty size amount ordercontracts orderqty q",
    "notional": "notional",
    "percent": "qtypercent percent",
    "market_position": "marketposition sentiment",
    "prev_market_position": "prevmarketposition",
    "market_position_size": "marketpositionsize",
    "prev_market_position_size": "prevmarketpositionsize",
    "position_size": "positionsize",
    "order_type": "ordertype type pricetype",
    "price": "price orderprice p",
    "limit_price": "limitprice limit",
    "stop_price": "stopprice triggerprice",
    "stop": "stop",
    "stop_loss": "sl stoploss slprice stoplossprice stoplossstopprice",
    "stop_loss_limit": "sllimit stoplosslimitprice",
    "take_profit": "tp takeprofit tpprice takeprofitprice takeprofitlimitprice",
    "time_in_force": "tif timeinforce",
    "leverage": "leverage",
    "account": "account accountid accountgroup group",
    "order_id": "orderid id",
    "time": "time timenow timestamp",
    "bar_time": "bartime",
    "strategy": "strategy strategyid strategyname",
    "comment": "comment ordercomment alertmessage orderalertmessage message note",
}
FIELD_OF_NAME = {name: field for field, names in NAMES.items() for name in names.split()}

_VERBS: tuple[tuple[Verb, Side | None, str], ...] = (
    ("order", "buy", "buy long bullish"),
    ("order", "sell", "sell short bearish"),
    ("open", "buy", "enterlong openlong golong longentry entrylong buytoopen"),
    ("open", "sell", "entershort openshort goshort shortentry entryshort selltoopen sellshort"),
    ("open", None, "enter open entry"),
    ("close", "sell", "closelong exitlong longexit selltoclose"),
    ("close", "buy", "closeshort exitshort shortexit cover buytocover buytoclose"),
    ("close", None, "flat close exit flatten closeall exitall closeposition exitposition"),
)
VERBS: dict[str, tuple[Verb, Side | None]] = {
    word: (verb, side) for verb, side, words in _VERBS for word in words.split()
}
"""What an action asks for; the side is that of the order, None where the position decides."""

POSITIONS: dict[str, Position] = {
    "long": "long",
    "bullish": "long",
    "short": "short",
    "bearish": "short",
    "flat": "flat",
}

ORDER_TYPES = {
    "market": "market",
    "mkt": "market",
    "limit": "limit",
    "lmt": "limit",
    "stop": "stop",
    "stp": "stop",
    "stopmarket": "stop",
    "stoplimit": "stop_limit",
}

TIMES_IN_FORCE = {
    "day": "day",
    "gtc": "gtc",
    "goodtilcanceled": "gtc",
    "goodtillcancel": "gtc",
    "ioc": "ioc",
    "immediateorcancel": "ioc",
    "fok": "fok",
    "fillorkill": "fok",
    "opg": "opg",
    "cls": "cls",
}


def plain(name: str) -> str:
    """A name as it is compared."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def field_of(name: str) -> str | None:
    """The field that a name means; `strategy.order.action` is `order.action` of the strategy."""
    compared = plain(name)
    return FIELD_OF_NAME.get(compared) or FIELD_OF_NAME.get(compared.removeprefix("strategy"))
