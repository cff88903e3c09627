"""API keys: what is asked for, what is told."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from papertape.domain.time_text import parse_time
from papertape.server.auth.keys import ALLOWED_NETWORKS_MAX, SCOPES, Scope, network_of
from papertape.server.bodies import DecimalText
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_TIME,
    Body,
    Example,
    Reply,
    Uuid,
)

EXAMPLE_KEY = "PKQ3ZP6JHD7WX2MN4LTB"
_EXAMPLE_END = "2099-12-31T00:00:00.000000000Z"


def _network(text: str) -> str:
    return str(network_of(text))


def _time(text: str) -> str:
    parse_time(text)
    return text


Address = Annotated[str, Field(max_length=49), AfterValidator(_network)]


class KeyRequest(Body):
    """A new API key. What is left out is not limited."""

    example: ClassVar[Example] = {
        "name": "my bot",
        "scopes": ["read", "trade"],
        "account_id": EXAMPLE_ACCOUNT,
        "expires_at": _EXAMPLE_END,
        "ip_allow": ["127.0.0.0/8"],
        "max_notional": "25000",
    }

    name: str = Field(min_length=1, max_length=64)
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))
    account_id: Uuid | None = Field(default=None, description="the only account that it sees")
    expires_at: Annotated[str, Field(max_length=40), AfterValidator(_time)] | None = None
    ip_allow: list[Address] = Field(
        default=[], max_length=ALLOWED_NETWORKS_MAX, description="addresses or networks"
    )
    max_notional: DecimalText | None = Field(
        default=None, description="what one order may be worth, in its instrument's currency"
    )


class KeyReply(Reply):
    """An API key without its secret."""

    example: ClassVar[Example] = {
        "key_id": EXAMPLE_KEY,
        **KeyRequest.example,
        "created_at": EXAMPLE_TIME,
        "last_used_at": None,
    }

    key_id: str = Field(examples=[EXAMPLE_KEY])
    name: str
    scopes: list[Scope]
    account_id: Uuid | None
    expires_at: str | None
    ip_allow: list[str]
    max_notional: str | None
    created_at: str
    last_used_at: str | None = Field(description="to the minute; null: never")


class KeyMadeReply(KeyReply):
    """A new API key with its secret, which is told here and never again."""

    example: ClassVar[Example] = {
        **KeyReply.example,
        "secret": "Zp0yV1mQ8rT3uX5wA7cE9gJ2kL4nP6sB8dF0hM1oR3t",
    }

    secret: str
