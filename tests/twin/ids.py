"""Ids and digests as the documents of the tape define them."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

HEX = "[0-9a-f]"
UUID = re.compile(f"{HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}", re.IGNORECASE | re.ASCII)
ORDER, FILL = 1, 2
NUMBER_BITS = 62
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_uuid(text: str) -> int | None:
    """The 128 bits of a UUID, or nothing."""
    return int(text.replace("-", ""), 16) if UUID.fullmatch(text) else None


def format_uuid(bits: int) -> str:
    """The text of a UUID."""
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def make_id(world: str, kind: int, number: int) -> str:
    """The id of an order or a fill: hash of the world, version 8, kind, variant, number."""
    prefix = int.from_bytes(hashlib.sha256(world.encode()).digest()[:6], "big")
    bits = prefix << 80 | 8 << 76 | kind << 64 | 0b10 << NUMBER_BITS | number
    return format_uuid(bits)


def number_of(world: str, kind: int, text: str) -> int | None:
    """The number in an id of this world and kind."""
    bits = parse_uuid(text)
    if bits is None:
        return None
    number = bits & (1 << NUMBER_BITS) - 1
    return number if make_id(world, kind, number) == text.lower() else None


def format_time(time_ns: int) -> str:
    """A time as RFC 3339 with nine decimals."""
    second, nanos = divmod(time_ns, 10**9)
    moment = EPOCH + timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


class Digest:
    """FNV-1a over the values of a request's body."""

    def __init__(self, kind: str) -> None:
        self.state = 0xCBF2_9CE4_8422_2325
        self.text(kind)

    def raw(self, data: bytes) -> "Digest":
        """Adds bytes."""
        for byte in data:
            self.state = ((self.state ^ byte) * 0x0000_0100_0000_01B3) % 2**64
        return self

    def text(self, text: str) -> "Digest":
        """Adds a text."""
        return self.raw(text.encode() + b"\xff")

    def number(self, number: int) -> "Digest":
        """Adds a number."""
        return self.raw((number % 2**64).to_bytes(8, "little"))

    def maybe(self, number: int | None) -> "Digest":
        """Adds a number that may be missing."""
        return self.raw(b"\0") if number is None else self.raw(b"\1").number(number)
