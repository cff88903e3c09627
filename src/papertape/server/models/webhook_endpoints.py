"""Outgoing webhooks: where events are told, and the log of it."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_TIME,
    Body,
    Example,
    Reply,
    Uuid,
)

EXAMPLE_ENDPOINT = "7d0c2a9e-5f41-4b7e-8a63-c1e9d2f4b6a8"
_EXAMPLE_DELIVERY = "msg_1f0e9d8c7b6a54938271605f4e3d2c1b"
_EXAMPLE_SECRET = "whsec_aU4xN3c5YlY2dDh6ZzFvMXIzdTVwN2s5ajJoNGY2ZDg="  # noqa: S105 - nobody's

Event = Literal["fill", "rejection", "alert"]


def _once_each(events: list[Event] | None) -> list[Event] | None:
    return events and sorted(set(events))


class EndpointRequest(Body):
    """An address that is told events of the caller's accounts, from now on."""

    example: ClassVar[Example] = {
        "url": "https://example.com/papertape",
        "events": ["fill", "rejection"],
        "account_id": EXAMPLE_ACCOUNT,
        "description": "my bot",
    }

    url: str = Field(min_length=1, max_length=1_000)
    events: list[Event] = Field(min_length=1, max_length=10)
    account_id: Uuid | None = Field(default=None, description="only this one of the accounts")
    description: str = Field(default="", max_length=200)
    enabled: bool = True

    _events = field_validator("events")(_once_each)


class EndpointChange(Body):
    """What changes. An endpoint that is switched on again is told what happens from then on."""

    example: ClassVar[Example] = {"enabled": False}

    url: str | None = Field(default=None, min_length=1, max_length=1_000)
    events: list[Event] | None = Field(default=None, min_length=1, max_length=10)
    description: str | None = Field(default=None, max_length=200)
    enabled: bool | None = None

    _events = field_validator("events")(_once_each)


class EndpointReply(Reply):
    """An endpoint without its secret; `disabled_reason` is failing or gone (it answered 410)."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_ENDPOINT,
        **EndpointRequest.example,
        "enabled": True,
        "disabled_reason": None,
        "failing_since": None,
        "created_at": EXAMPLE_TIME,
    }

    id: Uuid
    url: str
    events: list[Event]
    account_id: Uuid | None
    description: str
    enabled: bool
    disabled_reason: str | None
    failing_since: str | None
    created_at: str


class EndpointMadeReply(EndpointReply):
    """An endpoint with the secret that its deliveries are signed with, told here only."""

    example: ClassVar[Example] = {**EndpointReply.example, "secret": _EXAMPLE_SECRET}

    secret: str


class DeliveryAttempt(Reply):
    """One attempt; `status` is that of the HTTP reply, null when there was none."""

    example: ClassVar[Example] = {
        "time": EXAMPLE_TIME,
        "status": 200,
        "error": None,
        "seconds": 0.081,
    }

    time: str
    status: int | None
    error: str | None
    seconds: float


class DeliveryReply(Reply):
    """One event on its way; `id` is its `webhook-id`. `attempts` are the last twenty."""

    example: ClassVar[Example] = {
        "id": _EXAMPLE_DELIVERY,
        "event": "fill",
        "status": "delivered",
        "created_at": EXAMPLE_TIME,
        "next_attempt_at": None,
        "attempts": [DeliveryAttempt.example],
        "payload": '{"type":"fill","timestamp":"2026-11-20T10:46:00.000000000Z","data":{}}',
    }

    id: str
    event: Event | Literal["test"]
    status: Literal["pending", "delivered", "failed"]
    created_at: str
    next_attempt_at: str | None
    attempts: list[DeliveryAttempt]
    payload: str
