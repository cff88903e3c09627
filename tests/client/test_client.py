"""What a program does with the client, through the socket of a whole server."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from papertape.client import (
    AsyncClient,
    BadReplyError,
    Client,
    ConflictError,
    NotAuthenticatedError,
    NotFoundError,
    NotPermittedError,
    RefusedError,
    UnreachableError,
)
from papertape.markets.bars import MINUTE_NS, Bar
from papertape.markets.store import BarStore
from server.conftest import PASSWORD


def test_an_order_is_sent_looked_at_changed_and_canceled(client, stock):
    order = client.orders.buy(stock, 10, limit_price="9.00")
    assert (order.status, order.type, order.qty) == ("new", "limit", Decimal(10))
    assert order.limit_price == Decimal("9.00")
    assert order.created_at.tzinfo is UTC
    assert order.is_working
    assert client.orders.replace(order.id, limit_price=Decimal("8.50")).limit_price == Decimal(
        "8.5"
    )
    assert client.orders.get(order.id).limit_price == Decimal("8.5")
    client.orders.cancel(order.id)
    assert client.orders.get(order.id).status == "canceled"
    with pytest.raises(ConflictError) as error:
        client.orders.cancel(order.id)
    assert error.value.reason == "not_cancelable"
    assert error.value.order_id == order.id


def test_every_kind_of_order_can_be_written(client, stock):
    kinds = {
        "market": client.orders.buy(stock, 1),
        "limit": client.orders.buy(stock, 1, limit_price="9", time_in_force="gtc", post_only=True),
        "stop": client.orders.buy(stock, 1, stop_price="11"),
        "stop_limit": client.orders.buy(stock, 1, stop_price="11", limit_price="11.5"),
        "trailing_stop": client.orders.sell(stock, 1, trail_percent=5),
        "limit_if_touched": client.orders.buy(
            stock, 1, type="limit_if_touched", stop_price="9", limit_price="9"
        ),
    }
    assert {name: order.type for name, order in kinds.items()} == {name: name for name in kinds}
    bracket = client.orders.buy(
        stock,
        2,
        order_class="bracket",
        take_profit={"limit_price": 12},
        stop_loss={"stop_price": Decimal(8)},
        expire_time=datetime.now(UTC) + timedelta(hours=1),
        time_in_force="gtd",
        strategy="breakout",
        tags=["first"],
    )
    assert bracket.take_profit is not None
    assert bracket.take_profit.limit_price == 12
    assert (bracket.strategy, bracket.tags) == ("breakout", ["first"])
    worth = client.orders.buy(stock, notional=100)
    assert worth.notional == 100


def test_where_no_account_is_named_the_preferred_one_is_meant(product, alice, client, stock):
    first = client.orders.buy(stock, 1).account_id
    other = client.accounts.open("Other").id
    client.users.choose(default_account=other)
    with Client.login(product.url(""), alice.name, PASSWORD) as again:
        assert again.orders.buy(stock, 1).account_id == other
        again.users.choose(default_account=None)
    with Client.login(product.url(""), alice.name, PASSWORD) as again:
        assert again.orders.buy(stock, 1).account_id == first


def test_the_same_client_order_id_is_the_same_order(client, stock):
    first = client.orders.buy(stock, 1, client_order_id="mine")
    assert client.orders.buy(stock, 1, client_order_id="mine").id == first.id
    with pytest.raises(ConflictError, match="id_reused"):
        client.orders.buy(stock, 2, client_order_id="mine")


def test_a_rejected_order_raises_with_all_that_the_server_says(client, stock):
    with pytest.raises(RefusedError) as error:
        client.orders.buy(stock, 1_000_000, limit_price="10")
    assert error.value.reason == "insufficient_buying_power"
    assert error.value.status == 422
    assert Decimal(error.value.value) > Decimal(error.value.limit)
    assert client.orders.get(error.value.order_id).status == "rejected"
    assert error.value.request_id


def test_a_preview_sends_nothing(client, stock):
    preview = client.orders.preview(symbol=stock, side="buy", qty=10, limit_price="10.01")
    assert preview.cost == Decimal("100.10")
    assert [*client.orders.each(status="all")] == []


@pytest.mark.parametrize("amount", [1.5, float("nan")])
def test_a_float_is_no_amount(client, stock, amount):
    with pytest.raises(TypeError, match="is a float"):
        client.orders.buy(stock, amount)


@pytest.mark.parametrize("name", ["", "..", "."])
def test_a_path_is_never_left(client, name):
    with pytest.raises(ValueError, match="names nothing"):
        client.market.quote(name)


def test_all_pages_are_walked(client, stock):
    sent = [client.orders.buy(stock, 1, limit_price="9").id for _ in range(5)]
    assert [order.id for order in client.orders.each(limit=2)] == sent[::-1]
    page = client.orders.page(limit=2)
    assert [order.id for order in page.items] == sent[:-3:-1]
    assert [order.id for order in client.accounts.orders(limit=2, cursor=page.next_cursor)] == sent[
        2::-1
    ]


def test_an_account_has_positions_fills_ledger_and_figures(client, stock):
    client.orders.buy(stock, 10)
    account = client.accounts.get()
    assert account.cash == Decimal("99899.90")
    [position] = client.positions.all()
    assert (position.symbol, position.qty, position.avg_entry_price) == (
        stock,
        10,
        Decimal("10.01"),
    )
    assert client.accounts.positions() == [position] == [client.positions.get(stock)]
    [fill] = client.accounts.fills()
    assert (fill.price, fill.qty, fill.counterparty) == (Decimal("10.01"), 10, "house")
    assert fill.receipt
    [trade] = client.trades.each(symbol=stock)
    assert client.trades.note(trade.id, "why not").note == "why not"
    assert client.trades.note(trade.id, None).note is None
    assert client.trades.get(trade.id).id == fill.id
    assert fill.id in client.trades.csv()
    assert (
        sum(line.amount for line in client.accounts.ledger() if line.asset == "USD") == account.cash
    )
    statement = client.accounts.statement()
    assert statement.closing["USD"] == account.cash
    assert "trade" in client.accounts.statement_csv()
    assert client.accounts.metrics().total_trades == 0
    assert client.positions.close(stock, percentage=50).qty == 5
    assert [item.status for item in client.positions.close_all().items] == [201]
    assert client.positions.all() == []


def test_accounts_are_opened_filled_moved_and_begun_again(client, stock):
    first = client.accounts.get()
    second = client.accounts.open("Second", kind="margin", starting_cash=5000, multiplier=2)
    assert (second.name, second.kind, second.cash) == ("Second", "margin", 5000)
    assert client.accounts.deposit("250.50", second.id).cash == Decimal("5250.50")
    assert client.accounts.withdraw(Decimal("0.50"), second.id).cash == 5250
    moved = client.accounts.transfer(250, first.id, second.id)
    assert (moved.from_account.cash, moved.to_account.cash) == (5000, 100_250)
    assert client.accounts.rename(second.id, "Two").name == "Two"
    client.orders.buy(stock, 10, account_id=second.id)
    assert len(client.accounts.flatten(second.id).positions) == 1
    assert client.accounts.reset(second.id, starting_cash=100).cash == 100
    client.accounts.archive(second.id)
    assert [account.id for account in client.accounts.all()] == [first.id]
    assert client.accounts.restore(second.id).status == "active"


def test_the_clients_own_account_is_the_one_it_was_given(product, alice, client, stock):
    second = client.accounts.open("Second")
    token = client.talk.credentials.token
    with Client(product.url(""), token=token, account_id=second.id) as of_second:
        assert of_second.orders.buy(stock, 1, limit_price="9").account_id == second.id
        bulk = of_second.orders.submit_many(
            [
                {"symbol": stock, "side": "buy", "qty": 1, "limit_price": "8"},
                {"symbol": stock, "side": "buy", "qty": 1, "account_id": alice.account_id},
                {"symbol": stock, "side": "buy", "qty": -1},
            ]
        )
        assert [item.status for item in bulk.items] == [201, 201, 422]
        assert [item.order.account_id for item in bulk.items if item.order] == [
            second.id,
            alice.account_id,
        ]
        assert bulk.items[2].problem.field == "qty" or bulk.items[2].problem.reason
        working = [order.id for order in of_second.orders.each()]
        assert len(working) == 2
        canceled = of_second.orders.cancel_many(working)
        assert [item.order.status for item in canceled.items] == ["canceled", "canceled"]


def test_limits_lists_and_profiles_are_kept_and_changed_by_version(client, stock):
    limit = client.risk.add_limit(scope="user", measure="order_value", limit=500)
    assert limit.value.limit == 500
    with pytest.raises(RefusedError):
        client.orders.buy(stock, 100, limit_price="10")
    again = client.risk.set_limit(
        limit.value.id, limit.version, scope="user", measure="order_value", limit="5000"
    )
    with pytest.raises(ConflictError):
        client.risk.remove_limit(limit.value.id, limit.version)
    assert client.risk.limits() == [again.value]
    assert [used.measure for used in client.risk.dashboard().limits] == ["order_value"]
    assert [check.outcome for check in client.risk.checks()] == ["failed"]
    client.risk.remove_limit(limit.value.id, client.risk.limit(limit.value.id).version)
    assert not client.risk.kill_switch().world["on"]
    assert client.risk.set_kill_switch("user", True).accounts[0].on
    watched = client.watchlists.create("Mine", [stock])
    assert client.watchlists.add(watched.id, "BTC/USD").symbols == [stock, "BTC/USD"]
    assert client.watchlists.remove(watched.id, "BTC/USD").symbols == [stock]
    client.watchlists.delete(watched.id)
    profile = client.profiles.create(name="Careful", starting_cash=5000)
    changed = client.profiles.replace(profile.value.id, profile.version, name="Bold")
    assert client.profiles.all() == [changed.value]


def test_the_engine_and_its_rules_are_read_by_all_and_set_by_admins(client, stock):
    status = client.engine.status()
    assert (status.state, client.engine.statistics().world) == ("running", status.world)
    assert [world.world for world in client.engine.worlds()] == [status.world]
    rules = client.rules.of_instrument(stock)
    assert rules.value.profile["name"] == "realistic"
    with pytest.raises(NotPermittedError, match="admin"):
        client.rules.set_instrument_profile(stock, rules.version, preset="optimistic")
    with pytest.raises(NotPermittedError, match="admin"):
        client.engine.configure("*", wash_trade=True)
    with pytest.raises(NotPermittedError, match="admin"):
        client.engine.halt(symbol=stock)


def test_alerts_of_tradingview_and_endpoints_are_set_up(client, stock):
    account = client.accounts.get()
    group = client.account_groups.create("Momentum", [account.id])
    hook = client.webhooks.create(name="Mine", group=group.name, sizing={"method": "alert"})
    assert hook.token not in str(client.webhooks.get(hook.id))
    read = client.webhooks.dry_run(hook.id, ticker=stock, action="buy", contracts=5)
    assert [order.qty for one in read.accounts for order in one.orders] == [5]
    assert client.webhooks.change(hook.id, enabled=False).enabled is False
    assert list(client.webhooks.log(hook.id)) == []
    client.webhooks.delete(hook.id)
    client.account_groups.delete(group.id)
    told = client.endpoints.create("https://example.com/papertape", ["fill"])
    assert client.endpoints.change(told.id, enabled=False).enabled is False
    assert list(client.endpoints.deliveries(told.id)) == []
    client.endpoints.delete(told.id)


def test_a_journal_keeps_trades_that_were_made_elsewhere(client, stock):
    journal = client.accounts.open("Journal", kind="journal")
    made = client.trades.record(stock, "buy", 10, "9.50", account_id=journal.id, note="by phone")
    corrected = client.trades.correct(made.id, 9, "9.40")
    assert (corrected.qty, corrected.price) == (9, Decimal("9.40"))
    client.trades.bust(corrected.id)
    assert client.trades.get(corrected.id).busted


def test_the_market_is_open_to_all(product, stock):
    with Client(product.url("")) as anyone:
        quote = anyone.market.quote(stock)
        assert (quote.bid, quote.ask, quote.bid_size) == (Decimal("9.99"), Decimal("10.01"), 100)
        assert anyone.market.book(stock).bids == [(Decimal("9.99"), Decimal(100), 1)]
        assert "BTC/USD" in [
            instrument.symbol for instrument in anyone.market.instruments("bitcoin")
        ]
        assert anyone.market.quote("BTC/USD").bid is None
        assert [*anyone.market.bars("BTC/USD", "1d", start=datetime(2026, 1, 1, tzinfo=UTC))] == []
        with pytest.raises(NotAuthenticatedError):
            anyone.accounts.all()
        with pytest.raises(NotFoundError):
            anyone.market.quote("NOPE")


def test_bars_come_page_after_page(product):
    with closing(BarStore(product.folder / "bars")) as store:
        for minute in range(5):
            store.append("ACME148", Bar(minute * MINUTE_NS, *[f"{minute}.00"] * 4, "5", None, None))
    with Client(product.url("")) as anyone:
        later = anyone.market.bars("ACME148", start="1970-01-01", limit=2)
        assert [bar.open for bar in later] == [0, 1, 2, 3, 4]
        before = anyone.market.bars("ACME148", limit=2)
        assert [bar.open for bar in before] == [3, 4, 1, 2, 0]


def test_a_key_does_what_its_scopes_allow_until_it_is_revoked(product, client, stock):
    key = client.keys.create("bot", ["read"], max_notional=100, expires_at="2099-01-01T00:00:00Z")
    assert key.max_notional == 100
    with Client(product.url(""), key_id=key.key_id, secret=key.secret) as bot:
        assert bot.accounts.get().cash == 100_000
        with pytest.raises(NotPermittedError, match="trade"):
            bot.orders.buy(stock, 1)
        assert [one.key_id for one in client.keys.all()] == [key.key_id]
        client.keys.revoke(key.key_id)
        with pytest.raises(NotAuthenticatedError):
            bot.accounts.get()


def test_a_wrong_login_and_half_a_key_are_refused(product, alice):
    with pytest.raises(NotAuthenticatedError, match="wrong_login"):
        Client.login(product.url(""), alice.name, "incorrect horse")
    with pytest.raises(ValueError, match="two parts"):
        Client(product.url(""), key_id="PK1")
    with pytest.raises(ValueError, match="not both"):
        Client(product.url(""), key_id="PK1", secret="s", token="t")


def test_registering_and_logging_in(product):
    with Client(product.url("")) as anyone:
        user = anyone.users.register("gwen", PASSWORD)
    with Client.login(product.url(""), "gwen", PASSWORD) as gwen:
        assert gwen.users.me() == user
        assert gwen.users.change_me(display_name="Gwen").display_name == "Gwen"
        assert gwen.users.change_me(display_name=None).display_name is None
        assert gwen.users.choose(theme="dark").theme == gwen.users.preferences().theme == "dark"
        seen, chosen = gwen.users.me_versioned(), gwen.users.preferences_versioned()
        assert (seen.value, chosen.value) == (gwen.users.me(), gwen.users.preferences())
        assert gwen.users.change_me(seen.version, display_name="G.").display_name == "G."
        assert gwen.users.choose(chosen.version, theme="light").theme == "light"
        with pytest.raises(ConflictError):
            gwen.users.change_me(seen.version, display_name="Gwendolyn")
        with pytest.raises(ConflictError):
            gwen.users.choose(chosen.version, theme="dark")
        assert [place.is_this_one for place in gwen.users.logins()] == [True]
        gwen.logout()
        with pytest.raises(NotAuthenticatedError):
            gwen.users.me()


def test_an_address_where_nothing_answers_or_something_else_is_said_so():
    with (
        Client("http://127.0.0.1:1", patience_s=0) as nowhere,
        pytest.raises(UnreachableError, match="nothing answers"),
    ):
        nowhere.market.exchanges()


def test_what_is_no_papertape_is_said_so(product):
    with (
        Client(product.url("/metrics?")) as elsewhere,
        pytest.raises(BadReplyError, match="address of Papertape"),
    ):
        elsewhere.market.quote("ACME1")


async def test_an_event_loop_has_the_same_operations(async_client: AsyncClient, stock):
    order = await async_client.orders.buy(stock, 10, limit_price="9.00")
    assert [one.id async for one in async_client.orders.each(limit=1)] == [order.id]
    await async_client.orders.cancel(order.id)
    assert (await async_client.orders.get(order.id)).status == "canceled"
    with pytest.raises(RefusedError, match="insufficient_buying_power"):
        await async_client.orders.buy(stock, 1_000_000, limit_price="10")
    with pytest.raises(NotAuthenticatedError):
        await AsyncClient.login(async_client.talk.url, "nobody", PASSWORD)


async def test_many_calls_at_once(async_client: AsyncClient, stock):
    import asyncio

    orders = await asyncio.gather(
        *(async_client.orders.buy(stock, 1, limit_price="9") for _ in range(20))
    )
    assert len({order.id for order in orders}) == 20
