"""The trade journal: short words, ids that stay, and corrections that stay in the ledger."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from papertape.server.auth.tables import journal_trades
from papertape.server.models.trade_journal import EntryReply
from server.shapes import has_the_shape_of
from server.test_orders import problem


def call(client: httpx.Client, method: str, path: str = "/", **options) -> httpx.Response:
    base = str(client.base_url).removesuffix("/api/v1/")
    return client.request(method, f"{base}/api/trades{path}", **options)


@pytest.fixture
def writer(product):
    trader = product.trader()
    trader.stock, trader.other = product.stock(), product.stock()
    return trader


def said(trader, **fields):
    return {"ticker": trader.stock, "price": "8", "quantity": "10", "side": "buy"} | fields


def write(trader, key: str | None = None, **fields) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return call(trader.client, "POST", json=said(trader, **fields), headers=headers)


def entry(trader, **fields) -> dict:
    response = write(trader, **fields)
    assert response.status_code == 201, response.text
    return response.json()


def listed(trader, query: str = "") -> list[str]:
    response = call(trader.client, "GET", f"/{query}")
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()]


def held(trader) -> tuple[str, dict[str, str]]:
    """Cash and positions of the journal, which is the newest account."""
    journal = trader.client.get("/accounts").json()["items"][-1]
    items = trader.client.get(f"/positions?account_id={journal['id']}").json()["items"]
    return journal["cash"], {item["symbol"]: item["qty"] for item in items}


def ledger(trader, account_id: str) -> list[dict]:
    return trader.client.get(f"/accounts/{account_id}/ledger?limit=1000").json()["items"]


def test_the_first_trade_opens_a_journal_and_later_ones_find_it(writer) -> None:
    assert listed(writer) == []
    assert len(writer.client.get("/accounts").json()["items"]) == 1
    first = entry(writer)
    assert has_the_shape_of(first, EntryReply)
    assert {name: first[name] for name in ("ticker", "price", "quantity", "side")} == {
        "ticker": writer.stock,
        "price": "8.00",
        "quantity": "10",
        "side": "buy",
    }
    second = entry(writer, price=9.5, quantity=4, side="sell")
    assert second["account_id"] == first["account_id"] != writer.account_id
    assert held(writer) == ("-42.00", {writer.stock: "6"})
    assert listed(writer) == [second["id"], first["id"]]
    for path in (f"/{first['id']}", f"/{first['id']}/"):
        assert call(writer.client, "GET", path).json() == first
    assert call(writer.client, "GET", "").json()[1] == first
    assert writer.account()["cash"] == "100000.00"


def test_trades_at_once_go_into_one_journal(writer) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: entry(writer)["account_id"], range(4)))
    assert len(set(made)) == 1
    assert len(writer.client.get("/accounts").json()["items"]) == 2
    assert held(writer) == ("-320.00", {writer.stock: "40"})


@pytest.mark.parametrize(
    ("method", "change", "then"),
    [
        ("PATCH", {"price": "7.5"}, ("-75.00", {"stock": "10"})),
        ("PATCH", {"quantity": 3}, ("-24.00", {"stock": "3"})),
        ("PATCH", {"side": "sell", "price": None}, ("80.00", {"stock": "-10"})),
        ("PATCH", {"ticker": "other"}, ("-80.00", {"other": "10"})),
        ("PUT", {"quantity": "2", "side": "sell", "ticker": "other"}, ("16.00", {"other": "-2"})),
        ("PUT", {"price": "8.000"}, ("-80.00", {"stock": "10"})),
    ],
    ids=str,
)
def test_a_change_keeps_the_id_and_the_trade_before_it(writer, method, change, then) -> None:
    before = entry(writer)
    named = {"stock": writer.stock, "other": writer.other}
    asked = {name: named.get(value, value) for name, value in change.items()}
    body = said(writer, **asked) if method == "PUT" else asked
    response = call(writer.client, method, f"/{before['id']}/", json=body)
    assert response.status_code == 200, response.text
    after = response.json()
    cash, positions = then
    assert held(writer) == (cash, {named[name]: qty for name, qty in positions.items()})
    assert (after["id"], after["time"]) == (before["id"], before["time"])
    assert listed(writer) == [before["id"]]
    assert call(writer.client, "GET", f"/{before['id']}").json() == after
    old = writer.client.get(f"/trades/{before['trade_id']}").json()
    if change == {"price": "8.000"}:  # as it is
        assert after == before
        assert "busted" not in old
        return
    assert (old["busted"], old["corrected_by"]) == (True, after["trade_id"])
    assert old["price"] == "8.00"
    lines = ledger(writer, before["account_id"])
    assert "correction" in {line["kind"] for line in lines}
    assert sum(Decimal(line["amount"]) for line in lines if line["asset"] == "USD") == Decimal(cash)


def test_a_change_to_the_other_side_makes_no_profit_of_what_never_was(writer) -> None:
    made = entry(writer)
    call(writer.client, "PATCH", f"/{made['id']}", json={"side": "sell", "price": "9"})
    journal = writer.client.get(f"/accounts/{made['account_id']}").json()
    assert (journal["cash"], journal["realized_pl"]) == ("90.00", "0.00")


def test_changes_follow_each_other_there_and_back(writer) -> None:
    made = entry(writer)
    for price in ("9", "8", "9", "8"):
        changed = call(writer.client, "PATCH", f"/{made['id']}", json={"price": price}).json()
        assert changed["price"] == f"{price}.00"
    assert held(writer) == ("-80.00", {writer.stock: "10"})


def test_changes_at_once_leave_one_trade(writer) -> None:
    made = entry(writer)
    path = f"/{made['id']}"

    def change(number: int) -> int:
        asked = {"quantity": number + 1} if number % 2 else {"price": number + 1}
        return call(writer.client, "PATCH", path, json=asked).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(change, range(8))) == {200}
    left = call(writer.client, "GET", path).json()
    cash, positions = held(writer)
    assert positions == {writer.stock: left["quantity"]}
    assert Decimal(cash) == -Decimal(left["quantity"]) * Decimal(left["price"])


def test_a_deleted_trade_is_gone_and_stays_in_the_ledger(writer) -> None:
    kept, made = entry(writer, quantity=1), entry(writer)
    path = f"/{made['id']}/"
    assert call(writer.client, "DELETE", path).status_code == 204
    for method in ("DELETE", "GET"):
        problem(call(writer.client, method, path), 404, "not_found")
    for method in ("PUT", "PATCH"):
        problem(call(writer.client, method, path, json=said(writer)), 404, "not_found")
    assert listed(writer) == [kept["id"]]
    assert held(writer) == ("-8.00", {writer.stock: "1"})
    assert writer.client.get(f"/trades/{made['trade_id']}").json()["busted"]
    assert len(ledger(writer, made["account_id"])) > 4


def test_the_same_request_is_one_trade(writer) -> None:
    first, again = write(writer, "k"), write(writer, "k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    problem(write(writer, "k", quantity=11), 409, "id_reused")
    path = f"/{first.json()['id']}"
    changed = call(writer.client, "PATCH", path, json={"price": 9}).json()
    assert write(writer, "k").json() == changed
    call(writer.client, "DELETE", path)
    problem(write(writer, "k"), 409, "id_reused")
    assert held(writer) == ("0.00", {})


BAD = [
    ({"quantity": "0"}, "invalid_quantity", "quantity"),
    ({"quantity": "-1"}, "invalid_quantity", "quantity"),
    ({"quantity": "x"}, "malformed", "quantity"),
    ({"price": "0"}, "invalid_price", "price"),
    ({"price": "x"}, "malformed", "price"),
    ({"price": "1e3"}, "malformed", "price"),
    ({"side": "hold"}, "malformed", "side"),
    ({"ticker": "NONE"}, "unknown_symbol", "ticker"),
    ({"ticker": "'; --"}, "malformed", "ticker"),
    ({"fee": "1"}, "malformed", "fee"),
]


@pytest.mark.parametrize(("fields", "reason", "field"), BAD, ids=str)
def test_what_cannot_be_a_trade_is_refused_and_changes_nothing(
    writer, fields, reason: str, field: str
) -> None:
    made = entry(writer)
    path = f"/{made['id']}"
    for response in (
        write(writer, **fields),
        call(writer.client, "PUT", path, json=said(writer, **fields)),
        call(writer.client, "PATCH", path, json=fields),
    ):
        told = problem(response, 422, reason)
        # What stands in a member that nobody knows may be a secret.
        shown = None if field == "fee" else str(fields[field])
        assert (told["field"], told.get("value")) == (field, shown), told
        assert "new_" not in told["detail"]
        assert "qty" not in told["detail"]
    assert listed(writer) == [made["id"]]
    assert held(writer) == ("-80.00", {writer.stock: "10"})


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("POST", b""),
        ("POST", b"[]"),
        ("POST", b"{}"),
        ("PUT", b'{"price": 1}'),
        ("PATCH", b"{}"),
        ("PATCH", b'{"price": null}'),
    ],
)
def test_what_is_no_such_body_is_refused(writer, method, content) -> None:
    path = "/" if method == "POST" else f"/{entry(writer)['id']}"
    problem(call(writer.client, method, path, content=content), 422, "malformed")


def test_a_search_is_by_ticker_and_whole_days(product, writer) -> None:
    days = ("2026-11-19", "2026-11-20", "2026-11-21")
    made = [entry(writer)["id"], entry(writer, ticker=writer.other)["id"], entry(writer)["id"]]
    at_ns = 1_763_596_800_000_000_000 + 364 * 86_400 * 10**9  # the first of the three days
    for number, one in enumerate(made):  # the last nanosecond of the first day, then midnights
        time_ns = at_ns + (86_400 * 10**9 * max(number, 1)) - (number == 0)
        with product.auth.engine.begin() as connection:
            this = update(journal_trades).where(journal_trades.c.entry_id == one)
            connection.execute(this.values(time_ns=time_ns))
    newest = made[::-1]
    for query, found in [
        ("", newest),
        (f"?ticker={writer.other}", newest[1:2]),
        (f"?ticker={writer.stock}", newest[::2]),
        ("?ticker=NONE", []),
        (f"?start_date={days[1]}", newest[:2]),
        (f"?end_date={days[1]}", newest[1:]),
        (f"?start_date={days[1]}&end_date={days[1]}", newest[1:2]),
        (f"?start_date={days[0]}&end_date={days[0]}&ticker={writer.stock}", newest[2:]),
        ("?start_date=0001-01-01&end_date=9999-12-31", newest),
        (f"?start_date={days[2]}&end_date={days[0]}", []),
    ]:
        assert listed(writer, query) == found, query


@pytest.mark.parametrize(
    "query",
    [
        "start_date=2026-02-30",
        "start_date=yesterday",
        "end_date=2026-11-20T10:00:00Z",
        "end_date=",
        "cursor=nonsense",
        "limit=0",
    ],
)
def test_what_is_no_search_is_refused(writer, query: str) -> None:
    name, _, value = query.partition("=")
    told = problem(call(writer.client, "GET", f"/?{query}"), 422, "malformed")
    assert (told["field"], told["value"]) == (name, value)


def test_a_long_journal_is_read_in_parts(writer) -> None:
    made = [entry(writer)["id"] for _ in range(5)][::-1]
    found, address = [], "/?limit=2"
    while address:
        response = call(writer.client, "GET", address)
        found.append([item["id"] for item in response.json()])
        link = response.links.get("next", {}).get("url")
        address = None if link is None else link.removeprefix("/api/trades")
    assert found == [made[:2], made[2:4], made[4:]]


def test_what_is_corrected_elsewhere_is_so_here(writer) -> None:
    changed, gone = entry(writer), entry(writer)
    right = {"qty": "9", "price": "7.5"}
    put = writer.client.post(f"/trades/{changed['trade_id']}/correct", json=right).json()
    assert writer.client.post(f"/trades/{gone['trade_id']}/bust").status_code == 204
    assert listed(writer) == [changed["id"]]
    shown = call(writer.client, "GET", f"/{changed['id']}").json()
    assert (shown["trade_id"], shown["quantity"], shown["price"]) == (put["id"], "9", "7.50")
    problem(call(writer.client, "GET", f"/{gone['id']}"), 404, "not_found")


def test_a_reset_journal_takes_no_changes_of_what_was(writer) -> None:
    made = entry(writer)
    writer.client.post(f"/accounts/{made['account_id']}/reset")
    path = f"/{made['id']}"
    problem(call(writer.client, "DELETE", path), 409, "not_replaceable")
    problem(call(writer.client, "PATCH", path, json={"price": 1}), 409, "not_replaceable")
    assert call(writer.client, "GET", path).json() == made


def test_an_archived_journal_is_read_and_another_one_written(writer) -> None:
    old = entry(writer)
    call(writer.client, "DELETE", f"/{old['id']}")
    away = writer.client.post(f"/accounts/{old['account_id']}/archive")
    assert away.status_code == 200, away.text
    new = entry(writer)
    assert new["account_id"] != old["account_id"]
    assert listed(writer) == [new["id"]]


def test_a_journal_that_is_there_is_used(writer) -> None:
    body = {"name": "Elsewhere", "kind": "journal", "starting_cash": "100", "cost_method": "fifo"}
    mine = writer.client.post("/accounts", json=body).json()["id"]
    made = entry(writer)
    assert made["account_id"] == mine
    asked = {"side": "sell", "price": "9"}
    assert call(writer.client, "PATCH", f"/{made['id']}", json=asked).status_code == 200
    assert held(writer) == ("190.00", {writer.stock: "-10"})


def test_keys_read_and_write_within_their_scopes_and_accounts(product, writer) -> None:
    bound = product.key_client(writer, ["read", "trade"], account_id=writer.account_id)
    problem(call(bound, "POST", json=said(writer)), 403, "not_permitted")
    made = entry(writer)
    path = f"/{made['id']}"
    assert call(bound, "GET").json() == []
    problem(call(bound, "GET", path), 404, "not_found")
    reader = product.key_client(writer, ["read"])
    assert [one["id"] for one in call(reader, "GET").json()] == [made["id"]]
    problem(call(reader, "DELETE", path), 403, "not_permitted")
    trader = product.key_client(writer, ["trade"], account_id=made["account_id"])
    assert call(trader, "PATCH", path, json={"price": 9}).status_code == 200
    problem(call(trader, "GET", path), 403, "not_permitted")
    assert call(trader, "DELETE", path).status_code == 204


def test_strangers_find_nothing(writer, bob) -> None:
    made = entry(writer)
    for one in (made["id"], str(uuid4()), "nonsense"):
        problem(call(bob.client, "GET", f"/{one}"), 404, "not_found")
        problem(call(bob.client, "DELETE", f"/{one}"), 404, "not_found")
        problem(call(bob.client, "PUT", f"/{one}", json=said(writer)), 404, "not_found")
    assert listed(bob) == []
    assert call(writer.client, "GET", f"/{made['id']}").json() == made


# --- a process that ended on the way --------------------------------------------------------------


def noted(product, made: dict, *, of: str | None, terms: dict | None, fill_id: str | None) -> None:
    """The entry as it was before it was known what came of the command."""
    names = {"ticker": "symbol", "quantity": "qty"}
    told = terms and {names.get(name, name): value for name, value in terms.items()}
    wanted = json.dumps({"of": of, "terms": told})
    with product.auth.engine.begin() as connection:
        this = update(journal_trades).where(journal_trades.c.entry_id == made["id"])
        values = {"wanted": wanted, "fill_id": fill_id}
        if fill_id is None:
            values["time_ns"] = None
        connection.execute(this.values(values))


@pytest.mark.parametrize("by", ["list", "read", "again"])
@pytest.mark.parametrize("was_sent", [True, False], ids=["sent", "not sent"])
def test_a_trade_that_was_noted_is_recorded_once(product, writer, by, was_sent) -> None:
    response = write(writer, "k")
    made = response.json()
    if not was_sent:  # its trade is another entry's, so that this one has none
        with product.auth.engine.begin() as connection:
            this = update(journal_trades).where(journal_trades.c.entry_id == made["id"])
            made = made | {"id": str(uuid4())}
            connection.execute(this.values(entry_id=made["id"]))
    noted(product, made, of=None, terms=said(writer), fill_id=None)
    if by == "again" and was_sent:
        assert write(writer, "k").json() == made
    elif by == "read":
        assert call(writer.client, "GET", f"/{made['id']}").status_code == 200
    assert listed(writer) == [made["id"]]
    count = 1 if was_sent else 2
    assert held(writer) == (f"-{80 * count}.00", {writer.stock: str(10 * count)})


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_a_change_that_was_noted_is_made_once(product, writer, is_known) -> None:
    made = entry(writer)
    asked = {"price": "9", "side": "sell", "ticker": writer.other}
    call(writer.client, "PATCH", f"/{made['id']}", json=asked)
    if not is_known:
        forget_busts(product)
    terms = said(writer, **asked)
    noted(product, made, of=made["trade_id"], terms=terms, fill_id=made["trade_id"])
    (shown,) = call(writer.client, "GET").json()
    assert (shown["id"], shown["price"], shown["side"]) == (made["id"], "9.00", "sell")
    assert held(writer) == ("90.00", {writer.other: "-10"})
    assert listed(writer, f"?ticker={writer.other}") == [made["id"]]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_a_deletion_that_was_noted_is_made_once(product, writer, is_known) -> None:
    made = entry(writer)
    call(writer.client, "DELETE", f"/{made['id']}")
    if not is_known:
        forget_busts(product)
    noted(product, made, of=made["trade_id"], terms=None, fill_id=made["trade_id"])
    problem(call(writer.client, "GET", f"/{made['id']}"), 404, "not_found")
    assert listed(writer) == []
    assert held(writer) == ("0.00", {})


def test_what_was_noted_and_is_refused_is_no_more(product, writer) -> None:
    made, other = entry(writer), entry(writer)
    terms = said(writer, ticker="NONE")
    noted(product, made, of=made["trade_id"], terms=terms, fill_id=made["trade_id"])
    noted(product, other, of=None, terms=terms, fill_id=None)
    assert call(writer.client, "GET").json() == [made]
    assert call(writer.client, "DELETE", f"/{made['id']}").status_code == 204
    problem(call(writer.client, "GET", f"/{other['id']}"), 404, "not_found")


def forget_busts(product) -> None:
    with product.auth.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM trade_busts")


def test_without_a_floor_nothing_is_noted(serve) -> None:
    product = serve()
    trader = product.trader()
    trader.stock = product.stock()
    made = entry(trader)
    product.stop_floor()
    problem(write(trader), 503, "not_accepted")
    problem(call(trader.client, "PATCH", f"/{made['id']}", json={"price": 1}), 503, "not_accepted")
    problem(call(trader.client, "DELETE", f"/{made['id']}"), 503, "not_accepted")
    assert call(trader.client, "GET").json() == [made]
