"""Trade updates and market data through the real stream clients of Alpaca."""

import asyncio
import json
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.requests import (
    GetOrdersRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)
from alpaca.trading.stream import TradingStream
from websockets.sync.client import connect

from papertape.domain.time_text import time_text
from papertape.floor.ports import MarketMessage, StreamBatch
from server.conftest import WORLD, closing_code, wait_until
from server.dialects.alpaca.test_orders import SELL, limit, market

COIN = "BTC/USD"
ALL = GetOrdersRequest(status="all", limit=500)


@contextmanager
def running(stream: Any) -> Iterator[None]:
    """A client's stream on a loop of its own, ended without its five seconds of patience."""
    loop = asyncio.new_event_loop()

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own, about its library
            asyncio.set_event_loop(loop)
            loop.run_until_complete(asyncio.wait([task]))

    task = loop.create_task(stream._run_forever())
    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: stream._running, 10)
        yield
    finally:
        until = time.monotonic() + 20
        while thread.is_alive() and time.monotonic() < until:
            # Python 3.11 forgets a cancel that meets a message inside `asyncio.wait_for`.
            loop.call_soon_threadsafe(task.cancel)
            thread.join(0.5)
        loop.run_until_complete(stream.close())
        loop.close()


class Heard(list):
    """A handler that keeps what it is given."""

    async def __call__(self, message: Any) -> None:
        self.append(message)

    def until(self, count: int) -> list[Any]:
        wait_until(lambda: len(self) >= count, 10)
        return list(self)


@contextmanager
def listening(product, bot) -> Iterator[Heard]:
    heard = Heard()
    url = product.url("/alpaca/stream").replace("http", "ws")
    stream = TradingStream(bot.key_id, bot.secret, url_override=url)

    async def handler(update: Any) -> None:
        await heard(update)

    stream.subscribe_trade_updates(handler)
    with running(stream):
        # Whether the server has taken the listen shows in the first update.
        probe = product.stock()
        for _ in range(500):
            if heard:
                break
            bot.trading.submit_order(limit(probe, qty=1))
        bot.trading.cancel_orders()
        wait_until(lambda: any(one.event == "canceled" for one in heard))
        wait_until(
            lambda: (
                len({one.order.id for one in heard if one.event == "canceled"})
                == len(bot.trading.get_orders(ALL))
            )
        )
        heard.clear()
        yield heard


@pytest.fixture(scope="module")
def live(product):
    """A bot that hears of its orders; the tests of a module take turns."""
    from server.dialects.alpaca.conftest import bot_of

    bot = bot_of(product, product.trader())
    with listening(product, bot) as heard:
        yield bot, heard


@pytest.fixture
def updates(live) -> Heard:
    live[1].clear()
    return live[1]


def test_a_fill_is_told_with_price_and_position(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    order = bot.trading.submit_order(market(stock))
    new, fill = updates.until(2)
    assert [new.event, fill.event] == ["new", "fill"]
    assert (fill.price, fill.qty, fill.position_qty) == (10.01, 10, 10)
    assert fill.order == order
    assert new.order.id == order.id
    assert new.order.status == "new"
    assert fill.execution_id != new.execution_id


def test_each_part_of_a_fill_tells_the_position_after_it(live, product, updates) -> None:
    bot, stock = live[0], product.stock(size="4")
    product.feed(
        {
            "kind": "depth",
            "symbol": stock,
            "bids": [["9.99", "4"]],
            "asks": [["10.01", "4"], ["10.02", "9"]],
        }
    )
    bot.trading.submit_order(market(stock))
    told = updates.until(3)
    assert [(one.event, one.qty, one.position_qty, one.price) for one in told[1:]] == [
        ("partial_fill", 4, 4, 10.01),
        ("fill", 6, 10, 10.02),
    ]
    bot.trading.submit_order(market(stock, qty=3, side=SELL))
    assert updates.until(5)[-1].position_qty == 7


def test_a_replaced_order_is_told_under_both_ids(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    first = bot.trading.submit_order(limit(stock))
    second = bot.trading.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=9.5))
    new, replaced, new_again = updates.until(3)
    assert [new.event, replaced.event, new_again.event] == ["new", "replaced", "new"]
    assert (replaced.order.id, replaced.order.replaced_by) == (first.id, second.id)
    assert replaced.order.status == "replaced"
    assert new_again.order == second
    bot.trading.cancel_order_by_id(second.id)
    canceled = updates.until(4)[-1]
    assert (canceled.event, canceled.order.id) == ("canceled", second.id)


