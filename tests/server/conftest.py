"""A whole server on a socket, with the real engine behind it and a market that the test moves.

One product serves a test module; every test takes users and a stock of its own, so that tests do
not meet in a book.
"""

import asyncio
import itertools
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvloop
from argon2 import PasswordHasher
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from endpoints import forget_endpoints
from papertape.engine import World
from papertape.floor.local import LocalFloor
from papertape.floor.loop import FloorLoop
from papertape.floor.ports import Storage, StreamBatch
from papertape.floor.process import WorldSpec, open_world
from papertape.floor.queue import Limits
from papertape.floor.tick_keeper import TickKeeper
from papertape.floor.world_loop import Rhythm
from papertape.markets.store import BarStore
from papertape.markets.ticks import TickStore
from papertape.server.application import create_app
from papertape.server.auth.passwords import Passwords
from papertape.server.auth.store import KEY_FILE, AuthStore
from papertape.server.auth.tables import metadata
from papertape.server.auth.tokens import Tokens, load_key
from papertape.server.rooms import Rooms
from papertape.server.runner import server_of
from papertape.storage.bodies import open_storage
from papertape.storage.engines import open_engine
from papertape.storage.place import Place, PostgresSchema
from papertape.storage.reads import Reads
from papertape.storage.snapshots import SnapshotFolder
from postgres_server import PostgresServer, schema

PASSWORD = "correct horse"
STOCKS = [f"ACME{number}" for number in range(150)]
CRYPTO = "BTC/USD"
WORLD = "main"
TICKS_KEPT = 1_000
UNLIMITED = {"attempts_per_minute": 0, "requests_per_second": 0}


class HandMarket:
    """A market source whose every quote and print is fed by the test."""

    def __init__(self) -> None:
        self._fed: deque[bytes] = deque()

    def listing(self) -> list[bytes]:
        exchange = {
            "kind": "list_exchange",
            "currency": "USD",
            "calendar": "always",
            "fees": {"maker_rate": "0", "taker_rate": "0", "per_share": "0", "minimum": "0"},
            "profile": {
                "name": "realistic",
                "spread_ticks": 1,
                "participation": "0.1",
                "market_orders": "street",
            },
        }
        commands = [
            {"kind": "create_world", "world": WORLD, "seed": 1, "sharing": "shared"},
            {**exchange, "exchange": "XTST", "name": "Test Exchange"},
            *(_stock(symbol) for symbol in STOCKS),
            _crypto(),
        ]
        return [json.dumps(command).encode() for command in commands]

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        self._fed.clear()

    def act(self, world: World, now_ns: int) -> list[tuple[int, bytes]]:
        taken = list(self._fed)
        self._fed.clear()
        return [(now_ns, command) for command in taken]

    def state(self) -> bytes:
        return b""

    @property
    def next_due_ns(self) -> int | None:
        return 0 if self._fed else None

    def feed(self, *commands: dict[str, Any]) -> None:
        self._fed.extend(json.dumps(command).encode() for command in commands)

    @property
    def is_quiet(self) -> bool:
        return not self._fed


def _stock(symbol: str) -> dict[str, Any]:
    return {
        "kind": "list_instrument",
        "symbol": symbol,
        "name": f"{symbol.title()} Works",
        "asset_class": "us_equity",
        "exchange": "XTST",
        "sector": "Technology",
        "currency": "USD",
        "tick_size": "0.01",
        "lot_size": "1",
        "price_scale": 6,
        "qty_scale": 6,
        "source": "street",
        "trigger": "bid_ask",
    }


def _crypto() -> dict[str, Any]:
    return _stock(CRYPTO) | {
        "name": "Bitcoin",
        "asset_class": "crypto",
        "sector": "Crypto",
        "lot_size": "0.0001",
        "price_scale": 8,
        "qty_scale": 8,
    }


@dataclass
class Trader:
    """A registered user with one account."""

    name: str
    token: str
    client: httpx.Client
    account_id: str = ""

    def order(self, **fields: Any) -> httpx.Response:
        """Submit a limit order for ten, changed by the fields; None leaves a field out."""
        body = {
            "account_id": self.account_id,
            "side": "buy",
            "type": "limit",
            "qty": "10",
            "limit_price": "9.00",
        } | fields
        return self.client.post("/orders", json={k: v for k, v in body.items() if v is not None})

    def account(self) -> dict[str, Any]:
        return self.client.get(f"/accounts/{self.account_id}").json()


