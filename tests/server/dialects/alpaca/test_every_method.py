"""Every public method of alpaca-py's clients answers: nothing that a bot may call is forgotten.

The tables are compared with what the installed classes have, so that a method of a newer release
fails here until somebody says what it shall do.
"""

import inspect
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from alpaca.data.enums import CorporateActionsType, MarketType, MostActivesBy
from alpaca.data.historical import (
    CryptoHistoricalDataClient,
    NewsClient,
    OptionHistoricalDataClient,
    ScreenerClient,
    StockHistoricalDataClient,
)
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoBarsRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoQuoteRequest,
    CryptoTradesRequest,
    MarketMoversRequest,
    MostActivesRequest,
    NewsRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    OptionTradesRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockQuotesRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    ReplaceOrderRequest,
    UpdateWatchlistRequest,
)
from alpaca.trading.stream import TradingStream

from server.conftest import wait_until
from server.dialects.alpaca.test_orders import limit, market, refusal
from server.dialects.alpaca.test_streams import Heard, running

COIN = "BTC/USD"
NOW = datetime.now(UTC)
NOBODY = UUID(int=4)
TRANSPORT = {"get", "post", "put", "patch", "delete", "response_wrapper"}
"""What the other methods are made of."""


def public_methods(of: type) -> set[str]:
    found = inspect.getmembers(of, callable)
    return {name for name, _ in found if not name.startswith("_")} - TRANSPORT


class Scene:
    """A bot that holds a stock and a coin, with an order that rests and a watchlist."""

    def __init__(self, product: Any, bot: Any) -> None:
        self.product, self.bot, self.trading = product, bot, bot.trading
        self.stock = product.stock()
        product.quote(COIN, "65000.00", "65001.00", "5")
        self.trading.submit_order(market(self.stock, qty=5))
        self.trading.submit_order(market(COIN, qty=0.1, tif="gtc"))
        self.order = self.trading.submit_order(limit(self.stock, client_order_id="rests"))
        made = CreateWatchlistRequest(name="Mine", symbols=[self.stock])
        self.watchlist = self.trading.create_watchlist(made).id
        split = {"kind": "corporate_action", "action": "split", "new": 2, "old": 1}
        product.feed(split | {"symbol": self.stock, "action_id": f"split {self.stock}"})

    def announcements(self) -> list[Any]:
        today = NOW.date()
        around = {"since": today - timedelta(days=2), "until": today + timedelta(days=2)}
        asked = GetCorporateAnnouncementsRequest(ca_types=["split"], symbol=self.stock, **around)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return self.trading.get_corporate_announcements(asked)

    def announcement(self) -> Any:
        (one,) = self.announcements()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return self.trading.get_corporate_announcement_by_id(one.id)


@pytest.fixture(scope="module")
def scene(product) -> Scene:
    from server.dialects.alpaca.conftest import bot_of

    return Scene(product, bot_of(product, product.trader()))


# --- TradingClient, in an order in which each finds what it needs ---------------------------------

