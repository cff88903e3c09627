"""The scenario language as Python values: see README.md beside this file for its grammar.

It parses and nothing else; the Rust runner has its own parser for the same files, so a table that
only one of them understands is found at once.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

FOLDER = Path(__file__).parent
TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok")


@dataclass(frozen=True)
class Statement:
    """One line: its words before the arrow, and the expectations behind it, split into words."""

    line: int
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
    found: list[Scenario] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#")[0].strip()
        if text.startswith("scenario "):
            found.append(Scenario(path.stem, text.removeprefix("scenario ").strip()))
        elif text:
            found[-1].statements.append(read_statement(number, text))
    return found


def read_statement(line: int, text: str) -> Statement:
    said, _, expected = text.partition("->")
    expectations = [part.split() for part in expected.split(",") if part.strip()]
    return Statement(line, said.split(), expectations)


def number(word: str) -> Decimal:
    return Decimal(word.replace("_", ""))


def plain(word: str) -> str:
    """A number as the wire takes it."""
    return word.replace("_", "")


def options(words: list[str]) -> dict[str, str]:
    """`name value name value` as a dictionary."""
    return dict(zip(words[::2], words[1::2], strict=True))


def levels(words: list[str]) -> dict[str, list[tuple[str, str]]]:
    """`bid P x Q ask P x Q ...` as the levels of each side, in order."""
    sides: dict[str, list[tuple[str, str]]] = {"bid": [], "ask": []}
    for at in range(0, len(words), 4):
        side, price, times, quantity = words[at : at + 4]
        assert times == "x", words
        sides[side].append((plain(price), plain(quantity)))
    return sides


def order_terms(words: list[str]) -> dict[str, str]:
    """`market|limit P|stop P|stop P limit P [TIF] [as NAME]` as fields of an order."""
    terms: dict[str, str] = {"type": "market"}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("limit", "stop"):
            terms[f"{word}_price"] = plain(rest.pop(0))
        elif word in TIMES_IN_FORCE:
            terms["time_in_force"] = word
        elif word == "as":
            terms["name"] = rest.pop(0)
        else:
            assert word == "market", words
    kinds = [word for word in ("stop", "limit") if f"{word}_price" in terms]
    terms["type"] = "_".join(kinds) or "market"
    return terms
