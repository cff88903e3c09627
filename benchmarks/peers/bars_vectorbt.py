"""vectorbt: the crossover as arrays over a million bars, and 1,000 pairs over 100,000."""

import pandas as pd
import vectorbt
from measured import bars, tell

COUNT, SWEPT = 1_000_000, 100_000
PAIRS = [(fast, slow) for fast in range(2, 42) for slow in range(42, 92, 2)]
AT_ONCE = 250
TERMS = {"size": 100, "fees": 0.001, "init_cash": 1e7}


def closes(count):
    index = pd.date_range("2020-01-01", periods=count, freq="min")
    return pd.Series(bars(count)[:, 3].copy(), index=index)


def once(close):
    fast, slow = vectorbt.MA.run(close, 10).ma, vectorbt.MA.run(close, 30).ma
    rising = fast > slow
    done = vectorbt.Portfolio.from_signals(close, rising, ~rising & slow.notna(), **TERMS)
    return {"orders": int(done.orders.count()), "equity": round(float(done.value().iloc[-1]), 2)}


def sweep(close):
    best = 0.0
    for start in range(0, len(PAIRS), AT_ONCE):
        part = PAIRS[start : start + AT_ONCE]
        fast = vectorbt.MA.run(close, [pair[0] for pair in part], short_name="fast").ma.to_numpy()
        slow = vectorbt.MA.run(close, [pair[1] for pair in part], short_name="slow").ma.to_numpy()
        done = vectorbt.Portfolio.from_signals(close, fast > slow, fast <= slow, **TERMS)
        best = max(best, float(done.total_return().max()))
    return {"best": best}


def main():
    close, short = closes(COUNT), closes(SWEPT)
    once(short)
    tell("vectorbt", COUNT, lambda: once(close), "bars/s")
    tell("vectorbt, 1,000 pairs", 1, lambda: sweep(short), "sweeps/s", runs=1)


if __name__ == "__main__":
    main()
