"""From a token to the user behind it, cheaply for the thousandth request."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from papertape.server.auth.store import AuthStore, User
from papertape.server.auth.tokens import BadTokenError, Tokens
from papertape.server.problems import not_authenticated

CHECK_AGAIN_S = 30.0
"""A reset password ends the older tokens within this time, also when another process reset it."""

_KNOWN_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and until when the token is good (seconds, wall clock)."""

    user: User
    expires_at: float


class Callers:
    """Reads tokens. A checked one is remembered, since checking costs more than a whole order."""

    def __init__(
        self,
        auth: AuthStore,
        tokens: Tokens,
        *,
        demo_enabled: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._auth = auth
        self._tokens = tokens
        self._demo_enabled = demo_enabled
        self._clock = clock
        self._known: dict[str, tuple[Caller, float]] = {}

    def may_log_in(self, user: User) -> bool:
        """The demo's password is public, so the demo exists only where it was asked for."""
        return self._demo_enabled or not user.is_demo

    async def of(self, request: HTTPConnection) -> Caller:
        """The caller of a request; raises `Problem` 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise not_authenticated()
        return await self.of_token(token.strip())

    async def of_token(self, token: str) -> Caller:
        """The caller of a token; raises `Problem` 401."""
        known = self._known.get(token)
        if known is not None and known[1] > self._clock():
            return known[0]
        self._known.pop(token, None)
        try:
            claims = self._tokens.read(token)
        except BadTokenError as error:
            raise not_authenticated() from error
        user = await asyncio.to_thread(self._auth.user, claims.user_id)
        if user is None or user.generation != claims.generation or not self.may_log_in(user):
            raise not_authenticated()
        caller = Caller(user, claims.expires_at)
        self._remember(token, caller)
        return caller

    def _remember(self, token: str, caller: Caller) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[token] = (caller, min(caller.expires_at, self._clock() + CHECK_AGAIN_S))
