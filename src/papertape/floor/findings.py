"""What `verify` has found: where it is, and what is wrong there."""

from collections import Counter
from dataclasses import dataclass

SHOWN_MAX = 50


@dataclass(frozen=True)
class Finding:
    """One contradiction. `seq` is the turn it hangs on, 0 when it hangs on none."""

    world: str
    seq: int
    table: str
    detail: str

    def __str__(self) -> str:
        """One line for people."""
        return f"world {self.world or '?'}, seq {self.seq}, table {self.table}: {self.detail}"


class Findings:
    """Findings in order, at most `SHOWN_MAX` of each table of a world; the rest is counted."""

    def __init__(self) -> None:
        self._shown: list[Finding] = []
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, finding: Finding) -> None:
        """Keep a finding, or only count it when there are many like it."""
        place = (finding.world, finding.table)
        self._counts[place] += 1
        if self._counts[place] <= SHOWN_MAX:
            self._shown.append(finding)

    def all(self) -> list[Finding]:
        """The findings, and how many more there are."""
        more = [
            Finding(world, 0, table, f"and {count - SHOWN_MAX} more")
            for (world, table), count in self._counts.items()
            if count > SHOWN_MAX
        ]
        return self._shown + more
