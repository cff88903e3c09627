"""Account, positions, configuration, history and activities through the real client of Alpaca."""

from datetime import UTC, datetime, time, timedelta

import pytest
from alpaca.trading.models import NonTradeActivity, TradeActivity
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetPortfolioHistoryRequest,
    ReplaceOrderRequest,
    StopLossRequest,
)

from papertape.markets.bars import Bar
from papertape.markets.store import BarStore
from papertape.server.dialects.alpaca.days import NEW_YORK
from server.dialects.alpaca.conftest import bot_of
from server.dialects.alpaca.test_orders import SELL, limit, market, refusal

CRYPTO = "BTC/USD"


def test_the_account_is_the_users_first(bot, stock) -> None:
    account = bot.trading.get_account()
    assert str(account.id) == bot.trader.account_id
    assert (account.status, account.currency, account.multiplier) == ("ACTIVE", "USD", "1")
    assert float(account.cash) == float(account.equity) == float(account.last_equity) == 100_000
    bot.trading.submit_order(market(stock))
    account = bot.trading.get_account()
    assert float(account.cash) == 100_000 - 100.1
    assert float(account.long_market_value) == 100.0
    assert float(account.last_equity) == 100_000
    assert account.portfolio_value == account.equity
    assert account.shorting_enabled is False


def test_a_position_is_found_by_its_names(bot, stock) -> None:
    bot.trading.submit_order(market(stock))
    bot.trading.submit_order(limit(stock, side=SELL, price=12.0, qty=4))
    (position,) = bot.trading.get_all_positions()
    assert (position.symbol, position.qty, position.qty_available) == (stock, "10", "6")
    assert (position.side, position.avg_entry_price) == ("long", "10.01")
    assert float(position.cost_basis) == 100.1
    assert float(position.market_value) == 100.0
    assert float(position.unrealized_pl) == pytest.approx(-0.1)
    assert float(position.unrealized_intraday_pl) == pytest.approx(-0.1)
    assert position.lastday_price is None
    assert bot.trading.get_open_position(stock) == position
    assert bot.trading.get_open_position(position.asset_id) == position


def test_a_coin_has_three_names(bot, product) -> None:
    product.quote(CRYPTO, "65000.00", "65001.00", "5")
    bot.trading.submit_order(market("BTCUSD", qty=0.5))
    for name in ("BTCUSD", "BTC/USD", "BTC%2FUSD"):
        position = bot.trading.get_open_position(name)
        assert (position.symbol, position.exchange, position.qty) == (CRYPTO, "CRYPTO", "0.5")
    order = bot.trading.close_position("BTC%2FUSD")
    assert (order.symbol, order.status) == (CRYPTO, "filled")


def test_the_day_of_a_position_begins_with_the_last_close(bot, product, stock) -> None:
    yesterday = int((datetime.now(UTC) - timedelta(days=2)).timestamp()) * 10**9
    store = BarStore(product.folder / "bars")
    store.backfill(stock, [Bar(yesterday - yesterday % (60 * 10**9), *["8.00"] * 4, "100")])
    store.close()
    bot.trading.submit_order(market(stock))
    position = bot.trading.get_open_position(stock)
    assert float(position.lastday_price) == 8
    assert float(position.change_today) == pytest.approx(10 / 8 - 1)
    assert float(position.unrealized_intraday_pl) == pytest.approx(-0.1)  # bought today


CLOSED = [
    (None, "10", "0"),
    (ClosePositionRequest(qty="4"), "4", "6"),
    (ClosePositionRequest(percentage="25"), "2", "8"),
]


@pytest.mark.parametrize(("part", "sold", "left"), CLOSED)
def test_a_position_is_closed_in_whole_or_in_part(bot, stock, part, sold, left) -> None:
    bot.trading.submit_order(market(stock))
    order = bot.trading.close_position(stock, part)
    assert (order.side, order.filled_qty, order.position_intent) == (SELL, sold, "sell_to_close")
    held = {one.symbol: one.qty for one in bot.trading.get_all_positions()}
    assert held.get(stock, "0") == left


def test_what_is_not_held_cannot_be_closed(bot, stock) -> None:
    for action in (bot.trading.close_position, bot.trading.get_open_position):
        error = refusal(action, stock)
        assert (error.status_code, error.code) == (404, 40410000)
    bot.trading.submit_order(market(stock))
    for part in (ClosePositionRequest(percentage="0.001"), ClosePositionRequest(percentage="101")):
        error = refusal(bot.trading.close_position, stock, part)
        assert (error.status_code, error.code) == (422, 40010001)


def test_all_positions_are_closed_and_each_says_how(bot, product, stock) -> None:
    other = product.stock()
    bot.trading.submit_order(market(stock))
    bot.trading.submit_order(market(other))
    bot.trading.submit_order(limit(other, side=SELL, price=12.0))
    found = {one.symbol: one for one in bot.trading.close_all_positions()}
    assert (found[stock].status, found[stock].body.status) == (200, "filled")
    assert (found[other].status, found[other].body.code) == (403, 40310000)
    (closed,) = bot.trading.close_all_positions(cancel_orders=True)
    assert (closed.symbol, closed.status) == (other, 200)
    assert bot.trading.get_all_positions() == []
    assert bot.trading.get_orders() == []


