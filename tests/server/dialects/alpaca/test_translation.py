"""The pure parts of the dialect: positions, replacements in doubt, choices, errors."""

from decimal import Decimal

import pytest

from papertape.server.dialects.alpaca.assets import asset_of
from papertape.server.dialects.alpaca.configuration import check_order
from papertape.server.dialects.alpaca.desk import standing
from papertape.server.dialects.alpaca.errors import error_of
from papertape.server.dialects.alpaca.orders import order_of
from papertape.server.dialects.alpaca.positions import Day, available, position_of
from papertape.server.dialects.alpaca.replacements import Replacement
from papertape.server.dialects.alpaca.words import replacement_id
from papertape.server.problems import Problem

ORDER_ID = "6e340b9c-ffb3-8001-8000-000000000001"
STOCK = {
    "symbol": "ACME",
    "name": "Acme",
    "asset_class": "us_equity",
    "exchange": "XNYS",
    "currency": "USD",
    "tick_size": "0.01",
    "lot_size": "1",
    "status": "active",
}
ASSET = asset_of(STOCK)
OPTION = asset_of(STOCK | {"symbol": "ACME301220C00100000", "asset_class": "us_option"})


def order(**fields):
    return {
        "id": ORDER_ID,
        "client_order_id": "one",
        "symbol": "ACME",
        "side": "sell",
        "type": "limit",
        "time_in_force": "day",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "limit_price": "9.00",
        "stop_price": None,
        "status": "new",
        "created_at": "2026-11-20T10:46:00.000000000Z",
        "updated_at": "2026-11-20T10:46:00.000000000Z",
    } | fields


HIDDEN = [{"asset_class": "future"}, {"asset_class": "fx"}, {"currency": "EUR"}]


@pytest.mark.parametrize("change", HIDDEN, ids=str)
def test_what_alpaca_has_no_word_for_is_no_asset(change) -> None:
    assert asset_of(STOCK | change) is None


EXCHANGES = [
    ("us_equity", "XNAS", "NASDAQ"),
    ("etf", "XNYS", "NYSE"),
    ("us_equity", "XLON", ""),
    ("crypto", "XLON", "CRYPTO"),
    ("us_option", "XNYS", ""),
]


@pytest.mark.parametrize(("asset_class", "exchange", "word"), EXCHANGES)
def test_exchanges_have_only_words_that_clients_take(asset_class, exchange, word) -> None:
    assert asset_of(STOCK | {"asset_class": asset_class, "exchange": exchange}).exchange == word


# --- replacements whose outcome nobody knows ------------------------------------------------------


def sent(number: int, state: str = "sent", **change) -> Replacement:
    before = order_of(order(), ASSET)
    name = replacement_id(ORDER_ID, number)
    return Replacement(ORDER_ID, number, name, f"c{number}", 10, 0, state, change, before)


IN_DOUBT = [
    ({"limit_price": "9.5"}, {"limit_price": "9.50"}, 2),
    ({"limit_price": "9.5"}, {"limit_price": "9.00"}, 1),
    ({"limit_price": "9.5", "qty": "5"}, {"limit_price": "9.50", "qty": "10"}, 1),
    ({"time_in_force": "gtc"}, {"time_in_force": "gtc"}, 2),
    ({"trail_percent": "5"}, {"limit_price": None}, 1),
]


@pytest.mark.parametrize(("change", "terms", "count"), IN_DOUBT)
def test_the_order_tells_whether_a_replacement_was_made(change, terms, count) -> None:
    rows = [sent(1, "done", qty="10"), sent(2, **change)]
    assert len(standing(rows, order(**terms))) == count


def test_versions_follow_each_other() -> None:
    first, second = sent(1, "done"), sent(2, "done")
    assert (first.before_id, second.before_id) == (ORDER_ID, first.alpaca_id)
    assert second.version().replaces == first.alpaca_id
    assert first.old_order()["replaced_by"] == first.alpaca_id
    assert len({ORDER_ID, first.alpaca_id, second.alpaca_id}) == 3


# --- positions ------------------------------------------------------------------------------------


def held(qty: str, price: str | None = "12", entry: str = "10") -> dict:
    cost = str(Decimal(qty) * Decimal(entry))
    value = None if price is None else str(Decimal(qty) * Decimal(price))
    return {
        "symbol": "ACME",
        "qty": qty,
        "avg_entry_price": entry,
        "market_value": value,
        "cost_basis": cost,
        "unrealized_pl": None if value is None else str(Decimal(value) - Decimal(cost)),
        "current_price": price,
        "side": "short" if qty.startswith("-") else "long",
    }


