"""Random commands from a seed: sensible ones, nonsense, strangers' ids, market moves, restarts.

A flow looks at the twin to choose (which orders are open, what is held), so that it goes deep; what
it gives are plain steps that can be played again without it.
"""

import json
from dataclasses import dataclass
from typing import Any

from twin import (
    combo_flow,
    money_flow,
    option_flow,
    order_flow,
    profile_flow,
    risk_flow,
    trade_flow,
)
from twin.amounts import format_decimal
from twin.ids import ORDER, make_id
from twin.market_flow import MarketFlow
from twin.prices import price
from twin.stage import WORLD
from twin.state import Account, Instrument, World

SECOND_NS = 10**9
NONSENSE: list[Any] = [
    None,
    True,
    [],
    {},
    "",
    " ",
    "x",
    "-1",
    "0",
    "1e3",
    "1.",
    ".5",
    "0.0000000000001",
    "NaN",
    -1,
    0,
    1.5,
    2**70,
    "9" * 40,
    "\u0000",
    "ä" * 70,
    "cash",
    "buy",
    "market",
    "\x7f",
    12,
]
NO_COMMANDS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"submit"',
    b"{}",
    b'{"kind":5}',
    b'{"kind":"nothing"}',
    b"\xff\xfe",
    b'{"kind":"time","kind":"time"}',
    b'{"kind":"time"} x',
    b"[" * 40,
    b'{"kind":NaN}',
]


@dataclass(frozen=True)
class Step:
    """What happens next: a command at a time, or a restart.

    A restart is from a `snapshot` of now, from the whole `tape`, or from the last snapshot that was
    kept and the `tail` of the tape after it; `keep` keeps one.
    """

    time_ns: int
    command: bytes
    restart: str = ""


