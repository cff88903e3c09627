"""What is led past the router answers as the router would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.server.api.searches import common_search

USUAL = ["", "status=open", "status=all&limit=20", "status=closed&limit=999", "limit=1"]
UNUSUAL = ["status=", "status=filled", "limit=0", "limit=1000", "limit=-1", "limit=1&status=all"]


@pytest.mark.parametrize("query", USUAL)
def test_usual_queries_are_read_the_short_way(query):
    assert common_search(query.encode()) is not None


@pytest.mark.parametrize("query", [*UNUSUAL, "status=all&status=open", "limit=%31", "symbol=A"])
def test_other_queries_are_left_to_the_model(query):
    assert common_search(query.encode()) is None


@given(st.text("status=openalcd&limit0123456789%", max_size=30))
def test_no_query_breaks_the_short_way(query):
    common_search(query.encode())


@pytest.fixture(scope="module")
def trader(product):
    """Somebody with three orders that were filled and one that works."""
    trader = product.trader("shortcut")
    stock = product.stock()
    for limit_price in ("10.01", "10.01", "10.01", "1.00"):
        assert trader.order(symbol=stock, limit_price=limit_price).status_code == 201
    return trader


def listed(trader, query: str) -> list[dict]:
    response = trader.client.get(f"/orders?{query}")
    assert response.status_code == 200, response.text
    return [order | {"as_of_seq": 0} for order in response.json()["items"]]


@pytest.mark.parametrize("query", USUAL)
def test_the_short_way_lists_what_the_long_one_does(trader, query):
    # A query that names the account is no usual one.
    assert listed(trader, query) == listed(trader, f"{query}&account_id={trader.account_id}")


def test_the_short_way_finds_what_works_and_what_has_ended(trader):
    assert [len(listed(trader, query)) for query in USUAL] == [1, 1, 4, 3, 1]


@pytest.mark.parametrize("path", ["", "/positions"])
def test_an_id_of_another_length_is_nobodys_account(trader, path):
    assert trader.client.get(f"/accounts/{trader.account_id}{path}").status_code == 200
    for wrong in (trader.account_id[:-1], trader.account_id + "0", "x" * 36):
        assert trader.client.get(f"/accounts/{wrong}{path}").status_code == 404


def test_a_list_as_csv_is_left_to_the_model(trader):
    response = trader.client.get("/orders?status=all", headers={"Accept": "text/csv"})
    assert response.headers["content-type"].startswith("text/csv")
    assert len(response.text.splitlines()) == 5
