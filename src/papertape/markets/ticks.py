"""The tick store: quotes and prints of the past, as they were told, the newest of each instrument.

    <root>/AAPL/trades/000000000006-1795171560000000000-1795171571000000000.z   sealed, compressed
    <root>/AAPL/trades/000000000007.tail       what came last, a line each; a torn last line is
                                               dropped

A line is the JSON object of the stream. One process appends, any number of others read at the same
time. A tail is removed only after the sealed file that holds its lines is in place, so every moment
of a kill leaves a readable store. Ticks are a copy for reading, not truth: the store never syncs to
disk, and drops the oldest ones beyond what it shall keep.
"""

import logging
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from papertape.domain.time_text import parse_time, time_text

Kind = Literal["quotes", "trades"]
Tick = dict[str, Any]
"""A quote or print as of the stream; `time` is RFC 3339 with nine decimals."""

SEALED_LINES = 4_096
_SEALED, _TAIL = ".z", ".tail"

_log = logging.getLogger(__name__)
_read_line = msgspec.json.Decoder(Tick).decode


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of a folder. Times are those of a sealed file's first and last line."""

    number: int
    path: Path
    first_ns: int = -(2**63)
    last_ns: int = 2**63 - 1

    @property
    def is_sealed(self) -> bool:
        return self.path.suffix == _SEALED


@dataclass(slots=True)
class _Tail:
    """The file that is written to."""

    number: int
    descriptor: int
    lines: int


class TickStore:
    """Ticks under one folder (one world): at least the newest `most` of a symbol and kind.

    Up to `SEALED_LINES` and a tail more are kept, since files go whole.
    """

    def __init__(self, root: Path | str, most: int) -> None:
        self._root = Path(root)
        self._most = most
        self._sealed_lines = max(1, min(SEALED_LINES, most))
        self._tails: dict[Path, _Tail] = {}

    # --- writing: one process ---------------------------------------------------------------

    def append(self, symbol: str, kind: Kind, lines: Sequence[bytes]) -> None:
        """Keep ticks (JSON without line breaks, oldest first); raises OSError."""
        folder = self._folder(symbol, kind)
        at = 0
        while at < len(lines):
            tail = self._tails.get(folder) or self._open(folder)
            part = lines[at : at + max(1, self._sealed_lines - tail.lines)]
            try:
                _write_all(tail.descriptor, b"\n".join(part) + b"\n")
            except OSError:
                self._close(folder)  # the next one looks for a torn line first
                raise
            tail.lines += len(part)
            at += len(part)
            if tail.lines >= self._sealed_lines:
                self._seal(folder)

    def close(self) -> None:
        """Let go of what is open; everything appended is kept."""
        for folder in list(self._tails):
            self._close(folder)

    def _open(self, folder: Path) -> _Tail:
        folder.mkdir(parents=True, exist_ok=True)
        parts = _parts(folder)
        tails = [part for part in parts if not part.is_sealed]
        sealed = [part.number for part in parts if part.is_sealed]
        for done in sealed:  # a kill may have left the tail beside it
            (folder / f"{done:012d}{_TAIL}").unlink(missing_ok=True)
        number = tails[-1].number if tails else max(sealed, default=-1) + 1
        path = folder / f"{number:012d}{_TAIL}"
        lines = _drop_torn_line(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._tails[folder] = _Tail(number, descriptor, lines)
        return self._tails[folder]

    def _close(self, folder: Path) -> None:
        tail = self._tails.pop(folder, None)
        if tail is not None:
            os.close(tail.descriptor)

    def _seal(self, folder: Path) -> None:
        number = self._tails[folder].number
        self._close(folder)
        path = folder / f"{number:012d}{_TAIL}"
        data = path.read_bytes()
        times = [parse_time(_read_line(line)["time"]) for line in data.splitlines()]
        beside = path.with_suffix(".writing")
        beside.write_bytes(zlib.compress(data))
        beside.replace(folder / f"{number:012d}-{min(times)}-{max(times)}{_SEALED}")
        path.unlink()
        self._drop_oldest(folder)

    def _drop_oldest(self, folder: Path) -> None:
        sealed = [part for part in _parts(folder) if part.is_sealed]
        kept = -(-self._most // self._sealed_lines)
        for part in sealed[: max(0, len(sealed) - kept)]:
            part.path.unlink(missing_ok=True)

    # --- reading: any process ---------------------------------------------------------------

    def read(
        self,
        symbol: str,
        kind: Kind,
        start_ns: int,
        end_ns: int,
        limit: int,
        *,
        newest_first: bool = False,
    ) -> list[Tick]:
        """At most `limit` ticks from `start_ns` to `end_ns`, both included, in the asked order."""
        found: list[Tick] = []
        parts = _parts(self._folder(symbol, kind))
        for part in reversed(parts) if newest_first else parts:
            if part.last_ns < start_ns or part.first_ns > end_ns:
                continue
            ticks = _within(_lines(part), start_ns, end_ns)
            found += reversed(ticks) if newest_first else ticks
            if len(found) >= limit:
                break
        return found[:limit]

    def _folder(self, symbol: str, kind: Kind) -> Path:
        return self._root / quote(symbol, safe="") / kind


def _within(lines: Iterator[bytes], start_ns: int, end_ns: int) -> list[Tick]:
    """The ticks of a stretch; their times have one length, so they compare as texts."""
    first, last = time_text(max(start_ns, 0)), time_text(max(min(end_ns, _LATEST_NS), 0))
    ticks = [_read_line(line) for line in lines]
    return [tick for tick in ticks if first <= tick["time"] <= last]


_LATEST_NS = 2**63 - 1


def _parts(folder: Path) -> list[_Part]:
    """The files of a folder, the oldest first; of two with one number the sealed one."""
    found: dict[int, _Part] = {}
    paths = list(folder.iterdir()) if folder.is_dir() else []
    for path in sorted(paths, key=lambda one: one.suffix == _SEALED):
        if path.suffix == _TAIL:
            found[int(path.stem)] = _Part(int(path.stem), path)
        elif path.suffix == _SEALED:
            number, first, last = map(int, path.stem.split("-"))
            found[number] = _Part(number, path, first, last)
    return [found[number] for number in sorted(found)]


def _lines(part: _Part) -> Iterator[bytes]:
    """The whole lines of a file; none where it has been dropped or is damaged."""
    try:
        data = part.path.read_bytes()
    except FileNotFoundError:  # sealed or dropped meanwhile
        part = next((it for it in _parts(part.path.parent) if it.number == part.number), part)
        data = part.path.read_bytes() if part.is_sealed and part.path.exists() else b""
    if part.is_sealed and data:
        try:
            data = zlib.decompress(data)
        except zlib.error as error:
            _log.warning("ticks in %s cannot be read: %s", part.path, error)
            data = b""
    return iter(data[: data.rfind(b"\n") + 1].splitlines())


def _drop_torn_line(path: Path) -> int:
    """Cut what a kill left of a half-written line; the number of whole ones."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)
    return data.count(b"\n")


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