@dataclass
class Product:
    """A served world."""

    port: int
    market: HandMarket
    auth: AuthStore
    tokens: Tokens
    folder: Path
    anyone: httpx.Client
    running: "_Running"
    clients: list[httpx.Client] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _stocks: Iterator[str] = field(default_factory=lambda: iter(STOCKS))

    def trader(self, name: str | None = None) -> Trader:
        """Register and log in somebody new."""
        name = name or f"user{next(self._names)}"
        self.anyone.post("/auth/register", json={"username": name, "password": PASSWORD})
        return self.login(name)

    def login(self, name: str, password: str = PASSWORD) -> Trader:
        login = self.anyone.post("/auth/login", json={"username": name, "password": password})
        assert login.status_code == 200, login.text
        token = login.json()["access_token"]
        trader = Trader(name, token, self.client(token))
        trader.account_id = trader.client.get("/accounts").json()["items"][0]["id"]
        return trader

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url("/api/v1"), headers=headers, timeout=20)
        self.clients.append(client)
        return client

    def key(self, trader: Trader, scopes: list[str], **fields: Any) -> dict[str, Any]:
        """A new API key of the trader, with its secret."""
        body = {"name": "a key", "scopes": scopes} | fields
        made = trader.client.post("/keys", json=body)
        assert made.status_code == 201, made.text
        return made.json()

    def key_client(self, trader: Trader, scopes: list[str], **fields: Any) -> httpx.Client:
        """A client that shows a new key of the trader."""
        key = self.key(trader, scopes, **fields)
        return self.client(f"{key['key_id']}:{key['secret']}")

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def stock(self, bid: str = "9.99", ask: str = "10.01", size: str = "100") -> str:
        """A stock that nobody has touched, with a quote."""
        symbol = next(self._stocks)
        self.quote(symbol, bid, ask, size)
        return symbol

    def quote(self, symbol: str, bid: str, ask: str, size: str = "100") -> None:
        self.feed(
            {
                "kind": "quote",
                "symbol": symbol,
                "bid": bid,
                "ask": ask,
                "bid_size": size,
                "ask_size": size,
            }
        )

    def feed(self, *commands: dict[str, Any]) -> None:
        """Move the market and wait until the floor has seen it."""
        self.market.feed(*commands)
        wait_until(lambda: self.market.is_quiet)
        # Its answer comes with a later batch than the one that took the market's move.
        assert httpx.get(self.url("/readyz")).status_code == 200

    def change_users(self, statement: str, **values: Any) -> int:
        """Change the tables of users behind the server's back; returns the number of rows hit."""
        engine = open_engine(self.running.users)
        try:
            with engine.begin() as connection:
                return connection.execute(text(statement), values).rowcount
        finally:
            engine.dispose()

    def stored_of_users(self) -> bytes:
        """All that is kept of users: the files as they lie, or every row."""
        users = self.running.users
        if isinstance(users, Path):
            return b"".join(file.read_bytes() for file in users.parent.glob(f"{users.name}*"))
        engine = open_engine(users)
        try:
            with engine.connect() as connection:
                rows = [
                    tuple(row)
                    for t in metadata.tables.values()
                    for row in connection.execute(t.select())
                ]
        finally:
            engine.dispose()
        return repr(rows).encode()

    def stop_floor(self) -> None:
        """The floor ends; the server stays."""
        self.running.stop_floor()

    def lose_messages(self) -> None:
        """The floor's listeners hear that messages were lost."""
        self.running.lose_messages()

    def stream(self, trader: Trader | None = None, **options: Any) -> "Stream":
        """A stream connection, authenticated when a trader is given."""
        address = f"ws://127.0.0.1:{self.port}/api/v1/stream"
        stream = Stream(ExitStack(), connect(address, compression=None, **options))
        if trader is not None:
            stream.send(action="auth", token=trader.token)
            assert stream.next()["type"] == "authenticated"
        return stream


