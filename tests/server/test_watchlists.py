"""Watchlists and trading profiles: a user's own, each name once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from papertape.server.models.profiles import TradingProfileReply
from papertape.server.models.watchlists import WatchlistReply
from server.shapes import has_the_shape_of


def test_a_watchlist_keeps_symbols_in_their_order(alice, bob) -> None:
    asked = {"name": "Mine", "symbols": ["BTCUSD", "ACME7", "ACME3"]}
    made = alice.client.post("/watchlists", json=asked)
    assert made.status_code == 201
    assert has_the_shape_of(made.json(), WatchlistReply)
    assert made.json()["symbols"] == ["BTC/USD", "ACME7", "ACME3"]
    path = f"/watchlists/{made.json()['id']}"
    added = alice.client.post(f"{path}/symbols", json={"symbol": "ACME5"}).json()
    assert added["symbols"] == ["BTC/USD", "ACME7", "ACME3", "ACME5"]
    for name in ("BTC/USD", "ACME7"):
        assert alice.client.delete(f"{path}/symbols/{name}").status_code == 200
    assert alice.client.get(path).json()["symbols"] == ["ACME3", "ACME5"]
    assert alice.client.delete(f"{path}/symbols/ACME7").status_code == 404
    renamed = alice.client.put(path, json={"name": "Other", "symbols": ["ACME5"]}).json()
    assert (renamed["name"], renamed["symbols"]) == ("Other", ["ACME5"])
    assert [one["name"] for one in alice.client.get("/watchlists").json()["items"]] == ["Other"]
    assert bob.client.get("/watchlists").json()["items"] == []
    assert bob.client.delete(path).status_code == 404
    assert alice.client.delete(path).status_code == 204
    assert alice.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"symbols": []}, 422, "malformed"),
        ({"name": " x"}, 422, "malformed"),
        ({"name": "x" * 65}, 422, "malformed"),
        ({"name": "x", "symbols": ["NONE"]}, 422, "unknown_symbol"),
        ({"name": "x", "symbols": ["BTC/USD", "BTCUSD"]}, 422, "malformed"),
        ({"name": "taken"}, 409, "name_taken"),
        ({"name": "x", "symbol": "BTC/USD"}, 422, "malformed"),
    ],
)
def test_what_is_no_watchlist_is_refused_and_nothing_kept(alice, body, status, reason) -> None:
    alice.client.post("/watchlists", json={"name": "taken"})
    refused = alice.client.post("/watchlists", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert [one["name"] for one in alice.client.get("/watchlists").json()["items"]] == ["taken"]


def test_a_symbol_stands_on_a_watchlist_once(alice) -> None:
    made = alice.client.post("/watchlists", json={"name": "x", "symbols": ["BTC/USD"]}).json()
    refused = alice.client.post(f"/watchlists/{made['id']}/symbols", json={"symbol": "BTCUSD"})
    assert (refused.status_code, "BTC/USD" in refused.json()["detail"]) == (422, True)


def test_symbols_added_at_the_same_time_are_all_there(alice) -> None:
    made = alice.client.post("/watchlists", json={"name": "x"}).json()
    names = [f"ACME{number}" for number in range(8)]

    def add(name: str) -> int:
        path = f"/watchlists/{made['id']}/symbols"
        return alice.client.post(path, json={"symbol": name}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, names)) == {200}
    assert sorted(alice.client.get(f"/watchlists/{made['id']}").json()["symbols"]) == names


# --- trading profiles -----------------------------------------------------------------------------


def test_a_profile_is_changed_under_its_etag(alice, bob) -> None:
    asked = {
        "name": "Careful",
        "is_default": True,
        "starting_cash": 50000,
        "commission": "us_equity",
        "risk": {"max_drawdown": "0.2"},
    }
    made = alice.client.post("/profiles", json=asked)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert has_the_shape_of(made.json(), TradingProfileReply)
    assert (made.json()["starting_cash"], made.json()["slippage"]) == ("50000", None)
    assert made.json()["risk"]["max_drawdown"] == "0.2"
    path = f"/profiles/{made.json()['id']}"
    assert bob.client.get(path).status_code == 404
    other = asked | {"name": "Bold", "account_kind": "margin"}
    assert alice.client.put(path, json=other).status_code == 428
    changed = alice.client.put(path, json=other, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert alice.client.put(path, json=other, headers={"If-Match": '"1"'}).status_code == 412
    assert alice.client.get(path).json() == changed.json()
    assert alice.client.delete(path).status_code == 204
    assert alice.client.get("/profiles").json()["items"] == []


def test_one_profile_is_the_default(alice) -> None:
    first = alice.client.post("/profiles", json={"name": "A", "is_default": True})
    alice.client.post("/profiles", json={"name": "B", "is_default": True})
    defaults = {
        one["name"]: one["is_default"] for one in alice.client.get("/profiles").json()["items"]
    }
    assert defaults == {"A": False, "B": True}
    path, body = f"/profiles/{first.json()['id']}", {"name": "A"}
    stale = alice.client.put(path, json=body, headers={"If-Match": first.headers["etag"]})
    assert stale.status_code == 412, "that it is the default no more is a change of it"


def test_a_new_account_begins_as_the_default_profile_says(alice) -> None:
    profile = {"name": "P", "account_kind": "margin", "starting_cash": "5000"}
    alice.client.post("/profiles", json=profile)
    plain = alice.client.post("/accounts", json={"name": "plain"}).json()
    assert (plain["kind"], plain["cash"]) == ("cash", "100000.00"), "it is not the default"
    alice.client.post("/profiles", json=profile | {"name": "Q", "is_default": True})
    opened = alice.client.post("/accounts", json={"name": "preferred"}).json()
    assert (opened["kind"], opened["cash"]) == ("margin", "5000.00")
    named = {"name": "named", "kind": "cash", "starting_cash": "7000"}
    opened = alice.client.post("/accounts", json=named).json()
    assert (opened["kind"], opened["cash"]) == ("cash", "7000.00")


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"starting_cash": "0"}, 422, "starting_cash"),
        ({"starting_cash": "1000000001"}, 422, "starting_cash"),
        ({"starting_cash": "a lot"}, 422, "starting_cash"),
        ({"currency": "usd"}, 422, "currency"),
        ({"currency": "ABC"}, 422, "currency"),
        ({"account_kind": "journal"}, 422, "account_kind"),
        ({"commission": "none_such"}, 422, "commission"),
        ({"slippage": "heavenly"}, 422, "slippage"),
        ({"risk": {"max_drawdown": "2"}}, 422, "risk.max_drawdown"),
        ({"risk": {"max_los": "2"}}, 422, "risk.max_los"),
        ({"is_default": "yes"}, 422, "is_default"),
        ({"name": "taken"}, 409, "name"),
    ],
)
def test_what_is_no_profile_is_refused(alice, fields, status, field) -> None:
    alice.client.post("/profiles", json={"name": "taken"})
    refused = alice.client.post("/profiles", json={"name": "x"} | fields)
    assert (refused.status_code, refused.json()["field"]) == (status, field)
