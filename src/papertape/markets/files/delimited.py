"""Comma-separated market files, plain or gzipped: bytes to scaled columns."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from papertape.markets.files.columns import DoubtError, Text, read_columns
from papertape.markets.files.layout import Layout, LayoutError, find_layout
from papertape.markets.files.market_file import BrokenFile
from papertape.markets.files.plain import Scaled, read_rows
from papertape.markets.files.symbol_filter import keep_symbol

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_delimited(path: Path, raw: bytes, symbol: str | None) -> tuple[Layout, dict[str, Scaled]]:
    """Read the bytes of a `.csv` or `.csv.gz` file; raises `BrokenFile`."""
    data = _unzipped(path, raw).removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        raise BrokenFile(path, 1, "the file is empty")
    layout = _layout(path, data)
    try:
        return layout, _read_fast(data, layout, symbol)
    except DoubtError:
        return layout, _read_plain(path, data, layout, symbol)


def _unzipped(path: Path, raw: bytes) -> bytes:
    if path.suffix.lower() != ".gz" and not raw.startswith(GZIP_MAGIC):
        return raw
    if not raw.startswith(GZIP_MAGIC):
        raise BrokenFile(path, 1, "not a gzip file")
    unzip = zlib.decompressobj(wbits=31)
    pieces: list[bytes] = []
    lines = 0
    for start in range(0, len(raw), 1 << 16):
        try:
            pieces.append(unzip.decompress(raw[start : start + (1 << 16)]))
        except zlib.error as error:
            raise BrokenFile(path, lines + 1, f"damaged gzip data ({error})") from None
        lines += pieces[-1].count(b"\n")
    if not unzip.eof:
        raise BrokenFile(path, lines + 1, "the gzip data ends early; the file was cut")
    if unzip.unused_data.strip(b"\0"):
        raise BrokenFile(path, lines + 1, "there is other data behind the gzip data")
    return b"".join(pieces)


def _layout(path: Path, data: bytes) -> Layout:
    first_line = data[: data.find(b"\n")] if b"\n" in data else data
    try:
        first_row = next(csv.reader([first_line.decode()]), [""])
        return find_layout(first_row or [""])
    except UnicodeDecodeError as error:
        raise BrokenFile(path, 1, f"not UTF-8 text (byte {error.start + 1})") from None
    except csv.Error as error:
        raise BrokenFile(path, 1, f"unreadable line ({error})") from None
    except LayoutError as error:
        raise BrokenFile(path, 1, str(error)) from None


def _read_fast(data: bytes, layout: Layout, symbol: str | None) -> dict[str, Scaled]:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    lone_returns = data.count(b"\r") - data.count(b"\r\n")
    if lone_returns or b"\0" in data or b'"' in data:
        raise DoubtError
    names = [f"column {at}" for at in range(layout.width)]
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=1 if layout.has_header else 0
            ),
            parse_options=arrow_csv.ParseOptions(quote_char=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        raise DoubtError from error
    columns: dict[str, Text] = {
        name: table.column(at).combine_chunks() for name, at in layout.position.items()
    }
    if "symbol" in columns and (symbol or len(columns["symbol"].unique()) > 1):
        raise DoubtError
    return read_columns(columns, layout)


def _read_plain(path: Path, data: bytes, layout: Layout, symbol: str | None) -> dict[str, Scaled]:
    def refuse(line: int, reason: str) -> BrokenFile:
        return BrokenFile(path, line, reason)

    rows = keep_symbol(_rows(path, data, layout), layout, symbol, refuse)
    first = next(rows, None)
    if first is None:
        raise BrokenFile(path, 1, "a header and no rows")

    def all_rows() -> Iterator[tuple[int, list[str]]]:
        yield first
        yield from rows

    return read_rows(all_rows(), layout, refuse)


def _rows(path: Path, data: bytes, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BrokenFile(path, line, "not UTF-8 text") from None
    reader = csv.reader(io.StringIO(text), strict=True)
    if layout.has_header:
        next(reader)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BrokenFile(path, line, f"unreadable line ({error})") from None
        if fields:
            yield line, fields
