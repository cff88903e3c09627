"""A limit on how often one name may be tried from one address."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

WINDOW_S = 60.0
_KEYS_MAX = 50_000


class Attempts:
    """At most `limit` attempts for each key in any minute; 0 switches the limit off."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def wait_s(self, key: Hashable) -> float | None:
        """Count one attempt; None when it may go on, else the seconds until the next may."""
        if not self._limit:
            return None
        now = self._clock()
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if len(times) >= self._limit:
            return times[0] + WINDOW_S - now
        times.append(now)
        self._forget_oldest()
        return None

    def _forget_oldest(self) -> None:
        """Memory is bounded; who wants to be forgotten must first spend fifty thousand names."""
        while len(self._seen) > _KEYS_MAX:
            self._seen.popitem(last=False)
