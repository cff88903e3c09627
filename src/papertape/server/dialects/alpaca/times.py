"""Times in queries: RFC 3339, a date, or a date and time without zone, which is UTC.

A date begins what is asked for at its midnight in UTC (or another zone), and ends it behind its
last moment.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated

from fastapi import Query

from papertape.domain.time_text import parse_time
from papertape.server.problems import malformed

SECOND_NS = 1_000_000_000
_FAR = 2**63 - 1
EARLIEST_NS = -_FAR
"""Whatever lies before it is taken for it."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHORT = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2})([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)

Moment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="RFC 3339 time or a date",
        examples=["2026-11-20T10:00:00Z"],
    ),
]
EndMoment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="RFC 3339 time, or a date, which counts whole",
        examples=["2026-11-20"],
    ),
]
Day = Annotated[str | None, Query(max_length=10, description="A date", examples=["2026-11-20"])]


def moment(field: str, text: str | None, zone: tzinfo = UTC) -> int | None:
    """Nanoseconds since 1970; raises `Problem` 422 for what is no time.

    `zone` is where dates begin.
    """
    if text is None or text == "":
        return None
    try:
        return max(EARLIEST_NS, min(_FAR, _parse(text.strip(), zone)))
    except (ValueError, OverflowError) as error:
        raise malformed(
            f"{field}: give a time such as 2026-11-20T10:46:00Z or a date such as 2026-11-20",
            field=field,
            value=text,
        ) from error


def end_moment(field: str, text: str | None, zone: tzinfo = UTC) -> int | None:
    """The same of what ends a span: of a date, the moment behind its last one."""
    given = moment(field, text, zone)
    if given is None or text is None or not _DATE.fullmatch(text.strip()):
        return given
    on = date.fromisoformat(text.strip())
    return _FAR if on == date.max else moment(field, f"{on + timedelta(days=1)}", zone)


def day(field: str, text: str | None) -> date | None:
    """A date; raises `Problem` 422 for what is none. Of a time the date counts."""
    if text is None or text == "":
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise malformed(
            f"{field}: give a date such as 2026-11-20", field=field, value=text
        ) from error


def _parse(text: str, zone: tzinfo) -> int:
    if _DATE.fullmatch(text):
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND_NS
    # A plus in a query that was not encoded arrives as a blank.
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text)
    short = _SHORT.fullmatch(text)
    if short is not None:
        text = f"{short[1]}:00{short[2] or 'Z'}"
    if not text.endswith(("Z", "z")) and not re.search(r"[+-]\d{2}:\d{2}$", text):
        text += "Z"
    return parse_time(text)
