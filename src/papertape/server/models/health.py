"""What those who run the product see."""

from typing import ClassVar, Literal

from papertape.server.models.base import Example, Reply


class AliveReply(Reply):
    """The process works."""

    example: ClassVar[Example] = {"status": "ok"}

    status: Literal["ok"]


class ReadyReply(Reply):
    """The floor answers for its world."""

    example: ClassVar[Example] = {"status": "ready", "world": "main"}

    status: Literal["ready"]
    world: str
