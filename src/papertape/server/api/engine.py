"""Routes of the engine: status, statistics, halts, settings; and the worlds that are served."""

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.documents import Listed, document
from papertape.server.etags import IF_MATCH, STALE, require_match, tag_of, tagged
from papertape.server.exchange import Exchange
from papertape.server.measures import Measures
from papertape.server.models.engine import (
    EngineConfigReply,
    EngineConfigRequest,
    EngineStatisticsReply,
    EngineStatusReply,
    HaltRequest,
    ResumeRequest,
    WorldReply,
)
from papertape.server.problems import malformed, not_found
from papertape.server.replies import json_reply, listed
from papertape.server.risk.policy import Policies, PolicyInForce
from papertape.server.symbols import NO_INSTRUMENT, Symbols
from papertape.storage.reads import Reads

SETTINGS = ("wash_trade", "day_trading", "margin", "day_starts")
"""The members of the risk policy that are no limits."""

_STATUS = ("world", "time", "seq", "market_seq", "market", "writing", "clock_jump", "waiting")
_LOST = {404: ("not_found", not_found(NO_INSTRUMENT).detail)}
_NEITHER = ("malformed", "symbol: name an exchange or a symbol")


class EngineRoutes:
    """Everything under `/engine`, and `/worlds`."""

    def __init__(
        self,
        callers: Callers,
        exchange: Exchange,
        symbols: Symbols,
        policies: Policies,
        reads: Reads,
        measures: Measures,
    ) -> None:
        self._callers = callers
        self._exchange = exchange
        self._symbols = symbols
        self._policies = policies
        self._reads = reads
        self._measures = measures

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        lost = {404: ("not_found", not_found("world").detail)}
        halting: dict[str, Any] = {
            "replies": {200: EngineStatusReply},
            "problems": (404,),
            "reasons": _LOST | {422: _NEITHER},
            "scope": "admin",
        }
        config = document(
            replies={200: EngineConfigReply},
            body=EngineConfigRequest,
            parameters=(IF_MATCH,),
            problems=(412, 428),
            reasons=STALE,
            scope="admin",
        )
        for path, method, handler, documented in (
            ("/worlds", "GET", self.list_worlds, document(replies={200: Listed[WorldReply]})),
            (
                "/worlds/{world}",
                "GET",
                self.get_world,
                document(replies={200: WorldReply}, problems=(404,), reasons=lost),
            ),
            (
                "/engine/status",
                "GET",
                self.get_engine_status,
                document(replies={200: EngineStatusReply}),
            ),
            (
                "/engine/statistics",
                "GET",
                self.get_engine_statistics,
                document(replies={200: EngineStatisticsReply}),
            ),
            ("/engine/halt", "POST", self.halt, document(body=HaltRequest, **halting)),
            ("/engine/resume", "POST", self.resume, document(body=ResumeRequest, **halting)),
            (
                "/engine/config",
                "GET",
                self.get_engine_config,
                document(replies={200: EngineConfigReply}),
            ),
            ("/engine/config", "PUT", self.set_engine_config, config),
        ):
            router.add_api_route(
                PREFIX + path, handler, methods=[method], tags=["engine"], **documented
            )

    # --- worlds -----------------------------------------------------------------------------------

    async def list_worlds(self, request: Request) -> Response:
        """The worlds that this server serves; it is one."""
        await self._callers.of(request)
        return listed([await self._world()])

    async def get_world(self, request: Request, world: str) -> Response:
        """One world."""
        await self._callers.of(request)
        if world != self._exchange.world:
            raise not_found("world")
        return json_reply(await self._world())

    async def _world(self) -> dict[str, Any]:
        status, instruments, sharing = await asyncio.gather(
            self._told("floor_status"),
            self._symbols.instruments(),
            asyncio.to_thread(self._reads.sharing),
        )
        return {
            "world": status["world"],
            "sharing": sharing,
            "time": status["time"],
            "seq": status["seq"],
            "market": status["market"],
            "exchanges": len(await self._exchanges()),
            "instruments": len(instruments),
        }

    # --- status -----------------------------------------------------------------------------------

    async def get_engine_status(self, request: Request) -> Response:
        """Whether the engine works, which part of the day it is, what is halted."""
        await self._callers.of(request)
        return json_reply(await self._status())

    async def get_engine_statistics(self, request: Request) -> Response:
        """What the engine has done since its process began."""
        await self._callers.of(request)
        told = await self._told("floor_status")
        counters = {name: told[name] for name in EngineStatisticsReply.model_fields if name in told}
        return json_reply(counters | {"orders": self._measures.orders_by_outcome()})

    async def _status(self) -> dict[str, Any]:
        status, exchanges, instruments, policy = await asyncio.gather(
            self._told("floor_status"),
            self._exchanges(),
            self._symbols.instruments(),
            self._policies.read(),
        )
        state = "stopped" if policy.kill_switch else "running"
        return {
            "state": state if status["writing"] else "not_writing",
            **{name: status[name] for name in _STATUS},
            "kill_switch": policy.kill_switch,
            "exchanges": [
                {"exchange": one["exchange"], "state": one["state"]} for one in exchanges
            ],
            "halted": [
                {"exchange": one["exchange"], "symbol": None, "reason": one["halt_reason"]}
                for one in exchanges
                if "halt_reason" in one
            ]
            + [
                {"exchange": one["exchange"], "symbol": one["symbol"], "reason": one["halt_reason"]}
                for one in instruments
                if "halt_reason" in one
            ],
        }

    async def _exchanges(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self._told("exchanges"))["items"]
        return items

    async def _told(self, kind: str) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.json.decode((await self._exchange.ask(kind)).body)
        return told

    # --- halts ------------------------------------------------------------------------------------

    async def halt(self, request: Request) -> Response:
        """Let an exchange or an instrument trade no more; orders that can wait are taken."""
        await self._callers.of(request)
        asked = await read_body(request, HaltRequest)
        scope = await self._scope(asked.exchange, asked.symbol)
        await self._exchange.ask("halt", scope | {"reason": asked.reason})
        return json_reply(await self._status())

    async def resume(self, request: Request) -> Response:
        """Let an exchange or an instrument trade again; what was not halted stays as it is."""
        await self._callers.of(request)
        asked = await read_body(request, ResumeRequest)
        scope = await self._scope(asked.exchange, asked.symbol)
        await self._exchange.ask("resume", scope | {"auction": asked.auction})
        return json_reply(await self._status())

    async def _scope(self, exchange: str | None, symbol: str | None) -> dict[str, Any]:
        """What a halt is about; raises `Problem` 404, 422."""
        if (exchange is None) == (symbol is None):
            raise malformed(_NEITHER[1], field="symbol")
        if symbol is not None:
            return {"symbol": await self._symbols.require(symbol)}
        if exchange not in {one["exchange"] for one in await self._exchanges()}:
            raise not_found("exchange; GET /api/v1/exchanges lists them")
        return {"exchange": exchange}

    # --- settings ---------------------------------------------------------------------------------

    async def get_engine_config(self, request: Request) -> Response:
        """The settings of the engine; limits are under `/risk/limits`, fees and fills beside it."""
        await self._callers.of(request)
        return _config(await self._policies.read())

    async def set_engine_config(self, request: Request) -> Response:
        """Set all of the engine's settings from now on; limits stay as they are."""
        await self._callers.of(request)
        # Who has read another version learns that first, whatever he wants to set.
        require_match(request, tag_of(_settings(await self._policies.read())))
        asked = await read_body(request, EngineConfigRequest)
        wanted = asked.model_dump(exclude_none=True, exclude={"policy_version"})

        def changed(found: PolicyInForce) -> dict[str, Any]:
            require_match(request, tag_of(_settings(found)))
            return {"rules": found.rules} | wanted

        return _config(await self._policies.change(changed))


def _settings(policy: PolicyInForce) -> dict[str, Any]:
    return {name: policy.policy.get(name) for name in SETTINGS}


def _config(policy: PolicyInForce) -> Response:
    settings = _settings(policy)
    return tagged({"policy_version": policy.version} | settings, tag_of(settings))
