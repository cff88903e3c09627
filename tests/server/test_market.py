"""Instruments, quotes, bars and the book; open to all, no token needed."""

import pytest

from papertape.markets.bars import Bar
from papertape.markets.calendars import CalendarSessions
from papertape.server.models.market import (
    BarReply,
    BookReply,
    ExchangeReply,
    InstrumentReply,
    QuoteReply,
    SessionReply,
    SummaryReply,
)
from papertape.server.summary import imbalance_of, summary_of
from server.conftest import wait_until
from server.shapes import has_the_shape_of

MINUTE_NS = 60 * 10**9
NOON = 1_700_049_600 * 10**9
"""2023-11-15T12:00:00Z."""


def get(product, path: str, status: int = 200):
    response = product.anyone.get(path)
    assert response.status_code == status, response.text
    return response.json()


def test_instruments_are_sorted_and_searched(product) -> None:
    items = get(product, "/instruments")["items"]
    symbols = [item["symbol"] for item in items]
    assert symbols == sorted(symbols)
    assert has_the_shape_of(items[0], InstrumentReply)
    for query, expected in [
        ("BTC", ["BTC/USD"]),
        ("btcusd", ["BTC/USD"]),
        ("bitcoin", ["BTC/USD"]),
        (" Acme149 w", ["ACME149"]),
        ("nothing", []),
    ]:
        found = get(product, f"/instruments?query={query}")["items"]
        assert [item["symbol"] for item in found] == expected
    get(product, "/instruments?query=" + "x" * 101, 422)


def test_a_quote_is_the_best_bid_and_ask(product, stock) -> None:
    quote = get(product, f"/market/{stock}/quote")
    assert has_the_shape_of(quote, QuoteReply)
    assert (quote["symbol"], quote["bid"], quote["ask"]) == (stock, "9.99", "10.01")
    assert (quote["bid_size"], quote["ask_size"], quote["last"]) == ("100", "100", None)
    product.feed({"kind": "trade", "symbol": stock, "price": "10.00", "qty": "5"})
    assert get(product, f"/market/{stock}/quote")["last"] == "10.00"


def test_exchanges_say_which_part_of_the_day_it_is(product, stock) -> None:
    name = get(product, f"/instruments?query={stock}")["items"][0]["exchange"]

    def exchange():
        (found,) = (it for it in get(product, "/exchanges")["items"] if it["exchange"] == name)
        assert has_the_shape_of(found, ExchangeReply)
        return found

    assert exchange()["state"] == "open"
    session = {"kind": "session", "exchange": name, "next_open_ns": 10**18}
    product.feed(session | {"state": "auction", "auction": "close"})
    assert (exchange()["state"], exchange()["auction"]) == ("auction", "close")
    assert exchange()["next_open"] == "2001-09-09T01:46:40.000000000Z"
    assert get(product, f"/market/{stock}/quote")["auction"] == "close"
    product.feed(session | {"state": "open"})
    assert exchange()["state"] == "open"


def test_a_halted_instrument_says_why(product, stock) -> None:
    product.feed({"kind": "halt", "symbol": stock, "reason": "news pending"})
    (found, *_) = get(product, f"/instruments?query={stock}")["items"]
    assert (found["status"], found["halt_reason"]) == ("halted", "news pending")
    product.feed({"kind": "resume", "symbol": stock})


def test_a_stock_without_a_quote_says_so(product) -> None:
    quote = get(product, "/market/ACME149/quote")
    assert (quote["symbol"], quote["bid"], quote["ask"]) == ("ACME149", None, None)


@pytest.mark.parametrize("symbol", ["BTC/USD", "BTC%2FUSD", "BTCUSD"])
@pytest.mark.parametrize("path", ["/market/{}/quote", "/market/{}/bars", "/orderbook/{}"])
def test_a_pair_is_found_with_or_without_its_slash(product, path: str, symbol: str) -> None:
    product.quote("BTC/USD", "50000", "50001")
    assert get(product, path.format(symbol)).get("symbol", "BTC/USD") == "BTC/USD"


