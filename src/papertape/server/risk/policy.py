"""The risk policy of the world: read whole, changed whole, so that no two changes get lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from papertape.server.exchange import Exchange
from papertape.server.problems import Problem

TRIES = 20
NO_VERSION = 2**64 - 1
"""A version that no policy comes to."""
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy with its version; `kill_switch` is why the world stands still, or None.

    Who set the switch is `user`, `admin`, or None on older tapes.
    """

    version: int
    policy: dict[str, Any]
    kill_switch: str | None
    kill_switch_set_by: str | None

    @property
    def rules(self) -> list[Rule]:
        """Its rules, in their order."""
        rules: list[Rule] = self.policy["rules"]
        return rules


class Policies:
    """Asks the floor for the policy and puts another in its place."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._changing = asyncio.Lock()

    async def read(self) -> PolicyInForce:
        """The policy in force; of version 0 when there never was one."""
        return _told((await self._exchange.ask("policy")).body)

    async def check(self, policy: dict[str, Any]) -> None:
        """Raises what the engine says against the values of a policy; nothing is changed."""
        try:
            await self._exchange.ask("set_policy", {"policy": policy, "if_version": NO_VERSION})
        except Problem as problem:
            if problem.reason != "version_changed":
                raise

    async def change(self, changed: Callable[[PolicyInForce], dict[str, Any]]) -> PolicyInForce:
        """Put what `changed` makes of the policy in its place.

        It is asked again when another server was faster. Raises what it raises, and what the
        engine says against the policy.
        """
        async with self._changing:  # in one process nobody needs to try twice
            for _ in range(TRIES):
                found = await self.read()
                fields = {"policy": changed(found), "if_version": found.version}
                try:
                    return _told((await self._exchange.ask("set_policy", fields)).body)
                except Problem as problem:
                    if problem.reason != "version_changed":
                        raise
        raise Problem(
            503, "busy", "the risk policy is changed all the time; try again", retry_after_s=1
        )


def _told(body: bytes) -> PolicyInForce:
    told = msgspec.json.decode(body)
    switch = told["kill_switch"], told["kill_switch_set_by"]
    return PolicyInForce(told["version"], told["policy"], *switch)
