"""What is kept about users: accepted, told whole, erased whole."""

import pytest
from sqlalchemy import MetaData, select

from papertape.server.auth.store import Role

PASSWORD = "correct horse"
EMAIL = "somebody@host.example"


def test_the_notice_is_read_and_accepted_once(product, alice) -> None:
    notice = product.anyone.get("/notice").json()
    assert "simulated" in notice["text"]
    assert "advice" in notice["text"]
    assert alice.client.get("/me/consents").json()["items"] == []
    body = {"version": notice["version"]}
    first = alice.client.post("/me/consents", json=body)
    assert first.status_code == 200
    assert alice.client.post("/me/consents", json=body).json() == first.json()
    assert alice.client.get("/me/consents").json()["items"] == [first.json()]
    refused = alice.client.post("/me/consents", json={"version": 2})
    assert (refused.status_code, refused.json()["field"]) == (422, "version")


@pytest.mark.parametrize("accepts", [True, False])
def test_the_notice_is_accepted_with_the_registration(product, accepts) -> None:
    name = f"reader-{accepts}".lower()
    body = {"username": name, "password": PASSWORD, "accept_notice": accepts}
    assert product.anyone.post("/auth/register", json=body).status_code == 201
    consents = product.login(name).client.get("/me/consents").json()["items"]
    assert bool(consents) is accepts


@pytest.fixture
def somebody(product):
    """A user who used everything that keeps something."""
    trader = product.trader()
    trader.client.patch("/me", json={"email": EMAIL, "display_name": "Some Body"})
    trader.client.patch("/me/preferences", json={"time_zone": "Europe/Berlin"})
    trader.key_body = product.key(trader, ["read", "trade"])
    symbol = product.stock()
    trader.order(symbol=symbol, limit_price="10.01")
    trader.open_order = trader.order(symbol=symbol, limit_price="9.00").json()
    trader.client.post("/me/consents", json={"version": 1})
    trader.client.post("/webhooks", json={"name": "mine"})
    asked = {"name": "mine", "account_ids": [trader.account_id]}
    trader.client.post("/account-groups", json=asked)
    trader.client.post("/me/two-factor", json={"password": PASSWORD})
    trader.user_id = trader.client.get("/me").json()["id"]
    return trader


def test_an_export_tells_everything_but_secrets(product, somebody) -> None:
    export = somebody.client.post("/me/export")
    assert export.status_code == 200
    told = export.json()
    (user,) = told["kept"]["users"]
    assert user["profile"] == {"email": EMAIL, "display_name": "Some Body"}
    assert told["kept"]["preferences"][0]["chosen"]["time_zone"] == "Europe/Berlin"
    assert told["kept"]["logins"][0]["origin"]["address"] == "127.0.0.1"
    for table in ("accounts", "api_keys", "webhooks", "account_groups", "consents"):
        assert told["kept"][table], table
    (account,) = told["worlds"]["main"]
    assert account["id"] == somebody.account_id
    assert somebody.open_order["id"] in {order["id"] for order in account["orders"]}
    assert len(account["fills"]) == 1
    assert account["ledger"]
    assert "logged_in" in {event["event"] for event in told["security_events"]}
    for secret in ("argon2", somebody.key_body["secret"], "wrapped", "secret"):
        assert secret not in export.text


def test_who_leaves_is_erased_from_every_table(product, somebody) -> None:
    refused = somebody.client.request("DELETE", "/me", json={"password": "wrong horse!"})
    assert (refused.status_code, refused.json()["reason"]) == (403, "wrong_password")
    bot = product.client(f"{somebody.key_body['key_id']}:{somebody.key_body['secret']}")
    assert bot.get("/me").status_code == 200
    left = somebody.client.request("DELETE", "/me", json={"password": PASSWORD})
    assert left.status_code == 204, left.text
    for client in (somebody.client, bot):
        assert client.get("/me").status_code == 401
    body = {"username": somebody.name, "password": PASSWORD}
    assert product.anyone.post("/auth/login", json=body).status_code == 401

    metadata = MetaData()
    with product.auth.engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            found = [str(tuple(row)) for row in connection.execute(select(table))]
            rows = [one for one in found if somebody.user_id in one or somebody.name in one]
            if table.name != "security_events":
                assert rows == [], table.name
    events = product.auth.audit.page(user_id=somebody.user_id)
    assert events[0].event == "erased"
    assert {event.origin.address for event in events} == {None}

    # The tape keeps what was traded, and nothing works any more.
    reads = product.anyone
    assert reads.get("/instruments").status_code == 200
    again = product.anyone.post("/auth/register", json=body)
    assert again.status_code == 201
    assert again.json()["id"] != somebody.user_id


def test_open_orders_are_canceled_when_their_owner_leaves(product, somebody) -> None:
    seller = product.trader()
    symbol = somebody.open_order["symbol"]
    assert somebody.client.request("DELETE", "/me", json={"password": PASSWORD}).is_success
    seller.order(symbol=symbol, limit_price="10.01")
    product.quote(symbol, "8.00", "8.01")
    sold = seller.order(symbol=symbol, side="sell", limit_price="9.00", qty="10").json()
    assert sold["filled_qty"] == "0", "the bid at 9.00 has left with its owner"


def test_the_last_admin_stays(serve) -> None:
    product = serve()
    for name in ("first", "second"):
        product.auth.create_user(name, PASSWORD, role=Role.ADMIN)
    leave = {"json": {"password": PASSWORD}}
    assert product.login("first").client.request("DELETE", "/me", **leave).status_code == 204
    refused = product.login("second").client.request("DELETE", "/me", **leave)
    assert (refused.status_code, refused.json()["reason"]) == (409, "cannot_leave")
