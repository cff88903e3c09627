"""A small exchange for the floor's tests: one stock, a street that says what it is told to say."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import CommitFailedError, CommitUnknownError
from papertape.domain.tape import TapeHead, TapeRow
from papertape.engine import World
from papertape.floor.clock import WorldClock
from papertape.floor.disk import DiskRoom
from papertape.floor.market_news import MarketNews
from papertape.floor.ports import Asked, Reply, Storage, StreamBatch
from papertape.floor.queue import Limits
from papertape.floor.world_loop import Rhythm, WorldLoop
from papertape.storage.bodies import open_storage
from papertape.storage.place import Place
from papertape.storage.snapshots import SnapshotFolder

ALICE = str(uuid.UUID(int=0xA11CE))
BOB = str(uuid.UUID(int=0xB0B))
START_NS = 1_795_171_560_000_000_000

Json = dict[str, Any]


def command(kind: str, **fields: object) -> bytes:
    return json.dumps({"kind": kind, **fields}).encode()


def open_account(account_id: str = ALICE, cash: str = "100000.00") -> bytes:
    return command(
        "open_account",
        account_id=account_id,
        owner=account_id,
        account_kind="cash",
        currency="USD",
        starting_cash=cash,
        request_id=f"open-{account_id}",
    )


def buy(
    client_order_id: str, qty: str = "10", limit_price: str | None = "10.01", **changed: object
) -> bytes:
    fields: Json = {
        "account_id": ALICE,
        "client_order_id": client_order_id,
        "symbol": "ACME",
        "side": "buy",
        "type": "limit" if limit_price else "market",
        "qty": qty,
        "time_in_force": "gtc",
    }
    if limit_price:
        fields["limit_price"] = limit_price
    return command("submit", **(fields | changed))


def value(account_id: str = ALICE) -> bytes:
    return command("value", account_id=account_id)


def quote(bid: str = "9.99", ask: str = "10.01", size: str = "1000000") -> bytes:
    return command("quote", symbol="ACME", bid=bid, ask=ask, bid_size=size, ask_size=size)


LISTING = [
    command("create_world", world="main", seed=1, sharing="shared"),
    command(
        "list_exchange",
        exchange="XTST",
        name="Test exchange",
        currency="USD",
        calendar="always",
        fees={"maker_rate": "0", "taker_rate": "0.001", "per_share": "0", "minimum": "0"},
        profile={
            "name": "realistic",
            "spread_ticks": 1,
            "participation": "0.1",
            "market_orders": "street",
        },
    ),
    command(
        "list_instrument",
        symbol="ACME",
        name="Acme Corporation",
        asset_class="us_equity",
        exchange="XTST",
        sector="Industrials",
        currency="USD",
        tick_size="0.01",
        lot_size="1",
        price_scale=6,
        qty_scale=6,
        source="street",
        trigger="bid_ask",
    ),
]


class Street:
    """A body of `MarketSource`: shows its quote again after every start, else what it is given."""

    def __init__(self, first: bytes = quote()) -> None:
        self._first = first
        self._due: list[bytes] = []
        self.resumed: list[tuple[int, int, bytes | None]] = []

    def say(self, *inputs: bytes) -> None:
        self._due += inputs

    def listing(self) -> list[bytes]:
        return LISTING

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        self.resumed.append((market_seq, time_ns, state))
        self._due.insert(0, self._first)

    def act(self, world: World, now_ns: int) -> list[tuple[int, bytes]]:
        due, self._due = self._due, []
        return [(now_ns, data) for data in due]

    def state(self) -> bytes:
        return b"street"

    @property
    def next_due_ns(self) -> int | None:
        return 0 if self._due else None


class CollectingLink:
    """A body of the port `Link` that keeps what leaves; `before_answer` may look around first."""

    def __init__(self, before_answer: Callable[[], None] = lambda: None) -> None:
        self._before_answer = before_answer
        self.replies: dict[object, Reply] = {}
        self.batches: list[StreamBatch] = []

    def receive(self, timeout_s: float) -> list[Asked]:
        return []

    def answer(self, ticket: object, reply: Reply) -> None:
        self._before_answer()
        self.replies[ticket] = reply

    def publish(self, batch: StreamBatch) -> None:
        self.batches.append(batch)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def private(self, channel: str, account_id: str = ALICE) -> list[tuple[int, int | None]]:
        """(seq, prev) of an account's messages in a channel, in order."""
        return [
            (message.seq, message.prev)
            for batch in self.batches
            for message in batch.private
            if (message.channel, message.account_id) == (channel, account_id)
        ]


