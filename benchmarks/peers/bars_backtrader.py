"""backtrader: the crossover, with its fast mode (runonce, preload)."""

import backtrader
import pandas as pd
from measured import bars, tell

COUNT = 50_000


class Crossover(backtrader.Strategy):
    def __init__(self):
        close = self.data.close
        self.fast = backtrader.indicators.SMA(close, period=10)
        self.slow = backtrader.indicators.SMA(close, period=30)
        self.orders = 0

    def next(self):
        rising = self.fast[0] > self.slow[0]
        if rising != bool(self.position):
            self.orders += 1
            (self.buy if rising else self.sell)(size=100)


def main():
    index = pd.date_range("2020-01-01", periods=COUNT, freq="min")
    frame = pd.DataFrame(
        bars(COUNT), columns=["open", "high", "low", "close", "volume"], index=index
    )

    def work():
        engine = backtrader.Cerebro(stdstats=False)
        engine.adddata(backtrader.feeds.PandasData(dataname=frame))
        engine.addstrategy(Crossover)
        engine.broker.setcash(1e7)
        engine.broker.setcommission(commission=0.001)
        (done,) = engine.run()
        return {"orders": done.orders, "equity": round(engine.broker.getvalue(), 2)}

    tell("backtrader", COUNT, work, "bars/s", runs=2)


if __name__ == "__main__":
    main()
