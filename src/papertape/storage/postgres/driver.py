"""The driver's connection, which closes without a word when the server has gone already."""

import contextlib

from pg8000.exceptions import InterfaceError
from pg8000.legacy import Connection


class QuietConnection(Connection):  # type: ignore[misc]
    """A pg8000 connection."""

    def close(self) -> None:
        """Say goodbye, if anybody listens."""
        with contextlib.suppress(InterfaceError):
            super().close()
