"""The simulated market as a source that the floor runs: a body of its port `MarketSource`."""

import logging
from collections.abc import Iterator

from papertape.engine import Outcome, SimulatedMarket, World
from papertape.markets.bars import Bar
from papertape.markets.simulated.universe import (
    Universe,
    listing_commands,
    load_universe,
    simulation_listings,
)

INPUTS_PER_ACT = 10_000
"""About how many orders and cancels the house sends in one call; more wait for the next."""

_log = logging.getLogger(__name__)


class SimulatedSource:
    """Seeded prices and house bots for a world whose clock the floor keeps.

    The same `seed` gives the same market. `resume` must be called before anything else.
    """

    def __init__(
        self,
        *,
        seed: int,
        world: str = "main",
        universe: Universe | None = None,
        sharing: str = "shared",
    ) -> None:
        self._seed = seed
        self._world = world
        self._sharing = sharing
        self._universe = universe or load_universe()
        self._instruments = simulation_listings(self._universe)
        self._market: SimulatedMarket | None = None

    @property
    def symbols(self) -> list[str]:
        """The listed symbols, in the order of the universe."""
        return [instrument.symbol for instrument in self._universe.instruments]

    def listing(self) -> list[bytes]:
        """The commands that create the world and list everything; all are idempotent."""
        return listing_commands(
            self._universe, world=self._world, seed=self._seed, sharing=self._sharing
        )

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:  # noqa: ARG002
        """Go on at `time_ns` with the prices of `state`, or start with the listed ones.

        What was listed since the state was saved starts at its listed price; what is listed no
        more is forgotten. Time that passed without the market is skipped, prices stand still.
        """
        self._market = None if state is None else self._restored(state)
        if self._market is None:
            self._market = SimulatedMarket(self._seed, self._instruments, time_ns)
        self._market.go_on_at(time_ns)

    def _restored(self, state: bytes) -> SimulatedMarket | None:
        """The market of a saved state; None when it is damaged, for no order depends on it."""
        try:
            return SimulatedMarket.restore(state, self._instruments)
        except ValueError as error:
            _log.warning("the saved prices cannot be read, the listed ones are taken: %s", error)
            return None

    def act(self, world: World, now_ns: int) -> Outcome:
        """Let the house act up to `now_ns`; call again while `next_due_ns <= now_ns`."""
        return world.drive(self._running(), now_ns, INPUTS_PER_ACT)

    def set_closed(self, symbols: list[str]) -> None:
        """Let the bots of these symbols rest, and those of all others trade.

        The next `act` takes their orders out of the book. After `resume` nobody rests.
        """
        self._running().set_closed(symbols)

    def state(self) -> bytes:
        """Prices, volatilities and moods; never orders, which the book forgets anyway."""
        return self._running().state()

    @property
    def next_due_ns(self) -> int | None:
        """When the next instrument acts, in world time."""
        return None if self._market is None else self._market.next_due_ns

    def backfill(self, start_ns: int, minutes: int) -> Iterator[tuple[str, list[Bar]]]:
        """One-minute bars for the charts of a first start, by symbol, oldest first.

        They end at the minute of `start_ns`, at exactly the price the market starts from.
        """
        for symbol, listing in zip(self.symbols, self._instruments, strict=True):
            bars = SimulatedMarket.history(self._seed, listing, start_ns, minutes)
            yield symbol, [Bar(*bar) for bar in bars]

    def _running(self) -> SimulatedMarket:
        if self._market is None:
            raise RuntimeError("the simulated market acts only after resume()")
        return self._market
