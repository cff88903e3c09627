"""Routes of trading profiles: a user's ways to trade, edited under their ETag."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.currencies import Currencies
from papertape.server.documents import Listed, document
from papertape.server.etags import IF_MATCH, STALE, require_match, stale, tagged
from papertape.server.models.profiles import TradingProfileReply, TradingProfileRequest
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import listed
from papertape.server.rules import Rules
from papertape.server.trading_profiles import (
    PROFILES_MAX,
    ProfileChangedError,
    ProfileNameTakenError,
    TooManyProfilesError,
    TradingProfile,
    TradingProfiles,
)

_NONE = {404: ("not_found", not_found("profile").detail)}
_TAKEN = ("name_taken", "you have a profile of this name; choose another name")
_TOO_MANY = ("too_many_profiles", f"a user has at most {PROFILES_MAX} profiles")
_WRITTEN: dict[str, Any] = {
    "reasons": _NONE | STALE | {409: _TAKEN, 422: ("malformed", "name: Field required")},
    "scope": "account",
}


class ProfileRoutes:
    """Everything under `/profiles`."""

    def __init__(
        self,
        profiles: TradingProfiles,
        callers: Callers,
        rules: Rules,
        currencies: Currencies,
    ) -> None:
        self._profiles = profiles
        self._callers = callers
        self._rules = rules
        self._currencies = currencies

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        everything, one = f"{PREFIX}/profiles", f"{PREFIX}/profiles/{{profile_id}}"
        told = {200: TradingProfileReply}
        for path, method, handler, documented in (
            (
                everything,
                "GET",
                self.list_profiles,
                document(replies={200: Listed[TradingProfileReply]}),
            ),
            (
                everything,
                "POST",
                self.create_profile,
                document(
                    replies={201: TradingProfileReply},
                    body=TradingProfileRequest,
                    problems=(409,),
                    **_WRITTEN,
                ),
            ),
            (
                one,
                "GET",
                self.get_profile,
                document(replies=told, problems=(404,), reasons=_NONE),
            ),
            (
                one,
                "PUT",
                self.replace_profile,
                document(
                    replies=told,
                    body=TradingProfileRequest,
                    parameters=(IF_MATCH,),
                    problems=(404, 409, 412, 428),
                    **_WRITTEN,
                ),
            ),
            (
                one,
                "DELETE",
                self.delete_profile,
                document(replies={204: None}, problems=(404,), **_WRITTEN),
            ),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["profiles"], **documented)

    async def list_profiles(self, request: Request) -> Response:
        """The caller's trading profiles, by name."""
        caller = await self._callers.of(request)
        found = await asyncio.to_thread(self._profiles.of_user, caller.user.user_id)
        return listed([_shown(one) for one in found])

    async def create_profile(self, request: Request) -> Response:
        """Make a trading profile; a new default takes the place of the one before."""
        caller = await self._callers.of(request)
        asked = await read_body(request, TradingProfileRequest)
        await self._check(asked)
        try:
            made = await asyncio.to_thread(
                self._profiles.create,
                caller.user.user_id,
                asked.name,
                _settings(asked),
                is_default=asked.is_default,
            )
        except ProfileNameTakenError as error:
            raise _taken(asked.name) from error
        except TooManyProfilesError as error:
            raise Problem(409, *_TOO_MANY, more={"limit": str(PROFILES_MAX)}) from error
        return _answer(made, 201)

    async def get_profile(self, request: Request, profile_id: str) -> Response:
        """One trading profile."""
        caller = await self._callers.of(request)
        return _answer(await self._own(caller.user.user_id, profile_id))

    async def replace_profile(self, request: Request, profile_id: str) -> Response:
        """Change a trading profile; accounts that it made stay as they are."""
        caller = await self._callers.of(request)
        found = await self._own(caller.user.user_id, profile_id)
        require_match(request, found.version)
        asked = await read_body(request, TradingProfileRequest)
        await self._check(asked)
        try:
            made = await asyncio.to_thread(
                self._profiles.replace,
                caller.user.user_id,
                found,
                asked.name,
                _settings(asked),
                is_default=asked.is_default,
            )
        except ProfileNameTakenError as error:
            raise _taken(asked.name) from error
        except ProfileChangedError as error:
            raise stale(error.version) from error
        return _answer(made)

    async def delete_profile(self, request: Request, profile_id: str) -> Response:
        """Delete a trading profile; accounts that it made stay as they are."""
        caller = await self._callers.of(request)
        user_id = caller.user.user_id
        if not await asyncio.to_thread(self._profiles.delete, user_id, profile_id):
            raise not_found("profile")
        return Response(status_code=204)

    async def _own(self, user_id: str, profile_id: str) -> TradingProfile:
        found = await asyncio.to_thread(self._profiles.find, user_id, profile_id)
        if found is None:
            raise not_found("profile")
        return found

    async def _check(self, asked: TradingProfileRequest) -> None:
        """Raises `Problem` 422 for a preset or a currency that there is not."""
        await self._currencies.require(asked.currency)
        presets = await self._rules.presets()
        for field, kind, name in (
            ("commission", "fees", asked.commission),
            ("slippage", "profiles", asked.slippage),
        ):
            known = [preset["name"] for preset in presets[kind]]
            if name is not None and name not in known:
                raise malformed(f"{field}: use one of {', '.join(known)}", field=field, value=name)


def _settings(asked: TradingProfileRequest) -> dict[str, Any]:
    return asked.model_dump(exclude={"name", "is_default"})


def _taken(name: str) -> Problem:
    return Problem(409, *_TAKEN, more={"field": "name", "value": name})


def _answer(profile: TradingProfile, status: int = 200) -> Response:
    return tagged(_shown(profile), profile.version, status)


def _shown(profile: TradingProfile) -> dict[str, Any]:
    return {
        "id": profile.profile_id,
        "name": profile.name,
        "is_default": profile.is_default,
        **profile.settings,
        "created_at": time_text(profile.created_ns),
        "updated_at": time_text(profile.updated_ns),
    }
