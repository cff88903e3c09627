"""What users tell and choose about themselves, and where they are logged in."""

from functools import cache
from typing import Annotated, ClassVar, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from papertape.server.models.base import EXAMPLE_ACCOUNT, EXAMPLE_TIME, Body, Example, Reply, Uuid
from papertape.server.models.users import Email

Theme = Literal["system", "light", "dark"]
Locale = Annotated[
    str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
]
DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]


_known_zones = cache(available_timezones)


def _zone(name: str) -> str:
    if name not in _known_zones():
        raise ValueError("give a time zone of the IANA database such as Europe/Berlin")
    return name


class _Change(Body):
    @model_validator(mode="after")
    def _changes_something(self) -> "_Change":
        if not self.model_fields_set:
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        return self


class ProfileRequest(_Change):
    """What changes; null takes it away."""

    example: ClassVar[Example] = {"display_name": "Alice", "email": "a@b.example"}

    display_name: DisplayName | None = None
    email: Email | None = None


class PreferencesRequest(_Change):
    """What changes."""

    example: ClassVar[Example] = {"theme": "dark", "time_zone": "Europe/Berlin"}

    theme: Theme = "system"
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    locale: Locale = "en-US"
    default_account: Uuid | None = None
    confirmations: bool = Field(default=True, strict=True)


class PreferencesReply(Reply):
    """What the user has chosen; what was never chosen is as it is for all."""

    example: ClassVar[Example] = {
        "theme": "dark",
        "time_zone": "Europe/Berlin",
        "locale": "de-DE",
        "default_account": EXAMPLE_ACCOUNT,
        "confirmations": True,
    }

    theme: Theme
    time_zone: str = Field(description="of the IANA database")
    locale: str = Field(description="a BCP 47 tag")
    default_account: Uuid | None
    confirmations: bool = Field(description="whether the page asks before it sends orders")


class LoginItem(Reply):
    """Where the user is logged in, as far as the client told."""

    example: ClassVar[Example] = {
        "login_id": "7f1c2f4e-4c0b-4a80-9c2b-0d4d6b1c9e11",
        "address": "192.0.2.7",
        "user_agent": "Mozilla/5.0",
        "created_at": EXAMPLE_TIME,
        "used_at": EXAMPLE_TIME,
        "expires_at": EXAMPLE_TIME,
        "is_this_one": True,
    }

    login_id: Uuid
    address: str | None
    user_agent: str | None
    created_at: str
    used_at: str = Field(description="when it was last prolonged")
    expires_at: str
    is_this_one: bool
