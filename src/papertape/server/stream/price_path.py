"""The path that a price took within the last minutes, and what is said about it.

Pure, on decimals. A price holds from its time on until the next one.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

SECOND_NS = 1_000_000_000
CHANGE_NS = 60 * SECOND_NS
AVERAGE_NS = 300 * SECOND_NS
ALERT_PERCENT = Decimal(2)

_PERCENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Move:
    """A price and how it got there; percentages are of the earlier price.

    `average` is weighted by time over five minutes, or as much of them as is known; `change` is
    against the price a minute ago, None when that is not known; `largest` is the largest move
    within that minute up to this price, with its sign.
    """

    time_ns: int
    price: Decimal
    average: Decimal
    change: Decimal | None
    largest: Decimal

    @property
    def is_alert(self) -> bool:
        """Whether the price moved far within a minute."""
        return abs(self.largest) >= ALERT_PERCENT


class PricePath:
    """Five minutes of one instrument's price."""

    def __init__(self) -> None:
        self._points: deque[tuple[int, Decimal]] = deque()
        self._area = Decimal(0)

    @property
    def price(self) -> Decimal | None:
        """The newest price."""
        return self._points[-1][1] if self._points else None

    def add(self, time_ns: int, price: Decimal) -> bool:
        """Go on to a price; False when it is the one before. Time never goes back."""
        if self._points:
            last_ns, last = self._points[-1]
            if price == last:
                return False
            time_ns = max(time_ns, last_ns)
            self._area += last * (time_ns - last_ns)
        self._points.append((time_ns, price))
        self._forget(time_ns - AVERAGE_NS)
        return True

    def _forget(self, before_ns: int) -> None:
        """Keep the price that held at `before_ns`, and all behind it."""
        while len(self._points) > 1 and self._points[1][0] <= before_ns:
            (start_ns, price), (end_ns, _) = self._points.popleft(), self._points[0]
            self._area -= price * (end_ns - start_ns)

    def move(self) -> Move | None:
        """The newest price and how it got there; None before the first one."""
        if not self._points:
            return None
        now_ns, price = self._points[-1]
        earlier = self._a_minute_before(now_ns)
        before = None if earlier[0][0] > now_ns - CHANGE_NS else earlier[0][1]
        return Move(
            now_ns,
            price,
            self._average(now_ns, price),
            None if before is None else _percent(before, price),
            max((_percent(one, price) for _, one in earlier), key=abs),
        )

    def _a_minute_before(self, now_ns: int) -> list[tuple[int, Decimal]]:
        """The points of the last minute, and the one that held when it began."""
        points: list[tuple[int, Decimal]] = []
        for point in reversed(self._points):
            points.append(point)
            if point[0] <= now_ns - CHANGE_NS:
                break
        points.reverse()
        return points

    def _average(self, now_ns: int, price: Decimal) -> Decimal:
        start_ns, first = self._points[0]
        begins_ns = max(start_ns, now_ns - AVERAGE_NS)
        if begins_ns == now_ns:
            return price
        area = self._area - first * (begins_ns - start_ns)
        exponent = price.as_tuple().exponent
        assert isinstance(exponent, int)
        step = Decimal(1).scaleb(min(exponent - 2, -4))
        return (area / (now_ns - begins_ns)).quantize(step)


def _percent(before: Decimal, now: Decimal) -> Decimal:
    """The change in percent of what was; a price of zero or below has none."""
    if before <= 0:
        return Decimal(0)
    return ((now - before) * 100 / before).quantize(_PERCENT)
