"""What an alert says: each row an alert as some receiver's users write it, and what it asks for."""

import json
from decimal import Decimal

import pytest

from papertape.server.dialects.tradingview.alert import Alert, Level, read_alert
from papertape.server.dialects.tradingview.fields import UnreadableAlertError, fields_of
from papertape.server.dialects.tradingview.routes import key_of

D = Decimal


def read(body: str | bytes | dict) -> Alert:
    if isinstance(body, dict):
        body = json.dumps(body)
    return read_alert(fields_of(body.encode() if isinstance(body, str) else body))


def told(alert: Alert) -> dict:
    """The members that differ from those of an alert that says nothing."""
    empty = Alert("?")
    return {
        name: getattr(alert, name)
        for name in Alert.__slots__
        if getattr(alert, name) != getattr(empty, name)
    }


BUY = {"verb": "order", "side": "buy"}
SELL = {"verb": "order", "side": "sell"}

READINGS = [
    # JSON, by the names of the receivers
    ({"ticker": "AAPL", "action": "buy", "contracts": 10}, BUY | {"contracts": D(10)}),
    ({"symbol": "AAPL", "side": "SELL", "qty": "2.5"}, SELL | {"contracts": D("2.5")}),
    ({"symbol": "AAPL", "signal": "Long", "size": 1e-7}, BUY | {"contracts": D("0.0000001")}),
    ({"Ticker": "AAPL", "ACTION": "Short", "Quantity": "1"}, SELL | {"contracts": D(1)}),
    ({"symbol": "AAPL", "side": "buy", "amount": "3"}, BUY | {"contracts": D(3)}),
    ({"symbol": "AAPL", "side": "buy", "notional": "500"}, BUY | {"notional": D(500)}),
    ({"symbol": "AAPL", "side": "buy", "qty_percent": "5%"}, BUY | {"percent": D(5)}),
    ({"symbol": "AAPL", "action": "close"}, {"verb": "close"}),
    ({"symbol": "AAPL", "action": "exit", "qty": "4"}, {"verb": "close", "contracts": D(4)}),
    ({"symbol": "AAPL", "action": "flat"}, {"verb": "close"}),
    ({"symbol": "AAPL", "action": "cover"}, {"verb": "close", "side": "buy"}),
    ({"symbol": "AAPL", "action": "close", "side": "long"}, {"verb": "close", "side": "sell"}),
    ({"symbol": "AAPL", "action": "exit_short"}, {"verb": "close", "side": "buy"}),
    ({"symbol": "AAPL", "action": "open", "side": "short"}, {"verb": "open", "side": "sell"}),
    ({"symbol": "AAPL", "action": "buy", "signal": "long"}, BUY),
    ({"symbol": "AAPL", "action": "buy", "interval": "5", "plot_0": "1"}, BUY),
    # positions to have
    ({"symbol": "AAPL", "market_position": "flat"}, {"position": "flat"}),
    (
        {
            "ticker": "AAPL",
            "action": "buy",
            "market_position": "long",
            "market_position_size": "10",
            "prev_market_position": "short",
            "prev_market_position_size": "4",
        },
        BUY
        | {
            "position": "long",
            "position_size": D(10),
            "previous": "short",
            "previous_size": D(4),
        },
    ),
    ({"symbol": "A", "position_size": -3}, {"position": "short", "position_size": D(3)}),
    ({"symbol": "A", "position_size": "0"}, {"position": "flat", "position_size": D(0)}),
    ({"ticker": "A", "action": "sell", "sentiment": "flat"}, SELL | {"position": "flat"}),
    (
        {
            "passphrase": "x",
            "time": "2026-11-20T10:46:00Z",
            "exchange": "NASDAQ",
            "ticker": "AAPL",
            "bar": {"time": "2026-11-20T10:45:00Z", "close": 190.5},
            "strategy": {
                "position_size": 100,
                "order_action": "buy",
                "order_contracts": 100,
                "order_price": 190.48,
                "order_id": "Long",
                "market_position": "long",
                "market_position_size": 100,
                "prev_market_position": "flat",
                "prev_market_position_size": 0,
            },
        },
        BUY
        | {
            "exchange": "NASDAQ",
            "position": "long",
            "position_size": D(100),
            "previous": "flat",
            "previous_size": D(0),
            "contracts": D(100),
            "order_id": "Long",
            "time": "2026-11-20T10:46:00Z",
        },
    ),
    # prices: `price` counts only where the order type says so
    ({"symbol": "A", "action": "buy", "price": "NaN"}, BUY),
    ({"symbol": "A", "action": "buy", "price": 10.5, "order_price": 10.6}, BUY),
    (
        {"symbol": "A", "action": "buy", "order_type": "limit", "price": 10.5},
        BUY | {"type": "limit", "limit_price": D("10.5")},
    ),
    (
        {"symbol": "A", "action": "buy", "limit_price": "10"},
        BUY | {"type": "limit", "limit_price": D(10)},
    ),
    (
        {"symbol": "A", "action": "sell", "order_type": "STOP", "stop": 9, "tif": "GTC"},
        SELL | {"type": "stop", "stop_price": D(9), "time_in_force": "gtc"},
    ),
    (
        {"symbol": "A", "action": "buy", "stop": "9", "tp": "4%"},
        BUY | {"stop_loss": Level(D(9)), "take_profit": Level(D(4), is_percent=True)},
    ),
    (
        {
            "ticker": "A",
            "action": "buy",
            "takeProfit": {"limitPrice": 12},
            "stopLoss": {"type": "stop_limit", "stopPrice": 9, "limitPrice": 8.9},
        },
        BUY
        | {
            "take_profit": Level(D(12)),
            "stop_loss": Level(D(9)),
            "stop_loss_limit": D("8.9"),
        },
    ),
    # text
    (
        "long BTCUSD q=0.1 sl=1000 tp=2000",
        BUY | {"contracts": D("0.1"), "stop_loss": Level(D(1000)), "take_profit": Level(D(2000))},
    ),
    ("buy AAPL 10", BUY | {"contracts": D(10)}),
    (
        "Sell 5% NASDAQ:TSLA @190.5",
        SELL | {"percent": D(5), "type": "limit", "limit_price": D("190.5")},
    ),
    ("close long ES1!", {"verb": "close", "side": "sell"}),
    ("flat BTCUSDT.P", {"verb": "close"}),
    ("key=abc\naction=buy\nsymbol = AAPL\nqty: 3".replace(": ", ":"), BUY | {"contracts": D(3)}),
    (
        "My (20, 2): order sell @ 5 filled on AAPL. New strategy position is -5",
        SELL | {"contracts": D(5), "position": "short", "position_size": D(5)},
    ),
]


