"""Fees and fill profiles: what has a name, what counts for an exchange or an instrument."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from papertape.server.etags import stale
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem

Kind = Literal["profile", "fees"]
Named = Mapping[str, str]
"""`{"symbol": ...}` or `{"exchange": ...}`."""


class Rules:
    """Asks the floor for rules and sets them; the tape keeps what was set."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._presets: dict[str, Any] | None = None

    async def presets(self) -> dict[str, Any]:
        """`profiles` and `fees` that have a name; they are the same as long as the engine is."""
        if self._presets is None:
            self._presets = await self._ask("presets", {})
        return self._presets

    async def of(self, named: Named) -> dict[str, Any]:
        """What counts now: `profile`, `fees`, where each was said, and the `version` of the own."""
        return await self._ask("rules", named)

    async def put(
        self, named: Named, kind: Kind, value: object, if_version: int | None
    ) -> dict[str, Any]:
        """Set a rule from now on; None takes back what was set. Raises `Problem` 412, 422."""
        command = {"profile": "set_profile", "fees": "set_fees"}[kind]
        fields = dict(named) | {kind: value, "if_version": if_version}
        try:
            await self._exchange.ask(command, fields)
        except Problem as problem:
            if problem.reason == "version_changed":
                raise stale(problem.more.get("limit")) from problem
            raise
        return await self.of(named)

    async def _ask(self, kind: str, fields: Named) -> dict[str, Any]:
        reply = await self._exchange.ask(kind, fields)
        told: dict[str, Any] = msgspec.json.decode(reply.body)
        return told
