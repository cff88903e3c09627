"""Passwords, second factors, and the log of security events."""

from typing import ClassVar, Literal

from pydantic import Field

from papertape.server.auth.audit import Event
from papertape.server.auth.names import USERNAME_LENGTH_MAX
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from papertape.server.models.base import EXAMPLE_TIME, EXAMPLE_USER, Body, Example, Reply, Uuid

CODE_LENGTH_MAX = 40
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - an example


class ProofRequest(Body):
    """The user's password, and a code where the second factor is on."""

    example: ClassVar[Example] = {"password": "correct horse", "code": "123456"}

    password: str = Field(max_length=PASSWORD_LENGTH_MAX)
    code: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)


class PasswordRequest(Body):
    """The password as it is and as it shall be, and a code where the second factor is on."""

    example: ClassVar[Example] = {
        "current_password": "correct horse",
        "new_password": "battery staple",
    }

    current_password: str = Field(max_length=PASSWORD_LENGTH_MAX)
    new_password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)
    code: str | None = Field(default=None, max_length=CODE_LENGTH_MAX)


class PasswordResetBeginRequest(Body):
    """Who forgot the password."""

    example: ClassVar[Example] = {"username": "alice"}

    username: str = Field(max_length=USERNAME_LENGTH_MAX)


class PasswordResetRequest(Body):
    """A token of the mail or the operator, and the new password."""

    example: ClassVar[Example] = {
        "token": "Zp0yV1mQ8rT3uX5wA7cE9gJ2kL4nP6sB8dF0hM1oR3t",
        "new_password": "battery staple",
    }

    token: str = Field(max_length=200)
    new_password: str = Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)


class CodeRequest(Body):
    """A code of the app."""

    example: ClassVar[Example] = {"code": "123456"}

    code: str = Field(max_length=CODE_LENGTH_MAX)


class TwoFactorReply(Reply):
    """Whether a login takes a code, and how many recovery codes are unused."""

    example: ClassVar[Example] = {"enabled": True, "recovery_codes_left": 10}

    enabled: bool
    recovery_codes_left: int


class TwoFactorSecretReply(Reply):
    """What the app needs; it counts once a code of it was confirmed."""

    example: ClassVar[Example] = {
        "secret": _SECRET,
        "uri": f"otpauth://totp/Papertape:alice?secret={_SECRET}&issuer=Papertape",
    }

    secret: str
    uri: str = Field(description="for a QR code")


class RecoveryCodesReply(Reply):
    """Codes for when the app is lost, each good once; told here only."""

    example: ClassVar[Example] = {"recovery_codes": ["abcd-efgh-jkmn-pqrs"]}

    recovery_codes: list[str]


class SecurityEventReply(Reply):
    """One event of the log."""

    example: ClassVar[Example] = {
        "id": "1795171560000000000-0a1b2c3d",
        "at": EXAMPLE_TIME,
        "event": "logged_in",
        "user_id": EXAMPLE_USER,
        "subject": None,
        "address": "192.0.2.7",
        "user_agent": "Mozilla/5.0",
    }

    id: str
    at: str
    event: Event
    user_id: Uuid | None = Field(description="null where no user has the name that was tried")
    subject: str | None = Field(description="the id of what it is about")
    address: str | None = Field(description="null when it is not known, or its user has left")
    user_agent: str | None


class NoticeReply(Reply):
    """What users are told about this product."""

    example: ClassVar[Example] = {
        "document": "notice",
        "version": 1,
        "text": "Everything here is simulated. Nothing here is advice.",
    }

    document: Literal["notice"]
    version: int
    text: str


class ConsentRequest(Body):
    """The version of the notice that is accepted."""

    example: ClassVar[Example] = {"version": 1}

    version: int = Field(ge=1, strict=True)


class ConsentReply(Reply):
    """What a user accepted, and when for the first time."""

    example: ClassVar[Example] = {
        "document": "notice",
        "version": 1,
        "accepted_at": EXAMPLE_TIME,
    }

    document: str
    version: int
    accepted_at: str


class ExportReply(Reply):
    """All that is kept about a user.

    `kept` are the rows of the server's tables by table, `worlds` what the exchange keeps of each
    account, `security_events` the log.
    """

    example: ClassVar[Example] = {
        "exported_at": EXAMPLE_TIME,
        "kept": {"users": [{"username": "alice"}]},
        "security_events": [SecurityEventReply.example],
        "worlds": {"main": []},
    }

    exported_at: str
    kept: dict[str, list[dict[str, object]]]
    security_events: list[SecurityEventReply]
    worlds: dict[str, list[dict[str, object]]]
