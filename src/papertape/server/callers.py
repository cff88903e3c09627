"""From a token or an API key to the caller behind it, cheaply for the thousandth request.

Every route has a scope (see `scope_of`), and `Callers.of` lets nobody pass who lacks it.
"""

import asyncio
import base64
import binascii
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.types import Scope as AsgiScope

from papertape.server.auth.keys import KEY_ID, ApiKey, Scope
from papertape.server.auth.store import AuthStore, Role, User
from papertape.server.auth.tokens import BadTokenError, Claims, Tokens
from papertape.server.problems import not_authenticated, not_found, not_permitted
from papertape.server.rates import Rates

RouteScope = Scope | Literal["login"]
"""What a route asks for. No key has `login`: keys, passwords and the user's own data are shut."""

SCOPE_EXTENSION = "x-scope"
"""Where a route of the OpenAPI document says its scope."""

CHECK_AGAIN_S = 30.0
"""A reset password ends the older tokens within this time, also when another process reset it."""

KEY_CHECK_AGAIN_S = 5.0
"""The same for a key that is revoked."""

_KNOWN_MAX = 20_000
_CREDENTIALS = frozenset({b"authorization", b"apca-api-key-id"})
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and until when that is good (seconds, wall clock). No key: a login."""

    user: User
    expires_at: float = math.inf
    key: ApiKey | None = None
    login_id: str | None = None

    @property
    def counted_as(self) -> str:
        """Whose requests these are, where requests are counted."""
        return self.user.user_id if self.key is None else self.key.key_id

    @property
    def max_notional(self) -> Decimal | None:
        """What one order may be worth; None is any amount."""
        return None if self.key is None else self.key.max_notional

    def may(self, scope: RouteScope) -> bool:
        """Whether the caller has a scope."""
        if scope == "admin" and self.user.role is not Role.ADMIN:
            return False
        return self.key is None or scope in self.key.scopes

    @property
    def acts_as(self) -> Literal["user", "admin"]:
        """Who it is noted as where switches and limits are set."""
        return "admin" if self.may("admin") else "user"

    def require(self, scope: RouteScope) -> None:
        """Raises `Problem` 403 when the caller lacks the scope."""
        if self.may(scope):
            return
        if scope == "login":
            raise not_permitted(scope, "no API key may do this; use the token of a login")
        if scope == "admin" and self.user.role is not Role.ADMIN:
            raise not_permitted(scope, "only an admin may do this")
        raise not_permitted(scope, f"the API key lacks the scope {scope}; make one that has it")


Listener = Callable[[Callable[[Caller], bool]], None]


class Callers:
    """Reads tokens and keys. A checked one is remembered: checking costs more than an order."""

    def __init__(
        self,
        auth: AuthStore,
        tokens: Tokens,
        *,
        demo_enabled: bool,
        rates: Rates | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rates = rates or Rates()
        self._auth = auth
        self._tokens = tokens
        self._demo_enabled = demo_enabled
        self._clock = clock
        self._known: dict[str, tuple[Caller, float]] = {}
        self._listeners: set[Listener] = set()

    def may_log_in(self, user: User) -> bool:
        """The demo's password is public, so the demo exists only where it was asked for."""
        return self._demo_enabled or not user.is_demo

    async def of(self, request: HTTPConnection, scope: RouteScope | None = None) -> Caller:
        """The caller of a request, who has the scope: the given one, else that of the route.

        Raises `Problem` 401, 403 and 429.
        """
        token = _token_of(request)
        caller = await self.of_token(token, address_of(request))
        self.rates.take(caller.counted_as)
        caller.require(scope or scope_of(request))
        return caller

    async def require_user(self, user_id: str) -> None:
        """Raises `Problem` 404 where there is no such user."""
        if await asyncio.to_thread(self._auth.user, user_id) is None:
            raise not_found("user")

    async def of_key(self, key_id: str, secret: str, address: str | None) -> Caller:
        """The caller of an API key used from an address; raises `Problem` 401.

        For streams and dialects whose credentials are no headers; what the caller may do is asked
        by `Caller.require`.
        """
        return await self.of_token(f"{key_id}:{secret}", address)

    async def of_token(self, token: str, address: str | None = None) -> Caller:
        """The caller of a login's token or of `key_id:secret`; raises `Problem` 401 and 429."""
        known = self._known.get(token)
        if known is None or known[1] <= self._clock():
            self._known.pop(token, None)
            self.rates.take(address or "")
            known = await (self._check_key(token) if ":" in token else self._check_login(token))
            self._remember(token, known)
        caller = known[0]
        if caller.key is not None and not caller.key.allows(address):
            raise not_authenticated()
        return caller

    def forget_key(self, key_id: str) -> None:
        """The key was revoked: look at it again before it is believed, also on streams."""
        for token in [token for token in self._known if token.startswith(f"{key_id}:")]:
            del self._known[token]
        self._tell(lambda caller: caller.key is not None and caller.key.key_id == key_id)

    def forget_user(self, user_id: str) -> None:
        """Logins of the user ended, or the user changed or left: as `forget_key`."""
        for token, (caller, _) in [*self._known.items()]:
            if caller.user.user_id == user_id:
                del self._known[token]
        self._tell(lambda caller: caller.user.user_id == user_id)

    def _tell(self, concerns: Callable[[Caller], bool]) -> None:
        for tell in [*self._listeners]:
            tell(concerns)

    def listen_for_endings(self, tell: Listener) -> None:
        """`tell` is called when callers end in this process, with a test of whom it concerns."""
        self._listeners.add(tell)

    def stop_listening(self, tell: Listener) -> None:
        """The other end of `listen_for_endings`."""
        self._listeners.discard(tell)

    async def _check_login(self, token: str) -> tuple[Caller, float]:
        try:
            claims = self._tokens.read(token)
        except BadTokenError as error:
            raise not_authenticated() from error
        user = await asyncio.to_thread(self._user_of, claims)
        if user is None or user.generation != claims.generation or not self.may_log_in(user):
            raise not_authenticated()
        until = min(claims.expires_at, self._clock() + CHECK_AGAIN_S)
        return Caller(user, claims.expires_at, login_id=claims.login_id), until

    def _user_of(self, claims: Claims) -> User | None:
        """The user of a token whose login goes on."""
        login_id, now_ns = claims.login_id, int(self._clock() * 1e9)
        if login_id is not None and not self._auth.logins.is_open(login_id, now_ns):
            return None
        return self._auth.user(claims.user_id)

    async def _check_key(self, token: str) -> tuple[Caller, float]:
        key_id, _, secret = token.partition(":")
        if not KEY_ID.fullmatch(key_id):
            raise not_authenticated()
        now_ns = int(self._clock() * 1e9)
        key = await asyncio.to_thread(self._auth.keys.check, key_id, secret, now_ns)
        if key is None:
            raise not_authenticated()
        user = await asyncio.to_thread(self._auth.user, key.user_id)
        if user is None or not self.may_log_in(user):
            raise not_authenticated()
        expires_at = math.inf if key.expires_ns is None else key.expires_ns / 1e9
        until = min(expires_at, self._clock() + KEY_CHECK_AGAIN_S)
        return Caller(user, expires_at, key), until

    def _remember(self, token: str, known: tuple[Caller, float]) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[token] = known


