"""The typed facade over the compiled engine: its only importer.

A `World` takes inputs in batches and hands back what they caused, ready for the tape, the read
models and the streams:

    world = World("main")
    outcome = world.apply([(time_ns, b'{"kind":"create_world",...}'), ...])
    outcome.replies[0]          # ("created", b'{...}')

Shapes and units. Times are integer nanoseconds since 1970, UTC. Commands, replies and messages are
JSON as bytes; money, prices and quantities in them are decimal text. Rows and turns are tuples in
the column order of the tables. Backtests use scaled integers in numpy columns instead.

Errors. A bad command is a *reply*, never an exception. Exceptions are for the caller's mistakes
(`TypeError`, `ValueError`), for a tape that contradicts itself (`TapeError`), and for a panic of
the core (`EnginePanic`), after which the world refuses everything: reload it from the tape.

This room converts; it holds no rules. Start reading at `World`; the rules are in `engine/core`,
the house bots in `engine/agents`, the conversion in `engine/python`.
"""

from papertape.engine._engine import (
    BACKTEST_REASONS,
    Backtest,
    DirectWorld,
    EngineEvent,
    EnginePanic,
    Outcome,
    Rows,
    SimulatedMarket,
    TapeError,
    World,
)

__all__ = [
    "BACKTEST_REASONS",
    "Backtest",
    "DirectWorld",
    "EngineEvent",
    "EnginePanic",
    "Outcome",
    "Rows",
    "SimulatedMarket",
    "TapeError",
    "World",
]
