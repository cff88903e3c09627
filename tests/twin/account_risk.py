"""What risk keeps of an account."""

from dataclasses import dataclass, field
from typing import NamedTuple

OF_THE_DAY = ("daily_loss", "daily_loss_share")
"""Measures that begin anew every day."""


class Switch(NamedTuple):
    """A kill switch that is on: why, and who set it (`user` or `admin`)."""

    reason: str
    set_by: str


@dataclass
class AccountRisk:
    """Where an account stands."""

    killed: Switch | None = None
    stop: dict[str, str] | None = None
    """The limit that it came to: `measure`, `value`, `limit`."""
    taken: list[int] = field(default_factory=list)
    """When its last counted orders were taken."""
    day_start: int | None = None
    peak: int | None = None
    fired: dict[tuple[int, int, str], str] = field(default_factory=dict)
    """Measures that were come near or reached, by version, place of the rule and level."""
    call: dict[str, int] | None = None
    """Its margin call: `since_ns`, `due_ns` (0: never)."""
    clean: str | None = None
    """What of it is still to leave: `opening` orders, or `everything`."""
    seen: dict[int, int | None] = field(default_factory=dict)
    """The prices at which it was valued last."""
    based: int = -1
    """The day that `day_start` belongs to."""
    day: int = 0
    """The trading day that `opened` belongs to."""
    opened: set[int] = field(default_factory=set)
    """Instruments that it opened a position in on that day."""
    day_trades: list[int] = field(default_factory=list)

    def stop_at(self, stop: dict[str, str]) -> None:
        """Stops the account; the stop of a day does not take the place of one that lasts."""
        lasts = self.stop is not None and self.stop["measure"] not in OF_THE_DAY
        if not lasts or stop["measure"] not in OF_THE_DAY:
            self.stop = stop
