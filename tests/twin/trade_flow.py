"""Random trades that are recorded, busted and corrected, mostly fills that were a while ago."""

from typing import TYPE_CHECKING, Any

from twin.amounts import MONEY_SCALE, format_decimal
from twin.ids import FILL, make_id
from twin.state import Account, Instrument, World

if TYPE_CHECKING:
    from twin.flow import Flow

Command = dict[str, Any]
REMEMBERED = 80


def listen(flow: "Flow", world: World) -> None:
    """Notes the fills of the last turn, so that some of them can be taken back."""
    flow.fills += [event for event in world.events if event["e"] == "filled"]
    del flow.fills[:-REMEMBERED]


def money(amount: int) -> str:
    """An amount as decimal text."""
    return format_decimal(amount, MONEY_SCALE, 0)


def record(flow: "Flow", world: World) -> Command:
    """A trade that was made elsewhere."""
    account, instrument = flow.random.choice(world.accounts), flow.symbol(world)
    return {"kind": "record_trade", **request(flow)} | trade(flow, account, instrument)


def named_lots(
    flow: "Flow", world: World, account: Account, instrument: Instrument
) -> dict[str, list[str]]:
    """Lots that an order closes, mostly of an account that may name them."""
    draw, lots = flow.random, account.lots.get(instrument.index, [])
    if draw.random() > (0.4 if account.cost_method == "specific" else 0.01):
        return {}
    named = [lot.id for lot in draw.sample(lots, min(len(lots), draw.randint(0, 3)))]
    if draw.random() < 0.05:
        named.append(draw.randrange(world.next_fill + 1))
    return {"lot_ids": [make_id(world.name, FILL, number) for number in named]}


def request(flow: "Flow") -> Command:
    """Few request ids, so that some come twice."""
    return {"request_id": f"trade-{flow.random.randrange(2_000)}"}


def trade(flow: "Flow", account: Account, instrument: Instrument) -> Command:
    """What was traded, mostly what the account can carry."""
    draw = flow.random
    side = draw.choice(["buy", "sell"])
    terms: Command = {
        "account_id": account.text,
        "symbol": flow.name_of(instrument),
        "side": side,
        "qty": flow.order_qty(account, instrument, side),
        "price": flow.price(instrument),
    }
    if draw.random() < 0.5:
        terms["fee"] = draw.choice(["0", "1", "0.123456", "-1"])
    return terms


def bust(flow: "Flow", world: World) -> Command:
    """A fill is taken back, as its row says; now and then the figures are wrong."""
    draw = flow.random
    if not flow.fills:
        return record(flow, world)
    row = draw.choice(flow.fills[-10:] if draw.random() < 0.6 else flow.fills)
    instrument = world.find_instrument(row["symbol"])
    command = {
        "kind": "bust_trade",
        "account_id": row["account"],
        "symbol": row["symbol"],
        "fill_id": row["fill"],
        "side": row["side"],
        "qty": instrument.qty_text(row["qty"]),
        "notional": money(row["notional"]),
        "fee": money(row["fee"]),
        "realized_pl": money(row["realized_pl"]),
        **request(flow),
    }
    if draw.random() < 0.05:
        command |= wrong_figures(flow, world, row)
    return command


def wrong_figures(flow: "Flow", world: World, row: Command) -> Command:
    """A figure that no row says, or a fill that never was."""
    other = flow.random.choice([0, world.next_fill, world.next_fill + 1])
    wrong = [
        {"realized_pl": money(row["notional"])},
        {"realized_pl": money(-row["notional"] - 1)},
        {"notional": "0"},
        {"fee": "-1"},
        {"qty": "1"},
        {"fill_id": make_id(world.name, FILL, other)},
    ]
    return flow.random.choice(wrong)


def correct(flow: "Flow", world: World) -> Command:
    """A fill is taken back, and what it should have been is recorded."""
    command = bust(flow, world)
    if command["kind"] != "bust_trade":
        return command
    draw, instrument = flow.random, world.find_instrument(command["symbol"])
    account = next((one for one in world.accounts if one.text == command["account_id"]), None)
    qty = command["qty"]
    if account and draw.random() < 0.5:
        qty = flow.order_qty(account, instrument, command["side"])
    new = {"new_qty": qty, "new_price": flow.price(instrument), "new_fee": draw.choice(["0", "2"])}
    if draw.random() < 0.3:
        new["new_side"] = draw.choice(["buy", "sell"])
    if draw.random() < 0.3:
        new["new_symbol"] = draw.choice(world.instruments).symbol
    return command | {"kind": "correct_trade"} | new


KINDS = {record: 0.5, bust: 0.9, correct: 0.6}
