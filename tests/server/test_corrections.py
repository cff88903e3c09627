"""Journals, and trades that are taken back or put right by new entries."""

from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import delete

from papertape.server.auth.store import Role
from papertape.server.auth.tables import trade_busts
from papertape.server.models.trades import TradeReply
from server.shapes import has_the_shape_of
from server.test_orders import problem


@pytest.fixture
def writer(product):
    """Somebody with a journal, and with a stock to write about."""
    trader = product.trader()
    body = {"name": "Elsewhere", "kind": "journal", "starting_cash": "100"}
    trader.journal = trader.client.post("/accounts", json=body).json()["id"]
    trader.stock = product.stock()
    return trader


def record(trader, key: str | None = None, **fields):
    body = {
        "account_id": trader.journal,
        "symbol": trader.stock,
        "side": "buy",
        "qty": "10",
        "price": "8.00",
    } | fields
    headers = {} if key is None else {"Idempotency-Key": key}
    return trader.client.post("/trades", json=body, headers=headers)


def journal(trader) -> tuple[str, str, dict[str, str]]:
    """Cash, buying power and what is held."""
    account = trader.client.get(f"/accounts/{trader.journal}").json()
    held = trader.client.get(f"/positions?account_id={trader.journal}").json()["items"]
    return (
        account["cash"],
        account["buying_power"],
        {position["symbol"]: position["qty"] for position in held},
    )


def test_a_journal_keeps_trades_and_sends_no_orders(writer) -> None:
    response = record(writer, fee="1", note="by phone")
    assert response.status_code == 201, response.text
    trade = response.json()
    assert has_the_shape_of(trade, TradeReply)
    assert (trade["price"], trade["fee"], trade["note"]) == ("8.00", "1.00", "by phone")
    assert journal(writer) == ("19.00", "0.00", {writer.stock: "10"})
    record(writer, side="sell", qty="30", price="9")
    assert journal(writer) == ("289.00", "0.00", {writer.stock: "-20"})
    order = writer.order(symbol=writer.stock, account_id=writer.journal)
    problem(order, 422, "account_not_active")
    assert writer.client.get(f"/trades/{trade['id']}").json() == trade


def test_the_same_request_is_recorded_once(writer) -> None:
    first, again = record(writer, key="k"), record(writer, key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    problem(record(writer, key="k", qty="11"), 409, "id_reused")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"qty": "0"}, "invalid_quantity"),
        ({"qty": "x"}, "invalid_quantity"),
        ({"price": "0"}, "invalid_price"),
        ({"price": "0.123456789"}, "too_many_decimals"),
        ({"price": None}, "malformed"),
        ({"side": "hold"}, "malformed"),
        ({"symbol": "NOPE"}, "unknown_symbol"),
        ({"fee": "-1"}, "malformed"),
        ({"note": ""}, "malformed"),
        ({"realized_pl": "5"}, "malformed"),
    ],
    ids=str,
)
def test_what_cannot_be_a_trade_is_refused(writer, fields, reason: str) -> None:
    told = problem(record(writer, **fields), 422, reason)
    assert told["field"] in fields, told
    assert journal(writer) == ("100.00", "0.00", {})


def test_trades_are_recorded_in_own_journals_only(writer, alice) -> None:
    problem(record(writer, account_id=writer.account_id), 422, "not_a_journal")
    problem(record(writer, account_id=alice.account_id), 404, "not_found")
    assert alice.account()["cash"] == "100000.00"


def test_a_trade_is_taken_back_once(writer) -> None:
    trade = record(writer, fee="1").json()["id"]
    for _ in range(2):
        assert writer.client.post(f"/trades/{trade}/bust").status_code == 204
    assert journal(writer) == ("100.00", "0.00", {})
    shown = writer.client.get(f"/trades/{trade}").json()
    assert (shown["busted"], shown["corrected_by"]) == (True, None)
    figures = writer.client.get(f"/accounts/{writer.journal}/metrics").json()
    assert (figures["total_trades"], figures["commission"]) == (0, "0.00")
    late = writer.client.post(f"/trades/{trade}/correct", json={"qty": "1", "price": "1"})
    problem(late, 409, "not_replaceable")