class Stream:
    """A client of the stream."""

    def __init__(self, stack: ExitStack, connecting: connect) -> None:
        self._stack = stack
        self.connection: ClientConnection = stack.enter_context(connecting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def next(self, timeout: float = 5) -> dict[str, Any]:
        return json.loads(self.connection.recv(timeout=timeout))

    def until(self, channel: str, kind: str | None = None) -> dict[str, Any]:
        """The next message of a channel (and type), passing over all others."""
        while True:
            message = self.next()
            if message["channel"] == channel and kind in {None, message["type"]}:
                return message

    def subscribe(self, *channels: str, **options: Any) -> dict[str, dict[str, Any]]:
        """Subscribe; returns the first message of each channel."""
        self.send(action="subscribe", channels=list(channels), **options)
        assert self.next()["type"] == "subscribed"
        first: dict[str, dict[str, Any]] = {}
        while len(first) < len(channels):
            message = self.next()
            first.setdefault(message["channel"], message)
        return first

    @property
    def closing_code(self) -> int:
        """The code that the server closes with."""
        return closing_code(self.connection)

    def quiet_for(self, seconds: float) -> bool:
        try:
            self.connection.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False


def closing_code(connection: ClientConnection, seconds: float = 20) -> int:
    """The code that the server closes with; what comes before is passed over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.recv(timeout=seconds)
        except ConnectionClosed:
            break
    assert connection.close_code is not None, "the connection was not closed"
    return connection.close_code


def wait_until(holds: Any, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.002)


class _Running:
    """The event loop, the floor and the server of one product, on a thread."""

    def __init__(
        self,
        folder: Path,
        market: HandMarket,
        limits: Limits | None,
        places: tuple[Place, Place] | None = None,
        **settings: Any,
    ) -> None:
        self._place, self.users = places or (folder / "exchange.db", folder / "auth.db")
        self._limits = limits
        self._folder = folder
        self._market = market
        self._trusted_proxies = settings.pop("trusted_proxies", "")
        self._settings = settings
        self.auth = AuthStore(self.users, quick_passwords(), key_file=folder / "secrets" / KEY_FILE)
        self.tokens = Tokens(load_key(folder / "secrets" / "jwt.key"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="product")
        self._thread.start()
        assert self._started.wait(20)
        if self._error is not None:
            raise self._error
        wait_until(self._answers, 20)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._server.started

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:
                self._error = error
                self._started.set()
                raise

    async def _serve(self) -> None:
        storage = await asyncio.to_thread(open_storage, self._place)
        bars = BarStore(self._folder / "bars")
        self._ticks = TickKeeper(TickStore(self._folder / "ticks", TICKS_KEPT))
        self._loop = asyncio.get_running_loop()
        async with LocalFloor(lambda link: self._make_floor(link, storage)) as floor:
            self._floor = floor
            with Reads(self._place, WORLD) as reads:
                app = create_app(
                    Rooms(
                        floor=floor,
                        reads=reads,
                        auth=self.auth,
                        tokens=self.tokens,
                        bars=bars,
                        ticks=TickStore(self._folder / "ticks", TICKS_KEPT),
                        world=WORLD,
                        **self._settings,
                    )
                )
                self._server = server_of(app, self.listener, trusted_proxies=self._trusted_proxies)
                self._started.set()
                await self._server.serve(sockets=[self.listener])
        assert floor.error is None, f"the floor fell: {floor.error!r}"
        bars.close()
        await asyncio.to_thread(self._ticks.close)
        await asyncio.to_thread(storage.close)

    def _make_floor(self, link: Any, storage: Storage) -> FloorLoop:
        world = open_world(
            WorldSpec(WORLD, self._market),
            storage=storage,
            snapshots=SnapshotFolder(self._folder / "snapshots"),
            link=link,
            ticks=self._ticks,
            rhythm=Rhythm(market_s=0.005, news_s=0.01),
            limits=self._limits,
        )
        return FloorLoop(link, [world])

    def stop_floor(self) -> None:
        self._floor._floor.stop()
        wait_until(lambda: not self._floor._thread.is_alive())

    def lose_messages(self) -> None:
        gap = StreamBatch(gap=True)
        self._loop.call_soon_threadsafe(self._floor._fan_out.tell, gap)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self.auth.close()
        forget_endpoints()
        self.listener.close()


def quick_passwords() -> Passwords:
    """Argon2id with the least work: tests hash often."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="module")
def serve(request, tmp_path_factory):
    """Starts products; all end with the module."""
    running: list[tuple[_Running, Product]] = []
    postgres = request.config.getoption("--postgres") and request.getfixturevalue("postgres")

    def start(folder: Path | None = None, limits: Limits | None = None, **settings: Any) -> Product:
        folder = folder or tmp_path_factory.mktemp("data")
        market = HandMarket()
        if postgres:
            places = (schema_of(postgres, folder, name) for name in ("exchange", "auth"))
            settings = {"places": tuple(places)} | settings
        run = _Running(folder, market, limits, **(UNLIMITED | settings))
        product = Product(run.port, market, run.auth, run.tokens, folder, anyone=None, running=run)
        product.anyone = product.client()
        running.append((run, product))
        return product

    yield start
    for run, product in running:
        for client in product.clients:
            client.close()
        run.stop()


def schema_of(postgres: PostgresServer, folder: Path, name: str) -> PostgresSchema:
    """The schema that stands for a file of a data folder; the same one when that is used again."""
    return schema(postgres.url(), f"{folder.name}_{name}")


@pytest.fixture(scope="module")
def product(serve) -> Product:
    """The product that most tests of a module share."""
    return serve()


@pytest.fixture
def alice(product) -> Trader:
    return product.trader()


@pytest.fixture
def bob(product) -> Trader:
    return product.trader()


@pytest.fixture
def stock(product) -> str:
    """A stock with the quote 9.99 x 100 / 10.01 x 100."""
    return product.stock()
