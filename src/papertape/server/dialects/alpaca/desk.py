"""Orders of an account in Alpaca's shape: send, find, list, replace, cancel.

What an order is now is the exchange's; under which id it goes is the replacements'. Both are joined
here and nowhere else.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import Any
from uuid import uuid4

import msgspec

from papertape.domain.time_text import parse_time
from papertape.floor.ports import NotAccepted
from papertape.server.dialects.alpaca.assets import Asset, Assets
from papertape.server.dialects.alpaca.orders import (
    OPEN_STATUSES,
    Native,
    Order,
    Version,
    is_shown,
    order_of,
)
from papertape.server.dialects.alpaca.replacements import (
    AlreadyReplacingError,
    Replacement,
    Replacements,
)
from papertape.server.dialects.alpaca.seats import Seat
from papertape.server.exchange import STATUS_OF_OUTCOME, Exchange, refusal
from papertape.server.measures import Measures
from papertape.server.order_entry import OrderEntry
from papertape.server.problems import Problem, not_found
from papertape.storage.reads import Reads
from papertape.storage.spans import Span, Spans

IN_DOUBT_NS = 60_000_000_000
"""How long a replacement whose outcome nobody knows keeps others away."""

GROUP_MAX = 5
"""Rows of one order in a list: itself and its legs."""

NEVER_REPLACED_S = 60.0
"""How long an account without replacements is not looked at again."""

_NEVER_REPLACED_MAX = 20_000

EVERYTHING = Span()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list of orders asks for."""

    status: str = "open"
    limit: int = 50
    span: Span = EVERYTHING
    newest_first: bool = True
    nested: bool = False
    symbols: tuple[str, ...] = ()
    side: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A native order, its replacements, and which of its versions was asked for."""

    native: Native
    replacements: Sequence[Replacement]
    number: int

    @property
    def is_old(self) -> bool:
        """Whether it has gone on under another id."""
        return self.number < len(self.replacements)

    @property
    def version(self) -> Version | None:
        """The version that it goes under now."""
        return self.replacements[-1].version() if self.replacements else None


class OrderDesk:
    """The orders of all accounts of one world."""

    def __init__(
        self,
        exchange: Exchange,
        entry: OrderEntry,
        assets: Assets,
        reads: Reads,
        replacements: Replacements,
        measures: Measures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._entry = entry
        self._assets = assets
        self._reads = reads
        self._spans = Spans(reads)
        self._replacements = replacements
        self._measures = measures
        self._clock = clock
        self._never_replaced: dict[str, float] = {}
        """Accounts that had no replacement, and until when they need not be looked at again."""

    # --- sending ---------------------------------------------------------------------------------

    async def submit(self, seat: Seat, fields: Native, client_order_id: str | None) -> Order:
        """Send an order; a client id that was used before is refused, as Alpaca does."""
        account_id = seat.account_id
        given = client_order_id or str(uuid4())
        if client_order_id is not None and await self._is_taken(account_id, client_order_id):
            raise _id_taken(client_order_id)
        command = fields | {"account_id": account_id, "client_order_id": given}
        reply = await self._entry.submit(seat.caller, command)
        self._measures.count_order(reply.outcome)
        if reply.outcome == "existing":
            raise _id_taken(given)
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            raise refusal(reply)
        native = msgspec.json.decode(reply.body)
        if "legs" in native:
            return await self.shown(native, nested=True)
        return order_of(native, self._assets.known(native["symbol"]), None)  # nobody replaced it

    async def _is_taken(self, account_id: str, client_order_id: str) -> bool:
        """By a replacement; the exchange knows the ids of orders itself.

        It knows those of replacements, too, for a day: so an account that was looked at a moment
        ago has none that only the table knows.
        """
        if self._never_replaced.get(account_id, 0) > self._clock():
            return False
        row = await asyncio.to_thread(self._taken_by, account_id, client_order_id)
        return row is not None

    def _taken_by(self, account_id: str, client_order_id: str) -> Replacement | None:
        if self._replacements.has_any(account_id):
            return self._replacements.by_client_id(account_id, client_order_id)
        if len(self._never_replaced) >= _NEVER_REPLACED_MAX:
            self._never_replaced.clear()
        self._never_replaced[account_id] = self._clock() + NEVER_REPLACED_S
        return None

    async def cancel(self, account_id: str, order_id: str) -> None:
        """Cancel an open order; raises `Problem` 404 and 422."""
        found = await self.find(account_id, order_id)
        _check_current(found, "not_cancelable")
        command = {
            "account_id": account_id,
            "order_id": found.native["id"],
            "request_id": str(uuid4()),
        }
        reply = await self._exchange.send("cancel", command)
        if reply.outcome in {"not_found", "not_cancelable"}:
            raise await self._too_late(found, "not_cancelable")
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            raise refusal(reply)

    async def cancel_all(self, account_id: str) -> list[Order]:
        """Cancel all open orders that Alpaca knows; the orders, as they were canceled."""
        command = {"account_id": account_id, "request_id": str(uuid4())}
        reply = await self._exchange.ask("cancel_all", command)
        told = msgspec.json.decode(reply.body)
        natives = [item["order"] for item in told["items"]]
        if told["remaining"]:  # the exchange goes on canceling these by itself
            left = await asyncio.to_thread(
                self._spans.orders, account_id, Span(), status="open", limit=told["remaining"]
            )
            seen = {native["id"] for native in natives}
            natives += [native for native in left if native["id"] not in seen]
        return await self.shown_all(natives)

    async def replace(
        self, seat: Seat, found: Found, change: Native, client_order_id: str | None
    ) -> Order:
        """Change an open order, which goes on under a new id; raises `Problem`."""
        if found.is_old and client_order_id is not None:
            following = found.replacements[found.number]
            if following.client_order_id == client_order_id:  # the same request once more
                return await self.shown(found.native)
        _check_current(found, "not_replaceable")
        account_id = seat.account_id
        sent = await self._begin(account_id, found, change, client_order_id)
        command = {
            "account_id": account_id,
            "order_id": sent.order_id,
            "request_id": sent.client_order_id,
            **change,
        }
        try:
            reply = await self._entry.replace(seat.caller, command)
        except (NotAccepted, Problem):
            await asyncio.to_thread(self._replacements.drop, sent)
            raise
        if STATUS_OF_OUTCOME.get(reply.outcome, 500) >= 400:
            await asyncio.to_thread(self._replacements.drop, sent)
            if reply.outcome == "not_found":
                raise await self._too_late(found, "not_replaceable")
            raise refusal(reply)
        native = msgspec.json.decode(reply.body)
        at_ns = parse_time(native["updated_at"])
        await asyncio.to_thread(self._replacements.done, sent, at_ns)
        return await self.shown(native)

    async def _begin(
        self, account_id: str, found: Found, change: Native, client_order_id: str | None
    ) -> Replacement:
        """Note the replacement; one at a time, under a client id that nobody has."""
        native = found.native
        given = client_order_id or str(uuid4())
        before = await self.shown(native)
        since = found.version.since_ns if found.version else None

        def begin() -> Replacement:
            if client_order_id is not None and self._reads.order_by_client_id(account_id, given):
                raise _id_taken(given)
            self._drop_forgotten(native)
            return self._replacements.begin(
                account_id=account_id,
                order_id=native["id"],
                number=len(found.replacements) + 1,
                client_order_id=given,
                change=change,
                before=before,
                submitted_ns=since or parse_time(native["created_at"]),
            )

        try:
            return await asyncio.to_thread(begin)
        except AlreadyReplacingError as error:
            raise Problem(
                422,
                "not_replaceable",
                "another replacement of this order is under way, or client_order_id is taken; "
                "look at the order and try again",
            ) from error

    async def _too_late(self, found: Found, reason: str) -> Problem:
        """The order has ended, maybe a moment ago."""
        native = await asyncio.to_thread(self._reads.order, found.native["id"]) or found.native
        return Problem(422, reason, f'order is already in "{native["status"]}" state')

    def _drop_forgotten(self, native: Native) -> None:
        """A replacement whose outcome was unknown and that has not come stands in nobody's way."""
        rows = self._replacements.of_orders([native["id"]]).get(native["id"], [])
        if rows and rows[-1].state == "sent" and rows[-1].is_forgotten(IN_DOUBT_NS):
            self._replacements.drop(rows[-1])

    async def just_replaced(self, native: Native) -> Replacement | None:
        """The replacement that an order has just come out of; None when it kept its id.

        The exchange has told of it, so it is done, also when whoever sent it does not know yet.
        """
        return await asyncio.to_thread(self._just_replaced, native)

    def _just_replaced(self, native: Native) -> Replacement | None:
        rows = self._replacements.of_orders([native["id"]]).get(native["id"], [])
        at_ns = parse_time(native["updated_at"])
        if not rows:
            return None
        newest = rows[-1]
        if newest.state == "sent" and _has_terms(native, newest.change):
            self._replacements.done(newest, at_ns)
            return replace(newest, state="done", replaced_ns=at_ns)
        return newest if newest.replaced_ns == at_ns else None

    # --- looking ---------------------------------------------------------------------------------

    async def find(self, account_id: str, order_id: str) -> Found:
        """The order of an id, also of one that it had before; raises `Problem` 404."""
        found = await asyncio.to_thread(self._find, account_id, order_id.lower())
        if found is None or not await self._has_words(found.native):
            raise not_found(f"order: {order_id[:100]}")
        return found

    async def find_by_client_id(self, account_id: str, client_order_id: str) -> Found:
        """The order that was sent, or went on, under a client id; raises `Problem` 404."""

        def find() -> Found | None:
            row = self._replacements.by_client_id(account_id, client_order_id)
            if row is not None:
                return self._find(account_id, row.alpaca_id)
            native = self._reads.order_by_client_id(account_id, client_order_id)
            return None if native is None else self._find(account_id, native["id"])

        found = await asyncio.to_thread(find)
        if found is None or not await self._has_words(found.native):
            raise not_found(f"order: {client_order_id[:128]}")
        return found

    def _find(self, account_id: str, order_id: str) -> Found | None:
        native_id = self._replacements.native_id(account_id, order_id) or order_id
        native = self._reads.order(native_id)
        if native is None or native["account_id"] != account_id:
            return None
        rows = standing(self._replacements.of_orders([native_id]).get(native_id, ()), native)
        ids = [native_id, *(row.alpaca_id for row in rows)]
        return Found(native, rows, ids.index(order_id)) if order_id in ids else None

    async def _has_words(self, native: Native) -> bool:
        if not is_shown(native):
            return False
        return _is_parent(native) or await self._assets.find(native["symbol"]) is not None

    async def show(self, found: Found, *, nested: bool = False) -> Order:
        """The version that was asked for."""
        if found.is_old:
            return found.replacements[found.number].old_order()
        return await self.shown(found.native, nested=nested)

    async def shown(self, native: Native, *, nested: bool = False) -> Order:
        """A native order as it goes now; raises `Problem` 404 for what Alpaca has no word for."""
        orders = await self.shown_all([native], nested=nested)
        if not orders:
            raise not_found(f"order: {native['id']}")
        return orders[0]

    async def shown_all(self, natives: Sequence[Native], *, nested: bool = False) -> list[Order]:
        """Native orders as they go now, in the same order, without those that are hidden.

        Legs stand in their parents where that is asked for, those of multi-leg orders always.
        """
        members = await asyncio.to_thread(self._members, natives)
        return await self._joined(natives, members, nested=nested)

    async def _joined(
        self, natives: Sequence[Native], members: "_Members", *, nested: bool
    ) -> list[Order]:
        assets = await self._assets_of(chain(natives, members.natives.values()))
        return [
            _with_legs(native, members, assets, nested=nested)
            for native in natives
            if is_shown(native) and (_is_parent(native) or native["symbol"] in assets)
        ]

    def _members(self, natives: Sequence[Native]) -> "_Members":
        """The legs of orders, and the replacements of all of them."""
        legs = self._spans.orders_of({leg for native in natives for leg in native.get("legs", ())})
        ids = {native["id"]: native["account_id"] for native in chain(natives, legs.values())}
        accounts = {one for one in {*ids.values()} if self._replacements.has_any(one)}
        mine = [order_id for order_id, account_id in ids.items() if account_id in accounts]
        return _Members(legs, self._replacements.of_orders(mine))

    async def _assets_of(self, natives: Iterable[Native]) -> dict[str, Asset]:
        symbols = {native["symbol"] for native in natives}
        found = {symbol: await self._assets.find(symbol) for symbol in symbols}
        return {symbol: asset for symbol, asset in found.items() if asset is not None}

    async def listed(self, account_id: str, listing: Listing) -> list[Order]:
        """Orders by the time of their submission."""
        natives, old, members = await asyncio.to_thread(self._listed, account_id, listing)
        orders = await self._joined(natives, members, nested=listing.nested)
        orders += [replacement.old_order() for replacement in old]
        kept = [order for order in orders if _within(order, listing.span)]
        kept.sort(key=itemgetter("submitted_at"), reverse=listing.newest_first)
        return kept[: listing.limit]

    def _listed(
        self, account_id: str, listing: Listing
    ) -> tuple[list[Native], Sequence[Replacement], "_Members"]:
        """The native orders and the replaced ones that may be in a list, and what belongs there."""
        has_replaced = self._replacements.has_any(account_id)
        natives = self._in_span(account_id, listing, are_plain=not has_replaced)
        old: Sequence[Replacement] = ()
        if has_replaced:
            natives += self._that_went_on(account_id, listing, natives)
            old = self._old(account_id, listing)
        natives = self._rolled_up(natives, nested=listing.nested)
        return natives, old, self._members(natives)

    def _in_span(self, account_id: str, listing: Listing, *, are_plain: bool) -> list[Native]:
        """Enough native orders for a list; of plain ones each is an order of the list."""
        if are_plain:
            natives = self._orders(account_id, listing, listing.limit)
            if len(natives) < listing.limit or all(self._is_plain(one) for one in natives):
                return natives
        return self._orders(account_id, listing, listing.limit * GROUP_MAX)

    def _orders(self, account_id: str, listing: Listing, limit: int) -> list[Native]:
        return self._spans.orders(
            account_id,
            listing.span,
            status=listing.status,
            symbols=listing.symbols,
            side=listing.side,
            newest_first=listing.newest_first,
            limit=limit,
        )

    def _is_plain(self, native: Native) -> bool:
        """Whether it is shown, and is no part of another."""
        return (
            native.get("parent_id") is None
            and is_shown(native)
            and self._assets.known(native["symbol"]) is not None
        )

    def _that_went_on(
        self, account_id: str, listing: Listing, natives: Sequence[Native]
    ) -> list[Native]:
        """Older orders that came into the list by a replacement."""
        span = listing.span
        went_on = self._replacements.went_on(
            account_id, after_ns=span.after_ns, before_ns=span.before_ns, limit=listing.limit
        )
        seen = {native["id"] for native in natives}
        more = self._spans.orders_of([one for one in went_on if one not in seen]).values()
        return [native for native in more if _matches(native, listing)]

    def _old(self, account_id: str, listing: Listing) -> Sequence[Replacement]:
        """The orders that were replaced, in a list that has ended ones."""
        if listing.status == "open":
            return ()
        return self._replacements.old_orders(
            account_id,
            after_ns=listing.span.after_ns,
            before_ns=listing.span.before_ns,
            symbols=listing.symbols,
            side=listing.side,
            newest_first=listing.newest_first,
            limit=listing.limit,
        )

    def _rolled_up(self, natives: list[Native], *, nested: bool) -> list[Native]:
        """Without the legs that stand in their parents; with those parents."""
        parents = self._spans.orders_of({n["parent_id"] for n in natives if n.get("parent_id")})
        inside = {
            native["id"]
            for native in natives
            if native.get("parent_id") in parents
            and (nested or _is_parent(parents[native["parent_id"]]))
        }
        wanted = {native["parent_id"] for native in natives if native["id"] in inside}
        seen = {native["id"] for native in natives}
        kept = [native for native in natives if native["id"] not in inside]
        return kept + [parents[one] for one in wanted if one not in seen]