def test_a_note_goes_with_a_trade_that_is_put_right(product, writer) -> None:
    wrong = record(writer, note="by phone").json()["id"]
    terms = {"qty": "9", "price": "7.5"}
    right = writer.client.post(f"/trades/{wrong}/correct", json=terms).json()
    assert right["note"] == "by phone"
    path = f"/trades/{right['id']}"
    assert writer.client.patch(path, json={"note": "called back"}).status_code == 200
    with product.auth.engine.begin() as connection:  # as in a process that ended too early
        connection.execute(delete(trade_busts))
    again = writer.client.post(f"/trades/{wrong}/correct", json=terms).json()
    assert again["note"] == "called back", "a repeat takes no newer note away"
    assert writer.client.get(f"/trades/{wrong}").json()["note"] == "by phone"


def test_a_trade_is_put_right_by_another(product, writer) -> None:
    wrong = record(writer).json()["id"]
    right = {"qty": "9", "price": "7.5", "fee": "0.5"}
    response = writer.client.post(f"/trades/{wrong}/correct", json=right)
    assert response.status_code == 201, response.text
    trade = response.json()
    assert (trade["qty"], trade["price"], trade["fee"]) == ("9", "7.50", "0.50")
    assert journal(writer) == ("32.00", "0.00", {writer.stock: "9"})
    assert writer.client.get(f"/trades/{wrong}").json()["corrected_by"] == trade["id"]
    # As after a process that ended before it noted what it had done.
    with product.auth.engine.begin() as connection:
        connection.execute(delete(trade_busts))
    again = writer.client.post(f"/trades/{wrong}/correct", json=right)
    assert (again.status_code, again.json()["id"]) == (201, trade["id"])
    # What is corrected is taken back already: taking it back again must not look as if it worked.
    for verb, body in (("bust", {}), ("correct", right)):
        late = writer.client.post(f"/trades/{wrong}/{verb}", json=body)
        assert problem(late, 409, "not_replaceable")["corrected_by"] == trade["id"]
    assert "busted" not in writer.client.get(f"/trades/{trade['id']}").json()
    lines = writer.client.get(f"/accounts/{writer.journal}/ledger?limit=1000").json()["items"]
    cash = [Decimal(line["amount"]) for line in lines if line["asset"] == "USD"]
    assert sum(cash) == Decimal("32.00")
    wrong = writer.client.post(f"/trades/{trade['id']}/correct", json={"qty": "0", "price": "1"})
    assert problem(wrong, 422, "invalid_quantity")["field"] == "qty"
    for body in ({}, {"qty": "1"}, {"qty": "1", "price": "x"}, {"qty": "1", "price": "1", "a": 1}):
        bad = writer.client.post(f"/trades/{trade['id']}/correct", json=body)
        assert bad.status_code == 422
    assert journal(writer) == ("32.00", "0.00", {writer.stock: "9"})


def test_only_an_admin_takes_back_what_the_exchange_made(product, writer, bob) -> None:
    writer.order(symbol=writer.stock, limit_price="10.01")
    (trade,) = writer.client.get("/trades").json()["items"]
    path = f"/trades/{trade['id']}/bust"
    problem(writer.client.post(path), 403, "not_permitted")
    problem(bob.client.post(path), 404, "not_found")
    product.trader("marshal")
    product.auth.set_role("marshal", Role.ADMIN)
    marshal = product.login("marshal")
    assert marshal.client.post(path).status_code == 204
    assert writer.account()["cash"] == "100000.00"
    assert writer.client.get("/positions").json()["items"] == []
    for unknown in (str(uuid4()), "nonsense"):
        problem(marshal.client.post(f"/trades/{unknown}/bust"), 404, "not_found")
