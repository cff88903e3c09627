"""Replies of the routes: bytes of the floor passed on, and JSON of our own."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from papertape.floor.ports import Reply
from papertape.server.exchange import STATUS_OF_OUTCOME, refusal

JSON = "application/json"


def json_reply(content: Any, status: int = 200) -> Response:
    """Our own content."""
    return Response(msgspec.json.encode(content), status, media_type=JSON)


def passed_on(reply: Reply, status: int | None = None) -> Response:
    """The floor's bytes with the status of their outcome; raises `Problem` for a refusal."""
    meant = STATUS_OF_OUTCOME.get(reply.outcome, 500)
    if meant >= 400:
        raise refusal(reply)
    return Response(reply.body, status or meant, media_type=JSON)


def listed(items: Sequence[Any] | msgspec.Raw, next_cursor: str | None = None) -> Response:
    """A list as every list route answers it."""
    return json_reply({"items": items, "next_cursor": next_cursor})
