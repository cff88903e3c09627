"""Random commands about money: what margin accounts must know, what comes in and goes out."""

from typing import TYPE_CHECKING, Any

from twin.amounts import MONEY_SCALE, format_decimal
from twin.state import Account, Instrument, World

if TYPE_CHECKING:
    from twin.flow import Flow

Command = dict[str, Any]


def set_margin(flow: "Flow", world: World) -> Command:
    """Stricter rates, and what may be borrowed at which fee; some of it left out."""
    draw, instrument = flow.random, flow.symbol(world)
    short = [one for one in world.instruments if owed_of(world, one)]
    if short and draw.random() < 0.6:
        instrument = draw.choice(short)
    owed = owed_of(world, instrument)
    lots = owed // instrument.lot + draw.randint(0, 60)
    all_: Command = {
        "initial_rate": draw.choice(["0", "0.6", "1", "0.123456789"]),
        "maintenance_rate": draw.choice(["0", "0.35", "0.9", "1"]),
        "shortable": draw.random() < 0.7,
        "borrow_qty": format_decimal(lots * instrument.lot, instrument.terms["qty_scale"], 0),
        "borrow_rate": draw.choice(["0.003", "0.25", "100"]),
    }
    names = draw.sample(list(all_), draw.choice([0, 1, 2, 3, 5, 5]))
    named = {name: all_[name] for name in all_ if name in names}
    return {"kind": "set_margin", "symbol": flow.name_of(instrument), **named}


def owed_of(world: World, instrument: Instrument) -> int:
    """How much of an instrument all accounts together owe."""
    return sum(max(0, -account.position(instrument).qty) for account in world.accounts)


def pay(flow: "Flow", world: World) -> Command:
    """A deposit, a withdrawal or one side of a transfer; few transfer ids, so some come twice."""
    draw = flow.random
    account = draw.choice(world.accounts)
    kind = draw.choice(["deposit", "withdraw", "transfer_in", "transfer_out"])
    currency = draw.choice([None, None, account.currency, *world.currencies])
    command: Command = {
        "kind": kind,
        "account_id": account.text,
        "amount": amount(flow, account, currency or account.currency),
        "request_id": f"money-{draw.randrange(300)}",
    }
    if currency is not None:
        command["currency"] = currency
    if kind.startswith("transfer"):
        command["transfer_id"] = f"transfer-{draw.randrange(60)}"
        if draw.random() < 0.5:
            del command["request_id"]
    return command


def amount(flow: "Flow", account: Account, currency: str) -> str:
    """Mostly a part of what is free in a currency; now and then everything, or too much."""
    draw, free = flow.random, max(0, account.free_in(currency))
    sums = [free, free + 1, free // 2, free // 10, draw.randrange(10**9), 1]
    return format_decimal(draw.choice(sums), MONEY_SCALE, 0)


def reset(flow: "Flow", world: World) -> Command:
    """An account begins again."""
    draw = flow.random
    return {
        "kind": "reset",
        "account_id": flow.account(world),
        "starting_cash": draw.choice(["100000", "250000.5", "0", "1000000000000"]),
        "request_id": f"reset-{draw.randrange(100)}",
    }


def set_rate(flow: "Flow", world: World) -> Command:
    """A rate of exchange, near one or far from it."""
    draw = flow.random
    codes = draw.sample(["USD", "EUR", "GBP"], 2) if draw.random() < 0.97 else ["USD", "USD"]
    rates = ["1.0837", "0.92", "1.25", "0.000000001", "1000000", "3.000000001", "0"]
    rate = draw.choices(rates, [9, 9, 9, 0.2, 0.2, 3, 0.3])[0]
    return {"kind": "set_rate", "from": codes[0], "to": codes[1], "rate": rate}


def convert(flow: "Flow", world: World) -> Command:
    """Money of one currency becomes money of another."""
    draw, account = flow.random, flow.random.choice(world.accounts)
    codes = [draw.choice([account.currency, "USD", "EUR", "GBP"]) for _ in range(2)]
    return {
        "kind": "convert",
        "account_id": account.text,
        "from": codes[0],
        "to": codes[1],
        "amount": amount(flow, account, codes[0]),
        "request_id": f"money-{draw.randrange(300)}",
    }


def set_settlement(flow: "Flow", world: World) -> Command:
    """After how many trading days sells are settled."""
    draw = flow.random
    return {
        "kind": "set_settlement",
        "exchange": draw.choice(world.exchanges).id,
        "days": draw.choices([0, 1, 2, 10, 11], [2, 6, 3, 0.5, 0.1])[0],
    }


KINDS = {set_margin: 0.5, pay: 1.2, reset: 0.12, set_rate: 0.5, convert: 1.2, set_settlement: 0.25}
