"""Assets, contracts, clock, calendar and watchlists through the real client of Alpaca."""

import warnings
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from alpaca.trading.enums import AssetClass, ContractType
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    OptionLegRequest,
    UpdateWatchlistRequest,
)

from server.dialects.alpaca.test_orders import limit, market, refusal

EXPIRY = "2030-12-20T21:00:00Z"


@pytest.fixture(scope="module")
def chain(product):
    """A stock with two calls and a put, quoted."""
    stock = product.stock("100.00", "100.10")
    listed = {}
    for right, strike in (("call", 100), ("call", 105), ("put", 95)):
        symbol = f"OPT301220{right[0].upper()}{strike:05}000"
        listed[right, strike] = symbol
        product.feed(
            {
                "kind": "list_instrument",
                "symbol": symbol,
                "name": f"{stock} {strike} {right}",
                "asset_class": "us_option",
                "exchange": "XTST",
                "currency": "USD",
                "tick_size": "0.01",
                "lot_size": "1",
                "price_scale": 6,
                "qty_scale": 6,
                "source": "street",
                "trigger": "bid_ask",
                "sector": "",
                "contract": {
                    "multiplier": "100",
                    "underlying": stock,
                    "expiry": EXPIRY,
                    "strike": str(strike),
                    "right": right,
                    "settlement": "physical",
                },
            }
        )
        product.quote(symbol, f"{strike / 50:.2f}", f"{strike / 50 + 0.1:.2f}", "50")
    product.feed(
        {
            "kind": "list_instrument",
            "symbol": "ESZ0",
            "name": "A future",
            "asset_class": "future",
            "exchange": "XTST",
            "currency": "USD",
            "tick_size": "0.25",
            "lot_size": "1",
            "price_scale": 6,
            "qty_scale": 6,
            "source": "street",
            "trigger": "bid_ask",
            "sector": "",
            "contract": {"multiplier": "50", "expiry": EXPIRY, "initial_margin": "1000"},
        }
    )
    return stock, listed


def test_assets_are_what_alpaca_has_words_for(bot, product, chain) -> None:
    assets = {one.symbol: one for one in bot.trading.get_all_assets()}
    assert chain[0] in assets
    assert "ESZ0" not in assets
    assert not set(chain[1].values()) & set(assets)
    coins = bot.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert [(one.symbol, one.exchange) for one in coins] == [("BTC/USD", "CRYPTO")]
    asset = bot.trading.get_asset(chain[0])
    assert (asset.exchange, asset.tradable, asset.fractionable) == ("", True, False)
    assert bot.trading.get_asset(asset.id) == asset
    assert bot.trading.get_asset("BTC%2FUSD").fractionable is True
    assert refusal(bot.trading.get_asset, "ESZ0").code == 40410000
    assert refusal(bot.trading.submit_order, limit("ESZ0")).code == 42210000


def test_option_contracts_are_found_by_their_terms(bot, chain) -> None:
    stock, listed = chain

    def found(**asked):
        reply = bot.trading.get_option_contracts(
            GetOptionContractsRequest(underlying_symbols=[stock], **asked)
        )
        return [one.symbol for one in reply.option_contracts], reply.next_page_token

    every = sorted(listed.values())
    assert found() == (every, None)
    assert found(type=ContractType.PUT) == ([listed["put", 95]], None)
    assert found(strike_price_gte="101") == ([listed["call", 105]], None)
    assert found(expiration_date=date(2030, 12, 20)) == (every, None)
    assert found(expiration_date_lte=date(2029, 1, 1)) == ([], None)
    first, token = found(limit=2)
    assert first + found(limit=2, page_token=token)[0] == every
    contract = bot.trading.get_option_contract(listed["call", 100])
    assert (contract.strike_price, contract.size, contract.type) == (100, "100", "call")
    assert contract.underlying_asset_id == bot.trading.get_asset(stock).id
    assert bot.trading.get_option_contract(contract.id) == contract
    assert refusal(bot.trading.get_option_contract, stock).code == 40410000


