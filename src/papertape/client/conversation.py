"""What is said on a stream and what follows from what is heard. Without any I/O.

A conversation outlives its connections: after a new one it asks for what it has missed, drops what
it has seen already, and notices when a message is missing.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from papertape.client.calls import Page
from papertape.client.errors import BadReplyError, NotAcceptedError, RefusedError
from papertape.client.replies.accounts import Account, Fill, Position
from papertape.client.replies.market import Bar, Book, Print, Quote
from papertape.client.replies.news import Message
from papertape.client.replies.orders import Order

_DATA: Final[dict[str, Any]] = {
    "orders": Order,
    "fills": Fill,
    "account": Account,
    "positions": Position,
    "quotes": Quote,
    "book": Book,
    "trades": Print,
    "bars": Bar,
}
_STATE_IS_ONE_OBJECT: Final = frozenset({"account", "quotes", "book"})
_PASSING: Final = frozenset(
    {"not_accepted", "outcome_unknown", "busy", "too_many", "too_many_requests"}
)
"""Reasons of an error message that go away by themselves."""


class _Heard(msgspec.Struct):
    """A message before its data are read."""

    channel: str
    type: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    seq: int | None = None
    prev: int | None = None
    account_id: str | None = None
    reason: str | None = None
    detail: str | None = None


class _Known:
    """How much of a channel of an account has been heard."""

    __slots__ = ("newest", "since", "texts")

    def __init__(self, seq: int) -> None:
        self.newest = seq
        self.since = seq
        self.texts: set[str | bytes] = set()

    def hear(self, seq: int, text: str | bytes) -> bool:
        """Whether a message is new; a turn can make several of one seq, told apart by text."""
        if seq < self.newest or (seq == self.newest and text in self.texts):
            return False
        if seq > self.newest:
            self.newest = seq
            self.texts.clear()
        # The connection can break between two messages of one turn: it is asked for again, whole.
        self.since = seq - 1
        self.texts.add(text)
        return True


class Conversation:
    """The channels that are wanted, and what is known of each."""

    def __init__(self, channels: Iterable[str], since: int | None) -> None:
        self.channels = list(dict.fromkeys(channels))
        self._begin = since
        self._known: dict[tuple[str, str], _Known] = {}
        self._asked_again: set[str] = set()

    def opening(self) -> list[str]:
        """What to say on a fresh connection, once it is authenticated."""
        self._asked_again.clear()
        return self._subscriptions(self.channels)

    def subscribe(self, channels: Iterable[str]) -> list[str]:
        """Want more channels; what to say when there is a connection."""
        added = [channel for channel in dict.fromkeys(channels) if channel not in self.channels]
        self.channels += added
        return self._subscriptions(added)

    def unsubscribe(self, channels: Iterable[str]) -> list[str]:
        """Want less channels; what to say when there is a connection."""
        ended = [channel for channel in dict.fromkeys(channels) if channel in self.channels]
        self.channels = [channel for channel in self.channels if channel not in ended]
        for account_id, channel in [*self._known]:
            if channel in ended:
                del self._known[account_id, channel]
        return [_say("unsubscribe", ended, None)] if ended else []

    def hear(self, text: str | bytes) -> tuple[Message | None, list[str]]:
        """News to pass on, if any, and what to say.

        Raises `RefusedError` for a channel that does not exist, `NotAcceptedError` when the server
        cannot answer now, `BadReplyError` for what is no message.
        """
        heard = _decode(text, _Heard)
        if heard.channel == "session":
            _hear_of_session(heard)
            return None, []
        if heard.channel not in self.channels:
            return None, []
        if heard.seq is not None and heard.account_id is not None:
            key = (heard.account_id, heard.channel)
            if heard.type in {"snapshot", "resync"}:
                self._known[key] = _Known(heard.seq)
            elif self._lacks(heard, key):
                return None, self._ask_again(heard.channel)
            elif not self._known.setdefault(key, _Known(-1)).hear(heard.seq, text):
                return None, []
            self._asked_again.discard(heard.channel)
        return _message(heard), []

    def _lacks(self, heard: _Heard, key: tuple[str, str]) -> bool:
        """Whether there was a message before this one that has not come."""
        known = self._known.get(key)
        return known is not None and heard.prev is not None and heard.prev > known.newest

    def _ask_again(self, channel: str) -> list[str]:
        if channel in self._asked_again:
            return []
        self._asked_again.add(channel)
        return self._subscriptions([channel])

    def _subscriptions(self, channels: Iterable[str]) -> list[str]:
        """A message for the channels that begin at the same seq; market channels know none."""
        by_since: dict[int | None, list[str]] = {}
        for channel in channels:
            by_since.setdefault(self._since(channel), []).append(channel)
        return [_say("subscribe", names, since) for since, names in by_since.items()]

    def _since(self, channel: str) -> int | None:
        if ":" in channel:
            return None
        known = [one.since for (_, name), one in self._known.items() if name == channel]
        return max(0, min(known)) if known else self._begin


def _say(action: str, channels: list[str], since: int | None) -> str:
    message: dict[str, Any] = {"action": action, "channels": channels}
    return msgspec.json.encode(message | ({} if since is None else {"since": since})).decode()


def _hear_of_session(heard: _Heard) -> None:
    if heard.type != "error":
        return
    reason, detail = heard.reason or "refused", heard.detail or "the stream refused a message"
    told = msgspec.json.decode(heard.data) or {}
    if reason in _PASSING:
        raise NotAcceptedError(503, reason, detail, told=told)
    raise RefusedError(422, reason, detail, told=told)


def _message(heard: _Heard) -> Message:
    kind = heard.channel.partition(":")[0]
    data_type = _DATA.get(kind)
    if data_type is None:
        data = msgspec.json.decode(heard.data)
    elif heard.type in {"snapshot", "resync"} and kind not in _STATE_IS_ONE_OBJECT:
        data = _decode(heard.data, Page[data_type]).items  # type: ignore[valid-type]
    else:
        data = _decode(heard.data, data_type)
    return Message(
        channel=heard.channel,
        type=heard.type,
        data=data,
        seq=heard.seq,
        prev=heard.prev,
        account_id=heard.account_id,
    )


def _decode(text: Any, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadReplyError(f"the stream sent something that cannot be read: {error}") from error
