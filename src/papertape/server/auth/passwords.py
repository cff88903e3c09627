"""Passwords as Argon2id hashes, and one-time passwords for people to type."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 256

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without l, I, O, 0, 1, which look like each other on a terminal."""


class Passwords:
    """Hashes and checks; both take tens of milliseconds and release the interpreter lock."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """The Argon2id text to store."""
        return self._hasher.hash(password)

    def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one.

        None (no such user) costs the same time, so that the clock does not tell who exists.
        """
        if stored is None:
            if self._nobody is None:
                self._nobody = self._hasher.hash(secrets.token_hex(16))
            self._verify(self._nobody, password)
            return False
        return self._verify(stored, password)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """Twenty letters and digits, about 116 bits, in groups that can be typed."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
