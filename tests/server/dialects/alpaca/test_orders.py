"""Orders through the real client of Alpaca."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

GTC, DAY = TimeInForce.GTC, TimeInForce.DAY
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def limit(symbol, price=9.0, qty=10, side=BUY, tif=DAY, **more):
    return LimitOrderRequest(
        symbol=symbol, qty=qty, side=side, time_in_force=tif, limit_price=price, **more
    )


def market(symbol, qty=10, side=BUY, tif=DAY, **more):
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, **more)


def refusal(action, *arguments) -> APIError:
    with pytest.raises(APIError) as caught:
        action(*arguments)
    return caught.value


def test_a_limit_order_rests_and_is_found_by_all_its_names(bot, stock) -> None:
    sent = bot.trading.submit_order(limit(stock, client_order_id="first"))
    assert (sent.status, sent.symbol, sent.qty) == (OrderStatus.NEW, stock, "10")
    assert (sent.limit_price, sent.filled_qty) == ("9.00", "0")
    assert bot.trading.get_order_by_id(sent.id) == sent
    assert bot.trading.get_order_by_client_id("first") == sent
    assert bot.trading.get_orders() == [sent]


def test_a_market_order_fills(bot, stock) -> None:
    order = bot.trading.submit_order(market(stock))
    assert (order.status, order.filled_qty, order.filled_avg_price) == (
        OrderStatus.FILLED,
        "10",
        "10.01",
    )
    assert order.filled_at is not None


KINDS = [
    limit("?", tif=GTC),
    limit("?", tif=TimeInForce.IOC, price=10.01),
    limit("?", tif=TimeInForce.FOK, price=10.01),
    limit("?", extended_hours=True),
    MarketOrderRequest(symbol="?", notional=55.5, side=BUY, time_in_force=DAY),
    StopOrderRequest(symbol="?", qty=1, side=BUY, time_in_force=DAY, stop_price=12.0),
    StopLimitOrderRequest(
        symbol="?", qty=1, side=BUY, time_in_force=GTC, stop_price=12.0, limit_price=12.5
    ),
    TrailingStopOrderRequest(symbol="?", qty=1, side=BUY, time_in_force=DAY, trail_price=0.5),
    TrailingStopOrderRequest(symbol="?", qty=1, side=BUY, time_in_force=DAY, trail_percent=5),
]


@pytest.mark.parametrize(
    "request_", KINDS, ids=lambda one: f"{one.type.value}-{one.time_in_force.value}"
)
def test_every_type_comes_back_as_it_was_sent(bot, stock, request_) -> None:
    asked = request_.model_copy(update={"symbol": stock})
    order = bot.trading.submit_order(asked)
    assert (order.type, order.time_in_force, order.side) == (
        asked.type,
        asked.time_in_force,
        asked.side,
    )
    for name in ("limit_price", "stop_price", "trail_price", "trail_percent", "notional"):
        wanted = getattr(asked, name, None)
        if wanted is not None:
            assert float(getattr(order, name)) == wanted, name
    assert order.extended_hours == bool(asked.extended_hours)
    assert (order.qty is None) == (asked.notional is not None)


def test_a_bracket_has_its_exits(bot, stock) -> None:
    order = bot.trading.submit_order(
        market(
            stock,
            order_class="bracket",
            tif=GTC,
            take_profit=TakeProfitRequest(limit_price=11.0),
            stop_loss=StopLossRequest(stop_price=9.0, limit_price=8.9),
        )
    )
    assert order.order_class == "bracket"
    profit, loss = order.legs
    assert (profit.type, profit.limit_price, profit.status) == ("limit", "11.00", "new")
    assert (loss.type, loss.stop_price, loss.limit_price) == ("stop_limit", "9.00", "8.90")
    assert {leg.side for leg in order.legs} == {SELL}
    listed = bot.trading.get_orders()
    assert {one.id for one in listed} == {profit.id, loss.id}
    (rolled,) = bot.trading.get_orders(GetOrdersRequest(nested=True))
    assert (rolled.id, {leg.id for leg in rolled.legs}) == (order.id, {profit.id, loss.id})
    assert bot.trading.get_order_by_id(order.id).legs is None
    nested = bot.trading.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert len(nested.legs) == 2


def test_the_exits_of_an_unfilled_bracket_are_held(bot, stock) -> None:
    order = bot.trading.submit_order(
        limit(
            stock,
            order_class="bracket",
            take_profit=TakeProfitRequest(limit_price=11.0),
            stop_loss=StopLossRequest(stop_price=8.0),
        )
    )
    assert [leg.status for leg in order.legs] == [OrderStatus.HELD, OrderStatus.HELD]


def test_an_oco_is_its_own_take_profit(bot, stock) -> None:
    bot.trading.submit_order(market(stock))
    order = bot.trading.submit_order(
        LimitOrderRequest(
            symbol=stock,
            qty=10,
            side=SELL,
            time_in_force=GTC,
            order_class="oco",
            take_profit=TakeProfitRequest(limit_price=11.0),
            stop_loss=StopLossRequest(stop_price=9.0),
        )
    )
    assert (order.order_class, order.limit_price) == ("oco", "11.00")
    assert [leg.stop_price for leg in order.legs] == ["9.00"]


def test_an_oto_has_one_exit(bot, stock) -> None:
    order = bot.trading.submit_order(
        market(stock, order_class="oto", tif=GTC, stop_loss=StopLossRequest(stop_price=9.0))
    )
    assert (order.order_class, [leg.type for leg in order.legs]) == ("oto", ["stop"])


# --- replace --------------------------------------------------------------------------------------


def test_a_replaced_order_goes_on_under_a_new_id(bot, stock) -> None:
    first = bot.trading.submit_order(limit(stock, client_order_id="one"))
    change = ReplaceOrderRequest(qty=5, limit_price=9.5, client_order_id="two")
    second = bot.trading.replace_order_by_id(first.id, change)
    assert second.id != first.id
    assert (second.replaces, second.client_order_id) == (first.id, "two")
    assert (second.qty, second.limit_price, second.status) == ("5", "9.50", OrderStatus.NEW)
    old = bot.trading.get_order_by_id(first.id)
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, second.id)
    assert (old.qty, old.limit_price, old.client_order_id) == ("10", "9.00", "one")
    assert old.replaced_at == second.submitted_at
    third = bot.trading.replace_order_by_id(second.id, ReplaceOrderRequest(limit_price=9.6))
    assert (third.replaces, third.qty, third.limit_price) == (second.id, "5", "9.60")
    assert bot.trading.get_order_by_client_id("two").replaced_by == third.id
    assert bot.trading.get_order_by_client_id("one").replaced_by == second.id
    assert [one.id for one in bot.trading.get_orders()] == [third.id]
    listed = bot.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))
    assert [one.id for one in listed] == [third.id, second.id, first.id]
    closed = bot.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED))
    assert [one.id for one in closed] == [second.id, first.id]
    bot.trading.cancel_order_by_id(third.id)
    assert bot.trading.get_order_by_id(third.id).status == OrderStatus.CANCELED


def test_only_the_newest_version_can_be_changed(bot, stock) -> None:
    first = bot.trading.submit_order(limit(stock))
    bot.trading.replace_order_by_id(first.id, ReplaceOrderRequest(qty=5))
    for action in (
        lambda: bot.trading.cancel_order_by_id(first.id),
        lambda: bot.trading.replace_order_by_id(first.id, ReplaceOrderRequest(qty=4)),
    ):
        error = refusal(action)
        assert (error.status_code, error.code) == (422, 42210000)


def test_a_refused_replacement_changes_nothing(bot, stock) -> None:
    first = bot.trading.submit_order(limit(stock))
    error = refusal(
        bot.trading.replace_order_by_id, first.id, ReplaceOrderRequest(limit_price=9.123)
    )
    assert (error.status_code, error.code) == (422, 42210000)
    assert bot.trading.get_order_by_id(first.id) == first
    assert bot.trading.replace_order_by_id(first.id, ReplaceOrderRequest(qty=5)).qty == "5"


def test_the_trail_of_a_trailing_stop_is_replaced_as_it_was_given(bot, stock) -> None:
    sent = bot.trading.submit_order(
        TrailingStopOrderRequest(symbol=stock, qty=1, side=BUY, time_in_force=DAY, trail_percent=5)
    )
    changed = bot.trading.replace_order_by_id(sent.id, ReplaceOrderRequest(trail=6))
    assert (changed.trail_percent, changed.trail_price) == ("6", None)


# --- cancel and list ------------------------------------------------------------------------------


def test_cancel_all_tells_each_order(bot, stock) -> None:
    ids = {bot.trading.submit_order(limit(stock)).id for _ in range(3)}
    canceled = bot.trading.cancel_orders()
    assert {(one.id, one.status) for one in canceled} == {(one, 200) for one in ids}
    assert bot.trading.get_orders() == []
    assert bot.trading.cancel_orders() == []


def test_orders_are_listed_by_what_is_asked_for(bot, product, stock) -> None:
    other = product.stock()
    first = bot.trading.submit_order(limit(stock))
    second = bot.trading.submit_order(limit(other))
    third = bot.trading.submit_order(market(stock))
    fourth = bot.trading.submit_order(limit(stock, side=SELL, price=12.0))

    def ids(**asked):
        return [one.id for one in bot.trading.get_orders(GetOrdersRequest(**asked))]

    every = [fourth.id, third.id, second.id, first.id]
    day = first.submitted_at.date()
    assert ids() == [fourth.id, second.id, first.id]
    assert ids(status="closed") == [third.id]
    assert ids(status="all") == every
    assert ids(status="all", direction="asc") == every[::-1]
    assert ids(status="all", limit=2) == every[:2]
    assert ids(status="all", limit=2, direction="asc") == [first.id, second.id]
    assert ids(status="all", symbols=[other]) == [second.id]
    assert ids(status="all", symbols=["NOSUCH"]) == []
    assert ids(status="all", side=SELL) == [fourth.id]
    assert ids(status="all", after=second.submitted_at) == [fourth.id, third.id, second.id]
    assert ids(status="all", until=second.submitted_at) == [first.id]
    listed = product.url("/alpaca/v2/orders")
    for until, found in ((day, every), (day - timedelta(days=1), []), (date.max, every)):
        asked = {"status": "all", "until": until.isoformat()}
        reply = product.anyone.get(listed, params=asked, headers=bot.headers)
        assert [UUID(one["id"]) for one in reply.json()] == found


# --- what is refused ------------------------------------------------------------------------------


REFUSED = [
    (limit("?", qty=1_000_000), 403, 40310000, "insufficient buying power"),
    (limit("?", side=SELL), 403, 40310000, "insufficient qty available"),
    (limit("?", price=9.123), 422, 42210000, "sub-penny"),
    (limit("NOSUCH"), 422, 42210000, 'asset "NOSUCH" not found'),
    (limit("?", client_order_id="taken"), 422, 40010001, "client_order_id must be unique"),
]


@pytest.mark.parametrize(
    ("asked", "status", "code", "words"), REFUSED, ids=lambda one: str(one)[:20]
)
def test_refusals_carry_alpacas_codes(bot, stock, asked, status, code, words) -> None:
    bot.trading.submit_order(limit(stock, client_order_id="taken"))
    symbol = stock if asked.symbol == "?" else asked.symbol
    error = refusal(bot.trading.submit_order, asked.model_copy(update={"symbol": symbol}))
    assert (error.status_code, error.code) == (status, code)
    assert words in error.message


def test_an_order_that_has_ended_is_not_canceled_again(bot, stock) -> None:
    order = bot.trading.submit_order(market(stock))
    error = refusal(bot.trading.cancel_order_by_id, order.id)
    assert (error.status_code, error.code) == (422, 42210000)
    assert "filled" in error.message


def test_an_unknown_order_is_not_found(bot) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for action in (bot.trading.get_order_by_id, bot.trading.cancel_order_by_id):
        error = refusal(action, nobody)
        assert (error.status_code, error.code) == (404, 40410000)
    assert refusal(bot.trading.get_order_by_client_id, "nobody").code == 40410000


def test_a_body_may_say_any_type_but_names_each_member_once(bot, product, stock) -> None:
    order = f'"symbol":"{stock}","side":"buy","type":"limit","limit_price":"9","qty":"1"'
    url = product.url("/alpaca/v2/orders")
    for media in ("text/plain", "application/x-www-form-urlencoded"):
        headers = bot.headers | {"content-type": media}
        body = f'{{{order},"time_in_force":"day"}}'
        assert product.anyone.post(url, content=body, headers=headers).status_code == 200
    twice = product.anyone.post(url, content=f'{{{order},"qty":"2"}}', headers=bot.headers)
    assert (twice.status_code, twice.json()["code"]) == (400, 40010000)
    assert len(bot.trading.get_orders()) == 2
