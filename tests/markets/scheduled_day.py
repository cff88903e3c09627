"""Days of a world with hours: the source acts as the floor lets it, a user sends orders."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from papertape.engine import Outcome, World
from papertape.markets.scheduled import ScheduledMarket, SessionsOf, sessions_of_calendar
from papertape.markets.simulated import SimulatedSource

ALICE = str(uuid.UUID(int=0xA11CE))
SECOND_NS = 10**9
SLICES_MAX = 8
LATE_S = 3_600
"""Steps of the night: the house skips what is later than half a minute, so nights are quick."""


def ns(text: str) -> int:
    """The nanoseconds of a time such as 2026-01-05 14:30 (UTC)."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND_NS + moment.microsecond * 1_000


def text(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%Y-%m-%d %H:%M:%S}"


class Day:
    """A world whose clock is moved by hand; `until` walks in steps, `leap` in hours."""

    def __init__(
        self, start: str, step_s: float = 20, sessions_of: SessionsOf = sessions_of_calendar
    ) -> None:
        self.world = World("main")
        self.now_ns = ns(start)
        self.turns: list[tuple[int, int, int, str]] = []
        self.prints: list[tuple[str, int, str, str, str]] = []
        self._ids: dict[str, str] = {}
        self._orders: dict[str, dict[str, Any]] = {}
        self._step_ns = int(step_s * SECOND_NS)
        self.source = ScheduledMarket(SimulatedSource(seed=5), sessions_of)
        self.source.resume(0, self.now_ns, None)
        self._apply(*self.source.listing(), _account())
        self._act()

    def restart(self, at: str, sessions_of: SessionsOf = sessions_of_calendar) -> None:
        """Stop, and start at a later time as the floor does: durable state, saved market."""
        state = self.source.state()
        self.world, self.now_ns = World.restore(self.world.snapshot()), ns(at)
        self.source = ScheduledMarket(SimulatedSource(seed=5), sessions_of)
        self.source.resume(self.world.market_seq, self.now_ns, state)
        self._apply(*self.source.listing(), b'{"kind":"time"}')
        self._act()

    def until(self, at: str) -> None:
        while self.now_ns < ns(at):
            self.now_ns = min(self.now_ns + self._step_ns, ns(at))
            self._act()
            self._apply(b'{"kind":"time"}')

    def leap(self, at: str) -> None:
        step_ns, self._step_ns = self._step_ns, LATE_S * SECOND_NS
        self.until(at)
        self._step_ns = step_ns

    def submit(self, name: str, **terms: Any) -> tuple[str, dict[str, Any]]:
        limit = {"limit_price": terms["limit_price"]} if "limit_price" in terms else {}
        order = {
            "account_id": ALICE,
            "client_order_id": name,
            "symbol": "AAPL",
            "side": "buy",
            "type": "limit" if limit else "market",
            "qty": "10",
            "time_in_force": "day",
        }
        outcome, data = self.ask("submit", **(order | terms))
        body: dict[str, Any] = json.loads(data)
        self._ids[name] = body.get("id") or body["order_id"]
        return outcome, body

    def order(self, name: str) -> dict[str, Any]:
        """An order as its owner saw it last."""
        return self._orders[self._ids[name]]

    def ask(self, kind: str, **fields: object) -> tuple[str, bytes]:
        (reply,) = self._apply(json.dumps({"kind": kind, **fields}).encode()).replies
        assert reply is not None
        return reply

    def book(self, symbol: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.world.book(symbol, 50))
        return shown

    def mid(self, symbol: str) -> float:
        shown = self.book(symbol)
        return (float(shown["bids"][0][0]) + float(shown["asks"][0][0])) / 2

    def open_exchanges(self) -> dict[str, bool]:
        sessions = self.world.sessions()
        return {exchange: state == "open" for exchange, (state, _) in sessions.items()}

    def changes(self, exchange: str) -> list[tuple[str, str, str]]:
        """(when, state, announced next change) of an exchange, as on the tape."""
        return [
            (text(time_ns), event["state"], text(event["next_ns"]))
            for _, time_ns, _, body in self.turns
            for event in json.loads(body)["events"]
            if event["e"] == "session_changed" and event["exchange"] == exchange
        ]

    def rebuilt(self) -> World:
        twin = World("main")
        twin.evolve(self.turns)
        return twin

    def _act(self) -> None:
        """Let the source act as the floor's loop does."""
        for _ in range(SLICES_MAX):
            due_ns = self.source.next_due_ns
            if due_ns is None or due_ns > self.now_ns:
                return
            made = self.source.act(self.world, self.now_ns)
            self._keep(made if isinstance(made, Outcome) else self.world.apply(made))

    def _apply(self, *commands: bytes) -> Outcome:
        return self._keep(self.world.apply([(self.now_ns, command) for command in commands]))

    def _keep(self, outcome: Outcome) -> Outcome:
        self.turns += outcome.turns
        self.prints += outcome.prints
        for _, _, channel, _, data in outcome.messages:
            if channel == "orders":
                order = json.loads(data)
                self._orders[order["id"]] = order
        return outcome


def _account() -> bytes:
    account = {
        "kind": "open_account",
        "account_id": ALICE,
        "owner": "alice",
        "account_kind": "cash",
        "currency": "USD",
        "starting_cash": "1000000.00",
        "request_id": "open",
    }
    return json.dumps(account).encode()
