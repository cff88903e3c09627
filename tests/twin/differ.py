"""Holds the twin against the compiled core, step by step, and shrinks what differs."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from papertape.engine import TapeError
from papertape.engine import World as Core
from twin import profile
from twin.flow import Flow, Step
from twin.reach import kind_of, words_of
from twin.stage import WORLD
from twin.world import STATE_HASH, Twin

RARE = ("lots", "realized_here", "settles", "here", "delivered")
"""Members of events that are worth a word of their own."""
MOVED = ("slippage", "impact", "ahead", "report_ns")
"""Members of receipts that tell what a fill profile did."""


@dataclass
class Difference(Exception):  # noqa: N818 - it is the finding, not a fault
    """Where twin and core part."""

    what: str
    twin: Any
    core: Any
    steps: list[Step] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"twin and core differ in {self.what}", f"  twin: {self.twin}"]
        lines += [f"  core: {self.core}", f"after {len(self.steps)} steps:"]
        lines += [
            f"  {step.restart or step.time_ns} {step.command.decode(errors='replace')}"
            for step in self.steps
        ]
        return "\n".join(lines)


class Pair:
    """The twin and the core, doing the same."""

    def __init__(self) -> None:
        self.twin, self.core = Twin(WORLD), Core(WORLD)
        self.turns: list[tuple[int, int, int, str]] = []
        self.kept: tuple[bytes | None, int] = None, 0
        """The last snapshot that was kept, and how many turns there were by then."""
        self.words: Counter[str] = Counter()

    def play(self, step: Step) -> None:
        """Lets both do a step; raises the difference."""
        if step.restart:
            self.restart(step.restart)
            return
        outcome = self.core.apply([(step.time_ns, step.command)])
        reply, turn = self.twin.apply(step.time_ns, step.command)
        self.turns += outcome.turns
        self.count_receipts(outcome.turns)
        same("the turn", one_turn(turn), one_turn(*outcome.turns))
        same("the reply", reply, plain_reply(outcome.replies[0]))
        same("more_due", self.twin.more_due, outcome.more_due)
        same("the prints", self.twin.world.prints, outcome.prints)
        self.count(reply, turn)
        self.words[f"{kind_of(step.command)}: {'done' if reply is None else reply[0]}"] += 1

    def count_receipts(self, turns: list[tuple[int, int, int, str]]) -> None:
        """Counts by which rules of the fill profile the core filled."""
        for turn in turns:
            for event in json.loads(turn[3])["events"]:
                for name, value in event.get("receipt", {}).items():
                    if name == "how":
                        self.words[f"filled {value}"] += 1
                    elif name in MOVED:
                        self.words[f"filled {name}"] += 1
                if event["e"] == "filled":
                    self.count_profile(event["symbol"])

    def count_profile(self, symbol: str) -> None:
        """Counts the rules that were in force for a fill."""
        instrument = self.twin.world.find_instrument(symbol)
        for name in profile.WORDS if instrument else ():
            self.words[f"filled by {name} {instrument.profile[name]}"] += 1

    def count(self, reply: Any, turn: Any) -> None:
        """Counts what the flow has reached."""
        if reply is not None:
            self.words[reply[0]] += 1
        for event in self.twin.world.events if turn else ():
            self.words[event["e"]] += 1
            for name in ("reason", "work", "what"):
                if name in event:
                    self.words[f"{event['e']} {event[name]}"] += 1
            self.words.update(words_of(self.twin.world, event))
            told = event | event.get("effects", {})
            for rare in RARE:
                self.words[f"{event['e']} {rare}"] += rare in told

    def restart(self, how: str) -> None:
        """Both stop and start again; the core from a snapshot, its tape, or both."""
        self.words[f"restart: {how}"] += 1
        if how == "keep":
            self.kept = self.core.snapshot(), len(self.turns)
            return
        before = self.core.state_hash()
        if how == "snapshot":
            self.core = Core.restore(self.core.snapshot())
        else:
            self.core = self.rebuilt(*(self.kept if how == "tail" else ()))
        same("the state after a restart", before, self.core.state_hash())
        self.twin.restart()

    def rebuilt(self, snapshot: bytes | None = None, after: int = 0) -> Core:
        """A core that has read the tape, from its begin or from a snapshot on."""
        core = Core(WORLD) if snapshot is None else Core.restore(snapshot)
        try:
            core.evolve(self.turns[after:])
        except TapeError as error:
            raise Difference("what the tape can say", "it reads back", str(error)) from error
        return core

    def finish(self) -> None:
        """The tape rebuilds the very state."""
        same(
            "the state that the tape rebuilds", self.core.state_hash(), self.rebuilt().state_hash()
        )


def same(what: str, twin: Any, core: Any) -> None:
    """Raises what differs."""
    if twin != core:
        raise Difference(what, twin, core)


def one_turn(turn: Any = None, *more: Any) -> Any:
    """A turn without the hash that only the core can know."""
    if turn is None or more:
        return [turn, *more] if more else None
    body = json.loads(turn[3])
    for event in body["events"]:
        if event["e"] == "checkpoint":
            event["state_hash"] = STATE_HASH
            event.pop("layout", None)
    # The keys stand in the order of the tape, so the text shows it.
    return (*turn[:3], json.dumps(body, separators=(",", ":"), ensure_ascii=False))


def plain_reply(reply: tuple[str, bytes] | None) -> Any:
    """A reply as parsed JSON without the sentences for people."""
    return None if reply is None else (reply[0], without_sentences(json.loads(reply[1])))


def without_sentences(value: Any) -> Any:
    """A value without the members called `detail`."""
    if isinstance(value, dict):
        return {key: without_sentences(one) for key, one in value.items() if key != "detail"}
    return [without_sentences(one) for one in value] if isinstance(value, list) else value


def run(seed: int, count: int) -> Counter[str]:
    """Plays a flow; raises the first difference with all steps up to it."""
    flow, pair, steps = Flow(seed), Pair(), list[Step]()
    try:
        for _ in range(count):
            steps.append(flow.next(pair.twin.world))
            pair.play(steps[-1])
        pair.finish()
    except Difference as difference:
        difference.steps = steps
        raise
    return pair.words


def replay(steps: list[Step]) -> Difference | None:
    """The first difference of these steps."""
    pair, played = Pair(), 0
    try:
        for step in steps:
            played += 1
            pair.play(step)
        pair.finish()
    except Difference as difference:
        difference.steps = steps[:played]
        return difference
    return None


def shrink(found: Difference, seconds: float = 60) -> Difference:
    """Leaves out steps as long as something still differs: halves first, single ones last."""
    deadline = time.monotonic() + seconds
    size = max(1, len(found.steps) // 2)
    while time.monotonic() < deadline:
        at, before = 0, len(found.steps)
        while at < len(found.steps) and time.monotonic() < deadline:
            less = found.steps[:at] + found.steps[at + size :]
            smaller = replay(less)
            if smaller is None:
                at += size
            else:
                found = smaller
        if size == 1 and len(found.steps) == before:
            break
        size = max(1, size // 2)
    return found
