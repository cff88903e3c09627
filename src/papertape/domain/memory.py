"""How the collector of a process that serves is set, once it has loaded what it needs."""

import gc

_YOUNG_MAX = 20_000
"""An order leaves no cycles behind, so looking for them after every 700 objects finds nothing."""


def settle_memory() -> None:
    """What is loaded stays and is never walked again; what comes is looked at seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MAX, 20, 50)
