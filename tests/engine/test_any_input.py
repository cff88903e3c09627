"""Whatever is thrown at a world: it answers, and its tape rebuilds the same state and rows."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.worlds import ALICE, BOB, Driver, command, listing, order, quote, upsert
from papertape.engine import World

NUMBERS = st.sampled_from(
    ["1", "5", "10", "100", "9.99", "10.00", "10.01", "10.5", "0", "-1", "1e9", "NaN", "", "9" * 30]
) | st.integers(-5, 10**18).map(str)
KINDS = ["submit", "preview", "cancel", "replace", "cancel_all", "value", "book", "quote", "depth"]
FIELDS = {
    "kind": st.sampled_from([*KINDS, "trade", "bar", "time", "session", "checkpoint", "fly"]),
    "account_id": st.sampled_from([ALICE, BOB, "nobody", ""]),
    "symbol": st.sampled_from(["ACME", "NOPE", ""]),
    "side": st.sampled_from(["buy", "sell", "hold"]),
    "type": st.sampled_from(["market", "limit", "stop", "stop_limit", "fly"]),
    "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok", "now"]),
    "client_order_id": st.text(max_size=4),
    "order_id": st.uuids().map(str) | st.text(max_size=3),
    **dict.fromkeys(["qty", "limit_price", "stop_price", "price", "bid", "ask"], NUMBERS),
    **dict.fromkeys(["open", "high", "low", "close", "volume", "bid_size"], NUMBERS),
    "depth": st.integers(-1, 2_000),
    "bids": st.lists(st.lists(NUMBERS, max_size=3), max_size=3),
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
COMMANDS = (
    st.binary(max_size=60)
    | st.fixed_dictionaries({}, optional=FIELDS).map(lambda fields: json.dumps(fields).encode())
    | st.fixed_dictionaries(
        {"kind": FIELDS["kind"]}, optional=dict.fromkeys(list(FIELDS)[1:], ANY_JSON)
    ).map(lambda fields: json.dumps(fields).encode())
)


def start() -> Driver:
    driver = Driver(World("main"))
    driver.send(*listing())
    driver.send(quote())
    return driver


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMANDS, max_size=20))
def test_anything_is_answered_and_nothing_raises(commands: list[bytes]) -> None:
    driver = start()
    outcome = driver.send(*commands)
    assert len(outcome.replies) == len(commands)
    for reply in outcome.replies:
        assert reply is None or isinstance(json.loads(reply[1]), dict)
    assert driver.world.seq == len(driver.turns)


PRICES = st.integers(990, 1010).map(lambda cents: f"{cents / 100:.2f}")


@st.composite
def sensible(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A command that may well succeed; `nth` names one of the orders sent so far."""
    kind = draw(st.sampled_from(["submit"] * 5 + ["cancel", "replace", "quote", "time", "all"]))
    fields: dict[str, Any] = {"account_id": draw(st.sampled_from([ALICE, BOB]))}
    if kind == "submit":
        fields["side"] = draw(st.sampled_from(["buy", "sell"]))
        fields["type"] = draw(st.sampled_from(["market", "limit", "stop", "stop_limit"]))
        fields["qty"] = str(draw(st.integers(1, 300)))
        fields["time_in_force"] = draw(st.sampled_from(["day", "gtc", "ioc", "fok"]))
        if "limit" in fields["type"]:
            fields["limit_price"] = draw(PRICES)
        if "stop" in fields["type"]:
            fields["stop_price"] = draw(PRICES)
    elif kind in {"cancel", "replace"}:
        fields["nth"] = draw(st.integers(0, 30))
        if kind == "replace":
            fields["qty"] = str(draw(st.integers(1, 300)))
    elif kind == "quote":
        middle = draw(st.integers(992, 1008))
        fields |= {"bid": f"{(middle - 1) / 100:.2f}", "ask": f"{(middle + 1) / 100:.2f}"}
    return kind, fields


def as_command(kind: str, fields: dict[str, Any], orders: list[str], number: int) -> bytes:
    if kind == "submit":
        return order(f"o{number}", **fields)
    if kind == "quote":
        return quote(fields["bid"], fields["ask"])
    if kind == "all":
        return command("cancel_all", account_id=fields["account_id"])
    if kind in {"cancel", "replace"} and orders:
        nth = orders[fields.pop("nth") % len(orders)]
        return command(kind, **fields, order_id=nth)
    return command("time")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(sensible(), max_size=40), st.integers(1, 50))
def test_the_tape_rebuilds_every_cell(
    commands: list[tuple[str, dict[str, Any]]], group: int
) -> None:
    driver, orders = start(), list[str]()
    for number, (kind, fields) in enumerate(commands):
        outcome = driver.send(as_command(kind, dict(fields), orders, number), command("time"))
        orders += [row[0] for row in outcome.rows.orders if row[0] not in orders]
    twin, tables = World("main"), dict[str, dict[Any, tuple[Any, ...]]]()
    for begin in range(0, len(driver.turns), group):
        upsert(tables, twin.evolve(driver.turns[begin : begin + group]))
    assert twin.state_hash() == driver.world.state_hash()
    assert tables == driver.rows
    restored = World.restore(driver.world.snapshot())
    assert restored.state_hash() == driver.world.state_hash()
