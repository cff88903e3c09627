"""Writes quotes and prints as they were told, on a thread of its own.

Ticks are copies for reading, so no order waits for a file: what the disk cannot follow is counted
as lost and said once.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import Literal, Protocol

from papertape.floor.ports import MarketMessage

BATCHES_WAITING_MAX = 20_000
PAUSE_S = 0.05
"""What comes within it is written at once."""

CLOSE_MAX_S = 5.0
"""How long an end waits for the disk."""

Kind = Literal["quotes", "trades"]
_KINDS: dict[str, Kind] = {"quote": "quotes", "trade": "trades"}

_log = logging.getLogger(__name__)


class TickSink(Protocol):
    """Where ticks are kept; the tick store of `papertape.markets` is one."""

    def append(self, symbol: str, kind: Kind, lines: Sequence[bytes]) -> None:
        """Keep ticks of one kind of a symbol, the oldest first; raises OSError."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class TickKeeper:
    """Takes messages of the market, and has the quotes and prints among them written soon."""

    def __init__(self, sink: TickSink) -> None:
        self._sink = sink
        self._waiting: queue.Queue[Sequence[MarketMessage] | None] = queue.Queue(
            BATCHES_WAITING_MAX
        )
        self.lost = 0
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticks", daemon=True)
        self._thread.start()

    def keep(self, messages: Sequence[MarketMessage]) -> None:
        """Have the ticks among these written; the messages are not changed any more."""
        if not messages:
            return
        try:
            self._waiting.put_nowait(messages)
        except queue.Full:
            self._lose(len(messages), "the disk cannot follow")

    def close(self) -> None:
        """Write what waits and end; a disk that hangs is not waited for."""
        until = time.monotonic() + CLOSE_MAX_S
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_MAX_S)
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._given_up.set()
            _log.warning("quotes and prints are not kept: the disk took none for %s s", CLOSE_MAX_S)
        else:
            self._sink.close()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            batches = self._taken()
            goes_on = None not in batches and not self._given_up.is_set()
            self._write([message for batch in batches for message in batch or ()])
            if goes_on:
                time.sleep(PAUSE_S)

    def _taken(self) -> list[Sequence[MarketMessage] | None]:
        """What waits; blocks until something does."""
        batches = [self._waiting.get()]
        while not self._waiting.empty():
            batches.append(self._waiting.get())
        return batches

    def _write(self, messages: Sequence[MarketMessage]) -> None:
        lines: dict[tuple[str, Kind], list[bytes]] = {}
        for message in messages:
            kind = _KINDS.get(message.type)
            if kind is not None:
                symbol = message.channel.partition(":")[2]
                lines.setdefault((symbol, kind), []).append(message.data)
        for (symbol, kind), some in lines.items():
            try:
                self._sink.append(symbol, kind, some)
            except OSError as error:
                self._lose(len(some), f"{kind} of {symbol}: {error}")

    def _lose(self, count: int, reason: str) -> None:
        if not self.lost:
            _log.warning("quotes and prints are not kept: %s", reason)
        self.lost += count
