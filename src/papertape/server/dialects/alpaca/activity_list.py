"""The list of activities, a page at a time: fills and ledger lines, sorted together by their ids.

An id begins with the millisecond, so a page never begins or ends inside of what was read of one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from papertape.domain.time_text import parse_time
from papertape.server.dialects.alpaca import activities
from papertape.server.dialects.alpaca.replacements import Replacements
from papertape.server.problems import malformed
from papertape.storage.rows import Item
from papertape.storage.spans import Span, Spans

MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page is asked for; `token` is the id behind which it begins."""

    types: frozenset[str]
    span: Span
    newest_first: bool
    page_size: int
    token: str | None = None


class ActivityList:
    """Reads pages of the activities of an account."""

    def __init__(self, spans: Spans, replacements: Replacements) -> None:
        self._spans = spans
        self._replacements = replacements

    async def page(self, account_id: str, wanted: Wanted) -> list[dict[str, Any]]:
        """One page; raises `Problem` 422 for a token that is none."""
        try:
            span = _behind(wanted)
        except ValueError as error:
            raise malformed(
                f"page_token: {error}", field="page_token", value=wanted.token
            ) from error
        return await asyncio.to_thread(self._page, account_id, replace(wanted, span=span))

    def _page(self, account_id: str, wanted: Wanted) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if "FILL" in wanted.types:
            fills = _whole_milliseconds(
                lambda span, limit: self._spans.fills(
                    account_id, span, newest_first=wanted.newest_first, limit=limit
                ),
                wanted,
            )
            found += self._fill_activities(account_id, fills)
        kinds = activities.kinds_of(wanted.types)
        if kinds:
            lines = _whole_milliseconds(
                lambda span, limit: self._spans.ledger(
                    account_id, span, kinds=kinds, newest_first=wanted.newest_first, limit=limit
                ),
                wanted,
            )
            found += [activities.cash_activity(line) for line in lines]
        found.sort(key=lambda one: str(one["id"]), reverse=wanted.newest_first)
        return [one for one in found if _is_behind(one["id"], wanted)][: wanted.page_size]

    def _fill_activities(self, account_id: str, fills: Sequence[Item]) -> list[dict[str, Any]]:
        order_ids = {fill["order_id"] for fill in fills}
        orders = self._spans.orders_of(order_ids)
        reached = activities.cumulative_of(self._spans.fills_of(account_id, order_ids))
        rows = self._replacements.of_orders(order_ids)
        shown = []
        for fill in fills:
            order = orders[fill["order_id"]]
            at_ns = parse_time(fill["time"])
            known = order["id"]
            for row in rows.get(order["id"], ()):
                if row.state == "done" and row.replaced_ns <= at_ns:
                    known = row.alpaca_id
            shown.append(activities.fill_activity(fill, order, reached[fill["id"]], known))
        return shown


def _behind(wanted: Wanted) -> Span:
    """The span that is left behind the token, its own millisecond included."""
    if wanted.token is None:
        return wanted.span
    at_ns = activities.millisecond_of(wanted.token)
    if wanted.newest_first:
        return replace(wanted.span, before_ns=at_ns + MILLISECOND_NS)
    return replace(wanted.span, after_ns=at_ns - 1)


def _whole_milliseconds(
    read: Callable[[Span, int | None], list[Item]], wanted: Wanted
) -> list[Item]:
    """More than a page, up to the end of a millisecond: within one, ids are not in order of time.

    The millisecond of the token is read whole, since a page may have ended inside it.
    """
    span = wanted.span
    found: list[Item] = []
    if wanted.token is not None:
        at_ns = activities.millisecond_of(wanted.token)
        found = read(Span(at_ns - 1, at_ns + MILLISECOND_NS), None)
        if wanted.newest_first:
            span = replace(span, before_ns=at_ns)
        else:
            span = replace(span, after_ns=at_ns + MILLISECOND_NS - 1)
    further = read(span, wanted.page_size + 1)
    if len(further) > wanted.page_size:
        last_ns = parse_time(further[-1]["time"])
        last_ns -= last_ns % MILLISECOND_NS
        rest = read(Span(last_ns - 1, last_ns + MILLISECOND_NS), None)
        further = [
            item
            for item in further
            if parse_time(item["time"]) // MILLISECOND_NS != last_ns // MILLISECOND_NS
        ] + rest
    return found + further


def _is_behind(identifier: str, wanted: Wanted) -> bool:
    if wanted.token is None:
        return True
    return identifier < wanted.token if wanted.newest_first else identifier > wanted.token
