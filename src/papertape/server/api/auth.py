"""Routes of users: register, log in, who am I."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.auth.attempts import Attempts
from papertape.server.auth.names import USERNAME_LENGTH_MAX, ReservedNameError, username_key
from papertape.server.auth.passwords import PASSWORD_LENGTH_MAX
from papertape.server.auth.store import AuthStore, User, UsernameTakenError
from papertape.server.auth.tokens import Tokens
from papertape.server.bodies import read_body, read_object
from papertape.server.callers import Callers, address_of
from papertape.server.documents import document
from papertape.server.models.users import LoginReply, LoginRequest, RegisterRequest, UserReply
from papertape.server.problems import Problem, malformed
from papertape.server.replies import json_reply

HASHES_AT_ONCE = 2
"""Each takes 64 MiB and a whole core for tens of milliseconds."""

HASHES_WAITING_MAX = 200

_WRONG_LOGIN = ("wrong_login", "name and password do not fit together")
_NO_LOGIN = ("malformed", "a login has a username and a password")
_NO_NAME = ("malformed", "username: Field required")
_TAKEN = "somebody has this name already; choose another"
_ATTEMPTS = (
    "too_many_attempts",
    "too many attempts with this name; wait as long as Retry-After says",
)

Result = TypeVar("Result")


class Hashing:
    """Runs password work on threads of its own, so that orders never wait behind logins."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`; raises `Problem` 503 when too many wait already."""
        if self._waiting >= HASHES_WAITING_MAX:
            raise Problem(
                503, "busy", "too many logins at once; try again shortly", retry_after_s=2
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads after the work at hand."""
        self._threads.shutdown(cancel_futures=True)


class AuthRoutes:
    """`/auth/register`, `/auth/login`, `/me`."""

    def __init__(
        self,
        auth: AuthStore,
        tokens: Tokens,
        callers: Callers,
        accounts: Accounts,
        attempts: Attempts,
        hashing: Hashing,
    ) -> None:
        self._auth = auth
        self._tokens = tokens
        self._callers = callers
        self._accounts = accounts
        self._attempts = attempts
        self._hashing = hashing

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
            f"{PREFIX}/me", self.me, tags=["users"], **document(replies={200: UserReply})
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
        return json_reply(_shown(user), 201)

    async def login(self, request: Request) -> Response:
        """Exchange name and password for a token."""
        username, password = _login_of(await read_object(request))
        self._limit(request, username)
        user = await self._hashing.run(lambda: self._auth.check_login(username, password))
        if user is None or not self._callers.may_log_in(user):
            raise Problem(401, *_WRONG_LOGIN)
        self._attempts.forget(_attempt(request, username))
        await self._accounts.try_open(user.user_id)
        reply = {
            "access_token": self._tokens.issue(user.user_id, user.generation),
            "token_type": "bearer",
            "expires_in": self._tokens.lifetime_s,
        }
        return json_reply(reply)

    async def me(self, request: Request) -> Response:
        """The user behind the token."""
        caller = await self._callers.of(request)
        return json_reply(_shown(caller.user))

    def _limit(self, request: Request, username: str) -> None:
        wait_s = self._attempts.wait_s(_attempt(request, username))
        if wait_s is not None:
            raise Problem(429, *_ATTEMPTS, retry_after_s=wait_s)


def _attempt(request: Request, username: str) -> tuple[str, str, str | None]:
    """What attempts are counted by."""
    return request.url.path, username_key(username), address_of(request)


def _login_of(body: dict[str, Any]) -> tuple[str, str]:
    """Name and password; what cannot be one is empty, which nobody's is, and is weighed the same.

    Raises `Problem` 422 for fields that a login does not have.
    """
    for field in body.keys() - LoginRequest.model_fields.keys():
        raise malformed(_NO_LOGIN[1], field=field[:100])
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


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.user_id,
        "username": user.username,
        "email": user.email,
        "role": user.role.value,
        "created_at": time_text(user.created_ns),
    }
