"""The conversation with one stream client: authenticate, subscribe, listen.

The first message is `{"action":"auth","token":...}`, or with `key` and `secret`, within ten
seconds, else 4401. Then `{"action":"subscribe"|"unsubscribe","channels":[...],"since":seq?}` as
often as wanted. What is wrong with a later message is told as an error message; the connection
stays.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from papertape.domain.time_text import time_text
from papertape.floor.ports import FloorUnavailableError
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.callers import Caller, Callers, address_of
from papertape.server.measures import Measures
from papertape.server.problems import Problem
from papertape.server.stream.frames import market_data_frame, session_frame, snapshot_frame
from papertape.server.stream.hub import PRIVATE_CHANNELS, Hub, Subscription
from papertape.server.stream.reader import Reader
from papertape.server.stream.snapshots import Snapshots
from papertape.server.stream.states import OF_THE_WORLD, STATE_CHANNELS, States
from papertape.server.stream.wire import EXTENSION, Wire
from papertape.server.symbols import Symbols

AUTH_WITHIN_S = 10.0
CHECK_TOKEN_S = 60.0
CHANNELS_MAX = 500
RESYNC_AGAIN_S = 1.0
HEARTBEAT_S = 15.0
SEQ_MAX = 2**63 - 1
CLOSE_NOT_AUTHENTICATED = 4401
CLOSE_UNSUPPORTED = 1011
CLOSE_TRY_AGAIN = 1013


class AuthMessage(msgspec.Struct, forbid_unknown_fields=True):
    """The first message: a login's token, or an API key."""

    action: Literal["auth"]
    token: str | None = None
    key: str | None = None
    secret: str | None = None

    @property
    def credentials(self) -> str:
        """What `Callers.of_token` takes; nothing good when the message lacks a part."""
        return self.token or f"{self.key or ''}:{self.secret or ''}"


class ChannelsMessage(msgspec.Struct, forbid_unknown_fields=True):
    """Any later message. `since` concerns the private channels."""

    action: Literal["subscribe", "unsubscribe"]
    channels: list[str]
    since: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)] | None = None


_AUTH = msgspec.json.Decoder(AuthMessage)
_CHANNELS = msgspec.json.Decoder(ChannelsMessage)


