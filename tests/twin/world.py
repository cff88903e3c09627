"""The door of the twin: one command in, one reply out, and perhaps a turn.

Written for clarity, from the documents, to be held against the compiled core. It keeps one world
as plain objects, looks for things by looking through all of them, and counts in whole numbers.
It does not make snapshots, state hashes or rows.
"""

import json
from typing import Any

from twin import (
    accruals,
    clock,
    commands,
    contracts,
    corporate,
    exercise,
    listing,
    orders,
    outside,
    payments,
    replies,
    sessions,
    trades,
)
from twin.clock_work import next_due
from twin.ids import format_time
from twin.sessions import link
from twin.state import Account, Exchange, Instrument, Market, Refused, World, malformed
from twin.trading import let_arrive

Reply = tuple[str, Any]
Turn = tuple[int, int, int, str]
TIME_MAX_NS = 9_006_000_000_000_000_000
STATE_HASH = "the hash of the state"


class Twin:
    """A world that speaks the language of `papertape.engine.World`."""

    def __init__(self, name: str) -> None:
        self.world = World(name)

    @property
    def more_due(self) -> bool:
        """Whether due work is left for another `time`."""
        world = self.world
        due = next_due(world) or corporate.due(world) or contracts.due(world)
        due = due or world.arrivals
        return bool(due or world.crossings or world.unfinished or accruals.is_due(world))

    def restart(self) -> None:
        """Stops and starts again: only what is durable is left, and nothing is fresh."""
        world = self.world
        world.unfinished.clear()
        world.arrivals.clear()
        world.trails_ns = 0
        world.now_ns, world.market_seq = world.turn_ns, world.turn_market_seq
        for instrument in world.instruments:
            instrument.market = Market()
        for order in sorted(world.open, key=lambda order: order.priority):
            link(world, order)

    def apply(self, time_ns: int, command: bytes) -> tuple[Reply | None, Turn | None]:
        """Does one command at a time that never goes back."""
        world = self.world
        world.events, world.prints = [], []
        try:
            kind, members = commands.decode(world, command)
        except Refused as refused:
            return self.refusal(refused), None
        world.now_ns = max(world.now_ns, min(max(time_ns, 0), TIME_MAX_NS))
        world.is_market_input = kind in commands.MARKET_INPUTS
        try:
            reply = self.perform(kind, members)
        except Refused as refused:
            self.end_turn(kind)
            reply = self.refusal(refused)
        self.end_turn(kind)
        world.market_seq += world.is_market_input
        return reply, self.turn(kind)

    def end_turn(self, kind: str) -> None:
        """What a command brought to life meets the market at last; questions change nothing."""
        if kind not in commands.QUESTIONS:
            let_arrive(self.world)

    def turn(self, kind: str) -> Turn | None:
        """The turn that the events make, as the tape keeps it."""
        world = self.world
        if not world.events:
            return None
        kind = "corporate_action" if kind in CORPORATE else kind
        body = {"v": 1, "kind": kind, "events": world.events}
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return world.seq, world.turn_ns, world.turn_market_seq, text

    def perform(self, kind: str, members: dict[str, Any]) -> Reply | None:
        """Answers a question, or does what the command asks for."""
        world = self.world
        if kind in commands.QUESTIONS:
            return "ok", self.answer(kind, members)
        if world.created is None and kind != "create_world":
            raise malformed()
        clock.end_days(world)
        corporate.work_off(world)
        clock.pass_dates(world)
        let_arrive(world)
        if kind in SILENT:
            SILENT[kind](world, **members)
            return None
        if kind == "checkpoint":
            world.emit("checkpoint", state_hash=STATE_HASH)
            return "ok", self.world_object()
        return self.create_or_order(kind, members)

    def create_or_order(self, kind: str, members: dict[str, Any]) -> Reply:
        """Commands with a reply: the outcome, and how the thing that they are about is shown."""
        world = self.world
        if kind == "create_world":
            return listing.create_world(world, **members), self.world_object()
        if kind == "set_rate":
            return payments.set_rate(world, **members), self.world_object()
        if kind in CORPORATE:
            return CORPORATE[kind](world, **members), self.world_object()
        if kind in {"halt", "resume"}:
            does = sessions.halt if kind == "halt" else clock.resume
            return does(world, **members), self.shown(members["scope"])
        if kind == "cancel_all":
            outcome, (canceled, remaining) = orders.cancel_all(world, **members)
            let_arrive(world)
            items = [self.canceled_item(number) for number in canceled]
            return outcome, {"items": items, "remaining": remaining}
        outcome, thing = MAKERS[kind](world, **members)
        let_arrive(world)
        return outcome, self.shown(thing)

    def shown(self, thing: Any) -> Any:
        """A thing as a reply shows it: an order by its number."""
        if isinstance(thing, Exchange):
            return replies.exchange_object(thing)
        if isinstance(thing, Instrument):
            return replies.instrument_object(self.world, thing)
        if isinstance(thing, Account):
            return replies.account_at_marks(self.world, thing)
        return replies.order_object(self.world, thing)

    def canceled_item(self, number: int) -> dict[str, Any]:
        """One order of a cancel-all."""
        order = replies.order_object(self.world, number)
        return {"id": orders.order_id(self.world, number), "status": 200, "order": order}

    def answer(self, kind: str, members: dict[str, Any]) -> Any:
        """The answer to a question."""
        world = self.world
        if kind == "value":
            return replies.value(world, **members)
        if kind == "book":
            return replies.book_object(world, **members)
        if kind == "preview":
            return replies.preview(world, **members)
        if kind == "instruments":
            listed = sorted(world.instruments, key=lambda one: one.symbol.encode())
            return {"items": [replies.instrument_object(world, one) for one in listed]}
        listed = sorted(world.exchanges, key=lambda one: one.id.encode())
        return {"items": [replies.exchange_object(one) for one in listed]}

    def world_object(self) -> dict[str, Any]:
        """The world as a reply shows it."""
        return {"world": self.world.name, "as_of_seq": self.world.seq}

    def refusal(self, refused: Refused) -> Reply:
        """The reply that a refusal makes; its sentence for people is left out."""
        body: dict[str, Any] = {"reason": refused.reason}
        for name in ("field", "value", "limit"):
            if getattr(refused, name) is not None:
                body[name] = getattr(refused, name)
        if refused.next_open_ns:
            body["next_open"] = format_time(refused.next_open_ns)
        if refused.order is not None:
            body["order_id"] = orders.order_id(self.world, refused.order)
            body["order"] = replies.order_object(self.world, refused.order)
        return refused.outcome, body


CORPORATE = {
    "corporate_action": corporate.announce,
    "call_off_corporate_action": corporate.call_off,
}
MAKERS = {
    "list_exchange": listing.list_exchange,
    "list_instrument": listing.list_instrument,
    "open_account": listing.open_account,
    "set_fees": listing.set_fees,
    "settle": contracts.settle,
    "funding": contracts.funding,
    "exercise": exercise.exercise,
    "do_not_exercise": exercise.do_not_exercise,
    "submit": orders.submit,
    "replace": orders.replace,
    "cancel": orders.cancel_order,
    "set_margin": payments.set_margin,
    "set_settlement": payments.set_settlement,
    **dict.fromkeys(payments.LEDGER_KINDS, payments.pay),
    "convert": payments.convert,
    "reset": payments.reset,
    "record_trade": trades.record,
    "bust_trade": trades.bust,
    "correct_trade": trades.correct,
}
SILENT = {
    "quote": outside.street_moves,
    "depth": outside.street_moves,
    "trade": outside.trade_print,
    "bar": outside.bar,
    "agent_order": outside.agent_order,
    "agent_cancel": outside.agent_cancel,
    "time": clock.time,
    "session": clock.session,
}
