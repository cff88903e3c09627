"""Corporate actions as the tape tells them: announcements, and what they do to bars of before.

A split divides the prices of before and multiplies the volumes. A dividend lowers them by its share
of the last price before it, as is usual for charts that tell what a holder made.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from papertape.server.dialects.alpaca.days import day_of
from papertape.server.dialects.alpaca.words import activity_id
from papertape.storage.reads import Reads
from papertape.storage.tape_search import TapeSearch

WORDS = ("corporate_announced", "corporate_began", "corporate_called_off")
RATE_SCALE = 9
"""Digits behind the point of a dividend on the tape."""


@dataclass(frozen=True, slots=True)
class Action:
    """A split (`new` for `old`) or a cash dividend a share; `began_ns` is None until it works."""

    id: str
    symbol: str
    announced_ns: int
    ex_ns: int
    pay_ns: int
    new: int = 1
    old: int = 1
    cash: Decimal = Decimal(0)
    began_ns: int | None = None

    @property
    def is_split(self) -> bool:
        """Whether it changes how many shares there are."""
        return self.new != self.old

    def announcement(self) -> dict[str, Any]:
        """The object of the wire."""
        pays = day_of(self.pay_ns or self.ex_ns).isoformat()
        ex_day = day_of(self.ex_ns).isoformat()
        kind = "stock_split" if self.new > self.old else "reverse_split"
        return {
            "id": activity_id("corporate action", self.id),
            "corporate_action_id": self.id,
            "ca_type": "split" if self.is_split else "dividend",
            "ca_sub_type": kind if self.is_split else "cash",
            "initiating_symbol": self.symbol,
            "initiating_original_cusip": "",
            "target_symbol": self.symbol,
            "target_original_cusip": "",
            "declaration_date": day_of(self.announced_ns).isoformat(),
            "ex_date": ex_day,
            "record_date": ex_day,
            "payable_date": pays,
            "cash": float(self.cash),
            "old_rate": float(self.old),
            "new_rate": float(self.new),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """Prices before a time are multiplied by `price`, volumes by `volume`."""

    before_ns: int
    price: Fraction
    volume: Fraction


class CorporateActions:
    """All actions of a world."""

    def __init__(self, reads: Reads) -> None:
        self._search = TapeSearch(reads, WORDS)

    async def all(self) -> list[Action]:
        """Splits and dividends that were not called off, the oldest first."""
        return actions_of(await asyncio.to_thread(self._search.events))


def actions_of(events: Sequence[Mapping[str, Any]]) -> list[Action]:
    """The splits and dividends of a tape's events."""
    actions: dict[str, Action] = {}
    for event in events:
        name = event["action"]
        if event["e"] == "corporate_announced":
            action = _announced(event)
            if action is not None:
                actions[name] = action
        elif event["e"] == "corporate_called_off":
            actions.pop(name, None)
        elif name in actions:
            actions[name] = replace(actions[name], began_ns=event["time_ns"])
    return list(actions.values())


def _announced(event: Mapping[str, Any]) -> Action | None:
    change = event["change"]
    at_ns = event["time_ns"]
    action = Action(
        event["action"], event["symbol"], at_ns, event["ex_ns"] or at_ns, event["pay_ns"]
    )
    if "dividend" in change:
        return replace(action, cash=Decimal(change["dividend"]).scaleb(-RATE_SCALE))
    if "old" in change:
        return replace(action, new=change["new"], old=change["old"])
    return None


def steps_of(
    actions: Sequence[Action], symbol: str, kinds: frozenset[str], closed: Callable[[int], Any]
) -> list[Step]:
    """What to do to the bars of a symbol; `closed` gives the last price before a time, or None."""
    steps = []
    for action in actions:
        if action.symbol != symbol or action.began_ns is None:
            continue
        if action.is_split and "split" in kinds:
            ratio = Fraction(action.new, action.old)
            steps.append(Step(action.began_ns, 1 / ratio, ratio))
        elif action.cash and "dividend" in kinds:
            last = closed(action.began_ns)
            if last:
                share = 1 - Fraction(action.cash) / Fraction(last)
                steps.append(Step(action.began_ns, max(share, Fraction(0)), Fraction(1)))
    return steps
