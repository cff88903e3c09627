"""What one transaction of the write path carries from the engine to the storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from papertape.domain.tape import Turn

if TYPE_CHECKING:
    from papertape.engine import Rows


@dataclass(frozen=True, slots=True)
class MarketState:
    """Where a market source stood at `time_ns` of its world; not truth, only a place to go on."""

    time_ns: int
    market_seq: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Turns without gaps, and the read-model rows they caused, in the order of the engine."""

    turns: Sequence[Turn]
    rows: Sequence["Rows"]
    market_state: MarketState | None = None
