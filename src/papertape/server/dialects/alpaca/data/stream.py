"""The data streams: `/alpaca-data/v2/{iex,sip}` and `/alpaca-data/v1beta3/crypto/us`.

A client authenticates, subscribes to channels of symbols (or `*`), and hears of them until it
unsubscribes. MessagePack where it asked for it by its content type, JSON text otherwise.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from papertape.floor.ports import FloorUnavailableError
from papertape.server.callers import Callers, address_of
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.data.channels import Channels, Key, Listener
from papertape.server.dialects.alpaca.seats import Seats
from papertape.server.dialects.alpaca.sockets import (
    AUTH_WITHIN_S,
    CLOSE_NOT_AUTHENTICATED,
    KeyWatch,
    UnreadableError,
    open_wire,
    receive_object,
    receive_soon,
    speaks_msgpack,
)
from papertape.server.measures import Measures
from papertape.server.problems import Problem
from papertape.server.stream.reader import Reader

STOCK_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
CRYPTO_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks")
WITH_TRADES = ("corrections", "cancelErrors")
"""Come with trades of stocks, without being asked for."""
EVERYTHING = "*"
SYMBOLS_MAX = 10_000

ERRORS: Mapping[int, str] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    500: "internal error",
}


class RefusedError(Exception):
    """A message that is answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


