"""Alerts through the door: acknowledged, traded, logged, never lost and never done twice."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

SUBJECT = "CN=TradingView Webhooks,O=TradingView\\, Inc.,C=US"


class Hook:
    """A webhook of a trader."""

    def __init__(self, product, trader, **terms: Any) -> None:
        made = trader.client.post("/webhooks", json={"name": "test"} | terms)
        assert made.status_code == 201, made.text
        self.made = made.json()
        self.id = self.made["id"]
        self.trader = trader
        self.product = product
        self.url = product.url(self.made["path"])

    def post(self, body: Any, path: str = "", **headers: str) -> httpx.Response:
        content = json.dumps(body) if isinstance(body, dict) else body
        return httpx.post(self.url + path, content=content, headers=headers, timeout=20)

    def log(self, **query: Any) -> dict[str, Any]:
        return self.trader.client.get(f"/webhooks/{self.id}/log", params=query).json()

    def outcome(self, body: Any) -> SimpleNamespace:
        """Send an alert and wait for its outcome: that of the alert and of its first account."""
        taken = self.post(body)
        assert taken.status_code == 202, taken.text
        return self.outcome_of(taken.json()["alert_id"])

    def outcome_of(self, alert_id: str) -> SimpleNamespace:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            found = [one for one in self.log()["items"] if one["id"] == alert_id]
            if found and found[0]["finished_at"]:
                account = (found[0]["accounts"] or [{}])[0]
                orders = [
                    f"{order['side']} {order['qty']} {order['status']}"
                    for order in account.get("orders", [])
                ]
                return SimpleNamespace(alert=found[0], account=account, orders=orders)
            time.sleep(0.01)
        raise AssertionError(f"the alert was not finished: {self.log()}")


@pytest.fixture
def hook(product, alice) -> Hook:
    return Hook(product, alice)


def held(trader, symbol: str) -> str:
    positions = trader.client.get(f"/accounts/{trader.account_id}/positions").json()["items"]
    return next((one["qty"] for one in positions if one["symbol"] == symbol), "0")


def open_orders(trader) -> list[dict[str, Any]]:
    return trader.client.get("/orders", params={"status": "open"}).json()["items"]


# --- trading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_alert_in_json_is_traded_whatever_its_content_type_says(
    product, hook, alice, stock, content_type
) -> None:
    body = json.dumps({"ticker": stock, "action": "buy", "contracts": 7})
    assert hook.post(body, **{"Content-Type": content_type}).status_code == 202
    (alert,) = hook.log()["items"]
    done = hook.outcome_of(alert["id"])
    assert (done.alert["status"], done.orders) == ("done", ["buy 7 filled"])
    assert done.alert["fields"] == {"symbol": stock, "action": "buy", "contracts": "7"}
    assert held(alice, stock) == "7"


def test_an_alert_as_text_brings_its_bracket_along(hook, alice, stock) -> None:
    done = hook.outcome(f"long {stock} q=7 sl=9.00 tp=12.00")
    assert done.orders == ["buy 7 filled"]
    legs = {(one["side"], one["limit_price"], one["stop_price"]) for one in open_orders(alice)}
    assert legs == {("sell", "12.00", None), ("sell", None, "9.00")}


def test_a_position_to_have_is_reached_from_wherever_the_account_is(hook, alice, stock) -> None:
    def to(position: str, size: int) -> list[str]:
        return hook.outcome(
            {
                "ticker": stock,
                "action": "buy",
                "contracts": 99,
                "market_position": position,
                "market_position_size": size,
            }
        ).orders

    assert to("long", 10) == ["buy 10 filled"]
    alice.order(symbol=stock, qty="3", side="sell", type="market", limit_price=None)
    assert to("long", 12) == ["buy 5 filled"]
    assert to("long", 4) == ["sell 8 filled"]
    assert to("flat", 0) == ["sell 4 filled"]
    assert held(alice, stock) == "0"


def test_closing_takes_the_protection_away_first(hook, alice, stock) -> None:
    hook.outcome(f"buy {stock} 10 sl=9 tp=12")
    own = alice.order(symbol=stock, limit_price="8.00").json()["id"]
    done = hook.outcome(f"close {stock}")
    assert done.orders == ["sell 10 filled"]
    assert len(done.account["canceled"]) == 2
    assert [one["id"] for one in open_orders(alice)] == [own]
    again = hook.outcome(f"flat {stock}")
    assert (again.alert["status"], again.account["status"]) == ("done", "nothing_to_do")


def test_an_entry_that_still_waits_goes_when_the_strategy_is_flat(hook, alice, stock) -> None:
    hook.outcome(f"buy {stock} 10 limit_price=9.00")
    assert len(open_orders(alice)) == 1
    done = hook.outcome(f"ticker={stock} market_position=flat")
    assert (done.orders, len(done.account["canceled"])) == ([], 1)
    assert open_orders(alice) == []


def test_a_flip_that_a_cash_account_may_not_make_closes_at_least(hook, alice, stock) -> None:
    hook.outcome(f"buy {stock} 10")
    done = hook.outcome(f"ticker={stock} position_size=-5")
    assert done.orders == ["sell 10 filled", "sell 5 rejected"]
    assert (done.alert["status"], done.account["status"]) == ("done", "sent")
    assert done.account["reason"] == "insufficient_quantity"
    assert held(alice, stock) == "0"


def test_orders_are_labelled_with_their_strategy_or_webhook(product, alice, stock) -> None:
    hook = Hook(product, alice, name="my webhook")
    hook.outcome(f"buy {stock} 2 strategy=breakout|x")
    hook.outcome(f"buy {stock} 3")
    query = {"status": "all", "symbol": stock}
    found = alice.client.get("/orders", params=query).json()["items"]
    labels = {one["qty"]: one["strategy"] for one in found}
    assert labels == {"2": "breakoutx", "3": "my webhook"}


def test_what_the_exchange_refuses_is_in_the_log(hook, stock) -> None:
    done = hook.outcome(f"buy {stock} 1000000")
    assert done.alert["status"] == "refused"
    assert done.alert["reason"] == "insufficient_buying_power"
    assert done.account["orders"][0]["order_id"]
    assert "10010000.00" in done.alert["detail"]


def test_the_symbol_map_leads_to_listed_symbols(product, alice, stock) -> None:
    hook = Hook(product, alice, symbol_map={"BTCUSDT.P": "BTC/USD", "nasdaq:acme!": stock})
    product.quote("BTC/USD", "60000", "60002")
    assert hook.outcome("buy BINANCE:BTCUSDT.P 0.01").account["symbol"] == "BTC/USD"
    assert hook.outcome("buy NASDAQ:ACME! 1").account["symbol"] == stock
    assert hook.outcome(f"buy NYSE:{stock} 1").account["symbol"] == stock
    assert hook.outcome({"ticker": "acme!", "exchange": "NASDAQ", "action": "buy", "qty": 1}).orders
    unknown = hook.outcome("buy ES1! 1").alert
    assert (unknown["status"], unknown["reason"]) == ("refused", "unknown_symbol")
    assert "symbol_map" in unknown["detail"]


SIZINGS = [
    ({"method": "fixed", "value": "3"}, "", "3"),
    ({"method": "percent", "value": "1"}, "", "99"),
    ({"method": "risk", "value": "0.1"}, "sl=9.01", "100"),
]


@pytest.mark.parametrize(("sizing", "more", "qty"), SIZINGS, ids=lambda one: str(one)[:30])
def test_the_webhook_sizes_its_orders(product, alice, stock, sizing, more, qty) -> None:
    product.quote(stock, "9.99", "10.01", size="1000")
    hook = Hook(product, alice, sizing=sizing)
    assert hook.outcome(f"buy {stock} 5000 {more}").account["orders"][0]["qty"] == qty


# --- nothing twice, nothing lost -----------------------------------------------------------------


def test_a_repeat_with_order_id_and_time_does_nothing_however_late(hook, alice, stock) -> None:
    body = {"ticker": stock, "action": "buy", "qty": 2, "order_id": "Long", "time": "t1"}
    first = hook.post(body).json()
    hook.product.change_users(
        "UPDATE webhook_alerts SET received_ns = received_ns - 900000000000000"
    )
    again = hook.post(body | {"comment": "sent again"}).json()
    assert (again["status"], again["duplicate_of"]) == ("duplicate", first["alert_id"])
    assert hook.post(body | {"time": "t2"}).json()["status"] == "received"
    hook.outcome_of(hook.log()["items"][0]["id"])
    assert held(alice, stock) == "4"
    assert [one["status"] for one in hook.log()["items"]] == ["done", "duplicate", "done"]


def test_a_repeat_of_the_same_words_counts_only_for_a_while(product, alice, stock) -> None:
    hook = Hook(product, alice, duplicate_window_s=1)
    first = hook.post(f"buy {stock} 1").json()
    again = hook.post(f"buy {stock} 1").json()
    assert (again["status"], again["duplicate_of"]) == ("duplicate", first["alert_id"])
    hook.outcome_of(first["alert_id"])
    product.change_users("UPDATE webhook_alerts SET received_ns = received_ns - 2000000000")
    assert hook.outcome(f"buy {stock} 1").orders == ["buy 1 filled"]
    none = Hook(product, alice, duplicate_window_s=0)
    assert [none.post(f"buy {stock} 1").json()["status"] for _ in range(2)] == ["received"] * 2


def test_of_many_repeats_at_once_one_is_traded(hook, alice, stock) -> None:
    body = {"ticker": stock, "action": "buy", "qty": 2, "order_id": "Long", "time": "t1"}
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: hook.post(body).json(), range(16)))
    statuses = [reply["status"] for reply in replies]
    assert (statuses.count("received"), statuses.count("duplicate")) == (1, 15)
    (first,) = [reply for reply in replies if reply["status"] == "received"]
    assert hook.outcome_of(first["alert_id"]).orders == ["buy 2 filled"]
    assert held(alice, stock) == "2"


def test_alerts_of_a_webhook_are_worked_in_their_order(hook, alice, stock) -> None:
    sizes = [3, 9, 1, 6, 2, 8, 4, 5]
    for size in sizes:
        assert hook.post(f"ticker={stock} position_size={size}").status_code == 202
    hook.outcome_of(hook.log()["items"][0]["id"])
    targets = [one["accounts"][0]["target"] for one in reversed(hook.log()["items"])]
    assert targets == [str(size) for size in sizes]
    assert held(alice, stock) == "5"


def test_webhooks_that_share_a_position_do_not_both_make_the_way_to_it(product, alice) -> None:
    stock = product.stock(size="100000")
    hooks = [Hook(product, alice, name=f"strategy {number}") for number in range(8)]
    for size in (20, 5, 12, 40, 2, 31, 9, 25):
        alert = f"ticker={stock} market_position=long market_position_size={size}"
        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(lambda hook, alert=alert: hook.post(alert).json(), hooks))
        for hook, one in zip(hooks, told, strict=True):
            hook.outcome_of(one["alert_id"])
        assert held(alice, stock) == str(size)


def test_a_webhook_leaves_the_waiting_orders_of_another_alone(product, alice, stock) -> None:
    one, other = Hook(product, alice, name="one"), Hook(product, alice, name="other")
    assert one.outcome(f"buy {stock} 4 order_type=limit price=8").orders == ["buy 4 new"]
    assert other.outcome(f"ticker={stock} position_size=3").orders == ["buy 3 filled"]
    assert len(open_orders(alice)) == 1
    flat = one.outcome(f"ticker={stock} position_size=0")
    assert (flat.orders, len(flat.account["canceled"])) == (["sell 3 filled"], 1)
    assert (held(alice, stock), open_orders(alice)) == ("0", [])


def test_an_account_in_another_currency_is_sized_at_the_stated_rate(product, stock) -> None:
    trader = product.trader()
    euros = {"name": "Euros", "kind": "cash", "currency": "EUR", "starting_cash": "10000"}
    account = trader.client.post("/accounts", json=euros)
    assert account.status_code == 201, account.text
    group = {"name": "abroad", "account_ids": [account.json()["id"]]}
    assert trader.client.post("/account-groups", json=group).status_code == 201
    sizing = {"method": "percent", "value": "5"}
    hook = Hook(product, trader, group="abroad", sizing=sizing)

    def dry_run(alert: str) -> dict[str, Any]:
        (told,) = hook.post(alert, "/dry-run").json()["accounts"]
        return told

    unstated = dry_run(f"buy {stock}")["refusal"]
    assert (unstated["reason"], unstated["limit"]) == ("currency_mismatch", "EUR")
    product.feed({"kind": "set_rate", "from": "EUR", "to": "USD", "rate": "1.2"})
    product.feed({"kind": "set_rate", "from": "EUR", "to": "USD", "rate": "1.25"})
    told = dry_run(f"buy {stock} sl=9.01")
    assert [order["qty"] for order in told["orders"]] == ["62"]
    size = {name: told["size"][name] for name in ("worth", "worth_percent", "risk", "rate")}
    assert size == {"worth": "620.62", "worth_percent": "4.965", "risk": "62", "rate": "1.25"}


def test_what_was_acknowledged_is_done_by_the_next_start(serve) -> None:
    before = serve()
    trader = before.trader()
    symbol = before.stock()
    hook = Hook(before, trader)
    hook.outcome(f"buy {symbol} 10 sl=9")
    before.stop_floor()
    taken = hook.post(f"ticker={symbol} position_size=3").json()
    assert taken["status"] == "received"
    assert hook.log()["items"][0]["status"] == "received"
    before.running.stop()
    after = serve(before.folder)
    hook.trader = after.login(trader.name)
    after.quote(symbol, "9.99", "10.01")
    done = hook.outcome_of(taken["alert_id"])
    assert done.orders[0].startswith("sell 7")
    until = time.monotonic() + 5
    while held(hook.trader, symbol) != "3":  # the order may have come before the first quote
        assert time.monotonic() < until


def test_a_plan_that_was_written_down_is_sent_once_more_and_does_nothing_twice(
    product, hook, alice, stock
) -> None:
    """As after a fall between sending an order and noting it."""
    body = {"ticker": stock, "action": "buy", "qty": 2, "order_id": "Long", "time": "t1"}
    alert_id = hook.post(body).json()["alert_id"]
    first = hook.outcome_of(alert_id)
    for change in (
        "webhook_trades SET result",
        "webhook_alerts SET status = 'received', finished_ns",
    ):
        sql = f"UPDATE {change} = NULL WHERE alert_id = :alert"
        assert product.change_users(sql, alert=alert_id) == 1
    hook.outcome(f"sell {stock} 1")  # wakes the desk, which takes the older one first
    again = hook.outcome_of(alert_id)
    assert again.account["orders"][0]["order_id"] == first.account["orders"][0]["order_id"]
    assert held(alice, stock) == "1"


# --- who may, and what is read -------------------------------------------------------------------


def test_the_secret_is_asked_for_and_never_kept(product, alice, stock) -> None:
    hook = Hook(product, alice, secret="correct horse")
    assert hook.made["has_secret"]
    body = {"ticker": stock, "action": "buy", "qty": 1}
    for wrong in ({}, {"passphrase": "wrong horse"}, {"key": ""}):
        refused = hook.post(body | wrong)
        assert (refused.status_code, refused.json()["reason"]) == (401, "wrong_secret")
    assert hook.outcome(body | {"passphrase": "correct horse"}).orders == ["buy 1 filled"]
    told = json.dumps(hook.log())
    assert [one["reason"] for one in hook.log()["items"]] == [None, *["wrong_secret"] * 3]
    stored = product.stored_of_users()
    assert "correct horse" not in told
    assert b"correct horse" not in stored
    assert hook.made["token"].encode() not in stored
    alice.client.patch(f"/webhooks/{hook.id}", json={"secret": ""})
    assert hook.post(body).status_code == 202


def test_only_the_newest_token_of_a_webhook_leads_anywhere(hook, alice, stock) -> None:
    rotated = alice.client.post(f"/webhooks/{hook.id}/rotate").json()
    assert hook.post(f"buy {stock} 1").status_code == 404
    token = hook.made["token"]
    for wrong in (
        f"/webhooks/tradingview/{token}/else",
        f"/webhooks/tradingview//{token}",
        f"//webhooks//tradingview//{token}/dry-run",
        f"/webhooks/TradingView/x/{token}",
        f"/webhooks/{token}",
        f"/webhooks%2Ftradingview%2F{token}",
        f"/webhooks%252Ftradingview%252F{token}",
        f"/api/v1/webhooks/tradingview/{token}",
        f"/hooks/tradingview/{token}",
    ):
        refused = httpx.post(hook.product.url(wrong), content="", timeout=20)
        assert refused.status_code == 404, wrong
        assert token not in refused.text, wrong
        assert "{token}" in refused.json()["instance"]
    hook.url = hook.product.url(rotated["path"] + "/")
    assert hook.outcome(f"buy {stock} 1").orders
    assert "token" not in alice.client.get(f"/webhooks/{hook.id}").json()
    assert alice.client.delete(f"/webhooks/{hook.id}").status_code == 204
    assert hook.post(f"buy {stock} 1").status_code == 404
    assert alice.client.get(f"/webhooks/{hook.id}").status_code == 404
    assert alice.client.delete(f"/webhooks/{hook.id}").status_code == 404


def test_a_webhook_that_is_switched_off_notes_and_trades_nothing(hook, alice, stock) -> None:
    alice.client.patch(f"/webhooks/{hook.id}", json={"enabled": False})
    assert hook.post(f"buy {stock} 1").json()["reason"] == "webhook_disabled"
    assert hook.log()["items"][0]["reason"] == "webhook_disabled"
    assert held(alice, stock) == "0"


BAD_BODIES = [
    (b"", 422, "malformed"),
    (b"{", 422, "malformed"),
    (b"\xff\x00", 422, "malformed"),
    (b"hello", 422, "no_action"),
    (b'{"action":"buy"}', 422, "no_symbol"),
    (b'{"action":"buy","ticker":"A","qty":1,"qty":1}', 422, "conflicting_fields"),
    (b"x" * 40_000, 413, "body_too_large"),
]


@pytest.mark.parametrize(("body", "status", "reason"), BAD_BODIES, ids=lambda x: str(x)[:20])
def test_what_cannot_be_read_is_refused_at_once(hook, body, status, reason) -> None:
    refused = hook.post(body)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert refused.json()["instance"] == "/webhooks/tradingview/{token}"
    if status == 422:
        assert hook.log()["items"][0]["reason"] == reason


def test_a_proxy_that_checks_certificates_lets_tradingview_pass(serve) -> None:
    product = serve(webhook_certificate_header="X-SSL-Client-S-DN")
    hook = Hook(product, product.trader())
    body = f"buy {product.stock()} 1"
    for subject in ({}, {"X-SSL-Client-S-DN": "CN=Somebody,O=TradingView\\, Inc."}):
        assert hook.post(body, **subject).json()["reason"] == "certificate_required"
    assert hook.post(body, **{"X-SSL-Client-S-DN": SUBJECT}).status_code == 202


def test_a_key_for_one_account_or_small_orders_sets_up_nothing(product, alice) -> None:
    for bound in ({"account_id": alice.account_id}, {"max_notional": "100"}):
        client = product.key_client(alice, ["read", "trade", "account"], **bound)
        for method, path, body in (
            ("POST", "/webhooks", {"name": "x"}),
            ("POST", "/account-groups", {"name": "x", "account_ids": [alice.account_id]}),
        ):
            assert client.request(method, path, json=body).json()["reason"] == "not_permitted"


# --- dry run -------------------------------------------------------------------------------------


def test_a_dry_run_tells_the_reading_and_sends_nothing(hook, alice, stock) -> None:
    body = {"ticker": stock, "action": "buy", "qty": 3, "sl": "9", "interval": "5"}
    told = hook.post(body, "/dry-run").json()
    assert told["fields"]["symbol"] == {"name": "ticker", "value": stock}
    assert (told["ignored"], told["symbol"], told["refusal"]) == (["interval"], stock, None)
    (account,) = told["accounts"]
    assert (account["account"], account["held"], account["target"]) == ("Paper account", "0", "3")
    (order,) = account["orders"]
    assert (order["side"], order["qty"], order["order_class"]) == ("buy", "3", "oto")
    assert order["rejections"] == []
    assert hook.log()["items"] == []
    assert open_orders(alice) == []
    assert held(alice, stock) == "0"


DRY = [
    ("buy {s} 1000000", "accounts.0.orders.0.rejections.0.reason", "insufficient_buying_power"),
    ("buy {s}", "accounts.0.refusal.reason", "no_size"),
    ("buy ES1! 1", "refusal.reason", "unknown_symbol"),
    ("buy {s} 1 account=other", "refusal.reason", "unknown_account"),
    ("dance {s}", "refusal.reason", "malformed"),
    ("{s}", "refusal.reason", "no_action"),
    ("ticker={s} action=dance", "refusal.field", "action"),
    ("", "refusal.reason", "malformed"),
    ("flat {s}", "accounts.0.orders", []),
    ('{{"ticker":"{s}","action":"buy","qty":1,"qty":9}}', "refusal.field", "qty"),
]


@pytest.mark.parametrize(("text", "path", "wanted"), DRY)
def test_a_dry_run_tells_what_would_be_refused_and_why(hook, stock, text, path, wanted) -> None:
    reply = hook.post(text.format(s=stock), "/dry-run")
    assert reply.status_code == 200
    told = reply.json()
    for step in path.split("."):
        told = told[int(step)] if step.isdecimal() else told[step]
    assert told == wanted
    native = hook.trader.client.post(f"/webhooks/{hook.id}/dry-run", content=text.format(s=stock))
    assert native.json() == reply.json()


def test_a_dry_run_without_the_secret_tells_nothing_of_the_accounts(product, alice, stock) -> None:
    hook = Hook(product, alice, secret="correct horse")
    told = hook.post(f"buy {stock} 1", "/dry-run").json()
    assert (told["refusal"]["reason"], told["accounts"]) == ("wrong_secret", [])
    assert hook.post(f"buy {stock} 1 key=correct horse", "/dry-run").json()["accounts"] == []
    body = {"ticker": stock, "action": "buy", "qty": 1, "key": "correct horse"}
    assert hook.post(body, "/dry-run").json()["accounts"]


# --- setting up ----------------------------------------------------------------------------------

BAD_TERMS = [
    ({}, "name"),
    ({"name": "x", "group": "nobody"}, "group"),
    ({"name": "x", "symbol_map": {"ES1!": "NOPE"}}, "symbol_map"),
    ({"name": "x", "sizing": {"method": "percent"}}, "sizing"),
    ({"name": "x", "sizing": {"method": "percent", "value": "-1"}}, "sizing"),
    ({"name": "x", "sizing": {"method": "alert", "value": "1"}}, "sizing"),
    ({"name": "x", "sizing": {"method": "magic", "value": "1"}}, "sizing"),
    ({"name": "x", "secret": "short"}, "secret"),
    ({"name": "x", "duplicate_window_s": -1}, "duplicate_window_s"),
    ({"name": "x", "surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("terms", "field"), BAD_TERMS, ids=lambda one: str(one)[:40])
def test_terms_that_cannot_be_are_refused_by_field(alice, terms, field) -> None:
    refused = alice.client.post("/webhooks", json=terms)
    assert refused.status_code == 422
    assert refused.json()["field"].startswith(field)


def test_a_webhook_changes_in_what_is_given_only(hook, alice) -> None:
    change = {"name": "new", "sizing": {"method": "percent", "value": "2.50"}}
    changed = alice.client.patch(f"/webhooks/{hook.id}", json=change).json()
    assert (changed["name"], changed["sizing"]) == ("new", {"method": "percent", "value": "2.5"})
    assert changed["group"] == "paper_simulator"
    assert changed == alice.client.get(f"/webhooks/{hook.id}").json()
    assert alice.client.get("/webhooks").json()["items"] == [changed]


def test_the_log_is_read_page_by_page(hook, stock) -> None:
    for number in range(5):
        hook.post(f"buy {stock} {number + 1}")
    seen, cursor = [], None
    while True:
        page = hook.log(limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["fields"]["contracts"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["5", "4", "3", "2", "1"]
    bad = hook.trader.client.get(f"/webhooks/{hook.id}/log", params={"cursor": "x"})
    assert (bad.status_code, bad.json()["field"]) == (422, "cursor")


# --- groups --------------------------------------------------------------------------------------


def test_everybody_has_the_paper_simulator(alice) -> None:
    (group,) = alice.client.get("/account-groups").json()["items"]
    assert (group["name"], group["built_in"]) == ("paper_simulator", True)
    assert group["account_ids"] == [alice.account_id]
    one = f"/account-groups/{group['id']}"
    assert alice.client.get(one).json() == group
    assert alice.client.delete(one).json()["reason"] == "built_in"
    assert alice.client.patch(one, json={"name": "mine"}).json()["reason"] == "built_in"


def test_groups_are_made_changed_and_removed(alice, bob) -> None:
    asked = {"name": "momentum", "account_ids": [alice.account_id]}
    made = alice.client.post("/account-groups", json=asked)
    assert made.status_code == 201
    one = f"/account-groups/{made.json()['id']}"
    assert alice.client.post("/account-groups", json=asked).json()["reason"] == "name_taken"
    assert bob.client.post("/account-groups", json=asked).status_code == 404
    twice = {"name": "twice", "account_ids": [alice.account_id] * 2}
    assert alice.client.post("/account-groups", json=twice).status_code == 422
    changed = alice.client.patch(one, json={"name": "value"}).json()
    assert (changed["name"], changed["account_ids"]) == ("value", [alice.account_id])
    assert alice.client.delete(one).status_code == 204
    assert alice.client.get(one).status_code == 404
    assert alice.client.delete(one).status_code == 404


def test_one_alert_trades_on_every_account_of_its_group_by_its_own_equity(
    product, alice, stock
) -> None:
    product.quote(stock, "9.99", "10.00", size="10000")
    terms = {"name": "small", "kind": "cash", "currency": "USD", "starting_cash": "5000"}
    small = alice.client.post("/accounts", json=terms).json()["id"]
    both = {"name": "both", "account_ids": [alice.account_id, small]}
    assert alice.client.post("/account-groups", json=both).status_code == 201
    hook = Hook(product, alice, group="both", sizing={"method": "percent", "value": "10"})
    done = hook.outcome(f"ticker={stock} market_position=long")
    bought = {
        one["account_id"]: [order["qty"] for order in one["orders"]]
        for one in done.alert["accounts"]
    }
    assert bought == {alice.account_id: ["1000"], small: ["50"]}
    one = hook.outcome(f"close {stock} account=small").alert["accounts"]
    assert [account["account_id"] for account in one] == [small]
    alice.client.post(f"/accounts/{small}/archive")
    left = hook.outcome(f"ticker={stock} market_position=flat").alert["accounts"]
    assert [account["account_id"] for account in left] == [alice.account_id]


def test_an_alert_to_a_group_that_is_gone_is_refused_and_logged(product, alice, stock) -> None:
    asked = {"name": "momentum", "account_ids": [alice.account_id]}
    group = alice.client.post("/account-groups", json=asked).json()
    hook = Hook(product, alice, group="momentum")
    assert hook.outcome(f"buy {stock} 1 account=momentum").orders == ["buy 1 filled"]
    alice.client.delete(f"/account-groups/{group['id']}")
    assert hook.outcome(f"buy {stock} 2").alert["reason"] == "no_account"