# --- configuration --------------------------------------------------------------------------------


def test_a_suspended_account_sends_no_orders(bot, stock) -> None:
    configuration = bot.trading.get_account_configurations()
    assert configuration.suspend_trade is False
    configuration.suspend_trade = True
    assert bot.trading.set_account_configurations(configuration).suspend_trade is True
    error = refusal(bot.trading.submit_order, limit(stock))
    assert (error.status_code, error.code) == (403, 40310000)
    assert "new orders are rejected by user request" in error.message
    assert bot.trading.get_account().trade_suspended_by_user is True
    configuration.suspend_trade = False
    bot.trading.set_account_configurations(configuration)
    assert bot.trading.submit_order(limit(stock)).status == "new"


NO_EFFECT = [
    {"max_margin_multiplier": "4"},
    {"trade_confirm_email": "all"},
    {"pdt_check": "both"},
    {"max_options_trading_level": 9},
]


@pytest.mark.parametrize("change", NO_EFFECT, ids=lambda one: next(iter(one)))
def test_a_choice_that_would_have_no_effect_is_refused(bot, product, change) -> None:
    url = product.url("/alpaca/v2/account/configurations")
    response = product.anyone.patch(url, json=change, headers=bot.headers)
    assert (response.status_code, response.json()["code"]) == (422, 40010001)
    assert next(iter(change)) in response.json()["message"]


def test_without_fractional_trading_quantities_are_whole(bot, product, stock) -> None:
    configuration = bot.trading.get_account_configurations()
    configuration.fractional_trading = False
    bot.trading.set_account_configurations(configuration)
    error = refusal(bot.trading.submit_order, limit(stock, qty=1.5))
    assert (error.code, "qty must be integer" in error.message) == (40010001, True)


@pytest.fixture
def margin_bot(product):
    """A bot whose key is for a margin account, which is not the user's first."""
    trader = product.trader()
    body = {"name": "Margin", "kind": "margin", "currency": "USD", "starting_cash": "50000"}
    made = trader.client.post("/accounts", json=body)
    assert made.status_code == 201, made.text
    bot = bot_of(product, trader, account_id=made.json()["id"])
    assert str(bot.trading.get_account().id) == made.json()["id"] != trader.account_id
    return bot


def test_a_short_position_is_below_zero(margin_bot, stock) -> None:
    account = margin_bot.trading.get_account()
    assert (account.multiplier, account.shorting_enabled) == ("2", True)
    assert float(account.non_marginable_buying_power) == float(account.buying_power) / 2
    margin_bot.trading.submit_order(market(stock, side=SELL))
    (position,) = margin_bot.trading.get_all_positions()
    assert (position.side, position.qty, position.qty_available) == ("short", "-10", "10")
    assert float(position.market_value) == -100
    assert float(position.unrealized_intraday_pl) == pytest.approx(-0.1)
    assert float(margin_bot.trading.get_account().short_market_value) == -100
    closed = margin_bot.trading.close_position(stock)
    assert (closed.side, closed.status) == ("buy", "filled")


def test_without_shorting_sells_only_reduce(margin_bot, stock) -> None:
    configuration = margin_bot.trading.get_account_configurations()
    assert configuration.no_shorting is False
    configuration.no_shorting = True
    margin_bot.trading.set_account_configurations(configuration)
    assert margin_bot.trading.get_account().shorting_enabled is False
    error = refusal(margin_bot.trading.submit_order, market(stock, side=SELL))
    assert (error.status_code, error.code) == (403, 40310000)
    margin_bot.trading.submit_order(market(stock))
    assert margin_bot.trading.submit_order(market(stock, side=SELL)).status == "filled"
    bracket = market(
        stock,
        side=SELL,
        order_class="oto",
        tif="gtc",
        stop_loss=StopLossRequest(stop_price=12.0),
    )
    assert refusal(margin_bot.trading.submit_order, bracket).status_code == 403


# --- history and activities -----------------------------------------------------------------------


def test_portfolio_history_is_the_equity_curve_in_windows(bot, product, stock) -> None:
    bot.trading.submit_order(market(stock))
    product.quote(stock, "10.99", "11.01")
    history = bot.trading.get_portfolio_history(
        GetPortfolioHistoryRequest(
            period="1D", timeframe="1Min", intraday_reporting="continuous", cashflow_types="ALL"
        )
    )
    assert history.timeframe == "1Min"
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss)
    assert history.timestamp == sorted(history.timestamp)
    assert history.base_value == 100_000
    assert 100_000 - 0.2 < history.equity[-1] < 100_010
    assert history.profit_loss[-1] == pytest.approx(history.equity[-1] - 100_000, abs=1e-6)
    assert sum(history.cashflow["CSD"]) == 100_000
    usual = bot.trading.get_portfolio_history()
    assert usual.timeframe == "1D"


