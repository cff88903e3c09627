"""Users, logins and what they send."""

from typing import ClassVar, Literal

from pydantic import Field

from papertape.server.auth.names import USERNAME_LENGTH_MAX, Username
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from papertape.server.models.base import EXAMPLE_TIME, EXAMPLE_USER, Body, Example, Reply, Uuid


class RegisterRequest(Body):
    """A new user. A password has at least ten characters."""

    example: ClassVar[Example] = {
        "username": "alice",
        "password": "correct horse",
        "email": "a@b.example",
    }

    username: Username
    password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    email: str | None = Field(default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")


class LoginRequest(Body):
    """Name and password."""

    example: ClassVar[Example] = {"username": "alice", "password": "correct horse"}

    username: str = Field(max_length=USERNAME_LENGTH_MAX)
    password: str = Field(max_length=PASSWORD_LENGTH_MAX)


class LoginReply(Reply):
    """A token for the Authorization header; `expires_in` is in seconds."""

    example: ClassVar[Example] = {
        "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2ZiJ9.c2lnbmF0dXJl",
        "token_type": "bearer",
        "expires_in": 86400,
    }

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int


class UserReply(Reply):
    """A user."""

    example: ClassVar[Example] = {
        "id": EXAMPLE_USER,
        "username": "alice",
        "email": "a@b.example",
        "role": "user",
        "created_at": EXAMPLE_TIME,
    }

    id: Uuid
    username: str
    email: str | None
    role: Literal["user", "instructor", "admin"]
    created_at: str = Field(examples=[EXAMPLE_TIME])


class DemoReply(Reply):
    """The login that everybody on this machine may use."""

    example: ClassVar[Example] = {"enabled": True, "username": "demo", "password": "papertape-demo"}

    enabled: bool
    username: str
    password: str
