"""Which names users may have: one rule, whether they register or are made on the command line."""

import unicodedata
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError

ADMIN_USERNAME = "admin"
DEMO_USERNAME = "demo"
USERNAME_LENGTH_MAX = 64
USERNAME_PATTERN = r"^[\w.@+\-]{1,64}$"

RESERVED_NAMES = frozenset({ADMIN_USERNAME, DEMO_USERNAME})
"""Made by the product itself, at the latest at its next start."""

Username = Annotated[str, StringConstraints(pattern=USERNAME_PATTERN)]
_USERNAME = TypeAdapter[str](Username)


class ReservedNameError(ValueError):
    """The name belongs to a user of the product's own."""


def username_key(username: str) -> str:
    """How names are compared: compatible forms and upper case are the same name."""
    return unicodedata.normalize("NFKC", username).casefold()


def check_username(username: str) -> None:
    """ValueError for a name that nobody may choose, `ReservedNameError` for the product's own."""
    try:
        _USERNAME.validate_python(username)
    except ValidationError:
        raise ValueError(
            f"a name has 1 to {USERNAME_LENGTH_MAX} letters, digits and . _ @ + -, without blanks"
        ) from None
    if username_key(username) in RESERVED_NAMES:
        raise ReservedNameError(
            f"{username} is the name of a user that the product makes itself; choose another"
        )
