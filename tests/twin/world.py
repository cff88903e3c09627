"""The door of the twin: one command in, one reply out, and perhaps a turn.

Written for clarity, from the documents, to be held against the compiled core. It keeps one world
as plain objects, looks for things by looking through all of them, and counts in whole numbers.
It does not make snapshots, state hashes or rows.
"""

import json
from typing import Any

from twin import (
    accruals,
    arrivals,
    bars,
    clock,
    combo_rest,
    commands,
    contracts,
    corporate,
    exercise,
    listing,
    orders,
    outside,
    payments,
    replies,
    risk,
    risk_work,
    rules,
    sessions,
    together,
    trades,
    usage,
)
from twin.clock_work import next_due
from twin.market import Market
from twin.sessions import link
from twin.state import Refused, World, malformed
from twin.trading import let_arrive
from twin.watch import prices_moved

Reply = tuple[str, Any]
Done = tuple[str, Any]
"""How a command ended, and what its reply is to show."""
Turn = tuple[int, int, int, str]
TIME_MAX_NS = 9_006_000_000_000_000_000
STATE_HASH = "the hash of the state"


class Twin:
    """A world that speaks the language of `papertape.engine.World`."""

    def __init__(self, name: str) -> None:
        self.world = World(name)
        self.world.on_prices = prices_moved

    @property
    def more_due(self) -> bool:
        """Whether due work is left for another `time`."""
        world = self.world
        due = next_due(world) or corporate.due(world) or contracts.due(world)
        left = world.crossings or world.unfinished or accruals.is_due(world)
        due = due or world.arrivals or arrivals.next_arrival(world) or combo_rest.are_due(world)
        return bool(due or left or risk_work.is_left(world))

    def restart(self) -> None:
        """Stops and starts again: only what is durable is left, and nothing is fresh."""
        world = self.world
        world.unfinished.clear()
        world.arrivals.clear()
        world.trails_ns = 0
        world.now_ns, world.market_seq = world.turn_ns, world.turn_market_seq
        for instrument in world.instruments:
            instrument.market = Market()
        for exchange in world.exchanges:
            exchange.opened_ns = None
        for order in sorted(world.open, key=lambda order: order.priority):
            order.ahead = order.stood_behind = None
            link(world, order)
        for instrument in world.instruments:
            instrument.market.round = None
        if world.risk is not None:
            world.risk.forget_market(world)

    def apply(self, time_ns: int, command: bytes) -> tuple[Reply | None, Turn | None]:
        """Does one command at a time that never goes back."""
        world = self.world
        world.events, world.prints = [], []
        try:
            kind, members = commands.decode(world, command)
        except Refused as refused:
            return (refused.outcome, replies.refusal(world, refused)), None
        world.now_ns = max(world.now_ns, min(max(time_ns, 0), TIME_MAX_NS))
        world.is_market_input = kind in commands.MARKET_INPUTS
        try:
            done = self.perform(kind, members)
        except Refused as why:
            done = why.outcome, why
        self.end_turn(kind)
        world.market_seq += world.is_market_input
        # What a reply shows is as it stands when all is done.
        reply = None if done is None else (done[0], replies.show_thing(world, done[1]))
        return reply, self.turn(kind)

    def end_turn(self, kind: str) -> None:
        """What a command brought to life meets the market, then risk looks at everybody."""
        if kind not in commands.QUESTIONS:
            together.settle_down(self.world)

    def turn(self, kind: str) -> Turn | None:
        """The turn that the events make, as the tape keeps it."""
        world = self.world
        if not world.events:
            return None
        kind = "corporate_action" if kind in CORPORATE else kind
        body = {"v": 1, "kind": kind, "events": world.events}
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return world.seq, world.turn_ns, world.turn_market_seq, text

    def perform(self, kind: str, members: dict[str, Any]) -> Done | None:
        """Answers a question, or does what the command asks for."""
        world = self.world
        if kind in commands.QUESTIONS:
            return "ok", ANSWERS[kind](world, **members)
        if world.created is None and kind != "create_world":
            raise malformed()
        clock.end_days(world)
        arrivals.release_arrivals(world)
        risk_work.begin_day(world)
        corporate.work_off(world)
        clock.pass_dates(world)
        let_arrive(world)
        if kind in SILENT:
            SILENT[kind](world, **members)
            return None
        if kind == "checkpoint":
            world.emit("checkpoint", state_hash=STATE_HASH)
            return "ok", world
        return self.create_or_order(kind, members)

    def create_or_order(self, kind: str, members: dict[str, Any]) -> Done:
        """Commands with a reply: the outcome, and the thing that they are about."""
        world = self.world
        if kind == "create_world":
            return listing.create_world(world, **members), world
        if kind == "set_rate":
            return payments.set_rate(world, **members), world
        if kind in CORPORATE:
            return CORPORATE[kind](world, **members), world
        if kind in {"halt", "resume"}:
            does = sessions.halt if kind == "halt" else clock.resume
            return does(world, **members), members["scope"]
        return MAKERS[kind](world, **members)


CORPORATE = {
    "corporate_action": corporate.announce,
    "call_off_corporate_action": corporate.call_off,
}
ANSWERS = {
    "value": replies.value,
    "book": replies.book_object,
    "preview": replies.preview,
    "instruments": replies.instruments,
    "exchanges": replies.exchanges,
    "policy": risk.show_policy,
    "risk": risk.show_standing,
    "usage": usage.show_usage,
    "rules": rules.show_rules,
    "presets": rules.show_presets,
}
MAKERS = {
    "list_exchange": listing.list_exchange,
    "list_instrument": listing.list_instrument,
    "open_account": listing.open_account,
    "set_fees": listing.set_rules,
    "set_profile": listing.set_rules,
    "settle": contracts.settle,
    "funding": contracts.funding,
    "exercise": exercise.exercise,
    "do_not_exercise": exercise.do_not_exercise,
    "submit": orders.submit,
    "submit_all": together.submit_all,
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
    "cancel_list": together.cancel_list,
    "cancel_all": orders.cancel_all,
    "set_policy": risk.set_policy,
    "kill_switch": risk.kill_switch,
    "set_status": risk.set_status,
    "resume_account": risk.resume_account,
}
SILENT = {
    "quote": outside.street_moves,
    "depth": outside.street_moves,
    "trade": outside.trade_print,
    "bar": bars.bar,
    "agent_order": outside.agent_order,
    "agent_cancel": outside.agent_cancel,
    "time": clock.time,
    "session": clock.session,
}
