"""Parquet market files: every column is read as the shortest text of its values, then as decimals.

A float column holds what somebody's program computed; its shortest text is what was meant
(39432.48, not 39432.480000000003), and from there on everything is exact.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from papertape.markets.files.columns import DoubtError, Text, read_columns
from papertape.markets.files.layout import Layout, LayoutError, find_layout
from papertape.markets.files.market_file import BrokenFile
from papertape.markets.files.plain import Scaled, read_rows
from papertape.markets.files.symbol_filter import keep_symbol

MAGIC = b"PAR1"


def read_parquet(path: Path, raw: bytes, symbol: str | None) -> tuple[Layout, dict[str, Scaled]]:
    """Read the bytes of a Parquet file; raises `BrokenFile` with the row for a line."""
    table = _table(path, raw)
    try:
        layout = find_layout(table.column_names or [""])
    except LayoutError as error:
        raise BrokenFile(path, None, str(error)) from None
    if table.num_rows == 0:
        raise BrokenFile(path, None, "the file has no rows")
    columns = {name: _as_text(table.column(at)) for name, at in layout.position.items()}
    try:
        if "symbol" in columns and len(columns["symbol"].unique()) > 1:
            raise DoubtError
        return layout, read_columns(columns, layout)
    except DoubtError:
        return layout, _read_plain(path, columns, layout, symbol)


def _table(path: Path, raw: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not (raw.startswith(MAGIC) and raw.endswith(MAGIC)):
        raise BrokenFile(path, None, "not a Parquet file, or one that was cut")
    try:
        return pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BrokenFile(path, None, f"damaged Parquet data ({reason})") from None


def _as_text(column: Any) -> Text:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks()
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    if pa.types.is_timestamp(whole.type) or pa.types.is_date(whole.type):
        nanoseconds = whole.cast(pa.timestamp("ns", getattr(whole.type, "tz", None)))
        return pc.fill_null(pc.strftime(nanoseconds, "%Y-%m-%dT%H:%M:%S"), "")
    return pc.fill_null(whole.cast(pa.string()), "")


def _read_plain(
    path: Path, columns: dict[str, Text], layout: Layout, symbol: str | None
) -> dict[str, Scaled]:
    """Give the plain reader the known columns only; it counts rows from 1."""
    names = list(columns)
    known = Layout(layout.kind, {name: at for at, name in enumerate(names)}, len(names), True)

    def refuse(row: int, reason: str) -> BrokenFile:
        return BrokenFile(path, row, reason, unit="row")

    def rows() -> Iterator[tuple[int, list[str]]]:
        lists = [columns[name].to_pylist() for name in names]
        for row, fields in enumerate(zip(*lists, strict=True), start=1):
            yield row, list(fields)

    return read_rows(keep_symbol(rows(), known, symbol, refuse), known, refuse)
