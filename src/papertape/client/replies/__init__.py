"""What the API answers, typed: amounts as `Decimal`, times as `datetime` in UTC.

Words (a status, a kind) are plain text and members that are not known here are passed over, so
that a newer server can say more. Times are cut to microseconds.
"""

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was answered."""
