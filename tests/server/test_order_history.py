"""Orders and trades found again: by filters, by what their owner calls them, as a table."""

import csv
import io
from uuid import uuid4

import pytest

from papertape.server.auth.label_store import Labels
from papertape.server.models.orders import OrderReply
from papertape.server.models.performance import MetricsReply, StrategyReply, TradeFigures
from papertape.server.models.trades import TradeReply
from server.shapes import has_the_shape_of
from server.test_orders import problem


def ids(trader, query: str) -> list[str]:
    """The ids that a list of orders has, over all of its pages of two."""
    found: list[str] = []
    cursor = None
    while True:
        behind = "" if cursor is None else f"&cursor={cursor}"
        response = trader.client.get(f"/orders?limit=2{behind}&{query}")
        assert response.status_code == 200, response.text
        found += [order["id"] for order in response.json()["items"]]
        cursor = response.json()["next_cursor"]
        if cursor is None:
            return found


@pytest.fixture(scope="module")
def trader(product):
    """Somebody with six orders of all sorts: see ORDERS."""
    trader = product.trader("searcher")
    trader.stocks = [product.stock(), product.stock()]
    trader.ids = []
    for fields in ORDERS:
        stock = trader.stocks[fields.get("stock", 0)]
        given = {name: value for name, value in fields.items() if name != "stock"}
        order = trader.order(symbol=stock, **given)
        assert order.status_code == 201, order.text
        trader.ids.append(order.json()["id"])
    trader.client.delete(f"/orders/{trader.ids[5]}")
    return trader


ORDERS = [
    {"limit_price": "10.01", "strategy": "breakout", "tags": ["a", "B"]},
    {"limit_price": "9", "strategy": "breakout"},
    {"stock": 1, "type": "market", "limit_price": None, "tags": ["a"]},
    {"stock": 1, "type": "stop", "limit_price": None, "stop_price": "12"},
    {"side": "sell", "limit_price": "12", "strategy": "other", "tags": ["b"]},
    {"stock": 1, "limit_price": "8", "strategy": "breakout", "tags": ["a"]},
]

SEARCHES = [
    # (query, the numbers of the orders that it finds, the newest first)
    ("", [4, 3, 1]),
    ("status=all", [5, 4, 3, 2, 1, 0]),
    ("status=closed", [5, 2, 0]),
    ("status=filled", [2, 0]),
    ("status=filled,canceled", [5, 2, 0]),
    ("status=rejected", []),
    ("status=all&side=sell", [4]),
    ("status=all&type=market,stop", [3, 2]),
    ("status=all&symbol={1}", [5, 3, 2]),
    ("status=all&symbol={1}&side=buy&type=limit", [5]),
    ("status=all&symbol=NOPE", []),
    ("status=all&from=2001-01-01&to=2999-01-01", [5, 4, 3, 2, 1, 0]),
    ("status=all&from=2999-01-01", []),
    ("status=all&to=2001-01-01", []),
    ("status=all&strategy=breakout", [5, 1, 0]),
    ("strategy=breakout", [5, 1, 0]),
    ("status=open&strategy=breakout", [1]),
    ("tag=a", [5, 2, 0]),
    ("from=2001-01-01", [5, 4, 3, 2, 1, 0]),
    ("to=2999-01-01&side=buy", [5, 3, 2, 1, 0]),
    ("symbol={0}&side=buy", [1]),
    ("status=all&strategy=Breakout", []),
    ("status=all&tag=a", [5, 2, 0]),
    ("status=all&tag=B", [0]),
    ("status=all&tag=b", [4]),
    ("status=all&tag=%25", []),
    ("status=all&strategy=breakout&tag=a&symbol={0}", [0]),
]


@pytest.mark.parametrize(("query", "numbers"), SEARCHES)
def test_orders_are_found(trader, query: str, numbers: list[int]) -> None:
    query = query.format(*trader.stocks)
    assert ids(trader, query) == [trader.ids[number] for number in numbers]
    account = trader.client.get(f"/accounts/{trader.account_id}/orders?{query}").json()
    assert [order["id"] for order in account["items"]] == [trader.ids[n] for n in numbers]


