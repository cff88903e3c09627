"""Channels that tell a state anew: `portfolio` and `risk` of an account, `engine` of the world.

A state has no history, so nothing is caught up on: each message replaces the one before. What a
state holds moves with every price, so it is asked for at most once a second, only while somebody
listens, and only when something that it holds may have changed; it is told when it did.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from papertape.floor.ports import FloorUnavailableError, MarketMessage, PrivateMessage
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.exchange import Exchange
from papertape.server.problems import Problem
from papertape.server.risk.dashboard import Dashboards
from papertape.server.stream.frames import state_frame
from papertape.server.stream.hub import Hub
from papertape.server.stream.reader import Reader

STATE_CHANNELS = ("portfolio", "risk", "engine")
OF_THE_WORLD = frozenset({"engine"})
EVERY_S = 1.0
AT_ONCE = 8

_MARGIN = ("buying_power", "initial_margin", "maintenance_margin")
_STATUS = ("world", "time", "seq", "market_seq", "market", "writing", "clock_jump", "waiting")
_EXCHANGE = ("exchange", "name", "state", "auction", "halt_reason", "next_change", "next_open")


class _State:
    """One state while somebody listens to it; `account` is None for one of the world."""

    def __init__(self, channel: str, account: OwnedAccount | None, hub: Hub) -> None:
        self.channel = channel
        self.account = account
        self.readers: dict[Reader, None] = {}
        self.told: bytes | None = None
        self.is_touched = True
        self._hub = hub
        self._symbols: frozenset[str] = frozenset()

    @property
    def account_id(self) -> str | None:
        """The account that it is a state of."""
        return None if self.account is None else self.account.account_id

    def watch(self, symbols: frozenset[str]) -> None:
        """Be touched by the quotes of these instruments, and of no others."""
        for symbol in self._symbols - symbols:
            self._hub.stop_watching(f"quotes:{symbol}", self._touch)
        for symbol in symbols - self._symbols:
            self._hub.watch(f"quotes:{symbol}", self._touch)
        self._symbols = symbols

    def _touch(self, _message: MarketMessage) -> None:
        self.is_touched = True

    def frame(self, kind: str, seq: int, data: bytes) -> bytes:
        """A message of it."""
        return state_frame(self.channel, kind, seq, self.account_id, data)


class States:
    """All states that somebody listens to, in one server process."""

    def __init__(
        self, accounts: Accounts, exchange: Exchange, dashboards: Dashboards, hub: Hub
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._dashboards = dashboards
        self._hub = hub
        self._states: dict[tuple[str, str | None], _State] = {}
        self._of_account: dict[str, set[_State]] = {}
        self._round: asyncio.Task[None] | None = None
        self._turn = asyncio.Semaphore(AT_ONCE)
        hub.hear(self._hear)
        hub.listen_for_gaps(self._touch_all)

    async def join(self, reader: Reader, channel: str, account: OwnedAccount | None) -> None:
        """Send the present state, and from then on every other one; raises as asking does."""
        state = self._known(channel, account)
        try:
            seq, data = await self._ask(state)
        except BaseException:
            self._drop_if_alone(state)
            raise
        reader.send(state.frame("snapshot", seq, data))
        state.readers[reader] = None
        # What others were told may be older than this; the next round tells them.
        state.is_touched = True
        if state.told is None:
            state.told = data
        if self._round is None:
            self._round = asyncio.create_task(self._tell())

    def _known(self, channel: str, account: OwnedAccount | None) -> _State:
        """The state, new when nobody listens to it yet."""
        account_id = None if account is None else account.account_id
        state = self._states.get((channel, account_id))
        if state is None:
            state = self._states[channel, account_id] = _State(channel, account, self._hub)
            if account_id is not None:
                self._of_account.setdefault(account_id, set()).add(state)
        return state

    def leave(self, reader: Reader, channel: str, account_id: str | None) -> None:
        """No more of this state."""
        state = self._states.get((channel, account_id))
        if state is None:
            return
        state.readers.pop(reader, None)
        reader.forget(_name(state))
        self._drop_if_alone(state)

    def _drop_if_alone(self, state: _State) -> None:
        key = (state.channel, state.account_id)
        if state.readers or self._states.get(key) is not state:
            return
        del self._states[key]
        state.watch(frozenset())
        if state.account_id is not None:
            states = self._of_account[state.account_id]
            states.discard(state)
            if not states:
                del self._of_account[state.account_id]

    def close(self) -> None:
        """Tell nothing any more."""
        if self._round is not None:
            self._round.cancel()

    # --- what may have changed -------------------------------------------------------------------

    def _hear(self, message: PrivateMessage) -> None:
        for state in self._of_account.get(message.account_id, ()):
            state.is_touched = True

    def _touch_all(self) -> None:
        for state in self._states.values():
            state.is_touched = True

    # --- telling ---------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """A round a second, as long as anybody listens."""
        while self._states:
            await asyncio.sleep(EVERY_S)
            touched = [state for state in self._states.values() if state.is_touched]
            await asyncio.gather(*(self._tell_one(state) for state in touched))
        self._round = None

    async def _tell_one(self, state: _State) -> None:
        state.is_touched = state.channel in OF_THE_WORLD
        try:
            seq, data = await self._ask(state)
        except (FloorUnavailableError, Problem):
            state.is_touched = True  # asked again in the next round
            return
        except Exception as error:  # noqa: BLE001 - one state must not end the others
            structlog.get_logger().error("state_failed", channel=state.channel, exc_info=error)
            return
        if data != state.told:
            state.told = data
            frame = state.frame(state.channel, seq, data)
            for reader in list(state.readers):
                reader.offer(_name(state), frame)

    async def _ask(self, state: _State) -> tuple[int, bytes]:
        """The state and the seq that it includes."""
        async with self._turn:
            if state.account is None:
                return await self._engine()
            ask: Callable[[_State, OwnedAccount], Any]
            ask = self._portfolio if state.channel == "portfolio" else self._risk
            seq, told = await ask(state, state.account)
            return seq, msgspec.json.encode(told)

    async def _portfolio(self, state: _State, account: OwnedAccount) -> tuple[int, dict[str, Any]]:
        value = await self._accounts.value(account)
        state.watch(_held(value.positions))
        told = {name: value.account[name] for name in value.account if name != "as_of_seq"}
        return value.as_of_seq, {"account": told, "positions": value.positions}

    async def _risk(self, state: _State, account: OwnedAccount) -> tuple[int, dict[str, Any]]:
        value = await self._accounts.value(account)
        state.watch(_held(value.positions))
        used = await self._dashboards.used(account.account_id)
        seq = used.standing.pop("as_of_seq")
        margin = {name: value.account[name] for name in _MARGIN if name in value.account}
        return seq, used.standing | margin | {"limits": used.limits}

    async def _engine(self) -> tuple[int, bytes]:
        status = msgspec.json.decode((await self._exchange.ask("floor_status")).body)
        exchanges = msgspec.json.decode((await self._exchange.ask("exchanges")).body)["items"]
        instruments = msgspec.json.decode((await self._exchange.ask("instruments")).body)["items"]
        told = {
            **{name: status[name] for name in _STATUS},
            "exchanges": [
                {name: one[name] for name in _EXCHANGE if name in one} for one in exchanges
            ],
            "halted": sorted(one["symbol"] for one in instruments if one["status"] == "halted"),
        }
        return status["seq"], msgspec.json.encode(told)


def _name(state: _State) -> str:
    """By what a newer message of a state replaces the one before."""
    return f"{state.channel} {state.account_id}"


class _Symbol(msgspec.Struct):
    symbol: str


_POSITIONS = msgspec.json.Decoder(list[_Symbol])


def _held(positions: msgspec.Raw) -> frozenset[str]:
    return frozenset(position.symbol for position in _POSITIONS.decode(positions))
