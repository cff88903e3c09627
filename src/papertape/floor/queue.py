"""What waits for a world: one queue in order of arrival, bounded for each account and in all."""

from collections import Counter, deque
from dataclasses import dataclass

import msgspec

from papertape.floor.ports import Reply, Ticket

FLOOR_QUESTIONS = frozenset({"floor_status", "instruments", "exchanges"})
"""Answered by the floor itself, but with their batch like everything else."""


class _Envelope(msgspec.Struct):
    kind: str = ""
    account_id: str = ""
    client_order_id: str = ""


_envelope = msgspec.json.Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait and how much is taken at once."""

    waiting_max: int = 20_000
    waiting_per_account_max: int = 2_000
    batch_max: int = 500


@dataclass(slots=True)
class Waiting:
    """A command or question in the queue, and where its answer goes."""

    ticket: Ticket
    command: bytes
    kind: str
    account_id: str
    client_order_id: str
    request_id: str = ""

    @property
    def for_engine(self) -> bool:
        """Whether the engine answers it."""
        return self.kind not in FLOOR_QUESTIONS


class WaitingQueue:
    """A bounded queue; what does not fit is refused at once and changes nothing."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[Waiting] = deque()
        self._by_account: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, ticket: Ticket, command: bytes, request_id: str = "") -> Reply | None:
        """Put a command at the end; a refusal comes back instead when it does not fit."""
        if len(self._waiting) >= self._limits.waiting_max:
            return not_accepted("the floor has more waiting than it can take: try again shortly")
        try:
            envelope = _envelope.decode(command)
        except (msgspec.DecodeError, msgspec.ValidationError):
            envelope = _Envelope()  # the engine says what is wrong with it
        account = envelope.account_id
        if account and self._by_account[account] >= self._limits.waiting_per_account_max:
            return _too_many(self._limits.waiting_per_account_max)
        self._by_account[account] += 1
        self._waiting.append(
            Waiting(ticket, command, envelope.kind, account, envelope.client_order_id, request_id)
        )
        return None

    def take(self) -> list[Waiting]:
        """The next batch, in order of arrival."""
        count = min(len(self._waiting), self._limits.batch_max)
        taken = [self._waiting.popleft() for _ in range(count)]
        self._by_account.subtract(waiting.account_id for waiting in taken)
        if not self._waiting:
            self._by_account.clear()
        return taken


def refusal(outcome: str, reason: str, detail: str) -> Reply:
    """A reply that says why nothing was done."""
    return Reply(outcome, msgspec.json.encode({"reason": reason, "detail": detail}))


def not_accepted(detail: str) -> Reply:
    """The command surely had no effect."""
    return refusal("not_accepted", "not_accepted", detail)


def outcome_unknown(detail: str) -> Reply:
    """The command may have been committed."""
    return refusal("outcome_unknown", "outcome_unknown", detail)


def internal_error(detail: str) -> Reply:
    """The command is quarantined; it would have broken the record."""
    return refusal("internal_error", "internal_error", detail)


def _too_many(limit: int) -> Reply:
    return refusal(
        "too_many", "too_many", f"the account has {limit} requests waiting: wait for their replies"
    )
