"""How many requests a second one caller may send: a bucket for each, in memory.

Callers are counted by user or API key; who shows neither is counted by address.
"""

import time
from collections.abc import Callable

from papertape.server.problems import Problem

PER_SECOND = 2_000
BURST = 4_000

_BUCKETS_MAX = 50_000


class Rates:
    """Buckets of `burst` requests that fill by `per_second`; 0 switches the limit off."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: float = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = max(burst, 1)
        self._clock = clock
        self._buckets: dict[str, list[float]] = {}

    def take(self, who: str, count: float = 1) -> None:
        """Count a request, as several when it is dear; raises `Problem` 429 for too few left.

        What counts for more than a whole bucket takes a full one.
        """
        if not self._per_second:
            return
        count = min(count, self._burst)
        now = self._clock()
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._new_bucket(who, now)
        left = min(self._burst, bucket[0] + (now - bucket[1]) * self._per_second)
        bucket[1] = now
        if left < count:
            bucket[0] = left
            raise Problem(
                429,
                "too_many_requests",
                f"at most {self._per_second:g} requests a second; wait as long as Retry-After says",
                retry_after_s=(count - left) / self._per_second,
                more={"limit": f"{self._per_second:g}"},
            )
        bucket[0] = left - count

    def _new_bucket(self, who: str, now: float) -> list[float]:
        """A full bucket; those that have filled again are forgotten when there are many."""
        if len(self._buckets) >= _BUCKETS_MAX:
            full_before = now - self._burst / self._per_second
            kept = {name: one for name, one in self._buckets.items() if one[1] > full_before}
            self._buckets = kept if len(kept) < _BUCKETS_MAX else {}
        return self._buckets.setdefault(who, [self._burst, now])
