"""Fees and fill profiles: presets, what counts, what an admin sets under its ETag."""

import pytest

from papertape.server.auth.store import Role
from papertape.server.models.rules import FillProfilesReply, RulesReply
from server.conftest import PASSWORD
from server.shapes import has_the_shape_of

ANY = {"If-Match": "*"}


@pytest.fixture(scope="module")
def boss(product):
    product.auth.create_user("the_boss", PASSWORD, role=Role.ADMIN)
    return product.login("the_boss")


def test_presets_are_shown_whole_beside_what_exchanges_use(product) -> None:
    told = product.anyone.get("/fill-profiles").json()
    assert has_the_shape_of(told, FillProfilesReply)
    names = [one["name"] for one in told["profiles"]]
    assert names == ["realistic", "optimistic", "conservative", "alpaca_paper"]
    assert {one["exchange"] for one in told["exchanges"]} == {"XTST"}


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("fill-profile", {"preset": "optimistic"}, "optimistic"),
        ("fees", {"preset": "us_equity"}, "us_equity"),
    ],
)
def test_a_rule_is_set_changed_and_taken_back(product, boss, stock, kind, body, shown) -> None:
    path, member = f"/instruments/{stock}/{kind}", {"fees": "fees"}.get(kind, "profile")
    first = product.anyone.get(path)
    assert has_the_shape_of(first.json(), RulesReply)
    assert (first.json()[f"{member}_from"], first.headers["etag"]) == ("listing", '"0"')
    for headers, status in (({}, 428), ({"If-Match": '"7"'}, 412)):
        assert boss.client.put(path, json=body, headers=headers).status_code == status
    tag = {"If-Match": first.headers["etag"]}
    changed = boss.client.put(path, json=body, headers=tag)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    told = changed.json()
    assert told[f"{member}_from"] == "own"
    assert shown in {told[member].get("name"), told[member].get("preset")}
    assert boss.client.put(path, json=body, headers=tag).status_code == 412
    assert boss.client.delete(path, headers=tag).status_code == 412
    back = boss.client.delete(path, headers={"If-Match": '"1"'})
    assert back.json()[f"{member}_from"] == "listing"


def test_an_instrument_follows_its_exchange_until_it_has_its_own(product, boss, stock) -> None:
    of_exchange, of_stock = "/exchanges/XTST/fees", f"/instruments/{stock}/fees"
    boss.client.put(of_exchange, json={"taker_rate": "0.01"}, headers=ANY)
    try:
        assert product.anyone.get(of_stock).json()["fees_from"] == "exchange"
        boss.client.put(of_stock, json={"taker_rate": "0.02"}, headers=ANY)
        trader = product.trader()
        fill = trader.order(symbol=stock, qty="10", limit_price="10.01").json()
        assert fill["status"] == "filled"
        (fill,) = trader.client.get(f"/accounts/{trader.account_id}/fills").json()["items"]
        assert fill["fee"] == "2.002"
    finally:
        boss.client.delete(of_exchange, headers=ANY)
    assert product.anyone.get("/exchanges/XTST/fees").json()["fees_from"] == "listing"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/exchanges/NONE/fees", {}, 404),
        ("/instruments/NONE/fees", {}, 404),
        ("/instruments/BTC/USD/fees", {"taker_rate": "x"}, 422),
        ("/instruments/BTC/USD/fees", {"taker_rates": "1"}, 422),
        ("/instruments/BTC/USD/fees", {"preset": "none at all"}, 422),
        ("/instruments/BTC/USD/fill-profile", {"preset": "heavenly"}, 422),
        ("/instruments/BTC/USD/fill-profile", {}, 422),
        ("/instruments/BTC/USD/fill-profile", {"preset": "realistic", "bar_through": 1}, 422),
        ("/instruments/BTC/USD/fill-profile", {"preset": "realistic", "factors": [{}]}, 422),
        (
            "/instruments/BTC%2FUSD/fill-profile",
            {
                "preset": "conservative",
                "spread_rate": "0.001",
                "factors": [{"condition": "stressed", "factor": "3"}],
                "command_latency": {"model": "constant", "mean_ms": "5"},
            },
            200,
        ),
    ],
)
def test_what_means_nothing_is_refused(boss, path, body, status) -> None:
    answer = boss.client.put(path, json=body, headers=ANY)
    assert answer.status_code == status, answer.text


def test_only_an_admin_sets_rules(alice, stock) -> None:
    path = f"/instruments/{stock}/fill-profile"
    for method in ("PUT", "DELETE"):
        refused = alice.client.request(method, path, json={}, headers=ANY)
        assert (refused.status_code, refused.json()["reason"]) == (403, "not_permitted")