TRADING: dict[str, Callable[[Scene], Any]] = {
    "get_account": lambda it: it.trading.get_account().buying_power,
    "get_account_configurations": lambda it: it.trading.get_account_configurations(),
    "set_account_configurations": lambda it: it.trading.set_account_configurations(
        it.trading.get_account_configurations()
    ),
    "get_portfolio_history": lambda it: (
        it.trading.get_portfolio_history(
            GetPortfolioHistoryRequest(period="1D", timeframe="1Min")
        ).timeframe
    ),
    "get_all_assets": lambda it: it.trading.get_all_assets(GetAssetsRequest(status="active")),
    "get_asset": lambda it: it.trading.get_asset(it.stock).symbol == it.stock,
    "get_clock": lambda it: it.trading.get_clock().next_open,
    "get_calendar": lambda it: it.trading.get_calendar(
        GetCalendarRequest(start=date(2026, 11, 2), end=date(2026, 11, 6))
    )[4],
    "submit_order": lambda it: it.trading.submit_order(limit(it.stock)).id,
    "get_orders": lambda it: it.trading.get_orders(GetOrdersRequest(status="all"))[1],
    "get_order_by_id": lambda it: (
        it.trading.get_order_by_id(it.order.id, GetOrderByIdRequest(nested=True)).symbol
    ),
    "get_order_by_client_id": lambda it: it.trading.get_order_by_client_id("rests").id,
    "replace_order_by_id": lambda it: (
        it.trading.replace_order_by_id(it.order.id, ReplaceOrderRequest(limit_price=3.5)).replaces
    ),
    "cancel_order_by_id": lambda it: (
        it.trading.cancel_order_by_id(it.trading.get_orders()[0].id) is None
    ),
    "cancel_orders": lambda it: it.trading.cancel_orders()[0].status == 200,
    "get_all_positions": lambda it: it.trading.get_all_positions()[1],
    "get_open_position": lambda it: it.trading.get_open_position(it.stock).qty,
    "close_position": lambda it: (
        it.trading.close_position(it.stock, ClosePositionRequest(qty="1")).id
    ),
    "close_all_positions": lambda it: it.trading.close_all_positions(cancel_orders=True)[1],
    "exercise_options_position": lambda it: (
        refusal(it.trading.exercise_options_position, it.stock).status_code == 422
    ),
    "get_option_contracts": lambda it: (
        it.trading.get_option_contracts(
            GetOptionContractsRequest(underlying_symbols=[it.stock])
        ).option_contracts
        == []
    ),
    "get_option_contract": lambda it: (
        refusal(it.trading.get_option_contract, it.stock).code == 40410000
    ),
    "get_corporate_announcements": Scene.announcements,
    "get_corporate_announcement_by_id": Scene.announcement,
    "get_watchlists": lambda it: it.trading.get_watchlists()[0],
    "get_watchlist_by_id": lambda it: it.trading.get_watchlist_by_id(it.watchlist).assets[0],
    "create_watchlist": lambda it: it.trading.create_watchlist(
        CreateWatchlistRequest(name="Another", symbols=[COIN])
    ).assets[0],
    "update_watchlist_by_id": lambda it: (
        it.trading.update_watchlist_by_id(
            it.watchlist, UpdateWatchlistRequest(name="Ours", symbols=[it.stock])
        ).name
    ),
    "add_asset_to_watchlist_by_id": lambda it: it.trading.add_asset_to_watchlist_by_id(
        it.watchlist, COIN
    ).assets[1],
    "remove_asset_from_watchlist_by_id": lambda it: it.trading.remove_asset_from_watchlist_by_id(
        it.watchlist, it.stock
    ).assets[0],
    "delete_watchlist_by_id": lambda it: (
        it.trading.delete_watchlist_by_id(it.watchlist) is None
        and refusal(it.trading.get_watchlist_by_id, it.watchlist).code == 40410000
    ),
}


def test_every_method_of_the_trading_client_is_in_the_table() -> None:
    assert public_methods(TradingClient) == set(TRADING)


@pytest.mark.parametrize("name", TRADING)
def test_the_trading_client_is_answered(scene, name) -> None:
    assert TRADING[name](scene)


# --- the data clients -----------------------------------------------------------------------------


def of_stock(request: type, **asked: Any) -> Callable[[Scene], Any]:
    return lambda it: request(symbol_or_symbols=it.stock, **asked)


def of_coin(request: type, **asked: Any) -> Callable[[Scene], Any]:
    return lambda _: request(symbol_or_symbols=COIN, **asked)


MINUTES = {"timeframe": TimeFrame.Minute, "start": NOW - timedelta(hours=1)}
STOCKS = {
    "get_stock_bars": of_stock(StockBarsRequest, **MINUTES),
    "get_stock_quotes": of_stock(StockQuotesRequest),
    "get_stock_trades": of_stock(StockTradesRequest),
    "get_stock_latest_bar": of_stock(StockLatestQuoteRequest),
    "get_stock_latest_quote": of_stock(StockLatestQuoteRequest),
    "get_stock_latest_trade": of_stock(StockLatestQuoteRequest),
    "get_stock_snapshot": of_stock(StockLatestQuoteRequest),
}
COINS = {
    "get_crypto_bars": of_coin(CryptoBarsRequest, **MINUTES),
    "get_crypto_quotes": of_coin(CryptoQuoteRequest),
    "get_crypto_trades": of_coin(CryptoTradesRequest),
    "get_crypto_latest_bar": of_coin(CryptoLatestQuoteRequest),
    "get_crypto_latest_quote": of_coin(CryptoLatestQuoteRequest),
    "get_crypto_latest_trade": of_coin(CryptoLatestQuoteRequest),
    "get_crypto_latest_orderbook": of_coin(CryptoLatestOrderbookRequest),
    "get_crypto_snapshot": of_coin(CryptoLatestQuoteRequest),
}


def test_every_method_of_the_data_clients_is_in_the_tables() -> None:
    assert public_methods(StockHistoricalDataClient) == set(STOCKS)
    assert public_methods(CryptoHistoricalDataClient) == set(COINS)


@pytest.mark.parametrize("name", STOCKS)
def test_the_client_of_stocks_is_answered(scene, name) -> None:
    answer = getattr(scene.bot.stocks, name)(STOCKS[name](scene))
    told = getattr(answer, "data", answer)
    assert set(told) == (set() if "bar" in name else {scene.stock})  # no minute has closed yet


@pytest.mark.parametrize("name", COINS)
def test_the_client_of_coins_is_answered(scene, name) -> None:
    answer = getattr(scene.bot.coins, name)(COINS[name](scene))
    told = getattr(answer, "data", answer)
    assert set(told) == (set() if "bar" in name else {COIN})


