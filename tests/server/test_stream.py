"""The stream as a client sees it, on a real socket with the real engine behind it."""

import json
import socket
import time

import jwt
import pytest
from websockets.sync.client import connect

from papertape.server import callers
from papertape.server.stream import session

PRIVATE = ("orders", "fills", "account", "positions")


# --- authentication ------------------------------------------------------------------------------


def test_the_first_answer_greets_with_the_accounts(product, alice) -> None:
    with product.stream() as stream:
        stream.send(action="auth", token=alice.token)
        greeting = stream.next()
    assert (greeting["channel"], greeting["type"]) == ("session", "authenticated")
    assert greeting["data"]["username"] == alice.name
    assert greeting["data"]["world"] == "main"
    assert [account["id"] for account in greeting["data"]["accounts"]] == [alice.account_id]


BAD_FIRST_MESSAGES = [
    '{"action":"auth","token":"x"}',
    '{"action":"auth"}',
    '{"action":"auth","token":5}',
    '{"action":"auth","token":"x","more":1}',
    '{"action":"subscribe","channels":["quotes:ACME1"]}',
    "hello",
    "",
    "[]",
    "[" * 3000,
    b"\x00\x01",
]


@pytest.mark.parametrize("message", BAD_FIRST_MESSAGES, ids=lambda m: repr(m[:30]))
def test_anything_but_a_good_token_closes_4401(product, message) -> None:
    with product.stream() as stream:
        stream.connection.send(message)
        assert stream.closing_code == 4401


@pytest.mark.parametrize(
    "changed", [{"exp": 1}, {"sub": "00000000-0000-0000-0000-000000000000"}, {"gen": 99}]
)
def test_a_token_that_is_no_good_any_more_closes_4401(product, alice, changed) -> None:
    claims = jwt.decode(alice.token, options={"verify_signature": False}) | changed
    key = (product.folder / "secrets" / "jwt.key").read_bytes()
    with product.stream() as stream:
        stream.send(action="auth", token=jwt.encode(claims, key, algorithm="HS256"))
        assert stream.closing_code == 4401


def test_who_says_nothing_is_not_waited_for(product, monkeypatch) -> None:
    monkeypatch.setattr(session, "AUTH_WITHIN_S", 0.2)
    with product.stream() as stream:
        assert stream.closing_code == 4401


def test_a_token_that_expires_ends_the_connection(product, alice) -> None:
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    key = (product.folder / "secrets" / "jwt.key").read_bytes()
    soon = jwt.encode(claims | {"exp": int(time.time()) + 2}, key, algorithm="HS256")
    with product.stream() as stream:
        stream.send(action="auth", token=soon)
        assert stream.next()["type"] == "authenticated"
        assert stream.closing_code == 4401


def test_a_reset_password_ends_the_connection(product, monkeypatch) -> None:
    monkeypatch.setattr(session, "CHECK_TOKEN_S", 0.1)
    monkeypatch.setattr(callers, "CHECK_AGAIN_S", 0.1)
    trader = product.trader()
    with product.stream(trader) as stream:
        product.auth.reset_password(trader.name)
        assert stream.closing_code == 4401


# --- subscribing ---------------------------------------------------------------------------------


def test_channels_are_confirmed_by_the_names_that_messages_carry(product, alice, stock) -> None:
    wanted = ["orders", "quotes:BTCUSD", f"bars:{stock}:1m", "quotes:BTC/USD"]
    with product.stream(alice) as stream:
        stream.send(action="subscribe", channels=wanted)
        told = stream.next()
        assert (told["channel"], told["type"]) == ("session", "subscribed")
        assert told["data"]["channels"] == ["orders", "quotes:BTC/USD", f"bars:{stock}:1m"]


