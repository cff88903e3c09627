"""Routes of the user's own: profile, preferences, logins."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.auth.logins import Login
from papertape.server.auth.store import AuthStore, User
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document
from papertape.server.etags import CHANGED, MAYBE_IF_MATCH, heed_match, tag_of, tagged
from papertape.server.models.me import (
    LoginItem,
    PreferencesReply,
    PreferencesRequest,
    ProfileRequest,
)
from papertape.server.models.users import UserReply
from papertape.server.problems import Problem, not_authenticated, not_found
from papertape.server.proofs import Proofs
from papertape.server.replies import listed

_NOTHING = ("malformed", "give at least one of display_name, email")
_NO_LOGIN = {404: ("not_found", not_found("login").detail)}


class MeRoutes:
    """Everything under `/me`; to change it takes a login."""

    def __init__(
        self, auth: AuthStore, callers: Callers, accounts: Accounts, proofs: Proofs
    ) -> None:
        self._auth = auth
        self._callers = callers
        self._accounts = accounts
        self._proofs = proofs

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        me = f"{PREFIX}/me"
        reading = document(replies={200: UserReply})
        router.add_api_route(me, self.me, tags=["users"], **reading)
        router.add_api_route(f"{PREFIX}/auth/me", self.me, include_in_schema=False, **reading)
        router.add_api_route(
            me,
            self.change_me,
            methods=["PATCH"],
            tags=["users"],
            **document(
                replies={200: UserReply},
                body=ProfileRequest,
                parameters=(MAYBE_IF_MATCH,),
                problems=(412,),
                reasons={412: CHANGED, 422: _NOTHING},
                scope="login",
            ),
        )
        router.add_api_route(
            f"{me}/preferences",
            self.get_preferences,
            tags=["users"],
            **document(replies={200: PreferencesReply}),
        )
        router.add_api_route(
            f"{me}/preferences",
            self.change_preferences,
            methods=["PATCH"],
            tags=["users"],
            **document(
                replies={200: PreferencesReply},
                body=PreferencesRequest,
                parameters=(MAYBE_IF_MATCH,),
                problems=(404, 409, 412),
                reasons={
                    409: ("account_not_active", "default_account: it is archived"),
                    412: CHANGED,
                    422: ("malformed", "theme: Input should be 'system', 'light' or 'dark'"),
                },
                scope="login",
            ),
        )
        self._add_logins(router, f"{me}/logins")

    def _add_logins(self, router: APIRouter, path: str) -> None:
        router.add_api_route(
            path,
            self.list_logins,
            tags=["users"],
            **document(replies={200: Listed[LoginItem]}, scope="login"),
        )
        router.add_api_route(
            path,
            self.end_logins,
            methods=["DELETE"],
            tags=["users"],
            **document(replies={204: None}, scope="login"),
        )
        router.add_api_route(
            f"{path}/{{login_id}}",
            self.end_login,
            methods=["DELETE"],
            tags=["users"],
            **document(replies={204: None}, problems=(404,), reasons=_NO_LOGIN, scope="login"),
        )

    async def me(self, request: Request) -> Response:
        """The user behind the token or key."""
        caller = await self._callers.of(request)
        user = await asyncio.to_thread(self._auth.user, caller.user.user_id)
        return _tagged(shown_user(user or caller.user))

    async def change_me(self, request: Request) -> Response:
        """Change the name that is shown, or the address for mail."""
        caller = await self._callers.of(request)
        changes = (await read_body(request, ProfileRequest)).model_dump(exclude_unset=True)
        user = await asyncio.to_thread(
            self._auth.change_profile,
            caller.user.user_id,
            changes,
            lambda before: heed_match(request, tag_of(shown_user(before))),
        )
        if user is None:
            raise not_authenticated()
        return _tagged(shown_user(user))

    async def get_preferences(self, request: Request) -> Response:
        """What the user has chosen."""
        caller = await self._callers.of(request)
        chosen = await asyncio.to_thread(self._auth.preferences, caller.user.user_id)
        return _tagged(_preferences(chosen))

    async def change_preferences(self, request: Request) -> Response:
        """Choose; what is not named stays."""
        caller = await self._callers.of(request)
        changes = (await read_body(request, PreferencesRequest)).model_dump(exclude_unset=True)
        if changes.get("default_account") is not None:
            account = await self._accounts.require(caller, changes["default_account"])
            if account.is_archived:
                raise Problem(409, "account_not_active", "default_account: it is archived")
        chosen = await asyncio.to_thread(
            self._auth.change_preferences,
            caller.user.user_id,
            changes,
            lambda before: heed_match(request, tag_of(_preferences(before))),
        )
        self._accounts.prefer(caller.user.user_id, chosen.get("default_account"))
        return _tagged(_preferences(chosen))

    async def list_logins(self, request: Request) -> Response:
        """Where the user is logged in, the login used last first."""
        caller = await self._callers.of(request)
        logins = await asyncio.to_thread(
            self._auth.logins.of_user, caller.user.user_id, time.time_ns()
        )
        return listed([_login(one, caller) for one in logins])

    async def end_logins(self, request: Request) -> Response:
        """Log out everywhere, here too."""
        caller = await self._callers.of(request)
        await asyncio.to_thread(self._auth.end_logins, caller.user.user_id)
        self._callers.forget_user(caller.user.user_id)
        await self._proofs.note(request, "logged_out_everywhere", caller.user.user_id)
        return Response(status_code=204)

    async def end_login(self, request: Request, login_id: str) -> Response:
        """Log out in one place; its requests end at once, its streams within moments."""
        caller = await self._callers.of(request)
        user_id = caller.user.user_id
        if not await asyncio.to_thread(self._auth.logins.end, user_id, login_id):
            raise not_found("login")
        self._callers.forget_user(user_id)
        await self._proofs.note(request, "logged_out", user_id, login_id)
        return Response(status_code=204)


def shown_user(user: User) -> dict[str, Any]:
    """A user as replies tell it."""
    return {
        "id": user.user_id,
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "role": user.role.value,
        "created_at": time_text(user.created_ns),
    }


def _tagged(content: dict[str, Any]) -> Response:
    return tagged(content, tag_of(content))


def _preferences(chosen: Mapping[str, Any]) -> dict[str, Any]:
    of_all = {name: field.default for name, field in PreferencesRequest.model_fields.items()}
    return {name: chosen.get(name, default) for name, default in of_all.items()}


def _login(login: Login, caller: Caller) -> dict[str, Any]:
    return {
        "login_id": login.login_id,
        "address": login.origin.address,
        "user_agent": login.origin.agent,
        "created_at": time_text(login.created_ns),
        "used_at": time_text(login.used_ns),
        "expires_at": time_text(login.expires_ns),
        "is_this_one": login.login_id == caller.login_id,
    }
