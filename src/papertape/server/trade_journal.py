"""A journal of trades by ids that stay: written, changed and deleted by commands that correct.

Nothing on the tape is edited: a change takes a trade back and records another one in the same
turn, a deletion takes it back. What is to be done is noted first; whoever finds such a note does it
again, which does nothing where it was done: the commands' ids follow from the entry and its trade.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeGuard
from uuid import UUID, uuid4, uuid5

import msgspec
import structlog

from papertape.domain.time_text import parse_time, time_text
from papertape.floor.ports import FloorUnavailableError, NotAccepted
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import JOURNAL, OwnedAccount, RequestReusedError
from papertape.server.auth.journal_store import Entry, EntrySearch, JournalStore
from papertape.server.callers import Caller
from papertape.server.corrections import Corrections
from papertape.server.models.trades import TradeRequest, TradeTerms
from papertape.server.order_history import OrderHistory
from papertape.server.problems import Problem, id_reused, not_found, not_permitted
from papertape.server.symbols import Symbols

ACCOUNT_NAME = "Trade journal"
OPENING: Mapping[str, Any] = {"account_kind": JOURNAL, "currency": "USD", "starting_cash": "0"}

Trade = Mapping[str, Any]
Item = dict[str, Any]
Place = tuple[int, str]
"""Where an entry stands in a list: its time in nanoseconds since 1970, and its id."""


class Terms(msgspec.Struct, frozen=True):
    """What a trade is."""

    symbol: str
    side: str
    qty: str
    price: str

    def are(self, other: "Terms") -> bool:
        """Whether they say the same, in whatever digits."""
        mine, others = (
            (one.symbol, one.side, Decimal(one.qty), Decimal(one.price)) for one in (self, other)
        )
        return mine == others


class Wanted(msgspec.Struct, frozen=True):
    """What is to become of the trade `of` (None: there is none yet); without terms it goes."""

    of: str | None
    terms: Terms | None


class TradeJournal:
    """Keeps the journal of a caller."""

    def __init__(
        self,
        accounts: Accounts,
        symbols: Symbols,
        history: OrderHistory,
        corrections: Corrections,
        store: JournalStore,
    ) -> None:
        self._accounts = accounts
        self._symbols = symbols
        self._history = history
        self._corrections = corrections
        self._store = store

    async def write(
        self, caller: Caller, asked: Terms, request_id: str | None
    ) -> tuple[Item, bool]:
        """Enter a trade, and whether it is new; the same request id is the same entry.

        Raises `Problem` 409 for a request id of another trade, and what the floor refuses.
        """
        account = await self._journal(caller)
        terms = await self._listed(asked)
        begun = Entry(
            entry_id=_entry_id(account, request_id),
            account_id=account.account_id,
            asked=_json(asked),
            symbol=terms.symbol,
            time_ns=None,
            fill_id=None,
            wanted=_json(Wanted(None, terms)),
        )
        try:
            entry, is_new = await asyncio.to_thread(self._store.begin, begun)
        except RequestReusedError as error:
            raise id_reused("trade") from error
        if entry.fill_id is None and entry.wanted is not None:
            await self._carry_out(caller, entry, is_ours=is_new)
        found = await self._present(caller, entry.entry_id)
        if found is None:
            raise id_reused("trade, which was deleted")
        return _item(*found), is_new

    async def one(self, caller: Caller, entry_id: str) -> Item:
        """An entry of the caller's; raises `Problem` 404."""
        return _item(*await self._own(caller, entry_id))

    async def change(self, caller: Caller, entry_id: str, changes: Mapping[str, str]) -> Item:
        """Put terms of an entry right; what is not named stays.

        Raises `Problem` 404, and what the floor says of the terms; then nothing is changed.
        """
        while True:
            entry, trade = await self._own(caller, entry_id)
            present = _terms(trade)
            terms = await self._listed(msgspec.structs.replace(present, **changes))
            if terms.are(present):
                return _item(entry, trade)
            if await self._do(caller, entry, Wanted(entry.fill_id, terms)):
                return await self.one(caller, entry_id)
            # Somebody else's change came in between: now it is changed from there.

    async def delete(self, caller: Caller, entry_id: str) -> None:
        """Take the trade of an entry back; raises `Problem` 404 when it is gone already."""
        found: tuple[Entry, Trade] | None = await self._own(caller, entry_id)
        while found is not None:
            await self._do(caller, found[0], Wanted(found[0].fill_id, None))
            found = await self._present(caller, entry_id)

    async def search(
        self,
        caller: Caller,
        search: EntrySearch,
        limit: int,
        before: Place | None,
    ) -> tuple[list[Item], Place | None]:
        """Entries, the newest first, and the one behind which there are more."""
        mine = [account.account_id for account in await self._journals(caller)]
        for entry in await asyncio.to_thread(self._store.unsettled, mine):
            await self._settle_quietly(caller, entry)
        while True:
            listed = self._store.listed
            entries = await asyncio.to_thread(listed, mine, search, limit + 1, before)
            trades = await self._history.trades_by_id([str(one.fill_id) for one in entries])
            gone = [
                (entry, trades[str(entry.fill_id)]["corrected_by"])
                for entry in entries
                if trades.get(str(entry.fill_id), {}).get("busted")
            ]
            if not gone:
                break
            for entry, corrected_by in gone:
                await asyncio.to_thread(self._store.follow, entry, corrected_by)
        shown = entries[:limit]
        last = shown[-1] if len(entries) > limit else None
        found = [(entry, trades.get(str(entry.fill_id))) for entry in shown]
        return (
            [_item(entry, trade) for entry, trade in found if _has(trade, entry)],
            None if last is None else (last.time_ns or 0, last.entry_id),
        )

    # --- whose it is -----------------------------------------------------------------------------

    async def listed_symbol(self, name: str) -> str:
        """The symbol that a name means; a name that means none stays."""
        return await self._symbols.find(name) or name

    async def _listed(self, terms: Terms) -> Terms:
        return msgspec.structs.replace(terms, symbol=await self.listed_symbol(terms.symbol))

    async def _journals(self, caller: Caller) -> Sequence[OwnedAccount]:
        owned = await self._accounts.of(caller)
        return [one for one in owned if one.is_journal]

    async def _journal(self, caller: Caller) -> OwnedAccount:
        """The caller's first journal that is not archived, opened when there is none."""
        journals = await self._journals(caller)
        for account in journals:
            if not account.is_archived:
                return account
        if caller.key is not None and caller.key.account_id is not None:
            detail = "the API key is bound to an account that is no journal; use another key"
            raise not_permitted("account", detail)
        # No Idempotency-Key has a blank; so two requests at once open one account.
        asked = f"trade journal {len(journals)}"
        account, _ = await self._accounts.open_further(caller, ACCOUNT_NAME, OPENING, asked)
        return account

    async def _own(self, caller: Caller, entry_id: str) -> tuple[Entry, Trade]:
        entry = await asyncio.to_thread(self._store.find, entry_id)
        if entry is None or not await self._accounts.owns(caller, entry.account_id):
            raise not_found("trade")
        found = await self._present(caller, entry_id)
        if found is None:
            raise not_found("trade")
        return found

    async def _present(self, caller: Caller, entry_id: str) -> tuple[Entry, Trade] | None:
        """An entry with the trade that it stands for now, or None when it stands for none."""
        entry = await asyncio.to_thread(self._store.find, entry_id)
        if entry is not None and entry.wanted is not None:
            await self._settle_quietly(caller, entry)
            entry = await asyncio.to_thread(self._store.find, entry_id)
        while entry is not None and entry.fill_id is not None:
            trade = await self._history.trade(entry.fill_id)
            if trade is None or not _has(trade, entry):
                return None
            if not trade.get("busted"):
                return entry, trade
            await asyncio.to_thread(self._store.follow, entry, trade["corrected_by"])
            entry = await asyncio.to_thread(self._store.find, entry_id)
        return None

    # --- what was noted is done ------------------------------------------------------------------

    async def _do(self, caller: Caller, entry: Entry, wanted: Wanted) -> bool:
        """Note what is wanted and do it; False when the entry was changed meanwhile."""
        text = _json(wanted)
        if not await asyncio.to_thread(self._store.want, entry, text):
            return False
        return await self._carry_out(caller, replace(entry, wanted=text), is_ours=True)

    async def _settle_quietly(self, caller: Caller, entry: Entry) -> None:
        """Do what somebody else noted; why it was refused concerns nobody any more."""
        try:
            await self._carry_out(caller, entry, is_ours=False)
        except (FloorUnavailableError, Problem) as error:
            structlog.get_logger().warning("journal_entry_not_settled", reason=error.reason)

    async def _carry_out(self, caller: Caller, entry: Entry, *, is_ours: bool) -> bool:
        """Send what is wanted and note what it led to; `is_ours` when nobody has sent it before.

        False when the trade was taken back before. Raises `Problem` for a refusal, which takes the
        note off, and what the floor raises: when nobody knows what came of it, the note stays.
        """
        wanted = msgspec.json.decode(entry.wanted or "", type=Wanted)
        try:
            was_sent, trade = await self._sent(caller, entry, wanted)
        except (Problem, NotAccepted) as error:
            if isinstance(error, Problem) or is_ours:
                await asyncio.to_thread(self._store.withdraw, entry)
            raise
        stands = None
        if trade is not None:
            stands = (trade["id"], trade["symbol"], parse_time(trade["time"]))
        await asyncio.to_thread(self._store.settle, entry, stands)
        return was_sent

    async def _sent(
        self, caller: Caller, entry: Entry, wanted: Wanted
    ) -> tuple[bool, Trade | None]:
        """Whether it was sent, and the trade that the entry stands for now."""
        if wanted.of is None:
            return True, await self._recorded(caller, entry, wanted.terms)
        trade = await self._history.trade(wanted.of)
        if trade is None:
            raise not_found("trade")
        if trade.get("busted"):
            corrected_by = trade["corrected_by"]
            return False, corrected_by and await self._history.trade(corrected_by)
        if wanted.terms is None:
            await self._corrections.bust(caller, wanted.of)
            return True, None
        terms = wanted.terms
        right = TradeTerms(qty=terms.qty, price=terms.price, fee=trade["fee"])
        corrected = await self._corrections.correct(
            caller, wanted.of, right, symbol=terms.symbol, side=terms.side
        )
        return True, corrected

    async def _recorded(self, caller: Caller, entry: Entry, terms: Terms | None) -> Trade:
        assert terms is not None, "a first trade has terms"
        said = msgspec.structs.asdict(terms)
        asked = TradeRequest(account_id=entry.account_id, **said)
        trade, _ = await self._corrections.record(caller, asked, entry.entry_id)
        return trade


def _entry_id(account: OwnedAccount, request_id: str | None) -> str:
    if request_id is None:
        return str(uuid4())
    return str(uuid5(UUID(account.account_id), f"journal {request_id}"))


def _json(told: object) -> str:
    return msgspec.json.encode(told).decode()


def _terms(trade: Trade) -> Terms:
    return Terms(**{name: trade[name] for name in Terms.__struct_fields__})


def _has(trade: Trade | None, entry: Entry) -> TypeGuard[Trade]:
    """Whether there is the trade, and in the entry's account: a world thrown away had others."""
    return trade is not None and trade["account_id"] == entry.account_id


def _item(entry: Entry, trade: Trade) -> Item:
    """An entry on the wire."""
    return {
        "id": entry.entry_id,
        "ticker": trade["symbol"],
        "price": trade["price"],
        "quantity": trade["qty"],
        "side": trade["side"],
        "time": time_text(entry.time_ns or 0),
        "trade_id": trade["id"],
        "account_id": entry.account_id,
    }
