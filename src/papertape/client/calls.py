"""An operation of the API, described once and called in two ways.

A method under `@endpoint` says what to send and what comes back, as a `Call`. In a group of a
`Client` it answers with the reply, in one of an `AsyncClient` with something to await; type
checkers see which. `pages` makes an iterator over all pages of one that answers a page.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload
from urllib.parse import quote
from uuid import uuid4

import msgspec

T = TypeVar("T")
P = ParamSpec("P")

Amount = Decimal | int | str
"""Money, a price or a quantity: never a float."""

Instant = datetime | str
"""A time with an offset, or its text."""

Moment = Instant | date
"""A time with an offset, a date in UTC (as an end it counts whole), or the text of either."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list; `next_cursor` leads to the next one, None at the end."""

    items: list[T]
    next_cursor: str | None = None


class Versioned(msgspec.Struct, Generic[T], frozen=True):
    """Something that can be changed, and the version that a change of it must name."""

    value: T
    version: str


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and what its reply is read as.

    A call with a `request_id` is done once, however often it is sent. One that `needs_account`
    is about `account_id`, or, where that is None, about the client's own account; it goes into the
    path, else into the body (or those members of the list `account_into` that name none), else into
    the query.
    """

    method: str
    path: str
    reply: Any
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    request_id: str | None = None
    takes_items: bool = False
    is_versioned: bool = False
    needs_account: bool = False
    account_id: str | None = None
    account_into: str | None = None
    if_match: str | None = None
    is_harmless: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it again does nothing twice."""
        return self.method == "GET" or self.is_harmless or self.request_id is not None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of its own."""
        given = {"Idempotency-Key": self.request_id, "If-Match": self.if_match}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def parameters(self) -> dict[str, str]:
        """The query as text."""
        return {
            name: _query_text(wire(value))
            for name, value in self.query.items()
            if value is not None
        }

    @property
    def content(self) -> bytes | None:
        """The body as JSON."""
        return None if self.body is None else msgspec.json.encode(wire(self.body))

    def with_query(self, query: Mapping[str, Any]) -> "Call[T]":
        """The same with more in its query."""
        return replace(self, query={**self.query, **query})

    def if_version(self, version: str) -> "Call[T]":
        """The same, done only when that is the version now; `*` is any."""
        return replace(self, if_match=version)

    def harmless(self) -> "Call[T]":
        """The same, whose repeat does no harm."""
        return replace(self, is_harmless=True)

    def about(self, account_id: str) -> "Call[T]":
        """The same with the account filled in."""
        done = replace(self, needs_account=False, path=self.path.replace("{account}", account_id))
        if "{account}" in self.path:
            return done
        if self.account_into is not None:
            assert self.body is not None
            members = [
                member | {"account_id": member["account_id"] or account_id}
                for member in self.body[self.account_into]
            ]
            return replace(done, body={**self.body, self.account_into: members})
        if self.body is not None:
            return replace(done, body={"account_id": account_id, **self.body})
        return replace(done, query={"account_id": account_id, **self.query})


def get(path: str, reply: type[T], /, **query: Any) -> Call[T]:
    """A question."""
    return Call("GET", path, reply, query=query)


def listed(path: str, reply: type[T], /, **query: Any) -> "Call[list[T]]":
    """A question whose answer is a list in one piece."""
    return Call("GET", path, Page[reply], query=query, takes_items=True)  # type: ignore[valid-type]


def versioned(call: Call[T]) -> "Call[Versioned[T]]":
    """The same with the version of what comes back."""
    return cast("Call[Versioned[T]]", replace(call, is_versioned=True))


def table(call: Call[Page[T]]) -> "Call[str]":
    """The same list as CSV: a line of names, then a line for each item."""
    return Call(call.method, call.path, str, query={**call.query, "format": "csv"})


def command(
    method: str, path: str, reply: type[T], request_id: str | None = None, /, **body: Any
) -> Call[T]:
    """A command that is done once, under the given id or one made here."""
    content = None if method == "DELETE" else given(body)
    return Call(method, path, reply, body=content, request_id=request_id or new_request_id())


def change(method: str, path: str, reply: type[T], /, **body: Any) -> Call[T]:
    """A change that knows no request ids, so it is sent again only when it surely was not done."""
    return Call(method, path, reply, body=None if method == "DELETE" else given(body))


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def for_account(call: Call[T], account_id: str | None) -> Call[T]:
    """The call about an account; None is the client's own."""
    return replace(call, needs_account=True, account_id=account_id)


