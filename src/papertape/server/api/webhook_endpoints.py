"""Routes of outgoing webhooks: set them up, try them, read their log."""

import asyncio
import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.groups import require_whole
from papertape.server.api.pages import BAD_LIMIT, Cursor, Limit
from papertape.server.bodies import read_body
from papertape.server.callers import Caller, Callers
from papertape.server.documents import Listed, document
from papertape.server.hooks.guard import check_url
from papertape.server.hooks.outbox import Outbox
from papertape.server.hooks.store import (
    ENDPOINTS_MAX,
    Delivery,
    Endpoint,
    EndpointStore,
    TooManyEndpointsError,
)
from papertape.server.models.webhook_endpoints import (
    DeliveryReply,
    EndpointChange,
    EndpointMadeReply,
    EndpointReply,
    EndpointRequest,
)
from papertape.server.problems import Problem, malformed, not_found
from papertape.server.replies import json_reply, listed
from papertape.storage.reads import Reads

_NO_ENDPOINT = {404: ("not_found", not_found("webhook endpoint").detail)}
_NO_DELIVERY = {404: ("not_found", not_found("delivery").detail)}
_TOO_MANY = (
    "too_many_endpoints",
    f"a user has at most {ENDPOINTS_MAX} webhook endpoints; remove one first",
)
_BAD_URL = ("malformed", "url: give an https:// address")


