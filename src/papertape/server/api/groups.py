"""Routes of account groups: several accounts that one alert trades."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document
from papertape.server.groups import (
    BUILT_IN,
    GROUPS_MAX,
    Group,
    GroupNameTakenError,
    GroupStore,
    TooManyGroupsError,
    built_in,
)
from papertape.server.models.groups import GroupChange, GroupReply, GroupRequest
from papertape.server.problems import Problem, not_found, not_permitted
from papertape.server.replies import json_reply, listed

_TAKEN = ("name_taken", "there is a group of this name already; choose another")
_TOO_MANY = f"a user has at most {GROUPS_MAX} groups; remove one first"
_BUILT_IN = ("built_in", f"{BUILT_IN} is the group that everybody has; it stays as it is")
_NO_GROUP = {404: ("not_found", not_found("group").detail)}


def require_whole(caller: Caller) -> None:
    """What trades for the user is set up by who may trade all of it; raises `Problem` 403.

    A key for one account, or for small orders, would else do by a webhook what it may not do.
    """
    key = caller.key
    if key is not None and (key.account_id is not None or key.max_notional is not None):
        raise not_permitted(
            "account",
            "the API key is for one account or for orders up to an amount, and a webhook or a "
            "group is not; use a key without these bounds, or a login",
        )


class GroupRoutes:
    """Everything under `/account-groups`."""

    def __init__(self, callers: Callers, accounts: Accounts, groups: GroupStore) -> None:
        self._callers = callers
        self._accounts = accounts
        self._groups = groups

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        many, one = f"{PREFIX}/account-groups", f"{PREFIX}/account-groups/{{group_id}}"
        router.add_api_route(
            many,
            self.create_group,
            methods=["POST"],
            tags=["groups"],
            **document(
                replies={201: GroupReply},
                body=GroupRequest,
                problems=(404, 409),
                reasons={409: _TAKEN, 422: ("malformed", "name: Field required")},
                scope="account",
            ),
        )
        router.add_api_route(
            many, self.list_groups, tags=["groups"], **document(replies={200: Listed[GroupReply]})
        )
        router.add_api_route(
            one,
            self.get_group,
            tags=["groups"],
            **document(replies={200: GroupReply}, problems=(404,), reasons=_NO_GROUP),
        )
        router.add_api_route(
            one,
            self.change_group,
            methods=["PATCH"],
            tags=["groups"],
            **document(
                replies={200: GroupReply},
                body=GroupChange,
                problems=(404, 409),
                reasons=_NO_GROUP | {409: _TAKEN, 422: ("malformed", "name each account once")},
                scope="account",
            ),
        )
        router.add_api_route(
            one,
            self.delete_group,
            methods=["DELETE"],
            tags=["groups"],
            **document(
                replies={204: None},
                problems=(404, 409),
                reasons=_NO_GROUP | {409: _BUILT_IN},
                scope="account",
            ),
        )

    async def create_group(self, request: Request) -> Response:
        """Make a group of the caller's accounts."""
        caller = await self._setting_up(request)
        asked = await read_body(request, GroupRequest)
        await self._require(caller, asked.account_ids)
        try:
            group = await asyncio.to_thread(
                self._groups.create, caller.user.user_id, asked.name, asked.account_ids
            )
        except GroupNameTakenError as error:
            raise _taken(asked.name) from error
        except TooManyGroupsError as error:
            raise Problem(409, "too_many_groups", _TOO_MANY) from error
        return json_reply(_shown(group), 201)

    async def list_groups(self, request: Request) -> Response:
        """The caller's groups, the built-in one first."""
        caller = await self._callers.of(request)
        own = await asyncio.to_thread(self._groups.all_of, caller.user.user_id)
        groups = [await self._built_in(caller), *own]
        seen = {one.account_id for one in await self._accounts.of(caller)}
        return listed([_shown(group) for group in groups if seen.issuperset(group.account_ids)])

    async def get_group(self, request: Request, group_id: str) -> Response:
        """One group."""
        caller = await self._callers.of(request)
        group = await self._built_in(caller)
        if group.group_id != group_id:
            own = await asyncio.to_thread(self._groups.one, caller.user.user_id, group_id)
            seen = {one.account_id for one in await self._accounts.of(caller)}
            if own is None or not seen.issuperset(own.account_ids):
                raise not_found("group")
            group = own
        return json_reply(_shown(group))

    async def change_group(self, request: Request, group_id: str) -> Response:
        """Rename a group, or give it other accounts; webhooks find it by its name."""
        caller = await self._setting_up(request)
        asked = await read_body(request, GroupChange)
        await self._refuse_built_in(caller, group_id)
        await self._require(caller, asked.account_ids or ())
        try:
            group = await asyncio.to_thread(
                self._groups.change,
                caller.user.user_id,
                group_id,
                asked.name,
                asked.account_ids,
            )
        except GroupNameTakenError as error:
            raise _taken(asked.name) from error
        if group is None:
            raise not_found("group")
        return json_reply(_shown(group))

    async def delete_group(self, request: Request, group_id: str) -> Response:
        """Remove a group. Alerts of a webhook that still names it are refused."""
        caller = await self._setting_up(request)
        await self._refuse_built_in(caller, group_id)
        if not await asyncio.to_thread(self._groups.remove, caller.user.user_id, group_id):
            raise not_found("group")
        return Response(status_code=204)

    async def _setting_up(self, request: Request) -> Caller:
        caller = await self._callers.of(request)
        require_whole(caller)
        return caller

    async def _require(self, caller: Caller, account_ids: Sequence[str]) -> None:
        for account_id in account_ids:
            await self._accounts.require(caller, account_id)

    async def _built_in(self, caller: Caller) -> Group:
        of_user = await self._accounts.of_user(caller.user.user_id)
        first = [one.account_id for one in of_user if not one.is_archived][:1]
        return built_in(caller.user.user_id, first)

    async def _refuse_built_in(self, caller: Caller, group_id: str) -> None:
        if (await self._built_in(caller)).group_id == group_id:
            raise Problem(409, *_BUILT_IN)


def _taken(name: str | None) -> Problem:
    return Problem(409, *_TAKEN, more={"field": "name", "value": name})


def _shown(group: Group) -> dict[str, Any]:
    return {
        "id": group.group_id,
        "name": group.name,
        "account_ids": list(group.account_ids),
        "built_in": group.is_built_in,
        "created_at": None if group.is_built_in else time_text(group.created_ns),
    }
