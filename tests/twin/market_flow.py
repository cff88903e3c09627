"""Random moves of the outside market: quotes, depth, prints, bars, house bots."""

from typing import Any

from twin.parts import Parts
from twin.state import Instrument, World


class MarketFlow(Parts):
    """Moves the market."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.bots = 0

    def quote(self, world: World) -> dict[str, Any]:
        draw, instrument = self.random, self.outside(world, "street")
        self.drift(instrument)
        command: dict[str, Any] = {"kind": "quote", "symbol": self.name_of(instrument)}
        bid, ask = self.price(instrument, 3), self.price(instrument, 3)
        if float(bid) > float(ask) and draw.random() < 0.9:
            bid, ask = ask, bid
        if draw.random() < 0.93:
            command |= {"bid": bid, "bid_size": self.qty(instrument, 30)}
        if draw.random() < 0.93:
            command |= {"ask": ask, "ask_size": self.qty(instrument, 30)}
        return command

    def drift(self, instrument: Instrument) -> None:
        """Prices wander."""
        draw, symbol = self.random, instrument.symbol
        if symbol in self.middles and draw.random() < 0.3:
            self.middles[symbol] = max(12, self.middles[symbol] + draw.randint(-4, 4))

    def depth(self, world: World) -> dict[str, Any]:
        instrument = self.outside(world, "street")

        def levels() -> list[list[str]]:
            count = self.random.randrange(5)
            return [[self.price(instrument, 5), self.qty(instrument, 20)] for _ in range(count)]

        name = self.name_of(instrument)
        return {"kind": "depth", "symbol": name, "bids": levels(), "asks": levels()}

    def trade(self, world: World) -> dict[str, Any]:
        draw, instrument = self.random, self.outside(world, "street")
        command = {
            "kind": "trade",
            "symbol": self.name_of(instrument),
            "price": self.price(instrument),
            "qty": self.qty(instrument),
        }
        if draw.random() < 0.5:
            command["side"] = draw.choice(["buy", "sell"])
        return command

    def bar(self, world: World) -> dict[str, Any]:
        draw, instrument = self.random, self.outside(world, "street")
        self.drift(instrument)
        prices = sorted((self.price(instrument) for _ in range(4)), key=float)
        if draw.random() < 0.02:
            draw.shuffle(prices)
        inner = prices[1:3]
        draw.shuffle(inner)
        command = {
            "kind": "bar",
            "symbol": self.name_of(instrument),
            "low": prices[0],
            "open": inner[0],
            "close": inner[1],
            "high": prices[3],
        }
        if draw.random() < 0.7:
            command["volume"] = self.qty(instrument, 300)
        return command

    def agent_order(self, world: World) -> dict[str, Any]:
        draw, instrument = self.random, self.outside(world, "agents")
        self.drift(instrument)
        self.bots += draw.random() > 0.03
        return {
            "kind": "agent_order",
            "symbol": self.name_of(instrument),
            "agent": draw.randrange(3),
            "id": self.bots,
            "side": draw.choice(["buy", "sell"]),
            "price": None if draw.random() < 0.1 else self.price(instrument, 5),
            "qty": self.qty(instrument, 20),
        }

    def agent_cancel(self, world: World) -> dict[str, Any]:
        instrument = self.outside(world, "agents")
        back = self.random.randrange(12)
        return {
            "kind": "agent_cancel",
            "symbol": self.name_of(instrument),
            "id": max(0, self.bots - back),
        }

    def outside(self, world: World, source: str) -> Instrument:
        """An instrument with this source, if there is one."""
        fitting = [one for one in world.instruments if one.terms["source"] == source]
        return self.random.choice(fitting or world.instruments)

    def market(self, world: World) -> dict[str, Any]:
        """A move of the outside market that fits the listed instruments."""
        draw, instrument = self.random, self.symbol(world)
        street = [self.quote, self.depth, self.trade, self.bar]
        bots = [self.agent_order, self.agent_cancel]
        if instrument.terms["source"] == "street":
            return draw.choices(street, [5, 2, 2, 2])[0](world)
        return draw.choices(bots, [8, 1])[0](world)

    def any_market(self, world: World) -> dict[str, Any]:
        """A move that may not fit."""
        moves = [self.quote, self.depth, self.trade, self.bar, self.agent_order, self.agent_cancel]
        return self.random.choice(moves)(world)
