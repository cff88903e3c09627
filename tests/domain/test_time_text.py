import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.domain.time_text import parse_time, time_text

MOMENT_NS = 1_795_171_560_000_000_000  # 2026-11-20T10:46:00Z


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (MOMENT_NS, "2026-11-20T10:46:00.000000000Z"),
        (MOMENT_NS + 1, "2026-11-20T10:46:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_have_nine_decimals_and_z(time_ns: int, text: str) -> None:
    assert time_text(time_ns) == text


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2026-11-20T10:46:00Z", MOMENT_NS),
        ("2026-11-20T11:46:00+01:00", MOMENT_NS),
        ("2026-11-20t05:16:00.5-05:30", MOMENT_NS + 500_000_000),
        ("2026-11-20 10:46:00.000000001Z", MOMENT_NS + 1),
    ],
)
def test_rfc_3339_times_are_read_with_their_offset(text: str, time_ns: int) -> None:
    assert parse_time(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T10:46Z",
        "2026-11-20T10:46:00",
        "2026-13-01T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T10:46:00.1234567890Z",
        "1795171560",
    ],
)
def test_what_is_no_whole_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month|hour"):
        parse_time(text)


@given(st.integers(min_value=-(2**62), max_value=2**63 - 1))
def test_text_and_back_is_the_same_nanosecond(time_ns: int) -> None:
    assert parse_time(time_text(time_ns)) == time_ns
