"""One attempt to deliver: signed, bounded in time, never redirected. And when to try again."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from papertape.domain.time_text import SECOND_NS, time_text
from papertape.server.hooks.guard import ForbiddenTargetError, GuardedTransport
from papertape.server.hooks.signing import headers
from papertape.server.hooks.store import Delivery, Endpoint

WAITS_S = (5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000)
"""Between attempts; behind the last one a delivery is given up, after more than two days."""

DISABLE_AFTER_S = 3 * 24 * 3_600
"""An endpoint at which nothing arrived for so long is switched off."""

WITHIN_S = 15.0
_CONNECT_S = 5.0
_WAIT_MAX_S = 24 * 3_600
_GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to; `retry_after_s` is what the other side asked for."""

    is_delivered: bool
    status: int | None
    error: str | None
    seconds: float
    retry_after_s: float = 0.0

    def attempt(self, at_ns: int) -> dict[str, Any]:
        """The attempt as the log tells it."""
        return {
            "time": time_text(at_ns),
            "status": self.status,
            "error": self.error,
            "seconds": round(self.seconds, 3),
        }


class Sender:
    """Posts deliveries. `allow_private` lets them go to addresses inside, as on a test bench."""

    def __init__(self, *, allow_private: bool) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        inner = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(inner, allow_private=allow_private),
            timeout=httpx.Timeout(WITHIN_S, connect=_CONNECT_S),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, endpoint: Endpoint, secrets: Sequence[str], delivery: Delivery) -> Outcome:
        """Try once; whatever goes wrong is an outcome. The reply's body is not read."""
        started = time.perf_counter()
        body = delivery.payload.encode()
        signed = headers(secrets, delivery.delivery_id, int(time.time()), body)
        told = {"content-type": "application/json", "user-agent": "papertape", **signed}
        try:
            request = self._client.stream("POST", endpoint.url, content=body, headers=told)
            # The client's own limits begin anew with every byte that drips in.
            async with asyncio.timeout(WITHIN_S + _CONNECT_S), request as response:
                return _outcome_of(response, time.perf_counter() - started)
        except TimeoutError:
            seconds = time.perf_counter() - started
            return Outcome(False, None, f"no answer within {seconds:.0f} s", seconds)
        except ForbiddenTargetError as error:
            return Outcome(False, None, str(error), time.perf_counter() - started)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            words = f"{type(error).__name__}: {error}".rstrip(": ")
            return Outcome(False, None, words[:300], time.perf_counter() - started)


def _outcome_of(response: httpx.Response, seconds: float) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome(True, status, None, seconds)
    error = "redirects are not followed" if response.is_redirect else f"answered {status}"
    return Outcome(False, status, error, seconds, _retry_after_s(response))


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(min(int(text), _WAIT_MAX_S)) if len(text) < 10 else float(_WAIT_MAX_S)
    try:
        return max(0.0, min(parsedate_to_datetime(text).timestamp() - time.time(), _WAIT_MAX_S))
    except (ValueError, TypeError, OverflowError):
        return 0.0


@dataclass(frozen=True, slots=True)
class Next:
    """What follows an attempt."""

    status: str
    next_ns: int
    disable: str | None


def next_of(endpoint: Endpoint, delivery: Delivery, outcome: Outcome, now_ns: int) -> Next:
    """Arrived, to be tried again, or given up; and whether the endpoint is switched off."""
    if outcome.is_delivered:
        return Next("delivered", now_ns, None)
    if outcome.status == _GONE:
        return Next("failed", now_ns, "gone")
    since_ns = endpoint.failing_since_ns
    is_long = since_ns is not None and now_ns - since_ns >= DISABLE_AFTER_S * SECOND_NS
    disable = "failing" if is_long else None
    if delivery.tries >= len(WAITS_S):
        return Next("failed", now_ns, disable)
    wait_s = max(_spread(WAITS_S[delivery.tries], delivery), outcome.retry_after_s)
    return Next("pending", now_ns + int(wait_s * SECOND_NS), disable)


def _spread(wait_s: float, delivery: Delivery) -> float:
    """Up to a fifth longer, by the delivery: what failed together does not come back together."""
    told = f"{delivery.delivery_id} {delivery.tries}".encode()
    return wait_s * (1 + hashlib.sha256(told).digest()[0] / 1_280)
