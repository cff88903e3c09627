"""Request bodies: JSON in, a checked model out, and no number on the way through a float.

A JSON number keeps its digits: `0.1` is the decimal 0.1, never the nearest binary fraction.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ValidationError, WithJsonSchema
from starlette.requests import Request

from papertape.domain.decimal_text import decimal_text, parse_decimal
from papertape.server.problems import malformed, validation_problem

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_EXPONENT_MAX = 40

Model = TypeVar("Model", bound=BaseModel)


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


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises `Problem` 422 for anything else."""
    try:
        content = _DECODER.decode(await request.body())
    except (
        msgspec.MsgspecError,
        UnicodeDecodeError,
        RecursionError,
        ValueError,
        InvalidOperation,
    ) as error:
        raise malformed(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise malformed("the body must be a JSON object")
    return content


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
