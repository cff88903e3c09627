r"""A bot for Alpaca, with Alpaca's own client: it trades here or there by the addresses alone.

It buys a stock when the last trades stand above their average, protects the position with a stop
loss, and ends flat. At Alpaca (their paper account):

    APCA_API_KEY_ID=... APCA_API_SECRET_KEY=... python examples/alpaca_bot.py AAPL

Here, with a key of `papertape keys create bot --scope read --scope trade`:

    APCA_API_BASE_URL=http://127.0.0.1:8000/alpaca \
    APCA_API_DATA_URL=http://127.0.0.1:8000/alpaca-data \
    APCA_API_KEY_ID=... APCA_API_SECRET_KEY=... python examples/alpaca_bot.py AAPL

It needs `pip install alpaca-py`. It is there to be read, not to earn money.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest, StockTradesRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import MarketOrderRequest, StopLossRequest

LOOK_BACK = timedelta(days=5)
TRADES = 50
SHARE_OF_CASH = 0.05
STOP_BELOW = 0.05
PATIENCE_S = 10.0


class Bot:
    """One stock, one position."""

    def __init__(self, symbol: str) -> None:
        key, secret = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
        base_url, data_url = (os.environ.get(f"APCA_API_{it}_URL") for it in ("BASE", "DATA"))
        self.symbol = symbol
        self.trading = TradingClient(key, secret, paper=True, url_override=base_url)
        self.data = StockHistoricalDataClient(key, secret, url_override=data_url)

    def run(self) -> str:
        """Look, trade, end flat; says what was done."""
        if not self.trading.get_clock().is_open:
            return "the market is closed"
        prices = self.last_prices()
        if not prices or not rises(prices):
            return f"{self.symbol} does not rise: nothing to do"
        bought = self.buy()
        self.leave()
        return f"bought {bought.filled_qty} {self.symbol} at {bought.filled_avg_price}, and left"

    def last_prices(self) -> list[float]:
        """The prices of the last trades, the oldest first."""
        asked = StockTradesRequest(
            symbol_or_symbols=self.symbol,
            start=datetime.now(UTC) - LOOK_BACK,
            limit=TRADES,
            sort="desc",
        )
        trades = self.data.get_stock_trades(asked).data.get(self.symbol, [])
        return [trade.price for trade in reversed(trades)]

    def buy(self) -> Order:
        """Whole shares for a part of the cash, with a stop loss below the market."""
        asked = StockLatestQuoteRequest(symbol_or_symbols=self.symbol)
        ask = self.data.get_stock_latest_quote(asked)[self.symbol].ask_price
        cash = float(self.trading.get_account().cash)
        order = MarketOrderRequest(
            symbol=self.symbol,
            qty=int(cash * SHARE_OF_CASH / ask),
            side=OrderSide.BUY,
            time_in_force=TimeInForce.DAY,
            order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=round(ask * (1 - STOP_BELOW), 2)),
        )
        return self.filled(self.trading.submit_order(order))

    def leave(self) -> None:
        """Cancel what protects the position, and sell it."""
        self.trading.cancel_orders()
        self.filled(self.trading.close_position(self.symbol))

    def filled(self, order: Order) -> Order:
        """The order once it is filled; an error when it ends otherwise."""
        until = time.monotonic() + PATIENCE_S
        while order.status != OrderStatus.FILLED:
            if time.monotonic() > until:
                raise SystemExit(f"the order {order.id} is still {order.status}")
            time.sleep(0.1)
            order = self.trading.get_order_by_id(order.id)
        return order


def rises(prices: Sequence[float]) -> bool:
    """Whether the last price stands above the average of all."""
    return prices[-1] > sum(prices) / len(prices)


if __name__ == "__main__":
    print(Bot(sys.argv[1] if len(sys.argv) > 1 else "AAPL").run())
