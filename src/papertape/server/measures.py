"""What the server counts for Prometheus, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Measures:
    """Counters of one application. Routes are labelled by their pattern, never by an id."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "papertape_requests",
            "HTTP requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "papertape_request_seconds",
            "Time from the head of a request to the end of its reply",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._orders = Counter(
            "papertape_orders",
            "Orders sent to the floor, by outcome",
            ("outcome",),
            registry=self._registry,
        )
        self.floor_seconds = Histogram(
            "papertape_floor_round_trip_seconds",
            "Time from asking the floor to its committed reply",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.stream_clients = Gauge(
            "papertape_stream_clients", "Open stream connections", registry=self._registry
        )
        self.stream_behind = Counter(
            "papertape_stream_behind",
            "Stream connections closed because they were too far behind",
            registry=self._registry,
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        key = (method, route, status)
        children = self._children.get(key)
        if children is None:
            # Looking labels up costs more than counting; there are few of them.
            children = self._children[key] = (
                self._requests.labels(method, route, str(status)),
                self._request_seconds.labels(method, route),
            )
        children[0].inc()
        children[1].observe(seconds)

    def count_order(self, outcome: str) -> None:
        """One order that the floor answered."""
        self._orders.labels(outcome).inc()

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self._registry)
