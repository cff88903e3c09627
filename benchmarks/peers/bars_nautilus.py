"""nautilus_trader: the crossover with its own averages, and a strategy that does nothing."""

from decimal import Decimal

import pandas as pd
from measured import bars, tell
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

COUNT = 200_000
INSTRUMENT = InstrumentId(Symbol("SYM"), Venue("SIM"))
BARS = BarType.from_str("SYM.SIM-1-MINUTE-LAST-EXTERNAL")


class Nothing(Strategy):
    def on_start(self):
        self.subscribe_bars(BARS)

    def on_bar(self, bar):
        pass


class Crossover(Strategy):
    def on_start(self):
        self.fast, self.slow = SimpleMovingAverage(10), SimpleMovingAverage(30)
        for average in (self.fast, self.slow):
            self.register_indicator_for_bars(BARS, average)
        self.subscribe_bars(BARS)
        self.holding, self.size = False, Quantity.from_int(100)

    def on_bar(self, _bar):
        if not self.slow.initialized:
            return
        rising = self.fast.value > self.slow.value
        if rising != self.holding:
            side = OrderSide.BUY if rising else OrderSide.SELL
            self.submit_order(self.order_factory.market(INSTRUMENT, side, self.size))
            self.holding = rising


def engine_with(instrument, history, strategy):
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("T-1"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    engine.add_venue(
        venue=Venue("SIM"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(10_000_000, USD)],
    )
    engine.add_instrument(instrument)
    engine.add_data(history)
    engine.add_strategy(strategy())
    return engine


def main():
    instrument = Equity(
        instrument_id=INSTRUMENT,
        raw_symbol=Symbol("SYM"),
        currency=USD,
        price_precision=4,
        price_increment=Price.from_str("0.0001"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    frame = pd.DataFrame(bars(COUNT), columns=["open", "high", "low", "close", "volume"])
    frame.index = pd.date_range("2020-01-01", periods=COUNT, freq="min", tz="UTC", name="timestamp")
    history = BarDataWrangler(BARS, instrument).process(frame)
    for name, strategy in (("empty", Nothing), ("SMA", Crossover)):
        ready = [engine_with(instrument, history, strategy) for _ in range(2)]

        def work(ready=ready):
            engine = ready.pop()
            engine.run()
            return {"orders": engine.kernel.cache.orders_total_count()}

        tell(f"nautilus_trader, {name}", COUNT, work, "bars/s", runs=2)


if __name__ == "__main__":
    main()
