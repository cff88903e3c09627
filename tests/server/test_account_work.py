"""What users do with accounts: open, rename, fund, begin again, flatten, put away."""

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from uuid import uuid4

import httpx
import pytest

from papertape.server.auth import account_store
from papertape.server.auth.account_store import Transfer, account_id_of
from papertape.server.models.account_changes import FlattenReply, TransferReply
from papertape.server.models.accounts import AccountReply
from server.conftest import wait_until
from server.shapes import has_the_shape_of
from server.test_orders import problem


def opened(trader, **fields) -> dict:
    """A further account."""
    response = trader.client.post("/accounts", json={"name": "Second"} | fields)
    assert response.status_code == 201, response.text
    return response.json()


def act(trader, verb: str, account_id: str | None = None, key: str | None = None, **body):
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/accounts/{account_id or trader.account_id}/{verb}"
    return trader.client.post(path, json=body, headers=headers)


def user_id(trader) -> str:
    return trader.client.get("/me").json()["id"]


def test_a_further_account_has_the_terms_that_were_asked_for(alice) -> None:
    fields = {"name": " Swing ", "kind": "margin", "starting_cash": 2500.5, "multiplier": 4}
    account = opened(alice, **fields, cost_method="fifo")
    assert has_the_shape_of(account, AccountReply)
    wanted = {
        "name": "Swing",
        "kind": "margin",
        "currency": "USD",
        "cash": "2500.50",
        "buying_power": "10002.00",
        "multiplier": "4",
        "cost_method": "fifo",
    }
    assert {name: account[name] for name in wanted} == wanted
    assert account["id"] == account_id_of(user_id(alice), "main", 2)
    listed = alice.client.get("/accounts").json()["items"]
    assert [one["id"] for one in listed] == [alice.account_id, account["id"]]
    assert alice.client.get(f"/accounts/{account['id']}").json()["cash"] == "2500.50"


def test_orders_of_further_accounts_are_found_canceled_and_replaced(alice, stock) -> None:
    second = opened(alice)["id"]
    order = alice.order(symbol=stock, account_id=second).json()
    assert order["account_id"] == second
    changed = alice.client.patch(f"/orders/{order['id']}", json={"qty": "5"})
    assert changed.json()["qty"] == "5"
    assert alice.client.delete(f"/orders/{order['id']}").status_code == 204
    problem(alice.client.delete(f"/orders/{order['id']}"), 409, "not_cancelable")


def test_the_same_request_opens_one_account(alice) -> None:
    headers = {"Idempotency-Key": "second"}
    body = {"name": "Second", "starting_cash": "5"}
    first = alice.client.post("/accounts", json=body, headers=headers)
    account_id = first.json()["id"]
    alice.client.patch(f"/accounts/{account_id}", json={"name": "Renamed"})
    again = alice.client.post("/accounts", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.json()["name"]) == (account_id, "Renamed")
    other = alice.client.post("/accounts", json=body | {"starting_cash": "6"}, headers=headers)
    problem(other, 409, "id_reused")
    assert len(alice.client.get("/accounts").json()["items"]) == 2


BAD_ACCOUNTS = [
    # (what is sent, the field that is named)
    ({"name": None}, "name"),
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "x" * 61}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"kind": "gold"}, "kind"),
    ({"currency": "usd"}, "currency"),
    ({"currency": "US"}, "currency"),
    ({"currency": "ABC"}, "currency"),
    ({"starting_cash": "-1"}, "starting_cash"),
    ({"starting_cash": "1e3"}, "starting_cash"),
    ({"starting_cash": True}, "starting_cash"),
    ({"starting_cash": "1000000000001"}, "starting_cash"),
    ({"starting_cash": "0.0000001"}, "starting_cash"),
    ({"multiplier": "2"}, "multiplier"),
    ({"kind": "margin", "multiplier": "3"}, "multiplier"),
    ({"cost_method": "best"}, "cost_method"),
    ({"cash": "5"}, "cash"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_ACCOUNTS, ids=str)
