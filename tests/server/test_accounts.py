"""Accounts, positions, fills, ledger, equity: what a trade leaves behind, to the cent."""

from collections import defaultdict
from decimal import Decimal

from papertape.server.models.accounts import (
    AccountReply,
    EquityPoint,
    FillReply,
    LedgerLine,
    PositionReply,
)
from server.shapes import has_the_shape_of

ACCOUNT_KEYS = [
    "id",
    "name",
    "kind",
    "currency",
    "cash",
    "equity",
    "buying_power",
    "unrealized_pl",
    "realized_pl",
    "status",
    "as_of_seq",
]


def listed(trader, path: str) -> list[dict]:
    response = trader.client.get(f"/accounts/{trader.account_id}/{path}")
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"items", "next_cursor"}
    return response.json()["items"]


def test_an_untouched_account_has_what_it_started_with(alice) -> None:
    account = alice.account()
    assert list(account) == ACCOUNT_KEYS
    assert has_the_shape_of(account, AccountReply)
    assert {name: account[name] for name in ACCOUNT_KEYS[2:-1]} == {
        "kind": "cash",
        "currency": "USD",
        "cash": "100000.00",
        "equity": "100000.00",
        "buying_power": "100000.00",
        "unrealized_pl": "0.00",
        "realized_pl": "0.00",
        "status": "active",
    }
    assert alice.client.get("/accounts").json()["items"][0]["id"] == account["id"]
    assert listed(alice, "positions") == []
    assert listed(alice, "fills") == []


def test_a_purchase_is_seen_in_every_list(alice, product, stock) -> None:
    order = alice.order(symbol=stock, limit_price="10.01").json()
    product.quote(stock, "10.49", "10.51")
    account = alice.account()
    assert (account["cash"], account["equity"], account["unrealized_pl"]) == (
        "99899.90",
        "100004.90",
        "4.90",
    )
    (position,) = listed(alice, "positions")
    assert has_the_shape_of(position, PositionReply)
    assert position == {
        "symbol": stock,
        "qty": "10",
        "avg_entry_price": "10.01",
        "market_value": "105.00",
        "cost_basis": "100.10",
        "unrealized_pl": "4.90",
        "current_price": "10.50",
        "side": "long",
    }
    (fill,) = listed(alice, "fills")
    assert has_the_shape_of(fill, FillReply)
    expected = {
        "order_id": order["id"],
        "symbol": stock,
        "side": "buy",
        "price": "10.01",
        "qty": "10",
        "notional": "100.10",
        "fee": "0.00",
        "liquidity": "taker",
        "counterparty": "house",
    }
    assert {name: fill[name] for name in expected} == expected
    assert set(LedgerLine.model_fields) <= set(listed(alice, "ledger")[0])
    assert all(set(EquityPoint.model_fields) == set(point) for point in listed(alice, "equity"))


def test_selling_realises_the_gain(alice, product, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    product.quote(stock, "11.01", "11.03")
    alice.order(symbol=stock, side="sell", type="market", limit_price=None)
    account = alice.account()
    assert (account["realized_pl"], account["cash"], account["equity"]) == (
        "10.00",
        "100010.00",
        "100010.00",
    )
    assert listed(alice, "positions") == []


def test_an_open_order_holds_buying_power_not_cash(alice, stock) -> None:
    alice.order(symbol=stock, qty="100", limit_price="9")
    account = alice.account()
    assert (account["cash"], account["buying_power"]) == ("100000.00", "99100.00")


def test_two_users_trade_with_each_other(alice, bob, product) -> None:
    stock = product.stock(bid="5.00", ask="20.00")
    alice.order(symbol=stock, limit_price="20.00")
    offered = alice.order(symbol=stock, side="sell", limit_price="10.00").json()
    taken = bob.order(symbol=stock, limit_price="10.00").json()
    assert (offered["status"], taken["status"]) == ("new", "filled")
    (fill,) = listed(bob, "fills")
    assert (fill["counterparty"], fill["liquidity"]) == ("user", "taker")
    assert listed(alice, "fills")[0]["liquidity"] == "maker"


def test_the_ledger_of_a_user_explains_the_cash(alice, stock) -> None:
    for price in ("10.01", "10.01", "9.00"):
        alice.order(symbol=stock, limit_price=price)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in listed(alice, "ledger?limit=1000"):
        sums[line["asset"]] += Decimal(line["amount"])
    assert sums["USD"] == Decimal(alice.account()["cash"])
    assert sums[stock] == 20
