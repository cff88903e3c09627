"""The loop of one world: take what waits, decide, commit, and only then answer and publish.

    inputs --> World (decides, in memory) --> Storage (one transaction) --> replies, streams

The memory may be ahead of the tape only between the second and the third step. Whatever goes wrong
there, the memory is thrown away and the world is loaded from the tape again, by the very code that
starts it. Start reading at `step`.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import msgspec

from papertape.domain.batch import Batch, MarketState
from papertape.domain.errors import (
    CommitFailedError,
    CommitUnknownError,
    FencedError,
    ProjectionRefusedError,
    StorageUnavailableError,
    TapeBrokenError,
    WorldDiffersError,
)
from papertape.domain.time_text import time_text
from papertape.engine import EnginePanic, Outcome, World
from papertape.floor.clock import WorldClock
from papertape.floor.disk import DiskRoom
from papertape.floor.loading import load_world
from papertape.floor.market_news import MarketNews
from papertape.floor.numbering import Numbering
from papertape.floor.ports import Link, MarketMessage, MarketSource, Reply, Storage, StreamBatch
from papertape.floor.queue import (
    Limits,
    Waiting,
    WaitingQueue,
    internal_error,
    not_accepted,
    outcome_unknown,
)
from papertape.floor.repeats import ForgottenRequests
from papertape.storage.snapshots import SnapshotFolder

TIME = b'{"kind":"time"}'
CHECKPOINT = b'{"kind":"checkpoint"}'
MARKET_SLICES_MAX = 8
MARKET_FALLS_MAX = 3
QUARANTINED_MAX = 1_000
SLOW_BATCH_S = 1.0
REQUEST_IDS_TOLD_MAX = 20
GROWING = frozenset({"submit", "submit_all", "open_account"})
"""What a disk that is nearly full has no room for."""

RETRY_PAUSES_S = (0.0, 0.25, 0.5, 1.0, 2.0)

_log = logging.getLogger(__name__)


class _Refusal(msgspec.Struct):
    """Why the engine refuses one of the floor's own commands."""

    detail: str = ""
    field: str | None = None


NEWS_SHARE = 20
"""Telling the market's news takes at most one part in so many of the floor's time."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a world does what nobody asked for, in seconds of wall time."""

    market_s: float = 0.02
    news_s: float = 0.05
    time_s: float = 0.25
    market_state_s: float = 3.0
    checkpoint_s: float = 60.0


@dataclass(slots=True)
class Counters:
    """What a world has done since it was started; shown by `floor_status`."""

    inputs: int = 0
    batches: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    commit_seconds_max: float = 0.0
    failed_commits: int = 0
    unknown_commits: int = 0
    reloads: int = 0
    quarantined: int = 0
    market_falls: int = 0
    prints: int = 0


@dataclass(slots=True)
class _Due:
    """When each rhythmic work is next, in seconds of the monotonic clock."""

    market: float = 0.0
    news: float = 0.0
    time: float = 0.0
    market_state: float = 0.0
    checkpoint: float = 0.0


@dataclass(slots=True)
class Decided:
    """What the engine made of one batch, not yet committed."""

    replies: Sequence[tuple[str, bytes] | None]
    outcomes: list[Outcome] = field(default_factory=list)


