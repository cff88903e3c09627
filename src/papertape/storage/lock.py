"""The lock of a data folder: one floor (or one `verify`) at a time, for as long as it lives.

It guards liveness only. What keeps two writers of one world apart is the epoch in `world_head`; the
kernel lets go of this lock by itself when its process ends, however it ends.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from papertape.domain.errors import DataFolderBusyError

PAUSE_S = 0.05


class DataFolderLock:
    """Holds `run/lock` of a data folder; raises `DataFolderBusyError` when somebody else does.

    `patience_s` is for a holder that is just being ended, as when a killed product starts again.
    """

    def __init__(self, data_dir: Path, patience_s: float = 0.0) -> None:
        path = data_dir / "run" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._locked_within(patience_s):
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise DataFolderBusyError(
                f"the data folder {data_dir} is in use by process {holder}: stop it first"
            )
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def _locked_within(self, patience_s: float) -> bool:
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(PAUSE_S)
            else:
                return True

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