def test_a_bad_account_is_refused_by_its_field_and_never_was(alice, fields, field) -> None:
    body = {name: value for name, value in ({"name": "A"} | fields).items() if value is not None}
    response = alice.client.post("/accounts", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["field"] == field
    assert len(alice.client.get("/accounts").json()["items"]) == 1
    assert opened(alice)["id"] == account_id_of(user_id(alice), "main", 2)


@pytest.mark.parametrize("currency", ["EUR", "XAU", "USDT"])
def test_an_account_has_a_currency_that_there_is(alice, currency) -> None:
    assert opened(alice, currency=currency)["currency"] == currency


def test_a_user_has_so_many_accounts_and_no_more(alice, monkeypatch) -> None:
    monkeypatch.setattr(account_store, "ACTIVE_MAX", 2)
    second = opened(alice)
    refused = problem(alice.client.post("/accounts", json={"name": "C"}), 409, "too_many_accounts")
    assert refused["limit"] == "2"
    assert act(alice, "archive", second["id"]).status_code == 200
    third = opened(alice)
    problem(act(alice, "restore", second["id"]), 409, "too_many_accounts")
    monkeypatch.setattr(account_store, "ACCOUNTS_MAX", 3)
    assert act(alice, "archive", third["id"]).status_code == 200
    problem(alice.client.post("/accounts", json={"name": "D"}), 409, "too_many_accounts")


def test_an_account_gets_another_name(alice) -> None:
    renamed = alice.client.patch(f"/accounts/{alice.account_id}", json={"name": "Long term"})
    assert renamed.json()["name"] == alice.account()["name"] == "Long term"
    bad = alice.client.patch(f"/accounts/{alice.account_id}", json={"name": ""})
    assert problem(bad, 422, "malformed")["field"] == "name"


def test_money_comes_and_goes_once_for_each_request(alice) -> None:
    for _ in range(2):
        assert act(alice, "deposit", key="d", amount="500.25").json()["cash"] == "100500.25"
    problem(act(alice, "deposit", key="d", amount="1"), 409, "id_reused")
    assert act(alice, "withdraw", key="w", amount="0.25").json()["cash"] == "100500.00"
    refused = problem(act(alice, "withdraw", amount="100501"), 422, "insufficient_buying_power")
    assert (refused["value"], refused["limit"]) == ("100501.00", "100500.00")
    for amount in ("0", "-1", "x", None):
        assert act(alice, "deposit", amount=amount).status_code == 422
    assert alice.account()["cash"] == "100500.00"


def test_another_currency_is_a_wallet_of_its_own(alice) -> None:
    account = act(alice, "deposit", amount="10", currency="EUR").json()
    bad = problem(act(alice, "deposit", amount="10", currency="ABC"), 422, "malformed")
    assert bad["field"] == "currency"
    assert (account["cash"], account["currencies"]["EUR"]["cash"]) == ("100000.00", "10.00")
    assert act(alice, "withdraw", amount="11", currency="EUR").status_code == 422


def test_a_transfer_leaves_and_arrives_once(alice) -> None:
    second = opened(alice, starting_cash="5")["id"]
    for _ in range(2):
        moved = act(alice, "transfer", key="t", amount="400.50", to_account_id=second)
        assert moved.status_code == 200, moved.text
        assert has_the_shape_of(moved.json(), TransferReply)
        cash = [moved.json()[side]["cash"] for side in ("from_account", "to_account")]
        assert cash == ["99599.50", "405.50"]
    problem(act(alice, "transfer", key="t", amount="1", to_account_id=second), 409, "id_reused")


def test_a_transfer_that_is_refused_moves_nothing(alice, bob) -> None:
    second = opened(alice, starting_cash="5")["id"]
    much = act(alice, "transfer", second, key="t", amount="6", to_account_id=alice.account_id)
    problem(much, 422, "insufficient_buying_power")
    # Nothing was done under this id, so it may be used again.
    less = act(alice, "transfer", second, key="t", amount="4", to_account_id=alice.account_id)
    assert less.json()["to_account"]["cash"] == "100004.00"
    itself = act(alice, "transfer", amount="1", to_account_id=alice.account_id)
    assert problem(itself, 422, "malformed")["field"] == "to_account_id"
    problem(act(alice, "transfer", amount="1", to_account_id=bob.account_id), 404, "not_found")
    assert bob.account()["cash"] == "100000.00"


def test_a_transfer_that_somebody_left_half_way_arrives(product, alice) -> None:
    second = opened(alice, starting_cash="0")["id"]
    begun = Transfer(str(uuid4()), alice.account_id, second, "7", "USD", done=False)
    product.auth.accounts.enter_transfer(user_id(alice), "main", begun)
    # Whatever lets the server look at the user's accounts again ends it.
    alice.client.patch(f"/accounts/{second}", json={"name": "Other"})
    assert alice.client.get(f"/accounts/{second}").json()["cash"] == "7.00"
    assert product.auth.accounts.transfers_under_way(user_id(alice), "main") == []


def test_a_reset_begins_again_under_the_same_id(alice, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    resting = alice.order(symbol=stock).json()["id"]
    account = act(alice, "reset", key="r", starting_cash="777").json()
    assert (account["id"], account["cash"], account["resets"]) == (alice.account_id, "777.00", 1)
    assert alice.client.get(f"/orders/{resting}").json()["status"] == "canceled"
    assert alice.client.get("/positions").json()["items"] == []
    assert act(alice, "reset", key="r", starting_cash="777").json()["resets"] == 1
    plain = alice.client.post(f"/accounts/{alice.account_id}/reset").json()
    assert (plain["cash"], plain["resets"]) == ("100000.00", 2)
    assert act(alice, "reset", starting_cash="-1").status_code == 422


def test_flatten_frees_what_orders_hold_and_closes_everything(alice, product) -> None:
    first, second = product.stock(), product.stock()
    for symbol in (first, second):
        alice.order(symbol=symbol, limit_price="10.01")
    held = alice.order(symbol=first, side="sell", limit_price="15").json()["id"]
    response = act(alice, "flatten")
    assert response.status_code == 207, response.text
    told = response.json()
    assert has_the_shape_of(told, FlattenReply)
    assert [item["id"] for item in told["canceled"]] == [held]
    closed = {
        item["symbol"]: (item["status"], item["order"]["status"]) for item in told["positions"]
    }
    assert closed == {first: (201, "filled"), second: (201, "filled")}
    assert alice.client.get("/positions").json()["items"] == []
    assert act(alice, "flatten").json()["positions"] == []


def test_flatten_buys_back_what_is_owed_as_soon_as_a_halt_ends(alice, product) -> None:
    margin = opened(alice, kind="margin")["id"]
    stock = product.stock()
    sold = alice.order(symbol=stock, account_id=margin, side="sell", limit_price="9.99").json()
    assert sold["status"] == "filled"
    product.feed({"kind": "halt", "symbol": stock, "reason": "news"})
    (waiting,) = act(alice, "flatten", margin).json()["positions"]
    assert (waiting["order"]["side"], waiting["order"]["status"]) == ("buy", "new")
    product.feed({"kind": "resume", "symbol": stock})
    product.quote(stock, "9.99", "10.01")
    found = f"/orders/{waiting['order']['id']}"
    wait_until(lambda: alice.client.get(found).json()["status"] == "filled")
    assert act(alice, "flatten", margin).json()["positions"] == []


def test_a_clone_begins_on_the_same_terms(alice, stock) -> None:
    margin = opened(alice, name="Bold", kind="margin", starting_cash="900", multiplier="4")["id"]
    alice.order(symbol=stock, account_id=margin, limit_price="10.01")
    clone = act(alice, "clone", margin, key="c")
    assert clone.status_code == 201
    told = clone.json()
    assert (told["name"], told["cash"], told["multiplier"]) == ("Bold (copy)", "900.00", "4")
    assert act(alice, "clone", margin, key="c").json()["id"] == told["id"]
    assert act(alice, "clone", name="Named").json()["name"] == "Named"


def test_an_archived_account_trades_no_more_and_comes_back(alice, stock) -> None:
    second = opened(alice)["id"]
    alice.order(symbol=stock, account_id=second, limit_price="10.01")
    resting = alice.order(symbol=stock, account_id=second).json()["id"]
    problem(act(alice, "archive", second), 409, "account_not_flat")
    kept = alice.client.get(f"/orders/{resting}").json()["status"]
    assert kept == "new", "what is refused cancels nothing"
    act(alice, "flatten", second)
    away = act(alice, "archive", second).json()
    assert (away["status"], "archived_at" in away) == ("suspended", True)
    assert act(alice, "archive", second).json()["archived_at"] == away["archived_at"]
    assert alice.client.get(f"/orders/{resting}").json()["status"] == "canceled"
    problem(alice.order(symbol=stock, account_id=second), 422, "account_not_active")
    problem(act(alice, "deposit", second, amount="5"), 422, "account_not_active")
    into = act(alice, "transfer", to_account_id=second, amount="5")
    assert "restore it first" in problem(into, 409, "account_not_active")["detail"]
    out = act(alice, "transfer", second, to_account_id=alice.account_id, amount="5")
    assert out.status_code == 200
    shown = [len(alice.client.get(f"/accounts{q}").json()["items"]) for q in ("", "?archived=true")]
    assert shown == [1, 2]
    assert alice.client.get(f"/accounts/{second}/fills").json()["items"]
    back = act(alice, "restore", second).json()
    assert (back["status"], "archived_at" in back) == ("active", False)
    assert alice.order(symbol=stock, account_id=second).status_code == 201


def at_once(*requests: Callable[[], httpx.Response]) -> list[int]:
    """The statuses of requests that are sent together."""
    with ThreadPoolExecutor(len(requests)) as threads:
        return [one.status_code for one in threads.map(lambda request: request(), requests)]


def test_no_order_slips_into_an_account_that_is_put_away(alice, stock) -> None:
    for _ in range(6):
        second = opened(alice)["id"]
        buy = {"symbol": stock, "account_id": second, "qty": "1", "limit_price": "10.01"}
        sent = [partial(alice.order, **buy) for _ in range(6)]
        at_once(*sent[:2], partial(act, alice, "archive", second), *sent[2:])
        account = alice.client.get(f"/accounts/{second}").json()
        if "archived_at" in account:
            assert alice.client.get(f"/positions?account_id={second}").json()["items"] == []
            assert alice.client.get(f"/orders?account_id={second}").json()["items"] == []
        else:
            assert account["status"] == "active"
            act(alice, "flatten", second)
            assert act(alice, "archive", second).status_code == 200


def test_the_last_two_accounts_are_not_put_away_at_once(alice) -> None:
    second = opened(alice)["id"]
    both = (alice.account_id, second)
    assert sorted(at_once(*(partial(act, alice, "archive", one) for one in both))) == [200, 409]
    assert len(alice.client.get("/accounts").json()["items"]) == 1


def test_nothing_comes_to_an_archived_account(alice, stock) -> None:
    second = opened(alice)["id"]
    first = act(alice, "deposit", second, key="in", amount="5")
    moved = act(alice, "transfer", key="to", to_account_id=second, amount="5")
    assert (first.status_code, moved.status_code) == (200, 200)
    assert act(alice, "archive", second).status_code == 200
    for again in (
        act(alice, "deposit", second, key="in", amount="5"),
        act(alice, "transfer", key="to", to_account_id=second, amount="5"),
    ):
        assert again.status_code == 200, "what was done is answered as done"
    for verb, body in (("deposit", {"amount": "5"}), ("reset", {"starting_cash": "5"})):
        problem(act(alice, verb, second, **body), 422, "account_not_active")
    late = partial(act, alice, "transfer", key="late", to_account_id=second, amount="7")
    problem(late(), 409, "account_not_active")
    problem(late(), 409, "account_not_active")
    chosen = alice.client.patch("/me/preferences", json={"default_account": second})
    problem(chosen, 409, "account_not_active")
    kept = alice.account()["cash"]
    alice.client.patch(f"/accounts/{second}", json={"name": "Away"})
    there = act(alice, "restore", second).json()
    assert (alice.account()["cash"], there["cash"]) == (kept, "100010.00"), "refused is refused"
    assert late().status_code == 200
    assert alice.client.get(f"/accounts/{second}").json()["cash"] == "100017.00"
    withdrawn = act(alice, "withdraw", second, amount="100017")
    assert (withdrawn.status_code, act(alice, "archive", second).status_code) == (200, 200)
    journal = opened(alice, kind="journal")["id"]
    trade = {"account_id": journal, "symbol": stock, "side": "buy", "qty": "1", "price": "10"}
    assert act(alice, "archive", journal).status_code == 200
    problem(alice.client.post("/trades", json=trade), 422, "account_not_active")


def test_a_journal_is_no_account_that_trades(alice, stock) -> None:
    journal = opened(alice, kind="journal")["id"]
    problem(act(alice, "archive"), 409, "last_account")
    assert act(alice, "archive", journal).status_code == 200
    act(alice, "restore", journal)
    trade = {"account_id": journal, "symbol": stock, "qty": "1", "price": "10"}
    assert alice.client.post("/trades", json=trade | {"side": "buy"}).status_code == 201
    held = problem(act(alice, "archive", journal), 409, "account_not_flat")
    assert "record the trades that close it" in held["detail"]
    assert alice.client.post("/trades", json=trade | {"side": "sell"}).status_code == 201
    assert act(alice, "archive", journal).status_code == 200
    opened(alice)
    assert act(alice, "archive").status_code == 200


def test_the_only_account_is_not_put_away(alice, stock) -> None:
    resting = alice.order(symbol=stock).json()["id"]
    problem(act(alice, "archive"), 409, "last_account")
    assert alice.client.get(f"/orders/{resting}").json()["status"] == "new"
    second = opened(alice)["id"]
    assert act(alice, "archive").status_code == 200
    # Where no account is named, the first one that trades is meant.
    assert alice.client.get("/positions").status_code == 200
    assert act(alice, "transfer", amount="1", to_account_id=second).status_code == 200


def test_a_fork_says_why_not_when_the_moment_is_on_the_tape(alice, stock) -> None:
    seq = alice.order(symbol=stock).json()["as_of_seq"]
    for moment in ({"seq": seq}, {"time": "2999-01-01T00:00:00Z"}, {"at": "2999-01-01"}):
        problem(act(alice, "fork", **moment), 409, "fork_not_available")
    for moment, field in (
        ({"seq": 1}, "seq"),
        ({"seq": 2**62}, "seq"),
        ({"time": "2001-01-01T00:00:00Z"}, "time"),
        ({"at": "2001-01-01T00:00:00Z"}, "at"),
    ):
        assert problem(act(alice, "fork", **moment), 422, "no_such_moment")["field"] == field
    for body in (
        {},
        {"seq": "5"},
        {"seq": 0},
        {"time": "soon"},
        {"seq": seq, "time": "2026-01-01"},
        {"at": "2026-01-01", "time": "2026-01-01"},
        {"at": "soon"},
        {"at": 5},
    ):
        problem(act(alice, "fork", **body), 422, "malformed")


def test_a_stream_tells_of_further_accounts_once_it_subscribes(product, alice, stock) -> None:
    with product.stream(alice) as stream:
        stream.subscribe("orders")
        second = opened(alice)["id"]
        stream.send(action="subscribe", channels=["orders"])
        told = {stream.until("orders", "snapshot")["account_id"] for _ in range(2)}
        assert told == {alice.account_id, second}
        order = alice.order(symbol=stock, account_id=second).json()
        assert stream.until("orders", "new")["data"]["id"] == order["id"]


def test_keys_do_with_accounts_what_their_scopes_say(product, alice) -> None:
    trading = product.key_client(alice, ["trade", "read"])
    path = f"/accounts/{alice.account_id}"
    for verb in ("deposit", "reset", "archive", "transfer", "clone", "fork"):
        problem(trading.post(f"{path}/{verb}", json={}), 403, "not_permitted")
    assert trading.post(f"{path}/flatten").status_code == 207
    bound = product.key_client(alice, ["account"], account_id=alice.account_id)
    problem(bound.post("/accounts", json={"name": "B"}), 403, "not_permitted")
    problem(bound.post(f"{path}/clone"), 403, "not_permitted")
    assert bound.post(f"{path}/deposit", json={"amount": "1"}).status_code == 200


def test_a_statement_adds_up(alice, stock) -> None:
    alice.order(symbol=stock, limit_price="10.01")
    act(alice, "withdraw", amount="100")
    whole = alice.client.get(f"/accounts/{alice.account_id}/statements").json()
    assert (whole["from"], whole["opening"]) == (None, {})
    assert whole["closing"] == {"USD": "99799.90", stock: "10"}
    assert whole["totals"]["withdrawal"] == {"USD": "-100.00"}
    times = [line["time"] for line in whole["items"]]
    assert times == sorted(times)
    middle = whole["items"][-1]["time"]
    later = _statement(alice, f"from={middle}")
    assert later["opening"]["USD"] == "99899.90"
    assert [line["kind"] for line in later["items"]] == ["withdrawal"]
    earlier = _statement(alice, f"to={middle}")
    assert earlier["closing"] == later["opening"]
    assert _statement(alice, f"from={middle}&to={middle}")["items"] == []
    day = middle[:10]
    assert _statement(alice, f"to={day}")["items"] == whole["items"], "a date counts whole"
    response = alice.client.get(f"/accounts/{alice.account_id}/statements?from=2030-01-01&to=2029")
    assert response.json()["field"] == "to"
    wrong = alice.client.get(
        f"/accounts/{alice.account_id}/statements?from=2030-01-02&to=2029-12-31"
    )
    assert problem(wrong, 422, "malformed")["field"] == "from"


def _statement(trader, query: str) -> dict:
    response = trader.client.get(f"/accounts/{trader.account_id}/statements?{query}")
    assert response.status_code == 200, response.text
    return response.json()


def test_a_statement_comes_in_pages_and_as_one_table(alice, stock) -> None:
    for _ in range(3):
        alice.order(symbol=stock, limit_price="10.01")
    page = _statement(alice, "limit=2")
    lines = page["items"]
    while page["next_cursor"]:
        page = _statement(alice, f"limit=2&cursor={page['next_cursor']}")
        lines += page["items"]
    table = alice.client.get(f"/accounts/{alice.account_id}/statements?format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(row["time"], row["asset"], row["amount"]) for row in rows] == [
        (line["time"], line["asset"], line["amount"]) for line in lines
    ]
    assert sum(Decimal(row["amount"]) for row in rows if row["asset"] == "USD") == Decimal(
        "99699.7"
    )
    bad = alice.client.get(f"/accounts/{alice.account_id}/statements?cursor=x")
    assert problem(bad, 422, "malformed")["field"] == "cursor"