class WorldLoop:
    """One world on this floor. Not for use by two threads at once."""

    def __init__(
        self,
        *,
        world_id: str,
        storage: Storage,
        snapshots: SnapshotFolder,
        link: Link,
        source: MarketSource | None,
        clock: WorldClock,
        news: MarketNews,
        limits: Limits | None = None,
        rhythm: Rhythm | None = None,
        address: str = "",
        disk: DiskRoom | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world_id = world_id
        self.counters = Counters()
        self._storage = storage
        self._snapshots = snapshots
        self._link = link
        self._source = source
        self._clock = clock
        self._news = news
        self._rhythm = rhythm or Rhythm()
        self._disk = disk
        self._now = now
        self._waiting = WaitingQueue(limits or Limits())
        self._numbering = Numbering(world_id)
        self._forgotten = ForgottenRequests(world_id, storage)
        self._quarantined: dict[bytes, None] = {}
        self._market_state = "running" if source else "none"
        self._more_due = False
        self._checkpointed_seq = 0
        self._failures = 0
        self._resting_until = 0.0
        self._due = _Due()
        self._head = storage.take_over(world_id, address)
        self._load()
        self._clock.start(self._world.time_ns)
        self._open()
        self._fresh = True

    # --- loading ------------------------------------------------------------------------------

    def _load(self) -> None:
        """Put the world into memory as the tape has it."""
        loaded = load_world(self.world_id, self._head, self._storage, self._snapshots)
        self._world: World = loaded.world
        self._checkpointed_seq = self._world.seq
        self._numbering.begin(self._world.seq)
        _log.info(
            "world %s is at turn %d (%s), %d turns behind its snapshot",
            self.world_id,
            self._head.seq,
            self._head.hash,
            self._head.seq - loaded.snapshot_seq,
        )

    def _open(self) -> None:
        """List what the source trades and run what fell due, before the market starts."""
        if self._source is not None:
            saved = self._storage.market_state(self.world_id)
            self._source.resume(
                max(self._world.market_seq, saved.market_seq if saved else 0),
                self._clock.now_ns() if self._clock.follows_wall else self._world.time_ns,
                saved.state if saved else None,
            )
            if not self._clock.follows_wall:
                self._clock.start(self._world.time_ns)
            self._system_turn(self._source.listing())
        while not self._clock.jumped() and self._system_turn([TIME]).more_due:
            pass
        self._news.listed(self._world)
        now = self._now()
        self._due = _Due(
            now, now, now, now + self._rhythm.market_state_s, now + self._rhythm.checkpoint_s
        )

    def _system_turn(self, commands: list[bytes]) -> Outcome:
        """Apply the floor's own commands and commit them; a refusal stops the start."""
        now_ns = self._clock.now_ns()
        outcome = self._world.apply([(now_ns, command) for command in commands])
        for command, reply in zip(commands, outcome.replies, strict=True):
            if reply is not None and reply[0] not in {"created", "existing", "ok"}:
                refusal = msgspec.json.decode(reply[1], type=_Refusal)
                if refusal.field in {"seed", "sharing"}:
                    raise WorldDiffersError(self.world_id, refusal.field, refusal.detail)
                raise TapeBrokenError(
                    self.world_id,
                    self._world.seq,
                    "tape",
                    f"the engine answers {reply[0]} {reply[1].decode()} to {command.decode()}",
                )
        self._commit([outcome], None)
        return outcome

    def _reload(self, why: str) -> None:
        """Throw away what is ahead of the tape, and load the world as at a start."""
        _log.warning("world %s is loaded again: %s", self.world_id, why)
        self.counters.reloads += 1
        head = self._storage.head(self.world_id)
        if head is None or head.epoch != self._head.epoch:
            raise FencedError(f"world {self.world_id!r}: another writer took over")
        self._head = head
        self._fresh = False
        self._load()
        self._open()
        self._fresh = True

    def _recover(self, why: str = "its memory was ahead of the tape") -> bool:
        """Make the memory agree with the tape again; False while nothing can be written."""
        if self._now() < self._resting_until:
            return False
        try:
            self._reload(why)
        except FencedError:
            raise
        except (CommitFailedError, CommitUnknownError) as error:
            self._rest(error)
        return self._fresh

    def _rest(self, error: Exception) -> None:
        """Write nothing for a while, longer after each failure that follows another."""
        pause = RETRY_PAUSES_S[min(self._failures, len(RETRY_PAUSES_S) - 1)]
        self._failures += 1
        self._fresh = False
        self._resting_until = self._now() + pause
        _log.error("world %s cannot write (again in %.2f s): %s", self.world_id, pause, error)

    # --- the loop -----------------------------------------------------------------------------

    def offer(self, ticket: object, command: bytes, request_id: str = "") -> None:
        """Put a command at the end of the queue, or refuse it at once."""
        refused = self._waiting.offer(ticket, command, request_id)
        if refused is not None:
            self._link.answer(ticket, refused)

    def idle_s(self) -> float:
        """How long nothing needs to be done unless something comes in."""
        if self._waiting or (self._more_due and self._fresh):
            return 0.0
        if not self._fresh:
            return max(0.0, self._resting_until - self._now())
        due = min(self._due.news, self._due.time)
        if self._source is not None and self._source.next_due_ns is not None:
            due = min(due, self._due.market)
        return max(0.0, due - self._now())

    def step(self) -> None:
        """One batch: decide, commit, answer, publish."""
        taken, started = self._waiting.take(), self._now()
        self._do(taken)
        took_s = self._now() - started
        level = logging.WARNING if took_s >= SLOW_BATCH_S else logging.DEBUG
        if taken and _log.isEnabledFor(level):
            said = "a batch of %d inputs took %.3f s"
            _log.log(level, said, len(taken), took_s, extra=_requests(taken))

    def _do(self, taken: list[Waiting]) -> None:
        if not self._fresh and not self._recover():
            self._answer_all(taken, not_accepted("the floor cannot write at the moment"))
            return
        self.counters.inputs += len(taken)
        if any(self._is_quarantined(waiting) for waiting in taken):
            taken = self._refuse_quarantined(taken)
        try:
            if self._disk is not None and self._disk.is_low():
                taken = self._refuse_new(taken)
            taken = self._answer_forgotten(taken)
        except StorageUnavailableError as error:
            self._after_failure(taken, not_accepted("the database cannot be reached"), error)
            return
        try:
            decided = self._decide(taken)
        except EnginePanic as panic:
            self._recover(f"the engine panicked: {panic}")
            self._one_at_a_time(taken)
            return
        self._finish(taken, decided)

    def _decide(self, taken: list[Waiting]) -> Decided:
        """Let the market move, then the commands in order, then time pass."""
        outcomes = self._market_moves()
        now_ns = self._clock.now_ns()
        commands = [(now_ns, waiting.command) for waiting in taken if waiting.for_engine]
        asked = len(commands)
        commands += [(now_ns, command) for command in self._due_commands()]
        if not commands:
            return Decided([], outcomes)
        outcome = self._world.apply(commands)
        self._more_due = outcome.more_due
        return Decided(outcome.replies[:asked], [*outcomes, outcome])

    def _due_commands(self) -> list[bytes]:
        now = self._now()
        commands = []
        if (self._more_due or now >= self._due.time) and not self._clock.jumped():
            self._due.time = now + self._rhythm.time_s
            commands.append(TIME)
        self._more_due = False
        if now >= self._due.checkpoint:
            self._due.checkpoint = now + self._rhythm.checkpoint_s
            if self._world.seq > self._checkpointed_seq:
                commands.append(CHECKPOINT)
                self._checkpointed_seq = self._world.seq + 1
        return commands

    def _market_moves(self) -> list[Outcome]:
        """What the source does up to now; one that panics again and again is halted."""
        if self._source is None or self._now() < self._due.market:
            return []
        self._due.market = self._now() + self._rhythm.market_s
        try:
            return self._market_slices(self._source, self._clock.now_ns())
        except EnginePanic:
            self.counters.market_falls += 1
            if self.counters.market_falls >= MARKET_FALLS_MAX:
                _log.critical("the market of world %s is halted", self.world_id)
                self._source, self._market_state = None, "halted"
            raise

    def _market_slices(self, source: MarketSource, now_ns: int) -> list[Outcome]:
        outcomes = []
        for _ in range(MARKET_SLICES_MAX):
            due = source.next_due_ns
            if due is None or due > now_ns:
                break
            made = source.act(self._world, now_ns)
            outcomes.append(self._world.apply(made) if isinstance(made, list) else made)
        return outcomes

    # --- commit, answer, publish ----------------------------------------------------------------

    def _finish(self, taken: list[Waiting], decided: Decided) -> None:
        try:
            private = self._commit(decided.outcomes, self._state_to_save())
        except FencedError:
            self._answer_all(taken, _FENCED)
            raise
        except ProjectionRefusedError as error:
            self._recover(f"a batch does not fit the tables: {error}")
            self._one_at_a_time(taken)
        except CommitFailedError as error:
            self.counters.failed_commits += 1
            self._after_failure(taken, not_accepted("the batch could not be written"), error)
        except CommitUnknownError as error:
            self.counters.unknown_commits += 1
            detail = "the commit was cut off: repeat with the same request id to learn the truth"
            self._after_failure(taken, outcome_unknown(detail), error)
        else:
            self._failures = 0
            self._answer(taken, decided.replies)
            self._publish(private, decided.outcomes)

    def _commit(self, outcomes: list[Outcome], state: MarketState | None) -> StreamBatch:
        """One transaction; returns the private messages that may be told from now on."""
        turns = [turn for outcome in outcomes for turn in outcome.turns]
        messages = [message for outcome in outcomes for message in outcome.messages]
        if turns or state is not None:
            started = time.perf_counter()
            rows = [outcome.rows for outcome in outcomes]
            self._head = self._storage.commit(self.world_id, self._head, Batch(turns, rows, state))
            self._count_commit(time.perf_counter() - started)
        return StreamBatch(self._numbering.number(messages))

    def _count_commit(self, seconds: float) -> None:
        self.counters.commits += 1
        self.counters.commit_seconds += seconds
        self.counters.commit_seconds_max = max(self.counters.commit_seconds_max, seconds)

    def _state_to_save(self) -> MarketState | None:
        now = self._now()
        if self._source is None or now < self._due.market_state:
            return None
        self._due.market_state = now + self._rhythm.market_state_s
        return MarketState(self._world.time_ns, self._world.market_seq, self._source.state())

    def _answer(self, taken: list[Waiting], replies: Sequence[tuple[str, bytes] | None]) -> None:
        self.counters.batches += bool(taken)
        from_engine = iter(replies)
        for waiting in taken:
            if waiting.for_engine:
                reply = next(from_engine) or ("ok", b"{}")
                self._link.answer(waiting.ticket, Reply(*reply))
            else:
                self._link.answer(waiting.ticket, self._answer_question(waiting.kind))

    def _answer_all(self, taken: list[Waiting], reply: Reply) -> None:
        for waiting in taken:
            self._link.answer(waiting.ticket, reply)

    def _publish(self, private: StreamBatch, outcomes: list[Outcome]) -> None:
        market: list[MarketMessage] = []
        for outcome in outcomes:
            prints = outcome.prints
            self.counters.prints += len(prints)
            market += self._news.prints(prints)
        closed_bars = getattr(self._source, "closed_bars", None)
        if closed_bars is not None:
            market += [self._news.closed_bar(symbol, bar) for symbol, bar in closed_bars()]
        started = self._now()
        if started >= self._due.news:
            market += self._news.conflated(
                self._world, self._clock.now_ns(), own_bars=closed_bars is None
            )
            took_s = self._now() - started
            self._due.news = started + max(self._rhythm.news_s, NEWS_SHARE * took_s)
        if private.private or market:
            self._link.publish(StreamBatch(private.private, market))

    # --- when something went wrong ----------------------------------------------------------------

    def _after_failure(self, taken: list[Waiting], reply: Reply, error: Exception) -> None:
        self._answer_all(taken, reply)
        self._rest(error)

    def _one_at_a_time(self, taken: list[Waiting]) -> None:
        """Find the input that cannot be: each gets a batch of its own, the guilty is refused."""
        for place, waiting in enumerate(taken):
            if not self._fresh:
                self._answer_all(taken[place:], not_accepted("the floor cannot write"))
                return
            try:
                decided = self._decide_one(waiting)
                private = self._commit(decided.outcomes, None)
            except EnginePanic as panic:
                self._quarantine(waiting, str(panic))
                self._recover("the guilty command is quarantined")
            except ProjectionRefusedError as error:
                self._refuse_or_repeat(waiting, str(error))
                self._recover("the guilty command is answered without the engine")
            except FencedError:
                self._answer_all(taken[place:], _FENCED)
                raise
            except (CommitFailedError, CommitUnknownError) as error:
                self._give_up(taken[place:], error)
                return
            else:
                self._answer([waiting], decided.replies)
                self._publish(private, decided.outcomes)

    def _decide_one(self, waiting: Waiting) -> Decided:
        if not waiting.for_engine:
            return Decided([])
        outcome = self._world.apply([(self._clock.now_ns(), waiting.command)])
        return Decided(outcome.replies, [outcome])

    def _give_up(self, taken: list[Waiting], error: Exception) -> None:
        first = (
            outcome_unknown("the commit was cut off: repeat with the same request id")
            if isinstance(error, CommitUnknownError)
            else not_accepted("the batch could not be written")
        )
        self._link.answer(taken[0].ticket, first)
        self._after_failure(taken[1:], not_accepted("the batch before could not be written"), error)

    def _quarantine(self, waiting: Waiting, why: str) -> None:
        self.counters.quarantined += 1
        self._quarantined[_digest(waiting)] = None
        if len(self._quarantined) > QUARANTINED_MAX:
            del self._quarantined[next(iter(self._quarantined))]
        told = waiting.command[:2_000]
        _log.error("a command is quarantined (%s): %r", why, told, extra=_requests([waiting]))
        self._link.answer(waiting.ticket, _QUARANTINED)

    def _refuse_or_repeat(self, waiting: Waiting, why: str) -> None:
        """A command that does not fit the tables: a forgotten request id, or one to quarantine."""
        try:
            reply = self._forgotten.from_tables(waiting)
        except StorageUnavailableError:
            reply = not_accepted("the database cannot be reached")
        if reply is None:
            self._quarantine(waiting, why)
        else:
            self._link.answer(waiting.ticket, reply)

    def _answer_forgotten(self, taken: list[Waiting]) -> list[Waiting]:
        known = [(waiting, self._forgotten.answer(waiting)) for waiting in taken]
        for waiting, reply in known:
            if reply is not None:
                self._link.answer(waiting.ticket, reply)
        return [waiting for waiting, reply in known if reply is None]

    def _refuse_new(self, taken: list[Waiting]) -> list[Waiting]:
        """While the disk is low: refuse what makes the tape grow, unless it was done before."""
        new = [waiting for waiting in taken if waiting.kind in GROWING]
        known = [(waiting, self._forgotten.from_tables(waiting)) for waiting in new]
        for waiting, reply in known:
            self._link.answer(waiting.ticket, reply or _DISK_LOW)
        return [waiting for waiting in taken if waiting.kind not in GROWING]

    def _is_quarantined(self, waiting: Waiting) -> bool:
        return bool(self._quarantined) and _digest(waiting) in self._quarantined

    def _refuse_quarantined(self, taken: list[Waiting]) -> list[Waiting]:
        guilty = [waiting for waiting in taken if self._is_quarantined(waiting)]
        self._answer_all(guilty, _QUARANTINED)
        return [waiting for waiting in taken if not self._is_quarantined(waiting)]

    # --- questions to the floor, and the end ----------------------------------------------------

    def _answer_question(self, kind: str) -> Reply:
        body: object
        if kind == "instruments":
            body = {"items": self._world.instruments()}
        elif kind == "exchanges":
            body = {"items": self._world.exchanges()}
        else:
            body = self.status()
        return Reply("ok", msgspec.json.encode(body))

    def status(self) -> dict[str, object]:
        """What the floor says about this world; counters are since the start of the process."""
        return {
            "world": self.world_id,
            "epoch": self._head.epoch,
            "seq": self._head.seq,
            "market_seq": self._world.market_seq,
            "time": time_text(self._clock.now_ns()),
            "waiting": len(self._waiting),
            "clock_jump": self._clock.jumped(),
            "disk_low": self._disk is not None and self._disk.is_low(),
            "clock_disagreement_s": self._clock.disagreement_ns / 1e9,
            "market": self._market_word(),
            "writing": self._fresh,
            **asdict(self.counters),
        }

    def _market_word(self) -> str:
        ended = self._source is not None and self._source.next_due_ns is None
        return "ended" if ended else self._market_state

    def end(self) -> None:
        """Finish what waits, leave a checkpoint and the market's state; the world is done here."""
        while self._waiting:
            self.step()
        if not self._fresh:
            return
        commands = [CHECKPOINT] if self._world.seq > self._checkpointed_seq else []
        outcome = self._world.apply([(self._clock.now_ns(), command) for command in commands])
        self._due.market_state = 0.0
        try:
            self._commit([outcome], self._state_to_save())
        except (CommitFailedError, CommitUnknownError) as error:
            _log.warning("world %s ends without a checkpoint: %s", self.world_id, error)
        _log.info("world %s ends at turn %d (%s)", self.world_id, self._head.seq, self._head.hash)


_FENCED = not_accepted("another floor has taken over this world")
_DISK_LOW = not_accepted(
    "the disk is nearly full: new orders are refused until there is room, cancels are taken"
)
_QUARANTINED = internal_error("this command broke the engine and is quarantined: it had no effect")


def _requests(taken: list[Waiting]) -> dict[str, str]:
    """Whose requests a line of the log is about, a few of them."""
    ids = [waiting.request_id for waiting in taken if waiting.request_id]
    return {"request_id": ",".join(ids[:REQUEST_IDS_TOLD_MAX])} if ids else {}


def _digest(waiting: Waiting) -> bytes:
    return hashlib.sha256(waiting.command).digest()
