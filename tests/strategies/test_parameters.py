"""Parameters are typed class attributes; wrong names and values are explained."""

from decimal import Decimal
from typing import ClassVar

import pytest

from papertape.strategies import ParameterError, Strategy, parameters_of
from papertape.strategies.parameters import split_setting


class Crossover(Strategy):
    fast: int = 10
    slow: int = 30
    threshold: float = 0.5
    share: Decimal = Decimal("0.25")
    reverse: bool = False
    label: str = "sma"
    table: ClassVar[dict] = {}
    _hidden: int = 1
    untyped = 5


class Slower(Crossover):
    slow: int = 50
    size: int


def made(kind=Crossover, **values):
    return kind(None, values)


def test_parameters_are_the_typed_attributes_inherited_ones_included():
    assert list(parameters_of(Crossover)) == [
        "fast", "slow", "threshold", "share", "reverse", "label",
    ]  # fmt: skip
    assert parameters_of(Slower)["slow"].default == 50
    assert parameters_of(Slower)["fast"].default == 10
    assert parameters_of(Strategy) == {}


def test_without_settings_the_class_speaks():
    strategy = made()
    assert (strategy.fast, strategy.slow, strategy.label) == (10, 30, "sma")


SET = [
    ("fast", "20", 20),
    ("fast", 20, 20),
    ("fast", 20.0, 20),
    ("threshold", "1e-3", 0.001),
    ("threshold", 2, 2.0),
    ("share", "0.1", Decimal("0.1")),
    ("share", 0.1, Decimal("0.1")),
    ("reverse", "yes", True),
    ("reverse", "False", False),
    ("reverse", True, True),
    ("label", "ema", "ema"),
]


@pytest.mark.parametrize(("name", "value", "expected"), SET)
def test_a_setting_is_converted_to_the_type(name, value, expected):
    found = getattr(made(**{name: value}), name)
    assert (found, type(found)) == (expected, type(expected))
    assert getattr(Crossover, name) != "changed for the class"


REFUSED = [
    ("fsat", "20", "Crossover has no parameter fsat; did you mean fast? (it has: fast, slow,"),
    ("zzz", "20", "Crossover has no parameter zzz (it has: fast, slow,"),
    ("untyped", "6", "untyped of Crossover has no type; write `untyped: int = 5`"),
    ("_hidden", "6", "_hidden"),
    ("on_bar", "6", "Crossover has no parameter on_bar"),
    ("fast", "ten", "fast must be a whole number, not 'ten'"),
    ("fast", "1.5", "fast must be a whole number, not '1.5'"),
    ("fast", 1.5, "fast must be a whole number, not 1.5"),
    ("fast", True, "fast must be a whole number, not True"),
    ("fast", "", "fast must be a whole number, not ''"),
    ("threshold", "much", "threshold must be a number, not 'much'"),
    ("threshold", "nan", "threshold must be a number, not 'nan'"),
    ("share", "inf", "share must be a decimal number, not 'inf'"),
    ("share", "x", "share must be a decimal number, not 'x'"),
    ("reverse", "maybe", "reverse must be true or false, not 'maybe'"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_a_wrong_setting_is_explained(name, value, message):
    with pytest.raises(ParameterError) as refused:
        made(**{name: value})
    assert message in str(refused.value)


def test_a_parameter_without_value_must_be_set():
    with pytest.raises(
        ParameterError, match=r"Slower needs a value for size \(--set size=\.\.\.\)"
    ):
        made(Slower)
    assert made(Slower, size="7").size == 7


def test_settings_are_written_name_equals_value():
    assert split_setting("fast=10") == ("fast", "10")
    assert split_setting(" label = a=b ") == ("label", "a=b")
    for wrong in ("fast", "=10", ""):
        with pytest.raises(ParameterError, match="write --set name=value"):
            split_setting(wrong)
