"""Time on the wire: RFC 3339 in UTC with nine decimals; inside, whole nanoseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def time_text(time_ns: int) -> str:
    """`2026-11-20T10:46:00.000000000Z` for nanoseconds since 1970 (years 1 to 9999)."""
    seconds, nanoseconds = divmod(time_ns, SECOND_NS)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.isoformat()[:19]}.{nanoseconds:09d}Z"


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time with any offset; ValueError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 2026-11-20T10:46:00Z")
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in "Zz" else zone
    moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    elapsed = moment - _EPOCH
    whole = elapsed.days * 86_400 + elapsed.seconds
    return whole * SECOND_NS + int((fraction or "").ljust(9, "0") or "0")
