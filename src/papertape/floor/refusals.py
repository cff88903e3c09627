"""The two refusals of a floor on their way from a reply to an exception."""

import msgspec

from papertape.floor.ports import FloorUnavailableError, NotAccepted, OutcomeUnknown, Reply

_RAISED: dict[str, type[FloorUnavailableError]] = {
    NotAccepted.reason: NotAccepted,
    OutcomeUnknown.reason: OutcomeUnknown,
}


class _Detail(msgspec.Struct):
    detail: str


def raised(reply: Reply) -> Reply:
    """The reply itself, or the exception that stands for it."""
    kind = _RAISED.get(reply.outcome)
    if kind is not None:
        raise kind(msgspec.json.decode(reply.body, type=_Detail).detail)
    return reply
