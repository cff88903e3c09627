"""The clock of a world: the wall clock at the start, the monotonic clock from then on.

It never goes back, not even across a restart (it starts no earlier than the tape ends), and it does
not follow the wall clock when somebody moves that. A disagreement of more than five seconds is a
`clock_jump`: time-driven work halts, so that no order expires because of it.
"""

import logging
import time
from collections.abc import Callable

JUMP_NS = 5_000_000_000

_log = logging.getLogger(__name__)

Nanoseconds = Callable[[], int]


class WorldClock:
    """Nanoseconds since 1970 in a world's time.

    `speed` makes a simulated world run faster than the wall. `told` replaces that: a replay knows
    the world's time after so many nanoseconds of wall time since `start`.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        told: Callable[[int], int] | None = None,
        wall: Nanoseconds = time.time_ns,
        monotonic: Nanoseconds = time.monotonic_ns,
    ) -> None:
        if not 0 < speed <= 1_000_000:
            raise ValueError(f"speed is a factor above 0 and at most 1000000, not {speed}")
        self._speed = speed
        self._told = told
        self._wall = wall
        self._monotonic = monotonic
        self._jumped = False
        self.start(0)

    def start(self, tape_time_ns: int) -> None:
        """Begin now, no earlier than the last time on the tape."""
        self._wall_start = self._wall()
        self._started = self._monotonic()
        self._anchor = tape_time_ns if self._told else max(self._wall_start, tape_time_ns)
        self._last = self._anchor

    def now_ns(self) -> int:
        """The world's time; never less than before."""
        elapsed = self._monotonic() - self._started
        if self._told is not None:
            now = self._told(elapsed)
        else:
            passed = elapsed if self._speed == 1.0 else int(elapsed * self._speed)
            now = self._anchor + passed
        self._last = max(self._last, now)
        return self._last

    @property
    def follows_wall(self) -> bool:
        """Whether the world's time passes with the wall clock's (a replay's does not)."""
        return self._told is None

    @property
    def disagreement_ns(self) -> int:
        """How far the wall clock has moved against the monotonic one since the start."""
        return (self._wall() - self._wall_start) - (self._monotonic() - self._started)

    def jumped(self) -> bool:
        """Whether time-driven work must halt; says so once in the log when it changes."""
        disagreement = self.disagreement_ns
        jumped = abs(disagreement) > JUMP_NS
        if jumped != self._jumped:
            self._jumped = jumped
            seconds = disagreement / 1e9
            if jumped:
                _log.critical("clock_jump: the wall clock is %.1f s off; expiry halts", seconds)
            else:
                _log.warning("clock_jump is over; time-driven work goes on")
        return jumped
