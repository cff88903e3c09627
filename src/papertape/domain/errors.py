"""What can go wrong between the floor and its storage; both rooms speak of it by these names."""


class UnavailableError(Exception):
    """Something that a request needs is away at the moment.

    `reason` and `detail` are for the wire; `retry_after` is in seconds.
    """

    reason = "not_accepted"

    def __init__(self, detail: str, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class TapeBrokenError(Exception):
    """The tape or what hangs on it contradicts itself; says where, and never guesses a repair."""

    def __init__(self, world: str, seq: int, table: str, why: str) -> None:
        super().__init__(f"world {world!r}, seq {seq}, table {table}: {why}")
        self.world = world
        self.seq = seq
        self.table = table
        self.why = why


class WorldDiffersError(Exception):
    """The world of this name exists, and was made with another seed or sharing than asked for."""

    def __init__(self, world: str, setting: str, why: str) -> None:
        super().__init__(
            f"world {world!r} of this data folder was made with another {setting} ({why}); "
            f"start it with the {setting} that it has, or with another data folder"
        )
        self.setting = setting


class CommitFailedError(Exception):
    """The transaction surely left nothing behind: its inputs may be called not accepted."""


class CommitUnknownError(Exception):
    """The transaction may or may not be there: only a reload from the tape tells."""


class StorageUnavailableError(CommitFailedError, UnavailableError):
    """The database cannot be reached at the moment; nothing was written, and it may come back.

    The message is for the log; the wire is told less.
    """

    def __init__(self, why: str) -> None:
        UnavailableError.__init__(self, why)
        self.detail = "the database cannot be reached at the moment: try again"


class WriteUnknownError(CommitUnknownError, UnavailableError):
    """The database went away while it committed a change: whoever repeats it learns the truth."""

    reason = "outcome_unknown"

    def __init__(self, why: str) -> None:
        UnavailableError.__init__(self, why)
        self.detail = "the database went away while this was written: look, or repeat it"


class FencedError(CommitFailedError):
    """Another writer has taken over the world; this one may write nothing any more."""


class DataFolderBusyError(Exception):
    """Another process works on this data folder."""


class ProjectionRefusedError(CommitFailedError):
    """A row of the batch cannot be written as it is; the input that made it will never fit."""
