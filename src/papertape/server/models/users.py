"""Users, logins and what they send."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from papertape.server.auth.names import USERNAME_LENGTH_MAX, Username
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from papertape.server.models.base import EXAMPLE_TIME, EXAMPLE_USER, Body, Example, Reply, Uuid

Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


class RegisterRequest(Body):
    """A new user. A password has at least ten characters."""

    example: ClassVar[Example] = {
        "username": "alice",
        "password": "correct horse",
        "email": "a@b.example",
    }

    username: Username
    password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    email: Email | None = None
    accept_notice: bool = Field(
        default=False, strict=True, description="accept the notice of GET /notice with it"
    )


class LoginRequest(Body):
    """Name and password."""

    example: ClassVar[Example] = {"username": "alice", "password": "correct horse"}

    username: str = Field(max_length=USERNAME_LENGTH_MAX)
    password: str = Field(max_length=PASSWORD_LENGTH_MAX)
    code: str | None = Field(
        default=None,
        max_length=40,
        description="where the second factor is on: of the app, or a recovery code",
    )
    cookie: bool = Field(
        default=False,
        description="keep the refresh token in a cookie that no script reads; do not tell it",
    )


class RefreshRequest(Body):
    """A refresh token; none where a cookie holds it."""

    example: ClassVar[Example] = {"refresh_token": "eyJhbGciOiJIUzI1NiJ9.eyJudW0iOjF9.c2lnbmF0dXJl"}

    refresh_token: str | None = Field(default=None, max_length=2048)


class LoginReply(Reply):
    """A token for the Authorization header, good for `expires_in` seconds.

    `refresh_token` gets the next one, once, from `/auth/refresh`; null: a cookie holds it.
    """

    example: ClassVar[Example] = {
        "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2ZiJ9.c2lnbmF0dXJl",
        "token_type": "bearer",
        "expires_in": 3600,
        **RefreshRequest.example,
    }

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str | None


class UserReply(Reply):
    """A user."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_USER,
        "username": "alice",
        "display_name": "Alice",
        "email": "a@b.example",
        "role": "user",
        "created_at": EXAMPLE_TIME,
    }

    id: Uuid
    username: str
    display_name: str | None
    email: str | None
    role: Literal["user", "instructor", "admin"]
    created_at: str = Field(examples=[EXAMPLE_TIME])


class DemoReply(Reply):
    """The login that everybody on this machine may use."""

    example: ClassVar[Example] = {"enabled": True, "username": "demo", "password": "papertape-demo"}

    enabled: bool
    username: str
    password: str
