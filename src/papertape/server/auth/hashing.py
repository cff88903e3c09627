"""Password work on threads of its own, so that orders never wait behind logins."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from papertape.server.problems import Problem

HASHES_AT_ONCE = 2
"""Each takes 64 MiB and a whole core for tens of milliseconds."""

HASHES_WAITING_MAX = 200

Result = TypeVar("Result")


class Hashing:
    """Runs password work, as much as can wait."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`; raises `Problem` 503 when too many wait already."""
        if self._waiting >= HASHES_WAITING_MAX:
            raise Problem(
                503, "busy", "too many logins at once; try again shortly", retry_after_s=2
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads after the work at hand."""
        self._threads.shutdown(cancel_futures=True)
