"""A limit on how often one name may be tried from one address, and a longer wait each time."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

WINDOW_S = 60.0
WAIT_S_MAX = 15 * 60.0
_KEYS_MAX = 50_000


@dataclass(slots=True)
class _Tried:
    times: deque[float] = field(default_factory=deque)
    newest: float = 0.0
    shut_until: float = 0.0
    times_shut: int = 0


class Attempts:
    """At most `limit` attempts for each key in any minute; 0 switches the limit off.

    Who tries on is shut out until a minute after the first attempt, the next time for two minutes,
    then four, up to fifteen. A quarter of an hour without an attempt makes good, and so does
    `forget`.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[Hashable, _Tried] = OrderedDict()

    def wait_s(self, key: Hashable) -> float | None:
        """Count one attempt; None when it may go on, else the seconds until the next may."""
        if not self._limit:
            return None
        now = self._clock()
        tried = self._seen.setdefault(key, _Tried())
        self._seen.move_to_end(key)
        self._forget_oldest()
        if tried.newest <= now - WAIT_S_MAX:
            tried.times_shut = 0
        tried.newest = now
        if now < tried.shut_until:
            return tried.shut_until - now
        while tried.times and tried.times[0] <= now - WINDOW_S:
            tried.times.popleft()
        if len(tried.times) < self._limit:
            tried.times.append(now)
            return None
        wait_s = WINDOW_S * 2**tried.times_shut if tried.times_shut else 0.0
        tried.times_shut = min(tried.times_shut + 1, 10)
        tried.shut_until = max(tried.times[0] + WINDOW_S, now + min(wait_s, WAIT_S_MAX))
        return tried.shut_until - now

    def forget(self, key: Hashable) -> None:
        """The attempt was good: the ones before it count no more."""
        self._seen.pop(key, None)

    def _forget_oldest(self) -> None:
        """Memory is bounded; who wants to be forgotten must first spend fifty thousand names."""
        while len(self._seen) > _KEYS_MAX:
            self._seen.popitem(last=False)