# --- the streams ----------------------------------------------------------------------------------

ENDINGS = {"run", "stop", "stop_ws", "close"}
"""How a stream begins and ends; `run` is `asyncio.run` around what the tests run."""
HANDED = {"register_trade_corrections", "register_trade_cancels"}
"""Handlers of what comes with trades, for which nothing is sent."""
COMMON = ("trades", "quotes", "bars", "updated_bars", "daily_bars")
STREAMS = [
    (StockDataStream, "/alpaca-data/v2/iex", (*COMMON, "trading_statuses"), HANDED),
    (CryptoDataStream, "/alpaca-data/v1beta3/crypto/us", (*COMMON, "orderbooks"), set()),
]


def test_every_method_of_the_streams_is_known() -> None:
    assert public_methods(TradingStream) == ENDINGS | {"subscribe_trade_updates"}
    for stream, _, channels, handed in STREAMS:
        both = {f"{verb}_{name}" for name in channels for verb in ("subscribe", "unsubscribe")}
        assert public_methods(stream) == ENDINGS | both | handed


@pytest.mark.parametrize(("stream", "path", "channels", "handed"), STREAMS, ids=["stock", "coin"])
def test_a_data_stream_is_subscribed_and_left_channel_by_channel(
    scene, stream, path, channels, handed
) -> None:
    symbol = COIN if stream is CryptoDataStream else scene.product.stock()
    bot, url = scene.bot, scene.product.url(path).replace("http", "ws")
    client = stream(bot.key_id, bot.secret, url_override=url)
    heard: dict[str, Heard] = {name: Heard() for name in (*channels, *handed)}
    for name in channels:
        getattr(client, f"subscribe_{name}")(_hearing(heard[name]), symbol)
    for name in handed:
        getattr(client, name)(_hearing(heard[name]))
    prices = iter(range(100, 1_000))

    def quoted() -> bool:
        bid = next(prices)
        scene.product.quote(symbol, f"{bid}.00", f"{bid}.01", "5")
        return bool(heard["quotes"])

    with running(client):
        wait_until(quoted, 20)
        bot.trading.submit_order(market(symbol, qty=1, tif="gtc"))
        heard["trades"].until(1)
        for name in channels:
            getattr(client, f"unsubscribe_{name}")(symbol)


def _hearing(heard: Heard) -> Callable[[Any], Any]:
    async def hear(message: Any) -> None:
        await heard(message)

    return hear


# --- clients of what is not offered ---------------------------------------------------------------

OPTION = "ACME301220C00100000"
OTHERS: list[tuple[type, str, Any]] = [
    (NewsClient, "get_news", NewsRequest(symbols="AAPL")),
    (ScreenerClient, "get_most_actives", MostActivesRequest(by=MostActivesBy.VOLUME)),
    (ScreenerClient, "get_market_movers", MarketMoversRequest(market_type=MarketType.STOCKS)),
    (
        OptionHistoricalDataClient,
        "get_option_bars",
        OptionBarsRequest(symbol_or_symbols=OPTION, timeframe=TimeFrame.Day),
    ),
    (
        OptionHistoricalDataClient,
        "get_option_trades",
        OptionTradesRequest(symbol_or_symbols=OPTION),
    ),
    (
        OptionHistoricalDataClient,
        "get_option_latest_quote",
        OptionLatestQuoteRequest(symbol_or_symbols=OPTION),
    ),
    (
        OptionHistoricalDataClient,
        "get_option_latest_trade",
        OptionLatestTradeRequest(symbol_or_symbols=OPTION),
    ),
    (
        OptionHistoricalDataClient,
        "get_option_snapshot",
        OptionSnapshotRequest(symbol_or_symbols=OPTION),
    ),
    (
        OptionHistoricalDataClient,
        "get_option_chain",
        OptionChainRequest(underlying_symbol="ACME"),
    ),
    (OptionHistoricalDataClient, "get_option_exchange_codes", None),
    (
        CorporateActionsClient,
        "get_corporate_actions",
        CorporateActionsRequest(symbols=["ACME"], types=[CorporateActionsType.CASH_DIVIDEND]),
    ),
]


def test_every_method_of_the_other_data_clients_is_in_the_table() -> None:
    for client in {of for of, _, _ in OTHERS}:
        assert public_methods(client) == {name for of, name, _ in OTHERS if of is client}


@pytest.mark.parametrize(("client", "name", "asked"), OTHERS, ids=lambda one: str(one)[:30])
def test_what_is_not_offered_says_so_as_alpaca_says_errors(scene, client, name, asked) -> None:
    url = scene.product.url("/alpaca-data")
    there = client(scene.bot.key_id, scene.bot.secret, url_override=url)
    error = refusal(getattr(there, name), *([] if asked is None else [asked]))
    assert (error.status_code, error.code) == (404, 40410000)
    assert "not offered here" in error.message or "announcements" in error.message
