"""Trades that are recorded, taken back, or put right. Nothing is edited: each is a new entry.

A journal takes what its owner says; in every other account only an admin takes a trade back. The
figures of a trade that is taken back are those of its row, never the caller's.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from papertape.floor.ports import Reply
from papertape.server.accounts import Accounts
from papertape.server.auth.label_store import LabelStore
from papertape.server.callers import Caller
from papertape.server.exchange import Exchange
from papertape.server.models.trades import TradeRequest, TradeTerms
from papertape.server.order_history import OrderHistory
from papertape.server.problems import Problem, not_found, not_permitted
from papertape.server.symbols import Symbols
from papertape.storage.conditions import of_fills
from papertape.storage.reads import Reads

Trade = dict[str, Any]

_TERMS: Mapping[Any, str] = {
    "limit_price": "price",
    **{f"new_{name}": name for name in ("symbol", "side", "qty", "price", "fee")},
}
"""Terms of a trade by the names that the floor may call them."""

_BUSTED = ("account_id", "symbol", "side", "qty", "notional", "fee", "realized_pl")


class Corrections:
    """Records and corrects trades in a caller's name."""

    def __init__(
        self,
        accounts: Accounts,
        exchange: Exchange,
        symbols: Symbols,
        history: OrderHistory,
        reads: Reads,
        labels: LabelStore,
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._symbols = symbols
        self._history = history
        self._reads = reads
        self._labels = labels

    async def record(
        self, caller: Caller, asked: TradeRequest, request_id: str
    ) -> tuple[Trade, bool]:
        """Enter a trade into a journal of the caller, and whether it is new.

        Raises `Problem` 404 for an account of somebody else, 422 for one that is no journal.
        """
        account = await self._accounts.require(caller, asked.account_id)
        if not account.is_journal:
            raise Problem(
                422,
                "not_a_journal",
                "account_id: trades are recorded in a journal only; open an account of that kind",
                more={"field": "account_id", "value": asked.account_id},
            )
        fields = asked.model_dump(exclude_none=True, exclude={"note"})
        fields["symbol"] = await self._symbols.find(asked.symbol) or asked.symbol
        fields["request_id"] = request_id
        reply = await self._ask("record_trade", fields)
        trade = await self._trade_of(msgspec.json.decode(reply.body))
        if asked.note is not None:
            note = self._labels.note
            await asyncio.to_thread(note, asked.account_id, trade["id"], asked.note)
        return trade | {"note": asked.note}, reply.outcome == "created"

    async def bust(self, caller: Caller, trade_id: str) -> None:
        """Take a trade back; a second time it does nothing.

        Raises `Problem` 403 and 404, 409 for a trade that another stands for already, and what the
        floor says against it.
        """
        trade = await self._correctable(caller, trade_id)
        if trade.get("corrected_by") is not None:
            raise _taken_back(trade)
        if not trade.get("busted"):
            await self._exchange.ask("bust_trade", _bust(trade))
            await self._note(trade, None)

    async def correct(
        self,
        caller: Caller,
        trade_id: str,
        right: TradeTerms,
        *,
        symbol: str | None = None,
        side: str | None = None,
    ) -> Trade:
        """Take a trade back and record what it should have been; gives that trade.

        It may have been of another instrument (`symbol`, as it is listed) or on the other `side`.

        Raises as `bust` does, and `Problem` 409 for a trade that was taken back already.
        """
        trade = await self._correctable(caller, trade_id)
        if trade.get("busted"):
            raise _taken_back(trade)
        fields = _bust(trade) | {"new_qty": right.qty, "new_price": right.price}
        if right.fee is not None:
            fields["new_fee"] = right.fee
        other = {
            name: value
            for name, value in (("symbol", symbol), ("side", side))
            if value not in {None, trade[name]}
        }
        told = msgspec.json.encode(right.model_dump(exclude_none=True) | other).decode()
        fields["request_id"] = str(uuid5(UUID(trade_id), f"correct {told}"))
        fields |= {f"new_{name}": value for name, value in other.items()}
        await self._ask("correct_trade", fields)
        # A repeated request is answered with the account: the trade is found by its id.
        find = self._reads.order_by_client_id
        made = f"{fields['request_id']}-corrected"
        order = await asyncio.to_thread(find, trade["account_id"], made)
        assert order is not None
        corrected = await self._trade_of(order)
        await self._note(trade, corrected["id"])
        return await self._trade_of(order)  # with the note that it takes over

    async def _ask(self, kind: str, fields: Trade) -> Reply:
        """Send what has the terms of a trade; a problem calls them as the caller did."""
        try:
            return await self._exchange.ask(kind, fields)
        except Problem as problem:
            told = problem.more.get("field")
            field = _TERMS.get(told, told)
            detail = problem.detail
            if field != told:
                detail = detail.replace(str(told), str(field), 1)
            more = {**problem.more, "field": field}
            raise Problem(
                problem.status,
                problem.reason,
                detail,
                retry_after_s=problem.retry_after_s,
                more=more,
            ) from problem

    async def _correctable(self, caller: Caller, trade_id: str) -> Trade:
        """The trade, when the caller may take it back."""
        trade = await self._history.trade(trade_id)
        if trade is None:
            raise not_found("trade")
        is_own = await self._accounts.owns(caller, trade["account_id"])
        if is_own:
            account = await self._accounts.require(caller, trade["account_id"])
            if account.is_journal:
                return trade
        if caller.may("admin"):
            return trade
        if not is_own:
            raise not_found("trade")
        raise not_permitted("admin", "only an admin takes back a trade that the exchange made")

    async def _trade_of(self, order: Mapping[str, Any]) -> Trade:
        """The one fill of a recorded order."""
        where = of_fills(order_id=order["id"])
        page = await asyncio.to_thread(
            lambda: self._reads.fills(order["account_id"], 1, where=where)
        )
        trade = await self._history.trade(page.items[0]["id"])
        assert trade is not None
        return trade

    async def _note(self, trade: Trade, corrected_by: str | None) -> None:
        note = self._labels.note_bust
        await asyncio.to_thread(note, trade["account_id"], trade["id"], corrected_by)


def _taken_back(trade: Trade) -> Problem:
    """409: the trade counts no more; `corrected_by` is the one that stands for it."""
    right = trade.get("corrected_by")
    detail = "the trade was taken back already"
    if right is not None:
        detail = f"the trade was corrected by {right}; take that one back, or correct it"
    return Problem(409, "not_replaceable", detail, more={"corrected_by": right})


def _bust(trade: Trade) -> dict[str, Any]:
    """The command that takes a trade back, its id derived from the trade's."""
    request_id = str(uuid5(UUID(trade["id"]), "bust"))
    taken = {name: trade[name] for name in _BUSTED}
    return taken | {"fill_id": trade["id"], "request_id": request_id}
