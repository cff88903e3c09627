"""Messages of the stream."""

from typing import Any

from papertape.client.replies import Reply


class Message(Reply, frozen=True, kw_only=True):
    """News of one channel.

    `data` is an `Order`, `Fill`, `Account`, `Position`, `Quote`, `Book`, `Print` or `Bar`, by the
    channel; of a `snapshot` or a `resync` (the state anew, what was known before counts no more) a
    list of them, but for `account`, `quotes:S` and `book:S`. Other channels have plain objects.
    """

    channel: str
    type: str
    data: Any
    seq: int | None = None
    prev: int | None = None
    account_id: str | None = None

    @property
    def is_state(self) -> bool:
        """Whether it is the whole state of its channel, and not a change of it."""
        return self.type in {"snapshot", "resync"}
