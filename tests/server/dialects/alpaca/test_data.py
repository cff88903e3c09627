"""Market data through the real clients of Alpaca."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from papertape.markets.bars import Bar
from papertape.markets.store import BarStore
from server.conftest import wait_until
from server.dialects.alpaca.conftest import bot_of
from server.dialects.alpaca.test_orders import market

COIN = "BTC/USD"
MINUTE_NS = 60 * 10**9
FRIDAY = datetime(2026, 7, 31, 13, 30, tzinfo=UTC)  # 9:30 in New York
NOW = datetime.now(UTC)


def keep(product, symbol: str, starts: list[datetime]) -> None:
    """One-minute bars of these times, at 100, 101, ..., each of a volume of 10."""
    store = BarStore(product.folder / "bars")
    bars = []
    for number, start in enumerate(starts):
        price = f"{100 + number}.00"
        turnover = f"{(100 + number) * 10}"
        bars.append(Bar(int(start.timestamp()) * 10**9, *[price] * 4, "10", number % 3, turnover))
    store.backfill(symbol, bars)
    store.close()


@pytest.fixture(scope="module")
def charted(product) -> str:
    """A stock with ten minutes on a Friday and ten on the Monday after, in another month."""
    symbol = product.stock()
    monday = FRIDAY + timedelta(days=3)
    keep(
        product, symbol, [day + timedelta(minutes=m) for day in (FRIDAY, monday) for m in range(10)]
    )
    return symbol


TIMEFRAMES = [
    (TimeFrame.Minute, 20, FRIDAY, 100, 100),
    (TimeFrame(5, TimeFrameUnit.Minute), 4, FRIDAY, 104, 104),
    (TimeFrame.Hour, 2, FRIDAY.replace(minute=0), 109, 109),
    (TimeFrame.Day, 2, datetime(2026, 7, 31, 4, tzinfo=UTC), 109, 109),
    (TimeFrame.Week, 2, datetime(2026, 7, 27, 4, tzinfo=UTC), 109, 109),
    (TimeFrame.Month, 2, datetime(2026, 7, 1, 4, tzinfo=UTC), 109, 109),
]


@pytest.mark.parametrize(("timeframe", "count", "begins", "high", "close"), TIMEFRAMES, ids=str)
def test_bars_of_every_timeframe(bot, charted, timeframe, count, begins, high, close) -> None:
    asked = StockBarsRequest(
        symbol_or_symbols=charted,
        timeframe=timeframe,
        start=datetime(2026, 7, 1, tzinfo=UTC),
        end=datetime(2026, 8, 30, tzinfo=UTC),
    )
    bars = bot.stocks.get_stock_bars(asked).data[charted]
    assert len(bars) == count
    first = bars[0]
    assert (first.timestamp, first.open, first.high, first.close) == (begins, 100, high, close)
    assert sum(bar.volume for bar in bars) == 200
    assert sum(bar.trade_count for bar in bars) == sum(number % 3 for number in range(20))
    assert first.vwap == (100 + high) / 2


def test_bars_are_cut_by_time_limit_and_direction(bot, product, charted) -> None:
    def opens(**asked):
        url = product.url("/alpaca-data/v2/stocks/bars")
        query = {"symbols": charted, "start": FRIDAY.isoformat(), **asked}
        reply = product.anyone.get(url, params=query, headers=bot.headers)
        assert reply.status_code == 200, reply.text
        content = reply.json()
        return [bar["o"] for bar in content["bars"].get(charted, [])], content["next_page_token"]

    end = (FRIDAY + timedelta(minutes=2)).isoformat()
    assert opens(end=end) == ([100, 101, 102], None)
    assert opens(end=end, sort="desc") == ([102, 101, 100], None)
    day, before = FRIDAY.date(), FRIDAY.date() - timedelta(days=1)
    assert opens(start=f"{day}", end=f"{day}") == ([*range(100, 110)], None)
    assert opens(start=f"{before}", end=f"{before}") == ([], None)
    assert len(opens(end="9999-12-31")[0]) == 20
    first, token = opens(limit=8)
    assert first == list(range(100, 108))
    second, token = opens(limit=8, page_token=token)
    assert second == list(range(108, 116))
    assert opens(limit=8, page_token=token) == (list(range(116, 120)), None)
    newest, token = opens(limit=3, sort="desc")
    assert newest == [119, 118, 117]
    assert opens(limit=2, sort="desc", page_token=token)[0] == [116, 115]


def test_bars_of_several_symbols_are_paged_through(bot, product) -> None:
    symbols = [product.stock() for _ in range(3)]
    for symbol in symbols:
        keep(product, symbol, [FRIDAY + timedelta(minutes=m) for m in range(5)])
    url = product.url("/alpaca-data/v2/stocks/bars")
    query = {"symbols": ",".join(symbols), "start": "2026-07-31", "limit": 4}
    found: dict[str, list] = {}
    token, pages = None, 0
    while pages == 0 or token:
        more = {"page_token": token} if token else {}
        reply = product.anyone.get(url, params=query | more, headers=bot.headers).json()
        for symbol, bars in reply["bars"].items():
            found.setdefault(symbol, []).extend(bar["o"] for bar in bars)
        token, pages = reply["next_page_token"], pages + 1
    assert found == {symbol: [100, 101, 102, 103, 104] for symbol in symbols}
    assert pages == 4


def test_stock_prices_of_now(bot, product) -> None:
    symbol = product.stock()
    bot.trading.submit_order(market(symbol))
    quote = bot.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbol))
    assert (quote[symbol].bid_price, quote[symbol].ask_price) == (9.99, 10.01)
    trade = bot.stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbol))
    assert (trade[symbol].price, trade[symbol].size) == (10.01, 10)
    trades = bot.stocks.get_stock_trades(StockTradesRequest(symbol_or_symbols=symbol))
    assert [one.price for one in trades.data[symbol]] == [10.01]
    quotes = bot.stocks.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=symbol))
    assert quotes.data[symbol][-1].bid_price == 9.99
    nothing = StockTradesRequest(
        symbol_or_symbols=symbol, start=NOW - timedelta(days=2), end=NOW - timedelta(days=1)
    )
    assert bot.stocks.get_stock_trades(nothing).data == {}
    assert bot.stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbol)) == {}


def list_of(product, bot, kind: str, symbols: str, **asked) -> tuple[dict[str, list], str | None]:
    """A page of quotes or trades, and the token of the next one."""
    url = product.url(f"/alpaca-data/v2/stocks/{kind}")
    query = {"symbols": symbols, **asked}
    reply = product.anyone.get(url, params=query, headers=bot.headers)
    assert reply.status_code == 200, reply.text
    return reply.json()[kind], reply.json()["next_page_token"]


def all_of(product, bot, kind: str, symbols: str, **asked) -> tuple[dict[str, list], int]:
    """All pages joined, and how many they are."""
    found: dict[str, list] = {}
    token, pages = None, 0
    while pages == 0 or token:
        more = {"page_token": token} if token else {}
        page, token = list_of(product, bot, kind, symbols, **asked, **more)
        for symbol, items in page.items():
            found.setdefault(symbol, []).extend(items)
        pages += 1
    return found, pages


def test_trades_of_the_past_are_all_there_and_paged_through(bot, product) -> None:
    first, second = product.stock(size="100000"), product.stock(size="100000")
    for symbol in (first, second):
        prints = [
            {"kind": "trade", "symbol": symbol, "price": "10.00", "qty": str(n + 1)}
            for n in range(70)
        ]
        for batch in (prints[:30], prints[30:]):
            product.feed(*batch)
    both = f"{first},{second}"

    def counts() -> list[int]:
        return [len(items) for items in all_of(product, bot, "trades", both)[0].values()]

    wait_until(lambda: counts() == [70, 70])
    found, pages = all_of(product, bot, "trades", both, limit=25)
    assert pages == 6
    for symbol in (first, second):
        assert [one["s"] for one in found[symbol]] == list(range(1, 71))
        assert len({one["i"] for one in found[symbol]}) == 70
    backwards, _ = all_of(product, bot, "trades", both, limit=33, sort="desc")
    assert backwards == {symbol: items[::-1] for symbol, items in found.items()}
    middle = found[first][30]["t"]
    later, token = list_of(product, bot, "trades", first, start=middle)
    assert ([one["s"] for one in later[first]], token) == (list(range(31, 71)), None)
    earlier, _ = list_of(product, bot, "trades", first, end=found[first][29]["t"])
    assert len(earlier[first]) == 30
    real = bot.stocks.get_stock_trades(StockTradesRequest(symbol_or_symbols=[first, second]))
    assert [one.id for one in real.data[second]] == [one["i"] for one in found[second]]


def test_quotes_of_the_past_are_told_in_their_order(bot, product) -> None:
    symbol = product.stock("9.00", "10.01")
    bids = [f"9.{cents:02d}" for cents in range(10, 40, 3)]

    def told(**asked) -> list[str]:
        return [
            f"{one['bp']:.2f}"
            for one in list_of(product, bot, "quotes", symbol, **asked)[0][symbol]
        ]

    for bid in bids:
        product.quote(symbol, bid, "10.01")
        wait_until(lambda bid=bid: told()[-1] == bid)
        time.sleep(0.03)
    wait_until(lambda: told()[1:] == bids)
    assert told(sort="desc", limit=3) == bids[::-1][:3]
    assert [
        f"{one['bp']:.2f}" for one in all_of(product, bot, "quotes", symbol, limit=4)[0][symbol]
    ] == [
        "9.00",
        *bids,
    ]


def test_the_past_and_what_bars_are_made_of_survive_a_restart(serve) -> None:
    before = serve()
    symbol = before.stock()
    bot = bot_of(before, before.trader())
    bot.trading.submit_order(market(symbol))
    wait_until(lambda: len(list(before.folder.glob(f"ticks/{symbol}/trades/*.tail"))) == 1)
    keep(before, symbol, [FRIDAY])
    wait_until(lambda: list_of(before, bot, "trades", symbol)[0])
    told = list_of(before, bot, "trades", symbol)
    before.running.stop()

    after = serve(before.folder)
    again = bot_of(after, after.login(bot.trader.name))
    assert list_of(after, again, "trades", symbol) == told
    latest = again.stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbol))
    assert (latest[symbol].price, latest[symbol].size) == (10.01, 10)
    assert [one["bp"] for one in list_of(after, again, "quotes", symbol)[0][symbol]][:1] == [9.99]


def test_a_snapshot_has_the_day_and_the_one_before(bot, product) -> None:
    symbol = product.stock()
    keep(product, symbol, [NOW - timedelta(days=1), NOW - timedelta(minutes=2)])
    asked = StockSnapshotRequest(symbol_or_symbols=symbol)
    snapshot = bot.stocks.get_stock_snapshot(asked)[symbol]
    assert snapshot.minute_bar.close == snapshot.daily_bar.close == 101
    assert snapshot.previous_daily_bar.close == 100
    assert (snapshot.latest_quote.bid_price, snapshot.latest_trade) == (9.99, None)
    latest = bot.stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbol))
    assert latest[symbol].close == 101


def test_one_stock_is_told_as_it_is_among_several(bot, product) -> None:
    symbol, quiet = product.stock(), product.stock()
    keep(product, symbol, [NOW - timedelta(minutes=m) for m in (4, 3, 2)])
    bot.trading.submit_order(market(symbol))

    def get(path: str, **query: str):
        url = product.url(f"/alpaca-data/v2/stocks/{path}")
        return product.anyone.get(url, params=query, headers=bot.headers)

    day = {"start": (NOW - timedelta(days=2)).isoformat(), "limit": "2"}
    for kind in ("bars", "quotes", "trades"):
        query = day | ({"timeframe": "1Min"} if kind == "bars" else {})
        one, several = get(f"{symbol}/{kind}", **query), get(kind, symbols=symbol, **query)
        expected = several.json()
        assert one.json() == expected | {"symbol": symbol, kind: expected[kind][symbol]}
        assert one.json()[kind]
        latest, known = get(f"{symbol}/{kind}/latest"), get(f"{kind}/latest", symbols=symbol)
        assert latest.json() == {"symbol": symbol, kind[:-1]: known.json()[kind][symbol]}
    token = get(f"{symbol}/bars", timeframe="1Min", **day).json()["next_page_token"]
    rest = get(f"{symbol}/bars", timeframe="1Min", page_token=token, **day).json()
    assert (len(rest["bars"]), rest["next_page_token"]) == (1, None)
    snapshot = get("snapshots", symbols=symbol).json()[symbol]
    assert get(f"{symbol.lower()}/snapshot").status_code == 404
    assert get(f"{symbol}/snapshot").json() == {"symbol": symbol} | snapshot
    assert get(f"{quiet}/bars").json() == {"symbol": quiet, "bars": [], "next_page_token": None}
    for lost in (f"{quiet}/trades/latest", f"{symbol},{quiet}/bars", "NOPE/snapshot"):
        told = get(lost)
        assert (told.status_code, told.json()["code"]) == (404, 40410000)
    assert get(f"{symbol}/bars", limit="0").status_code == 422
    bare = product.anyone.get(product.url(f"/alpaca-data/v2/stocks/{symbol}/bars"))
    assert bare.status_code == 401


def test_coins_are_open_to_all(bot, product) -> None:
    product.quote(COIN, "65000.00", "65001.00", "5")
    keep(product, COIN, [NOW - timedelta(days=1), NOW - timedelta(minutes=2)])
    bot.trading.submit_order(market(COIN, qty=0.5, tif="gtc"))
    coins = bot.coins
    day = CryptoBarsRequest(
        symbol_or_symbols=COIN, timeframe=TimeFrame.Day, start=NOW - timedelta(days=3)
    )
    bars = coins.get_crypto_bars(day).data[COIN]
    assert {(bar.timestamp.hour, bar.timestamp.minute) for bar in bars} == {(0, 0)}
    latest = [
        coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=COIN)),
        coins.get_crypto_latest_trade(CryptoLatestTradeRequest(symbol_or_symbols=COIN)),
        coins.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols=COIN)),
        coins.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(symbol_or_symbols=COIN)),
        coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=COIN)),
    ]
    quote, trade, bar, book, snapshot = (one[COIN] for one in latest)
    assert (quote.bid_price, quote.ask_size) == (65000, 5)
    assert (trade.price, trade.size) == (65001, 0.5)
    assert bar.close == 101
    assert (book.bids[0].price, book.asks[0].size) == (65000, 4.5)
    assert snapshot.latest_trade == trade
    trades = coins.get_crypto_trades(CryptoTradesRequest(symbol_or_symbols=COIN))
    assert trades.data[COIN][-1] == trade
    quotes = coins.get_crypto_quotes(CryptoQuoteRequest(symbol_or_symbols=COIN))
    assert quotes.data[COIN][-1] == quote


def test_bars_are_adjusted_for_what_happened_since(bot, product) -> None:
    symbol = product.stock("9.99", "10.01")
    keep(product, symbol, [NOW - timedelta(days=1)])  # 10 shares at 100
    other = product.stock()
    keep(product, other, [NOW - timedelta(days=1)])
    action = {"kind": "corporate_action", "symbol": symbol}
    product.feed(action | {"action_id": "d", "action": "cash_dividend", "amount": "1"})
    product.feed(action | {"action_id": "s", "action": "split", "new": 4, "old": 1})

    def told(adjustment, of=symbol):
        asked = StockBarsRequest(
            symbol_or_symbols=of,
            timeframe=TimeFrame.Day,
            start=NOW - timedelta(days=3),
            adjustment=adjustment,
        )
        bar = bot.stocks.get_stock_bars(asked).data[of][0]
        return bar.close, bar.volume, bar.vwap

    assert told("raw") == (100, 10, 100)
    assert told("split") == (25, 40, 25)
    assert told("dividend") == (99, 10, 99)
    assert told("all") == (24.75, 40, 24.75)
    assert told("all", other) == (100, 10, 100)


REFUSED = [
    {"timeframe": "7Day"},
    {"adjustment": "upwards"},
    {"currency": "EUR"},
    {"page_token": "x"},
    {"start": "yesterday"},
    {"limit": 0},
]


@pytest.mark.parametrize("asked", REFUSED, ids=lambda one: next(iter(one)))
def test_what_cannot_be_served_is_refused(bot, product, charted, asked) -> None:
    url = product.url("/alpaca-data/v2/stocks/bars")
    query = {"symbols": charted, **asked}
    response = product.anyone.get(url, params=query, headers=bot.headers)
    assert (response.status_code, response.json()["code"]) == (422, 40010001)
    assert next(iter(asked)) in response.json()["message"]