class FaultyStorage:
    """A body of the port `Storage`: a real one whose next commits can be made to fail."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.faults: list[str] = []

    def commit(self, world: str, head: TapeHead, batch: Batch) -> TapeHead:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "fails":
            raise CommitFailedError("injected: nothing was written")
        if fault == "cut off before":
            raise CommitUnknownError("injected: it is not there")
        end = self._inner.commit(world, head, batch)
        if fault == "cut off after":
            raise CommitUnknownError("injected: it is there")
        return end

    def hold(self, world: str, patience_s: float = 0.0) -> None:
        self._inner.hold(world, patience_s)

    def take_over(self, world: str, address: str) -> TapeHead:
        return self._inner.take_over(world, address)

    def head(self, world: str) -> TapeHead | None:
        return self._inner.head(world)

    def tail(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        return self._inner.tail(world, after_seq)

    def row(self, world: str, seq: int) -> TapeRow | None:
        return self._inner.row(world, seq)

    def market_state(self, world: str) -> MarketState | None:
        return self._inner.market_state(world)

    def known_order(self, world: str, account_id: str, client_order_id: str) -> bytes | None:
        return self._inner.known_order(world, account_id, client_order_id)

    def order_count(self, world: str, account_id: str, at_most: int) -> int:
        return self._inner.order_count(world, account_id, at_most)

    def close(self) -> None:
        self._inner.close()


class HandClock:
    """Wall and monotonic time that move only by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.wall_ns = START_NS
        self.monotonic_ns = 0

    def pass_seconds(self, seconds: float) -> None:
        self.wall_ns += int(seconds * 1e9)
        self.monotonic_ns += int(seconds * 1e9)

    def world_clock(self, **options: Any) -> WorldClock:
        return WorldClock(wall=lambda: self.wall_ns, monotonic=lambda: self.monotonic_ns, **options)

    def seconds(self) -> float:
        return self.monotonic_ns / 1e9


class SmallExchange:
    """A world loop on a folder, stepped by hand: `ask` offers a command and takes its reply."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: HandClock | None = None,
        link: CollectingLink | None = None,
        limits: Limits | None = None,
        street: Street | None = None,
        place: Place | None = None,
        disk: DiskRoom | None = None,
    ) -> None:
        self.clock = clock or HandClock()
        self.link = link or CollectingLink()
        self.street = street or Street()
        folder.mkdir(parents=True, exist_ok=True)
        self.storage = FaultyStorage(open_storage(place or folder / "exchange.db"))
        self.snapshots = SnapshotFolder(folder / "snapshots")
        self.loop = WorldLoop(
            world_id="main",
            storage=self.storage,
            snapshots=self.snapshots,
            link=self.link,
            source=self.street,
            clock=self.clock.world_clock(),
            news=MarketNews("main", None),
            limits=limits,
            rhythm=Rhythm(market_s=0.0),
            disk=disk,
            now=self.clock.seconds,
        )
        self.step()

    def step(self, seconds: float = 0.01) -> None:
        self.clock.pass_seconds(seconds)
        self.loop.step()

    def offer(self, *commands: bytes) -> list[object]:
        tickets: list[object] = [object() for _ in commands]
        for ticket, data in zip(tickets, commands, strict=True):
            self.loop.offer(ticket, data)
        return tickets

    def ask(self, *commands: bytes) -> list[tuple[str, Json]]:
        """The replies of commands that travel in one batch."""
        tickets = self.offer(*commands)
        self.step()
        replies = [self.link.replies[ticket] for ticket in tickets]
        return [(reply.outcome, json.loads(reply.body)) for reply in replies]

    def ask_one(self, data: bytes) -> tuple[str, Json]:
        return self.ask(data)[0]

    def say(self, *inputs: bytes) -> None:
        self.street.say(*inputs)
        self.step()

    def status(self) -> Json:
        return self.loop.status()

    def seqs(self) -> list[int]:
        return [row.seq for row in self.storage.tail("main", 0)]

    def close(self) -> None:
        self.storage.close()
