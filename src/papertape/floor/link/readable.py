"""A ZeroMQ socket on an asyncio loop, without a task or a future for each message.

ZeroMQ's descriptor is edge-triggered: it says once that something came in. So the socket is read
until it is empty, and looked at again after each send.
"""

import asyncio
from collections.abc import Callable

import zmq

MESSAGES_AT_ONCE = 100


class ReadableSocket:
    """Calls `received` for each message of a connected socket, on the running loop."""

    def __init__(
        self, socket: "zmq.Socket[bytes]", received: Callable[[list[bytes]], None]
    ) -> None:
        self._socket = socket
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._read)
        self._loop.call_soon(self._read)

    def send(self, message: bytes) -> bool:
        """Hand a message over without waiting; False when there is nobody to take it."""
        try:
            self._socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            return False
        finally:
            self._loop.call_soon(self._read)
        return True

    def close(self) -> None:
        """Stop reading and close the socket; what was not sent is dropped."""
        if not self._socket.closed:
            self._loop.remove_reader(self._descriptor)
            self._socket.close(linger=0)

    def _read(self) -> None:
        for _ in range(MESSAGES_AT_ONCE):
            if self._socket.closed:
                return
            try:
                message = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._received(message)
        self._loop.call_soon(self._read)
