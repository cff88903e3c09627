"""Looks for rare events on the tape, and remembers how far it has looked.

The first look reads the whole tape of the world; later ones only what has been added since.
"""

import json
import threading
from typing import Any

from sqlalchemy import or_, select

from papertape.storage.reads import Reads
from papertape.storage.tables import tape

Event = dict[str, Any]


class TapeSearch:
    """The events of some kinds, each with the seq and the time of its turn. For several threads."""

    def __init__(self, reads: Reads, words: tuple[str, ...]) -> None:
        self._reads = reads
        self._words = words
        self._seq = 0
        self._found: list[Event] = []
        self._turn = threading.Lock()

    def events(self) -> list[Event]:
        """All events of the kinds so far, the oldest first. Blocks."""
        with self._turn:
            head = self._reads.head_seq()
            new = [
                event
                for row in self._reads.sealed(self._seq)
                if any(f'"e":"{word}"' in row.body for word in self._words)
                for event in _events(row.seq, row.time_ns, row.body, self._words)
            ]
            query = select(tape.c.seq, tape.c.time_ns, tape.c.body).where(
                tape.c.world == self._reads.world,
                tape.c.seq > self._seq,
                tape.c.seq <= head,
                or_(*(tape.c.body.contains(f'"e":"{word}"') for word in self._words)),
            )
            for row in self._reads.rows(query.order_by(tape.c.seq)):
                new += _events(row["seq"], row["time_ns"], row["body"], self._words)
            self._found += sorted(new, key=lambda event: int(event["seq"]))
            self._seq = head
            return list(self._found)


def _events(seq: int, time_ns: int, body: str, words: tuple[str, ...]) -> list[Event]:
    events = json.loads(body)["events"]
    turn = {"seq": seq, "time_ns": time_ns}
    return [event | turn for event in events if event["e"] in words]
