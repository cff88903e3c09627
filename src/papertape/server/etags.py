"""Versions of what can be edited: told as `ETag`, and named in `If-Match` by whoever changes it.

So nobody overwrites a change that he has not seen: no header is 428, another version is 412.
"""

import hashlib
import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.problems import Problem
from papertape.server.replies import json_reply

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The ETag of what is to be changed, as it was last read; * is any version",
}
MAYBE_IF_MATCH = IF_MATCH | {
    "required": False,
    "description": "The ETag of what is to be changed; without it, what is there is changed",
}
NEEDED = (
    "version_needed",
    "send If-Match with the ETag of what you read, so that no change of others is lost",
)
CHANGED = ("version_changed", "it was changed meanwhile; read it again and repeat the change")
STALE = {412: CHANGED, 428: NEEDED}

_TAG = re.compile(r'"([0-9A-Za-z\-]{1,64})"')


def tagged(content: Any, version: int | str, status: int = 200) -> Response:
    """A reply with its version."""
    reply = json_reply(content, status)
    reply.headers["ETag"] = f'"{version}"'
    return reply


def versions_meant(request: Request) -> frozenset[str] | None:
    """The versions that the change is meant for; None for any.

    Raises `Problem` 428 without the header. What is no tag of ours matches nothing.
    """
    given = request.headers.get("if-match")
    if given is None:
        raise Problem(428, *NEEDED, more={"field": "If-Match"})
    if given.strip() == "*":
        return None
    tags = (_TAG.fullmatch(part.strip()) for part in given.split(","))
    return frozenset(tag[1] for tag in tags if tag)


def require_match(request: Request, version: int | str) -> None:
    """Raises `Problem` 428 without `If-Match`, 412 when it means another version."""
    meant = versions_meant(request)
    if meant is not None and str(version) not in meant:
        raise stale(version)


def heed_match(request: Request, version: int | str) -> None:
    """As `require_match` where `If-Match` is sent: for changes that name all they change."""
    if "if-match" in request.headers:
        require_match(request, version)


def stale(version: int | str | None = None) -> Problem:
    """412: somebody else was faster."""
    limit = None if version is None else str(version)
    return Problem(412, *CHANGED, more={"field": "If-Match", "limit": limit})


def tag_of(content: object) -> str:
    """The version of what has none of its own: it follows from the content."""
    text = msgspec.json.encode(content, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]
