"""The clients: one that waits and one that is awaited, of the same operations."""

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import httpx

from papertape.client.calls import AsyncFace, Call, Face, SyncFace
from papertape.client.groups.accounts import Accounts
from papertape.client.groups.engine import Engine
from papertape.client.groups.hooks import AccountGroups, Endpoints, Webhooks
from papertape.client.groups.keys import Keys
from papertape.client.groups.market import Market
from papertape.client.groups.orders import Orders
from papertape.client.groups.positions import Positions
from papertape.client.groups.profiles import Profiles
from papertape.client.groups.risk import Risk
from papertape.client.groups.rules import RulesOf
from papertape.client.groups.security import Security
from papertape.client.groups.trades import Trades
from papertape.client.groups.users import Users
from papertape.client.groups.watchlists import Watchlists
from papertape.client.stream import AsyncStream, Stream
from papertape.client.talk import Answer, Credentials, Pause, Request, Steps, Talk

T = TypeVar("T")

LOCAL: Final = "http://127.0.0.1:8000"
TIMEOUT_S: Final = 10.0
PATIENCE_S: Final = 30.0


class Operations(Generic[Face]):
    """The operations of the API by subject."""

    def __init__(self, face: Face) -> None:
        self.orders = Orders(face)
        self.accounts = Accounts(face)
        self.positions = Positions(face)
        self.trades = Trades(face)
        self.market = Market(face)
        self.keys = Keys(face)
        self.users = Users(face)
        self.watchlists = Watchlists(face)
        self.profiles = Profiles(face)
        self.risk = Risk(face)
        self.engine = Engine(face)
        self.rules = RulesOf(face)
        self.security = Security(face)
        self.webhooks = Webhooks(face)
        self.account_groups = AccountGroups(face)
        self.endpoints = Endpoints(face)


class Client(SyncFace, Operations[SyncFace]):
    """Papertape from a program that waits for each answer.

    Give an API key (`key_id` and `secret`) or a login's `token`; `Client.login` makes a login.
    Operations about an account are about `account_id`, else about the one
    that the caller prefers (`default_account`), else the first one.
    What was surely not done is sent again for up to `patience_s` seconds, and what may have been
    done only where the server recognises the repeat.
    """

    def __init__(
        self,
        url: str = LOCAL,
        *,
        key_id: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        account_id: str | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        Operations.__init__(self, self)
        credentials = Credentials(key_id=key_id, secret=secret, token=token)
        self.talk = Talk(url, credentials, account_id=account_id, patience_s=patience_s)
        self._http = httpx.Client(
            timeout=timeout_s, transport=transport, verify=self.talk.is_sealed
        )

    @classmethod
    def login(
        cls, url: str, username: str, password: str, *, code: str | None = None, **options: Any
    ) -> Self:
        """A client that is logged in; `options` are those of the constructor.

        `code` is one of the app where the second factor is on, or a recovery code.
        """
        client = cls(url, **options)
        try:
            client.talk.credentials.take(client.users.login(username, password, code))
        except BaseException:
            client.close()
            raise
        return client

    def logout(self) -> None:
        """End the login of this client; its tokens are good for nothing any more."""
        token = self.talk.credentials.forget()
        if token is not None:
            self.users.logout(token)

    def stream(self, *channels: str, since: int | None = None) -> Stream:
        """Listen to channels, such as `orders` and `quotes:AAPL`. See `Stream`."""
        return Stream(self, channels, since)

    def run(self, call: Call[T]) -> T:
        """Carry out a call."""
        return self.drive(self.talk.about(call))

    def drive(self, steps: Steps[T]) -> T:
        """Do one step after the other; the end of the last is the result."""
        answer: Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                reply: T = end.value
                return reply
            answer = self._do(step)

    def _do(self, step: Request | Pause) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._http.request(
                step.method,
                step.url,
                headers=step.headers,
                params=step.parameters,
                content=step.content,
            )
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(AsyncFace, Operations[AsyncFace]):
    """Papertape from a program on an event loop. See `Client`."""

    def __init__(
        self,
        url: str = LOCAL,
        *,
        key_id: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        account_id: str | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        Operations.__init__(self, self)
        credentials = Credentials(key_id=key_id, secret=secret, token=token)
        self.talk = Talk(url, credentials, account_id=account_id, patience_s=patience_s)
        self._http = httpx.AsyncClient(
            timeout=timeout_s, transport=transport, verify=self.talk.is_sealed
        )

    @classmethod
    async def login(
        cls, url: str, username: str, password: str, *, code: str | None = None, **options: Any
    ) -> Self:
        """A client that is logged in; `options` are those of the constructor.

        `code` is one of the app where the second factor is on, or a recovery code.
        """
        client = cls(url, **options)
        try:
            client.talk.credentials.take(await client.users.login(username, password, code))
        except BaseException:
            await client.close()
            raise
        return client

    async def logout(self) -> None:
        """End the login of this client; its tokens are good for nothing any more."""
        token = self.talk.credentials.forget()
        if token is not None:
            await self.users.logout(token)

    def stream(self, *channels: str, since: int | None = None) -> AsyncStream:
        """Listen to channels, such as `orders` and `quotes:AAPL`. See `AsyncStream`."""
        return AsyncStream(self, channels, since)

    async def run(self, call: Call[T]) -> T:
        """Carry out a call."""
        return await self.drive(self.talk.about(call))

    async def drive(self, steps: Steps[T]) -> T:
        """Do one step after the other; the end of the last is the result."""
        answer: Answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                reply: T = end.value
                return reply
            answer = await self._do(step)

    async def _do(self, step: Request | Pause) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self._http.request(
                step.method,
                step.url,
                headers=step.headers,
                params=step.parameters,
                content=step.content,
            )
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
