"""`WS /alpaca/stream`: authenticate, listen, hear of the own orders.

The first message from here is the answer to the first one from there. Frames are binary and hold
JSON, as those of Alpaca's paper server do, or MessagePack where the client asked for it.
"""

import asyncio
from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from papertape.floor.ports import FloorUnavailableError
from papertape.server.callers import Callers, address_of
from papertape.server.dialects.alpaca.desk import OrderDesk
from papertape.server.dialects.alpaca.seats import Seat, Seats
from papertape.server.dialects.alpaca.sockets import (
    AUTH_WITHIN_S,
    CLOSE_NOT_AUTHENTICATED,
    CLOSE_RESTARTED,
    KeyWatch,
    UnreadableError,
    open_wire,
    receive_object,
    receive_soon,
    speaks_msgpack,
)
from papertape.server.dialects.alpaca.trade_updates import Inbox, TradeUpdates, Translator
from papertape.server.measures import Measures
from papertape.server.problems import Problem
from papertape.server.stream.frames import binary_frame
from papertape.server.stream.hub import Hub
from papertape.server.stream.reader import Reader

STREAMS = ("trade_updates",)
WAITING_MAX = 50_000
CLOSE_BEHIND = 4408


class TradingStream:
    """All clients of the stream."""

    def __init__(
        self, callers: Callers, seats: Seats, desk: OrderDesk, hub: Hub, measures: Measures
    ) -> None:
        self._callers = callers
        self._seats = seats
        self._desk = desk
        self._hub = hub
        self._measures = measures
        self._updates = TradeUpdates(hub)

    async def serve(self, socket: WebSocket) -> None:
        """One client from its first message to its last."""
        wire = await open_wire(socket)
        if wire is None:
            return
        msgpack = speaks_msgpack(socket)
        reader = Reader(wire, self._measures.stream_behind.inc)
        client = _Client(reader, msgpack=msgpack)
        self._measures.stream_clients.inc()
        try:
            seat = await self._authenticate(socket, client)
            if seat is not None:
                await self._converse(socket, client, *seat)
        except WebSocketDisconnect:
            return
        finally:
            self._measures.stream_clients.dec()
            reader.gone()

    async def _authenticate(self, socket: WebSocket, client: "_Client") -> tuple[Seat, str] | None:
        """The seat of the key, and its token; None, closed, when none came in time."""
        until = asyncio.get_running_loop().time() + AUTH_WITHIN_S
        action, token = "authenticate", ""
        try:
            message = await receive_soon(socket, msgpack=client.msgpack, until=until)
            action, token = _credentials(message or {})
            key_id, _, secret = token.partition(":")
            seat = await self._seats.of_key(socket, key_id, secret)
        except (UnreadableError, Problem, FloorUnavailableError):
            client.authorization("unauthorized", action)
            client.reader.close(CLOSE_NOT_AUTHENTICATED, "unauthorized")
            return None
        client.authorization("authorized", action)
        return seat, token

    async def _converse(self, socket: WebSocket, client: "_Client", seat: Seat, token: str) -> None:
        def end() -> None:
            client.reader.close(CLOSE_NOT_AUTHENTICATED, "the key has ended")

        watch = KeyWatch(self._callers, seat.caller, token, address_of(socket), end)
        watch.start()
        telling: asyncio.Task[None] | None = None
        self._hub.listen_for_gaps(client.restart)
        try:
            while True:
                try:
                    message = await receive_object(socket, msgpack=client.msgpack)
                except UnreadableError as error:
                    client.error(str(error))
                    continue
                streams = _streams(message)
                if streams is None:
                    client.error("send an action such as listen, and streams as a list")
                    continue
                telling = self._listen(seat, client, telling, streams)
                client.send({"stream": "listening", "data": {"streams": streams}})
        finally:
            self._hub.stop_listening(client.restart)
            watch.stop()
            if telling is not None:
                telling.cancel()

    def _listen(
        self,
        seat: Seat,
        client: "_Client",
        telling: asyncio.Task[None] | None,
        streams: list[str],
    ) -> asyncio.Task[None] | None:
        """A new set of streams replaces the one before; an empty one ends it."""
        if not streams:
            if telling is not None:
                telling.cancel()
            return None
        return telling or asyncio.create_task(self._tell(seat.account_id, client))

    async def _tell(self, account_id: str, client: "_Client") -> None:
        inbox = self._updates.open(account_id)
        translator = Translator(self._desk)
        try:
            while True:
                await self._tell_turn(inbox, translator, client)
        finally:
            self._updates.close(inbox)

    async def _tell_turn(self, inbox: Inbox, translator: Translator, client: "_Client") -> None:
        turn = await inbox.turn()
        if len(inbox) > WAITING_MAX:
            client.reader.close(CLOSE_BEHIND, "too far behind")
            return
        try:
            for update in await translator.updates(turn):
                client.send({"stream": "trade_updates", "data": update})
        except (Problem, FloorUnavailableError) as error:
            structlog.get_logger().warning("trade_update_lost", reason=error.reason)
            client.restart()


class _Client:
    """Writes to one client in its format."""

    def __init__(self, reader: Reader, *, msgpack: bool) -> None:
        self.reader = reader
        self.msgpack = msgpack
        self._encode = msgspec.msgpack.encode if msgpack else msgspec.json.encode

    def send(self, message: dict[str, Any]) -> None:
        self.reader.send(binary_frame(self._encode(message)))

    def authorization(self, status: str, action: str) -> None:
        self.send({"stream": "authorization", "data": {"status": status, "action": action}})

    def error(self, detail: str) -> None:
        self.send({"stream": "error", "data": {"error": detail}})

    def restart(self) -> None:
        """Messages may be missing: the client has to look at its orders again."""
        self.reader.close(CLOSE_RESTARTED, "messages may be missing; look at your orders again")


def _credentials(message: dict[str, Any]) -> tuple[str, str]:
    """The action, and `key_id:secret`; the key is in `data`, or beside the action."""
    action = message.get("action")
    data = message.get("data")
    told: dict[str, Any] = data if isinstance(data, dict) else message
    key_id, secret = (
        told.get(name) or told.get(short)
        for name, short in (("key_id", "key"), ("secret_key", "secret"))
    )
    if action not in {"authenticate", "auth"}:
        return str(action or "authenticate")[:20], ":"
    return "authenticate", f"{key_id or ''}:{secret or ''}"


def _streams(message: dict[str, Any]) -> list[str] | None:
    """The known streams of a listen; None when the message is none."""
    data = message.get("data")
    streams = data.get("streams") if isinstance(data, dict) else None
    if message.get("action") != "listen" or not isinstance(streams, list):
        return None
    return [stream for stream in streams if stream in STREAMS]
