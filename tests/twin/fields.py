"""The members of a command: JSON with its numbers as text, and how each kind of member is read."""

import json
import re
from typing import Any

from twin.amounts import NotADecimalError, parse_decimal
from twin.ids import ORDER, number_of, parse_uuid
from twin.state import Account, Instrument, World, malformed, not_found


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once each."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def no_constant(name: str) -> None:
    """NaN and the infinities are no JSON."""
    raise ValueError(name)


def parse(command: bytes) -> Any:
    """JSON with its numbers as text."""
    try:
        return json.loads(
            command.decode(),
            parse_int=Number,
            parse_float=Number,
            object_pairs_hook=object_of,
            parse_constant=no_constant,
        )
    except ValueError as why:
        raise malformed() from why


class Fields:
    """The members of a command."""

    def __init__(self, world: World, members: Any) -> None:
        self.world = world
        self.members = members if isinstance(members, dict) else {}

    def get(self, field: str) -> Any:
        """A member; nothing when it is missing or null."""
        return self.members.get(field)

    def check_version(self, current: int) -> None:
        """A change that was made with another version in mind is refused."""
        meant = self.get("if_version")
        if meant is None:
            return
        if not isinstance(meant, str) or not re.fullmatch(r"\+?[0-9]{1,19}", meant):
            raise malformed("if_version")
        if int(meant) != current:
            raise malformed("if_version", "version_changed")

    def text(self, field: str, default: str | None = None) -> str:
        """A text."""
        value = self.get(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or isinstance(value, Number):
            raise malformed(field)
        return value

    def maybe_text(self, field: str) -> str | None:
        """A text that may be missing."""
        return None if self.get(field) is None else self.text(field)

    def word(self, field: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words."""
        if self.get(field) is None and default is not None:
            return default
        word = self.text(field)
        if word not in words:
            raise malformed(field)
        return word

    def integer(self, field: str, least: int, most: int) -> int:
        """A whole number that is written as one."""
        value = self.get(field)
        if not isinstance(value, Number) or not value.lstrip("-").isdigit():
            raise malformed(field)
        number = int(value)
        if not least <= number <= most or (least == 0 and value.startswith("-")):
            raise malformed(field)
        return number

    def decimal(self, field: str, scale: int, invalid: str) -> int | None:
        """A decimal that may be missing."""
        return None if self.get(field) is None else decimal(self.get(field), field, scale, invalid)

    def needed(self, field: str, scale: int, invalid: str) -> int:
        """A decimal that must be there."""
        value = self.decimal(field, scale, invalid)
        if value is None:
            raise malformed(field, invalid)
        return value

    def price(self, field: str, instrument: Instrument) -> int | None:
        """A price that may be missing."""
        return self.decimal(field, instrument.terms["price_scale"], "invalid_price")

    def needed_price(self, field: str, instrument: Instrument) -> int:
        """A price that must be there."""
        return self.needed(field, instrument.terms["price_scale"], "invalid_price")

    def needed_qty(self, field: str, instrument: Instrument) -> int:
        """A quantity that must be there."""
        return self.needed(field, instrument.terms["qty_scale"], "invalid_quantity")

    def flag(self, field: str) -> bool:
        """True or false; false when it is missing."""
        value = self.get(field)
        if value is not None and not isinstance(value, bool):
            raise malformed(field)
        return bool(value)

    def part(self, field: str) -> "Fields":
        """An object within the command."""
        if not isinstance(self.get(field), dict):
            raise malformed(field)
        return Fields(self.world, self.get(field))

    def request_id(self) -> str | None:
        """The request id, when the client gave one."""
        request = self.maybe_text("request_id")
        if request is not None and not is_name(request):
            raise malformed("request_id")
        return request

    def account(self) -> Account:
        """The account that the command names."""
        account = self.world.find_account(parse_uuid(self.text("account_id")))
        if account is None:
            raise not_found("account_id")
        return account

    def order_number(self) -> int:
        """The number in the order id that the command names."""
        number = number_of(self.world.name, ORDER, self.text("order_id"))
        if number is None:
            raise not_found("order_id")
        return number

    def instrument(self, field: str = "symbol") -> Instrument:
        """The instrument that the command names."""
        instrument = self.world.find_instrument(self.text(field))
        if instrument is None:
            raise malformed(field, "unknown_symbol")
        return instrument


def is_name(text: str) -> bool:
    """Whether a text can be an id or a name."""
    controls = any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
    return 1 <= len(text.encode()) <= 128 and not controls


def decimal(value: Any, field: str, scale: int, invalid: str) -> int:
    """A decimal, written as text or as a number."""
    if not isinstance(value, str):
        raise malformed(field, invalid)
    try:
        return parse_decimal(value, scale)
    except NotADecimalError as error:
        raise malformed(field, invalid if error.why == "invalid" else error.why) from error
