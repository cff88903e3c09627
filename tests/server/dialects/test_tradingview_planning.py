"""From what is held to what an alert wants: tables of alerts and the orders that they lead to.

`buy 10` is an order, `-10` behind it closes (reduce-only).
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from papertape.server.dialects.tradingview.alert import read_alert
from papertape.server.dialects.tradingview.fields import fields_of
from papertape.server.dialects.tradingview.plan import (
    Facts,
    PlanRefusedError,
    Sizing,
    plan,
    to_clear,
)

D = Decimal
FACTS = Facts(
    symbol="ACME",
    currency="USD",
    tick_size=D("0.01"),
    lot_size=D(1),
    multiplier=D(1),
    bid=D("9.99"),
    ask=D("10.00"),
    last=D("9.99"),
    held=D(0),
    equity=D(10_000),
    account_currency="USD",
)
ALERT = Sizing()
FIXED = Sizing("fixed", D(7))
PERCENT = Sizing("percent", D(5))
RISK = Sizing("risk", D(1))


def alert(text: str):
    return read_alert(fields_of(text.encode()))


def orders(text: str, held: str = "0", sizing: Sizing = ALERT, **facts) -> str:
    planned = plan(alert(text), sizing, replace(FACTS, held=D(held), **facts))
    return ", ".join(
        f"{order['side']} {order['qty']}" + (" closing" if order.get("reduce_only") else "")
        for order in planned.orders
    )


LONG = "symbol=ACME market_position=long"
SHORT = "symbol=ACME market_position=short"
FLAT = "symbol=ACME market_position=flat"

ORDERS = [
    # a plain order does what it says
    ("buy ACME 10", "0", ALERT, "buy 10"),
    ("buy ACME 10", "5", ALERT, "buy 10"),
    ("sell ACME 10", "25", ALERT, "sell 10 closing"),
    ("sell ACME 10", "0", ALERT, "sell 10"),
    ("sell ACME 10", "4", ALERT, "sell 4 closing, sell 6"),
    ("buy ACME 10.9", "0", ALERT, "buy 10"),
    # closing
    ("close ACME", "10", ALERT, "sell 10 closing"),
    ("close ACME", "-10", ALERT, "buy 10 closing"),
    ("close ACME", "0", ALERT, ""),
    ("close long ACME", "-10", ALERT, ""),
    ("cover ACME", "-10", ALERT, "buy 10 closing"),
    ("cover ACME", "10", ALERT, ""),
    ("close ACME 4", "10", ALERT, "sell 4 closing"),
    ("close ACME 40", "10", ALERT, "sell 10 closing"),
    ("close ACME 25%", "10", ALERT, "sell 2 closing"),
    ("close ACME 25%", "-8", ALERT, "buy 2 closing"),
    # a position to have, from wherever the account is
    (f"{LONG} market_position_size=10", "0", ALERT, "buy 10"),
    (f"{LONG} market_position_size=10", "10", ALERT, ""),
    (f"{LONG} market_position_size=10", "4", ALERT, "buy 6"),
    (f"{LONG} market_position_size=10", "14", ALERT, "sell 4 closing"),
    (f"{LONG} market_position_size=10", "-5", ALERT, "buy 5 closing, buy 10"),
    (f"{SHORT} position_size=-3", "10", ALERT, "sell 10 closing, sell 3"),
    (FLAT, "10", ALERT, "sell 10 closing"),
    (FLAT, "-10", ALERT, "buy 10 closing"),
    (FLAT, "0", ALERT, ""),
    ("symbol=ACME position_size=-3", "0", ALERT, "sell 3"),
    # without a size of the position: contracts, by what was before
    (f"{LONG} action=buy contracts=10 prev_market_position=flat", "3", ALERT, "buy 7"),
    (
        f"{LONG} action=buy contracts=10 prev_market_position=short prev_market_position_size=4",
        "-4",
        ALERT,
        "buy 4 closing, buy 6",
    ),
    (
        f"{LONG} action=sell contracts=3 prev_market_position=long prev_market_position_size=10",
        "10",
        ALERT,
        "sell 3 closing",
    ),
    (f"{LONG} action=buy contracts=5 prev_market_position=long", "10", ALERT, "buy 5"),
    # the webhook's own sizing
    ("buy ACME 1000", "0", FIXED, "buy 7"),
    ("buy ACME", "0", PERCENT, "buy 50"),
    ("buy ACME leverage=2", "0", PERCENT, "buy 100"),
    ("sell ACME", "0", PERCENT, "sell 50"),
    ("buy ACME limit_price=8", "0", PERCENT, "buy 62"),
    ("buy ACME sl=9.50", "0", RISK, "buy 200"),
    ("buy ACME sl=5%", "0", RISK, "buy 200"),
    ("sell ACME sl=10.49", "0", RISK, "sell 200"),
    (f"{LONG} market_position_size=1", "0", PERCENT, "buy 50"),
    (f"{LONG} market_position_size=1", "44", PERCENT, ""),
    (f"{LONG} market_position_size=2 prev_market_position_size=1", "44", PERCENT, "buy 44"),
    (
        f"{LONG} market_position_size=1 prev_market_position_size=2",
        "44",
        PERCENT,
        "sell 22 closing",
    ),
    (f"{SHORT} market_position_size=1", "44", PERCENT, "sell 44 closing, sell 50"),
    (LONG, "3", FIXED, "buy 4"),
    (FLAT, "44", PERCENT, "sell 44 closing"),
    # sizes of the alert in money and percent
    ("buy ACME notional=505", "0", ALERT, "buy 50"),
    ("buy ACME qty_percent=10", "0", ALERT, "buy 100"),
]


@pytest.mark.parametrize(("text", "held", "sizing", "wanted"), ORDERS, ids=lambda x: str(x)[:70])
def test_orders_lead_from_what_is_held_to_what_is_wanted(text, held, sizing, wanted) -> None:
    assert orders(text, held, sizing) == wanted


def test_lots_and_multipliers_count() -> None:
    assert orders("buy ACME notional=1", lot_size=D("0.001")) == "buy 0.1"
    assert orders("buy ACME notional=2000", multiplier=D(50)) == "buy 4"


def test_a_share_of_the_equity_is_converted_at_the_stated_rate() -> None:
    abroad = {"account_currency": "EUR", "rate": D("1.25")}  # 10,000 euros are 12,500 dollars
    assert orders("buy ACME", sizing=PERCENT, **abroad) == "buy 62"
    assert orders("buy ACME sl=9", sizing=RISK, **abroad) == "buy 125"
    assert orders("buy ACME qty_percent=10", **abroad) == "buy 125"
    assert orders("buy ACME 3", **(abroad | {"rate": None})) == "buy 3"


def test_what_is_opened_is_told_with_its_worth_and_risk() -> None:
    facts = replace(FACTS, account_currency="EUR", rate=D("1.25"), multiplier=D(5))
    size = plan(alert("buy ACME 10 sl=9.5"), ALERT, facts).size
    assert size == {
        "side": "buy",
        "qty": "10",
        "price": "10",
        "currency": "USD",
        "worth": "500",
        "worth_percent": "4",
        "stop": "9.5",
        "risk": "25",
        "risk_percent": "0.2",
        "rate": "1.25",
    }
    crossing = plan(alert("sell ACME 10"), ALERT, replace(FACTS, held=D(4))).size
    assert (crossing["side"], crossing["qty"], crossing["worth"]) == ("sell", "6", "59.94")
    assert (crossing["stop"], crossing["risk"]) == (None, None)
    assert plan(alert("sell ACME 3"), ALERT, replace(FACTS, held=D(4))).size is None
    unpriced = replace(FACTS, bid=None, ask=None, last=None)
    assert plan(alert("buy ACME 3"), ALERT, unpriced).size == {"side": "buy", "qty": "3"}


REFUSED = [
    ("buy ACME", ALERT, {}, "no_size"),
    (LONG, ALERT, {}, "no_size"),
    ("buy ACME 0.5", ALERT, {}, "size_too_small"),
    ("buy ACME notional=5", ALERT, {}, "size_too_small"),
    ("buy ACME", PERCENT, {"equity": D(-10)}, "size_too_small"),
    ("buy ACME", RISK, {}, "no_stop"),
    ("buy ACME sl=10", RISK, {}, "no_stop"),
    ("buy ACME", PERCENT, {"bid": None, "ask": None, "last": None}, "no_price"),
    ("buy ACME", PERCENT, {"account_currency": "EUR", "rate": None}, "currency_mismatch"),
]


@pytest.mark.parametrize(("text", "sizing", "facts", "reason"), REFUSED)
def test_what_has_no_size_is_refused_by_name(text, sizing, facts, reason) -> None:
    with pytest.raises(PlanRefusedError) as refused:
        orders(text, sizing=sizing, **facts)
    assert refused.value.reason == reason
    assert refused.value.detail


def legs(text: str, held: str = "0") -> list[dict]:
    return plan(alert(text), ALERT, replace(FACTS, held=D(held))).orders


def test_stop_loss_and_take_profit_become_the_legs_of_the_opening_order() -> None:
    (order,) = legs("buy ACME 10 sl=9 tp=4%")
    assert order["order_class"] == "bracket"
    assert order["take_profit"] == {"limit_price": "10.4"}
    assert order["stop_loss"] == {"stop_price": "9"}
    assert order["time_in_force"] == "gtc"
    (order,) = legs("sell ACME 10 sl=2%")
    assert (order["order_class"], order["stop_loss"]) == ("oto", {"stop_price": "10.19"})
    closing, opening = legs("sell ACME 10 sl=11 tp=9", held="4")
    assert "order_class" not in closing
    assert (opening["order_class"], opening["qty"]) == ("bracket", "6")


def test_what_is_left_of_a_position_is_protected_again() -> None:
    closing, protecting = legs(f"{LONG} market_position_size=4 sl=9 tp=12", held="10")
    assert (closing["side"], closing["qty"]) == ("sell", "6")
    assert protecting == {
        "symbol": "ACME",
        "side": "sell",
        "qty": "4",
        "type": "limit",
        "limit_price": "12",
        "time_in_force": "gtc",
        "order_class": "oco",
        "stop_loss": {"stop_price": "9"},
    }
    _, stop = legs(f"{LONG} market_position_size=4 sl=9", held="10")
    assert (stop["type"], stop["stop_price"]) == ("stop", "9")


CLEARED = [
    ("buy ACME 10", "0", "10", "nothing"),
    ("sell ACME 5", "10", "5", "nothing"),
    ("sell ACME 10", "10", "0", "all"),
    ("close ACME", "10", "0", "all"),
    ("close ACME 5", "10", "5", "entries"),
    ("close ACME", "0", "0", "entries"),
    (f"{LONG} position_size=10", "4", "10", "entries"),
    (f"{LONG} position_size=4", "10", "4", "all"),
    (FLAT, "10", "0", "all"),
    (FLAT, "0", "0", "entries"),
]


@pytest.mark.parametrize(("text", "held", "target", "cleared"), CLEARED)
def test_earlier_orders_go_where_they_stand_in_the_way(text, held, target, cleared) -> None:
    assert to_clear(alert(text), D(target), D(held)) == cleared
