"""What can go wrong between a program and Papertape, as exceptions that say what to do."""

from http import HTTPStatus
from typing import Any

import httpx
import msgspec


class PapertapeError(Exception):
    """The root of all errors of the client."""


class UnreachableError(PapertapeError):
    """Nothing answered, or the answer broke off. Nobody knows what became of a command."""


class BadReplyError(PapertapeError):
    """What answered is no Papertape, or one that this client does not understand."""


class ProblemError(PapertapeError):
    """The server refused. `reason` is stable, `detail` is a sentence for people.

    `field`, `value`, `limit`, `order_id` and `order` are there when the server told them;
    `request_id` finds the request in the server's log.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        told: dict[str, Any] | None = None,
        retry_after_s: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.told = told or {}
        self.retry_after_s = retry_after_s
        self.request_id = request_id

    @property
    def field(self) -> str | None:
        """The member of the request that is wrong."""
        return self.told.get("field")

    @property
    def value(self) -> str | None:
        """The value that is wrong."""
        return self.told.get("value")

    @property
    def limit(self) -> str | None:
        """What would have been allowed."""
        return self.told.get("limit")

    @property
    def order_id(self) -> str | None:
        """The order that the refusal is about; a rejected order is kept under this id."""
        return self.told.get("order_id")

    @property
    def order(self) -> dict[str, Any] | None:
        """The order as it stands."""
        return self.told.get("order")


class NotAuthenticatedError(ProblemError):
    """401: no credentials, or none that are good any more."""


class NotPermittedError(ProblemError):
    """403: the key lacks a scope or the user a role, or the order is larger than allowed."""


class NotFoundError(ProblemError):
    """404: there is no such thing among the caller's."""


class ConflictError(ProblemError):
    """409 and 412: it stands in another state than was thought."""


class RefusedError(ProblemError):
    """422: malformed, or against a rule of the exchange."""


class TooManyRequestsError(ProblemError):
    """429, and the client's patience has run out."""


class NotAcceptedError(ProblemError):
    """503: the command was not taken, and the client's patience has run out."""


class OutcomeUnknownError(ProblemError):
    """503: nobody knows yet whether the command was done; repeat it with the same id to learn."""


class ServerFaultError(ProblemError):
    """500: a fault of the server; its log has it under `request_id`."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    401: NotAuthenticatedError,
    403: NotPermittedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    422: RefusedError,
    429: TooManyRequestsError,
    500: ServerFaultError,
    503: NotAcceptedError,
}


def problem_of(response: httpx.Response) -> ProblemError:
    """The exception that tells a reply of 400 or more."""
    told = _told(response)
    reason = str(told.get("reason") or "unexpected_reply")
    kind = _BY_STATUS.get(response.status_code, ProblemError)
    if reason == "outcome_unknown":
        kind = OutcomeUnknownError
    return kind(
        response.status_code,
        reason,
        str(told.get("detail") or f"the server answered {_phrase(response.status_code)}"),
        told=told,
        retry_after_s=_seconds(response.headers.get("retry-after")),
        request_id=response.headers.get("x-request-id"),
    )


def _told(response: httpx.Response) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