@dataclass(frozen=True, slots=True)
class _Members:
    """Legs by their ids, replacements by native ids."""

    natives: Mapping[str, Native]
    replacements: Mapping[str, Sequence[Replacement]]

    def version(self, native: Native) -> Version | None:
        rows = standing(self.replacements.get(native["id"], ()), native)
        return rows[-1].version() if rows else None


def standing(rows: Sequence[Replacement], native: Native) -> Sequence[Replacement]:
    """The replacements that the exchange has made.

    Of one whose outcome nobody knows the order itself tells: it has the new terms or it has not.
    """
    if not rows or rows[-1].state == "done" or _has_terms(native, rows[-1].change):
        return rows
    return rows[:-1]


def _has_terms(native: Native, change: Mapping[str, Any]) -> bool:
    return all(_same(native.get(name), value) for name, value in change.items())


def _same(has: Any, wanted: str) -> bool:
    if has is None or wanted.isalpha():
        return bool(has == wanted)
    return Decimal(has) == Decimal(wanted)


def _with_legs(
    native: Native, members: _Members, assets: Mapping[str, Asset], *, nested: bool
) -> Order:
    is_parent = _is_parent(native)
    legs: list[Order] = []
    if nested or is_parent:
        parts = [members.natives[one] for one in native.get("legs", ()) if one in members.natives]
        legs = [order_of(part, assets.get(part["symbol"]), members.version(part)) for part in parts]
    if is_parent:
        ratios = {term["symbol"]: term.get("ratio_qty", "1") for term in native["leg_terms"]}
        legs = [leg | {"ratio_qty": ratios.get(leg["symbol"])} for leg in legs]
    return order_of(native, assets.get(native["symbol"]), members.version(native), legs)


def _is_parent(native: Native) -> bool:
    """Whether it is a multi-leg order, which has no symbol of its own."""
    return native.get("order_class") == "mleg" and native.get("parent_id") is None


def _matches(native: Native, listing: Listing) -> bool:
    is_open = native["status"] in OPEN_STATUSES
    return (
        (listing.status == "all" or is_open == (listing.status == "open"))
        and (not listing.symbols or native["symbol"] in listing.symbols)
        and listing.side in {None, native["side"]}
    )


def _within(order: Order, span: Span) -> bool:
    at_ns = parse_time(order["submitted_at"])
    return (span.after_ns is None or at_ns > span.after_ns) and (
        span.before_ns is None or at_ns < span.before_ns
    )


def _check_current(found: Found, reason: str) -> None:
    if found.is_old:
        by = found.replacements[found.number].alpaca_id
        raise Problem(422, reason, f'the order is in state "replaced"; it goes on as {by}')


def _id_taken(client_order_id: str) -> Problem:
    return Problem(
        422,
        "id_reused",
        f"{client_order_id} stands for another order; send a new order with a new id",
    )
