"""Objects of the market data API: maps by symbol, in Alpaca's short keys."""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field, RootModel

from papertape.server.models.base import Example, Reply

_TIME = "2026-11-20T10:46:00Z"
_BAR = {
    "t": _TIME,
    "o": 190.4,
    "h": 190.52,
    "l": 190.38,
    "c": 190.48,
    "v": 12400,
    "n": 31,
    "vw": 190.47,
}
_QUOTE = {
    "t": _TIME,
    "bp": 190.47,
    "bs": 300,
    "ap": 190.48,
    "as": 500,
    "bx": "Q",
    "ax": "Q",
    "c": ["R"],
    "z": "C",
}
_TRADE = {
    "t": _TIME,
    "p": 190.48,
    "s": 100,
    "i": 1795171560000000,
    "x": "Q",
    "c": ["@"],
    "z": "C",
}
_BOOK = {"t": _TIME, "b": [{"p": 65000.0, "s": 0.5}], "a": [{"p": 65001.0, "s": 0.4}], "r": True}
_SNAPSHOT = {
    "latestTrade": _TRADE,
    "latestQuote": _QUOTE,
    "minuteBar": _BAR,
    "dailyBar": _BAR,
    "prevDailyBar": None,
}


class Bar(Reply):
    """Open, high, low, close and volume from `t` on, number of trades, and their average price.

    The latter are null where nobody counted, as in the history that a first start begins with.
    """

    model_config = ConfigDict(populate_by_name=True)
    example: ClassVar[Example] = _BAR

    t: str
    o: float
    h: float
    low: float = Field(alias="l")
    c: float
    v: float
    n: int | None
    vw: float | None


class Quote(Reply):
    """Best bid and ask; a side that is empty has price and size zero."""

    example: ClassVar[Example] = _QUOTE

    t: str
    bp: float
    bs: float
    ap: float
    size_of_ask: float = Field(alias="as")
    bx: str | None = None
    ax: str | None = None
    c: list[str] | None = None
    z: str | None = None


class Trade(Reply):
    """A trade; `i` is its id, unique for its symbol, `tks` the side that took (coins only)."""

    example: ClassVar[Example] = _TRADE

    t: str
    p: float
    s: float
    i: int
    x: str | None = None
    c: list[str] | None = None
    z: str | None = None
    tks: str | None = None


class Level(Reply):
    """A price and what stands there."""

    example: ClassVar[Example] = {"p": 65000.0, "s": 0.5}

    p: float
    s: float


class Book(Reply):
    """An order book, the best prices first."""

    example: ClassVar[Example] = _BOOK

    t: str
    b: list[Level]
    a: list[Level]
    r: bool


class Snapshot(Reply):
    """What is known of an asset now; null is what is not."""

    example: ClassVar[Example] = _SNAPSHOT

    latest_trade: Trade | None = Field(alias="latestTrade")
    latest_quote: Quote | None = Field(alias="latestQuote")
    minute_bar: Bar | None = Field(alias="minuteBar")
    daily_bar: Bar | None = Field(alias="dailyBar")
    prev_daily_bar: Bar | None = Field(alias="prevDailyBar")


class BarsReply(Reply):
    """Bars by symbol."""

    example: ClassVar[Example] = {"bars": {"AAPL": [_BAR]}, "next_page_token": None}

    bars: dict[str, list[Bar]]
    next_page_token: str | None


class QuotesReply(Reply):
    """Quotes by symbol."""

    example: ClassVar[Example] = {"quotes": {"AAPL": [_QUOTE]}, "next_page_token": None}

    quotes: dict[str, list[Quote]]
    next_page_token: str | None


class TradesReply(Reply):
    """Trades by symbol."""

    example: ClassVar[Example] = {"trades": {"AAPL": [_TRADE]}, "next_page_token": None}

    trades: dict[str, list[Trade]]
    next_page_token: str | None


class LatestBarsReply(Reply):
    """The newest bar by symbol."""

    example: ClassVar[Example] = {"bars": {"AAPL": _BAR}}

    bars: dict[str, Bar]


class LatestQuotesReply(Reply):
    """The quote by symbol."""

    example: ClassVar[Example] = {"quotes": {"AAPL": _QUOTE}}

    quotes: dict[str, Quote]


class LatestTradesReply(Reply):
    """The last trade by symbol."""

    example: ClassVar[Example] = {"trades": {"AAPL": _TRADE}}

    trades: dict[str, Trade]


class LatestBooksReply(Reply):
    """The order book by symbol."""

    example: ClassVar[Example] = {"orderbooks": {"BTC/USD": _BOOK}}

    orderbooks: dict[str, Book]


class SnapshotsReply(Reply):
    """Snapshots by symbol."""

    example: ClassVar[Example] = {"snapshots": {"BTC/USD": _SNAPSHOT}}

    snapshots: dict[str, Snapshot]


class PlainSnapshotsReply(Reply, RootModel[dict[str, Snapshot]]):
    """Snapshots by symbol, without a key around them."""

    example: ClassVar[Any] = {"AAPL": _SNAPSHOT}


class StockBarsReply(Reply):
    """Bars of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "bars": [_BAR], "next_page_token": None}

    symbol: str
    bars: list[Bar]
    next_page_token: str | None


class StockQuotesReply(Reply):
    """Quotes of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "quotes": [_QUOTE], "next_page_token": None}

    symbol: str
    quotes: list[Quote]
    next_page_token: str | None


class StockTradesReply(Reply):
    """Trades of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "trades": [_TRADE], "next_page_token": None}

    symbol: str
    trades: list[Trade]
    next_page_token: str | None


class StockBarReply(Reply):
    """The newest bar of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "bar": _BAR}

    symbol: str
    bar: Bar


class StockQuoteReply(Reply):
    """The quote of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "quote": _QUOTE}

    symbol: str
    quote: Quote


class StockTradeReply(Reply):
    """The last trade of one stock."""

    example: ClassVar[Example] = {"symbol": "AAPL", "trade": _TRADE}

    symbol: str
    trade: Trade


class StockSnapshotReply(Snapshot):
    """What is known of one stock now; null is what is not."""

    example: ClassVar[Example] = {"symbol": "AAPL"} | _SNAPSHOT

    symbol: str
