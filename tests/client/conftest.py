"""The client against a whole server on a socket."""

import pytest

from papertape.client import AsyncClient, Client
from server.conftest import PASSWORD, Product, alice, product, serve, stock

__all__ = ["alice", "product", "serve", "stock"]


@pytest.fixture
def client(product: Product, alice):
    """A client that is logged in as somebody new."""
    with Client.login(product.url(""), alice.name, PASSWORD) as client:
        yield client


@pytest.fixture
async def async_client(product: Product, alice):
    async with await AsyncClient.login(product.url(""), alice.name, PASSWORD) as client:
        yield client