@pytest.mark.parametrize(("body", "wanted"), READINGS, ids=lambda one: str(one)[:60])
def test_an_alert_is_read_whoever_it_was_written_for(body, wanted) -> None:
    alert = told(read(body))
    assert alert.pop("symbol")
    assert alert == wanted


def test_symbols_keep_their_marks_and_the_exchange() -> None:
    assert read("buy BTCUSDT.P 1").symbol == "BTCUSDT.P"
    assert read("buy ES1! 1").symbol == "ES1!"
    assert read("buy NASDAQ:AAPL 1").symbol == "NASDAQ:AAPL"
    assert read({"ticker": "AAPL", "exchange": "NASDAQ", "action": "buy"}).exchange == "NASDAQ"


UNREADABLE = [
    (b"", "malformed", "empty"),
    (b"\xff\xfe", "malformed", "UTF-8"),
    (b"{", "malformed", "JSON"),
    (b'{"ticker":"A","action":"buy","price":NaN}', "malformed", "quotes"),
    (b"[1]", "malformed", "object"),
    (b"[" * 5000, "malformed", "JSON"),
    (b'{"a":' * 3000, "malformed", "JSON"),
    (b"buy\x00AAPL", "malformed", "null"),
    (b'{"ticker":"A","action":"buy","qty":1,"qty":1}', "conflicting_fields", "qty stands twice"),
    (b'{"a":{"qty":1,"qty":2},"action":"buy"}', "conflicting_fields", "qty stands twice"),
    (b"buy A qty=1 qty=2", "conflicting_fields", "qty"),
    (b"{}", "no_action", "market_position"),
    (b"hello", "no_action", "action"),
    ({"action": "buy"}, "no_symbol", "ticker"),
    ({"symbol": "A B", "action": "buy"}, "malformed", "symbol"),
    ({"symbol": "A", "action": "dance"}, "malformed", "action"),
    ({"symbol": "A", "action": "open"}, "malformed", "long or short"),
    ({"symbol": "A", "action": "buy", "side": "short"}, "conflicting_fields", "contradict"),
    ({"symbol": "A", "ticker": "B", "action": "buy"}, "conflicting_fields", "ticker"),
    ({"symbol": "A", "action": "buy", "qty": 1, "notional": 5}, "conflicting_fields", "how much"),
    ({"symbol": "A", "action": "buy", "qty": 1, "size": 2}, "conflicting_fields", "size"),
    ({"symbol": "A", "action": "buy", "qty": -1}, "malformed", "above zero"),
    ({"symbol": "A", "action": "buy", "qty": "1,000"}, "malformed", "number"),
    ({"symbol": "A", "action": "buy", "qty": "1e99"}, "malformed", "number"),
    ({"symbol": "A", "action": "buy", "qty": True}, "malformed", "number"),
    ({"symbol": "A", "action": "buy", "order_type": "limit"}, "malformed", "limit_price"),
    ({"symbol": "A", "action": "buy", "order_type": "stop"}, "malformed", "stop_price"),
    ({"symbol": "A", "action": "buy", "order_type": "magic"}, "malformed", "order_type"),
    ({"symbol": "A", "action": "buy", "tif": "gtd"}, "malformed", "tif"),
    ({"symbol": "A", "action": "buy", "sl": 0}, "malformed", "above zero"),
    ({"symbol": "A", "market_position": "up"}, "malformed", "market_position"),
    (
        {"symbol": "A", "action": "{{strategy.order.action}}"},
        "unresolved_placeholder",
        "strategies",
    ),
    ({"symbol": "A", "action": "buy", "comment": "x" * 2000}, "malformed", "characters"),
    ({str(n): n for n in range(300)}, "malformed", "fields"),
    ("buy AAPL 10 soon?", "malformed", "soon?"),
]


