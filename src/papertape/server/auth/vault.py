"""Personal data at rest: sealed with a key of each user, and those keys with one outside.

The outer key lies in a file that is not in the database, so a stolen database tells nothing. A
user's own key is destroyed with the user, and what it sealed is gone, also from the audit log.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, select, update

from papertape.server.auth.key_files import ensure_secret, replace_secret
from papertape.server.auth.tables import personal_keys
from papertape.storage.engines import upserting


class WrongVaultKeyError(Exception):
    """The key file is not the one that sealed the database."""


class Vault:
    """Seals and opens. The key file holds a key a line, the newest first."""

    def __init__(self, key_file: Path) -> None:
        self._file = key_file
        ensure_secret(key_file, Fernet.generate_key() + b"\n")
        self._outer = self._read()

    def check(self, connection: Connection) -> None:
        """Raises `WrongVaultKeyError` when the key file does not fit the database."""
        wrapped = connection.execute(select(personal_keys.c.wrapped).limit(1)).scalar()
        if wrapped is not None:
            self._unwrap(wrapped)

    def seal(self, connection: Connection, user_id: str, content: Mapping[str, Any]) -> str:
        """The content as text that only the user's own key opens."""
        text = json.dumps(content, separators=(",", ":"))
        return self._key_of(connection, user_id).encrypt(text.encode()).decode()

    def open(self, connection: Connection, user_id: str, sealed: str | None) -> dict[str, Any]:
        """What was sealed; empty for None, and when the user's key was destroyed since."""
        wrapped = sealed and self._wrapped_key(connection, user_id)
        if not sealed or not wrapped:
            return {}
        try:
            text = self._unwrap(wrapped).decrypt(sealed)
        except InvalidToken:  # sealed for a user of this id whose key was destroyed
            return {}
        content: dict[str, Any] = json.loads(text)
        return content

    def rotate(self, connection: Connection) -> int:
        """Wrap all users' keys with a new outer key; returns how many.

        The key before stays in the file, as a server that runs may still wrap with it, until the
        next rotation, which drops it.
        """
        before = self._lines()
        replace_secret(self._file, b"\n".join([Fernet.generate_key(), *before]) + b"\n")
        self._outer = self._read()
        rows = connection.execute(select(personal_keys)).all()
        for row in rows:
            change = update(personal_keys).where(personal_keys.c.user_id == row.user_id)
            connection.execute(change.values(wrapped=self._outer.rotate(row.wrapped).decode()))
        return len(rows)

    def drop_older_keys(self) -> None:
        """After a rotation was committed: keep the newest key and the one before it."""
        replace_secret(self._file, b"\n".join(self._lines()[:2]) + b"\n")

    def _key_of(self, connection: Connection, user_id: str) -> Fernet:
        """The user's own key, made when there is none yet."""
        wrapped = self._wrapped_key(connection, user_id)
        if wrapped is not None:
            return self._unwrap(wrapped)
        key = Fernet.generate_key()
        self._outer = self._read()  # another process may have rotated
        row = {"user_id": user_id, "wrapped": self._outer.encrypt(key).decode()}
        entry = upserting(personal_keys, connection.dialect.name).values(row)
        connection.execute(entry.on_conflict_do_nothing())
        wrapped = self._wrapped_key(connection, user_id)
        assert wrapped is not None
        return self._unwrap(wrapped)

    def _wrapped_key(self, connection: Connection, user_id: str) -> str | None:
        mine = personal_keys.c.user_id == user_id
        return connection.execute(select(personal_keys.c.wrapped).where(mine)).scalar()

    def _unwrap(self, wrapped: str) -> Fernet:
        try:
            return Fernet(self._outer.decrypt(wrapped))
        except InvalidToken:
            self._outer = self._read()
        try:
            return Fernet(self._outer.decrypt(wrapped))
        except InvalidToken:
            raise WrongVaultKeyError(
                f"{self._file} is not the key of this database; put the right file in its place"
            ) from None

    def _read(self) -> MultiFernet:
        try:
            return MultiFernet([Fernet(line) for line in self._lines()])
        except ValueError as error:
            raise WrongVaultKeyError(f"{self._file} is damaged: {error}") from error

    def _lines(self) -> list[bytes]:
        return self._file.read_bytes().split()
