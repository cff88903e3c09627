"""What is asked of accounts: opening, renaming, money in and out, beginning again."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from papertape.server.bodies import DecimalText
from papertape.server.models.accounts import AccountReply
from papertape.server.models.base import (
    EXAMPLE_ACCOUNT,
    EXAMPLE_TIME,
    Body,
    Example,
    ProblemReply,
    Reply,
    Uuid,
)
from papertape.server.models.orders import CanceledOrder, OrderReply

AccountKind = Literal["cash", "margin", "journal"]
AccountName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,8}$")]

OTHER_ACCOUNT = "9d2c1a7e-33b0-5e0f-8c55-1b2f9a40c6d7"


class AccountRequest(Body):
    """A further account. `multiplier` (1, 2 or 4) is what a margin account may buy with.

    Kind, currency and starting cash that are left out are those of the user's default trading
    profile, when there is one.
    """

    example: ClassVar[Example] = {
        "name": "Swing trades",
        "kind": "margin",
        "currency": "USD",
        "starting_cash": "25000.00",
        "multiplier": "2",
    }

    name: AccountName
    kind: AccountKind = "cash"
    currency: Currency = "USD"
    starting_cash: DecimalText = Field(default="100000.00", examples=["100000.00"])
    multiplier: DecimalText | None = None
    cost_method: Literal["average", "fifo", "lifo", "specific"] | None = None

    def preferring(self, settings: Mapping[str, Any]) -> Self:
        """The same request; what it leaves out is as a trading profile has it."""
        preferred = {
            "kind": settings["account_kind"],
            "currency": settings["currency"],
            "starting_cash": settings["starting_cash"],
        }
        left_out = {k: v for k, v in preferred.items() if k not in self.model_fields_set}
        return self.model_copy(update=left_out)

    def terms(self) -> dict[str, Any]:
        """The terms of `open_account`."""
        given = self.model_dump(exclude_none=True, exclude={"name", "kind"})
        return {"account_kind": self.kind} | given


class AccountPatch(Body):
    """Another name for an account."""

    example: ClassVar[Example] = {"name": "Long term"}

    name: AccountName


class CloneRequest(Body):
    """The name of the clone; without one it is called after its model."""

    example: ClassVar[Example] = {"name": "Swing trades, second try"}

    name: AccountName | None = None


class ResetRequest(Body):
    """What the account begins again with; left out: what it was opened with."""

    example: ClassVar[Example] = {"starting_cash": "50000.00"}

    starting_cash: DecimalText | None = None


class MoneyRequest(Body):
    """An amount of money, in the account's own currency unless another is named."""

    example: ClassVar[Example] = {"amount": "2500.00"}

    amount: DecimalText = Field(examples=["2500.00"])
    currency: Currency | None = None


class TransferRequest(MoneyRequest):
    """Money for another account of the same user."""

    example: ClassVar[Example] = {"amount": "2500.00", "to_account_id": OTHER_ACCOUNT}

    to_account_id: Uuid


class ForkRequest(Body):
    """A moment of the tape: the number of a turn, or a time (`time` is another name of `at`)."""

    example: ClassVar[Example] = {"seq": 4711}

    seq: int | None = Field(default=None, ge=1, lt=2**63, strict=True)
    at: str | None = Field(default=None, max_length=40, examples=[EXAMPLE_TIME])
    time: str | None = Field(default=None, max_length=40, examples=[EXAMPLE_TIME])

    @model_validator(mode="after")
    def _names_one_moment(self) -> "ForkRequest":
        if [self.seq, self.at, self.time].count(None) != 2:
            raise ValueError("give a seq or a time (at)")
        return self

    def when(self) -> tuple[str, str | None]:
        """The field that names the moment, and its time when it is one."""
        if self.seq is not None:
            return "seq", None
        return ("at", self.at) if self.at is not None else ("time", self.time)


class ForkReply(Reply):
    """The world that a fork made, and the account in it."""

    example: ClassVar[Example] = {
        "world": "main-4711",
        "account_id": EXAMPLE_ACCOUNT,
        "seq": 4711,
    }

    world: str
    account_id: Uuid
    seq: int


class TransferReply(Reply):
    """A transfer that has arrived, with both accounts as they stand after it."""

    example: ClassVar[Example] = {
        "id": "0b9c1f52-8a55-5a47-9d0e-3c1d2f7a4b11",
        "amount": "2500.00",
        "from_account": AccountReply.example,
        "to_account": {**AccountReply.example, "id": OTHER_ACCOUNT, "name": "Swing trades"},
    }

    id: Uuid
    amount: str
    from_account: AccountReply
    to_account: AccountReply


class ClosedPosition(Reply):
    """What became of one position: the order that closes it, or why none could be sent.

    `status` is what the order alone would have been answered with.
    """

    example: ClassVar[Example] = {
        "symbol": "AAPL",
        "status": 201,
        "order": {**OrderReply.example, "side": "sell", "type": "market", "limit_price": None},
    }

    symbol: str
    status: int
    order: OrderReply | None = None
    problem: ProblemReply | None = None


class FlattenReply(Reply):
    """The orders that were canceled and the positions that were closed."""

    example: ClassVar[Example] = {
        "account_id": EXAMPLE_ACCOUNT,
        "canceled": [CanceledOrder.example],
        "positions": [ClosedPosition.example],
    }

    account_id: Uuid
    canceled: list[CanceledOrder]
    positions: list[ClosedPosition]


class ClosedPositionsReply(Reply):
    """Every position that was closed, or could not be."""

    example: ClassVar[Example] = {"items": [ClosedPosition.example]}

    items: list[ClosedPosition]