class DataStream:
    """All clients of one feed."""

    def __init__(
        self,
        callers: Callers,
        seats: Seats,
        assets: Assets,
        channels: Channels,
        measures: Measures,
        *,
        crypto: bool,
    ) -> None:
        self._callers = callers
        self._seats = seats
        self._assets = assets
        self._channels = channels
        self._measures = measures
        self._crypto = crypto

    async def serve(self, socket: WebSocket) -> None:
        """One client from its greeting to its end."""
        wire = await open_wire(socket)
        if wire is None:
            return
        reader = Reader(wire, self._measures.stream_behind.inc)
        listener = Listener(reader, msgpack=speaks_msgpack(socket))
        self._measures.stream_clients.inc()
        try:
            listener.send([_success("connected")])
            token = await self._authenticate(socket, listener)
            if token is not None:
                await self._converse(socket, listener, token)
        except WebSocketDisconnect:
            return
        finally:
            self._measures.stream_clients.dec()
            reader.gone()

    # --- authentication --------------------------------------------------------------------------

    async def _authenticate(self, socket: WebSocket, listener: Listener) -> str | None:
        """The token of a good key, in the headers or in a message; None, closed, in time."""
        headers = (socket.headers.get(f"apca-api-{name}") for name in ("key-id", "secret-key"))
        key_id, secret = headers
        if key_id and secret and await self._is_good(socket, key_id, secret):
            listener.send([_success("authenticated")])
            return f"{key_id}:{secret}"
        until = asyncio.get_running_loop().time() + AUTH_WITHIN_S
        while True:
            try:
                message = await receive_soon(socket, msgpack=listener.msgpack, until=until)
            except UnreadableError:
                listener.send([_error(400)])
                continue
            if message is None:
                listener.send([_error(404)])
                listener.reader.close(CLOSE_NOT_AUTHENTICATED, ERRORS[404])
                return None
            if message.get("action") != "auth":
                listener.send([_error(401)])
                continue
            key_id, secret = str(message.get("key", "")), str(message.get("secret", ""))
            if await self._is_good(socket, key_id, secret):
                listener.send([_success("authenticated")])
                return f"{key_id}:{secret}"
            listener.send([_error(402)])

    async def _is_good(self, socket: WebSocket, key_id: str, secret: str) -> bool:
        try:
            await self._seats.of_key(socket, key_id, secret)
        except (Problem, FloorUnavailableError):
            return False
        return True

    # --- subscriptions ---------------------------------------------------------------------------

    async def _converse(self, socket: WebSocket, listener: Listener, token: str) -> None:
        def end() -> None:
            listener.reader.close(CLOSE_NOT_AUTHENTICATED, "the key has ended")

        caller = await self._callers.of_token(token, address_of(socket))
        watch = KeyWatch(self._callers, caller, token, address_of(socket), end)
        watch.start()
        wanted: dict[str, dict[str, None]] = {name: {} for name in self._names}
        joined: set[Key] = set()
        try:
            while True:
                try:
                    message = await receive_object(socket, msgpack=listener.msgpack)
                    await self._change(listener, wanted, joined, message)
                except UnreadableError:
                    listener.send([_error(400)])
                except RefusedError as error:
                    listener.send([_error(error.code)])
                except (Problem, FloorUnavailableError):
                    listener.send([_error(500)])
        finally:
            watch.stop()
            self._channels.leave(listener, joined)

    @property
    def _names(self) -> tuple[str, ...]:
        return CRYPTO_CHANNELS if self._crypto else STOCK_CHANNELS

    async def _change(
        self,
        listener: Listener,
        wanted: dict[str, dict[str, None]],
        joined: set[Key],
        message: dict[str, Any],
    ) -> None:
        """Take a subscribe or unsubscribe whole, and tell what is subscribed then."""
        action = message.get("action")
        if action == "auth":
            raise RefusedError(403)
        if action not in {"subscribe", "unsubscribe"}:
            raise RefusedError(400)
        asked = {name: await self._symbols(message.get(name)) for name in self._names}
        changed = {name: dict(symbols) for name, symbols in wanted.items()}
        for name, symbols in asked.items():
            for symbol in symbols:
                if action == "subscribe":
                    changed[name][symbol] = None
                else:
                    changed[name].pop(symbol, None)
        if sum(len(symbols) for symbols in changed.values()) > SYMBOLS_MAX:
            raise RefusedError(405)
        wanted.update(changed)
        await self._follow(listener, wanted, joined)
        listener.send([self._state(wanted)])

    async def _symbols(self, names: Any) -> list[str]:
        """The symbols of names; unknown ones stay as they are, and nothing comes of them."""
        if names is None:
            return []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise RefusedError(400)
        if len(names) > SYMBOLS_MAX:
            raise RefusedError(405)
        found = [None if name == EVERYTHING else await self._assets.find(name) for name in names]
        return [
            asset.symbol if asset is not None else name
            for name, asset in zip(names, found, strict=True)
        ]

    async def _follow(
        self, listener: Listener, wanted: Mapping[str, Mapping[str, None]], joined: set[Key]
    ) -> None:
        """Join and leave channels until they are those that are wanted."""
        listed: list[Asset] = []
        if any(EVERYTHING in symbols for symbols in wanted.values()):
            listed = [asset for asset in await self._assets.listed() if self._is_ours(asset)]
        right: dict[Key, Asset] = {}
        for name, symbols in wanted.items():
            found = [await self._assets.find(symbol) for symbol in symbols]
            assets = [asset for asset in found if asset is not None and self._is_ours(asset)]
            for asset in listed if EVERYTHING in symbols else assets:
                right[name, asset.symbol] = asset
        self._channels.leave(listener, joined - set(right))
        for key in set(right) - joined:
            self._channels.join(listener, key[0], [right[key]])
        joined.clear()
        joined.update(right)

    def _is_ours(self, asset: Asset) -> bool:
        return asset.is_crypto == self._crypto and not asset.is_option

    def _state(self, wanted: Mapping[str, Mapping[str, None]]) -> dict[str, Any]:
        state: dict[str, Any] = {"T": "subscription"}
        state |= {name: list(symbols) for name, symbols in wanted.items()}
        if not self._crypto:
            state |= {name: list(wanted["trades"]) for name in WITH_TRADES}
        return state


def _success(text: str) -> dict[str, Any]:
    return {"T": "success", "msg": text}


def _error(code: int) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": ERRORS[code]}
