"""Golden tapes: what an engine of the past wrote, and what it made of it.

A file, compressed or not, holds scenarios one after the other: a line with the title, a line for
each turn `[seq, time_ns, market_seq, body]`, and a line with what stood at the end (read models by
column names, the layout of the state and its hash).
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from papertape.engine import World
from papertape.storage.tables import APPENDED, UPSERTED

FOLDER = Path(__file__).parent
SUMS = "SHA256SUMS"
KINDS = FOLDER / "kinds.txt"
WORLD = "main"
WORD = re.compile(r"[a-z]+(_[a-z]+)*$")
# Members that users and operators name as they like.
NAMES = (".owner", ".request", ".client_order_id", ".name", ".calendar", ".id", ".transfer")
Turn = tuple[int, int, int, str]
Tables = dict[str, list[dict[str, Any]]]


@dataclass
class Tape:
    """One scenario: its turns, and what stood at the end (nothing while it is being recorded)."""

    title: str
    turns: list[Turn] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)


def read(path: Path) -> Iterator[Tape]:
    """The scenarios of a file."""
    tape: Tape | None = None
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    for line in text.splitlines():
        value = json.loads(line)
        if isinstance(value, list):
            tape.turns.append(tuple(value))
        elif "scenario" in value:
            if tape:
                yield tape
            tape = Tape(value["scenario"])
        else:
            tape.end = value
    if tape:
        yield tape


def golden() -> list[Path]:
    """The files of every version."""
    return sorted(FOLDER.glob("*/*.jsonl*"))


def events(tape: Tape) -> Iterator[dict[str, Any]]:
    """The events of a tape, with the version and kind of their turn's body left aside."""
    for *_, body in tape.turns:
        yield from json.loads(body)["events"]


def kinds(tape: Tape) -> set[str]:
    """The kinds of events in a tape."""
    return {event["e"] for event in events(tape)}


def features(tape: Tape) -> set[str]:
    """What a tape shows: every member of every kind of event, and every word that it has."""
    found: set[str] = set()
    for event in events(tape):
        note(event["e"], event, found)
    return found


def note(path: str, value: Any, found: set[str]) -> None:
    """Adds the paths and words of a value; what users call things is no word."""
    found.add(path)
    if isinstance(value, dict):
        for key, member in value.items():
            note(f"{path}.{key}", member, found)
    elif isinstance(value, list):
        for member in value:
            note(f"{path}[]", member, found)
    elif isinstance(value, str) and WORD.match(value) and not path.endswith(NAMES):
        found.add(f"{path}={value}")


def replay(turns: list[Turn]) -> dict[str, Any]:
    """What the present engine makes of the turns."""
    world, tables = World(WORLD), dict[str, dict[Any, dict[str, Any]]]()
    for turn in turns:
        rows = world.evolve([turn])
        for table in (*UPSERTED, *APPENDED):
            columns = [column.name for column in table.columns][1:]
            keys = [column.name for column in table.primary_key.columns][1:]
            for values in getattr(rows, table.name):
                row = dict(zip(columns, values, strict=True))
                tables.setdefault(table.name, {})[tuple(row[key] for key in keys)] = row
    return {
        "layout": layout(world),
        "state_hash": world.state_hash(),
        "tables": {name: list(rows.values()) for name, rows in sorted(tables.items())},
    }


def layout(world: World) -> int:
    """The version of the state's layout, which stands behind the eight bytes of the name."""
    return int.from_bytes(world.snapshot()[8:12], "little")


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What the present engine makes otherwise; columns and members that are new do not count."""
    found = []
    if then["layout"] == now["layout"] and then["state_hash"] != now["state_hash"]:
        found.append("the hash of the state differs")
    for name, rows in then["tables"].items():
        today = now["tables"].get(name, [])
        if len(rows) != len(today):
            found.append(f"{name} has {len(today)} rows, it had {len(rows)}")
        pairs = zip(rows, today, strict=False)
        found += [f"{name}: {old} is now {new}" for old, new in pairs if not contains(new, old)]
    return found


def contains(new: Any, old: Any) -> bool:
    """Whether a value still says what it said: texts of JSON objects may have grown."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and contains(new[key], value) for key, value in old.items())
    if isinstance(old, str) and isinstance(new, str) and (old == "" or old.startswith("{")):
        return old == new or (
            new.startswith("{") and contains(json.loads(new), json.loads(old or "{}"))
        )
    return old == new


def sums(folder: Path) -> str:
    """The checksums of a version's files."""
    files = sorted(folder.glob("*.jsonl*"))
    return "".join(f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in files)
