"""The example of an exchange of one's own says what it promises."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_exchange.py"


def test_an_exchange_of_ones_own_tells_why_each_price_was_paid(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out
    assert "then 20 at 10.02, because only 30 were offered" in said
    assert "waited in the book and sold 10 at 10.00" in said
    assert "Alice holds 60 ACME" in said
    assert "Bob holds -30 ACME" in said
