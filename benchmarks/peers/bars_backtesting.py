"""backtesting.py: the crossover at the close of its signal's bar."""

import warnings

import pandas as pd
from backtesting import Backtest, Strategy
from measured import bars, tell

COUNT = 100_000


def average(values, period):
    return pd.Series(values).rolling(period).mean()


class Crossover(Strategy):
    def init(self):
        self.fast = self.I(average, self.data.Close, 10)
        self.slow = self.I(average, self.data.Close, 30)

    def next(self):
        rising = self.fast[-1] > self.slow[-1]
        if rising and not self.position:
            self.buy(size=100)
        elif not rising and self.position:
            self.position.close()


def main():
    warnings.filterwarnings("ignore")
    index = pd.date_range("2020-01-01", periods=COUNT, freq="min")
    frame = pd.DataFrame(
        bars(COUNT), columns=["Open", "High", "Low", "Close", "Volume"], index=index
    )
    terms = {"cash": 1e7, "commission": 0.001, "trade_on_close": True, "finalize_trades": False}

    def work():
        result = Backtest(frame, Crossover, **terms).run()
        return {"equity": round(float(result["Equity Final [$]"]), 2)}

    tell("backtesting.py", COUNT, work, "bars/s")


if __name__ == "__main__":
    main()