class RefusedMessageError(Exception):
    """A message that is answered with an error message."""

    def __init__(self, reason: str, detail: str, value: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.value = value


@dataclass(frozen=True)
class StreamRooms:
    """What every session needs; built once by the application."""

    callers: Callers
    accounts: Accounts
    symbols: Symbols
    hub: Hub
    snapshots: Snapshots
    states: States
    measures: Measures


async def serve(rooms: StreamRooms, socket: WebSocket) -> None:
    """One client from its first message to its last."""
    await socket.accept()
    wire: Wire | None = socket.scope["extensions"].get(EXTENSION)
    if wire is None:
        await socket.close(CLOSE_UNSUPPORTED, "this server was not started by papertape")
        return
    try:
        caller = await _authenticate(rooms, socket)
    except WebSocketDisconnect:
        return
    except FloorUnavailableError as error:
        await socket.close(CLOSE_TRY_AGAIN, error.detail)
        return
    if caller is None:
        await socket.close(CLOSE_NOT_AUTHENTICATED, "not authenticated")
        return
    session = Session(rooms, wire, *caller, address_of(socket))
    rooms.measures.stream_clients.inc()
    try:
        await session.start()
        while True:
            await session.answer(await socket.receive_text())
    except WebSocketDisconnect:
        return
    except KeyError:
        session.reader.close(1003, "send text")
    finally:
        rooms.measures.stream_clients.dec()
        session.end()


async def _authenticate(rooms: StreamRooms, socket: WebSocket) -> tuple[Caller, str] | None:
    """The caller and the token of the first message; None when it is not good for anything."""
    try:
        async with asyncio.timeout(AUTH_WITHIN_S):
            message = _AUTH.decode(await socket.receive_text())
            token = message.credentials
            caller = await rooms.callers.of_token(token, address_of(socket))
            caller.require("read")
            return caller, token
    except (TimeoutError, msgspec.MsgspecError, UnicodeError, Problem, KeyError):
        return None


class Session:
    """What one authenticated client listens to."""

    def __init__(
        self, rooms: StreamRooms, wire: Wire, caller: Caller, token: str, address: str | None
    ) -> None:
        self._rooms = rooms
        self._caller = caller
        self._token = token
        self._address = address
        self._accounts: Sequence[OwnedAccount] = ()
        self._private: dict[tuple[str, str], Subscription] = {}
        self._market: dict[str, None] = {}
        self._states: dict[tuple[str, str | None], None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._token_check: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self.reader = Reader(wire, rooms.measures.stream_behind.inc)

    async def start(self) -> None:
        """Greet, and watch the token and the floor from now on."""
        user, expires_at = self._caller.user, self._caller.expires_at
        self._accounts = await self._own_accounts()
        data = {
            "username": user.username,
            "world": self._rooms.hub.world,
            "accounts": [{"id": a.account_id, "name": a.name} for a in self._accounts],
            "expires_at": None if math.isinf(expires_at) else int(expires_at),
        }
        self.reader.send(session_frame("authenticated", data))
        self._rooms.hub.listen_for_gaps(self._on_gap)
        self._rooms.callers.listen_for_endings(self._on_ending)
        self._watch_token()
        self._await_heartbeat()

    def end(self) -> None:
        """Leave everything."""
        self._rooms.hub.stop_listening(self._on_gap)
        self._rooms.callers.stop_listening(self._on_ending)
        self._leave([*{channel for _, channel in self._private}, *self._market, *STATE_CHANNELS])
        for timer in (self._token_check, self._heartbeat):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        self.reader.gone()

    async def answer(self, text: str) -> None:
        """Do what a message asks for, or say why not."""
        try:
            self._rooms.callers.rates.take(self._caller.counted_as)
            message = _read(text)
            channels, refused = await self._canonical(message.channels)
            for error in refused:
                self._refuse(error.reason, error.detail, error.value)
            if refused and not channels:
                return
            if message.action == "unsubscribe":
                self._leave(channels)
                self._say("unsubscribed", channels)
            else:
                await self._subscribe(channels, message.since)
        except RefusedMessageError as error:
            self._refuse(error.reason, error.detail, error.value)
        except (FloorUnavailableError, Problem) as error:
            self._refuse(error.reason, error.detail, None)

    # --- subscribing -----------------------------------------------------------------------------

    async def _subscribe(self, channels: list[str], since: int | None) -> None:
        count = len({*self._market, *channels})
        if count > CHANNELS_MAX:
            raise RefusedMessageError(
                "too_many_channels", f"a connection has at most {CHANNELS_MAX} channels"
            )
        self._say("subscribed", channels)
        private = [channel for channel in channels if channel in PRIVATE_CHANNELS]
        states = [channel for channel in channels if channel in STATE_CHANNELS]
        if private or states:
            # Accounts that were opened since are part of what is subscribed now.
            self._accounts = await self._own_accounts() or self._accounts
        try:
            for account in self._accounts:
                await self._join(account, private, since)
        except (FloorUnavailableError, Problem):
            self._leave(private)
            raise
        for channel in states:
            await self._join_states(channel)
        for channel in channels:
            if channel not in PRIVATE_CHANNELS and channel not in STATE_CHANNELS:
                await self._join_market(channel)

    async def _join_states(self, channel: str) -> None:
        """The state of the world, or that of each account."""
        accounts = [None] if channel in OF_THE_WORLD else self._accounts
        for account in accounts:
            account_id = None if account is None else account.account_id
            self._states[channel, account_id] = None
            await self._rooms.states.join(self.reader, channel, account)
            await self.reader.room()

    async def _join(self, account: OwnedAccount, channels: list[str], since: int | None) -> None:
        """Catch up from what is kept where that is possible, else start with a snapshot."""
        lacking: list[Subscription] = []
        of_another_world = await self._is_of_another_world(account, channels, since)
        for channel in channels:
            subscription = self._rooms.hub.join_private(self.reader, account.account_id, channel)
            self._private[account.account_id, channel] = subscription
            missed = (
                None
                if since is None or of_another_world
                else self._rooms.hub.missed(account.account_id, channel, since)
            )
            if missed is None:
                lacking.append(subscription)
                continue
            for frame in missed:
                self.reader.send(frame)
            await self.reader.room()
            subscription.release(since or 0)
        await self._start_from_snapshot(account, lacking, "snapshot" if since is None else "resync")

    async def _is_of_another_world(
        self, account: OwnedAccount, channels: list[str], since: int | None
    ) -> bool:
        """Whether the client knows a later seq than there is: its world was thrown away."""
        if not channels or since is None or since <= self._rooms.hub.newest_seq:
            return False
        return since > await self._rooms.snapshots.newest_seq(account)

    async def _start_from_snapshot(
        self, account: OwnedAccount, subscriptions: list[Subscription], kind: str
    ) -> None:
        if not subscriptions:
            return
        channels = [subscription.channel for subscription in subscriptions]
        seq, states = await self._rooms.snapshots.private(account, channels)
        for subscription in subscriptions:
            data = states[subscription.channel]
            self.reader.send(
                snapshot_frame(subscription.channel, kind, seq, account.account_id, data)
            )
            await self.reader.room()
            subscription.release(seq)

    async def _join_market(self, channel: str) -> None:
        """What comes while the snapshot is fetched is in it, or is offered right behind it."""
        hub = self._rooms.hub
        hub.send_due()
        before = hub.newest(channel)
        data = await self._rooms.snapshots.market(channel)
        self.reader.send(market_data_frame(channel, "snapshot", data))
        self._market[channel] = None
        hub.join_market(self.reader, channel)
        if hub.newest(channel) is not before:
            hub.offer_newest(self.reader, channel)
        await self.reader.room()

    def _leave(self, channels: list[str]) -> None:
        for channel in channels:
            if channel in self._market:
                del self._market[channel]
                self._rooms.hub.leave_market(self.reader, channel)
        for channel, of_account in list(self._states):
            if channel in channels:
                del self._states[channel, of_account]
                self._rooms.states.leave(self.reader, channel, of_account)
        for account_id, channel in list(self._private):
            if channel in channels:
                del self._private[account_id, channel]
                self._rooms.hub.leave_private(self.reader, account_id, channel)

    async def _canonical(self, channels: list[str]) -> tuple[list[str], list[RefusedMessageError]]:
        """The channels by the names they have in messages, each once; and what is no channel."""
        names: dict[str, None] = {}
        refused: list[RefusedMessageError] = []
        for channel in dict.fromkeys(channels):
            try:
                names[await self._one_canonical(channel)] = None
            except RefusedMessageError as error:
                refused.append(error)
        return list(names), refused

    async def _one_canonical(self, channel: str) -> str:
        if channel in PRIVATE_CHANNELS or channel in STATE_CHANNELS:
            return channel
        kind, _, rest = channel.partition(":")
        if kind == "bars":
            rest, _, timeframe = rest.rpartition(":")
            if timeframe != "1m":
                raise _unknown_channel(channel)
        elif kind not in {"quotes", "book", "trades"}:
            raise _unknown_channel(channel)
        symbol = await self._rooms.symbols.find(rest)
        if symbol is None:
            raise RefusedMessageError(
                "unknown_symbol", "GET /api/v1/instruments lists the symbols", channel[:100]
            )
        return f"bars:{symbol}:1m" if kind == "bars" else f"{kind}:{symbol}"

    # --- what happens meanwhile ------------------------------------------------------------------

    def _on_gap(self) -> None:
        if self._private:
            self._spawn(self._resync())

    async def _resync(self) -> None:
        """The floor may have lost messages: send the state anew, as soon as it answers."""
        for account in self._accounts:
            mine = [s for s in self._private.values() if s.account_id == account.account_id]
            while True:
                try:
                    await self._start_from_snapshot(account, mine, "resync")
                    break
                except (FloorUnavailableError, Problem):
                    await asyncio.sleep(RESYNC_AGAIN_S)

    def _watch_token(self) -> None:
        """Look at the token when it expires, and now and then: another process may end it."""
        left_s = self._caller.expires_at - time.time()
        wait_s = max(0.0, min(left_s, CHECK_TOKEN_S))
        if self._token_check is not None:
            self._token_check.cancel()
        loop = asyncio.get_running_loop()
        self._token_check = loop.call_later(wait_s, lambda: self._spawn(self._check_token()))

    def _await_heartbeat(self) -> None:
        loop = asyncio.get_running_loop()
        self._heartbeat = loop.call_later(HEARTBEAT_S, self._beat)

    def _beat(self) -> None:
        """The connection lives; browsers cannot see the pings of the protocol."""
        self.reader.send(session_frame("heartbeat", {"time": time_text(time.time_ns())}))
        self._await_heartbeat()

    def _on_ending(self, concerns: Callable[[Caller], bool]) -> None:
        if concerns(self._caller):
            self._spawn(self._check_token())

    async def _check_token(self) -> None:
        try:
            await self._rooms.callers.of_token(self._token, self._address)
        except (FloorUnavailableError, Problem) as error:
            # Else nobody could look, or had no time to; the next time then.
            if isinstance(error, Problem) and error.status == 401:
                self.reader.close(CLOSE_NOT_AUTHENTICATED, "the token has ended")
                return
        self._watch_token()

    async def _own_accounts(self) -> Sequence[OwnedAccount]:
        try:
            return await self._rooms.accounts.of(self._caller)
        except (FloorUnavailableError, Problem) as error:
            structlog.get_logger().warning("account_not_opened_yet", reason=error.reason)
            return ()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, kind: str, channels: list[str]) -> None:
        self.reader.send(session_frame(kind, {"channels": channels}))

    def _refuse(self, reason: str, detail: str, value: str | None) -> None:
        self.reader.send(session_frame("error", {"value": value}, reason=reason, detail=detail))


def _read(text: str) -> ChannelsMessage:
    try:
        message = _CHANNELS.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RefusedMessageError("malformed", str(error)) from error
    if len(message.channels) > CHANNELS_MAX:
        raise RefusedMessageError(
            "too_many_channels", f"a message names at most {CHANNELS_MAX} channels"
        )
    return message


def _unknown_channel(channel: str) -> RefusedMessageError:
    of_market = ("quotes:S", "book:S", "trades:S", "bars:S:1m")
    known = ", ".join((*PRIVATE_CHANNELS, *STATE_CHANNELS, *of_market))
    return RefusedMessageError("unknown_channel", f"the channels are {known}", channel[:100])