def test_portfolio_history_of_one_day_is_that_day_in_new_york(bot, product, stock) -> None:
    bot.trading.submit_order(market(stock))
    url = product.url("/alpaca/v2/account/portfolio/history")
    today = bot.trading.get_clock().timestamp.date()
    day, tomorrow = f"{today}", f"{today + timedelta(days=1)}"

    def told(**asked):
        asked |= {"timeframe": "1D", "intraday_reporting": "continuous"}
        return product.anyone.get(url, params=asked, headers=bot.headers)

    for asked in ({"start": day, "end": day}, {"start": day, "date_end": day}, {"start": day}):
        (second,) = told(**asked).json()["timestamp"]
        assert datetime.fromtimestamp(second, NEW_YORK) == datetime.combine(today, time(), NEW_YORK)
    for start, end, why in (
        (tomorrow, tomorrow, "start: it does not lie in the past"),
        ("9999-12-31", "9999-12-31", "start: it does not lie in the past"),
        (day, f"{today - timedelta(days=3)}", "start: it does not lie before the end"),
        (f"{day}T00:00:00Z", f"{day}T00:00:00Z", "start: it does not lie before the end"),
    ):
        refused = told(start=start, end=end)
        assert (refused.status_code, refused.json()["message"]) == (422, why)
    for begin in ("0001-01-01", "1600-01-01", "1700-01-01"):
        assert told(start=begin, end=begin).json()["timestamp"] == []
    assert told(start=day, end="9999-12-31").status_code == 200
    assert told(date_end="9999-12-31").status_code == 200
    flows = product.url("/alpaca/v2/account/activities?date=")
    for date, found in ((day, True), (tomorrow, False), ("9999-12-31", False)):
        assert bool(product.anyone.get(flows + date, headers=bot.headers).json()) == found


def test_activities_tell_fills_and_money(bot, product, stock) -> None:
    first = bot.trading.submit_order(limit(stock, qty=20, price=9.0))
    second = bot.trading.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=9.5))
    product.quote(stock, "9.30", "9.40", "5")
    product.quote(stock, "9.30", "9.45", "15")
    url = product.url("/alpaca/v2/account/activities")

    def listed(path="", **asked):
        response = product.anyone.get(url + path, params=asked, headers=bot.headers)
        assert response.status_code == 200, response.text
        return response.json()

    fills = [TradeActivity(**one) for one in listed("/FILL", direction="asc")]
    assert [(one.type, one.qty, one.leaves_qty, one.cum_qty) for one in fills] == [
        ("partial_fill", 5, 15, 5),
        ("fill", 15, 0, 20),
    ]
    assert {one.order_id for one in fills} == {second.id}
    assert [one["activity_type"] for one in listed()][-1] == "CSD"
    (deposit,) = [NonTradeActivity(**one) for one in listed(category="non_trade_activity")]
    assert deposit.net_amount == 100_000
    every = listed()
    pages, token = [], None
    while page := listed(page_size=1, **({"page_token": token} if token else {})):
        pages += page
        token = page[-1]["id"]
    assert pages == every == listed(direction="asc")[::-1]
    assert listed(activity_types="DIV,INT") == []


def test_a_bad_page_token_is_refused(bot, product) -> None:
    url = product.url("/alpaca/v2/account/activities")
    response = product.anyone.get(url, params={"page_token": "x"}, headers=bot.headers)
    assert (response.status_code, response.json()["code"]) == (422, 40010001)


# --- who is calling -------------------------------------------------------------------------------


def test_a_wrong_key_is_not_authorized(bot, product) -> None:
    headers = {**bot.headers, "APCA-API-SECRET-KEY": "wrong"}
    response = product.anyone.get(product.url("/alpaca/v2/account"), headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, 40110000)


def test_a_key_that_may_only_look_sends_nothing(bot, product, stock) -> None:
    key = product.key(bot.trader, ["read"])
    headers = {"APCA-API-KEY-ID": key["key_id"], "APCA-API-SECRET-KEY": key["secret"]}
    assert product.anyone.get(product.url("/alpaca/v2/orders"), headers=headers).json() == []
    body = {"symbol": stock, "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
    response = product.anyone.post(product.url("/alpaca/v2/orders"), json=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, 40310000)


def test_a_stranger_finds_nothing(bot, product, stock) -> None:
    other = product.key(product.trader(), ["read", "trade"])
    headers = {"APCA-API-KEY-ID": other["key_id"], "APCA-API-SECRET-KEY": other["secret"]}
    order = bot.trading.submit_order(limit(stock, client_order_id="mine"))
    replaced = bot.trading.replace_order_by_id(order.id, ReplaceOrderRequest(qty=5))
    for method, path in (
        ("GET", f"orders/{order.id}"),
        ("GET", f"orders/{replaced.id}"),
        ("DELETE", f"orders/{replaced.id}"),
        ("GET", "orders:by_client_order_id?client_order_id=mine"),
    ):
        url = product.url(f"/alpaca/v2/{path}")
        response = product.anyone.request(method, url, headers=headers)
        assert (response.status_code, response.json()["code"]) == (404, 40410000), path
    assert (
        product.anyone.get(product.url("/alpaca/v2/orders?status=all"), headers=headers).json()
        == []
    )
