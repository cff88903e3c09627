"""Routes of logins: register, log in, refresh, log out."""

import asyncio
import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server import cookies
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.me import shown_user
from papertape.server.api.privacy import NOTICE, NOTICE_VERSION
from papertape.server.api.security import check_code_text
from papertape.server.auth.attempts import Attempts
from papertape.server.auth.hashing import Hashing
from papertape.server.auth.logins import Login, ReusedTokenError
from papertape.server.auth.names import USERNAME_LENGTH_MAX, ReservedNameError, username_key
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX
from papertape.server.auth.store import AuthStore, User, UsernameTakenError
from papertape.server.auth.tokens import BadTokenError, Tokens
from papertape.server.bodies import read_body, read_object
from papertape.server.callers import Callers, address_of, shows_credentials
from papertape.server.documents import document
from papertape.server.models.users import (
    LoginReply,
    LoginRequest,
    RefreshRequest,
    RegisterRequest,
    UserReply,
)
from papertape.server.problems import Problem, malformed
from papertape.server.proofs import CODE_NEEDED, Proofs, origin_of
from papertape.server.replies import json_reply

_WRONG_LOGIN = ("wrong_login", "name and password do not fit together")
_NO_LOGIN = ("malformed", "a login has a username and a password")
_LOGIN_ENDED = ("not_authenticated", "the login has ended; log in again")
_NO_REFRESH = ("malformed", "refresh_token: Input should be a valid string")
_NO_NAME = ("malformed", "username: Field required")
_TAKEN = "somebody has this name already; choose another"
_ATTEMPTS = (
    "too_many_attempts",
    "too many attempts with this name; wait as long as Retry-After says",
)


