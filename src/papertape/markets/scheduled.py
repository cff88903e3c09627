"""Real hours: a market that goes through the days of its exchanges' calendars.

`ScheduledMarket` is a body of the floor's port `MarketSource` around the simulated one. At the
right moment of world time it tells the engine that a part of the day begins (pre-market, opening
auction, regular hours, closing auction, post-market, closed; the engine knows what each means for
orders), and it lets the house rest while an exchange is closed: its orders leave the book then. It
never touches an order or a price itself.

The house takes its places when the day begins, at the latest with the second of the opening
auction. So what waited over night trades, when the exchange opens, against a full book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from papertape.engine import Outcome, World
from papertape.markets.bars import Bar
from papertape.markets.calendars import (
    ALWAYS_OPEN,
    CALL_NS,
    CalendarSessions,
    Phase,
    Sessions,
    WholeDays,
    is_open,
    phase_at,
)
from papertape.markets.simulated import SimulatedSource

Input = tuple[int, bytes]
SessionsOf = Callable[[str], Sessions]


@dataclass(slots=True)
class _Hours:
    """Where one exchange is in its day, and when that changes."""

    exchange: str
    sessions: Sessions
    symbols: list[str] = field(default_factory=list)
    phase: Phase | None = None
    is_quoted: bool = True
    due_ns: int | None = None

    def enter(self, time_ns: int) -> list[bytes]:
        """Enter the part of the day that `time_ns` lies in.

        Where one day follows another at once, the old one is closed first: its DAY orders leave.
        """
        phase = phase_at(self.sessions, time_ns)
        day = None if self.phase is None else self.phase.session
        if None not in (day, phase.session) and day != phase.session:
            return [self.told_closed(time_ns, phase), *self._be(phase)]
        return self._be(phase)

    def wait_for_house(self, time_ns: int) -> list[bytes]:
        """Give the house a second in the book before the regular hours go on.

        Orders are collected for an auction meanwhile, where there are auctions.
        """
        phase = phase_at(self.sessions, time_ns)
        until_ns = time_ns + CALL_NS
        if self.sessions.has_auctions:
            return self._be(phase._replace(state="auction", auction="open", until_ns=until_ns))
        waits = _closed_until(until_ns, phase)
        self.is_quoted, self.due_ns, self.phase = True, until_ns, waits
        return [self._told(waits)]

    def told_closed(self, time_ns: int, phase: Phase) -> bytes:
        """The end of a day, told late at `time_ns`, in front of a phase of another day."""
        return self._told(_closed_until(time_ns, phase))

    def _be(self, phase: Phase) -> list[bytes]:
        self.is_quoted, self.due_ns, self.phase = phase.session is not None, phase.until_ns, phase
        return [self._told(phase)]

    def _told(self, phase: Phase) -> bytes:
        session = {
            "kind": "session",
            "exchange": self.exchange,
            "state": phase.state,
            "next_ns": phase.until_ns or 0,
            "next_open_ns": phase.opens_ns or 0,
        }
        if phase.auction is not None:
            session["auction"] = phase.auction
        return msgspec.json.encode(session)


def _closed_until(time_ns: int | None, phase: Phase) -> Phase:
    """A closed time in front of a phase."""
    return Phase("closed", None, time_ns, phase.opens_ns, None)


def sessions_of_calendar(code: str) -> Sessions:
    """The sessions of a calendar in the real world; raises ValueError for an unknown code."""
    return WholeDays() if code in ALWAYS_OPEN else CalendarSessions(code)


def always_open(code: str) -> Sessions:  # noqa: ARG001 - one kind of `SessionsOf`
    """Whole days for every exchange: what frees a world from the real hours it once had."""
    return WholeDays()


class ScheduledMarket:
    """A market in the hours that `sessions_of` gives for the calendars of its exchanges.

    Exchanges that never close are told nothing, unless an earlier run of this world told them
    sessions: then their days are sessions from midnight to midnight.
    """

    def __init__(
        self, market: SimulatedSource, sessions_of: SessionsOf = sessions_of_calendar
    ) -> None:
        self._market = market
        self._hours = _hours_of(market.listing(), sessions_of)
        self._resumed_ns: int | None = None
        self._house_due_ns: int | None = None

    # --- the port -----------------------------------------------------------------------------

    def listing(self) -> list[bytes]:
        """The commands of the market inside."""
        return self._market.listing()

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        """Go on at `time_ns`; the first `act` tells the engine which exchanges are open."""
        self._market.resume(market_seq, time_ns, state)
        self._resumed_ns = time_ns

    def act(self, world: World, now_ns: int) -> Outcome | list[Input]:
        """Either the sessions that begin or end next, or what the house does until then."""
        if self._resumed_ns is not None:
            return self._tell_present(world, max(self._resumed_ns, world.time_ns))
        told = self._tell_due(now_ns)
        if told:
            return told
        due_ns = self._next_turn_ns()
        self._house_due_ns = None
        return self._market.act(world, now_ns if due_ns is None else min(now_ns, due_ns - 1))

    def state(self) -> bytes:
        """The state of the market inside; hours are known from the calendar and the engine."""
        return self._market.state()

    @property
    def next_due_ns(self) -> int | None:
        """When the house acts next, or an exchange opens or closes."""
        if self._resumed_ns is not None:
            return self._resumed_ns
        return _earliest([self._market.next_due_ns, self._house_due_ns, self._next_turn_ns()])

    # --- beside the port ----------------------------------------------------------------------

    @property
    def symbols(self) -> list[str]:
        """The listed symbols."""
        return self._market.symbols

    def backfill(self, start_ns: int, minutes: int) -> Iterator[tuple[str, list[Bar]]]:
        """History for the charts as the market inside makes it, but only bars within sessions.

        It leads up to the last moment of trading before `start_ns`, so that the charts of a
        week-end end on Friday, at exactly the price the market starts from.
        """
        hours_of = {symbol: hours for hours in self._hours for symbol in hours.symbols}
        ends_ns = {symbol: _last_trading(hours, start_ns) for symbol, hours in hours_of.items()}
        for end_ns in sorted(set(ends_ns.values())):
            for symbol, bars in self._market.backfill(end_ns, minutes):
                if ends_ns[symbol] == end_ns:
                    sessions = hours_of[symbol].sessions
                    yield symbol, [bar for bar in bars if is_open(sessions, bar.time_ns)]

    # --- how ----------------------------------------------------------------------------------

    def _tell_present(self, world: World, time_ns: int) -> list[Input]:
        """Say what is true now, and what was missed: the engine may know an older truth."""
        known = world.sessions()
        self._resumed_ns, self._house_due_ns = None, time_ns
        told: list[Input] = []
        for hours in self._hours:
            if isinstance(hours.sessions, WholeDays) and hours.exchange not in known:
                hours.due_ns, hours.is_quoted = None, True
                continue
            told += [(time_ns, said) for said in _present(hours, known, time_ns)]
        self._let_rest()
        return told

    def _tell_due(self, now_ns: int) -> list[Input]:
        """The sessions of the next moment, once the house has done all that came before it."""
        while (due_ns := self._next_turn_ns()) is not None and due_ns <= now_ns:
            if _comes_before(self._market.next_due_ns, due_ns):
                return []
            due = [hours for hours in self._hours if hours.due_ns == due_ns]
            told = [(due_ns, said) for hours in due for said in hours.enter(due_ns)]
            self._let_rest()
            self._house_due_ns = due_ns
            if told:
                return told
        return []

    def _let_rest(self) -> None:
        self._market.set_closed(
            [symbol for hours in self._hours if not hours.is_quoted for symbol in hours.symbols]
        )

    def _next_turn_ns(self) -> int | None:
        return _earliest(hours.due_ns for hours in self._hours)


def _present(hours: _Hours, known: dict[str, tuple[str, int]], time_ns: int) -> list[bytes]:
    """What to tell about an exchange at a start.

    An end of day that fell into the time without the product is told now, so that DAY orders
    leave. Regular hours that begin late because of that give the house its second, too.
    """
    was, changed_ns = known.get(hours.exchange, ("open", 0))
    phase = phase_at(hours.sessions, time_ns)
    if phase.session is None:
        return hours.enter(time_ns)
    told: list[bytes] = []
    if was != "closed" and changed_ns > 0:
        day = phase_at(hours.sessions, changed_ns - 1).session
        if day != phase.session:
            told = [hours.told_closed(time_ns, phase)]
    if phase.state == "open" and (told or was != "open"):
        return [*told, *hours.wait_for_house(time_ns)]
    return [*told, *hours.enter(time_ns)]


def _hours_of(listing: Iterable[bytes], sessions_of: SessionsOf) -> list[_Hours]:
    """The exchanges of a listing with their symbols; one calendar is read once."""
    sessions: dict[str, Sessions] = {}
    found: dict[str, _Hours] = {}
    for command in listing:
        listed = msgspec.json.decode(command)
        if listed["kind"] == "list_exchange":
            code = listed["calendar"]
            sessions[code] = sessions.get(code) or sessions_of(code)
            found[listed["exchange"]] = _Hours(listed["exchange"], sessions[code])
        elif listed["kind"] == "list_instrument":
            found[listed["exchange"]].symbols.append(listed["symbol"])
    return list(found.values())


def _last_trading(hours: _Hours, time_ns: int) -> int:
    """`time_ns` while the exchange is open, else its last close."""
    before = None if is_open(hours.sessions, time_ns) else hours.sessions.before(time_ns)
    return time_ns if before is None else before.close_ns


def _comes_before(time_ns: int | None, other_ns: int) -> bool:
    return time_ns is not None and time_ns < other_ns


def _earliest(times_ns: Iterable[int | None]) -> int | None:
    return min((time_ns for time_ns in times_ns if time_ns is not None), default=None)
