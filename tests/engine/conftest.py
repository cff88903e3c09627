"""Worlds that every test of the engine's facade may ask for."""

import pytest

from engine.worlds import Driver, listing, quote
from papertape.engine import World


@pytest.fixture
def driver() -> Driver:
    """A world with ACME, quoted 9.99 x 10.01, and the accounts of Alice and Bob."""
    driver = Driver(World("main"))
    driver.send(*listing())
    driver.send(quote())
    return driver
