"""Generated requests: a test for each operation of a document, and how all were answered.

The count is a line at the end of a run.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis import builder
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import APIOperation, BaseSchema

_LEFT_OUT = (
    builder.InvalidHeadersExampleMark,
    builder.InvalidRegexMark,
    builder.MissingPathParameters,
    builder.NonSerializableMark,
    builder.UnsatisfiableExampleMark,
    builder.UnserializablePayloadMark,
)
"""What a test carries that part of its operation's requests could not be made for."""

_COUNTS = pytest.StashKey[Counter[int]]()
_SENT_BY_WORKER = "generated_requests"


@pytest.fixture(scope="session")
def generated(request: pytest.FixtureRequest) -> Counter[int]:
    """Who sends generated requests counts them here, by the status of their replies."""
    return counts_of(request.config)


def each_operation(schema: BaseSchema, labels: Iterable[str]) -> Callable[[Callable], Callable]:
    """Try a test with generated requests of each operation, such as `GET /api/v1/orders`.

    It is `schema.parametrize()`, but requests are made when their test runs. The library makes
    those of all operations while pytest collects: in every worker, though one runs the tests.
    """

    def decorate(test: Callable) -> Callable:
        fixtures = [name for name in inspect.signature(test).parameters if name != "case"]

        @pytest.mark.parametrize("label", labels)
        def with_requests(label: str, request: pytest.FixtureRequest) -> None:
            send = _test_of(schema, schema.find_operation_by_label(label), test)
            send(**{name: request.getfixturevalue(name) for name in fixtures})

        return with_requests

    return decorate


def _test_of(schema: BaseSchema, operation: APIOperation | None, test: Callable) -> Callable:
    """The test with all requests for the operation."""
    assert operation is not None
    load_all_checks()
    constants = FeedbackSources(constants_value_source=make_constants_value_source(schema))
    made = build_operation_test(
        config=schema.config,
        operation=operation,
        test_func=test,
        given_kwargs={},
        feedback=constants,
    )
    left_out = [mark.get(made) for mark in _LEFT_OUT if mark.is_set(made)]
    assert not left_out, f"not all requests of {operation.label} could be made: {left_out}"
    return made


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