BAD_SEARCHES = [
    ("status=open,filled", "status"),
    ("status=filled,", "status"),
    ("status=Filled", "status"),
    ("type=limit,magic", "type"),
    ("side=both", "side"),
    ("from=soon", "from"),
    ("to=2026-13-01", "to"),
    ("strategy=" + "x" * 65, "strategy"),
    ("strategy=x&cursor=x", "cursor"),
    ("strategy=x&cursor=%C3%A4", "cursor"),
    ("format=xml", "format"),
]


@pytest.mark.parametrize(("query", "field"), BAD_SEARCHES)
def test_a_bad_search_is_refused_by_its_field(trader, query: str, field: str) -> None:
    assert problem(trader.client.get(f"/orders?{query}"), 422, "malformed")["field"] == field


def test_orders_show_what_their_owner_calls_them(trader) -> None:
    order = trader.client.get(f"/orders/{trader.ids[0]}").json()
    assert has_the_shape_of(order, OrderReply)
    assert (order["strategy"], order["tags"]) == ("breakout", ["a", "B"])
    assert "strategy" not in trader.client.get(f"/orders/{trader.ids[3]}").json()


@pytest.mark.parametrize(
    ("query", "accept"), [("&format=csv", "*/*"), ("", "application/xml, text/csv;q=0.9")]
)
def test_orders_come_as_a_table(trader, query: str, accept: str) -> None:
    response = trader.client.get(f"/orders?status=all&limit=4{query}", headers={"Accept": accept})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["id"] for row in rows] == trader.ids[:1:-1]
    assert (rows[0]["strategy"], rows[0]["tags"], rows[2]["stop_price"]) == (
        "breakout",
        '["a"]',
        "12.00",
    )
    cursor = response.headers["X-Next-Cursor"]
    rest = trader.client.get(f"/orders?status=all&format=csv&cursor={cursor}")
    assert len(list(csv.reader(io.StringIO(rest.text)))) == 1 + 2
    assert "X-Next-Cursor" not in rest.headers


def test_no_text_of_a_table_is_a_formula(alice, stock) -> None:
    alice.order(symbol=stock, strategy="=cmd()", side="sell", client_order_id="-1+2")
    alice.order(symbol=stock, strategy="@x")
    table = alice.client.get("/orders?status=all&format=csv").text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["strategy"] for row in rows] == ["'@x", "'=cmd()"]
    assert rows[1]["client_order_id"] == "'-1+2"


