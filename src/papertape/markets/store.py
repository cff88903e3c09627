"""The bar store: bars of the past in sealed Parquet files, bars of the present in a text tail.

    <root>/AAPL/2026-11-19.parquet     sealed: scaled integers, written once and moved into place
    <root>/AAPL/2026-11-20.tail        present day: one line a bar, appended; a torn last line is
                                       dropped

One process appends, any number of others read at the same time. A bar is what sealed file and
tail say together; for one time the tail wins. So every moment of a kill leaves a readable store:
a tail is removed only after the sealed file that holds its bars is in place. Bars are a copy for
reading, not truth; the store never syncs to disk and never makes a bar up.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from papertape.markets.bars import TIMEFRAMES, Bar, plain_text, timeframe_ns

if TYPE_CHECKING:
    from papertape.markets.sealed_bars import BarColumns

__all__ = ["TIMEFRAMES", "BarStore", "Partition"]

Partition = Literal["day", "month", "year"]
KEY_LENGTH: dict[Partition, int] = {"day": 10, "month": 7, "year": 4}
SEALED_PARTS_HELD = 256
PLAIN_FIELDS = 6
"""Fields of a bar whose trades nobody counted."""


class BarStore:
    """Bars of many symbols under one folder (one world); see the module for its files.

    `partition` is how much time one sealed file holds: a day for 1-minute bars; a replay of daily
    bars takes a year, else it would leave a file for every bar.
    """

    def __init__(self, root: Path | str, partition: Partition = "day") -> None:
        self._root = Path(root)
        self._key_length = KEY_LENGTH[partition]
        self._open_tails: dict[str, tuple[str, int]] = {}
        self._held: dict[Path, tuple[int, BarColumns]] = {}

    # --- writing: one process ---------------------------------------------------------------

    def append(self, symbol: str, bar: Bar) -> None:
        """Keep a closed bar; seals the former day when this bar begins a new one."""
        key = self._key(bar.time_ns)
        tail = self._open_tails.get(symbol)
        if tail is None or tail[0] != key:
            tail = self._open_tail(symbol, key)
        os.write(tail[1], _line(bar))

    def backfill(self, symbol: str, bars: Iterable[Bar]) -> None:
        """Write a history (oldest first) as sealed files at once, as at a first start."""
        by_key: dict[str, list[Bar]] = {}
        for bar in bars:
            by_key.setdefault(self._key(bar.time_ns), []).append(bar)
        self._folder(symbol).mkdir(parents=True, exist_ok=True)
        for key, part in by_key.items():
            self._seal(symbol, key, part)

    def is_empty(self, symbol: str) -> bool:
        """Tell whether no bar of the symbol was ever kept."""
        return not self._keys(symbol)

    def close(self) -> None:
        """Close the tails; everything appended is kept."""
        for _, descriptor in self._open_tails.values():
            os.close(descriptor)
        self._open_tails.clear()

    def _open_tail(self, symbol: str, key: str) -> tuple[str, int]:
        self._close_tail(symbol)
        folder = self._folder(symbol)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.tail"):
            if left.stem != key:
                self._seal(symbol, left.stem, [])
        path = folder / f"{key}.tail"
        _drop_torn_line(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._open_tails[symbol] = (key, descriptor)
        return key, descriptor

    def _seal(self, symbol: str, key: str, more: list[Bar]) -> None:
        from papertape.markets import sealed_bars

        folder = self._folder(symbol)
        tail = folder / f"{key}.tail"
        both = sealed_bars.merge([self._load(symbol, key), sealed_bars.from_bars(more)])
        sealed_bars.write(folder / f"{key}.parquet", both)
        if symbol in self._open_tails and self._open_tails[symbol][0] == key:
            self._close_tail(symbol)  # else the next bars would go into a file without a name
        tail.unlink(missing_ok=True)

    def _close_tail(self, symbol: str) -> None:
        if tail := self._open_tails.pop(symbol, None):
            os.close(tail[1])

    # --- reading: any process ---------------------------------------------------------------

    def read(
        self,
        symbol: str,
        timeframe: str = "1m",
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int = 500,
    ) -> list[Bar]:
        """Give bars oldest first that begin at `start_ns` or later and before `end_ns`.

        With a start these are the first `limit` bars from it on, without one the newest `limit`.
        Raises ValueError for an unknown timeframe.
        """
        from papertape.markets import sealed_bars

        step = timeframe_ns(timeframe)
        oldest_first = start_ns is not None
        start = None if start_ns is None else -(-start_ns // step) * step
        keys = [key for key in self._keys(symbol) if _overlaps(key, start, end_ns)]
        parts: list[BarColumns] = []
        buckets = 0
        for key in keys if oldest_first else reversed(keys):
            part = sealed_bars.between(self._load(symbol, key), start, end_ns)
            parts.append(part)
            buckets += sealed_bars.count_buckets(part, step)
            if buckets > limit + len(parts):
                break
        merged = sealed_bars.aggregate(sealed_bars.merge(parts), step)
        return sealed_bars.to_bars(merged, limit if oldest_first else -limit)

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        """Give all bars from `start_ns` on and before `end_ns`, as they were kept."""
        from papertape.markets import sealed_bars

        keys = [key for key in self._keys(symbol) if _overlaps(key, start_ns, end_ns)]
        parts = [sealed_bars.between(self._load(symbol, key), start_ns, end_ns) for key in keys]
        return sealed_bars.merge(parts)

    def _load(self, symbol: str, key: str) -> BarColumns:
        """Read the tail first: once it is gone, the sealed file that replaced it is in place."""
        from papertape.markets import sealed_bars

        folder = self._folder(symbol)
        tail = sealed_bars.from_bars(_read_tail(folder / f"{key}.tail"))
        sealed = self._load_sealed(folder / f"{key}.parquet")
        return sealed_bars.merge([sealed, tail]) if sealed is not None else tail

    def _load_sealed(self, path: Path) -> BarColumns | None:
        from papertape.markets import sealed_bars

        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        held = self._held.get(path)
        if held is None or held[0] != changed:
            if len(self._held) >= SEALED_PARTS_HELD:
                self._held.clear()
            held = self._held[path] = (changed, sealed_bars.read(path))
        return held[1]

    # --- names --------------------------------------------------------------------------------

    def _folder(self, symbol: str) -> Path:
        return self._root / quote(symbol, safe="")

    def _keys(self, symbol: str) -> list[str]:
        folder = self._folder(symbol)
        if not folder.is_dir():
            return []
        return sorted({p.stem for p in folder.iterdir() if p.suffix in {".tail", ".parquet"}})

    def _key(self, time_ns: int) -> str:
        return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d")[
            : self._key_length
        ]


def _overlaps(key: str, start_ns: int | None, end_ns: int | None) -> bool:
    """Tell whether a part named by day, month or year may hold bars of the range."""
    first = datetime.fromisoformat((key + "-01-01")[:10]).replace(tzinfo=UTC)
    days = {10: 1, 7: 31, 4: 366}[len(key)]
    begins = int(first.timestamp()) * 10**9
    ends = begins + days * 86_400 * 10**9
    return (start_ns is None or ends > start_ns) and (end_ns is None or begins < end_ns)


def _line(bar: Bar) -> bytes:
    fields = bar if bar.trades is not None else bar[:PLAIN_FIELDS]
    return (",".join(map(str, fields)) + "\n").encode()


def _bar_of(row: list[str]) -> Bar:
    counted = (int(row[PLAIN_FIELDS]), row[-1]) if len(row) > PLAIN_FIELDS else ()
    return Bar._make((int(row[0]), *row[1:PLAIN_FIELDS], *(counted or (None, None))))


def _read_tail(path: Path) -> list[Bar]:
    try:
        whole_lines = path.read_bytes().decode("ascii", "replace").split("\n")[:-1]
    except FileNotFoundError:
        return []
    rows = (line.split(",") for line in whole_lines)
    return [_bar_of(row) for row in rows if len(row) in {PLAIN_FIELDS, len(Bar._fields)}]


def _drop_torn_line(path: Path) -> None:
    """Cut what a kill left of a half-written line, so that the next line starts on its own."""
    if path.exists():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            os.truncate(path, data.rfind(b"\n") + 1)


def backfill_from(
    store: BarStore, symbol: str, rows: Iterable[tuple[int, str, str, str, str, str]]
) -> bool:
    """Give an empty store a history of `(time_ns, open, high, low, close, volume)` rows.

    Returns False and changes nothing when the store already has bars of the symbol.
    """
    if not store.is_empty(symbol):
        return False
    store.backfill(symbol, (Bar(row[0], *row[1:5], plain_text(Decimal(row[5]))) for row in rows))
    return True
