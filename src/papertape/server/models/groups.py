"""Groups of accounts that are traded together."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, field_validator

from papertape.server.groups import BUILT_IN, MEMBERS_MAX
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_TIME,
    Body,
    Example,
    Reply,
    Uuid,
)

EXAMPLE_GROUP = "b1f6a3a0-6f0e-4c55-8f43-0d4bb0c7c0de"

GroupName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")
]


def _once_each(account_ids: list[str] | None) -> list[str] | None:
    if account_ids is not None and len(set(account_ids)) != len(account_ids):
        raise ValueError("name each account once")
    return account_ids


def _own_name(name: str | None) -> str | None:
    if name == BUILT_IN:
        raise ValueError(f"{BUILT_IN} is the group that everybody has; choose another name")
    return name


class GroupRequest(Body):
    """A new group of the caller's accounts."""

    example: ClassVar[Example] = {"name": "momentum", "account_ids": [EXAMPLE_ACCOUNT]}

    name: GroupName
    account_ids: list[Uuid] = Field(min_length=1, max_length=MEMBERS_MAX)

    _name = field_validator("name")(_own_name)
    _members = field_validator("account_ids")(_once_each)


class GroupChange(Body):
    """What changes in a group; the accounts are replaced as a whole."""

    example: ClassVar[Example] = {"account_ids": [EXAMPLE_ACCOUNT]}

    name: GroupName | None = None
    account_ids: list[Uuid] | None = Field(default=None, min_length=1, max_length=MEMBERS_MAX)

    _name = field_validator("name")(_own_name)
    _members = field_validator("account_ids")(_once_each)


class GroupReply(Reply):
    """A group. The built-in one has the user's first account and stays as it is."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_GROUP,
        "name": "momentum",
        "account_ids": [EXAMPLE_ACCOUNT],
        "built_in": False,
        "created_at": EXAMPLE_TIME,
    }

    id: Uuid
    name: str
    account_ids: list[str]
    built_in: bool
    created_at: str | None