def fill(side: str, qty: str, price: str) -> dict:
    notional = str(Decimal(qty) * Decimal(price))
    return {"side": side, "qty": qty, "price": price, "notional": notional}


INTRADAY = [
    ("held since yesterday", held("10"), "11", [], "10"),
    ("bought today", held("10"), None, [fill("buy", "10", "11.5")], "5"),
    ("more bought today", held("15"), "11", [fill("buy", "5", "10")], "20"),
    ("some sold today", held("6"), "11", [fill("sell", "4", "13")], "6"),
    ("sold and bought", held("8"), "11", [fill("sell", "4", "9"), fill("buy", "2", "10")], "10"),
    ("turned today", held("2"), "11", [fill("sell", "5", "9"), fill("buy", "2", "10")], "4"),
    ("short since yesterday", held("-10"), "11", [], "-10"),
    ("sold short today", held("-4"), None, [fill("sell", "4", "13")], "4"),
    ("no close is known", held("10"), None, [], None),
    ("no price is known", held("10", None), "11", [], None),
]


@pytest.mark.parametrize(("_", "native", "closed", "fills", "gain"), INTRADAY)
def test_the_gain_of_the_day(_, native, closed, fills, gain) -> None:
    day = Day(None if closed is None else Decimal(closed), fills)
    assert position_of(native, ASSET, day, [], False)["unrealized_intraday_pl"] == gain


PROMISED = [
    ([], "10"),
    ([order(qty="4")], "6"),
    ([order(qty="4", filled_qty="1", status="partially_filled")], "7"),
    ([order(qty="4", side="buy")], "10"),
    ([order(qty="4", symbol="OTHER")], "10"),
    ([order(qty="4", status="held")], "10"),
    ([order(id="a", qty="4", sibling_id="b"), order(id="b", qty="4", sibling_id="a")], "6"),
    ([order(id="a", qty="8"), order(id="b", qty="8")], "0"),
]


@pytest.mark.parametrize(("orders", "free"), PROMISED)
def test_what_is_promised_to_orders_is_not_available(orders, free) -> None:
    assert available(held("10"), orders) == free


# --- choices and errors ---------------------------------------------------------------------------

FREE = {"suspend_trade": False, "fractional_trading": True, "max_options_trading_level": None}
LEVELS = [
    ({"side": "buy"}, 2),
    ({"side": "sell"}, 1),
    ({"side": "sell", "reduce_only": True}, 0),
    ({"order_class": "mleg"}, 3),
]


@pytest.mark.parametrize(("fields", "needed"), LEVELS)
def test_options_need_their_level(fields, needed) -> None:
    for level in range(4):
        choices = FREE | {"max_options_trading_level": level}
        if level >= needed:
            check_order(choices, fields, [OPTION])
        else:
            with pytest.raises(Problem, match=f"level {needed}"):
                check_order(choices, fields, [OPTION])
    check_order(FREE | {"max_options_trading_level": 0}, {"side": "buy"}, [ASSET])


ERRORS = [
    (Problem(401, "not_authenticated", "x"), 401, 40110000),
    (Problem(403, "not_permitted", "x"), 403, 40310000),
    (Problem(422, "wash_trade", "x"), 403, 40310000),
    (Problem(409, "id_reused", "x"), 422, 40010001),
    (Problem(409, "not_replaceable", "x"), 422, 42210000),
    (Problem(422, "halted", "x"), 422, 42210000),
    (Problem(429, "too_many", "x", retry_after_s=3), 429, 42910000),
    (Problem(500, "internal_error", "x"), 500, 50010000),
    (Problem(503, "outcome_unknown", "x"), 503, 50310000),
]


@pytest.mark.parametrize(("problem", "status", "code"), ERRORS, ids=str)
def test_problems_have_alpacas_codes(problem, status, code) -> None:
    told_status, body = error_of(problem)
    assert (told_status, body["code"]) == (status, code)
    assert "x" in body["message"]


def test_a_lack_is_told_in_figures() -> None:
    power = Problem(
        422, "insufficient_buying_power", "x", more={"value": "190.50", "limit": "100.00"}
    )
    assert {"buying_power": "100.00", "cost_basis": "190.50"}.items() <= error_of(power)[1].items()
    qty = Problem(422, "insufficient_quantity", "x", more={"value": "5", "limit": "3"})
    assert "requested: 5, available: 3" in error_of(qty)[1]["message"]
