"""A product whose tape and users are in PostgreSQL, also while that is away."""

import pytest

from postgres_server import PostgresServer, reason_to_skip, schema


@pytest.fixture(scope="module")
def database():
    """A server of its own, since it is stopped."""
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def product(serve, database):
    url = database.new_database()
    return serve(places=(schema(url, "exchange"), schema(url, "auth")))


def test_an_order_fills_and_every_list_shows_it(product, alice) -> None:
    symbol = product.stock()
    filled = alice.order(symbol=symbol, limit_price="10.01", strategy=None).json()
    assert filled["status"] == "filled"
    # The world goes on meanwhile.
    seen = {"as_of_seq": filled["as_of_seq"]}
    assert alice.client.get(f"/orders/{filled['id']}").json() | seen == filled
    path = f"/accounts/{alice.account_id}"
    (fill,) = alice.client.get(f"{path}/fills").json()["items"]
    assert (fill["order_id"], fill["qty"], fill["price"]) == (filled["id"], "10", "10.01")
    assert alice.client.get(f"{path}/positions").json()["items"][0]["qty"] == "10"
    assert len(alice.client.get(f"{path}/ledger").json()["items"]) >= 2


def test_pages_follow_each_other_in_order(product, alice) -> None:
    symbol = product.stock()
    sent = [alice.order(symbol=symbol, client_order_id=f"page-{n}").json()["id"] for n in range(7)]
    seen, cursor = [], None
    while True:
        parameters = {"account_id": alice.account_id, "limit": 3} | (
            {"cursor": cursor} if cursor else {}
        )
        page = alice.client.get("/orders", params=parameters).json()
        seen += [order["id"] for order in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sent[::-1]


def test_a_name_is_taken_and_a_request_id_makes_one_order(product, alice) -> None:
    body = {"username": alice.name.upper(), "password": "correct horse"}
    assert product.anyone.post("/auth/register", json=body).status_code == 409
    symbol = product.stock()
    first = alice.order(symbol=symbol, client_order_id="once")
    again = alice.order(symbol=symbol, client_order_id="once")
    other = alice.order(symbol=symbol, client_order_id="once", qty="11")
    assert [reply.status_code for reply in (first, again, other)] == [201, 200, 409]
    assert first.json()["id"] == again.json()["id"]


def test_while_the_database_is_away_all_is_refused_and_then_goes_on(
    product, database: PostgresServer, bob
) -> None:
    symbol = product.stock()
    kept = bob.order(symbol=symbol, client_order_id="kept").json()["id"]
    database.stop()
    refused = [
        bob.order(symbol=symbol, client_order_id="later"),
        bob.client.get("/orders"),
        bob.client.get(f"/orders/{kept}"),
        product.anyone.post("/auth/login", json={"username": bob.name, "password": "wrong one"}),
    ]
    for reply in refused:
        assert (reply.status_code, reply.json()["reason"]) == (503, "not_accepted"), reply.text
        assert int(reply.headers["retry-after"]) >= 1
        assert "papertape-pg" not in reply.text  # where the database is, is nobody's business
    database.start()
    until_accepted(bob, symbol, "later")
    names = [order["client_order_id"] for order in bob.client.get("/orders").json()["items"]]
    assert names == ["later", "kept"]
    assert product.login(bob.name).account_id == bob.account_id


def until_accepted(trader, symbol: str, client_order_id: str) -> None:
    for _ in range(2_000):
        reply = trader.order(symbol=symbol, client_order_id=client_order_id)
        if reply.status_code in {200, 201}:
            return
        assert reply.status_code == 503, reply.text
    raise AssertionError("the product did not go on by itself")


def test_a_stream_lives_through_it_and_a_new_one_is_told_to_come_again(
    product, database: PostgresServer, alice
) -> None:
    symbol = product.stock()
    login = {"username": alice.name, "password": "correct horse"}
    unseen = product.anyone.post("/auth/login", json=login).json()["access_token"]
    with product.stream(alice) as stream:
        stream.subscribe("orders")
        database.stop()
        with product.stream() as refused:
            refused.send(action="auth", token=unseen)
            assert refused.closing_code == 1013
        database.start()
        until_accepted(alice, symbol, "told")
        assert stream.until("orders", "new")["data"]["client_order_id"] == "told"
