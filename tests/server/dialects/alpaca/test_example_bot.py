"""The example bot is written for Alpaca and trades here by the addresses alone."""

import runpy
import sys
from pathlib import Path

import pytest

from server.conftest import wait_until
from server.dialects.alpaca.test_data import list_of

EXAMPLE = Path(__file__).parents[4] / "examples" / "alpaca_bot.py"


def run(monkeypatch, capsys, product, bot, symbol: str) -> str:
    """What the bot says at its end."""
    monkeypatch.setenv("APCA_API_BASE_URL", product.url("/alpaca"))
    monkeypatch.setenv("APCA_API_DATA_URL", product.url("/alpaca-data"))
    monkeypatch.setenv("APCA_API_KEY_ID", bot.key_id)
    monkeypatch.setenv("APCA_API_SECRET_KEY", bot.secret)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), symbol])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        (["9.90", "9.95", "10.00"], "bought 499 {} at 10.01, and left"),
        (["10.00", "9.95", "9.90"], "{} does not rise: nothing to do"),
    ],
)
def test_the_example_bot_trades_and_ends_flat(
    monkeypatch, capsys, product, bot, prices, says
) -> None:
    symbol = product.stock(size="100000")
    for price in prices:
        product.feed({"kind": "trade", "symbol": symbol, "price": price, "qty": "5"})
    wait_until(lambda: len(list_of(product, bot, "trades", symbol)[0].get(symbol, [])) == 3)
    assert run(monkeypatch, capsys, product, bot, symbol) == says.format(symbol)
    assert bot.trading.get_all_positions() == []
    assert bot.trading.get_orders() == []
