"""API keys: what a program shows instead of a login, with less rights than one.

A secret has 256 random bits, so its SHA-256 is kept, not a slow hash: there is no guessing it, and
orders do not wait for Argon2. Everything here blocks and is thread-safe.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from papertape.server.auth.tables import api_keys

Scope = Literal["read", "trade", "account", "admin"]
"""What a key may do: look; send, change and cancel orders; open, fund, reset and set up accounts;
what only an admin may, where its owner is one. No scope includes another."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
KEYS_MAX = 100
ALLOWED_NETWORKS_MAX = 50

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ID_RANDOM_LENGTH = 18
KEY_ID = re.compile(r"PK[A-Z2-7]{18}")
_USED_NOTED_EACH_NS = 60_000_000_000
"""`last_used` is true to the minute, so that a busy key does not write all the time."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TooManyKeysError(Exception):
    """The user has `KEYS_MAX` keys."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. Times are nanoseconds since 1970, wall clock.

    None stands for no limit: all accounts, no end, any amount. An empty `ip_allow` is any address.
    """

    key_id: str
    user_id: str
    name: str
    scopes: frozenset[str]
    account_id: str | None
    ip_allow: tuple[Network, ...]
    max_notional: Decimal | None
    created_ns: int
    expires_ns: int | None
    last_used_ns: int | None

    def allows(self, address: str | None) -> bool:
        """Whether the key may be used from an address; an unknown one is no allowed one."""
        if not self.ip_allow:
            return True
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self.ip_allow)


class ApiKeys:
    """The keys of all users, in `auth.db`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self,
        user_id: str,
        *,
        name: str,
        scopes: Sequence[Scope],
        now_ns: int,
        account_id: str | None = None,
        ip_allow: Sequence[Network] = (),
        max_notional: Decimal | None = None,
        expires_ns: int | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which nobody can tell again; raises `TooManyKeysError`."""
        key_id = "PK" + "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_RANDOM_LENGTH))
        secret = secrets.token_urlsafe(32)
        row = {
            "key_id": key_id,
            "user_id": user_id,
            "name": name,
            "secret_hash": _hash(secret),
            "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
            "account_id": account_id,
            "ip_allow": " ".join(str(network) for network in ip_allow),
            "max_notional": None if max_notional is None else f"{max_notional:f}",
            "created_ns": now_ns,
            "expires_ns": expires_ns,
            "last_used_ns": None,
        }
        with self._engine.begin() as connection:
            # Writing first makes others that count wait until this one has counted, too.
            connection.execute(insert(api_keys).values(row))
            mine = select(func.count()).where(api_keys.c.user_id == user_id)
            if connection.execute(mine).scalar_one() > KEYS_MAX:
                raise TooManyKeysError(f"a user has at most {KEYS_MAX} keys")
            made = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one()
        return _key(made), secret

    def of_user(self, user_id: str) -> Sequence[ApiKey]:
        """The user's keys, the newest first."""
        query = select(api_keys).where(api_keys.c.user_id == user_id)
        newest_first = query.order_by(api_keys.c.created_ns.desc(), api_keys.c.key_id)
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(newest_first)]

    def find(self, user_id: str, key_id: str) -> ApiKey | None:
        """One of the user's keys."""
        mine = (api_keys.c.user_id == user_id) & (api_keys.c.key_id == key_id)
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(mine)).one_or_none()
        return None if row is None else _key(row)

    def revoke(self, user_id: str, key_id: str) -> bool:
        """End one of the user's keys; False when there is none of that id."""
        mine = (api_keys.c.user_id == user_id) & (api_keys.c.key_id == key_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(delete(api_keys).where(mine)).rowcount)

    def check(self, key_id: str, secret: str, now_ns: int) -> ApiKey | None:
        """The key when id and secret fit together and it has not ended; notes that it was used."""
        query = select(api_keys).where(api_keys.c.key_id == key_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        known = "" if row is None else row.secret_hash
        if not hmac.compare_digest(known, _hash(secret)) or row is None:
            return None
        if row.expires_ns is not None and row.expires_ns <= now_ns:
            return None
        if row.last_used_ns is None or row.last_used_ns + _USED_NOTED_EACH_NS < now_ns:
            self._note_use(key_id, now_ns)
        return _key(row)

    def _note_use(self, key_id: str, now_ns: int) -> None:
        change = update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_ns=now_ns)
        with self._engine.begin() as connection:
            connection.execute(change)


def network_of(text: str) -> Network:
    """An address or a network such as 192.0.2.0/24; ValueError for anything else."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"give addresses or networks such as 192.0.2.0/24 ({error})") from None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        user_id=row.user_id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        account_id=row.account_id,
        ip_allow=tuple(ipaddress.ip_network(text) for text in row.ip_allow.split()),
        max_notional=None if row.max_notional is None else Decimal(row.max_notional),
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        last_used_ns=row.last_used_ns,
    )
