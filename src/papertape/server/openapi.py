"""Prints the OpenAPI document, from which the page's client is generated.

python -m papertape.server.openapi > web/openapi.json
"""

import json
import sys
from typing import Any, Self

from papertape.server.application import create_app
from papertape.server.auth.tokens import KEY_BYTES, Tokens
from papertape.server.rooms import Rooms


class _Absent:
    """Stands for a room that nobody enters, and for all that it has."""

    def __getattr__(self, _name: str) -> Self:
        return self


def document_text() -> str:
    """The document as it lies in `web/openapi.json`. Nothing is served, so no room is needed."""
    absent: Any = _Absent()
    app = create_app(
        Rooms(
            floor=absent,
            reads=absent,
            auth=absent,
            bars=absent,
            tokens=Tokens(bytes(KEY_BYTES)),
            world="main",
        )
    )
    return json.dumps(app.openapi(), indent=2, sort_keys=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document_text())
