"""Access tokens: signed, dated, and read again after a restart.

The key lies in the data folder, readable by its owner only. Time here is the wall clock, never a
world's: a replay at a thousandfold speed ends nobody's session.
"""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

KEY_BYTES = 32
DAY_S = 24 * 60 * 60
_ALGORITHM = "HS256"
_ISSUER = "papertape"
_OPTIONS: jwt.types.Options = {
    "require": ["exp", "iat", "sub", "iss"],
    "verify_exp": False,
    "verify_iat": False,
}
"""The end is checked here against the given clock; a clock set back must not end sessions."""


class BadTokenError(Exception):
    """The token is forged, expired, or not one of ours. The caller learns no more than that."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: whose it is, of which generation, and when it ends (seconds, wall)."""

    user_id: str
    generation: int
    expires_at: float


def load_key(path: Path) -> bytes:
    """The signing key at `path`; made on the first call, whole or not at all, mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(f"{path} is not a key of {KEY_BYTES} bytes; remove it to make a new one")
    return key


def _make_key(path: Path) -> None:
    """Write to a private file, then link: of two processes that start at once, one wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


class Tokens:
    """Makes and reads tokens with one key."""

    def __init__(
        self, key: bytes, lifetime_s: int = DAY_S, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._clock = clock
        self.lifetime_s = lifetime_s

    def issue(self, user_id: str, generation: int) -> str:
        """A token that is good for `lifetime_s` from now."""
        now = int(self._clock())
        claims = {
            "iss": _ISSUER,
            "sub": user_id,
            "gen": generation,
            "iat": now,
            "exp": now + self.lifetime_s,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """What a good token says; raises `BadTokenError` for any other text."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options=_OPTIONS,
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise BadTokenError(str(error)) from error
        read = _claims(claims)
        if read.expires_at <= self._clock():
            raise BadTokenError("the token has expired")
        return read


def _claims(claims: dict[str, Any]) -> Claims:
    user_id, generation, expires_at = claims["sub"], claims.get("gen"), claims["exp"]
    if not isinstance(user_id, str) or type(generation) is not int:
        raise BadTokenError("the token lacks a user or a generation")
    if type(expires_at) is not int:
        raise BadTokenError("the token's end is not a whole number of seconds")
    return Claims(user_id, generation, float(expires_at))
