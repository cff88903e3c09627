"""Lists as CSV (RFC 4180, UTF-8): for `?format=csv`, or `Accept: text/csv`.

A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

CSV = "text/csv"
NEXT_CURSOR_HEADER = "X-Next-Cursor"
Format = Annotated[
    Literal["json", "csv"] | None,
    Query(description="csv for a table; else Accept decides, and JSON is usual"),
]

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wants_csv(request: Request, asked: str | None) -> bool:
    """Whether a request asks for CSV."""
    if asked is not None:
        return asked == "csv"
    accepted = request.headers.get("accept", "")
    return any(part.partition(";")[0].strip().lower() == CSV for part in accepted.split(","))


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """Rows as lines; what a row does not have is empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header:
        writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def csv_reply(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], next_cursor: str | None, name: str
) -> Response:
    """A page of a list as a file; the cursor of the next page stands in `X-Next-Cursor`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    if next_cursor is not None:
        headers[NEXT_CURSOR_HEADER] = next_cursor
    text = csv_text(columns, rows, header=True)
    return Response(text, headers=headers, media_type=CSV)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return msgspec.json.encode(value).decode()
    text = str(value)
    harmless = _NUMBER.fullmatch(text) or not text.startswith(_FORMULA)
    return text if harmless else f"'{text}"
