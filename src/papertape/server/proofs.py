"""Who changes a password or leaves shows the password again, and a code where one is needed."""

import asyncio
import time

from starlette.requests import Request

from papertape.server.auth.attempts import Attempts
from papertape.server.auth.audit import Event
from papertape.server.auth.hashing import Hashing
from papertape.server.auth.logins import Origin
from papertape.server.auth.store import AuthStore
from papertape.server.callers import Caller, address_of
from papertape.server.problems import Problem

TOO_MANY = ("too_many_attempts", "too many attempts; wait as long as Retry-After says")
WRONG_PASSWORD = ("wrong_password", "this is not your password")
CODE_NEEDED = ("code_needed", "send the code of your app, or a recovery code, as code")
WRONG_CODE = ("wrong_code", "the code is wrong or was used; wait for the next one")


def origin_of(request: Request) -> Origin:
    """Where a request comes from."""
    return Origin(address_of(request), request.headers.get("user-agent"))


class Proofs:
    """Asks for proofs, notes what happened."""

    def __init__(self, auth: AuthStore, attempts: Attempts, hashing: Hashing) -> None:
        self._auth = auth
        self._attempts = attempts
        self._hashing = hashing

    async def require(
        self, request: Request, caller: Caller, password: str, code: str | None
    ) -> None:
        """Raises `Problem` 403 when the proof does not hold, 429 after too many."""
        user_id = caller.user.user_id
        key = ("proof", user_id, address_of(request))
        wait_s = self._attempts.wait_s(key)
        if wait_s is not None:
            raise Problem(429, *TOO_MANY, retry_after_s=wait_s)
        if not await self._hashing.run(lambda: self._auth.password_fits(user_id, password)):
            raise Problem(403, *WRONG_PASSWORD)
        await self.require_code(request, user_id, code, 403)
        self._attempts.forget(key)

    async def require_code(
        self, request: Request, user_id: str, code: str | None, status: int
    ) -> None:
        """Raises `Problem` of a status when the user's second factor is on and the code wrong."""
        second = self._auth.two_factor
        if not await asyncio.to_thread(second.is_on, user_id):
            return
        if not code:
            raise Problem(status, *CODE_NEEDED)
        before = await asyncio.to_thread(second.codes_left, user_id)
        if not await asyncio.to_thread(second.check, user_id, code, time.time()):
            raise Problem(status, *WRONG_CODE)
        if await asyncio.to_thread(second.codes_left, user_id) < before:
            await self.note(request, "recovery_code_used", user_id)

    async def note(
        self, request: Request, event: Event, user_id: str | None, subject: str | None = None
    ) -> None:
        """Add to the audit log."""
        await asyncio.to_thread(
            self._auth.audit.note, event, user_id, time.time_ns(), origin_of(request), subject
        )
