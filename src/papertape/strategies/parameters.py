"""Parameters of a strategy: its typed class attributes, and values for them from text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from math import isfinite
from typing import Any, get_type_hints

MISSING = object()
YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}


class ParameterError(ValueError):
    """A parameter that does not exist, has no value or a value of another type."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, its type and its value in the class (`MISSING` without one)."""

    name: str
    type: type
    default: object


def parameters_of(strategy: type) -> dict[str, Parameter]:
    """Find the typed class attributes of a strategy, inherited ones included, by name."""
    hints = get_type_hints(strategy)
    return {
        name: Parameter(name, hint, getattr(strategy, name, MISSING))
        for name, hint in hints.items()
        if not name.startswith("_") and hint in CONVERSIONS
    }


def set_parameters(strategy: object, values: Mapping[str, object]) -> None:
    """Set parameters of an instance; text is converted to the parameter's type.

    Raises `ParameterError` with the nearest name for an unknown one, and when one has no value.
    """
    kind = type(strategy)
    known = parameters_of(kind)
    for name, value in values.items():
        if name not in known:
            raise ParameterError(_unknown(kind, name, list(known)))
        setattr(strategy, name, _converted(known[name], value))
    for name, parameter in known.items():
        if parameter.default is MISSING and name not in values:
            raise ParameterError(f"{kind.__name__} needs a value for {name} (--set {name}=...)")


def split_setting(setting: str) -> tuple[str, str]:
    """Split `name=value`; raises `ParameterError`."""
    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise ParameterError(f"'{setting}' is no setting; write --set name=value")
    return name.strip(), value.strip()


def _unknown(kind: type, name: str, known: list[str]) -> str:
    if hasattr(kind, name) and not callable(getattr(kind, name)):
        value = getattr(kind, name)
        typed = f"{name}: {type(value).__name__} = {value!r}"
        return f"{name} of {kind.__name__} has no type; write `{typed}` to make it a parameter"
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    listed = ", ".join(known) or "none"
    return f"{kind.__name__} has no parameter {name}{hint} (it has: {listed})"


def _converted(parameter: Parameter, value: object) -> object:
    convert, words = CONVERSIONS[parameter.type]
    try:
        return convert(value)
    except (ValueError, TypeError, InvalidOperation):
        raise ParameterError(f"{parameter.name} must be {words}, not {value!r}") from None


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)


def _to_float(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not isfinite(number):
        raise ValueError
    return number


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError


def _to_decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


CONVERSIONS: dict[Any, tuple[Any, str]] = {
    int: (_to_int, "a whole number"),
    float: (_to_float, "a number"),
    bool: (_to_bool, "true or false"),
    Decimal: (_to_decimal, "a decimal number"),
    str: (str, "text"),
}
"""The types that a parameter may have: how a value becomes one, and the words for it."""
