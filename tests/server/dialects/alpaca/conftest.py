"""The real client of Alpaca, over loopback, against the real server."""

import warnings
from dataclasses import dataclass
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of websockets.legacy, inside the client
    from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    from alpaca.trading.client import TradingClient

ALL_SCOPES = ["read", "trade", "account"]


@dataclass
class Bot:
    """A trader with a key, and the clients that a bot has."""

    trader: Any
    key_id: str
    secret: str
    trading: TradingClient
    stocks: StockHistoricalDataClient
    coins: CryptoHistoricalDataClient

    @property
    def headers(self) -> dict[str, str]:
        return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret}


def bot_of(product: Any, trader: Any, scopes: list[str] | None = None, **fields: Any) -> Bot:
    key = product.key(trader, scopes or ALL_SCOPES, **fields)
    key_id, secret = key["key_id"], key["secret"]
    data_url = product.url("/alpaca-data")
    return Bot(
        trader,
        key_id,
        secret,
        TradingClient(key_id, secret, url_override=product.url("/alpaca")),
        StockHistoricalDataClient(key_id, secret, url_override=data_url),
        CryptoHistoricalDataClient(url_override=data_url),
    )


@pytest.fixture
def bot(product) -> Bot:
    """A bot of somebody new."""
    return bot_of(product, product.trader())
