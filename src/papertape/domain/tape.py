"""One row of the tape, and the chain of hashes that makes a changed row visible.

`hash = hex(SHA-256(previous|world|seq|time_ns|market_seq|body))`: the six values joined by `|`, as
UTF-8, integers in plain decimal. The first five never contain `|`, and the body is whatever follows
the fifth `|`, so two different rows never read the same. The row before the first has sixty-four
zeros as its hash. Anyone can recompute a row with a shell:

    printf '%s|%s|%s|%s|%s|%s' "$previous" main 17 "$time_ns" "$market_seq" "$body" | sha256sum
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

GENESIS_HASH = "0" * 64

Turn = tuple[int, int, int, str]
"""What the engine hands out for one input: (seq, time_ns, market_seq, body)."""


class TapeRow(NamedTuple):
    """A turn as it stands on the tape. Times are nanoseconds since 1970 in UTC."""

    world: str
    seq: int
    time_ns: int
    market_seq: int
    body: str
    hash: str

    @property
    def turn(self) -> Turn:
        """The part that the engine evolves from."""
        return (self.seq, self.time_ns, self.market_seq, self.body)


class TapeHead(NamedTuple):
    """The end of a world's tape; `epoch` counts how often the world was taken over."""

    epoch: int
    seq: int
    hash: str


def turn_hash(previous: str, world: str, turn: Turn) -> str:
    """The hash of a turn that follows the row whose hash is `previous`."""
    seq, time_ns, market_seq, body = turn
    return sha256(f"{previous}|{world}|{seq}|{time_ns}|{market_seq}|{body}".encode()).hexdigest()


def chain(previous: str, world: str, turns: Iterable[Turn]) -> list[TapeRow]:
    """The tape rows of turns that follow each other, each hashed over the one before."""
    rows = []
    for turn in turns:
        previous = turn_hash(previous, world, turn)
        rows.append(TapeRow(world, *turn, previous))
    return rows
