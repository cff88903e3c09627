"""What the floor offers to the rooms above, and what it needs from the rooms below.

The bodies live elsewhere: `FloorPort` in `link/` and `local.py`, `Storage` in
`papertape.storage`, `MarketSource` in `papertape.markets`. A body is whatever passes the suite of
its port in tests/contracts.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import msgspec

from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import UnavailableError
from papertape.domain.tape import TapeHead, TapeRow
from papertape.engine import Outcome, World

# --- what the server sees -----------------------------------------------------------------------


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The committed answer to one command or question: an outcome of the contract, and JSON."""

    outcome: str
    body: bytes


class PrivateMessage(msgspec.Struct, frozen=True, array_like=True):
    """News of one account. `prev` is the seq of the message before it in (account, channel)."""

    seq: int
    prev: int | None
    world: str
    account_id: str
    channel: str
    type: str
    data: bytes


class MarketMessage(msgspec.Struct, frozen=True, array_like=True):
    """News for all: channels `quotes:S`, `book:S`, `trades:S`, `bars:S:1m`."""

    world: str
    channel: str
    type: str
    data: bytes


class StreamBatch(msgspec.Struct, frozen=True, array_like=True):
    """What one committed batch has to tell, in order.

    `gap` says that messages before this batch were or may have been lost (the floor restarted, or
    the listener was too slow): whoever passes private messages on starts afresh from SQL.
    """

    private: list[PrivateMessage] = []
    market: list[MarketMessage] = []
    gap: bool = False


FloorUnavailableError = UnavailableError
"""Base of the two refusals of a floor, and of what a storage says while its database is away."""


class NotAccepted(FloorUnavailableError):  # noqa: N818 - the name is the vocabulary of the wire
    """The command surely had no effect; it may be sent again (503 `not_accepted`)."""

    reason = "not_accepted"


class OutcomeUnknown(FloorUnavailableError):  # noqa: N818 - the name is the vocabulary of the wire
    """The command may have been committed (503 `outcome_unknown`).

    The same command with the same request id tells the truth, and never acts twice.
    """

    reason = "outcome_unknown"


class FloorPort(Protocol):
    """The floor as the server sees it."""

    async def ask(self, world: str, command: bytes, request_id: str = "") -> Reply:
        """Send one command or question; raises `NotAccepted` or `OutcomeUnknown`.

        The floor names `request_id` in its log where it has something to say about the command.
        """
        ...

    def streams(self) -> AsyncIterator[StreamBatch]:
        """Everything published from now on."""
        ...


# --- what the floor needs -----------------------------------------------------------------------


Ticket = object
"""Where an answer goes; only the link that handed it out can read it."""


class Asked(msgspec.Struct, frozen=True):
    """One command or question as it came in through a link; `request_id` is for the log."""

    ticket: Ticket
    world: str
    command: bytes
    request_id: str = ""


class Link(Protocol):
    """The floor's end of the way to its servers."""

    def receive(self, timeout_s: float) -> list[Asked]:
        """What has come in; waits at most `timeout_s` when nothing has."""
        ...

    def answer(self, ticket: Ticket, reply: Reply) -> None:
        """Take a reply; it leaves at the next `flush`."""
        ...

    def publish(self, batch: StreamBatch) -> None:
        """Tell all listeners; nobody is waited for."""
        ...

    def flush(self) -> None:
        """Send the replies taken since the last time."""
        ...

    def close(self) -> None:
        """Let go of the sockets; what was flushed is still delivered."""
        ...


class Storage(Protocol):
    """Tape, read models and head, written together or not at all; one writer for each world."""

    def hold(self, world: str, patience_s: float = 0.0) -> None:
        """Say that a floor of this world is alive; raises `DataFolderBusyError` while another is.

        Liveness only: what keeps two writers apart is the epoch.
        """
        ...

    def take_over(self, world: str, address: str) -> TapeHead:
        """Become the one writer: raises the epoch, so that the writer before is fenced off."""
        ...

    def head(self, world: str) -> TapeHead | None:
        """The head as it stands now; None for a world that never was."""
        ...

    def commit(self, world: str, head: TapeHead, batch: Batch) -> TapeHead:
        """Write a batch behind `head` and return the new head.

        Raises `FencedError` when `head` is not the head any more, `CommitFailedError` when surely
        nothing was written, `CommitUnknownError` when that cannot be told.
        """
        ...

    def tail(self, world: str, after_seq: int) -> Iterator[TapeRow]:
        """The rows behind `after_seq`, in order, without holding them all in memory."""
        ...

    def row(self, world: str, seq: int) -> TapeRow | None:
        """One row of the tape."""
        ...

    def market_state(self, world: str) -> MarketState | None:
        """What the last batch that carried one has left."""
        ...

    def known_order(self, world: str, account_id: str, client_order_id: str) -> bytes | None:
        """The order of a request id as wire JSON, also when the engine has forgotten the id."""
        ...

    def order_count(self, world: str, account_id: str, at_most: int) -> int:
        """How many orders an account has, counted no further than `at_most`."""
        ...

    def close(self) -> None:
        """Let go of the database; what was committed stays."""
        ...


class MarketSource(Protocol):
    """Where a world's prices come from: simulated, replayed, live. Times are the world's."""

    def listing(self) -> list[bytes]:
        """The `create_world` and `list_*` commands, sent at every start; all are idempotent."""
        ...

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        """Go on at `time_ns`, the clock's present, from a saved `state` (None: a first start).

        Called at each start and after each reload; `market_seq` is the last one on the tape.
        """
        ...

    def act(self, world: World, now_ns: int) -> Outcome | list[tuple[int, bytes]]:
        """The inputs due up to `now_ns`: as `(time_ns, command)` in order, or already applied."""
        ...

    def state(self) -> bytes:
        """What `resume` needs to go on from here."""
        ...

    @property
    def next_due_ns(self) -> int | None:
        """When `act` has something to do next; None when never again."""
        ...
