"""The world behind the server: commands and questions to its floor, refusals as problems."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from structlog.contextvars import get_contextvars

from papertape.floor.ports import FloorPort, Reply
from papertape.server.measures import Measures
from papertape.server.problems import Problem

STATUS_OF_OUTCOME = {
    "created": 201,
    "existing": 200,
    "ok": 200,
    "rejected": 422,
    "malformed": 422,
    "not_found": 404,
    "id_reused": 409,
    "not_cancelable": 409,
    "not_replaceable": 409,
    "not_permitted": 403,
    "too_many": 429,
    "internal_error": 500,
}
_RETRY_AFTER_TOO_MANY_S = 1.0


class Exchange:
    """One world on one floor."""

    def __init__(self, floor: FloorPort, world: str, measures: Measures) -> None:
        self._floor = floor
        self._measures = measures
        self.world = world

    async def ask(self, kind: str, fields: Mapping[str, Any] | None = None) -> Reply:
        """Send a command or question; None fields stay out of it.

        Raises `Problem` for a refusal, and what `FloorPort.ask` raises.
        """
        reply = await self.send(kind, fields)
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            raise refusal(reply)
        return reply

    async def send(self, kind: str, fields: Mapping[str, Any] | None = None) -> Reply:
        """As `ask`, with refusals returned like all other replies."""
        given = {name: value for name, value in (fields or {}).items() if value is not None}
        started = time.perf_counter()
        command = msgspec.json.encode({"kind": kind} | given)
        reply = await self._floor.ask(self.world, command, _request_id())
        self._measures.floor_seconds.observe(time.perf_counter() - started)
        return reply


def _request_id() -> str:
    """The id of the request that is being answered; none for work that nobody asked for."""
    bound: str = get_contextvars().get("request_id", "")
    return bound


def refusal(reply: Reply) -> Problem:
    """The problem that tells what the floor refused, with everything it said about it."""
    told = _told(reply.body)
    status = STATUS_OF_OUTCOME.get(reply.outcome, 500)
    reason = told.pop("reason", None) or reply.outcome
    detail = told.pop("detail", None) or f"the floor answered {reply.outcome}"
    wait_s = _RETRY_AFTER_TOO_MANY_S if status == 429 else None
    return Problem(status, reason, detail, retry_after_s=wait_s, more=told)


def _told(body: bytes) -> dict[str, Any]:
    """The members of a refusal's body; none when it has no body."""
    told = msgspec.json.decode(body) if body else {}
    return told if isinstance(told, dict) else {}
