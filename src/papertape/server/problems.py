"""Errors on the wire: RFC 9457 problem details, each with a `reason` that programs can rely on.

`detail` is one sentence that says what was wrong and what to do. `field`, `value`, `limit`,
`order_id` and `order` are there when they say more.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from papertape.floor.ports import FloorUnavailableError

MEDIA_TYPE = "application/problem+json"
_VALUE_LENGTH_MAX = 200
_REASON_OF_FIELD = {
    "qty": "invalid_quantity",
    "limit_price": "invalid_price",
    "stop_price": "invalid_price",
}
"""What is no decimal has the reason that the engine gives a decimal out of bounds."""
_SECRETS = ("password", "passphrase", "secret", "token", "code", "url")
"""Words in the names of fields whose values are never told back: addresses carry secrets, too."""

_BEFORE_TOKEN = re.compile(r"^/*webhooks/|tradingview", re.IGNORECASE)
"""What follows in a path may be a token, also where the path leads nowhere."""
_WORDS_OF_PATH = frozenset({"tradingview", "dry-run"})

_REASON_OF_STATUS = {
    400: "bad_request",
    401: "not_authenticated",
    403: "not_permitted",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "malformed",
    429: "too_many_requests",
    500: "internal_error",
    503: "not_accepted",
}


class Problem(Exception):  # noqa: N818 - it is a reply, not a fault of the program
    """Ends a request with a problem reply. `more` is what the caller may want to know besides."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        retry_after_s: float | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.more = more or {}

    def body(self, request: Request | None = None) -> dict[str, Any]:
        """The problem details."""
        body: dict[str, Any] = {
            "type": f"urn:papertape:problem:{self.reason}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
        }
        if request is not None:
            body["instance"] = _told_path(request)
        return body | {key: value for key, value in self.more.items() if value is not None}

    def response(self, request: Request | None = None) -> Response:
        """The reply to send."""
        content = msgspec.json.encode(self.body(request))
        return Response(content, self.status, self._headers(), media_type=MEDIA_TYPE)

    def _headers(self) -> dict[str, str]:
        if self.status == 401:
            return {"WWW-Authenticate": "Bearer"}
        if self.retry_after_s is None:
            return {}
        return {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}


Tell = Callable[[Problem, Request], Response]
"""How an application tells its problems."""


def _told_path(request: Request) -> str:
    """The path of a request, without the token that some addresses have in them."""
    path = request.url.path
    found = _BEFORE_TOKEN.search(path)
    if found is None:
        return path
    return path[: found.end()] + re.sub(r"[^/]+", _told_part, path[found.end() :])


def _told_part(part: re.Match[str]) -> str:
    return part[0] if part[0].lower() in _WORDS_OF_PATH else "{token}"


def nothing_at(request: Request) -> str:
    """The detail of a 404 for a path that leads nowhere."""
    return f"there is nothing at {_short(_told_path(request))}"


def not_authenticated() -> Problem:
    """401: the same words whatever was wrong with the token."""
    return Problem(
        401,
        "not_authenticated",
        "send the access token of a login as Authorization: Bearer, or an API key; it is missing, "
        "expired or not valid",
    )


def not_permitted(needed: str, detail: str) -> Problem:
    """403: known, but not allowed to; `value` is the scope that the route asks for."""
    return Problem(403, "not_permitted", detail, more={"value": needed})


def not_found(thing: str) -> Problem:
    """404: also what belongs to somebody else is not found."""
    return Problem(404, "not_found", f"there is no such {thing}")


def id_reused(thing: str) -> Problem:
    """409: the request id was used before, for something else."""
    detail = f"this id stands for another {thing}; send the request with a new id"
    return Problem(409, "id_reused", detail)


def malformed(
    detail: str, *, field: str | None = None, value: object = None, reason: str = "malformed"
) -> Problem:
    """422: the request cannot be read as what the route takes."""
    shown = None if _is_secret(field or "") else _short(value)
    return Problem(422, reason, detail, more={"field": field, "value": shown})


def _is_secret(field: str) -> bool:
    name = re.sub(r"[^a-z]", "", field.rpartition(".")[2].lower())
    return any(word in name for word in _SECRETS)


def floor_unavailable(
    error: FloorUnavailableError, more: Mapping[str, Any] | None = None
) -> Problem:
    """503: the floor did not take the command, or nobody knows whether it did."""
    return Problem(503, error.reason, error.detail, retry_after_s=error.retry_after, more=more)


def _short(value: object) -> str | None:
    """An offending value as text, cut so that a reply never echoes a whole body."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _as_json(value)
    return text if len(text) <= _VALUE_LENGTH_MAX else text[:_VALUE_LENGTH_MAX] + "..."


def _as_json(value: object) -> str:
    """A value as JSON writes it, or nearly: a number keeps its exponent, and never our types."""
    if isinstance(value, Decimal):
        return str(value)
    return msgspec.json.encode(value, enc_hook=str).decode()


# --- handlers: whatever a route raises becomes a problem ------------------------------------------


async def answer_problem(request: Request, error: Exception) -> Response:
    """For `Problem`."""
    assert isinstance(error, Problem)
    return error.response(request)


async def answer_floor_unavailable(request: Request, error: Exception) -> Response:
    """For `NotAccepted` and `OutcomeUnknown`."""
    assert isinstance(error, FloorUnavailableError)
    return floor_unavailable(error).response(request)


async def answer_validation(request: Request, error: Exception) -> Response:
    """For path and query parameters that FastAPI refuses."""
    assert isinstance(error, RequestValidationError)
    return validation_problem(error.errors()).response(request)


async def answer_http(request: Request, error: Exception) -> Response:
    """For 404 and 405 of the router, and whatever else the framework refuses."""
    assert isinstance(error, HTTPException)
    reason = _REASON_OF_STATUS.get(error.status_code, "refused")
    detail = {
        404: nothing_at(request),
        405: f"{request.method} does not work here; see the Allow header",
    }.get(error.status_code, str(error.detail))
    response = Problem(error.status_code, reason, detail).response(request)
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods_of_path(request)))
    return response


def _methods_of_path(request: Request) -> set[str]:
    """The methods of all routes of the path; the framework tells those of the first one."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return methods | ({"HEAD"} if "GET" in methods else set())


def unexpected(request: Request, error: Exception) -> Problem:
    """A fault of our own: logged whole, told without its inside."""
    # By the pattern: an address may have a secret in it.
    path = getattr(request.scope.get("route"), "path", request.url.path)
    structlog.get_logger().error("request_failed", path=path, exc_info=error)
    return Problem(
        500, "internal_error", "something went wrong here; the log of the server says what"
    )


def validation_problem(errors: Any) -> Problem:
    """The first of pydantic's complaints; the others are often echoes of it."""
    first = errors[0]
    place = [str(part) for part in first["loc"] if part not in {"body", "query", "path", "header"}]
    field = ".".join(place) or None
    message = first["msg"].removeprefix("Value error, ")
    value = first.get("input")
    # What stands in a member that nobody knows may be anything, a secret too.
    unknown = isinstance(value, dict | list) or first["type"] == "extra_forbidden"
    shown = None if unknown else value
    detail = f"{field}: {message}" if field else message
    reason = _REASON_OF_FIELD.get(field or "", "malformed")
    return malformed(detail, field=field, value=shown, reason=reason)
