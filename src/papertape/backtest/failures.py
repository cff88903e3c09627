"""What can go wrong with a run, and whose line of code it was."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from papertape.strategies import SignalStrategy, Strategy


class BacktestError(ValueError):
    """A run that cannot start: cash, fee, data or fill rule make no sense."""


class StrategyFailedError(RuntimeError):
    """The strategy's own code raised: in which file and line, and at which bar."""

    def __init__(self, where: str, bar_time: datetime | None, error: Exception) -> None:
        moment = f"at the bar of {bar_time:%Y-%m-%d %H:%M:%S}" if bar_time else "in on_start"
        super().__init__(f"{where}, {moment}: {type(error).__name__}: {error}")
        self.where = where
        self.bar_time = bar_time


def failure(trader: Strategy, time_ns: int | None, error: Exception) -> StrategyFailedError:
    """Name the deepest line of the strategy's own file: that is where its writer has to look."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = (Strategy, SignalStrategy)
    written = (kind for kind in type(trader).__mro__ if issubclass(kind, Strategy))
    own_files = {_file_of(kind) for kind in written if kind not in ours}
    own = [frame for frame in frames if frame.filename in own_files] or list(frames)
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
    bar_time = None if time_ns is None else datetime.fromtimestamp(time_ns / 10**9, UTC)
    return StrategyFailedError(where, bar_time, error)


def _file_of(kind: type) -> str:
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
