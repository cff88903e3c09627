"""Answers on the terminal: tables for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

WIDTH_MAX = 10_000


def show_json(value: Any) -> None:
    """Structs, lists and dicts as indented JSON; amounts are text."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def show(table: "Table") -> None:
    """A table, as wide as it needs to be: an id that is cut or folded cannot be copied."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    unbounded = console.options.update(width=WIDTH_MAX)
    console.width = max(console.width, console.measure(table, options=unbounded).maximum)
    console.print(table)


def show_rows(rows: Iterable[Any], columns: Sequence[str], *, none: str) -> None:
    """A line for each of some structs, of these members; a sentence when there are none."""
    listed = list(rows)
    if not listed:
        typer.echo(none)
        return
    show(table_of([[getattr(row, name) for name in columns] for row in listed], columns))


def show_members(value: Any, leave_out: Iterable[str] = ()) -> None:
    """All members of a struct that say something."""
    import msgspec
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(no_wrap=True)
    for name, member in msgspec.structs.asdict(value).items():
        if member is not None and name not in leave_out:
            table.add_row(Text(name), Text(words(member)))
    show(table)


def table_of(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> "Table":
    """A table; columns of amounts stand at the right."""
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        amounts = any(isinstance(row[index], Decimal | int | float) for row in listed)
        table.add_column(
            name.replace("_", " "), justify="right" if amounts else "left", no_wrap=True
        )
    for row in listed:
        table.add_row(*(Text(words(value)) for value in row))
    return table


def words(value: Any) -> str:
    """One value for people."""
    import msgspec

    match value:
        case None:
            return "-"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case list():
            return ", ".join(map(words, value)) or "-"
        case msgspec.Struct() | dict():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)
