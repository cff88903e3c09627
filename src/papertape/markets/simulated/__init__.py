"""A market that lives without any feed: listed instruments, seeded prices, house bots.

`universe.json` says what is listed, `SimulatedSource` is what the floor runs. The prices and the
bots themselves are compiled (`engine/agents`, explained in docs/subsystems/agents.md). This room
never decides a fill: its bots trade by the rules of the engine like everybody else.
"""

from papertape.markets.simulated.source import SimulatedSource
from papertape.markets.simulated.universe import Universe, load_universe

__all__ = ["SimulatedSource", "Universe", "load_universe"]
