"""How a call is carried out: sent, repeated where that is safe, read. Without any I/O.

`Talk.about(call)` is a generator that asks for one step after the other: a `Request` to be sent,
whose response (or transport error) it is given, or a `Pause` to be waited. Both clients drive the
same generator, so they cannot differ in what they repeat.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import msgspec

from papertape.client.calls import Call, Versioned, get, listed
from papertape.client.errors import (
    BadReplyError,
    NotAuthenticatedError,
    NotFoundError,
    OutcomeUnknownError,
    ProblemError,
    UnreachableError,
    problem_of,
)
from papertape.client.replies.accounts import Account
from papertape.client.replies.users import Login, Preferences

T = TypeVar("T")

PREFIX: Final = "/api/v1"
PAUSE_S_FIRST: Final = 0.1
PAUSE_S_MAX: Final = 2.0

_NOT_DONE: Final = frozenset({"not_accepted", "busy", "too_many", "too_many_requests"})
"""Reasons of a 429 or 503 after which nothing was done. `too_many_attempts` is waited for by
people, not by programs."""

_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent; the driver answers with the response or the transport error."""

    method: str
    url: str
    headers: dict[str, str]
    parameters: dict[str, str]
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Pause:
    """What is to be waited; the driver answers None."""

    seconds: float


Answer = httpx.Response | httpx.TransportError | None
Steps = Generator[Request | Pause, Answer, T]


class Credentials:
    """A key, a login's token, or nothing. A login renews itself while its refresh token is good."""

    def __init__(
        self, *, key_id: str | None = None, secret: str | None = None, token: str | None = None
    ) -> None:
        if (key_id is None) != (secret is None):
            raise ValueError("a key has two parts; give key_id and secret")
        if key_id is not None and token is not None:
            raise ValueError("give a key or a token, not both")
        self.key_id = key_id
        self.secret = secret
        self.token = token
        self.refresh_token: str | None = None
        self.on_login: Callable[[Login], None] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that show them."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.key_id is not None and self.secret is not None:
            return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret}
        return {}

    @property
    def stream_message(self) -> dict[str, str]:
        """The first message of a stream."""
        if self.token is not None:
            return {"action": "auth", "token": self.token}
        return {"action": "auth", "key": self.key_id or "", "secret": self.secret or ""}

    def take(self, login: Login) -> None:
        """Remember a login."""
        self.token = login.access_token
        self.refresh_token = login.refresh_token
        if self.on_login is not None:
            self.on_login(login)

    def forget(self) -> str | None:
        """Show nothing any more; returns the refresh token, whose end is the login's end."""
        token, self.refresh_token = self.refresh_token, None
        self.key_id = self.secret = self.token = None
        return token


class Talk:
    """What both clients know: address, credentials, account, patience."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        account_id: str | None = None,
        patience_s: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.credentials = credentials
        self.account_id = account_id
        self.patience_s = patience_s

    @property
    def is_sealed(self) -> bool:
        """Whether the address is one of TLS; certificates are loaded only then, which costs."""
        return not self.url.startswith("http://")

    def about(self, call: Call[T]) -> Steps[T]:
        """The steps of a call; their end is its reply. Raises what `errors` lists."""
        if call.needs_account:
            account_id = call.account_id or self.account_id or (yield from self._usual_account())
            call = call.about(account_id)
        try:
            response = yield from self._patiently(call)
        except NotAuthenticatedError:
            if self.credentials.refresh_token is None:
                raise
            yield from self.renewal()
            response = yield from self._patiently(call)
        return _read(call, response)

    def _usual_account(self) -> Steps[str]:
        """The account that the caller prefers, else the first one; asked for once."""
        accounts = yield from self.about(listed("/accounts", Account))
        if not accounts:
            raise NotFoundError(404, "not_found", "there is no account yet; open one")
        usual = accounts[0].id
        if len(accounts) > 1:
            chosen = yield from self.about(get("/me/preferences", Preferences))
            mine = {account.id for account in accounts}
            usual = chosen.default_account if chosen.default_account in mine else usual
        self.account_id = usual
        return usual

    def renewal(self) -> Steps[None]:
        """The steps that exchange the refresh token for the next token of the login."""
        body = {"refresh_token": self.credentials.refresh_token}
        call: Call[Login] = Call("POST", "/auth/refresh", Login, body=body, is_harmless=True)
        try:
            response = yield from self._patiently(call)
        except NotAuthenticatedError:
            self.credentials.refresh_token = None  # the login has ended
            raise
        self.credentials.take(_read(call, response))

    def _patiently(self, call: Call[Any]) -> Steps[httpx.Response]:
        """Send until there is a reply that counts; raises what the last try came to."""
        waited_s, pause_s = 0.0, PAUSE_S_FIRST
        while True:
            answer = yield self._request(call)
            assert answer is not None
            error = _error_of(answer, call)
            if error is None:
                assert isinstance(answer, httpx.Response)
                return answer
            asked_s = error.retry_after_s if isinstance(error, ProblemError) else None
            wait_s = pause_s * random.uniform(0.5, 1.0) if asked_s is None else asked_s  # noqa: S311
            if not _may_repeat(answer, error, call) or waited_s + wait_s > self.patience_s:
                raise error
            yield Pause(wait_s)
            waited_s += wait_s
            pause_s = min(2 * pause_s, PAUSE_S_MAX)

    def _request(self, call: Call[Any]) -> Request:
        headers = {**self.credentials.headers, **call.headers}
        content = call.content
        if content is not None:
            headers["Content-Type"] = "application/json"
        return Request(
            call.method, self.url + PREFIX + call.path, headers, call.parameters, content
        )


def _error_of(answer: Answer, call: Call[Any]) -> UnreachableError | ProblemError | None:
    if isinstance(answer, httpx.TransportError):
        error = UnreachableError(f"{call.method} {call.path}: {_words(answer)}")
        error.__cause__ = answer
        return error
    assert isinstance(answer, httpx.Response)
    return problem_of(answer) if answer.status_code >= 400 else None


def _words(error: httpx.TransportError) -> str:
    sent = "nothing answers" if isinstance(error, _NEVER_SENT) else "the answer broke off"
    return f"{sent} ({type(error).__name__}{f': {error}' if str(error) else ''})"


def _may_repeat(answer: Answer, error: Exception, call: Call[Any]) -> bool:
    """Whether sending the call again can do no harm, and may help."""
    if isinstance(answer, httpx.TransportError):
        return isinstance(answer, _NEVER_SENT) or call.is_repeatable
    if isinstance(error, OutcomeUnknownError):
        return call.is_repeatable
    return isinstance(error, ProblemError) and error.reason in _NOT_DONE


def _read(call: Call[T], response: httpx.Response) -> T:
    """The reply of a call; raises `BadReplyError` for what cannot be one."""
    if call.reply is type(None):
        return None  # type: ignore[return-value]
    if call.reply is str:
        return response.text  # type: ignore[return-value]
    try:
        reply = msgspec.json.decode(response.content, type=call.reply)
    except msgspec.MsgspecError as error:
        raise BadReplyError(
            f"{call.method} {call.path} was answered by something else than expected: {error}; "
            "is this the address of Papertape, and of a version that this client knows?"
        ) from error
    if call.is_versioned:
        return Versioned(reply, response.headers.get("etag", "*"))  # type: ignore[return-value]
    return reply.items if call.takes_items else reply  # type: ignore[no-any-return]
