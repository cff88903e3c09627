"""The scenario language as Python values: see README.md beside this file for its grammar.

It parses and nothing else; the Rust runner has its own parser for the same files, so a table that
only one of them understands is found at once.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok", "gtd", "opg", "cls")


@dataclass(frozen=True)
class Statement:
    """One line: what stands before the arrow, as text and as words, and the expectations."""

    line: int
    text: str
    words: list[str]
    expectations: list[list[str]]


@dataclass(frozen=True)
class Scenario:
    """A titled list of statements that share a fresh world."""

    file: str
    title: str
    statements: list[Statement] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def scenarios() -> list[Scenario]:
    """Every scenario of every table."""
    return [scenario for path in sorted(FOLDER.glob("*.txt")) for scenario in read_table(path)]


def read_table(path: Path) -> list[Scenario]:
    """The scenarios of a file, those with `each` once for every word."""
    blocks: list[tuple[str, list[tuple[int, str]]]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#")[0].strip()
        if text.startswith("scenario "):
            blocks.append((text.removeprefix("scenario ").strip(), []))
        elif text:
            blocks[-1][1].append((number, text))
    return [
        Scenario(path.stem, title, [read_statement(*line) for line in lines])
        for block in blocks
        for title, lines in unfolded(*block)
    ]


def unfolded(title: str, lines: list[tuple[int, str]]) -> list[tuple[str, list[tuple[int, str]]]]:
    """One scenario for every word of its first line `each {NAME} in A B ...`, repeatedly."""
    if not lines or not lines[0][1].startswith("each "):
        return [(title, lines)]
    _each, name, _in, *words = lines[0][1].split()
    return [
        scenario
        for word in words
        for scenario in unfolded(
            f"{title} ({word})", [(line, text.replace(name, word)) for line, text in lines[1:]]
        )
    ]


def read_statement(line: int, text: str) -> Statement:
    said, _, expected = text.partition("->")
    expectations = [part.split() for part in expected.split(",") if part.strip()]
    return Statement(line, said.strip(), said.split(), expectations)


def number(word: str) -> Decimal:
    return Decimal(word.replace("_", ""))


def plain(word: str) -> str:
    """A number as the wire takes it."""
    return word.replace("_", "")


def options(words: list[str]) -> dict[str, str]:
    """`name value name value` as a dictionary."""
    return dict(zip(words[::2], words[1::2], strict=True))


def members(word: str) -> dict[str, Any]:
    """`a=1,b=true,c.d=x` or a JSON object as fields; true and false are no text."""
    if word.startswith("{"):
        return dict(json.loads(word))
    found: dict[str, Any] = {}
    for part in word.split(","):
        path, _, value = part.partition("=")
        *outer, name = path.split(".")
        inside = found
        for step in outer:
            inside = inside.setdefault(step, {})
        inside[name] = {"true": True, "false": False}.get(value, plain_number(value))
    return found


def plain_number(word: str) -> str:
    """A number without its groups; any other word as it is."""
    return plain(word) if word[:1].isdigit() else word


def merged(fields: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Fields with others set into them, objects member by member."""
    result = dict(fields)
    for name, value in more.items():
        old = result.get(name)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[name] = merged(old, value) if both else value
    return result


def member(found: Any, path: str) -> Any:
    """What stands at a dotted path of an object; None where there is nothing."""
    for step in path.split("."):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        else:
            found = (found or {}).get(step)
    return found


def is_same(found: Any, wanted: str) -> bool:
    """Whether a value of the wire is what a table says: a number by value, else by its text."""
    if wanted == "null" or found is None:
        return found is None and wanted == "null"
    if isinstance(found, bool):
        return wanted == str(found).lower()
    try:
        return Decimal(str(found)) == number(wanted)
    except InvalidOperation:
        return str(found) == wanted


def levels(words: list[str]) -> dict[str, list[tuple[str, str]]]:
    """`bid P x Q ask P x Q ...` as the levels of each side, in order."""
    sides: dict[str, list[tuple[str, str]]] = {"bid": [], "ask": []}
    for at in range(0, len(words), 4):
        side, price, times, quantity = words[at : at + 4]
        assert times == "x", words
        sides[side].append((plain(price), plain(quantity)))
    return sides


def order_terms(words: list[str]) -> dict[str, Any]:
    """`market|limit P|stop P|stop P limit P|type:T [TIF] [with F=V,...] [as NAME]` as fields."""
    terms: dict[str, Any] = {"type": "market"}
    kind, more = "", {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("limit", "stop"):
            terms[f"{word}_price"] = plain(rest.pop(0))
        elif word in TIMES_IN_FORCE:
            terms["time_in_force"] = word
        elif word == "as":
            terms["name"] = rest.pop(0)
        elif word == "with":
            more = members(rest.pop(0))
        elif word.startswith("type:"):
            kind = word.removeprefix("type:")
        else:
            assert word == "market", words
    kinds = [word for word in ("stop", "limit") if f"{word}_price" in terms]
    terms["type"] = kind or "_".join(kinds) or "market"
    return terms | more
