"""What lives only while the product runs: the street, what rests, the last prices."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.lately import Flow, Stress

if TYPE_CHECKING:
    from twin.combo_rest import Round
    from twin.state import Order


@dataclass
class BotOrder:
    """A resting order of a house bot."""

    id: int
    side: str
    limit_price: int
    leaves: int


@dataclass
class Level:
    """A price that the street shows, and what users left of it."""

    price: int
    displayed: int
    available: int


@dataclass
class Market:
    """What lives only while the product runs: the street, the book, the armed orders, prices."""

    street: dict[str, list[Level]] = field(default_factory=lambda: {"buy": [], "sell": []})
    queue: "list[Order | BotOrder]" = field(default_factory=list)
    """Everything that rests, waits or is armed, in the order in which it was linked."""
    combos: "dict[int, Order]" = field(default_factory=dict)
    """Multi-leg orders that rest beside it, by their place in time."""
    round: "Round | None" = None
    """Which of them are to be looked at."""
    bid: tuple[int, int] | None = None
    ask: tuple[int, int] | None = None
    last: int | None = None
    band_reference: int | None = None
    high: int | None = None
    low: int | None = None
    time_ns: int = 0
    heard: list[int] = field(default_factory=list)
    is_fresh: bool = False
    is_unmarked: bool = False
    is_of_yesterday: bool = False
    """Whether the street has said nothing since its exchange closed."""
    is_modelled: bool = False
    """Whether the street is what a bar has left, and nobody has shown."""
    flow: Flow = field(default_factory=Flow)
    stress: Stress = field(default_factory=Stress)
