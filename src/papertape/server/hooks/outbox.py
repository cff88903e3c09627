"""Finds what endpoints have not been told, and sends what is due.

Messages of the floor only say that it is worth looking; what there is to tell is read from the read
models behind each endpoint's place. So a server that was down, or lost messages, misses nothing.
"""

import asyncio
import contextlib
import time

import structlog

from papertape.domain.time_text import SECOND_NS
from papertape.floor.ports import PrivateMessage
from papertape.server.hooks.sender import WITHIN_S, Sender, next_of
from papertape.server.hooks.store import WAITING_MAX, Delivery, Endpoint, EndpointStore
from papertape.storage.news import Spot
from papertape.storage.reads import Reads

EVENTS = ("fill", "rejection", "alert")
AT_ONCE_OF_ENDPOINT = 4
AT_ONCE = 32
NEWS_AT_ONCE = 500
LOOK_AGAIN_S = 10.0
"""Also without a message; another server may have made an endpoint."""

REST_S = 0.05
"""Between two looks, however much there is to hear."""

_FORGET_EVERY = 100
_LEASE_NS = int(4 * WITHIN_S * SECOND_NS)


class Outbox:
    """The deliveries of one server process."""

    def __init__(self, store: EndpointStore, reads: Reads, *, allow_private: bool) -> None:
        self._store = store
        self._reads = reads
        self._allow_private = allow_private
        self._news = asyncio.Event()
        self._heard: set[str] = set()
        self._listening: dict[str, set[str]] = {}
        self._look_at_all_at = 0.0
        self._sending: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._is_full = False
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._sent = 0

    def hear(self, message: PrivateMessage) -> None:
        """A message of the floor; those that no endpoint is told about are passed over."""
        if message.account_id not in self._listening:
            return
        if message.channel in {"fills", "alerts"} or message.type == "rejected":
            self._heard.add(message.account_id)
            self._news.set()

    def wake(self) -> None:
        """Look at all now: an endpoint was changed, messages were lost, a delivery is due."""
        self._look_at_all_at = 0.0
        self._news.set()

    async def run(self) -> None:
        """Look and send, for ever."""
        self._sender = Sender(allow_private=self._allow_private)
        try:
            while True:
                self._news.clear()
                try:
                    await self._look()
                    await self._send_due()
                except Exception as error:  # noqa: BLE001 - told, and tried again shortly
                    structlog.get_logger().error("outbox_failed", exc_info=error)
                    await asyncio.sleep(1.0)
                await self._wait()
                await asyncio.sleep(REST_S)
        finally:
            tasks = [task for _, task in self._sending.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sender.close()

    async def _wait(self) -> None:
        """Until there is news, a delivery is due, or it is time to look all the same."""
        next_ns = await asyncio.to_thread(self._store.next_due_ns)
        wait_s = max(0.0, self._look_at_all_at - time.monotonic())
        if next_ns is not None and not self._is_full:
            wait_s = min(wait_s, max(0.05, (next_ns - time.time_ns()) / SECOND_NS))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), wait_s)

    # --- what is there to tell -------------------------------------------------------------------

    async def _look(self) -> None:
        heard, self._heard = self._heard, set()
        if time.monotonic() >= self._look_at_all_at:
            self._look_at_all_at = time.monotonic() + LOOK_AGAIN_S
            endpoints = await asyncio.to_thread(self._all)
        else:
            wanted = {one for account_id in heard for one in self._listening.get(account_id, ())}
            found = [await asyncio.to_thread(self._store.by_id, one) for one in wanted]
            endpoints = [one for one in found if one is not None and one.enabled]
        for endpoint in endpoints:
            while await asyncio.to_thread(self._tell, endpoint):
                again = await asyncio.to_thread(self._store.by_id, endpoint.endpoint_id)
                if again is None:
                    break
                endpoint = again  # noqa: PLW2901 - its place has moved

    def _all(self) -> list[Endpoint]:
        """All endpoints; learns whose accounts they listen to."""
        endpoints = self._store.enabled()
        listening: dict[str, set[str]] = {}
        for endpoint in endpoints:
            for account_id in self._store.accounts_of(endpoint):
                listening.setdefault(account_id, set()).add(endpoint.endpoint_id)
        self._listening = listening
        return endpoints

    def _tell(self, endpoint: Endpoint) -> bool:
        """Write down what an endpoint has not been told; True when there may be more."""
        room = WAITING_MAX - self._store.waiting(endpoint.endpoint_id)
        if room <= 0:
            return False
        head = self._reads.head_seq()
        if head < endpoint.told.seq:  # its world was thrown away
            self._store.enqueue(endpoint, [], Spot(head, 0))
            return False
        limit = min(room, NEWS_AT_ONCE)
        news = self._reads.news(
            self._store.accounts_of(endpoint), endpoint.events, endpoint.told, head, limit
        )
        if not news:
            return False
        told = Spot(news[-1].seq, news[-1].i)
        return self._store.enqueue(endpoint, news, told) and len(news) == limit

    # --- sending ---------------------------------------------------------------------------------

    async def _send_due(self) -> None:
        self._is_full = False
        due = await asyncio.to_thread(self._store.due, time.time_ns(), 2 * AT_ONCE_OF_ENDPOINT)
        for delivery in due:
            if delivery.delivery_id in self._sending:
                continue
            if self._sending_to(delivery.endpoint_id) >= AT_ONCE_OF_ENDPOINT:
                self._is_full = True
                continue
            self._begin(delivery)

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._send(delivery))
        self._sending[delivery.delivery_id] = delivery.endpoint_id, task

        def ended(_: asyncio.Task[None]) -> None:
            self._sending.pop(delivery.delivery_id, None)
            self._news.set()

        task.add_done_callback(ended)

    def _sending_to(self, endpoint_id: str) -> int:
        return sum(one == endpoint_id for one, _ in self._sending.values())

    async def _send(self, delivery: Delivery) -> None:
        async with self._turn:
            endpoint = await asyncio.to_thread(self._store.by_id, delivery.endpoint_id)
            until_ns = time.time_ns() + _LEASE_NS
            if endpoint is None or not endpoint.enabled:
                return
            if not await asyncio.to_thread(self._store.claim, delivery, until_ns):
                return
            secrets = await asyncio.to_thread(self._store.secrets_of, endpoint)
            at_ns = time.time_ns()
            outcome = await self._sender.send(endpoint, secrets, delivery)
            then = next_of(endpoint, delivery, outcome, time.time_ns())
            await asyncio.to_thread(
                self._store.note,
                delivery,
                outcome.attempt(at_ns),
                status=then.status,
                next_ns=then.next_ns,
                disable=then.disable,
            )
            self._sent += 1
            if self._sent % _FORGET_EVERY == 0:
                await asyncio.to_thread(self._store.forget_oldest, endpoint.endpoint_id)
