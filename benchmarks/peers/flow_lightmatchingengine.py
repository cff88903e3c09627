"""lightmatchingengine: each operation of the flow with a Python call."""

from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side
from measured import flow, tell

CANCEL = 1


def main():
    operations = flow()[:200_000]
    sides = (Side.BUY, Side.SELL)

    def work():
        engine, ids, trades = LightMatchingEngine(), {}, 0
        for kind, number, side, price, quantity in operations:
            if kind == CANCEL:
                engine.cancel_order(ids[number], "S")
                continue
            # Price 0 is a market order for this engine.
            order, made = engine.add_order("S", float(price), quantity, sides[side])
            ids[number] = order.order_id
            trades += sum(trade.order_id != order.order_id for trade in made or ())
        return {"trades": trades}

    tell("lightmatchingengine", len(operations), work, "operations/s", runs=1)


if __name__ == "__main__":
    main()
