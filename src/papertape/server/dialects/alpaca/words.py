"""What Alpaca has words for: asset classes, exchanges, order types, ids."""

from uuid import NAMESPACE_URL, UUID, uuid5

PREFIX = "/alpaca"
DATA_PREFIX = "/alpaca-data"
PREFIXES = (PREFIX, DATA_PREFIX)

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:papertape:alpaca")

CLASS_OF = {
    "us_equity": "us_equity",
    "etf": "us_equity",
    "crypto": "crypto",
    "us_option": "us_option",
}
"""Asset classes by ours; what is not here is hidden."""

CURRENCIES = frozenset({"USD", "USDC", "USDT"})
"""Alpaca counts in dollars; what is quoted in anything else is hidden."""

_EXCHANGE_OF = {"XNAS": "NASDAQ", "XNYS": "NYSE"}
_TAPE_OF = {"NASDAQ": "C", "NYSE": "A"}
_CODE_OF = {"NASDAQ": "Q", "NYSE": "N"}

ORDER_TYPES = frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop"})
TIMES_IN_FORCE = frozenset({"day", "gtc", "opg", "cls", "ioc", "fok"})


def exchange_word(exchange: str, asset_class: str) -> str:
    """NASDAQ, NYSE, CRYPTO, or nothing: clients refuse all other words."""
    if asset_class == "crypto":
        return "CRYPTO"
    return _EXCHANGE_OF.get(exchange, "") if asset_class == "us_equity" else ""


def exchange_code(word: str) -> str:
    """The letter of an exchange in market data; nothing for others."""
    return _CODE_OF.get(word, "")


def tape_letter(word: str) -> str:
    """The tape of an exchange in market data; nothing for others."""
    return _TAPE_OF.get(word, "")


def asset_id(symbol: str) -> str:
    """The id of an asset, the same one at every start."""
    return str(uuid5(_NAMESPACE, f"asset {symbol}"))


def replacement_id(order_id: str, number: int) -> str:
    """The id that an order has after its replacement of this number, counted from 1."""
    return str(uuid5(UUID(order_id), f"replacement {number}"))


def activity_id(*parts: object) -> str:
    """The id of what is no order and no fill, such as a line of the ledger."""
    return str(uuid5(_NAMESPACE, " ".join(map(str, parts))))