def test_a_spread_is_one_order_with_legs(bot, chain) -> None:
    _, listed = chain
    near, far = listed["call", 100], listed["call", 105]
    bot.trading.submit_order(market(far, qty=1))
    order = bot.trading.submit_order(
        limit(
            None,
            qty=1,
            price=0.5,
            side=None,
            order_class="mleg",
            legs=[
                OptionLegRequest(symbol=far, ratio_qty=1, side="sell"),
                OptionLegRequest(symbol=near, ratio_qty=1, position_intent="buy_to_open"),
            ],
        )
    )
    assert (order.order_class, order.symbol, order.side) == ("mleg", None, None)
    assert [(leg.symbol, leg.side, leg.ratio_qty) for leg in order.legs] == [
        (far, "sell", "1"),
        (near, "buy", "1"),
    ]
    assert order.status == "filled"
    assert [leg.position_intent for leg in order.legs] == [None, "buy_to_open"]


def test_a_leg_that_says_it_opens_may_not_close(bot, chain) -> None:
    _, listed = chain
    near, far = listed["call", 100], listed["call", 105]
    bot.trading.submit_order(market(near, qty=1))
    legs = [
        OptionLegRequest(symbol=near, ratio_qty=1, position_intent="sell_to_open"),
        OptionLegRequest(symbol=far, ratio_qty=1, side="buy"),
    ]
    error = refusal(
        bot.trading.submit_order,
        limit(None, qty=1, price=0.5, side=None, order_class="mleg", legs=legs),
    )
    assert error.status_code == 403
    assert "inferred: sell_to_close, specified: sell_to_open" in str(error)


def test_an_option_is_exercised(bot, chain) -> None:
    stock, listed = chain
    bot.trading.submit_order(market(listed["call", 100], qty=2))
    bot.trading.exercise_options_position(listed["call", 100])
    assert {one.symbol: one.qty for one in bot.trading.get_all_positions()} == {stock: "200"}
    error = refusal(bot.trading.exercise_options_position, stock)
    assert (error.status_code, error.code) == (422, 42210000)


# --- time -----------------------------------------------------------------------------------------


def test_a_market_that_never_closes_is_open(bot) -> None:
    clock = bot.trading.get_clock()
    assert clock.is_open is True
    assert clock.timestamp < clock.next_close <= clock.next_open


def test_the_calendar_has_the_days_of_a_range(bot) -> None:
    asked = GetCalendarRequest(start=date(2026, 11, 23), end=date(2026, 11, 25))
    days = bot.trading.get_calendar(asked)
    assert [one.date.day for one in days] == [23, 24, 25]
    assert all(one.open < one.close for one in days)


def test_the_calendar_without_a_range_has_all_days_that_are_known(bot, product) -> None:
    def told(**query: str) -> httpx.Response:
        url = product.url("/alpaca/v2/calendar")
        return product.anyone.get(url, params=query, headers=bot.headers)

    everything = told()
    days = everything.json()
    assert everything.headers["content-type"] == "application/json"
    assert (days[0]["date"], days[-1]["date"]) == ("1970-01-01", "2029-12-31")
    assert told(start="1900-01-01", end="2100-01-01").content == everything.content
    assert told(start="1970-01-02").json() == days[1:]
    assert told(date_type="SETTLEMENT").json()[0] == days[0]


def test_clock_and_calendar_by_market(bot, product) -> None:
    def get(path: str, **query: str):
        url = product.url(f"/alpaca/v3/{path}")
        return product.anyone.get(url, params=query, headers=bot.headers)

    clocks = get("clock").json()["clocks"]
    assert [one["market"]["mic"] for one in clocks] == ["XNYS", "XNAS"]
    (clock,) = get("clock", markets="nasdaq,XNAS", time="2026-11-20T15:00:00Z").json()["clocks"]
    assert (clock["market"]["acronym"], clock["phase"]) == ("NASDAQ", "core")  # it never closes
    assert clock["timestamp"] == "2026-11-20T10:00:00-05:00"
    asked = {"start": "2026-11-23", "end": "2026-11-25", "timezone": "UTC"}
    told = get("calendar/NYSE", **asked).json()
    assert told["market"]["name"] == "New York Stock Exchange"
    assert [one["date"] for one in told["calendar"]] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert told["calendar"][0]["core_start"] == "2026-11-23T05:00:00+00:00"
    assert len(get("calendar/XNYS").json()["calendar"]) == 8
    for path, query in (
        ("clock", {"markets": "NYSE,MOON"}),
        ("clock", {"time": "soon"}),
        ("calendar/MOON", {}),
        ("calendar/NYSE", {"start": "1970-01-01", "end": "2029-12-31"}),
        ("calendar/NYSE", {"timezone": "Mars"}),
    ):
        refused = get(path, **query)
        assert (refused.status_code, refused.json()["code"]) == (422, 40010001), refused.text


