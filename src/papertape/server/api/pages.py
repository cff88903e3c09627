"""Lists from the read models, a page at a time."""

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from papertape.server.problems import Problem, malformed
from papertape.server.replies import listed
from papertape.storage.reads import LIMIT_MAX, Page

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Most items in the reply")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, description="The next_cursor of the reply before; none at the start"),
]

BAD_LIMIT = ("malformed", "limit: Input should be greater than or equal to 1")


async def page_of(read: Callable[..., Page], *arguments: Any) -> Response:
    """Run a read of `Reads` on a thread and answer its page; a bad cursor is a `Problem` 422.

    The cursor is the last argument.
    """
    try:
        page = await asyncio.to_thread(read, *arguments)
    except ValueError as error:
        raise malformed(f"cursor: {error}", field="cursor", value=arguments[-1]) from error
    return listed(page.items, page.next_cursor)


def write_cursor(key: str) -> str:
    """The cursor that leads behind an item of a sorted list, by its key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> str | None:
    """The key that a cursor stands for; raises `Problem` 422 for one that is none of ours."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error) as error:
        raise no_cursor(cursor) from error


def no_cursor(cursor: str | None) -> Problem:
    """422: nothing that a reply gave."""
    return malformed("cursor: the cursor is not one of ours", field="cursor", value=cursor)