class Flow(MarketFlow):
    """Gives one step after the other."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.ids = 0
        self.is_crowd = seed % 25 == 7
        self.is_risky = seed % 4 != 0
        self.sent: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.script = self.listing()

    # One step ------------------------------------------------------------------------------

    def next(self, world: World) -> Step:
        """The next step, chosen by what the twin's world looks like."""
        draw = self.random
        trade_flow.listen(self, world)
        if self.script:
            return self.step(self.script.pop(0))
        if draw.random() < 0.004:
            return Step(self.now_ns, b"", draw.choice(["snapshot", "tape", "keep", "tail"]))
        if draw.random() < 0.003:
            return Step(self.now_ns, draw.choice(NO_COMMANDS))
        self.now_ns += self.pause()
        if world.exchanges and not world.instruments:
            return self.step(self.instrument(draw.randrange(4), world.exchanges[0].id))
        if not world.accounts or not world.instruments:
            return self.step({"kind": "time"})
        command = draw.choices(list(KINDS), list(KINDS.values()))[0](self, world)
        if "client_order_id" in command or "request_id" in command:
            self.sent.append(dict(command))
        if draw.random() < 0.02:
            self.spoil(command)
        return self.step(command)

    def step(self, command: dict[str, Any]) -> Step:
        return Step(self.now_ns, json.dumps(command).encode())

    def pause(self) -> int:
        """Mostly nothing, now and then more than a day, now and then back."""
        draw = self.random
        kind = draw.random()
        if kind < 0.6:
            return 0
        if kind < 0.9:
            return draw.randrange(3 * SECOND_NS)
        if kind < 0.985:
            return draw.randrange(120 * SECOND_NS)
        if kind < 0.99:
            return -SECOND_NS
        if kind < 0.9907:
            return draw.randrange(31 * 86_400 * SECOND_NS)
        return draw.randrange(200_000 * SECOND_NS)

    def spoil(self, command: dict[str, Any]) -> None:
        """Breaks one member."""
        draw = self.random
        name = draw.choice(list(command))
        how = draw.random()
        if how < 0.1:
            command[draw.choice(["limt_price", "parent", "memo"])] = draw.choice(NONSENSE)
        elif how < 0.37:
            del command[name]
        else:
            command[name] = draw.choice(NONSENSE)

    # Orders --------------------------------------------------------------------------------

    def order_terms(self, world: World) -> dict[str, Any]:
        draw = self.random
        account, instrument = draw.choice(world.accounts), self.symbol(world)
        side = draw.choice(["buy", "sell"])
        kinds = ["market", "limit", "stop", "stop_limit", "market_if_touched", "limit_if_touched"]
        kind = draw.choices([*kinds, "trailing_stop"], [8, 16, 4, 4, 2, 2, 4])[0]
        terms = {
            "account_id": account.text if draw.random() > 0.01 else self.account(world),
            "symbol": self.name_of(instrument),
            "side": side,
            "type": kind,
            "qty": self.order_qty(account, instrument, side),
        }
        if ("limit" in kind) != (draw.random() < 0.005):
            terms["limit_price"] = self.price(instrument)
        waits = "stop" in kind or "touched" in kind
        if (waits and kind != "trailing_stop") != (draw.random() < 0.005):
            terms["stop_price"] = self.price(instrument)
        if draw.random() < 0.9:
            words = ["day", "gtc", "ioc", "fok", "opg", "cls", "gtd"]
            terms["time_in_force"] = draw.choices(words, [8, 8, 2, 2, 1, 1, 1])[0]
        self.add_rarer_terms(terms, waits=waits)
        terms |= trade_flow.named_lots(self, world, account, instrument)
        order_flow.add_terms(self, terms, instrument)
        return terms

    def add_rarer_terms(self, terms: dict[str, Any], *, waits: bool) -> None:
        """What few orders ask for."""
        draw, kind = self.random, terms["type"]
        if (terms.get("time_in_force") == "gtd") != (draw.random() < 0.01):
            terms["expires_ns"] = self.now_ns + draw.choice([-1, 1, 60, 90_000]) * SECOND_NS
        if waits and draw.random() < 0.3:
            terms["trigger"] = draw.choice(["bid_ask", "last", "mid"])
        for flag, chance in (("post_only", 0.04), ("reduce_only", 0.08)):
            if draw.random() < chance:
                terms[flag] = draw.random() < 0.9
        if draw.random() < 0.15:
            rules = ["none", "cancel_newest", "cancel_oldest", "decrement"]
            terms["self_trade"] = draw.choice(rules)
        if draw.random() < (0.25 if kind == "limit" else 0.01):
            terms["extended_hours"] = draw.random() < 0.9
        if draw.random() < 0.05:
            terms["do_not_reduce"] = True
        if draw.random() < 0.1:
            terms["when_closed"] = draw.choice(["wait", "refuse"])
        if draw.random() < 0.08:
            side = terms["side"] if draw.random() < 0.98 else "buy"
            terms["position_intent"] = f"{side}_to_{draw.choice(['open', 'close'])}"

    def order_qty(self, account: Account, instrument: Instrument, side: str) -> str:
        """Mostly what can be sold, or bought."""
        draw, position = self.random, account.positions.get(instrument.index)
        if side == "sell" and position and position.qty > position.promised and draw.random() < 0.9:
            free = (position.qty - position.promised) // instrument.lot
            if free:
                lots = draw.randint(1, free)
                return format_decimal(lots * instrument.lot, instrument.terms["qty_scale"], 0)
        at = price(instrument)
        if side == "buy" and at and draw.random() < 0.7:
            worth = max(1, instrument.value(at, instrument.lot, "up"))
            power = account.free_in(instrument.currency)
            power *= account.margin["multiplier"] if account.margin else 1
            lots = max(1, min(2_000, power // worth))
            return self.qty(instrument, max(1, lots // draw.choice([1, 2, 5, 10])))
        return self.qty(instrument)

    # Commands ------------------------------------------------------------------------------

    def submit(self, world: World) -> dict[str, Any]:
        draw = self.random
        self.ids += draw.random() > 0.02
        return {
            "kind": "submit",
            **self.order_terms(world),
            "client_order_id": f"order-{self.ids}",
        }

    def submit_all(self, world: World) -> dict[str, Any]:
        """A list of orders, now and then one that came before."""
        orders = [self.submit(world) for _ in range(self.random.choice([1, 2, 2, 3, 5]))]
        if self.random.random() < 0.1:
            orders.append(dict(orders[0]))
        if self.random.random() < 0.03:
            self.spoil(self.random.choice(orders))
        return {"kind": "submit_all", "orders": orders}

    def again(self, world: World) -> dict[str, Any]:
        """An earlier command once more, word for word or about another quantity."""
        if not self.sent:
            return self.time(world)
        command = dict(self.random.choice(self.sent[-60:]))
        if "qty" in command and self.random.random() < 0.2:
            command["qty"] = "3"
        return command

    def preview(self, world: World) -> dict[str, Any]:
        return {"kind": "preview", **self.order_terms(world)}

    def cancel(self, world: World) -> dict[str, Any]:
        account, order = self.order_id(world)
        return {"kind": "cancel", "account_id": account, "order_id": order, **self.request()}

    def replace(self, world: World) -> dict[str, Any]:
        draw = self.random
        account, order = self.order_id(world)
        command = {"kind": "replace", "account_id": account, "order_id": order, **self.request()}
        known = next((o for o in world.open if make_id(world.name, ORDER, o.number) == order), None)
        instrument = known.instrument if known else self.symbol(world)
        if draw.random() < 0.6:
            if known and draw.random() < 0.6:
                least = known.filled // instrument.lot
                lots = draw.randint(least, known.qty // instrument.lot + 1)
                scale = instrument.terms["qty_scale"]
                command["qty"] = format_decimal(lots * instrument.lot, scale, 0)
            else:
                command["qty"] = self.qty(instrument)
        limited = known is None or known.has_limit
        if (limited and draw.random() < 0.5) or draw.random() < 0.01:
            command["limit_price"] = self.price(instrument)
        stopped = known is None or known.has_stop
        if (stopped and draw.random() < 0.5) or draw.random() < 0.01:
            command["stop_price"] = self.price(instrument)
        if draw.random() < 0.15:
            command["time_in_force"] = draw.choice(["day", "gtc", "gtc", "day", "ioc"])
        order_flow.add_replaced(self, command, known)
        if known and known.is_combo:
            combo_flow.add_replaced(self, world, command, known)
        return command

    def cancel_list(self, world: World) -> dict[str, Any]:
        """A list of cancels, now and then with one twice."""
        ids = [self.order_id(world) for _ in range(self.random.choice([1, 2, 2, 3]))]
        if self.random.random() < 0.2:
            ids.append(ids[0])
        orders = [{"account_id": account, "order_id": order} for account, order in ids]
        return {"kind": "cancel_list", "orders": orders, **self.request()}

    def cancel_all(self, world: World) -> dict[str, Any]:
        return {"kind": "cancel_all", "account_id": self.account(world), **self.request()}

    def time(self, world: World) -> dict[str, Any]:
        return {"kind": "time"}

    def session(self, world: World) -> dict[str, Any]:
        draw = self.random
        exchange = draw.choice(world.exchanges)
        state = draw.choice(["open", "open", "closed", "pre_market", "post_market", "auction"])
        # Any other part of the day soon ends, so most of the flow trades.
        if exchange.state != "open" and draw.random() < 0.6:
            state = "open"
        command = {"kind": "session", "exchange": exchange.id, "state": state}
        if (state == "auction") != (draw.random() < 0.02):
            command["auction"] = draw.choice(["open", "close", "halt"])
        for name in ("next_ns", "next_open_ns"):
            if draw.random() < 0.4:
                command[name] = draw.choice([0, self.now_ns + SECOND_NS])
        return command

    def halt(self, world: World) -> dict[str, Any]:
        draw = self.random
        scopes = [*world.exchanges, *world.instruments]
        halted = [one for one in scopes if one.halt]
        scope = draw.choice(halted or scopes if draw.random() < 0.8 else scopes)
        is_instrument = isinstance(scope, Instrument)
        named = {"symbol": scope.symbol} if is_instrument else {"exchange": scope.id}
        if scope.halt and draw.random() < 0.8:
            command = {"kind": "resume", **named}
            if draw.random() < 0.5:
                command["auction"] = draw.random() < 0.6
            return command
        return {"kind": "halt", **named, "reason": draw.choice(["news", "volatility"])}

    def value(self, world: World) -> dict[str, Any]:
        return {"kind": "value", "account_id": self.account(world)}

    def book(self, world: World) -> dict[str, Any]:
        command = {"kind": "book", "symbol": self.name_of(self.symbol(world))}
        if self.random.random() < 0.5:
            command["depth"] = self.random.choice([0, 1, 2, 3, 50, 2_000])
        return command

    def listed(self, world: World) -> dict[str, Any]:
        return {"kind": self.random.choice(["instruments", "exchanges", "checkpoint"])}

    def about_contract(self, world: World) -> dict[str, Any]:
        """A settlement price, or a funding rate; mostly of a contract."""
        draw = self.random
        listed = [one for one in world.instruments if one.contract]
        instrument = draw.choice(listed or world.instruments)
        name = self.name_of(instrument)
        if draw.random() < 0.5:
            rate = draw.choice(["0.0001", "-0.00375", "0", "1", "-0.5", "2"])
            return {"kind": "funding", "symbol": name, "rate": rate}
        command: dict[str, Any] = {
            "kind": "settle",
            "symbol": name,
            "price": self.price(instrument),
        }
        if draw.random() < 0.4:
            command["at_expiry"] = draw.random() < 0.8
        return command

    def set_fees(self, world: World) -> dict[str, Any]:
        """New fees for an exchange or an instrument."""
        scope = self.random.choice([*world.exchanges, *world.instruments])
        named = (
            {"symbol": scope.symbol} if isinstance(scope, Instrument) else {"exchange": scope.id}
        )
        return {"kind": "set_fees", **named, "fees": self.fees()}

    def corporate(self, world: World) -> dict[str, Any]:
        """Announces a corporate action, or calls one off."""
        draw, instrument = self.random, self.symbol(world)
        name = f"action-{draw.randrange(40)}"
        if draw.random() < 0.1:
            return {"kind": "call_off_corporate_action", "action_id": name}
        kinds = ["cash_dividend", "split", "stock_dividend", "symbol_change", "delisting"]
        action = draw.choices(kinds, [6, 5, 2, 2, 0.3])[0]
        command: dict[str, Any] = {
            "kind": "corporate_action",
            "action_id": name,
            "symbol": self.name_of(instrument),
            "action": action,
        }
        if action == "cash_dividend":
            at = self.price(instrument)
            command["amount"] = draw.choice(["0.01", "0.333333333", "0.000000001", at])
        elif action == "symbol_change":
            command["new_symbol"] = f"{instrument.symbol[:3]}{draw.randrange(50)}"
            self.middles[command["new_symbol"]] = self.middles.get(instrument.symbol, 100)
        elif action == "delisting":
            command["price"] = self.price(instrument)
        else:
            ratios = [(2, 1), (3, 2), (1, 2), (21, 20), (1, 3), (7, 3), (1, 10), (1, 1)]
            command["new"], command["old"] = draw.choice(ratios)
        for time in ("ex_ns", "pay_ns"):
            if draw.random() < 0.5:
                command[time] = self.now_ns + draw.choice([0, 1, 5, 100_000]) * SECOND_NS
        return command

    def list_again(self, world: World) -> dict[str, Any]:
        """The stage is set again, mostly with other terms."""
        draw = self.random
        middles = dict(self.middles)
        command = draw.choice(
            [
                {
                    "kind": "create_world",
                    "world": WORLD,
                    "seed": draw.choice([7, 8]),
                    "sharing": draw.choice(["shared", "shared", "isolated"]),
                },
                self.exchange(draw.choice(["XONE", "XNEW"])),
                self.instrument(draw.randrange(4), world.exchanges[0].id),
                self.opening(draw.randrange(6)),
            ]
        )
        self.middles = middles | {
            name: at for name, at in self.middles.items() if name not in middles
        }
        return command

    def crowd(self, world: World) -> dict[str, Any]:
        """Many small orders, so that a turn cannot do everything at once."""
        if not self.is_crowd:
            return self.submit(world)
        draw, instrument = self.random, world.instruments[0]
        for _ in range(300):
            self.ids += 1
            kind = draw.choice(["limit", "stop"])
            terms = {
                "kind": "submit",
                "account_id": draw.choice(world.accounts[:2]).text,
                "symbol": instrument.symbol,
                "side": "buy",
                "type": kind,
                f"{kind}_price": self.price(instrument, 2),
                "qty": format_decimal(instrument.lot, instrument.terms["qty_scale"], 0),
                "time_in_force": draw.choice(["day", "gtc"]),
                "client_order_id": f"order-{self.ids}",
            }
            self.script.append(terms)
        return {"kind": "time"}


KINDS = {
    Flow.submit: 36,
    Flow.market: 36,
    Flow.cancel: 7,
    Flow.replace: 9,
    Flow.time: 8,
    Flow.session: 3,
    Flow.value: 2,
    Flow.book: 2,
    Flow.preview: 3,
    Flow.cancel_list: 0.7,
    Flow.cancel_all: 0.7,
    Flow.submit_all: 0.7,
    Flow.any_market: 0.6,
    Flow.listed: 0.5,
    Flow.list_again: 0.3,
    Flow.crowd: 0.6,
    Flow.again: 1.5,
    Flow.halt: 1.5,
    Flow.corporate: 0.8,
    Flow.set_fees: 0.3,
    Flow.about_contract: 0.6,
    **money_flow.KINDS,
    **trade_flow.KINDS,
    **order_flow.KINDS,
    **option_flow.KINDS,
    **combo_flow.KINDS,
    **risk_flow.KINDS,
    **profile_flow.KINDS,
}
"""How often each kind of command comes."""