class AuthRoutes:
    """Everything under `/auth`."""

    def __init__(
        self,
        auth: AuthStore,
        tokens: Tokens,
        callers: Callers,
        accounts: Accounts,
        attempts: Attempts,
        hashing: Hashing,
        proofs: Proofs,
    ) -> None:
        self._auth = auth
        self._tokens = tokens
        self._callers = callers
        self._accounts = accounts
        self._attempts = attempts
        self._hashing = hashing
        self._proofs = proofs

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        router.add_api_route(
            f"{PREFIX}/auth/register",
            self.register,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={201: UserReply},
                body=RegisterRequest,
                problems=(409, 429),
                reasons={409: ("username_taken", _TAKEN), 422: _NO_NAME, 429: _ATTEMPTS},
                secured=False,
            ),
        )
        router.add_api_route(
            f"{PREFIX}/auth/login",
            self.login,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={200: LoginReply},
                body=LoginRequest,
                problems=(401, 429),
                reasons={401: _WRONG_LOGIN, 422: _NO_LOGIN, 429: _ATTEMPTS},
                secured=False,
            ),
        )
        router.add_api_route(
            f"{PREFIX}/auth/refresh",
            self.refresh,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={200: LoginReply},
                body=RefreshRequest,
                problems=(401,),
                reasons={401: _LOGIN_ENDED, 422: _NO_REFRESH},
                secured=False,
            ),
        )
        router.add_api_route(
            f"{PREFIX}/auth/logout",
            self.logout,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={204: None},
                body=RefreshRequest,
                reasons={422: _NO_REFRESH},
                secured=False,
            ),
        )

    async def register(self, request: Request) -> Response:
        """Make a user, and open the account with 100000.00 USD."""
        body = await read_body(request, RegisterRequest)
        self._limit(request, body.username)
        try:
            user = await self._hashing.run(
                lambda: self._auth.create_user(body.username, body.password, email=body.email)
            )
        except (UsernameTakenError, ReservedNameError) as error:
            raise _taken(body.username) from error
        await self._accounts.try_open(user.user_id)
        await self._proofs.note(request, "registered", user.user_id)
        if body.accept_notice:
            accepting = (user.user_id, NOTICE, NOTICE_VERSION, time.time_ns())
            await asyncio.to_thread(self._auth.accept, *accepting)
        return json_reply(shown_user(user), 201)

    async def login(self, request: Request) -> Response:
        """Exchange name and password for a token."""
        body = await read_object(request)
        username, password = _login_of(body)
        code = check_code_text(body.get("code"))
        self._limit(request, username)
        user = await self._hashing.run(lambda: self._auth.check_login(username, password))
        if user is None or not self._callers.may_log_in(user):
            await self._note_refusal(request, username)
            raise Problem(401, *_WRONG_LOGIN)
        try:
            await self._proofs.require_code(request, user.user_id, code, 401)
        except Problem as problem:
            if problem.reason != CODE_NEEDED[0]:
                await self._proofs.note(request, "login_refused", user.user_id)
            raise
        self._attempts.forget(_attempt(request, username))
        await self._accounts.try_open(user.user_id)
        login = await asyncio.to_thread(
            self._auth.logins.start, user.user_id, origin_of(request), time.time_ns()
        )
        await self._proofs.note(request, "logged_in", user.user_id, login.login_id)
        return self._entered(request, user, login, in_cookie=body.get("cookie") is True)

    async def _note_refusal(self, request: Request, username: str) -> None:
        user = await asyncio.to_thread(self._auth.user_named, username)
        await self._proofs.note(request, "login_refused", None if user is None else user.user_id)

    async def refresh(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new one and a new access token.

        One that comes a second time is in two hands, so the login ends. The token used last may
        come again within half a minute.
        """
        token, in_cookie = await _refresh_token_of(request)
        user, login = await self._prolonged(request, token)
        return self._entered(request, user, login, in_cookie=in_cookie)

    async def logout(self, request: Request) -> Response:
        """End the login of the access token that the request shows, else of a refresh token."""
        token, in_cookie = await _refresh_token_of(request)
        shown, held = await self._login_shown(request), await self._login_of_refresh(token)
        ended = shown or held
        if ended is not None:
            await asyncio.to_thread(self._auth.logins.end, *ended)
            self._callers.forget_user(ended[0])
            await self._proofs.note(request, "logged_out", *ended)
        response = Response(status_code=204)
        if not in_cookie or held in {None, ended}:  # else another tab is logged in with it
            cookies.forget(response)
        return response

    async def _login_shown(self, request: Request) -> tuple[str, str] | None:
        """User and login of the access token in the header."""
        if not shows_credentials(request.scope):
            return None
        try:
            caller = await self._callers.of(request, "login")
        except Problem:
            return None
        return (caller.user.user_id, caller.login_id) if caller.login_id else None

    async def _login_of_refresh(self, token: str | None) -> tuple[str, str] | None:
        """User and login of a refresh token, also one that was used."""
        try:
            login_id, _ = self._tokens.read_refresh(token or "")
        except BadTokenError:
            return None
        login = await asyncio.to_thread(self._auth.logins.find, login_id)
        return None if login is None else (login.user_id, login_id)

    async def _prolonged(self, request: Request, token: str | None) -> tuple[User, Login]:
        """The user and the login of a refresh token, which is used up; raises `Problem` 401."""
        ended = Problem(401, *_LOGIN_ENDED)
        try:
            login_id, number = self._tokens.read_refresh(token or "")
        except BadTokenError as error:
            raise ended from error
        now_ns, origin = time.time_ns(), origin_of(request)
        try:
            login = await asyncio.to_thread(
                self._auth.logins.refresh, login_id, number, origin, now_ns
            )
        except ReusedTokenError as error:
            self._callers.forget_user(error.user_id)
            await self._proofs.note(request, "refresh_token_reused", error.user_id, login_id)
            raise ended from error
        if login is None:
            raise ended
        user = await asyncio.to_thread(self._auth.user, login.user_id)
        if user is None or not self._callers.may_log_in(user):
            raise ended
        return user, login

    def _entered(self, request: Request, user: User, login: Login, *, in_cookie: bool) -> Response:
        """The tokens of a login, the one for refreshing told or in a cookie."""
        expires_at = login.expires_ns // 1_000_000_000
        refresh = self._tokens.issue_refresh(login.login_id, login.number, expires_at)
        response = json_reply(
            {
                "access_token": self._tokens.issue(user.user_id, user.generation, login.login_id),
                "token_type": "bearer",
                "expires_in": self._tokens.lifetime_s,
                "refresh_token": None if in_cookie else refresh,
            }
        )
        if in_cookie:
            cookies.keep(response, request, refresh)
        return response

    def _limit(self, request: Request, username: str) -> None:
        wait_s = self._attempts.wait_s(_attempt(request, username))
        if wait_s is not None:
            raise Problem(429, *_ATTEMPTS, retry_after_s=wait_s)


def _attempt(request: Request, username: str) -> tuple[str, str, str | None]:
    """What attempts are counted by."""
    return request.url.path, username_key(username), address_of(request)


async def _refresh_token_of(request: Request) -> tuple[str | None, bool]:
    """The token in the body or the page's cookie, and whether it was the cookie."""
    if not await request.body():
        return cookies.cookie_of(request), True
    token = (await read_body(request, RefreshRequest)).refresh_token
    return (token, False) if token else (cookies.cookie_of(request), True)


def _login_of(body: dict[str, Any]) -> tuple[str, str]:
    """Name and password; what cannot be one is empty, which nobody's is, and is weighed the same.

    Raises `Problem` 422 for fields that a login does not have, and a `cookie` that is no boolean.
    """
    for field in body.keys() - LoginRequest.model_fields.keys():
        raise malformed(_NO_LOGIN[1], field=field[:100])
    if not isinstance(body.get("cookie", False), bool):
        raise malformed("cookie: give true or false", field="cookie", value=body["cookie"])
    return (
        _text_within(body.get("username"), USERNAME_LENGTH_MAX),
        _text_within(body.get("password"), PASSWORD_LENGTH_MAX),
    )


def _text_within(value: object, length_max: int) -> str:
    return value if isinstance(value, str) and len(value) <= length_max else ""


def _taken(username: str) -> Problem:
    return Problem(
        409,
        "username_taken",
        _TAKEN,
        more={"field": "username", "value": username},
    )
