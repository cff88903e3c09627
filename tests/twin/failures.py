"""A check that an order did not pass."""

from dataclasses import dataclass

from twin.state import Refused


@dataclass
class Failure:
    """A failed check."""

    reason: str
    field: str | None = None
    value: str | None = None
    limit: str | None = None
    next_open_ns: int | None = None

    def refused(self, number: int | None = None) -> Refused:
        """The refusal that the command is answered with."""
        return Refused(
            "rejected",
            self.reason,
            self.field,
            self.value,
            self.limit,
            number,
            self.next_open_ns,
        )
