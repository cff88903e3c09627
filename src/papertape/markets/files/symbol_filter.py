"""Files that name a symbol on each row: keep one symbol, refuse a mixture nobody chose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from papertape.markets.files.layout import Layout
from papertape.markets.files.plain import Refuse


def keep_symbol(
    rows: Iterator[tuple[int, list[str]]], layout: Layout, symbol: str | None, refuse: Refuse
) -> Iterator[tuple[int, list[str]]]:
    """Pass on the rows of `symbol`; without one, all rows must name the same.

    A file that never names the chosen symbol is passed whole: then the symbol is a new name for it.
    """
    at = layout.position.get("symbol")
    if at is None:
        yield from rows
        return
    held = list(rows)
    named = {_named(fields, at) for _, fields in held}
    if symbol is None and len(named) > 1:
        line = next(line for line, fields in held if _named(fields, at) != _named(held[0][1], at))
        listed = ", ".join(sorted(named)[:5])
        raise refuse(line, f"several symbols in one file ({listed}); choose one with --symbol")
    wanted = _plain_name(symbol or "")
    if symbol is not None and len(named) > 1 and wanted not in {_plain_name(n) for n in named}:
        raise refuse(held[0][0], f"no row of symbol {symbol}; there are {', '.join(sorted(named))}")
    for line, fields in held:
        if len(named) == 1 or _plain_name(_named(fields, at)) == wanted:
            yield line, fields


def _named(fields: Sequence[str], at: int) -> str:
    return fields[at] if at < len(fields) else ""


def _plain_name(symbol: str) -> str:
    return symbol.upper().replace("/", "").replace("-", "")
