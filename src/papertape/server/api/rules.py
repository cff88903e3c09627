"""Routes of fees and fill profiles: presets, and what counts for an exchange or instrument.

Anybody may read them; an admin sets them, under the ETag of what was read. The engine keeps what
was set on the tape, so it lasts.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from papertape.server.api import PREFIX
from papertape.server.bodies import read_body
from papertape.server.callers import Callers
from papertape.server.documents import document
from papertape.server.etags import IF_MATCH, STALE, stale, tagged, versions_meant
from papertape.server.models.base import Body
from papertape.server.models.rules import FeesBody, FillProfilesReply, ProfileBody, RulesReply
from papertape.server.problems import Problem, not_found
from papertape.server.replies import json_reply
from papertape.server.rules import Kind, Named, Rules
from papertape.server.symbols import NO_INSTRUMENT, Symbols

KINDS: tuple[Kind, ...] = ("profile", "fees")
_NOUNS = {"profile": "fill profile", "fees": "fees"}
_PATHS = {"profile": "fill-profile", "fees": "fees"}
_BODIES: dict[str, type[Body]] = {"profile": ProfileBody, "fees": FeesBody}
_NO_EXCHANGE = "exchange; GET /api/v1/exchanges lists them"


class RuleRoutes:
    """`/fill-profiles`, and `fill-profile` and `fees` of exchanges and instruments."""

    def __init__(self, rules: Rules, callers: Callers, symbols: Symbols) -> None:
        self._rules = rules
        self._callers = callers
        self._symbols = symbols

    def add_to(self, router: APIRouter) -> None:
        """The routes with what they take and give."""
        router.add_api_route(
            f"{PREFIX}/fill-profiles",
            self.list_fill_profiles,
            tags=["rules"],
            **document(replies={200: FillProfilesReply}, secured=False),
        )
        for thing, path in (
            ("exchange", f"{PREFIX}/exchanges/{{exchange}}"),
            ("instrument", f"{PREFIX}/instruments/{{symbol:path}}"),
        ):
            for kind in KINDS:
                self._add(router, thing, f"{path}/{_PATHS[kind]}", kind)

    def _add(self, router: APIRouter, thing: str, path: str, kind: Kind) -> None:
        missing = NO_INSTRUMENT if thing == "instrument" else _NO_EXCHANGE
        lost = {404: ("not_found", not_found(missing).detail)}
        reasons = lost | STALE | {422: ("malformed", 'there is no profile "heavenly"')}
        named = self._instrument if thing == "instrument" else self._exchange
        body = _BODIES[kind]
        name = f"{thing}_{_PATHS[kind].replace('-', '_')}"
        read = document(replies={200: RulesReply}, problems=(404,), reasons=lost, secured=False)
        changed: dict[str, Any] = {
            "replies": {200: RulesReply},
            "parameters": (IF_MATCH,),
            "problems": (404, 412, 428),
            "reasons": reasons,
            "scope": "admin",
        }
        for method, verb, handler, documented in (
            ("GET", "get", partial(self._get, named), read),
            ("PUT", "set", partial(self._put, named, kind), document(body=body, **changed)),
            ("DELETE", "take_back", partial(self._delete, named, kind), document(**changed)),
        ):
            router.add_api_route(
                path,
                _with_parameter(handler, "symbol" if thing == "instrument" else "exchange"),
                methods=[method],
                name=f"{verb}_{name}",
                description=_described(verb, kind, thing),
                tags=["rules"],
                **documented,
            )

    async def list_fill_profiles(self, _request: Request) -> Response:
        """Fill profiles and fee schedules that have a name, and what each exchange uses."""
        presets = await self._rules.presets()
        names = sorted({item["exchange"] for item in await self._symbols.instruments()})
        exchanges = [await self._rules.of({"exchange": name}) for name in names]
        return json_reply(presets | {"exchanges": exchanges})

    async def _get(self, named: "_Naming", _request: Request, name: str) -> Response:
        return _answer(await self._rules.of(await named(name)))

    async def _put(self, named: "_Naming", kind: Kind, request: Request, name: str) -> Response:
        await self._callers.of(request)
        scope = await named(name)
        version = await self._version(request, scope)
        asked = await read_body(request, _BODIES[kind])
        value = asked.model_dump(exclude_unset=True, exclude_none=True)
        return _answer(await self._rules.put(scope, kind, value, version))

    async def _delete(self, named: "_Naming", kind: Kind, request: Request, name: str) -> Response:
        await self._callers.of(request)
        scope = await named(name)
        version = await self._version(request, scope)
        return _answer(await self._rules.put(scope, kind, None, version))

    async def _version(self, request: Request, scope: Named) -> int | None:
        """The version that the change is meant for; the floor compares it once more."""
        meant = versions_meant(request)
        if meant is None:
            return None
        current: int = (await self._rules.of(scope))["version"]
        if str(current) not in meant:
            raise stale(current)
        return current

    async def _instrument(self, name: str) -> Named:
        return {"symbol": await self._symbols.require(name)}

    async def _exchange(self, name: str) -> Named:
        try:
            await self._rules.of({"exchange": name})
        except Problem as problem:
            raise not_found(_NO_EXCHANGE) from problem
        return {"exchange": name}


_Naming = Callable[[str], Awaitable[Named]]


def _answer(rules: dict[str, Any]) -> Response:
    return tagged(rules, rules["version"])


def _with_parameter(
    handler: Callable[[Request, str], Awaitable[Response]], parameter: str
) -> Callable[..., Awaitable[Response]]:
    """The handler as FastAPI wants it: with the name of the path's parameter."""
    if parameter == "symbol":

        async def of_symbol(request: Request, symbol: str) -> Response:
            return await handler(request, symbol)

        return of_symbol

    async def of_exchange(request: Request, exchange: str) -> Response:
        return await handler(request, exchange)

    return of_exchange


def _described(verb: str, kind: Kind, thing: str) -> str:
    article = "an" if thing[0] in "aeiou" else "a"
    return {
        "get": f"The rules that count for {article} {thing}, and where they were said.",
        "set": f"Set the {_NOUNS[kind]} of {article} {thing} from now on; open orders meet it too.",
        "take_back": f"Take back the {_NOUNS[kind]} that was set; what counts without it counts.",
    }[verb]
