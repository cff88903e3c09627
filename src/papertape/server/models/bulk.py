"""Many orders in one request, each answered for itself."""

from typing import Any, ClassVar

from pydantic import Field, StrictBool

from papertape.server.models.base import (
    EXAMPLE_ORDER,
    Body,
    Example,
    ProblemReply,
    Reply,
    Uuid,
)
from papertape.server.models.orders import OrderReply, OrderRequest

BULK_MAX = 500


class BulkRequest(Body):
    """Up to 500 orders, sent in their order. Each is checked by the rules of a single one.

    With `atomic` the exchange takes all of them in one turn, each decided on what those before it
    leave, trades included. When one is refused none is taken, and none is kept as rejected; `items`
    tells which one it was and why.
    """

    example: ClassVar[Example] = {"orders": [OrderRequest.example], "atomic": False}

    orders: list[dict[str, Any]] = Field(min_length=1, max_length=BULK_MAX)
    atomic: StrictBool = False


class BulkCancelRequest(Body):
    """Up to 500 orders to cancel.

    With `atomic` the exchange cancels all of them in one turn, or none when one has ended; `items`
    tells which one it was. The same `Idempotency-Key` again answers them as they stand.
    """

    example: ClassVar[Example] = {"order_ids": [EXAMPLE_ORDER], "atomic": False}

    order_ids: list[Uuid] = Field(min_length=1, max_length=BULK_MAX)
    atomic: StrictBool = False


class BulkItem(Reply):
    """One of many: the status that it alone would have had, and the order or the problem."""

    example: ClassVar[Example] = {"status": 201, "order": OrderReply.example}

    status: int
    order: OrderReply | None = None
    problem: ProblemReply | None = None
    id: str | None = Field(None, description="of an order that was to be canceled")


class BulkReply(Reply):
    """What became of each, in the order of the request."""

    example: ClassVar[Example] = {"items": [BulkItem.example]}

    items: list[BulkItem]
