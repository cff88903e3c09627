"""Commands that are under way: when they arrive, and what is remembered of them meanwhile."""

from typing import Any

from twin import chance, profile
from twin.requests import remember
from twin.state import Account, Delayed, Instrument, World


def latency(drawn: int, terms: dict[str, Any]) -> int:
    """How long a message is under way, for these bits."""
    mean, model = terms["mean_ns"], terms["model"]
    if model == "none":
        return 0
    time_ns = mean
    if model == "normal":
        moved = terms["deviation_ns"] * chance.normal(drawn)
        time_ns += abs(moved) // chance.ONE * (-1 if moved < 0 else 1)
    elif model == "log_normal":
        time_ns = mean * chance.log_normal(drawn, terms["sigma"]) // chance.ONE
    return max(terms["least_ns"], min(terms["most_ns"], time_ns))


def arrival_of(
    world: World, account: Account, instrument: Instrument | None, order: int
) -> int | None:
    """When a command about an order arrives; nothing when nothing keeps it.

    Commands of one account never overtake each other.
    """
    took = 0
    if instrument is not None and profile.has_rules(instrument.profile):
        drawn = chance.bits(world.created["seed"], order, "command_latency", world.sent)
        took = latency(drawn, instrument.profile["command_latency"])
    under_way = [one.arrives_ns for one in world.under_way if one.account is account]
    arrives_ns = max([world.now_ns + took, *under_way])
    return arrives_ns if arrives_ns > world.now_ns else None


def receive(world: World, delayed: Delayed, request: str | None = None, digest: int = 0) -> None:
    """Notes a command that is under way; its number is the next of all."""
    delayed.number = world.sent
    world.sent += 1
    world.under_way.append(delayed)
    asked: dict[str, Any] = {}
    if request is not None:
        remember(world, delayed.account, request, digest, delayed.order)
        asked = {"request": request, "digest": f"{digest:016x}"}
    world.emit(
        "received",
        arrives_ns=delayed.arrives_ns,
        number=delayed.number,
        account=delayed.account.text,
        **delayed.on_tape,
        **asked,
    )