class EndpointRoutes:
    """Everything under `/webhook-endpoints`."""

    def __init__(
        self,
        callers: Callers,
        accounts: Accounts,
        store: EndpointStore,
        outbox: Outbox,
        reads: Reads,
        *,
        allow_private: bool,
    ) -> None:
        self._callers = callers
        self._accounts = accounts
        self._store = store
        self._outbox = outbox
        self._reads = reads
        self._allow_private = allow_private

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        many = f"{PREFIX}/webhook-endpoints"
        one = f"{many}/{{endpoint_id}}"
        documented: dict[str, Any] = {"problems": (404,), "reasons": _NO_ENDPOINT}
        setting: dict[str, Any] = {**documented, "scope": "account"}
        made = document(
            replies={201: EndpointMadeReply},
            body=EndpointRequest,
            problems=(404, 409),
            reasons={409: _TOO_MANY, 422: _BAD_URL},
            scope="account",
        )
        changed = document(
            replies={200: EndpointReply},
            body=EndpointChange,
            problems=(404,),
            reasons=_NO_ENDPOINT | {422: _BAD_URL},
            scope="account",
        )
        deliveries = document(
            replies={200: Listed[DeliveryReply]},
            problems=(404, 422),
            reasons=_NO_ENDPOINT | {422: BAD_LIMIT},
        )
        again = document(
            replies={202: DeliveryReply}, problems=(404,), reasons=_NO_DELIVERY, scope="account"
        )
        for path, handler, method, words in (
            (many, self.create_endpoint, "POST", made),
            (many, self.list_endpoints, "GET", document(replies={200: Listed[EndpointReply]})),
            (one, self.get_endpoint, "GET", document(replies={200: EndpointReply}, **documented)),
            (one, self.change_endpoint, "PATCH", changed),
            (one, self.delete_endpoint, "DELETE", document(replies={204: None}, **setting)),
            (
                f"{one}/rotate-secret",
                self.rotate_endpoint_secret,
                "POST",
                document(replies={200: EndpointMadeReply}, **setting),
            ),
            (
                f"{one}/test",
                self.test_endpoint,
                "POST",
                document(replies={202: DeliveryReply}, **setting),
            ),
            (f"{one}/deliveries", self.list_deliveries, "GET", deliveries),
            (f"{one}/deliveries/{{delivery_id}}/redeliver", self.redeliver, "POST", again),
        ):
            router.add_api_route(path, handler, methods=[method], tags=["webhooks"], **words)

    async def create_endpoint(self, request: Request) -> Response:
        """Have events told to an address; the secret of their signatures is told here only."""
        caller = await self._setting_up(request)
        asked = await read_body(request, EndpointRequest)
        self._check_url(asked.url)
        if asked.account_id is not None:
            await self._accounts.require(caller, asked.account_id)
        head = await asyncio.to_thread(self._reads.head_seq)
        try:
            endpoint = await asyncio.to_thread(
                self._store.create, caller.user.user_id, asked.model_dump(), head
            )
        except TooManyEndpointsError as error:
            raise Problem(409, *_TOO_MANY, more={"limit": str(ENDPOINTS_MAX)}) from error
        self._outbox.wake()
        return await self._with_secret(endpoint, 201)

    async def list_endpoints(self, request: Request) -> Response:
        """The caller's endpoints, the oldest first."""
        caller = await self._setting_up(request)
        endpoints = await asyncio.to_thread(self._store.all_of, caller.user.user_id)
        return listed([_shown(endpoint) for endpoint in endpoints])

    async def get_endpoint(self, request: Request, endpoint_id: str) -> Response:
        """One endpoint."""
        return json_reply(_shown((await self._own(request, endpoint_id))[1]))

    async def change_endpoint(self, request: Request, endpoint_id: str) -> Response:
        """Change an endpoint; what is left out stays."""
        caller, _ = await self._own(request, endpoint_id)
        asked = await read_body(request, EndpointChange)
        if asked.url is not None:
            self._check_url(asked.url)
        given = {name: value for name, value in asked.model_dump().items() if value is not None}
        head = await asyncio.to_thread(self._reads.head_seq)
        endpoint = await asyncio.to_thread(
            self._store.change, caller.user.user_id, endpoint_id, given, head
        )
        if endpoint is None:
            raise not_found("webhook endpoint")
        self._outbox.wake()
        return json_reply(_shown(endpoint))

    async def delete_endpoint(self, request: Request, endpoint_id: str) -> Response:
        """Tell an address nothing any more; its log goes, too."""
        caller, _ = await self._own(request, endpoint_id)
        await asyncio.to_thread(self._store.remove, caller.user.user_id, endpoint_id)
        return Response(status_code=204)

    async def rotate_endpoint_secret(self, request: Request, endpoint_id: str) -> Response:
        """Sign with a new secret, told here only; the old one signs along for a day."""
        caller, _ = await self._own(request, endpoint_id)
        endpoint = await asyncio.to_thread(self._store.rotate, caller.user.user_id, endpoint_id)
        if endpoint is None:
            raise not_found("webhook endpoint")
        return await self._with_secret(endpoint, 200)

    async def test_endpoint(self, request: Request, endpoint_id: str) -> Response:
        """Send an event of the type `test`."""
        _, endpoint = await self._own(request, endpoint_id)
        item = {"time": time_text(time.time_ns()), "endpoint_id": endpoint.endpoint_id}
        delivery = await asyncio.to_thread(self._store.enqueue_test, endpoint, item)
        self._outbox.wake()
        return json_reply(_delivered(delivery), 202)

    async def list_deliveries(
        self, request: Request, endpoint_id: str, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """Every event that an endpoint was told, with all attempts, the newest first."""
        _, endpoint = await self._own(request, endpoint_id)
        log = self._store.log
        found = await asyncio.to_thread(log, endpoint.endpoint_id, limit + 1, _place_of(cursor))
        shown = found[:limit]
        following = None
        if len(found) > limit:
            following = f"{shown[-1].created_ns}.{shown[-1].delivery_id}"
        return listed([_delivered(delivery) for delivery in shown], following)

    async def redeliver(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        """Try a delivery again from now on, also one that arrived or was given up."""
        _, endpoint = await self._own(request, endpoint_id)
        again = self._store.again
        delivery = await asyncio.to_thread(again, endpoint.endpoint_id, delivery_id)
        if delivery is None:
            raise not_found("delivery")
        self._outbox.wake()
        return json_reply(_delivered(delivery), 202)

    async def _with_secret(self, endpoint: Endpoint, status: int) -> Response:
        secrets = await asyncio.to_thread(self._store.secrets_of, endpoint)
        if not secrets:
            raise not_found("webhook endpoint")
        return json_reply(_shown(endpoint) | {"secret": secrets[0]}, status)

    async def _setting_up(self, request: Request) -> Caller:
        caller = await self._callers.of(request)
        require_whole(caller)
        return caller

    async def _own(self, request: Request, endpoint_id: str) -> tuple[Caller, Endpoint]:
        caller = await self._setting_up(request)
        endpoint = await asyncio.to_thread(self._store.one, caller.user.user_id, endpoint_id)
        if endpoint is None:
            raise not_found("webhook endpoint")
        return caller, endpoint

    def _check_url(self, url: str) -> None:
        try:
            check_url(url, allow_private=self._allow_private)
        except ValueError as error:
            raise malformed(f"url: {error}", field="url", value=url) from error


def _place_of(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    created, _, delivery_id = cursor.partition(".")
    if not (created.isascii() and created.isdecimal() and len(created) < 20 and delivery_id):
        raise malformed("cursor: the cursor is not one of ours", field="cursor", value=cursor)
    return min(int(created), 2**63 - 1), delivery_id


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    since_ns = endpoint.failing_since_ns
    return {
        "id": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "account_id": endpoint.account_id,
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": None if since_ns is None else time_text(since_ns),
        "created_at": time_text(endpoint.created_ns),
    }


def _delivered(delivery: Delivery) -> dict[str, Any]:
    is_waiting = delivery.status == "pending"
    return {
        "id": delivery.delivery_id,
        "event": delivery.event,
        "status": delivery.status,
        "created_at": time_text(delivery.created_ns),
        "next_attempt_at": time_text(delivery.next_ns) if is_waiting else None,
        "attempts": delivery.attempts,
        "payload": delivery.payload,
    }
