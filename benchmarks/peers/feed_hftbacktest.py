"""hftbacktest: replay of our feed as its L2 events, with 20 orders in its queue model.

The feed is the one of `bench_feed`: mostly quotes of the touch, prints at it, now and then ten
levels a side. hftbacktest gets each level that changed as one event and each print as one; an
input is what we replay, so rates of inputs compare, and rates of events are told beside them.
"""

import time

import numba
import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
    event_dtype,
)
from measured import RUNS, tell_rates

INPUTS, ORDERS, TICK = 300_000, 20, 0.01
BID, ASK, LEVELS = 9_999, 10_001, 10
BEGIN_NS, STEP_NS, LATENCY_NS = 1_700_000_000_000_000_000, 1_000_000, 1_000
SEEN = EXCH_EVENT | LOCAL_EVENT
SIDES = (BUY_EVENT, SELL_EVENT)
MASK = 2**64 - 1


def draw(step, bound):
    """The draw of `bench_feed`."""
    mixed = (step * 0x9E37_79B9_7F4A_7C15) & MASK
    return (((mixed ^ (mixed >> 29)) * 0xBF58_476D_1CE4_E5B9) & MASK) % bound


def depth_at(step):
    for side, first, way in ((0, BID, -1), (1, ASK, 1)):
        for at in range(LEVELS):
            yield side, first + way * at, 1_000 + draw(step + at, 50)


def said(step):
    """Levels that an input shows; nothing for a print."""
    kind = draw(step, 20)
    if kind == 0:
        return tuple(depth_at(step))
    return () if kind <= 4 else ((0, BID, 1_000 + draw(step, 50)), (1, ASK, 1_000))


def events():
    rows, shown = [], {}
    for step in range(-1, INPUTS):
        now_ns = BEGIN_NS + (step + 1) * STEP_NS
        levels = tuple(depth_at(0)) if step < 0 else said(step)
        changed = [level for level in levels if shown.get(level[:2]) != level[2]]
        for side, price, size in changed:
            shown[side, price] = size
            flags = DEPTH_EVENT | SEEN | SIDES[side]
            rows.append((flags, now_ns, now_ns + LATENCY_NS, price * TICK, size, 0, 0, 0))
        if not levels:
            flags = TRADE_EVENT | SEEN | SELL_EVENT
            rows.append((flags, now_ns, now_ns + LATENCY_NS, BID * TICK, 1, 0, 0, 0))
    return np.array(rows, event_dtype)


def backtest(data):
    asset = (
        BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(1_000, 1_000)
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(TICK)
        .lot_size(1.0)
        .no_partial_fill_exchange()
        .risk_adverse_queue_model()
        .roi_lb(90.0)
        .roi_ub(110.0)
        .last_trades_capacity(0)
    )
    return ROIVectorMarketDepthBacktest([asset])


@numba.njit
def rest(h, count):
    h.elapse(10_000)
    for number in range(count):
        price = (9_995 - number % 20) * 0.01
        h.submit_buy_order(0, number + 1, price, 10.0, GTC, LIMIT, False)
    h.elapse(100_000)
    return len(h.orders(0))


@numba.njit
def play(h):
    return h.elapse(9_000_000_000_000_000)


def once(data):
    h = backtest(data)
    resting = rest(h, ORDERS)
    started = time.perf_counter()
    play(h)
    taken = time.perf_counter() - started
    depth, state = h.depth(0), h.state_values(0)
    totals = {"bid": round(float(depth.best_bid), 2), "ask": round(float(depth.best_ask), 2)}
    totals.update(resting=int(resting), fills=int(state.num_trades))
    assert totals == {"bid": 99.99, "ask": 100.01, "resting": ORDERS, "fills": 0}, totals
    h.close()
    return taken, totals


def main():
    data = events()
    once(data)
    runs = [once(data) for _ in range(RUNS)]
    for unit, count in (("inputs/s", INPUTS), ("events/s", len(data))):
        rates = [count / taken for taken, _ in runs]
        tell_rates(f"hftbacktest, {unit.split('/')[0]}", rates, unit, runs[-1][1])


if __name__ == "__main__":
    main()
