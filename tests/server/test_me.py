"""What users tell and choose about themselves."""

import pytest

from server.test_orders import problem


def test_a_profile_is_changed_field_by_field(alice) -> None:
    before = alice.client.get("/me").json()
    assert (before["display_name"], before["email"]) == (None, None)
    changed = alice.client.patch("/me", json={"display_name": "Alice", "email": "a@b.example"})
    assert changed.json() == before | {"display_name": "Alice", "email": "a@b.example"}
    changed = alice.client.patch("/me", json={"email": None})
    assert changed.json() == before | {"display_name": "Alice"}
    for path in ("/me", "/auth/me"):
        assert alice.client.get(path).json() == changed.json()


DEFAULTS = {
    "theme": "system",
    "time_zone": "UTC",
    "locale": "en-US",
    "default_account": None,
    "confirmations": True,
}


def test_preferences_are_chosen_one_by_one(alice) -> None:
    assert alice.client.get("/me/preferences").json() == DEFAULTS
    for change in (
        {"theme": "dark"},
        {"time_zone": "Europe/Berlin", "locale": "de-DE"},
        {"default_account": alice.account_id, "confirmations": False},
        {"default_account": None},
    ):
        before = alice.client.get("/me/preferences").json()
        assert alice.client.patch("/me/preferences", json=change).json() == before | change
        assert alice.client.get("/me/preferences").json() == before | change


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/me", {"display_name": "Al"}, {"display_name": "Ali"}),
        ("/me/preferences", {"theme": "dark"}, {"theme": "light"}),
    ],
)
def test_a_change_that_names_what_it_saw_loses_nothing_of_others(alice, path, first, second):
    seen = {"If-Match": alice.client.get(path).headers["ETag"]}
    changed = alice.client.patch(path, json=first, headers=seen)
    assert changed.status_code == 200
    problem(alice.client.patch(path, json=second, headers=seen), 412, "version_changed")
    now = alice.client.get(path)
    assert now.json() == changed.json()
    assert now.headers["ETag"] == changed.headers["ETag"] != seen["If-Match"]
    of_now = {"If-Match": now.headers["ETag"]}
    assert alice.client.patch(path, json=second, headers=of_now).json() == now.json() | second


BAD = [
    ("/me", {}, None),
    ("/me", {"email": "nobody"}, "email"),
    ("/me", {"display_name": ""}, "display_name"),
    ("/me", {"display_name": "x" * 65}, "display_name"),
    ("/me", {"display_name": "a\nb"}, "display_name"),
    ("/me", {"username": "root"}, "username"),
    ("/me", {"role": "admin"}, "role"),
    ("/me/preferences", {}, None),
    ("/me/preferences", {"theme": "pink"}, "theme"),
    ("/me/preferences", {"time_zone": "Middle/Earth"}, "time_zone"),
    ("/me/preferences", {"time_zone": "../../etc/passwd"}, "time_zone"),
    ("/me/preferences", {"locale": "<script>"}, "locale"),
    ("/me/preferences", {"locale": None}, "locale"),
    ("/me/preferences", {"confirmations": "no"}, "confirmations"),
    ("/me/preferences", {"default_account": "mine"}, "default_account"),
    ("/me/preferences", {"volume": 11}, "volume"),
]


@pytest.mark.parametrize(("path", "change", "field"), BAD, ids=str)
def test_a_bad_change_is_refused_and_changes_nothing(alice, path, change, field) -> None:
    before = alice.client.get(path).json()
    refused = alice.client.patch(path, json=change)
    assert (refused.status_code, refused.json().get("field")) == (422, field), refused.text
    assert alice.client.get(path).json() == before


def test_anothers_account_is_not_there_to_choose(alice, bob) -> None:
    chosen = {"default_account": bob.account_id}
    assert alice.client.patch("/me/preferences", json=chosen).status_code == 404


def test_the_default_account_is_meant_where_none_is_named(product, alice, stock) -> None:
    first = alice.account_id
    body = {"name": "Second", "starting_cash": "500"}
    second = alice.client.post("/accounts", json=body).json()["id"]

    def meant() -> str:
        """The account of an order that names none, and of a list."""
        base = str(alice.client.base_url).removesuffix("/api/v1/")
        asked = {"ticker": stock, "action": "buy", "quantity": 1, "price": 1}
        order = alice.client.post(f"{base}/api/paper-trading/alerts", json=asked).json()
        assert order["id"] in {one["id"] for one in alice.client.get("/orders").json()["items"]}
        return order["account_id"]

    def choose(account_id: str | None) -> None:
        changed = alice.client.patch("/me/preferences", json={"default_account": account_id})
        assert changed.status_code == 200

    assert meant() == first
    choose(second)
    assert meant() == second
    key = product.key_client(alice, ["read"], account_id=first)
    assert {one["account_id"] for one in key.get("/orders").json()["items"]} == {first}
    alice.client.post(f"/accounts/{second}/archive")
    assert meant() == first
    alice.client.post(f"/accounts/{second}/restore")
    assert meant() == second
    choose(None)
    assert meant() == first