BAD_LABELS = [
    ({"strategy": ""}, "strategy"),
    ({"strategy": "x" * 65}, "strategy"),
    ({"strategy": "a|b"}, "strategy"),
    ({"strategy": 5}, "strategy"),
    ({"tags": "a"}, "tags"),
    ({"tags": ["a", "a"]}, "tags"),
    ({"tags": ["a|b"]}, "tags.0"),
    ({"tags": [str(n) for n in range(11)]}, "tags"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_LABELS, ids=str)
def test_a_bad_label_is_refused_and_nothing_is_sent(alice, stock, fields, field) -> None:
    body = problem(alice.order(symbol=stock, **fields), 422, "malformed")
    assert body["field"] == field
    assert ids(alice, "status=all") == []


def test_every_reply_about_an_order_shows_its_labels(alice, product, stock) -> None:
    labels = {"strategy": "momentum", "tags": ["a", "b"]}

    def send() -> list[str]:
        """A labelled order and one without labels."""
        plain = alice.order(symbol=stock).json()["id"]
        return [alice.order(symbol=stock, **labels).json()["id"], plain]

    changed, ended = send()
    assert_labels([alice.client.patch(f"/orders/{changed}", json={"qty": "3"}).json()], [labels])
    assert alice.client.delete(f"/orders/{ended}").status_code == 204
    short = product.url(f"/api/paper-trading/orders/{changed}/cancel")
    assert_labels([alice.client.post(short).json()], [labels])
    for atomic in (False, True):
        cancels = {"order_ids": send() + [ended][atomic:], "atomic": atomic}
        told = alice.client.post("/orders/bulk-cancel", json=cancels).json()
        assert_labels([one["order"] for one in told["items"] if "order" in one], [labels, {}])
    send()
    told = alice.client.delete("/orders", params={"account_id": alice.account_id}).json()
    assert_labels([one["order"] for one in told["items"]], [labels, {}])
    send()
    told = alice.client.post(f"/accounts/{alice.account_id}/flatten").json()
    assert_labels([one["order"] for one in told["canceled"]], [labels, {}])


def assert_labels(orders, labels) -> None:
    shown = [{name: one[name] for name in ("strategy", "tags") if name in one} for one in orders]
    assert sorted(shown, key=len) == sorted(labels, key=len)


def test_legs_show_the_strategy_of_their_parent(alice, stock) -> None:
    group = {"order_class": "bracket", "take_profit": {"limit_price": "12"}}
    labels = {"strategy": "swing", "tags": ["a"]}
    terms = group | labels | {"stop_loss": {"stop_price": "8"}, "time_in_force": "gtc"}
    parent = alice.order(symbol=stock, **terms).json()
    plain = alice.order(symbol=stock, **group, stop_loss={"stop_price": "8"}).json()
    orders = {one["id"]: one for one in alice.client.get("/orders?status=all").json()["items"]}
    assert len(parent["legs"]) == len(plain["legs"]) == 2
    for leg in parent["legs"]:
        assert alice.client.get(f"/orders/{leg}").json() == orders[leg]
        assert (orders[leg]["strategy"], orders[leg]["tags"]) == ("swing", [])
    assert all("strategy" not in orders[leg] for leg in plain["legs"])


def test_other_labels_under_one_id_are_another_order(alice, stock) -> None:
    first = alice.order(symbol=stock, client_order_id="a", strategy="x").json()
    again = alice.order(symbol=stock, client_order_id="a", strategy="x")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    problem(alice.order(symbol=stock, client_order_id="a", strategy="y"), 409, "id_reused")
    assert ids(alice, "strategy=x") == [first["id"]]


def test_what_was_not_taken_is_not_labelled(alice, product, stock) -> None:
    bad = {"client_order_id": "a", "qty": "0"}
    problem(alice.order(symbol=stock, strategy="x", **bad), 422, "invalid_quantity")
    assert alice.order(symbol=stock, client_order_id="a", strategy="y").status_code == 201
    # A rejected order is kept, and so is what it was called.
    kept = problem(
        alice.order(symbol=stock, strategy="z", side="sell"), 422, "insufficient_quantity"
    )
    assert ids(alice, "status=all&strategy=z") == [kept["order_id"]]
    small = product.key_client(alice, ["trade"], max_notional="1")
    body = {"account_id": alice.account_id, "symbol": stock, "side": "buy", "type": "limit"}
    body |= {"qty": "10", "limit_price": "9", "client_order_id": "big"}
    problem(small.post("/orders", json=body | {"strategy": "w"}), 403, "max_notional_exceeded")
    assert product.auth.labels.of_orders(alice.account_id, ["a", "big"]).keys() == {"a"}


def test_labels_are_bound_when_their_process_ended_before_the_answer(product, alice, stock) -> None:
    product.auth.labels.put(alice.account_id, "cut off", Labels("x", ()))
    product.auth.labels.put(alice.account_id, "a", Labels("x", ()))
    order = alice.order(symbol=stock, client_order_id="a").json()
    assert ids(alice, "strategy=x") == [order["id"]]


@pytest.mark.parametrize("path", ["/orders", "/orders/preview"])
def test_an_algorithm_is_refused_and_never_ignored(alice, stock, path: str) -> None:
    body = {"account_id": alice.account_id, "symbol": stock, "side": "buy", "type": "market"}
    body |= {"qty": "1", "advanced_instructions": {"algorithm": "TWAP"}}
    refused = problem(alice.client.post(path, json=body), 422, "algo_not_available")
    assert refused["field"] == "advanced_instructions"
    assert ids(alice, "status=all") == []


# --- trades --------------------------------------------------------------------------------------


def trades(trader, query: str = "") -> list[dict]:
    response = trader.client.get(f"/trades?{query}")
    assert response.status_code == 200, response.text
    return response.json()["items"]


def test_trades_are_fills_with_receipt_and_labels(trader) -> None:
    second, first = trades(trader)
    assert has_the_shape_of(first, TradeReply)
    assert first["receipt"]["why"] if "why" in first["receipt"] else first["receipt"]
    assert (first["order_id"], first["strategy"], first["note"]) == (
        trader.ids[0],
        "breakout",
        None,
    )
    assert second["tags"] == ["a"]
    assert trader.client.get(f"/trades/{first['id']}").json() == first


def test_trades_are_found(trader) -> None:
    second, first = (trade["id"] for trade in trades(trader))
    searches = {
        f"symbol={trader.stocks[1]}": [second],
        "side=sell": [],
        f"order_id={trader.ids[0]}": [first],
        "start=2001-01-01&end=2999-01-01": [second, first],
        "from=2999-01-01": [],
        "end=2001-01-01": [],
        f"account_id={trader.account_id}": [second, first],
    }
    for query, found in searches.items():
        assert [trade["id"] for trade in trades(trader, query)] == found, query
    table = trader.client.get("/trades?format=csv").text
    assert [row["id"] for row in csv.DictReader(io.StringIO(table))] == [second, first]
    page = trader.client.get("/trades?limit=1").json()
    assert trades(trader, f"limit=1&cursor={page['next_cursor']}")[0]["id"] == first
    for query, field in (("start=x", "start"), ("cursor=x", "cursor"), ("limit=0", "limit")):
        assert problem(trader.client.get(f"/trades?{query}"), 422, "malformed")["field"] == field


def test_a_note_is_written_changed_and_taken_away(alice, bob, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    (trade,) = trades(alice)
    path = f"/trades/{trade['id']}"
    for note in ("bought the dip", "x" * 2000, None):
        noted = alice.client.patch(path, json={"note": note})
        assert noted.json() == trade | {"note": note}
        assert alice.client.get(path).json()["note"] == trades(alice)[0]["note"] == note
    for body in ({}, {"note": ""}, {"note": "x" * 2001}, {"note": 5}, {"price": "1"}):
        problem(alice.client.patch(path, json=body), 422, "malformed")
    problem(bob.client.patch(path, json={"note": "mine"}), 404, "not_found")
    problem(bob.client.get(path), 404, "not_found")
    for unknown in (str(uuid4()), "nonsense"):
        problem(alice.client.get(f"/trades/{unknown}"), 404, "not_found")


# --- figures -------------------------------------------------------------------------------------


def trade_round(trader, product, stock: str, bought: str, sold: str, **fields) -> None:
    """Buy ten and sell ten at these prices."""
    product.quote(stock, str(float(bought) - 0.02), bought)
    assert trader.order(symbol=stock, limit_price=bought, **fields).json()["status"] == "filled"
    product.quote(stock, sold, str(float(sold) + 0.02))
    sale = trader.order(symbol=stock, side="sell", limit_price=sold, **fields)
    assert sale.json()["status"] == "filled"


METRICS = {
    "total_return",
    "sharpe_ratio",
    "max_drawdown",
    "win_rate",
    "profit_factor",
    "total_trades",
    "winning_trades",
    "losing_trades",
    "avg_win",
    "avg_loss",
    "largest_win",
    "largest_loss",
    "total_pnl",
    "gross_profit",
    "gross_loss",
    "commission",
}


def metrics(trader) -> dict:
    response = trader.client.get(f"/accounts/{trader.account_id}/metrics")
    assert response.status_code == 200, response.text
    assert set(response.json()) == set(MetricsReply.model_fields) == METRICS
    return response.json()


def test_an_untouched_account_has_made_nothing(alice) -> None:
    told = metrics(alice)
    assert told == dict.fromkeys(METRICS) | {
        "total_return": 0.0,
        "max_drawdown": 0.0,
        "total_trades": 0,
        "winning_trades": 0,
        "losing_trades": 0,
        "total_pnl": "0.00",
        "gross_profit": "0.00",
        "gross_loss": "0.00",
        "commission": "0.00",
    }


def test_metrics_count_round_trips(alice, product, stock) -> None:
    trade_round(alice, product, stock, "10.00", "12.00")
    trade_round(alice, product, stock, "12.02", "11.02")
    trade_round(alice, product, stock, "11.02", "11.02")
    # Still open: no trade yet, but part of what the account made.
    product.quote(stock, "9.98", "10.00")
    alice.order(symbol=stock, limit_price="10.00")
    product.quote(stock, "11.00", "11.02")
    told = metrics(alice)
    assert (told["total_trades"], told["winning_trades"], told["losing_trades"]) == (3, 1, 1)
    assert (told["gross_profit"], told["gross_loss"]) == ("20.00", "-10.00")
    assert (told["avg_win"], told["avg_loss"]) == ("20.00", "-10.00")
    assert (told["largest_win"], told["largest_loss"]) == ("20.00", "-10.00")
    assert told["win_rate"] == pytest.approx(1 / 3)
    assert told["profit_factor"] == 2
    assert told["total_pnl"] == "20.10"
    assert told["total_return"] == pytest.approx(20.10 / 100_000)
    figures = alice.client.get("/trades/statistics").json()
    assert set(figures) == set(TradeFigures.model_fields)
    assert figures == {name: told[name] for name in figures}
    none = alice.client.get("/trades/statistics?to=2001-01-01").json()
    assert (none["total_trades"], none["commission"]) == (0, "0.00")


def test_money_that_comes_and_goes_is_no_profit(alice, product, stock) -> None:
    trade_round(alice, product, stock, "10.00", "12.00")
    path = f"/accounts/{alice.account_id}"
    alice.client.post(f"{path}/deposit", json={"amount": "100000"})
    alice.client.post(f"{path}/withdraw", json={"amount": "50"})
    told = metrics(alice)
    assert told["total_pnl"] == "20.00"
    assert told["total_return"] == pytest.approx(20 / 199_950, rel=1e-3)
    alice.client.post(f"{path}/deposit", json={"amount": "1", "currency": "EUR"})
    unknown = metrics(alice)
    assert (unknown["total_pnl"], unknown["total_return"], unknown["total_trades"]) == (
        None,
        None,
        1,
    )


def test_a_reset_begins_a_new_life(alice, product, stock) -> None:
    trade_round(alice, product, stock, "10.00", "12.00")
    alice.client.post(f"/accounts/{alice.account_id}/reset", json={"starting_cash": "500"})
    assert (metrics(alice)["total_trades"], metrics(alice)["total_pnl"]) == (0, "0.00")
    trade_round(alice, product, stock, "10.00", "9.00")
    told = metrics(alice)
    assert (told["total_trades"], told["gross_loss"], told["total_pnl"]) == (1, "-10.00", "-10.00")
    assert told["total_return"] == pytest.approx(-0.02)


def test_strategies_have_their_own_profit(alice, product, stock) -> None:
    trade_round(alice, product, stock, "10.00", "12.00", strategy="up")
    product.quote(stock, "11.98", "12.00")
    bracket = {
        "order_class": "bracket",
        "take_profit": {"limit_price": "13"},
        "stop_loss": {"stop_price": "8"},
    }
    alice.order(symbol=stock, limit_price="12.00", strategy="legs", **bracket)
    product.quote(stock, "13.01", "13.03")
    product.quote(stock, "9.98", "10.00")
    alice.order(symbol=stock, limit_price="10.00", strategy="held")
    alice.order(symbol=stock, limit_price="10.00")
    product.quote(stock, "10.49", "10.51")
    response = alice.client.get(f"/accounts/{alice.account_id}/strategies")
    items = response.json()["items"]
    assert all(set(item) == set(StrategyReply.model_fields) for item in items)
    told = {item["strategy"]: item for item in items}
    assert list(told) == ["held", "legs", "up", None]
    pl = {name: (one["realized_pl"], one["unrealized_pl"]) for name, one in told.items()}
    assert pl == {
        "up": ("20.00", "0.00"),
        "legs": (told["legs"]["realized_pl"], "0.00"),
        "held": ("0.00", "5.00"),
        None: ("0.00", "5.00"),
    }
    assert told["legs"]["total_trades"] == 1
    assert float(told["legs"]["realized_pl"]) >= 10
    assert told["up"]["fills"] == 2
