"""Tokens that set a new password, once and within an hour, for who forgot the old one."""

import hashlib
import secrets

from sqlalchemy import Engine, delete, insert, select

from papertape.server.auth.tables import reset_tokens

VALID_NS = 3600 * 1_000_000_000


class ResetTokens:
    """All users' tokens; a new one of a user replaces the one before. Everything here blocks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, user_id: str, now_ns: int) -> str:
        """A token, told once."""
        token = secrets.token_urlsafe(32)
        row = {"token_hash": _hash(token), "user_id": user_id, "expires_ns": now_ns + VALID_NS}
        with self._engine.begin() as connection:
            old = (reset_tokens.c.user_id == user_id) | (reset_tokens.c.expires_ns <= now_ns)
            connection.execute(delete(reset_tokens).where(old))
            connection.execute(insert(reset_tokens).values(row))
        return token

    def user_of(self, token: str, now_ns: int) -> str | None:
        """The user of a token that is good."""
        good = (reset_tokens.c.token_hash == _hash(token)) & (reset_tokens.c.expires_ns > now_ns)
        with self._engine.connect() as connection:
            return connection.execute(select(reset_tokens.c.user_id).where(good)).scalar()

    def take(self, token: str, now_ns: int) -> str | None:
        """The user of a token, which is good for nothing from now on; None when it never was."""
        user_id = self.user_of(token, now_ns)
        with self._engine.begin() as connection:
            this_one = reset_tokens.c.token_hash == _hash(token)
            taken = connection.execute(delete(reset_tokens).where(this_one)).rowcount
        return user_id if taken else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
