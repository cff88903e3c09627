"""The operations of the client, as they would be called with every argument that they take."""

import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from papertape.client.calls import Call, Endpoint, Group, SyncFace
from papertape.client.client import Operations


@dataclass(frozen=True)
class Operation:
    """A method of the client, and the call it describes."""

    name: str
    call: Call[Any]


def operations() -> Iterator[Operation]:
    for subject, group in vars(Operations(SyncFace())).items():
        assert isinstance(group, Group)
        for name, method in vars(type(group)).items():
            if isinstance(method, Endpoint):
                yield Operation(f"{subject}.{name}", _described(group, method))


def _described(group: Group[Any], method: Endpoint[..., Any]) -> Call[Any]:
    arguments: dict[str, Any] = {}
    hints = typing.get_type_hints(method.describe)
    for parameter in list(inspect.signature(method.describe).parameters.values())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            [terms] = typing.get_args(hints[parameter.name])  # Unpack[Terms]
            for name in typing.get_type_hints(terms):
                arguments.setdefault(name, [] if name == "legs" else "x")
        else:
            arguments.setdefault(parameter.name, [] if parameter.name == "orders" else "x")
    return method.describe(group, **arguments)
