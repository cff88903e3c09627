"""The floor's end of the link: a body of the port `Link`."""

import math
import time
import uuid
from collections import defaultdict
from typing import NamedTuple

import msgspec
import zmq

from papertape.floor.link.frames import (
    HEARTBEAT_MS,
    HEARTBEAT_TIMEOUT_MS,
    Answer,
    Answers,
    LinkAddresses,
    Published,
    decode_requests,
    encode,
)
from papertape.floor.ports import Asked, Reply, StreamBatch

RECEIVED_MAX = 500
STREAM_WAITING_MAX = 10_000
LIFE_SIGN_S = 0.5
CLOSE_LINGER_MS = 500


class _Ticket(NamedTuple):
    server: bytes
    id: int


class LinkServer:
    """Sockets of one floor. A server that does not read loses stream batches, never replies."""

    def __init__(self, addresses: LinkAddresses) -> None:
        self._floor = uuid.uuid4().hex
        self._context = zmq.Context()
        self._ask = self._context.socket(zmq.ROUTER)
        self._stream = self._context.socket(zmq.PUB)
        for socket in (self._ask, self._stream):
            socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
            socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
            socket.setsockopt(zmq.LINGER, CLOSE_LINGER_MS)
        # Requests in flight are bounded by the servers, so nothing may be dropped in between.
        self._ask.setsockopt(zmq.RCVHWM, 0)
        self._ask.setsockopt(zmq.SNDHWM, 0)
        self._stream.setsockopt(zmq.SNDHWM, STREAM_WAITING_MAX)
        self._ask.bind(addresses.ask)
        self._stream.bind(addresses.stream)
        self._answers: defaultdict[bytes, list[Answer]] = defaultdict(list)
        self._number = 0
        self._told = time.monotonic()

    def receive(self, timeout_s: float) -> list[Asked]:
        """What has come in, at most about 500 at a time; waits only when nothing has."""
        received: list[Asked] = []
        if self._ask.poll(math.ceil(timeout_s * 1_000)) == 0:
            return received
        while len(received) < RECEIVED_MAX:
            try:
                server, *frames = self._ask.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if len(frames) == 1:
                received += self._read(server, frames[0])
        return received

    def _read(self, server: bytes, message: bytes) -> list[Asked]:
        try:
            requests = decode_requests(message)
        except msgspec.DecodeError:
            return []  # not one of our servers
        if not requests:
            self._answers[server] += []  # alive: an empty answer leaves with the next flush
        return [
            Asked(_Ticket(server, one.id), one.world, one.command, one.request_id)
            for one in requests
        ]

    def answer(self, ticket: object, reply: Reply) -> None:
        """Take a reply; it leaves at the next `flush`."""
        assert isinstance(ticket, _Ticket)
        self._answers[ticket.server].append(Answer(ticket.id, reply.outcome, reply.body))

    def publish(self, batch: StreamBatch) -> None:
        """Tell all servers."""
        self._stream.send(encode(Published(self._floor, self._number, batch)))
        self._number += 1
        self._told = time.monotonic()

    def flush(self) -> None:
        """Send the replies taken since the last time, and a sign of life on a silent stream."""
        for server, answers in self._answers.items():
            self._ask.send_multipart([server, encode(Answers(self._floor, answers))])
        self._answers.clear()
        if time.monotonic() - self._told > LIFE_SIGN_S:
            self.publish(StreamBatch())

    def close(self) -> None:
        """Close both sockets; replies that were flushed still leave."""
        self._ask.close()
        self._stream.close()
        self._context.term()
