"""Access tokens: signed, dated, and read again after a restart.

The key lies in the data folder, readable by its owner only. Time here is the wall clock, never a
world's: a replay at a thousandfold speed ends nobody's session.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from papertape.server.auth.key_files import ensure_secret

KEY_BYTES = 32
LIFETIME_S = 60 * 60
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
    """What a token says: whose it is, of which generation, and when it ends (seconds, wall).

    `login_id` is the login that it was issued for; None: for none, so only its end ends it.
    """

    user_id: str
    generation: int
    expires_at: float
    login_id: str | None = None


def load_key(path: Path) -> bytes:
    """The signing key at `path`; made on the first call, whole or not at all, mode 0600."""
    ensure_secret(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(f"{path} is not a key of {KEY_BYTES} bytes; remove it to make a new one")
    return key


class Tokens:
    """Makes and reads tokens with one key."""

    def __init__(
        self, key: bytes, lifetime_s: int = LIFETIME_S, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._clock = clock
        self.lifetime_s = lifetime_s

    def issue(self, user_id: str, generation: int, login_id: str | None = None) -> str:
        """A token that is good for `lifetime_s` from now."""
        now = int(self._clock())
        claims = {
            "iss": _ISSUER,
            "sub": user_id,
            "gen": generation,
            "iat": now,
            "exp": now + self.lifetime_s,
        }
        if login_id is not None:
            claims["sid"] = login_id
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def issue_refresh(self, login_id: str, number: int, expires_at: int) -> str:
        """The token that prolongs a login once, good until the login's own end (seconds, wall)."""
        claims = {
            "iss": _ISSUER,
            "sub": login_id,
            "num": number,
            "iat": int(self._clock()),
            "exp": expires_at,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read_refresh(self, token: str) -> tuple[str, int]:
        """The login and the number of a refresh token; `BadTokenError` for any other text."""
        claims = self._decoded(token)
        login_id, number = claims["sub"], claims.get("num")
        if not isinstance(login_id, str) or type(number) is not int:
            raise BadTokenError("not a refresh token")
        return login_id, number

    def read(self, token: str) -> Claims:
        """What a good token says; raises `BadTokenError` for any other text."""
        return _claims(self._decoded(token))

    def _decoded(self, token: str) -> dict[str, Any]:
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
        if type(claims["exp"]) is not int:
            raise BadTokenError("the token's end is not a whole number of seconds")
        if claims["exp"] <= self._clock():
            raise BadTokenError("the token has expired")
        return claims


def _claims(claims: dict[str, Any]) -> Claims:
    user_id, generation, login_id = claims["sub"], claims.get("gen"), claims.get("sid")
    if not isinstance(user_id, str) or type(generation) is not int:
        raise BadTokenError("the token lacks a user or a generation")
    if login_id is not None and not isinstance(login_id, str):
        raise BadTokenError("the token's login is no text")
    return Claims(user_id, generation, float(claims["exp"]), login_id)