BAD_MESSAGES = [
    ("hello", "malformed"),
    ("{}", "malformed"),
    ("[]", "malformed"),
    ('{"action":"dance","channels":[]}', "malformed"),
    ('{"action":"subscribe"}', "malformed"),
    ('{"action":"subscribe","channels":"orders"}', "malformed"),
    ('{"action":"subscribe","channels":[5]}', "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":-1}', "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":"1"}', "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":9223372036854775808}', "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":1' + "0" * 30 + "}", "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":' + "9" * 5000 + "}", "malformed"),
    ('{"action":"subscribe","channels":["orders"],"since":1.5}', "malformed"),
    ('{"action":"subscribe","channels":["orders"],"until":1}', "malformed"),
    ('{"action":"auth","token":"x"}', "malformed"),
    ('{"action":"subscribe","channels":["secrets"]}', "unknown_channel"),
    ('{"action":"subscribe","channels":["orders:x"]}', "unknown_channel"),
    ('{"action":"subscribe","channels":["quotes"]}', "unknown_symbol"),
    ('{"action":"subscribe","channels":["quotes:NOPE"]}', "unknown_symbol"),
    ('{"action":"subscribe","channels":["bars:ACME1:5m"]}', "unknown_channel"),
    ('{"action":"subscribe","channels":["bars:ACME1"]}', "unknown_channel"),
    ('{"action":"subscribe","channels":[""]}', "unknown_channel"),
    (json.dumps({"action": "subscribe", "channels": ["orders"] * 501}), "too_many_channels"),
]


def test_channels_that_are_not_there_are_each_named_and_the_others_subscribed(
    product, alice, stock
) -> None:
    good, bad = ["orders", f"quotes:{stock}"], ["secrets", "quotes:NOPE", f"bars:{stock}:5m"]
    with product.stream(alice) as stream:
        for action in ("subscribe", "unsubscribe"):
            stream.send(action=action, channels=[bad[0], good[0], *bad[1:], bad[0], good[1]])
            told = [stream.next() for _ in range(3)]
            assert [one["data"]["value"] for one in told] == bad
            reasons = ["unknown_channel", "unknown_symbol", "unknown_channel"]
            assert [one["reason"] for one in told] == reasons
            answer = stream.until("session")
            assert (answer["type"], answer["data"]["channels"]) == (f"{action}d", good)
            if action == "subscribe":
                assert {stream.next()["channel"] for _ in good} == set(good)
                order = alice.order(symbol=stock).json()
                assert stream.until("orders", "new")["data"]["id"] == order["id"]


@pytest.mark.parametrize(("message", "reason"), BAD_MESSAGES, ids=lambda text: text[:50])
def test_a_bad_message_is_told_and_the_connection_stays(product, alice, message, reason) -> None:
    with product.stream(alice) as stream:
        stream.connection.send(message)
        error = stream.next()
        assert (error["channel"], error["type"], error["reason"]) == ("session", "error", reason)
        assert error["detail"]
        stream.subscribe("orders")


def test_binary_messages_end_the_conversation(product, alice) -> None:
    with product.stream(alice) as stream:
        stream.connection.send(b"\x00")
        assert stream.closing_code == 1003