def part(value: object) -> str:
    """A value as a part of a path."""
    text = str(value)
    if text.strip() in {"", ".", ".."}:
        raise ValueError(f"{text!r} names nothing; give an id or a symbol")
    return quote(text, safe="/")


def new_request_id() -> str:
    """An id that nobody else has."""
    return str(uuid4())


def wire(value: Any) -> Any:
    """A value as it travels: decimals and times as text.

    Raises TypeError for a float, which is no exact amount.
    """
    match value:
        case float():
            raise TypeError(f"{value!r} is a float; give an amount as Decimal or as text")
        case Decimal():
            travelling: Any = f"{value:f}"
        case date():  # a datetime is one too
            travelling = _time_text(value) if isinstance(value, datetime) else value.isoformat()
        case Mapping():
            travelling = {name: wire(member) for name, member in value.items()}
        case list() | tuple():
            travelling = [wire(member) for member in value]
        case _:
            travelling = value
    return travelling


def _time_text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; give one, as datetime.now(UTC) has")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


# --- two faces -----------------------------------------------------------------------------------


class SyncFace:
    """Runs calls and waits."""

    def run(self, call: Call[T]) -> T:
        """The reply of a call."""
        raise NotImplementedError


class AsyncFace:
    """Runs calls that are awaited."""

    async def run(self, call: Call[T]) -> T:
        """The reply of a call."""
        raise NotImplementedError


Face = TypeVar("Face", bound=SyncFace | AsyncFace)


class Group(Generic[Face]):
    """Operations about one subject."""

    def __init__(self, face: Face) -> None:
        self.face = face


class Endpoint(Generic[P, T]):
    """A method of a group. See `endpoint`."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe  # what `inspect.signature` and `help` look for

    @overload
    def __get__(self, group: None, owner: type) -> "Endpoint[P, T]": ...
    @overload
    def __get__(self, group: Group[SyncFace], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Group[AsyncFace], owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, group: Group[Any] | None, owner: type) -> Any:
        """The method, bound to the face of its group."""
        if group is None:
            return self

        @functools.wraps(self.describe)
        def run(*arguments: P.args, **named: P.kwargs) -> Any:
            return group.face.run(self.describe(group, *arguments, **named))

        return run


def endpoint(describe: Callable[Concatenate[Any, P], Call[T]]) -> Endpoint[P, T]:
    """Make a method of what describes its call."""
    return Endpoint(describe)


class Pages(Generic[P, T]):
    """A method of a group that iterates over all pages. See `pages`."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[Page[T]]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe  # what `inspect.signature` and `help` look for

    @overload
    def __get__(self, group: None, owner: type) -> "Pages[P, T]": ...
    @overload
    def __get__(self, group: Group[SyncFace], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, group: Group[AsyncFace], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, group: Group[Any] | None, owner: type) -> Any:
        """The method, bound to the face of its group."""
        if group is None:
            return self

        @functools.wraps(self.describe)
        def iterate(*arguments: P.args, **named: P.kwargs) -> Any:
            call = self.describe(group, *arguments, **named)
            walk = _walk if isinstance(group.face, SyncFace) else _walk_async
            return walk(group.face, call)

        return iterate


def pages(page: Endpoint[P, Page[T]]) -> Pages[P, T]:
    """Iterate over the items of all pages of an endpoint, fetched as they are needed."""
    return Pages(page.describe)


def _walk(face: SyncFace, call: Call[Page[T]]) -> Iterator[T]:
    following: Call[Page[T]] | None = call
    while following is not None:
        page = face.run(following)
        yield from page.items
        following = _next(call, page)


async def _walk_async(face: AsyncFace, call: Call[Page[T]]) -> AsyncIterator[T]:
    following: Call[Page[T]] | None = call
    while following is not None:
        page = await face.run(following)
        for item in page.items:
            yield item
        following = _next(call, page)


def _next(call: Call[Page[T]], page: Page[T]) -> Call[Page[T]] | None:
    if page.next_cursor is None:
        return None
    return call.with_query({"cursor": page.next_cursor})