def test_corporate_actions_are_announced(bot, product, stock) -> None:
    split = {"kind": "corporate_action", "symbol": stock, "action": "split", "new": 2, "old": 1}
    product.feed(split | {"action_id": f"split {stock}"})
    product.feed(split | {"action_id": f"off {stock}", "ex_ns": 2 * 10**18})
    product.feed({"kind": "call_off_corporate_action", "action_id": f"off {stock}"})
    today = datetime.now(UTC).date()
    asked = {"since": today - timedelta(days=2), "until": today + timedelta(days=2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found, other = (
            bot.trading.get_corporate_announcements(
                GetCorporateAnnouncementsRequest(ca_types=[kind], symbol=stock, **asked)
            )
            for kind in ("split", "dividend")
        )
    assert other == []
    (one,) = found
    assert (one.initiating_symbol, one.ca_sub_type) == (stock, "stock_split")
    assert (one.old_rate, one.new_rate) == (1, 2)
    assert bot.trading.get_corporate_announcement_by_id(one.id) == one
    nobody = UUID(int=4)
    assert refusal(bot.trading.get_corporate_announcement_by_id, nobody).code == 40410000


# --- watchlists -----------------------------------------------------------------------------------


def test_a_watchlist_lives(bot, product, stock) -> None:
    other = product.stock()
    made = bot.trading.create_watchlist(CreateWatchlistRequest(name="Mine", symbols=[stock]))
    assert [one.symbol for one in made.assets] == [stock]
    added = bot.trading.add_asset_to_watchlist_by_id(made.id, other)
    assert [one.symbol for one in added.assets] == [stock, other]
    error = refusal(bot.trading.add_asset_to_watchlist_by_id, made.id, other)
    assert (error.status_code, error.code) == (422, 40010001)
    left = bot.trading.remove_asset_from_watchlist_by_id(made.id, stock)
    assert [one.symbol for one in left.assets] == [other]
    change = UpdateWatchlistRequest(name="Coins", symbols=["BTCUSD"])
    changed = bot.trading.update_watchlist_by_id(made.id, change)
    assert (changed.name, [one.symbol for one in changed.assets]) == ("Coins", ["BTC/USD"])
    gone = bot.trading.remove_asset_from_watchlist_by_id(made.id, "BTC%2FUSD")
    assert gone.assets == []
    assert [one.name for one in bot.trading.get_watchlists()] == ["Coins"]
    assert bot.trading.get_watchlist_by_id(made.id).name == "Coins"
    bot.trading.delete_watchlist_by_id(made.id)
    assert bot.trading.get_watchlists() == []
    assert refusal(bot.trading.get_watchlist_by_id, made.id).code == 40410000


def test_watchlists_have_names_of_their_own_and_known_symbols(bot, stock) -> None:
    asked = CreateWatchlistRequest(name="Mine", symbols=[stock])
    bot.trading.create_watchlist(asked)
    assert refusal(bot.trading.create_watchlist, asked).status_code == 422
    unknown = CreateWatchlistRequest(name="Other", symbols=["NOSUCH"])
    assert refusal(bot.trading.create_watchlist, unknown).code == 42210000


def test_a_watchlist_is_found_by_name(bot, product, stock) -> None:
    made = bot.trading.create_watchlist(CreateWatchlistRequest(name="By name", symbols=[stock]))
    url = product.url("/alpaca/v2/watchlists:by_name")
    ask = {"params": {"name": "By name"}, "headers": bot.headers}
    assert product.anyone.get(url, **ask).json()["id"] == str(made.id)
    assert product.anyone.post(url, json={"symbol": "BTCUSD"}, **ask).status_code == 200
    assert product.anyone.put(url, json={"symbols": []}, **ask).json()["assets"] == []
    assert product.anyone.delete(url, **ask).status_code == 204
    assert product.anyone.get(url, **ask).status_code == 404