@pytest.mark.parametrize("symbol", ["NOPE", "btcusd", "BTC//USD", "..", "A" * 300, "%00"])
@pytest.mark.parametrize("path", ["/market/{}/quote", "/market/{}/bars", "/orderbook/{}"])
def test_an_unknown_symbol_is_not_found(product, path: str, symbol: str) -> None:
    assert get(product, path.format(symbol), 404)["reason"] == "not_found"


def test_the_book_shows_users_and_the_street(product, alice, stock) -> None:
    alice.order(symbol=stock, limit_price="9.50", qty="7")
    book = get(product, f"/orderbook/{stock}")
    assert set(book) == set(BookReply.model_fields)
    assert book["bids"] == [["9.99", "100", 1], ["9.50", "7", 1]]
    assert book["asks"] == [["10.01", "100", 1]]
    assert book["as_of_seq"] > 0
    assert get(product, f"/orderbook/{stock}?depth=1")["bids"] == [["9.99", "100", 1]]


@pytest.mark.parametrize("depth", ["0", "-1", "101", "x", "1.5"])
def test_a_depth_out_of_bounds_is_refused(product, stock, depth: str) -> None:
    assert get(product, f"/orderbook/{stock}?depth={depth}", 422)["field"] == "depth"


# --- bars ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def charted(product) -> str:
    """A stock with ten one-minute bars from noon on, prices 100 to 109."""
    from papertape.markets.store import BarStore

    store = BarStore(product.folder / "bars")
    for minute in range(10):
        price = f"{100 + minute}.00"
        turnover = f"{500 + 5 * minute}"
        store.append("ACME148", Bar(NOON + minute * MINUTE_NS, *[price] * 4, "5", 2, turnover))
    store.close()
    return "ACME148"


def test_bars_have_the_shape_of_the_wire(product, charted) -> None:
    (bar,) = get(product, f"/market/{charted}/bars?limit=1")["items"]
    assert set(bar) == set(BarReply.model_fields)
    assert bar == {
        "time": "2023-11-15T12:09:00.000000000Z",
        "open": "109.00",
        "high": "109.00",
        "low": "109.00",
        "close": "109.00",
        "volume": "5",
        "trades": 2,
        "turnover": "545",
        "vwap": "109",
    }


@pytest.mark.parametrize(
    ("query", "opens"),
    [
        ("", range(100, 110)),
        ("limit=3", range(107, 110)),
        ("start=2023-11-15T12:04:00Z", range(104, 110)),
        ("start=2023-11-15T12:04:00Z&limit=2", range(104, 106)),
        ("start=2023-11-15T13:04:00%2B01:00&limit=1", [104]),
        ("start=2023-11-15T13:04:00+01:00&limit=1", [104]),
        ("end=2023-11-15T12:03:00Z", range(100, 103)),
        ("start=2023-11-15T12:04:00Z&end=2023-11-15T12:06:00.000000001Z", range(104, 107)),
        ("start=2023-11-15", range(100, 110)),
        ("start=2023-11-16", []),
        ("start=9999-12-31", []),
        ("start=0001-01-01", range(100, 110)),
        ("end=9999-12-31T23:59:59Z", range(100, 110)),
        ("end=0001-01-01T00:00:00Z", []),
        ("end=2023-11-15", range(100, 110)),
        ("end=2023-11-14", []),
        ("timeframe=5m", [100, 105]),
        ("timeframe=5m&limit=1", [105]),
        ("timeframe=5m&start=2023-11-15T12:01:00Z&limit=1", [105]),
        ("timeframe=15m", [100]),
        ("timeframe=1h", [100]),
        ("timeframe=1d", [100]),
    ],
)
def test_bars_are_chosen_by_time_and_limit(product, charted, query: str, opens) -> None:
    bars = get(product, f"/market/{charted}/bars?{query}")["items"]
    assert [bar["open"] for bar in bars] == [f"{price}.00" for price in opens]
    assert [bar["time"] for bar in bars] == sorted(bar["time"] for bar in bars)


