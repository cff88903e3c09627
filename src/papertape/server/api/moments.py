"""Times in queries and bodies: RFC 3339, or a date in UTC.

A date begins what is asked for at its midnight, and ends it behind its last moment.
"""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from papertape.domain.time_text import parse_time
from papertape.server.problems import malformed

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NS = 1_000_000_000
_DAY_NS = 86_400 * _NS
_FAR = 2**63 - 1

Moment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="RFC 3339 time or a date, which is its midnight UTC",
        examples=["2026-11-20T10:00:00Z"],
    ),
]
FromMoment = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="the first moment: RFC 3339 time or a date, which is its midnight UTC",
        examples=["2026-11-20T10:00:00Z"],
    ),
]
ToMoment = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=40,
        description="the moment behind the last one: RFC 3339 time or a date, which counts whole",
        examples=["2026-11-21"],
    ),
]
EndMoment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="the moment behind the last one: RFC 3339 time or a date, which counts whole",
        examples=["2026-11-21"],
    ),
]


def moment(field: str, text: str | None) -> int | None:
    """Nanoseconds since 1970, as far as an i64 reaches; raises `Problem` 422 for no time at all."""
    if text is None:
        return None
    try:
        return max(-_FAR, min(_FAR, _parse_moment(text)))
    except (ValueError, OverflowError) as error:
        raise malformed(
            f"{field}: give a time such as 2026-11-20T10:46:00Z or a date such as 2026-11-20",
            field=field,
            value=text,
        ) from error


def end_moment(field: str, text: str | None) -> int | None:
    """The moment behind the last one that is asked for: a date counts whole."""
    given = moment(field, text)
    if given is None or text is None or not _DATE.fullmatch(text):
        return given
    return min(_FAR, given + _DAY_NS)


def _parse_moment(text: str) -> int:
    if _DATE.fullmatch(text):
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * _NS
    # A plus in a query that was not encoded arrives as a blank.
    return parse_time(re.sub(r" (\d{2}:\d{2})$", r"+\1", text))
