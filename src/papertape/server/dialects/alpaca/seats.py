"""Who is calling, and for which account."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request

from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.bodies import Model, check_body, read_object
from papertape.server.callers import Caller, Callers, address_of
from papertape.server.problems import Problem


@dataclass(frozen=True, slots=True)
class Seat:
    """A caller at an account: that of the key, else the user's default or first."""

    caller: Caller
    account: OwnedAccount

    @property
    def account_id(self) -> str:
        """The id of the account."""
        return self.account.account_id


class Seats:
    """Finds seats."""

    def __init__(self, callers: Callers, accounts: Accounts) -> None:
        self._callers = callers
        self.accounts = accounts

    async def of(self, request: Request) -> Seat:
        """The seat of a request; raises `Problem` 401, 403, 404."""
        caller = await self._callers.of(request)
        return Seat(caller, await self.accounts.first(caller))

    async def may_read(self, request: HTTPConnection) -> None:
        """Raises `Problem` 401 and 403 for whoever may not look at market data."""
        await self._callers.of(request, "read")

    async def of_key(self, connection: HTTPConnection, key_id: str, secret: str) -> Seat:
        """The seat of a stream's key, or of a login whose token stands for the secret."""
        address = address_of(connection)
        if ":" in key_id:
            raise Problem(401, "not_authenticated", "the key id has no colon")
        caller = await self._callers.of_key(key_id, secret, address)
        caller.require("read")
        return Seat(caller, await self.accounts.first(caller))


async def body_of(request: Request, model: type[Model]) -> Model:
    """The checked body of a request; what is no JSON is told apart, as Alpaca does."""
    try:
        content: dict[str, Any] = await read_object(request, any_type=True)
    except Problem as problem:
        raise Problem(400, "not_json", problem.detail) from problem
    return check_body(content, model)