@pytest.mark.parametrize(("body", "reason", "word"), UNREADABLE, ids=lambda one: str(one)[:40])
def test_what_cannot_be_read_says_what_and_what_to_do(body, reason, word) -> None:
    with pytest.raises(UnreadableAlertError) as refused:
        read(body)
    assert refused.value.reason == reason
    assert word in refused.value.detail


@pytest.mark.parametrize(
    "name", ["passphrase", "secret", "apikey", "api_token", "password", "token", "key"]
)
def test_the_secret_is_found_by_every_name_and_kept_nowhere(name) -> None:
    fields = fields_of(json.dumps({name: "hush-hush", "symbol": "A", "action": "buy"}).encode())
    assert fields.secret == "hush-hush"
    assert "hush-hush" not in json.dumps(fields.content())
    assert fields_of(f"buy A 1 {name}=hush-hush".encode()).secret == "hush-hush"


def keyed(**changed) -> tuple[str, bool]:
    body = {"symbol": "A", "action": "buy", "order_id": "Long", "time": "1"} | changed
    fields = fields_of(json.dumps({k: v for k, v in body.items() if v is not None}).encode())
    return key_of(fields, read_alert(fields))


def test_order_id_and_time_make_an_alert_unmistakable() -> None:
    assert keyed() == keyed(comment="a repeat may say more", price="11")
    assert keyed()[1]
    others = [{"order_id": "Exit"}, {"time": "2"}, {"symbol": "B"}, {"action": "sell"}]
    assert keyed() not in [keyed(**other) for other in others]


def test_without_them_it_is_known_by_its_words() -> None:
    assert not keyed(time=None)[1]
    assert keyed(time=None) == keyed(time=None)
    assert keyed(time=None) != keyed(time=None, comment="another")
