"""The second factor: a code that changes each 30 seconds (RFC 6238), and codes for when it is lost.

A code of the app is good once, also within its half minute; so is each recovery code.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

import pyotp
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from papertape.server.auth.tables import recovery_codes, two_factor
from papertape.server.auth.vault import Vault

ISSUER = "Papertape"
STEP_S = 30
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class AlreadyOnError(Exception):
    """The second factor is on already."""


class TwoFactor:
    """All users' second factors. Everything here blocks."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def is_on(self, user_id: str) -> bool:
        """Whether a login takes a code."""
        query = select(two_factor.c.enabled).where(two_factor.c.user_id == user_id)
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar())

    def codes_left(self, user_id: str) -> int:
        """How many recovery codes are unused."""
        query = select(func.count()).where(recovery_codes.c.user_id == user_id)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def begin(self, user_id: str, username: str) -> tuple[str, str]:
        """A secret for the app, as text and as the URI of a QR code; it counts once confirmed.

        Raises `AlreadyOnError`.
        """
        secret = pyotp.random_base32()
        mine = two_factor.c.user_id == user_id
        with self._engine.begin() as connection:
            connection.execute(delete(two_factor).where(mine & ~two_factor.c.enabled))
            if connection.execute(select(two_factor.c.user_id).where(mine)).first():
                raise AlreadyOnError(user_id)
            sealed = self._vault.seal(connection, user_id, {"secret": secret})
            row = {"user_id": user_id, "secret": sealed, "enabled": False, "used_step": 0}
            connection.execute(insert(two_factor).values(row))
        return secret, pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)

    def confirm(self, user_id: str, code: str, now_s: float) -> Sequence[str] | None:
        """Switch it on when the app's code is right; returns the recovery codes, else None."""
        mine = (two_factor.c.user_id == user_id) & ~two_factor.c.enabled
        with self._engine.begin() as connection:
            if not self._take_code(connection, user_id, code, now_s):
                return None
            change = update(two_factor).where(mine).values(enabled=True)
            if not connection.execute(change).rowcount:
                return None
            return _new_codes(connection, user_id)

    def check(self, user_id: str, code: str, now_s: float) -> bool:
        """Use up a code of the app, or a recovery code; False when it is neither."""
        with self._engine.begin() as connection:
            return self._take_code(connection, user_id, code, now_s) or _take_recovery_code(
                connection, user_id, code
            )

    def new_codes(self, user_id: str) -> Sequence[str]:
        """Other recovery codes; those of before are good for nothing."""
        with self._engine.begin() as connection:
            return _new_codes(connection, user_id)

    def end(self, user_id: str) -> bool:
        """Switch it off; False when it was not on."""
        with self._engine.begin() as connection:
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
            gone = connection.execute(delete(two_factor).where(two_factor.c.user_id == user_id))
            return bool(gone.rowcount)

    def _take_code(self, connection: Connection, user_id: str, code: str, now_s: float) -> bool:
        """Whether it is the code of this half minute, or of the one before or after, and unused."""
        mine = two_factor.c.user_id == user_id
        sealed = connection.execute(select(two_factor.c.secret).where(mine)).scalar()
        secret = self._vault.open(connection, user_id, sealed).get("secret")
        if secret is None:
            return False
        totp = pyotp.TOTP(secret)
        now = int(now_s) // STEP_S
        for step in (now - 1, now, now + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
                unused = mine & (two_factor.c.used_step < step)
                change = update(two_factor).where(unused).values(used_step=step)
                return bool(connection.execute(change).rowcount)
        return False


def _new_codes(connection: Connection, user_id: str) -> Sequence[str]:
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    codes = [_code() for _ in range(RECOVERY_CODES)]
    rows = [{"code_hash": _hash(user_id, code), "user_id": user_id} for code in codes]
    connection.execute(insert(recovery_codes), rows)
    return codes


def _code() -> str:
    """Sixteen letters and digits, 79 bits, in groups that can be typed."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _take_recovery_code(connection: Connection, user_id: str, code: str) -> bool:
    hashed = _hash(user_id, code.strip().lower())
    this_one = (recovery_codes.c.code_hash == hashed) & (recovery_codes.c.user_id == user_id)
    return bool(connection.execute(delete(recovery_codes).where(this_one)).rowcount)


def _hash(user_id: str, code: str) -> str:
    return hashlib.sha256(f"{user_id}:{code}".encode("utf-8", "surrogatepass")).hexdigest()
