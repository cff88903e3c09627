"""Equity curves of accounts, read from the ledger and the points that the exchange writes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from papertape.domain.time_text import MINUTE_NS, parse_time, time_text
from papertape.server.dialects.alpaca import activities, portfolio
from papertape.storage.spans import Span, Spans

Point = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a history is to show; `flows` are types of activities."""

    timeframe: str
    per_day: bool
    flows: tuple[str, ...]


class Curves:
    """The equity of accounts over time."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    async def last_equity(self, account_id: str, began_ns: int) -> str | None:
        """The equity before a day; for an account of that day, what it began with."""

        def find() -> str | None:
            before = self._spans.equity_before(account_id, began_ns)
            point = before or self._opening(account_id)
            return None if point is None else str(point["equity"])

        return await asyncio.to_thread(find)

    async def opened_ns(self, account_id: str) -> int | None:
        """When the account got its first money."""
        opening = await asyncio.to_thread(self._opening, account_id)
        return None if opening is None else parse_time(opening["time"])

    async def history(
        self, account_id: str, windows: Sequence[portfolio.Window], asked: Asked
    ) -> dict[str, Any]:
        """The object of the wire."""
        return await asyncio.to_thread(self._history, account_id, windows, asked)

    def _opening(self, account_id: str) -> Point | None:
        """The first point of the curve, which the exchange does not write: the first money.

        Its own points begin when equity changes for the first time.
        """
        lines = self._spans.ledger(
            account_id, Span(), kinds=["deposit"], newest_first=False, limit=1
        )
        if not lines:
            return None
        at_ns = parse_time(lines[0]["time"])
        return {"time": time_text(at_ns - at_ns % MINUTE_NS), "equity": lines[0]["amount"]}

    def _history(
        self, account_id: str, windows: Sequence[portfolio.Window], asked: Asked
    ) -> dict[str, Any]:
        timeframe = asked.timeframe
        if not windows:
            return portfolio.history_of([], None, [], timeframe, per_day=False)
        span = Span(windows[0].start_ns - 1, windows[-1].end_ns)
        before = self._spans.equity_before(account_id, windows[0].start_ns)
        curve = self._spans.equity(account_id, span)
        opening = None if before else self._opening(account_id)
        if opening is not None:
            curve = [opening, *curve]
        per_day = asked.per_day and timeframe != "1D"
        history = portfolio.history_of(windows, before, curve, timeframe, per_day=per_day)
        shown = windows[len(windows) - len(history["timestamp"]) :]
        flows = self._flows(account_id, span, asked.flows)
        return history | {"cashflow": portfolio.cashflow_of(shown, flows)}

    def _flows(
        self, account_id: str, span: Span, types: Sequence[str]
    ) -> list[tuple[str, int, Decimal]]:
        """Type, time and amount of what moved money."""
        kinds = activities.kinds_of(types)
        lines = self._spans.ledger(account_id, span, kinds=kinds) if kinds else []
        return [
            (
                activities.TYPE_OF_KIND[line["kind"]],
                parse_time(line["time"]),
                Decimal(line["amount"]),
            )
            for line in lines
        ]