@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ("limit=4", [range(106, 110), range(102, 106), range(100, 102)]),
        ("limit=5", [range(105, 110), range(100, 105)]),
        ("end=2023-11-15T12:03:00Z&limit=2", [[101, 102], [100]]),
        ("start=2023-11-15T12:04:00Z&limit=4", [range(104, 108), range(108, 110)]),
        ("start=2023-11-15T12:04:00Z&limit=3", [range(104, 107), range(107, 110)]),
        ("start=2023-11-15&end=2023-11-15T12:03:00Z&limit=2", [[100, 101], [102]]),
        ("timeframe=5m&limit=1", [[105], [100]]),
        ("timeframe=5m&start=2023-11-15&limit=1", [[100], [105]]),
        ("start=2023-11-16&limit=2", [[]]),
        ("cursor=OTk5OS0xMi0zMVQyMzo1OTo1OVo&end=2023-11-15T12:01:00Z", [[100]]),
        ("cursor=OTk5OS0xMi0zMVQyMzo1OTo1OVo&start=2023-11-15T12:01:00Z", [[]]),
    ],
)
def test_bars_go_on_behind_a_cursor(product, charted, query: str, pages) -> None:
    found, more = [], ""
    while more is not None:
        page = get(product, f"/market/{charted}/bars?{query}{more}")
        found.append([bar["open"] for bar in page["items"]])
        more = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == [[f"{price}.00" for price in opens] for opens in pages]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=%C3%A4",
        "cursor=bm9uZQ",
        "timeframe=2m",
        "timeframe=1M",
        "timeframe=",
        "limit=0",
        "limit=10001",
        "limit=many",
        "start=yesterday",
        "start=2023-13-45",
        "start=2023-11-15T25:00:00Z",
        "start=2023-11-15T12:00:00",
        "end=1700000000",
        "start=" + "9" * 50,
    ],
)
def test_bad_queries_for_bars_are_refused_by_their_field(product, charted, query: str) -> None:
    problem = get(product, f"/market/{charted}/bars?{query}", 422)
    assert problem["field"] == query.partition("=")[0]


def test_the_minute_that_is_still_forming_is_the_last_bar(product, stock) -> None:
    for price in ("10.00", "10.40", "9.80", "10.10"):
        product.feed({"kind": "trade", "symbol": stock, "price": price, "qty": "2"})
    for timeframe in ("1m", "5m", "1d"):
        bars = get(product, f"/market/{stock}/bars?timeframe={timeframe}")["items"]
        lows, highs = [bar["low"] for bar in bars], [bar["high"] for bar in bars]
        assert (min(lows, key=float), max(highs, key=float)) == ("9.80", "10.40")
        assert sum(float(bar["volume"]) for bar in bars) == 8


def test_instruments_are_filtered_and_paged(product) -> None:
    for query, count in (
        ("sector=technology", 150),
        ("asset_class=crypto", 1),
        ("exchange=XTST&sector=Crypto", 1),
        ("exchange=NONE", 0),
    ):
        assert len(get(product, f"/instruments?{query}")["items"]) == count, query
    symbols = [item["symbol"] for item in get(product, "/instruments")["items"]]
    found, query = [], "/instruments?limit=70"
    while query:
        page = get(product, query)
        found += [item["symbol"] for item in page["items"]]
        cursor = page["next_cursor"]
        query = f"/instruments?limit=70&cursor={cursor}" if cursor else ""
    assert found == symbols
    assert get(product, "/instruments?cursor=%C3%A4", 422)["field"] == "cursor"


def test_one_instrument_and_one_exchange_are_found_by_name(product) -> None:
    for name in ("BTC/USD", "BTC%2FUSD", "BTCUSD"):
        found = get(product, f"/instruments/{name}")
        assert has_the_shape_of(found, InstrumentReply)
        assert found["symbol"] == "BTC/USD"
    get(product, "/instruments/NONE", 404)
    assert has_the_shape_of(get(product, "/exchanges/XTST"), ExchangeReply)
    get(product, "/exchanges/NONE", 404)