def test_an_order_that_is_changed_elsewhere_is_restated(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    order = bot.trading.submit_order(limit(stock))
    bot.trader.client.patch(f"/orders/{order.id}", json={"limit_price": "9.40"})
    told = updates.until(2)[-1]
    assert (told.event, told.order.id, told.order.limit_price) == ("restated", order.id, "9.40")


def test_the_exits_of_an_order_are_new_when_they_are_released(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    order = bot.trading.submit_order(
        market(stock, order_class="oto", tif="gtc", stop_loss=StopLossRequest(stop_price=9.0))
    )
    (leg,) = order.legs
    told = [(one.event, one.order.id) for one in updates.until(3)]
    assert sorted(told) == sorted([("new", order.id), ("fill", order.id), ("new", leg.id)])
    (released,) = [one for one in updates if one.order.id == leg.id]
    assert released.order.status == "new"


def test_a_bracket_that_waits_and_fills_in_parts_tells_each_exit_once(
    live, product, updates
) -> None:
    bot, stock = live[0], product.stock(bid="9.99", ask="10.01", size="4")
    order = bot.trading.submit_order(
        limit(
            stock,
            qty=8,
            price=9.5,
            tif="gtc",
            order_class="bracket",
            take_profit=TakeProfitRequest(limit_price=12.0),
            stop_loss=StopLossRequest(stop_price=9.0),
        )
    )
    assert [one.order.id for one in updates.until(1)] == [order.id]
    exits = {leg.id for leg in order.legs}
    for ask in ("9.49", "9.48"):
        product.quote(stock, "9.47", ask, size="4")
    wait_until(lambda: bot.trading.get_order_by_id(order.id).status == "filled")
    bot.trading.cancel_order_by_id(order.legs[0].id)
    wait_until(lambda: {one.order.id for one in updates if one.event == "canceled"} == exits)
    told = [(one.event, one.order.id) for one in updates]
    assert sorted(told) == sorted(
        [
            *[("new", order.id), ("partial_fill", order.id), ("fill", order.id)],
            *[(event, one) for one in exits for event in ("new", "canceled")],
        ]
    )


def test_a_rejection_is_told(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    with pytest.raises(Exception, match="buying power"):
        bot.trading.submit_order(limit(stock, qty=1_000_000))
    (told,) = updates.until(1)
    assert (told.event, told.order.status) == ("rejected", "rejected")
    assert told.order.failed_at is not None


def test_orders_without_words_are_not_told(live, product, updates) -> None:
    bot, stock = live[0], product.stock()
    bot.trader.order(symbol=stock, type="limit_if_touched", limit_price="8.00", stop_price="8.00")
    order = bot.trading.submit_order(limit(stock))
    assert [one.order.id for one in updates.until(1)] == [order.id]


# --- the conversation -----------------------------------------------------------------------------


@contextmanager
def talking(product, path: str, **headers: str) -> Iterator[Any]:
    url = product.url(path).replace("http", "ws")
    with connect(url, compression=None, additional_headers=headers) as connection:
        yield connection


def said(connection: Any) -> Any:
    data = connection.recv(timeout=5)
    return json.loads(data)


def test_the_first_word_of_the_trading_stream_is_its_answer(product, bot) -> None:
    for message in (
        {"action": "authenticate", "data": {"key_id": bot.key_id, "secret_key": bot.secret}},
        {"action": "auth", "key": bot.key_id, "secret": bot.secret},
    ):
        with talking(product, "/alpaca/stream") as connection:
            connection.send(json.dumps(message))
            data = connection.recv(timeout=5)
            assert isinstance(data, bytes)
            assert json.loads(data) == {
                "stream": "authorization",
                "data": {"status": "authorized", "action": "authenticate"},
            }
            connection.send('{"action":"listen","data":{"streams":["trade_updates","other"]}}')
            assert said(connection)["data"]["streams"] == ["trade_updates"]
            connection.send('{"action":"listen","data":{"streams":[]}}')
            assert said(connection)["data"]["streams"] == []
            connection.send("{")
            assert said(connection)["stream"] == "error"


BAD = [
    {"action": "authenticate", "data": {"key_id": "PKX", "secret_key": "no"}},
    {"action": "listen", "data": {"streams": ["trade_updates"]}},
    {"action": "auth", "key": 5, "secret": None},
    [],
]


@pytest.mark.parametrize("message", BAD, ids=str)
def test_who_has_no_key_hears_nothing(product, message) -> None:
    with talking(product, "/alpaca/stream") as connection:
        connection.send(json.dumps(message))
        assert said(connection)["data"]["status"] == "unauthorized"
        assert closing_code(connection) == 4401


def test_a_revoked_key_ends_its_streams(product) -> None:
    trader = product.trader()
    key = product.key(trader, ["read"])
    credentials = {"action": "auth", "key": key["key_id"], "secret": key["secret"]}
    with (
        talking(product, "/alpaca/stream") as trading,
        talking(product, "/alpaca-data/v2/iex") as data,
    ):
        trading.send(json.dumps(credentials))
        assert said(trading)["data"]["status"] == "authorized"
        assert said(data)[0]["msg"] == "connected"
        data.send(json.dumps(credentials))
        assert said(data)[0]["msg"] == "authenticated"
        trader.client.delete(f"/keys/{key['key_id']}")
        assert (closing_code(trading), closing_code(data)) == (4401, 4401)


# --- market data ----------------------------------------------------------------------------------


def tell(product, *messages: tuple[str, str, dict[str, Any]]) -> None:
    """The floor tells the server something about the market."""
    batch = StreamBatch(
        market=[
            MarketMessage(WORLD, c, kind, json.dumps(data).encode()) for c, kind, data in messages
        ]
    )
    running_product = product.running
    tell_all = running_product._floor._fan_out.tell
    running_product._loop.call_soon_threadsafe(tell_all, batch)


def bar(symbol: str, minute: int, close: str, *, closed: bool) -> tuple[str, str, dict[str, Any]]:
    data = {
        "symbol": symbol,
        "timeframe": "1m",
        "time": time_text((1_795_168_000 + 60 * minute) * 10**9),
        "open": "10.00",
        "high": "11.00",
        "low": "9.00",
        "close": close,
        "volume": "5",
        "trades": 2,
        "turnover": "50.5",
        "vwap": "10.1",
        "closed": closed,
    }
    return f"bars:{symbol}:1m", "bar", data


def test_stock_data_are_told_as_they_come(product, bot) -> None:
    symbol, other = product.stock(), product.stock()
    url = product.url("/alpaca-data/v2/iex").replace("http", "ws")
    stream = StockDataStream(bot.key_id, bot.secret, url_override=url)
    trades, quotes, bars, days = Heard(), Heard(), Heard(), Heard()
    for heard, subscribe, of in (
        (trades, stream.subscribe_trades, (symbol,)),
        (quotes, stream.subscribe_quotes, (symbol,)),
        (bars, stream.subscribe_bars, (symbol,)),
        (days, stream.subscribe_daily_bars, (symbol,)),
        (Heard(), stream.subscribe_updated_bars, (symbol,)),
        (Heard(), stream.subscribe_trading_statuses, ("*",)),
    ):
        subscribe(_handler(heard), *of)
    with running(stream):
        subscribed(product, symbol, quotes)
        bot.trading.submit_order(market(other))
        bot.trading.submit_order(market(symbol))
        (trade,) = trades.until(1)
        assert (trade.symbol, trade.price, trade.size) == (symbol, 10.01, 10)
        assert quotes[-1].ask_price == 10.01
        tell(
            product,
            bar(symbol, 1, "10.20", closed=False),
            bar(symbol, 1, "10.30", closed=True),
            bar(symbol, 2, "10.40", closed=False),
            bar(symbol, 2, "10.50", closed=True),
        )
        assert [one.close for one in bars.until(2)] == [10.3, 10.5]
        assert [(one.trade_count, one.vwap) for one in bars] == [(2, 10.1), (2, 10.1)]
        assert [(one.close, one.volume) for one in days.until(2)] == [(10.3, 5), (10.5, 10)]
        assert [(one.trade_count, one.vwap) for one in days] == [(2, 10.1), (4, 10.1)]
        assert days[-1].timestamp.hour in {4, 5}  # midnight in New York
        stream.unsubscribe_trades(symbol)


def _handler(heard: Heard) -> Any:
    async def handler(message: Any) -> None:
        await heard(message)

    return handler


def subscribed(product, symbol: str, quotes: Heard) -> None:
    """Move the quote until the client hears of it: then it is subscribed."""
    for number in range(500):
        product.quote(symbol, f"9.{number % 90 + 10}", "10.01")
        try:
            wait_until(lambda: len(quotes) > 0, 0.2)
        except AssertionError:
            continue
        return
    raise AssertionError("no quote came")


def test_coin_data_have_books(product, bot) -> None:
    url = product.url("/alpaca-data/v1beta3/crypto/us").replace("http", "ws")
    stream = CryptoDataStream(bot.key_id, bot.secret, url_override=url)
    trades, quotes, books = Heard(), Heard(), Heard()
    stream.subscribe_trades(_handler(trades), "*")
    stream.subscribe_quotes(_handler(quotes), COIN)
    stream.subscribe_orderbooks(_handler(books), COIN)
    with running(stream):
        for number in range(100):
            product.quote(COIN, f"{64000 + number}.00", "65001.00", "5")
            if quotes and books:
                break
            time.sleep(0.05)
        bot.trading.submit_order(market(COIN, qty=0.5, tif="gtc"))
        assert trades.until(1)[0].price == 65001
        assert books.until(1)[-1].asks[0].price == 65001


def test_subscriptions_are_told_whole(product, bot) -> None:
    symbol, other = product.stock(), product.stock()
    with talking(product, "/alpaca-data/v2/sip") as connection:
        assert said(connection) == [{"T": "success", "msg": "connected"}]

        def ask(**message: Any) -> Any:
            connection.send(json.dumps(message))
            return said(connection)[0]

        assert ask(action="subscribe", trades=[symbol])["code"] == 401
        assert ask(action="auth", key=bot.key_id, secret="wrong")["code"] == 402
        good = {"action": "auth", "key": bot.key_id, "secret": bot.secret}
        assert ask(**good) == {"T": "success", "msg": "authenticated"}
        assert ask(**good)["code"] == 403
        assert ask(action="dance")["code"] == 400
        assert ask(action="subscribe", trades="all")["code"] == 400
        assert ask(action="subscribe", trades=["A"] * 10_001)["code"] == 405
        state = ask(action="subscribe", trades=[symbol, other], quotes=["*"])
        assert (state["T"], state["trades"], state["quotes"]) == (
            "subscription",
            [symbol, other],
            ["*"],
        )
        assert (state["bars"], state["corrections"]) == ([], [symbol, other])
        state = ask(action="unsubscribe", trades=[other])
        assert (state["trades"], state["quotes"]) == ([symbol], ["*"])
        state = ask(action="unsubscribe", quotes=["*"])
        bot.trading.submit_order(market(other))
        bot.trading.submit_order(market(symbol))
        (trade,) = said(connection)
        assert (trade["T"], trade["S"], trade["p"]) == ("t", symbol, 10.01)
        assert trade["t"].endswith("Z")


def test_who_asks_for_msgpack_gets_its_timestamps(product, bot) -> None:
    symbol = product.stock()
    headers = {
        "Content-Type": "application/msgpack",
        "APCA-API-KEY-ID": bot.key_id,
        "APCA-API-SECRET-KEY": bot.secret,
    }
    with talking(product, "/alpaca-data/v2/iex", **headers) as connection:
        greetings = [msgpack.unpackb(connection.recv(timeout=5)) for _ in range(2)]
        assert [one[0]["msg"] for one in greetings] == ["connected", "authenticated"]
        names = [f"NO{number}" for number in range(5_000)]
        whole = msgpack.packb({"action": "subscribe", "trades": [symbol, *names]})
        connection.send([whole[i : i + 32_768] for i in range(0, len(whole), 32_768)])
        state = msgpack.unpackb(connection.recv(timeout=5))[0]
        assert len(state["trades"]) == 5_001
        bot.trading.submit_order(market(symbol))
        (trade,) = msgpack.unpackb(connection.recv(timeout=5))
        assert isinstance(trade["t"], msgpack.Timestamp)
        assert abs(trade["t"].to_unix() - time.time()) < 60
        assert (trade["p"], trade["i"]) == (10.01, trade["t"].to_unix_nano() // 1_000)


def test_a_lost_floor_sends_the_clients_home(product) -> None:
    trader = product.trader()
    key = product.key(trader, ["read"])
    with talking(product, "/alpaca/stream") as connection:
        credentials = {"action": "auth", "key": key["key_id"], "secret": key["secret"]}
        connection.send(json.dumps(credentials))
        assert said(connection)["data"]["status"] == "authorized"
        connection.send('{"action":"listen","data":{"streams":["trade_updates"]}}')
        assert said(connection)["stream"] == "listening"
        product.lose_messages()
        assert closing_code(connection) == 1012
