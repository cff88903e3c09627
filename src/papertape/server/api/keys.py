"""Routes of API keys: make, look at, revoke."""

import asyncio
import time
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import parse_time, time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.auth.keys import (
    KEYS_MAX,
    SCOPES,
    ApiKey,
    TooManyKeysError,
    network_of,
)
from papertape.server.auth.store import AuthStore
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document
from papertape.server.models.keys import KeyMadeReply, KeyReply, KeyRequest
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.proofs import Proofs
from papertape.server.replies import json_reply, listed

_TOO_MANY = ("too_many_keys", f"a user has at most {KEYS_MAX} keys; revoke one first")
_NO_KEY = {404: ("not_found", not_found("key").detail)}
_TIME_NS_MAX = 2**63 - 1


class KeyRoutes:
    """Everything under `/keys`; a key makes no keys, so all of it takes a login."""

    def __init__(
        self, auth: AuthStore, callers: Callers, accounts: Accounts, proofs: Proofs
    ) -> None:
        self._auth = auth
        self._callers = callers
        self._accounts = accounts
        self._proofs = proofs

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        one = f"{PREFIX}/keys/{{key_id}}"
        router.add_api_route(
            f"{PREFIX}/keys",
            self.create_key,
            methods=["POST"],
            tags=["keys"],
            **document(
                replies={201: KeyMadeReply},
                body=KeyRequest,
                problems=(404, 409),
                reasons={409: _TOO_MANY, 422: ("malformed", "scopes: Field required")},
                scope="login",
            ),
        )
        router.add_api_route(
            f"{PREFIX}/keys",
            self.list_keys,
            tags=["keys"],
            **document(replies={200: Listed[KeyReply]}, scope="login"),
        )
        router.add_api_route(
            one,
            self.get_key,
            tags=["keys"],
            **document(replies={200: KeyReply}, problems=(404,), reasons=_NO_KEY, scope="login"),
        )
        router.add_api_route(
            one,
            self.revoke_key,
            methods=["DELETE"],
            tags=["keys"],
            **document(replies={204: None}, problems=(404,), reasons=_NO_KEY, scope="login"),
        )

    async def create_key(self, request: Request) -> Response:
        """Make an API key; its secret is told in this reply and never again."""
        caller = await self._callers.of(request)
        asked = await read_body(request, KeyRequest)
        now_ns = time.time_ns()
        _check(caller, asked, now_ns)
        if asked.account_id is not None:
            await self._accounts.require(caller, asked.account_id)
        try:
            key, secret = await asyncio.to_thread(
                self._auth.keys.create,
                caller.user.user_id,
                name=asked.name,
                scopes=asked.scopes,
                now_ns=now_ns,
                account_id=asked.account_id,
                ip_allow=[network_of(text) for text in asked.ip_allow],
                max_notional=None if asked.max_notional is None else Decimal(asked.max_notional),
                expires_ns=None if asked.expires_at is None else parse_time(asked.expires_at),
            )
        except TooManyKeysError as error:
            raise Problem(409, *_TOO_MANY, more={"limit": str(KEYS_MAX)}) from error
        await self._proofs.note(request, "key_created", caller.user.user_id, key.key_id)
        return json_reply(_shown(key) | {"secret": secret}, 201)

    async def list_keys(self, request: Request) -> Response:
        """The caller's keys, the newest first."""
        caller = await self._callers.of(request)
        keys = await asyncio.to_thread(self._auth.keys.of_user, caller.user.user_id)
        return listed([_shown(key) for key in keys])

    async def get_key(self, request: Request, key_id: str) -> Response:
        """One key."""
        caller = await self._callers.of(request)
        key = await asyncio.to_thread(self._auth.keys.find, caller.user.user_id, key_id)
        if key is None:
            raise not_found("key")
        return json_reply(_shown(key))

    async def revoke_key(self, request: Request, key_id: str) -> Response:
        """End a key; requests and streams that use it end within seconds."""
        caller = await self._callers.of(request)
        if not await asyncio.to_thread(self._auth.keys.revoke, caller.user.user_id, key_id):
            raise not_found("key")
        self._callers.forget_key(key_id)
        await self._proofs.note(request, "key_revoked", caller.user.user_id, key_id)
        return Response(status_code=204)


def _check(caller: Caller, asked: KeyRequest, now_ns: int) -> None:
    """Raises `Problem` 422 for what no key of this user can be."""
    if "admin" in asked.scopes:
        if not caller.may("admin"):
            raise malformed("scopes: only an admin's key can have admin", field="scopes")
        if asked.account_id is not None:
            raise malformed(
                "account_id: a key with the scope admin is not bound to an account",
                field="account_id",
                value=asked.account_id,
            )
    if asked.expires_at is not None and not now_ns < parse_time(asked.expires_at) < _TIME_NS_MAX:
        raise malformed(
            "expires_at: give a time that is still to come, before the year 2262",
            field="expires_at",
            value=asked.expires_at,
        )
    if asked.max_notional is not None and Decimal(asked.max_notional) <= 0:
        raise malformed(
            "max_notional: give an amount above 0",
            field="max_notional",
            value=asked.max_notional,
        )


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "account_id": key.account_id,
        "expires_at": _time(key.expires_ns),
        "ip_allow": [str(network) for network in key.ip_allow],
        "max_notional": None if key.max_notional is None else f"{key.max_notional:f}",
        "created_at": time_text(key.created_ns),
        "last_used_at": _time(key.last_used_ns),
    }


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else time_text(time_ns)