def test_an_exchange_that_never_closes_has_whole_days(product) -> None:
    page = get(product, "/sessions?exchange=XTST&start=2026-11-20&end=2026-11-22&limit=2")
    assert has_the_shape_of(page["items"][0], SessionReply)
    assert [one["date"] for one in page["items"]] == ["2026-11-20", "2026-11-21"]
    cursor = page["next_cursor"]
    rest = get(product, f"/sessions?exchange=XTST&start=2026-11-20&end=2026-11-22&cursor={cursor}")
    assert [one["date"] for one in rest["items"]] == ["2026-11-22"]
    assert (rest["items"][0]["open"], rest["next_cursor"]) == (
        "2026-11-22T00:00:00.000000000Z",
        None,
    )
    assert len(get(product, "/sessions")["items"]) == 15, "fourteen days, and the rest of this one"
    for query in (
        "exchange=NONE",
        "start=x",
        "end=2026-13-01",
        "cursor=%C3%A4",
        "cursor=",
        "cursor=eA",
        "limit=0",
    ):
        get(product, f"/sessions?{query}", 404 if query == "exchange=NONE" else 422)


def test_sessions_follow_the_calendar_of_the_exchange(serve) -> None:
    product = serve(sessions_of=lambda _: CalendarSessions("XNYS"))
    items = get(product, "/sessions?exchange=XTST&start=2026-11-25&end=2026-11-28")["items"]
    assert [(one["date"], one["open"][11:16], one["close"][11:16]) for one in items] == [
        ("2026-11-25", "14:30", "21:00"),
        ("2026-11-27", "14:30", "18:00"),
    ], "Thanksgiving, and half a day after it"
    assert (items[0]["pre_market_open"][11:16], items[0]["auctions"]) == ("09:00", True)


def test_a_summary_tells_the_day(product, stock) -> None:
    path = f"/instruments/{stock}/summary"
    empty = get(product, path)
    assert has_the_shape_of(empty, SummaryReply)
    assert (empty["last"], empty["open"], empty["volume"]) == (None, None, "0")
    assert (empty["spread"], empty["spread_share"], empty["imbalance"]) == ("0.02", "0.002", "0")
    for price, qty in (("10.00", "5"), ("10.20", "7"), ("9.80", "3"), ("10.10", "1")):
        product.feed({"kind": "trade", "symbol": stock, "price": price, "qty": qty})
    wait_until(lambda: get(product, path)["volume"] == "16")
    told = get(product, path)
    assert [told[name] for name in ("open", "high", "low", "last")] == [
        "10.00",
        "10.20",
        "9.80",
        "10.10",
    ]
    assert (told["change"], told["change_share"]) == ("0.1", "0.01")
    several = get(product, f"/market/summary?symbols={stock},BTCUSD,NONE")["items"]
    assert [one["symbol"] for one in several] == [stock, "BTC/USD"]
    page = get(product, "/market/summary?limit=3")
    assert len(page["items"]) == 3
    following = get(product, f"/market/summary?limit=3&cursor={page['next_cursor']}")["items"]
    assert following[0]["symbol"] > page["items"][-1]["symbol"]
    get(product, "/instruments/NONE/summary", 404)


def test_a_change_counts_from_the_close_of_the_day_before() -> None:
    names = ("bid", "ask", "bid_size", "ask_size", "last", "time")
    quote = dict.fromkeys(names) | {"symbol": "S", "last": "110"}
    bar = {"open": "101", "high": "112", "low": "99", "volume": "7"}
    before = bar | {"time": "2023-11-14T00:00:00.000000000Z", "close": "100"}
    today = bar | {"time": "2023-11-15T00:00:00.000000000Z", "close": "109"}
    for days, now_ns, expected in (
        ([before, today], NOON, ("101", "100", "10", "0.1", "7")),
        ([today], NOON, ("101", None, "9", "0.089109", "7")),
        ([before, today], NOON + 24 * 60 * MINUTE_NS, (None, "109", "1", "0.009174", "0")),
        ([], NOON, (None, None, None, None, "0")),
    ):
        told = summary_of(quote, days, now_ns)
        found = tuple(
            told[name] for name in ("open", "previous_close", "change", "change_share", "volume")
        )
        assert found == expected
    assert [imbalance_of(*sizes) for sizes in (("3", "1"), (None, "2"), (None, None))] == [
        "0.5",
        "-1",
        None,
    ]
