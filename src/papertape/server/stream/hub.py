"""Hands the floor's messages to whoever subscribed; each is encoded once.

Private messages go out as they come. Market messages wait for a tick of 50 ms, in which the newest
quote, book or bar of a channel replaces the one before, and no print is lost.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from typing import TypeVar

import structlog

from papertape.floor.ports import MarketMessage, PrivateMessage, StreamBatch
from papertape.server.stream.frames import market_frame, private_frame
from papertape.server.stream.kept import KeptMessages
from papertape.server.stream.reader import Reader

PRIVATE_CHANNELS = ("orders", "fills", "account", "positions", "alerts")
TICK_S = 0.05
RECENT_PRINTS = 50
RECONNECT_S = 0.5

Key = TypeVar("Key")
Value = TypeVar("Value")


class Subscription:
    """One reader on one private channel of one account.

    While its start is being fetched, messages are held back, so that none is lost between the
    start and the first live one, and none comes before it.
    """

    __slots__ = ("_held", "account_id", "channel", "reader")

    def __init__(self, reader: Reader, account_id: str, channel: str) -> None:
        self.reader = reader
        self.account_id = account_id
        self.channel = channel
        self._held: list[tuple[int, bytes]] | None = []

    def deliver(self, seq: int, frame: bytes) -> None:
        """Pass a message on, or hold it back."""
        if self._held is None:
            self.reader.send(frame)
        else:
            self._held.append((seq, frame))

    def hold(self) -> None:
        """Hold back from now on, until `release`."""
        self._held = []

    def release(self, after_seq: int) -> None:
        """Pass on what was held and is newer than `after_seq`; go live."""
        held, self._held = self._held or [], None
        for seq, frame in held:
            if seq > after_seq:
                self.reader.send(frame)


class Hub:
    """All subscriptions of one server process, in one world."""

    def __init__(self, world: str, kept: KeptMessages | None = None) -> None:
        self.world = world
        self._kept = kept or KeptMessages()
        self._private: dict[tuple[str, str], dict[Reader, Subscription]] = {}
        self._market: dict[str, dict[Reader, None]] = {}
        self._newest: dict[str, MarketMessage] = {}
        self._prints: dict[str, deque[MarketMessage]] = {}
        self._due: dict[str, MarketMessage] = {}
        self._due_prints: list[MarketMessage] = []
        self._tick: asyncio.TimerHandle | None = None
        self._gap_listeners: dict[Callable[[], None], None] = {}
        self._hearers: dict[Callable[[PrivateMessage], None], None] = {}
        self._watchers: dict[str, dict[Callable[[MarketMessage], None], None]] = {}

    # --- from the floor --------------------------------------------------------------------------

    async def run(self, streams: Callable[[], AsyncIterable[StreamBatch]]) -> None:
        """Take batches for ever; a stream that ends or fails is taken up again, with a gap."""
        while True:
            try:
                async for batch in streams():
                    self.take(batch)
            except Exception as error:  # noqa: BLE001 - told, and the stream is taken up again
                structlog.get_logger().error("stream_of_floor_failed", exc_info=error)
            self.take(StreamBatch(gap=True))
            await asyncio.sleep(RECONNECT_S)

    def take(self, batch: StreamBatch) -> None:
        """Hand one batch out."""
        if batch.gap:
            self._start_afresh()
        for private in batch.private:
            if private.world == self.world:
                self._take_private(private)
        for market in batch.market:
            if market.world == self.world:
                self._take_market(market)

    def _take_private(self, message: PrivateMessage) -> None:
        for hear in list(self._hearers):
            hear(message)
        self._kept.add(message)
        readers = self._private.get((message.account_id, message.channel))
        if readers:
            frame = private_frame(message)
            for subscription in list(readers.values()):
                subscription.deliver(message.seq, frame)

    def _take_market(self, message: MarketMessage) -> None:
        for watcher in list(self._watchers.get(message.channel, ())):
            watcher(message)
        if message.type == "trade":
            prints = self._prints.setdefault(message.channel, deque(maxlen=RECENT_PRINTS))
            prints.append(message)
            if message.channel in self._market:
                self._due_prints.append(message)
        else:
            self._newest[message.channel] = message
            if message.channel in self._market:
                self._due[message.channel] = message
        if self._tick is None and (self._due or self._due_prints):
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self.send_due)

    def send_due(self) -> None:
        """Send what the tick collected, now."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        prints, self._due_prints = self._due_prints, []
        due, self._due = self._due, {}
        for message in prints:
            frame = market_frame(message)
            for reader in list(self._market.get(message.channel, ())):
                reader.send(frame)
        for channel, message in due.items():
            frame = market_frame(message)
            for reader in list(self._market.get(channel, ())):
                reader.offer(channel, frame)

    def _start_afresh(self) -> None:
        """Messages may be missing: kept ones are no basis any more, sessions fetch anew."""
        self._kept.clear()
        self._newest.clear()
        for readers in self._private.values():
            for subscription in readers.values():
                subscription.hold()
        for listener in list(self._gap_listeners):
            listener()

    # --- for the sessions ------------------------------------------------------------------------

    def join_private(self, reader: Reader, account_id: str, channel: str) -> Subscription:
        """Begin to hold messages for a reader; `Subscription.release` lets them flow."""
        subscription = Subscription(reader, account_id, channel)
        self._private.setdefault((account_id, channel), {})[reader] = subscription
        return subscription

    def leave_private(self, reader: Reader, account_id: str, channel: str) -> None:
        """No more of this channel."""
        _leave(self._private, (account_id, channel), reader)

    def join_market(self, reader: Reader, channel: str) -> None:
        """Begin to send a market channel. Call `send_due` before taking its snapshot."""
        self._market.setdefault(channel, {})[reader] = None

    def leave_market(self, reader: Reader, channel: str) -> None:
        """No more of this channel."""
        _leave(self._market, channel, reader)
        reader.forget(channel)

    def listen_for_gaps(self, listener: Callable[[], None]) -> None:
        """Be told when private subscriptions were put on hold and need a fresh start."""
        self._gap_listeners[listener] = None

    def stop_listening(self, listener: Callable[[], None]) -> None:
        """Be told no more."""
        self._gap_listeners.pop(listener, None)

    def hear(self, hearer: Callable[[PrivateMessage], None]) -> None:
        """Be given every private message, of whatever account, as it comes."""
        self._hearers[hearer] = None

    def watch(self, channel: str, watcher: Callable[[MarketMessage], None]) -> None:
        """Be given every message of a market channel as it comes, before any tick."""
        self._watchers.setdefault(channel, {})[watcher] = None

    def stop_watching(self, channel: str, watcher: Callable[[MarketMessage], None]) -> None:
        """Be given no more."""
        watchers = self._watchers.get(channel, {})
        watchers.pop(watcher, None)
        if not watchers:
            self._watchers.pop(channel, None)

    def missed(self, account_id: str, channel: str, since: int) -> list[bytes] | None:
        """The frames behind `since`, or None when only a fresh start helps."""
        missed = self._kept.since(account_id, channel, since)
        return None if missed is None else [private_frame(message) for message in missed]

    @property
    def newest_seq(self) -> int:
        """The newest seq among private messages; the world has at least this one, maybe more."""
        return self._kept.newest_seq

    def newest(self, channel: str) -> bytes | None:
        """The data of the newest message of a conflated channel."""
        message = self._newest.get(channel)
        return None if message is None else message.data

    def offer_newest(self, reader: Reader, channel: str) -> None:
        """Send the newest message of a conflated channel to one reader."""
        message = self._newest.get(channel)
        if message is not None:
            reader.offer(channel, market_frame(message))

    def recent_prints(self, channel: str) -> list[bytes]:
        """The data of the last prints, the oldest first."""
        return [message.data for message in self._prints.get(channel, ())]


def _leave(table: dict[Key, dict[Reader, Value]], key: Key, reader: Reader) -> None:
    readers = table.get(key)
    if readers is None:
        return
    readers.pop(reader, None)
    if not readers:
        del table[key]
