"""API keys. Made, listed and revoked by logins only, never by a key."""

from collections.abc import Sequence
from typing import Literal

from papertape.client.calls import (
    Amount,
    Call,
    Face,
    Group,
    Instant,
    change,
    endpoint,
    get,
    listed,
    part,
)
from papertape.client.replies.users import Key, NewKey

Scope = Literal["read", "trade", "account", "admin"]


class Keys(Group[Face]):
    """`client.keys`."""

    @endpoint
    def all(self) -> Call[list[Key]]:
        """The user's keys, without their secrets."""
        return listed("/keys", Key)

    @endpoint
    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        account_id: str | None = None,
        expires_at: Instant | None = None,
        ip_allow: Sequence[str] = (),
        max_notional: Amount | None = None,
    ) -> Call[NewKey]:
        """A new key; its secret is told here and never again. What is left out is not limited."""
        return change(
            "POST",
            "/keys",
            NewKey,
            name=name,
            scopes=scopes,
            account_id=account_id,
            expires_at=expires_at,
            ip_allow=ip_allow,
            max_notional=max_notional,
        )

    @endpoint
    def get(self, key_id: str) -> Call[Key]:
        """One key."""
        return get(f"/keys/{part(key_id)}", Key)

    @endpoint
    def revoke(self, key_id: str) -> Call[None]:
        """End a key, at once."""
        return change("DELETE", f"/keys/{part(key_id)}", type(None))
