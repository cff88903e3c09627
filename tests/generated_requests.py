"""How many generated requests a run sent, and how they were answered: a line at its end."""

from collections import Counter

import pytest

_COUNTS = pytest.StashKey[Counter[int]]()
_SENT_BY_WORKER = "generated_requests"


@pytest.fixture(scope="session")
def generated(request: pytest.FixtureRequest) -> Counter[int]:
    """Who sends generated requests counts them here, by the status of their replies."""
    return counts_of(request.config)


def counts_of(config: pytest.Config) -> Counter[int]:
    return config.stash.setdefault(_COUNTS, Counter())


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker_says: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if worker_says is not None:
        worker_says[_SENT_BY_WORKER] = list(counts_of(session.config).items())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    for status, count in getattr(node, "workeroutput", {}).get(_SENT_BY_WORKER, ()):
        counts_of(node.config)[status] += count


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    counts = counts_of(config)
    if counts:
        told = ", ".join(f"{status}: {count:,}" for status, count in sorted(counts.items()))
        terminalreporter.write_line(f"{counts.total():,} generated requests ({told})")
