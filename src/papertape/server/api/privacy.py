"""Routes of what is kept about users: consent, export, erasure, the log of security events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from papertape.domain.time_text import time_text
from papertape.server.accounts import Accounts
from papertape.server.api import PREFIX
from papertape.server.api.pages import BAD_LIMIT, Limit
from papertape.server.auth.audit import Event, SecurityEvent
from papertape.server.auth.store import AuthStore, DemoPasswordError, LastAdminError
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.documents import Listed, document
from papertape.server.exchange import Exchange
from papertape.server.models.security import (
    ConsentReply,
    ConsentRequest,
    ExportReply,
    NoticeReply,
    ProofRequest,
    SecurityEventReply,
)
from papertape.server.problems import Problem, malformed
from papertape.server.proofs import WRONG_PASSWORD, Proofs
from papertape.server.replies import JSON, json_reply, listed
from papertape.storage.reads import LIMIT_MAX, Page, Reads

NOTICE = "notice"
NOTICE_VERSION = 1
NOTICE_TEXT = (
    "Everything here is simulated: money, fills and results are not real, and simulated results "
    "promise nothing about real ones. Nothing here is advice to buy, sell or hold anything."
)
_EVENTS_EXPORTED_MAX = 10_000
_STAYS = ("cannot_leave", "nobody else is admin; make somebody admin first")


class PrivacyRoutes:
    """`/notice`, `/me/consents`, `/me/export`, `DELETE /me`, `/security-events`."""

    def __init__(
        self,
        auth: AuthStore,
        callers: Callers,
        accounts: Accounts,
        exchange: Exchange,
        reads: Reads,
        proofs: Proofs,
    ) -> None:
        self._auth = auth
        self._callers = callers
        self._accounts = accounts
        self._exchange = exchange
        self._reads = reads
        self._proofs = proofs

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        me = f"{PREFIX}/me"
        router.add_api_route(
            f"{PREFIX}/notice",
            self.get_notice,
            tags=["users"],
            **document(replies={200: NoticeReply}, secured=False),
        )
        router.add_api_route(
            f"{me}/consents",
            self.list_consents,
            tags=["users"],
            **document(replies={200: Listed[ConsentReply]}, scope="login"),
        )
        router.add_api_route(
            f"{me}/consents",
            self.accept_notice,
            methods=["POST"],
            tags=["users"],
            **document(
                replies={200: ConsentReply},
                body=ConsentRequest,
                reasons={422: ("malformed", f"version: the notice is version {NOTICE_VERSION}")},
                scope="login",
            ),
        )
        router.add_api_route(
            f"{me}/export",
            self.export_me,
            methods=["POST"],
            tags=["users"],
            **document(replies={200: ExportReply}, scope="login"),
        )
        router.add_api_route(
            me,
            self.delete_me,
            methods=["DELETE"],
            tags=["users"],
            **document(
                replies={204: None},
                body=ProofRequest,
                problems=(403, 409),
                reasons={
                    403: WRONG_PASSWORD,
                    409: _STAYS,
                    422: ("malformed", "password: Field required"),
                },
                scope="login",
            ),
        )
        router.add_api_route(
            f"{PREFIX}/security-events",
            self.list_security_events,
            tags=["users"],
            **document(
                replies={200: Listed[SecurityEventReply]},
                problems=(422,),
                reasons={422: BAD_LIMIT},
                scope="admin",
            ),
        )

    async def get_notice(self, _request: Request) -> Response:
        """What users are told and accept: simulated, not advice."""
        notice = {"document": NOTICE, "version": NOTICE_VERSION, "text": NOTICE_TEXT}
        return json_reply(notice)

    async def list_consents(self, request: Request) -> Response:
        """What the user accepted."""
        caller = await self._callers.of(request)
        found = await asyncio.to_thread(self._auth.consents, caller.user.user_id)
        return listed([_consent(*one) for one in found])

    async def accept_notice(self, request: Request) -> Response:
        """Note that the user accepts the notice; a second time changes nothing."""
        caller = await self._callers.of(request)
        asked = await read_body(request, ConsentRequest)
        if asked.version != NOTICE_VERSION:
            raise malformed(
                f"version: the notice is version {NOTICE_VERSION}",
                field="version",
                value=asked.version,
            )
        user_id, now_ns = caller.user.user_id, time.time_ns()
        accepted_ns = await asyncio.to_thread(
            self._auth.accept, user_id, NOTICE, NOTICE_VERSION, now_ns
        )
        if accepted_ns == now_ns:
            await self._proofs.note(request, "notice_accepted", user_id)
        return json_reply(_consent(NOTICE, NOTICE_VERSION, accepted_ns))

    async def export_me(self, request: Request) -> Response:
        """All that is kept about the user, as one JSON document."""
        caller = await self._callers.of(request)
        user_id = caller.user.user_id
        kept = await asyncio.to_thread(self._auth.everything_of, user_id)
        events = await asyncio.to_thread(
            lambda: self._auth.audit.page(user_id=user_id, limit=_EVENTS_EXPORTED_MAX)
        )
        account_ids = [account["account_id"] for account in kept.get("accounts", [])]
        await self._proofs.note(request, "exported", user_id)
        head = {
            "exported_at": time_text(time.time_ns()),
            "kept": kept,
            "security_events": [_event(event) for event in events],
        }
        return StreamingResponse(self._export(head, account_ids), media_type=JSON)

    async def _export(self, head: dict[str, Any], account_ids: list[str]) -> AsyncIterator[bytes]:
        """The document in parts: what the exchange keeps may be long."""
        yield msgspec.json.encode(head)[:-1]
        yield b',"worlds":{' + msgspec.json.encode(self._exchange.world) + b":["
        for number, account_id in enumerate(account_ids):
            yield b',{"id":' if number else b'{"id":'
            yield msgspec.json.encode(account_id)
            for name, read in self._lists_of(account_id):
                yield f',"{name}":['.encode()
                async for part in _items(read):
                    yield part
                yield b"]"
            yield b"}"
        yield b"]}}"

    def _lists_of(self, account_id: str) -> list[tuple[str, Callable[[str | None], Page]]]:
        """What the exchange keeps of an account; each reads the page of a cursor."""
        reads = self._reads
        return [
            ("orders", lambda cursor: reads.orders(account_id, "all", LIMIT_MAX, cursor)),
            ("fills", lambda cursor: reads.fills(account_id, LIMIT_MAX, cursor)),
            ("ledger", lambda cursor: reads.ledger(account_id, LIMIT_MAX, cursor)),
        ]

    async def delete_me(self, request: Request) -> Response:
        """Leave: open orders are canceled, everything personal is erased, nothing brings it back.

        The tape keeps what was traded under ids that name nobody any more.
        """
        caller = await self._callers.of(request)
        asked = await read_body(request, ProofRequest)
        user = caller.user
        try:
            await asyncio.to_thread(self._auth.check_may_leave, user)
        except (DemoPasswordError, LastAdminError) as error:
            raise Problem(409, _STAYS[0], str(error)) from error
        await self._proofs.require(request, caller, asked.password, asked.code)
        await self._cancel_orders(user.user_id)
        await self._proofs.note(request, "erased", user.user_id)
        await asyncio.to_thread(self._auth.erase, user.user_id)
        self._callers.forget_user(user.user_id)
        self._accounts.forget(user.user_id)
        return Response(status_code=204)

    async def _cancel_orders(self, user_id: str) -> None:
        """Raises what the floor raises: who is half gone could not ask again."""
        for account in await self._accounts.of_user(user_id):
            fields = {"account_id": account.account_id, "request_id": str(uuid4())}
            try:
                await self._exchange.ask("cancel_all", fields)
            except Problem as problem:
                if problem.status != 404:
                    raise

    async def list_security_events(
        self,
        request: Request,
        user_id: str | None = None,
        event: Event | None = None,
        limit: Limit = 100,
        cursor: Annotated[str | None, Query(max_length=40, pattern=r"^\d{19}-[0-9a-f]{8}$")] = None,
    ) -> Response:
        """What happened to logins, passwords, keys and users, the newest first."""
        await self._callers.of(request)
        events = await asyncio.to_thread(
            lambda: self._auth.audit.page(
                user_id=user_id, event=event, before=cursor, limit=limit + 1
            )
        )
        following = events[limit - 1].event_id if len(events) > limit else None
        return listed([_event(one) for one in events[:limit]], following)


async def _items(read: Callable[[str | None], Page]) -> AsyncIterator[bytes]:
    """All items of a list with commas between them, a page at a time."""
    cursor: str | None = None
    is_first = True
    while True:
        page = await asyncio.to_thread(read, cursor)
        if page.items:
            encoded = msgspec.json.encode(page.items)[1:-1]
            yield encoded if is_first else b"," + encoded
            is_first = False
        cursor = page.next_cursor
        if cursor is None:
            return


def _consent(document_name: str, version: int, accepted_ns: int) -> dict[str, Any]:
    return {
        "document": document_name,
        "version": version,
        "accepted_at": time_text(accepted_ns),
    }


def _event(event: SecurityEvent) -> dict[str, Any]:
    return {
        "id": event.event_id,
        "at": time_text(event.at_ns),
        "event": event.event,
        "user_id": event.user_id,
        "subject": event.subject,
        "address": event.origin.address,
        "user_agent": event.origin.agent,
    }
