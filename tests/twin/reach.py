"""What a random flow has reached: the orders that were sent, by what they are and when."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twin.commands import READERS
from twin.fields import parse
from twin.sessions import phase
from twin.state import Refused, World

DECIDED = ("accepted", "rejected")
LISTED = Path(__file__).with_name("reach.txt")
"""What the 50,000 commands of `make test` must reach."""
OFTEN = 0.4
"""What so large a share of the seeds has reached is reached again when the flow draws otherwise."""
HEAD = """# What the 50,000 random commands of `make test` must reach: events, reasons, commands with their
# outcomes, and orders by type, time in force, part of the day and kind of account: what four of ten
# seeds of 2,000 commands reach. When the flow was changed on purpose:
# python -m twin.soak 20000 --seed 1 --reach tests/twin/reach.txt
"""  # noqa: E501


def words_of(world: World, event: dict[str, Any]) -> Iterator[str]:
    """The words under which an event counts, besides its own name."""
    if event["e"] not in DECIDED:
        return
    account = next(one for one in world.accounts if one.text == event["account"])
    instrument = world.find_instrument(event["symbol"])
    when, kind, force = phase(world, instrument), event["type"], event["time_in_force"]
    yield f"{event['e']}: {kind} {force}"
    yield f"{event['e']}: {kind} {account.kind}"
    yield f"{event['e']}: {force} in {when}"
    yield f"sent: {kind} {force} in {when} by {account.kind}"
    yield f"sent: {instrument.terms['asset_class']} by {account.kind}"


def kind_of(command: bytes) -> str:
    """The kind of a command, when it is one."""
    try:
        kind = parse(command)["kind"]
    except (Refused, KeyError, TypeError):
        return "nonsense"
    return kind if type(kind) is str and kind in READERS else "nonsense"


def write(path: Path, reached: Counter[str], seeds: int) -> None:
    """Writes down what was reached often; `reached` counts the seeds that came there."""
    often = sorted(word for word, count in reached.items() if count >= OFTEN * seeds)
    path.write_text(HEAD + "\n".join(often) + "\n")


def listed() -> list[str]:
    """What must be reached."""
    return [line for line in LISTED.read_text().splitlines() if not line.startswith("#")]
