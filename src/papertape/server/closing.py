"""Ways out of positions: one, a part of one, all of an account, orders canceled before.

What is to be closed is read from the present figures of the floor; whether and at what price is
decided there, by market orders. Nothing here is one turn: every order is answered for itself.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec

from papertape.domain.decimal_text import decimal_text
from papertape.floor.ports import FloorUnavailableError, Reply
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.callers import Caller
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange, refusal
from papertape.server.order_desk import OrderDesk
from papertape.server.performance import Performance
from papertape.server.problems import Problem, floor_unavailable, malformed, not_found
from papertape.server.symbols import Symbols

CANCEL_TURNS_MAX = 50
"""A turn cancels up to a thousand orders; what is still open after so many is told as it is."""

_PERCENT = Decimal(100)

Position = Mapping[str, Any]


class Closing:
    """Closes positions in a caller's name."""

    def __init__(
        self,
        accounts: Accounts,
        exchange: Exchange,
        desk: OrderDesk,
        symbols: Symbols,
        performance: Performance,
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._desk = desk
        self._symbols = symbols
        self._performance = performance

    async def position(self, account: OwnedAccount, name: str) -> dict[str, Any]:
        """The position in an instrument; raises `Problem` 404 where nothing is held."""
        symbol = await self._symbols.find(name)
        for position in await self.positions(account):
            if position["symbol"] == symbol:
                return position
        raise not_found("position")

    async def positions(self, account: OwnedAccount) -> list[dict[str, Any]]:
        """What an account holds, valued at the present market."""
        value = await self._accounts.value(account)
        held: list[dict[str, Any]] = msgspec.json.decode(value.positions)
        return held

    async def close(
        self,
        caller: Caller,
        account: OwnedAccount,
        name: str,
        *,
        request_id: str,
        qty: str | None = None,
        percentage: str | None = None,
        strategy: str | None = None,
    ) -> Reply:
        """Send the order that closes a position, or `qty` or `percentage` of it.

        The order is of `strategy`, else of the one that alone holds the position.

        Raises `Problem` 404 where nothing is held, 422 for more than there is.
        """
        position = await self.position(account, name)
        wanted = await self._wanted(position, qty, percentage)
        holders = {position["symbol"]: strategy} if strategy else await self._holders(account)
        return await self._send(caller, account, position, wanted, request_id, holders)

    async def close_all(
        self, caller: Caller, account: OwnedAccount, request_id: str, strategy: str | None = None
    ) -> list[dict[str, Any]]:
        """Close every position, as `close` does; what became of each, by symbol."""
        positions = await self.positions(account)
        if strategy:
            holders: Mapping[str, str] = {one["symbol"]: strategy for one in positions}
        else:
            holders = await self._holders(account)
        return [
            await self._told(
                caller, account, position, part_of(account, request_id, position["symbol"]), holders
            )
            for position in positions
        ]

    async def cancel_all(self, account: OwnedAccount, request_id: str) -> list[dict[str, Any]]:
        """Cancel all working orders; the canceled ones as of cancel-all."""
        canceled, _ = await self._cancel_all(account, request_id)
        return await self._desk.items_shown(canceled)

    async def clear(self, account: OwnedAccount, request_id: str) -> bool:
        """Cancel all working orders; whether none works then and nothing is held."""
        _, remaining = await self._cancel_all(account, request_id)
        return not remaining and not await self.positions(account)

    async def _cancel_all(
        self, account: OwnedAccount, request_id: str
    ) -> tuple[list[dict[str, Any]], int]:
        """The canceled ones, and how many are left."""
        canceled: list[dict[str, Any]] = []
        told: dict[str, Any] = {}
        for turn in range(CANCEL_TURNS_MAX):
            part = part_of(account, request_id, f"cancel {turn}")
            fields = {"account_id": account.account_id, "request_id": part}
            reply = await self._exchange.ask("cancel_all", fields)
            told = msgspec.json.decode(reply.body)
            canceled += told["items"]
            if not told["remaining"]:
                break
        return canceled, told["remaining"]

    async def flatten(
        self, caller: Caller, account: OwnedAccount, request_id: str, strategy: str | None = None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Cancel all orders, so that none holds what is to be sold, then close all positions."""
        canceled = await self.cancel_all(account, request_id)
        return canceled, await self.close_all(caller, account, request_id, strategy)

    async def _holders(self, account: OwnedAccount) -> Mapping[str, str]:
        return await self._performance.holders(account)

    async def _told(
        self,
        caller: Caller,
        account: OwnedAccount,
        position: Position,
        request_id: str,
        holders: Mapping[str, str],
    ) -> dict[str, Any]:
        told: dict[str, Any] = {"symbol": position["symbol"]}
        try:
            size = _size(position)
            reply = await self._send(caller, account, position, size, request_id, holders)
            if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
                raise refusal(reply)
        except Problem as problem:
            return told | {"status": problem.status, "problem": problem.body()}
        except FloorUnavailableError as error:
            unavailable = floor_unavailable(error)
            return told | {"status": unavailable.status, "problem": unavailable.body()}
        status = STATUS_OF_OUTCOME[reply.outcome]
        return told | {"status": status, "order": msgspec.Raw(reply.body)}

    async def _send(
        self,
        caller: Caller,
        account: OwnedAccount,
        position: Position,
        qty: Decimal,
        request_id: str,
        holders: Mapping[str, str],
    ) -> Reply:
        fields = {
            "account_id": account.account_id,
            "symbol": position["symbol"],
            "side": "buy" if position["side"] == "short" else "sell",
            "type": "market",
            "time_in_force": "day",
            "qty": decimal_text(qty),
            "client_order_id": request_id,
        }
        return await self._desk.submit_of(caller, fields, holders.get(position["symbol"]))

    async def _wanted(self, position: Position, qty: str | None, percentage: str | None) -> Decimal:
        held = _size(position)
        if qty is not None and percentage is not None:
            raise malformed("give qty or percentage, not both", field="percentage")
        if qty is not None:
            if not 0 < Decimal(qty) <= held:
                raise malformed(
                    f"qty: the position has {held}; give more than 0 and at most that",
                    field="qty",
                    value=qty,
                    reason="invalid_quantity",
                )
            return Decimal(qty)
        if percentage is None:
            return held
        if not 0 < Decimal(percentage) <= _PERCENT:
            raise malformed(
                "percentage: give more than 0 and at most 100", field="percentage", value=percentage
            )
        return await self._share(position, Decimal(percentage))

    async def _share(self, position: Position, percentage: Decimal) -> Decimal:
        """A share of a position in whole lots, the rest left; raises `Problem` 422 below one."""
        lots = {item["symbol"]: item["lot_size"] for item in await self._symbols.instruments()}
        lot = Decimal(lots[position["symbol"]])
        share = _size(position) * percentage / _PERCENT
        whole = (share / lot).to_integral_value(ROUND_DOWN) * lot
        if not whole and percentage < _PERCENT:
            raise malformed(
                f"percentage: {decimal_text(share)} is less than the lot of {decimal_text(lot)}",
                field="percentage",
                value=f"{percentage:f}",
                reason="invalid_quantity",
            )
        return whole if percentage < _PERCENT else _size(position)


def part_of(account: OwnedAccount, request_id: str, part: str) -> str:
    """The request id of one command of several; the same one when the request is repeated."""
    return str(uuid5(UUID(account.account_id), f"{request_id}/{part}"))


def _size(position: Position) -> Decimal:
    return abs(Decimal(position["qty"]))
