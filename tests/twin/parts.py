"""Parts of random commands: whose, of what, how much, at which price."""

from twin.amounts import format_decimal
from twin.ids import ORDER, make_id
from twin.stage import Stage
from twin.state import Account, Instrument, Order, World


class Parts(Stage):
    """Draws members of commands: sensible ones mostly, strangers and nonsense now and then."""

    def account(self, world: World) -> str:
        draw = self.random
        if draw.random() < 0.005:
            return draw.choice(["00000000-0000-4000-8000-0000000000ff", "me", ""])
        account: Account = draw.choice(world.accounts)
        return account.text if draw.random() > 0.01 else account.text.upper()

    def order_id(self, world: World) -> tuple[str, str]:
        """An order to change and the account that asks: mostly the owner of an open one."""
        draw = self.random
        if world.open and draw.random() < 0.85:
            order: Order = draw.choice(world.open)
            owner = order.account.text if draw.random() < 0.97 else self.account(world)
            return owner, make_id(world.name, ORDER, order.number)
        number = draw.randrange(max(1, world.next_order + 1))
        name = draw.choices([world.name, "another"], [30, 1])[0]
        known = world.orders.get(number)
        owner = known.account.text if known and draw.random() < 0.7 else self.account(world)
        return owner, make_id(name, ORDER, number)

    def symbol(self, world: World) -> Instrument:
        """An instrument, mostly one that trades."""
        draw, active = self.random, [one for one in world.instruments if one.status == "active"]
        return draw.choice(active if active and draw.random() < 0.95 else world.instruments)

    def name_of(self, instrument: Instrument) -> str:
        draw = self.random.random()
        if draw < 0.003:
            return "NOPE"
        return instrument.symbol.replace("/", "") if draw < 0.02 else instrument.symbol

    def price(self, instrument: Instrument, spread: int = 8) -> str:
        """A price near the middle, now and then off the grid or absurd."""
        draw = self.random
        scale = instrument.terms["price_scale"]
        middle = self.middles.get(instrument.symbol, 100)
        if draw.random() < 0.01:
            return draw.choice(["0", "-1", format_decimal(4 * 10**18, scale, 0), "1"])
        at = max(1, middle + draw.randint(-spread, spread)) * instrument.tick
        at += draw.random() < 0.004
        return format_decimal(at, scale, draw.choice([0, 2]))

    def qty(self, instrument: Instrument, most: int = 60) -> str:
        """A few lots, now and then very many, part of one, or nonsense."""
        draw = self.random
        scale = instrument.terms["qty_scale"]
        kind = draw.random()
        if kind < 0.01:
            return draw.choice(["0", "-1", format_decimal(4 * 10**18, scale, 0)])
        lots = draw.randint(100, 5_000) if kind < 0.06 else draw.randint(1, most)
        size = lots * instrument.lot + (kind > 0.995)
        return format_decimal(size, scale, 0)

    def request(self) -> dict[str, str]:
        """Perhaps a request id; few of them, so that some come twice."""
        draw = self.random
        return {} if draw.random() < 0.6 else {"request_id": f"request-{draw.randrange(400)}"}