def test_private_channels_start_with_the_shape_of_rest(product, alice, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    alice.order(symbol=stock, limit_price="9.00")
    with product.stream(alice) as stream:
        first = stream.subscribe(*PRIVATE)
    assert {message["type"] for message in first.values()} == {"snapshot"}
    get = alice.client.get

    def alike(channel: str, rest: dict) -> None:
        data = first[channel]["data"]
        assert _without_seq(data) == _without_seq(rest), channel
        assert first[channel]["account_id"] == alice.account_id

    alike("orders", get(f"/accounts/{alice.account_id}/orders").json())
    alike("fills", get(f"/accounts/{alice.account_id}/fills").json())
    alike("positions", get(f"/accounts/{alice.account_id}/positions").json())
    alike("account", alice.account())


def _without_seq(data):
    if isinstance(data, dict):
        return {key: _without_seq(value) for key, value in data.items() if key != "as_of_seq"}
    return [_without_seq(item) for item in data] if isinstance(data, list) else data


def test_a_stock_without_a_quote_starts_with_nothing_but_its_name(product, alice) -> None:
    with product.stream(alice) as stream:
        first = stream.subscribe("quotes:ACME147")["quotes:ACME147"]
    assert first["data"] == product.anyone.get("/market/ACME147/quote").json()
    assert set(first["data"].values()) == {"ACME147", None}


def test_market_channels_start_with_the_shape_of_rest(product, alice, stock) -> None:
    product.feed({"kind": "trade", "symbol": stock, "price": "10.00", "qty": "5"})
    channels = [f"quotes:{stock}", f"book:{stock}", f"trades:{stock}", f"bars:{stock}:1m"]
    with product.stream(alice) as stream:
        first = stream.subscribe(*channels)
    assert {message["type"] for message in first.values()} == {"snapshot"}
    quote = product.anyone.get(f"/market/{stock}/quote").json()
    assert first[channels[0]]["data"] == quote
    book = product.anyone.get(f"/orderbook/{stock}").json()
    assert {**first[channels[1]]["data"], "quote": 0, "as_of_seq": 0} == {
        **book,
        "quote": 0,
        "as_of_seq": 0,
    }
    (printed,) = first[channels[2]]["data"]["items"]
    assert (printed["price"], printed["qty"]) == ("10.00", "5")
    bars = product.anyone.get(f"/market/{stock}/bars?limit=300").json()
    assert first[channels[3]]["data"] == bars


# --- private news --------------------------------------------------------------------------------


def test_an_order_and_its_fill_are_told_once_and_in_order(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        first = stream.subscribe("orders", "fills")
        order = alice.order(symbol=stock, limit_price="10.01").json()
        fill = stream.until("fills")
        assert fill["data"]["order_id"] == order["id"]
        assert fill["data"]["price"] == "10.01"
        assert fill["seq"] > first["fills"]["seq"]
        assert fill["account_id"] == alice.account_id
    with product.stream(alice) as stream:
        stream.subscribe("orders")
        order = alice.order(symbol=stock, limit_price="9.00").json()
        news = stream.until("orders")
        assert {**news["data"], "as_of_seq": 0} == {**order, "as_of_seq": 0}
        assert stream.quiet_for(0.2)


def test_every_message_names_the_one_before_it(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        last = stream.subscribe("orders")["orders"]["seq"]
        for _ in range(5):
            alice.order(symbol=stock)
        for number in range(5):
            message = stream.until("orders")
            if number == 0:
                assert message["prev"] is None or message["prev"] <= last
            else:
                assert message["prev"] == last
            assert message["seq"] > last
            last = message["seq"]


def test_a_client_that_was_away_gets_exactly_what_it_missed(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe(*PRIVATE)
        alice.order(symbol=stock)
        seen = stream.until("orders")["seq"]
    missed = [alice.order(symbol=stock).json()["id"] for _ in range(3)]
    with product.stream(alice) as stream:
        stream.send(action="subscribe", channels=["orders"], since=seen)
        assert stream.next()["type"] == "subscribed"
        got = [stream.next() for _ in missed]
        assert [message["data"]["id"] for message in got] == missed
        assert got[0]["prev"] == seen
        later = alice.order(symbol=stock).json()["id"]
        following = stream.next()
        assert (following["data"]["id"], following["prev"]) == (later, got[-1]["seq"])


def test_who_is_up_to_date_misses_nothing_and_gets_nothing_twice(product, alice, stock) -> None:
    alice.order(symbol=stock)
    with product.stream(alice) as stream:
        stream.subscribe("orders")
        alice.order(symbol=stock)
        seen = stream.until("orders")["seq"]
    with product.stream(alice) as stream:
        stream.send(action="subscribe", channels=["orders"], since=seen)
        assert stream.next()["type"] == "subscribed"
        assert stream.quiet_for(0.2)


def test_who_was_away_too_long_gets_the_state_anew(serve) -> None:
    product = serve()
    trader, stock = product.trader(), product.stock()
    for _ in range(3):
        trader.order(symbol=stock)
    order = trader.order(symbol=stock).json()
    trader.client.delete(f"/orders/{order['id']}")
    for number in range(1100):
        trader.client.patch(f"/orders/{_first_open(trader)}", json={"qty": 1 + number % 2})
    with product.stream(trader) as stream:
        message = stream.subscribe("orders", since=1)["orders"]
        assert message["type"] == "resync"
        rest = trader.client.get(f"/accounts/{trader.account_id}/orders").json()
        assert _without_seq(message["data"]) == _without_seq(rest)
        new = trader.order(symbol=stock).json()
        news = stream.until("orders")
        assert news["data"]["id"] == new["id"]
        assert news["prev"] <= message["seq"] < news["seq"]


def _first_open(trader) -> str:
    if not hasattr(trader, "first_open"):
        orders = trader.client.get(f"/accounts/{trader.account_id}/orders").json()["items"]
        trader.first_open = orders[-1]["id"]
    return trader.first_open


@pytest.mark.parametrize("ahead", [1000, 2**63 - 1])
def test_who_knows_of_a_later_world_gets_the_state_of_this_one(
    product, alice, stock, ahead
) -> None:
    """Its state is of a world that was thrown away; numbers of ours would not mend it."""
    order = alice.order(symbol=stock).json()
    with product.stream(alice) as stream:
        newest = stream.subscribe("account")["account"]["seq"]
        since = min(newest + ahead, 2**63 - 1)
        message = stream.subscribe("orders", since=since)["orders"]
        assert message["type"] == "resync"
        assert [item["id"] for item in message["data"]["items"]] == [order["id"]]
        later = alice.order(symbol=stock).json()["id"]
        assert stream.until("orders")["data"]["id"] == later


def test_a_seq_of_the_world_beyond_the_own_news_is_no_later_world(
    product, alice, bob, stock
) -> None:
    alice.order(symbol=stock)
    alice.order(symbol=stock)
    product.feed({"kind": "trade", "symbol": stock, "price": "10.00", "qty": "5"})
    with product.stream(alice) as stream:
        newest = stream.subscribe("account")["account"]["seq"]
        stream.send(action="subscribe", channels=["orders"], since=newest)
        assert stream.next()["type"] == "subscribed"
        assert stream.quiet_for(0.2)


def test_a_server_that_has_just_started_starts_everyone_afresh(product, alice) -> None:
    with product.stream(alice) as stream:
        assert stream.subscribe("positions", since=10**9)["positions"]["type"] == "resync"


def test_what_happens_while_a_snapshot_is_made_is_not_lost(product, alice, stock) -> None:
    """Orders are sent while many subscribe; each must see all of them exactly once."""
    for _ in range(10):
        with product.stream(alice) as stream:
            stream.send(action="subscribe", channels=["orders"])
            order = alice.order(symbol=stock).json()
            known: dict[str, int] = {}
            while order["id"] not in known:
                message = stream.until("orders")
                items = (
                    message["data"]["items"] if message["type"] == "snapshot" else [message["data"]]
                )
                for item in items:
                    known[item["id"]] = known.get(item["id"], 0) + 1
            assert set(known.values()) == {1}
        alice.client.delete("/orders", params={"account_id": alice.account_id})


def test_after_a_gap_every_private_channel_is_sent_anew(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe("orders", "positions")
        order = alice.order(symbol=stock).json()
        stream.until("orders", "new")
        product.lose_messages()
        anew = [stream.next(), stream.next()]
        assert {(one["channel"], one["type"]) for one in anew} == {
            ("orders", "resync"),
            ("positions", "resync"),
        }
        assert order["id"] in str(anew)
        later = alice.order(symbol=stock).json()["id"]
        assert stream.until("orders")["data"]["id"] == later
    with product.stream(alice) as stream:
        since = stream.subscribe("orders")["orders"]["seq"]
        assert stream.subscribe("positions", since=since)["positions"]["type"] == "resync"


def test_who_unsubscribes_hears_no_more(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe("orders", f"quotes:{stock}")
        stream.send(action="unsubscribe", channels=["orders", f"quotes:{stock}", "fills"])
        assert stream.until("session")["type"] == "unsubscribed"
        alice.order(symbol=stock)
        product.quote(stock, "8.00", "8.02")
        assert stream.quiet_for(0.2)


# --- market news ---------------------------------------------------------------------------------


def test_quotes_follow_the_market(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe(f"quotes:{stock}", f"book:{stock}")
        product.quote(stock, "8.00", "8.02")
        quote = stream.until(f"quotes:{stock}", "quote")["data"]
        assert (quote["bid"], quote["ask"]) == ("8.00", "8.02")
        assert "seq" not in quote
        book = stream.until(f"book:{stock}", "book")["data"]
        assert book["asks"] == [["8.02", "100", 1]]


def test_quotes_are_conflated_and_the_last_one_comes(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe(f"quotes:{stock}")
        for cent in range(300):
            product.market.feed(_quote(stock, f"{7 + cent / 100:.2f}", "20.00"))
        product.quote(stock, "10.00", "20.00")
        got = 0
        while stream.until(f"quotes:{stock}", "quote")["data"]["bid"] != "10.00":
            got += 1
        assert got < 100


def _quote(symbol: str, bid: str, ask: str) -> dict:
    sizes = {"bid_size": "100", "ask_size": "100"}
    return {"kind": "quote", "symbol": symbol, "bid": bid, "ask": ask} | sizes


def test_no_print_is_lost(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe(f"trades:{stock}")
        prints = [
            {"kind": "trade", "symbol": stock, "price": "10.00", "qty": str(number)}
            for number in range(1, 501)
        ]
        product.feed(*prints)
        got = [stream.until(f"trades:{stock}", "trade")["data"]["qty"] for _ in prints]
        assert got == [one["qty"] for one in prints]


def test_bars_form_while_prints_come(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe(f"bars:{stock}:1m")
        product.feed({"kind": "trade", "symbol": stock, "price": "10.00", "qty": "5"})
        bar = stream.until(f"bars:{stock}:1m", "bar")["data"]
        assert (bar["open"], bar["volume"]) == ("10.00", "5")


# --- slow readers --------------------------------------------------------------------------------


def test_who_does_not_read_is_closed_4408_and_nobody_waits_for_it(product, alice, bob) -> None:
    stock = product.stock()
    trade = {"kind": "trade", "symbol": stock, "price": "10.00", "qty": "5"}
    deaf = product.stream(sock=_narrow_socket(product.port), max_queue=1)
    deaf.send(action="auth", token=alice.token)
    deaf.send(action="subscribe", channels=[f"trades:{stock}"])
    with product.stream(bob) as stream:
        stream.subscribe(f"trades:{stock}")
        for _ in range(20):
            product.feed(*[trade] * 500)
            for _ in range(500):
                assert stream.until(f"trades:{stock}")["data"]["price"] == "10.00"
    assert deaf.closing_code == 4408
    assert "papertape_stream_behind_total 1.0" in product.anyone.get(product.url("/metrics")).text


def _narrow_socket(port: int) -> socket.socket:
    """A connection of which the client's system takes little at a time."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    narrow.connect(("127.0.0.1", port))
    return narrow


def test_the_end_of_the_server_ends_the_streams_at_once(serve) -> None:
    product = serve()
    with product.stream(product.trader()) as stream:
        started = time.monotonic()
        product.running.stop()
        assert time.monotonic() - started < 3
        assert stream.closing_code == 1012


def test_a_message_that_is_too_long_is_not_read(product, alice) -> None:
    with product.stream(alice) as stream:
        stream.connection.send("x" * 70_000)
        assert stream.closing_code == 1009


def test_there_is_one_stream_only(product) -> None:
    with pytest.raises(Exception, match="HTTP 403"):
        connect(f"ws://127.0.0.1:{product.port}/api/v1/other").__enter__()


def test_a_limit_that_is_come_near_is_told_on_alerts(product, alice, stock) -> None:
    rule = {"measure": "order_qty", "of": alice.account_id, "limit": "100", "alert_at": "0.5"}
    product.feed({"kind": "set_policy", "policy": {"rules": [rule]}})
    with product.stream(alice) as stream:
        assert stream.subscribe("alerts")["alerts"]["data"] == {"items": [], "next_cursor": None}
        order = alice.order(symbol=stock, qty="50").json()
        told = stream.until("alerts")
        alert = told["data"]
        assert (told["type"], alert["level"], alert["value"]) == ("risk_alert", "soft", "50")
        assert (alert["order_id"], alert["id"].split("-")[0]) == (order["id"], str(told["seq"]))
        assert (told["prev"], told["account_id"]) == (None, alice.account_id)
        for on in (True, False):
            alice.client.post("/risk/kill-switch", json={"scope": "user", "on": on})
        switches = [stream.until("alerts") for _ in range(2)]
        assert [one["type"] for one in switches] == ["kill_switch", "kill_switch_off"]
        assert {one["data"]["scope"] for one in switches} == {"user"}
    with product.stream(alice) as stream:
        kept = stream.subscribe("alerts")["alerts"]["data"]["items"]
        assert kept == [switches[1]["data"], switches[0]["data"], alert]
