"""What the server counts for Prometheus, in a registry of its own.

Requests are counted in plain numbers and told as metrics when somebody asks: the counters of the
library each take a lock, and a request would pass half a dozen of them.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Seconds:
    """Times by their size. Not for use by several threads."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts = [0] * (len(_SECONDS) + 1)
        self._total = 0.0

    def observe(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(_SECONDS, seconds)] += 1
        self._total += seconds

    def add_to(self, family: HistogramMetricFamily, labels: list[str]) -> None:
        """Tell it as one series of a family."""
        buckets, so_far = [], 0
        for bound, count in zip((*map(str, _SECONDS), "+Inf"), self._counts, strict=True):
            so_far += count
            buckets.append((bound, so_far))
        family.add_metric(labels, buckets, self._total)


class Measures:
    """Counters of one application. Routes are labelled by their pattern, never by an id."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[tuple[str, str], Seconds] = {}
        self._orders: dict[str, int] = {}
        self.floor_seconds = Seconds()
        self.stream_clients = Gauge(
            "papertape_stream_clients", "Open stream connections", registry=self._registry
        )
        self.stream_behind = Counter(
            "papertape_stream_behind",
            "Stream connections closed because they were too far behind",
            registry=self._registry,
        )
        self._registry.register(self)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        key = (method, route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        taken = self._seconds.get((method, route))
        if taken is None:
            taken = self._seconds[method, route] = Seconds()
        taken.observe(seconds)

    def count_order(self, outcome: str) -> None:
        """One order that the floor answered."""
        self._orders[outcome] = self._orders.get(outcome, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """The plain numbers as metrics; the registry asks."""
        requests = CounterMetricFamily(
            "papertape_requests", "HTTP requests answered", labels=("method", "route", "status")
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric([method, route, str(status)], count)
        seconds = HistogramMetricFamily(
            "papertape_request_seconds",
            "Time from the head of a request to the end of its reply",
            labels=("method", "route"),
        )
        for labels, taken in self._seconds.items():
            taken.add_to(seconds, list(labels))
        orders = CounterMetricFamily(
            "papertape_orders", "Orders sent to the floor, by outcome", labels=("outcome",)
        )
        for outcome, count in self._orders.items():
            orders.add_metric([outcome], count)
        floor = HistogramMetricFamily(
            "papertape_floor_round_trip_seconds",
            "Time from asking the floor to its committed reply",
            labels=(),
        )
        self.floor_seconds.add_to(floor, [])
        yield from (requests, seconds, orders, floor)

    def orders_by_outcome(self) -> dict[str, int]:
        """How many orders the floor has answered with each outcome."""
        return dict(self._orders)

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self._registry)
