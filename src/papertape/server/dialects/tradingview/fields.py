"""From the body of an alert to its fields: JSON or text, in the names that receivers are sent.

Pure. What is kept of an alert is what comes out here: names and texts, the secret apart from the
rest, so that no secret is ever written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from papertape.server.bodies import NameTwiceError, expect_names_once
from papertape.server.dialects.tradingview.words import VERBS, field_of, plain

BODY_BYTES_MAX = 32 * 1024
FIELDS_MAX = 200
VALUE_LENGTH_MAX = 1_000
_DEPTH_MAX = 4

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_.\-]*)([=:])(\S*)", re.ASCII)
SYMBOL = re.compile(r"[A-Za-z0-9._/!:\-]{1,48}", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(%?)", re.ASCII)
_FILLED = re.compile(
    r"order (?P<action>buy|sell) @ (?P<contracts>\S+) filled on (?P<ticker>\S+)\. "
    r"New strategy position is (?P<position_size>-?\S+?)\.?\s*$",
    re.IGNORECASE,
)
"""What TradingView itself proposes as the message of a strategy's alert."""

_EMPTY = frozenset({"", "null", "none", "nan", "na", "n/a", "undefined"})
_SAID_TWICE = frozenset({"price", "time", "order_id", "strategy", "comment"})
"""Fields that alerts often have by several names with different values; the first one counts."""


class UnreadableAlertError(ValueError):
    """The alert cannot be read; `reason` is stable, `field` and `value` say where."""

    def __init__(
        self, reason: str, detail: str, *, field: str | None = None, value: str | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.field = field
        self.value = value


@dataclass(frozen=True, slots=True)
class Fields:
    """What an alert says: text by our name of the field, and by which name it was said."""

    values: Mapping[str, str]
    names: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    secret: str | None = None

    def content(self) -> dict[str, Any]:
        """What is kept of the alert, without its secret."""
        return {
            "values": dict(self.values),
            "names": dict(self.names),
            "ignored": list(self.ignored),
        }

    @classmethod
    def of_content(cls, content: Mapping[str, Any]) -> "Fields":
        """The fields of what `content` gave."""
        return cls(content["values"], content["names"], tuple(content["ignored"]))


def fields_of(body: bytes) -> Fields:
    """The fields of an alert's body; what it is, JSON or text, is told by how it begins."""
    try:
        text = body.decode("utf-8").strip("\ufeff \t\r\n")
    except UnicodeDecodeError as error:
        raise UnreadableAlertError("malformed", f"the alert is not UTF-8: {error}") from error
    if "\x00" in text:
        raise UnreadableAlertError("malformed", "the alert has a null character in it")
    if not text:
        raise UnreadableAlertError("malformed", "the alert is empty; give it a message")
    said = _of_json(text) if text[0] in "{[" else _of_text(text)
    return _sorted_out(said)


def _of_json(text: str) -> Iterator[tuple[str, Any]]:
    try:
        content = _DECODER.decode(text)
        expect_names_once(text)
    except NameTwiceError as error:
        raise UnreadableAlertError("conflicting_fields", str(error), field=error.name) from error
    except (msgspec.MsgspecError, RecursionError, InvalidOperation, ValueError) as error:
        raise UnreadableAlertError(
            "malformed",
            f"the alert begins like JSON but is none: {error}; texts, also placeholders that may "
            "become NaN, stand in quotes",
        ) from error
    if not isinstance(content, dict):
        raise UnreadableAlertError("malformed", "the alert must be a JSON object or a text")
    return _flat(content, "", 1)


def _flat(content: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Names and values; those of an object inside have its name in front."""
    for name, value in content.items():
        if isinstance(value, dict) and depth < _DEPTH_MAX:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _of_text(text: str) -> Iterator[tuple[str, Any]]:
    filled = _FILLED.search(text)
    if filled:
        yield from filled.groupdict().items()
        return
    bare: list[str] = []
    for word in re.split(r"[\s,;]+", re.sub(r"\s*=\s*", "=", text)):
        pair = _PAIR.fullmatch(word)
        if pair and (pair[2] == "=" or field_of(pair[1])):
            yield pair[1], pair[3].strip("\"'")
        elif word:
            bare.append(word)
    yield from _of_bare_words(bare)


def _of_bare_words(words: list[str]) -> Iterator[tuple[str, str]]:
    """`buy AAPL 10`, `close long ES1!`, `sell 5% TSLA @190.5`: each word by what it looks like."""
    rest, symbol = list(words), None
    if rest and plain(rest[0]) in VERBS:
        yield "action", rest.pop(0)
    if len(rest) > 1 and rest[0].lower() in {"long", "short"}:
        yield "side", rest.pop(0)
    for word in rest:
        number = _NUMBER.fullmatch(word)
        if number:
            yield ("percent" if number[1] else "contracts"), word.rstrip("%")
        elif word.startswith("@") and _NUMBER.fullmatch(word[1:]):
            yield "limit_price", word[1:]
        elif SYMBOL.fullmatch(word) and symbol is None:
            symbol = word
            yield "ticker", word
        else:
            raise UnreadableAlertError(
                "malformed",
                f"nothing is known by {word[:100]!r}; write as in: long BTCUSD q=0.1 sl=60000 "
                "tp=80000",
                value=word[:100],
            )


def _sorted_out(said: Iterator[tuple[str, Any]]) -> Fields:
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    ignored: list[str] = []
    secret: str | None = None
    for number, (name, value) in enumerate(said):
        if number >= FIELDS_MAX:
            raise UnreadableAlertError("malformed", f"an alert has at most {FIELDS_MAX} fields")
        field = field_of(name)
        text = None if field is None else _text(name, value)
        if field == "secret":
            secret = text if secret is None else secret
        elif field is None:
            ignored.append(name[:100])
        elif text is not None:
            _keep(values, names, field, name, text)
    return Fields(values, names, tuple(ignored), secret)


def _keep(values: dict[str, str], names: dict[str, str], field: str, name: str, text: str) -> None:
    if field in values and field not in _SAID_TWICE and _meaning(values[field]) != _meaning(text):
        raise UnreadableAlertError(
            "conflicting_fields",
            f"{names[field]} and {name} mean the same and have different values; leave one out",
            field=name,
            value=text[:200],
        )
    values.setdefault(field, text)
    names.setdefault(field, name[:100])


def _meaning(text: str) -> object:
    """What two values of one field are compared by."""
    return VERBS.get(plain(text), text.casefold())


def _text(name: str, value: Any) -> str | None:
    """A value as text; None for what stands for no value at all."""
    if value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < 60 else str(value)
    text = text.strip()
    if len(text) > VALUE_LENGTH_MAX:
        raise UnreadableAlertError(
            "malformed", f"{name}: a value has at most {VALUE_LENGTH_MAX} characters", field=name
        )
    return None if text.lower() in _EMPTY else text