def scope_of(request: HTTPConnection) -> RouteScope:
    """The scope that the route declares in its document.

    A route that declares none is open to keys that may read, or, where it changes something, to
    logins only: what is forgotten is shut.
    """
    declared: RouteScope | None = (
        getattr(request.scope.get("route"), "openapi_extra", None) or {}
    ).get(SCOPE_EXTENSION)
    if declared is not None:
        return declared
    return "read" if request.scope.get("method", "GET") in _READING else "login"


def address_of(connection: HTTPConnection) -> str | None:
    """The address that a request comes from."""
    return connection.client.host if connection.client else None


def shows_credentials(scope: AsgiScope) -> bool:
    """Whether a request has a header that `Callers.of` reads; it need not be good."""
    return any(name in _CREDENTIALS for name, _ in scope["headers"])


def _token_of(request: HTTPConnection) -> str:
    """The token, or `key_id:secret`, of the headers; raises `Problem` 401 when there is none."""
    headers = request.headers
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    token = rest.strip()
    if token and scheme.lower() == "bearer":
        return token
    if token and scheme.lower() == "basic":
        return _basic(token)
    key_id = headers.get("apca-api-key-id")
    if key_id:
        return f"{key_id}:{headers.get('apca-api-secret-key', '')}"
    raise not_authenticated()


def _basic(token: str) -> str:
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise not_authenticated() from error
    if ":" not in text:
        raise not_authenticated()
    return text
