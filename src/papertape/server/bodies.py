"""Request bodies: JSON in, a checked model out, and no number on the way through a float.

A JSON number keeps its digits: `0.1` is the decimal 0.1, never the nearest binary fraction. What
two programs could read differently is refused: a name that stands twice in an object, and a body
that says it is something else than JSON.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ValidationError, WithJsonSchema
from starlette.requests import Request

from papertape.domain.decimal_text import decimal_text, parse_decimal
from papertape.server.problems import Problem, malformed, validation_problem

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_EXPONENT_MAX = 40
_JSON = "application/json"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
NOT_JSON = (
    "unsupported_media_type",
    "send the body as JSON, with the header Content-Type: application/json",
)

Model = TypeVar("Model", bound=BaseModel)


class NameTwiceError(Exception):
    """A name stands twice in an object of a JSON text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:100]} stands twice in an object; send it once")
        self.name = name[:100]


def as_decimal_text(value: object) -> str:
    """Decimal text of text or a JSON number; ValueError for all else."""
    if isinstance(value, str):
        return decimal_text(parse_decimal(value))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError('give a decimal as text such as "10.01", or as a number')
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise ValueError("the number is out of bounds")
    return decimal_text(parse_decimal(f"{number:f}"))


DecimalText = Annotated[
    str,
    BeforeValidator(as_decimal_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": 40},
                {"type": "number"},
            ]
        }
    ),
]
"""A quantity or price as the client wrote it, without needless zeros."""


async def read_object(request: Request, *, any_type: bool = False) -> dict[str, Any]:
    """The body as a JSON object; raises `Problem` 422 for anything else.

    Also 415 for a body that says that it is no JSON, unless it may be of `any_type`.
    """
    body = await request.body()
    if not any_type:
        require_json(request)
    try:
        content = _DECODER.decode(body)
        expect_names_once(body.decode())
    except NameTwiceError as error:
        raise malformed(str(error), field=error.name) from error
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise malformed(f"the body is not JSON: {_why(body, error)}") from error
    if not isinstance(content, dict):
        raise malformed("the body must be a JSON object")
    return content


def require_json(request: Request) -> None:
    """Raises `Problem` 415 for a body of another type; one that does not say its type passes."""
    given = request.headers.get("content-type", _JSON)
    if given == _JSON:
        return
    media = given.partition(";")[0].strip().lower()
    if media not in {"", _JSON} and not media.endswith("+json"):
        raise Problem(415, *NOT_JSON, more={"field": "Content-Type", "value": given[:100]})


def expect_names_once(text: str) -> None:
    """Raises `NameTwiceError`, and ValueError or RecursionError for what is no JSON.

    Of a name that stands twice in an object, who reads it elsewhere may take the other value.
    """
    json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)


def _once(members: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in members:
        if name in names:
            raise NameTwiceError(name)
        names.add(name)


def _why(body: bytes, error: Exception) -> str:
    """What is wrong with a body, in words that say nothing about how it is read here."""
    if not body.strip():
        return "it is empty; send a JSON object"
    if isinstance(error, UnicodeDecodeError):
        return "its text is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, InvalidOperation):
        return "a number in it is out of bounds"
    if _SURROGATE.search(body) and _is_json_but_for_surrogates(body):
        return "a text in it has half of a surrogate pair; write the whole character"
    return str(error)


def _is_json_but_for_surrogates(body: bytes) -> bool:
    try:
        json.loads(body.decode(), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


async def read_body(request: Request, model: type[Model]) -> Model:
    """The checked body; raises `Problem` 422 that names the field and the value."""
    return check_body(await read_object(request), model)


async def read_optional_body(request: Request, model: type[Model]) -> Model:
    """As `read_body`, where no body at all is an empty object."""
    return await read_body(request, model) if await request.body() else check_body({}, model)


def check_body(content: dict[str, Any], model: type[Model]) -> Model:
    """The model of decoded JSON."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False)) from error
