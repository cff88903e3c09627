"""What the twin keeps: plain objects in lists, found again by looking through them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twin.account_risk import AccountRisk
from twin.amounts import MONEY_SCALE, clamp, digits_of_step, divide, format_decimal
from twin.holdings import Lot, Position, Wallet
from twin.ids import format_uuid
from twin.market import Market

WIDEST = 2**127 - 1
OPEN = ("pending_new", "new", "partially_filled", "held")


class Refused(Exception):  # noqa: N818 - a word of the engine
    """A command that is not done: how it ended, why, and what was wrong."""

    def __init__(
        self,
        outcome: str,
        reason: str,
        field: str | None = None,
        value: str | None = None,
        limit: str | None = None,
        order: "int | None" = None,
        next_open_ns: int | None = None,
    ) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome, self.reason, self.field = outcome, reason, field
        self.value, self.limit, self.order = value, limit, order
        self.next_open_ns = next_open_ns
        self.item: int | None = None


def malformed(field: str | None = None, reason: str = "malformed") -> Refused:
    """A request that was not understood."""
    return Refused("malformed", reason, field)


def not_found(field: str) -> Refused:
    """Something that is not there, or that belongs to somebody else."""
    return Refused("not_found", "not_found", field)


@dataclass
class Exchange:
    """An exchange and its day."""

    terms: dict[str, Any]
    next_ns: int
    has_sessions: bool = False
    state: str = "open"
    auction: str | None = None
    next_open_ns: int = 0
    opened_ns: int | None = None
    """When it opened last, since the start."""
    marks: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("regular", "extended", "opening"), 0)
    )
    """Orders below these numbers are past the part of the day that ends them."""
    halt: dict[str, Any] | None = None
    set_fees: dict[str, Any] | None = None
    """A fee schedule that a command set in place of the listed one."""
    set_profile: dict[str, Any] | None = None
    """A fill profile that a command set in place of the listed one."""
    rules_version: int = 0
    settles_after: int = 0
    """After how many of its days the proceeds of sells are settled; 0: at once."""
    days_ended: int = 0
    """How many days have ended since sells were first settled later."""

    @property
    def fees(self) -> dict[str, Any]:
        return self.set_fees or self.terms["fees"]

    @property
    def profile(self) -> dict[str, Any]:
        return self.set_profile or self.terms["profile"]

    @property
    def rules(self) -> dict[str, Any]:
        return self.terms.get("rules", {})

    @property
    def id(self) -> str:
        return self.terms["exchange"]


@dataclass
class Instrument:
    """An instrument, its recorded mark, and its live market."""

    index: int
    terms: dict[str, Any]
    exchange: Exchange
    mark: dict[str, int | None] = field(
        default_factory=lambda: dict.fromkeys(("bid", "ask", "last", "high", "low"))
    )
    market: Market = field(default_factory=Market)
    status: str = "active"
    former: list[str] = field(default_factory=list)
    """Symbols that it had before; they still find it."""
    halt: dict[str, Any] | None = None
    set_fees: dict[str, Any] | None = None
    """A fee schedule that a command set in place of the listed one."""
    set_profile: dict[str, Any] | None = None
    """A fill profile that a command set in place of that of its exchange."""
    rules_version: int = 0
    works: list[dict[str, Any]] = field(default_factory=list)
    """What is being done to the holders of a contract."""
    settles: bool = False
    ended: bool = False
    splits: list[tuple[int, int]] = field(default_factory=list)
    """The splits that it has been through: new for old."""
    fills_from: int = 0
    """Fills with a smaller number are from before a split or the delisting."""
    splits_before: int = 0
    """How many of them the underlying had been through when an option was listed."""
    keeping: set[int] = field(default_factory=set)
    """Accounts that do not want their option exercised at its end."""
    settlement_price: int = 0
    final_price: int = 0
    funding_rate: int = 0
    next_funding_ns: int = 0
    margin: dict[str, Any] | None = None
    """What `set_margin` has said of it."""

    @property
    def currency(self) -> str:
        return self.terms["currency"]

    @property
    def fees(self) -> dict[str, Any]:
        return self.set_fees or self.exchange.fees

    @property
    def profile(self) -> dict[str, Any]:
        return self.set_profile or self.exchange.profile

    @property
    def rules(self) -> dict[str, Any]:
        return self.terms.get("rules", {})

    @property
    def symbol(self) -> str:
        return self.terms["symbol"]

    @property
    def symbols(self) -> list[str]:
        return [*self.former, self.symbol]

    @property
    def scales(self) -> int:
        return self.terms["price_scale"] + self.terms["qty_scale"]

    @property
    def tick(self) -> int:
        return self.terms["tick_size"]

    @property
    def lot(self) -> int:
        return self.terms["lot_size"]

    @property
    def contract(self) -> dict[str, Any]:
        return self.terms.get("contract", {})

    @property
    def is_margined(self) -> bool:
        return self.contract.get("is_margined", False)

    def value(self, price: int, qty: int, rounding: str) -> int:
        """What a quantity is worth at a price; a contract's unit stands for many.

        Beyond all bounds it is told as the largest number of 128 bits.
        """
        product = price * qty * self.contract.get("multiplier", 10**MONEY_SCALE)
        return max(-WIDEST, min(WIDEST, divide(product, 10**self.scales, rounding)))

    def average_price(self, value: int, qty: int) -> int:
        """The average price that money for a quantity stands for, half-even."""
        units = qty * self.contract.get("multiplier", 10**MONEY_SCALE)
        if units == 0:
            return 0
        sign = 1 if units > 0 else -1
        return clamp(divide(sign * value * 10**self.scales, abs(units), "half_even"))

    def notional(self, price: int, qty: int) -> int:
        """The money of a fill, within 64 bits."""
        return clamp(self.value(price, qty, "half_even"))

    def whole_lots(self, qty: int) -> int:
        """The quantity, cut down to whole lots (towards zero)."""
        return divide(qty, self.lot, "down") * self.lot

    def price_text(self, price: int) -> str:
        """A price with at least the decimals of the tick."""
        scale = self.terms["price_scale"]
        return format_decimal(price, scale, digits_of_step(self.tick, scale))

    def qty_text(self, qty: int) -> str:
        """A quantity."""
        return format_decimal(qty, self.terms["qty_scale"], 0)


@dataclass
class Account:
    """An account; the positions stand by the index of their instrument."""

    index: int
    id: int
    owner: str
    kind: str
    currency: str
    starting_cash: int
    margin: dict[str, int] | None
    cost_method: str = "average"
    status: str = "active"
    cash: int = 0
    held: int = 0
    deposited: int = 0
    """Cash that the margined contracts of a cash account tie up."""
    realized_pl: int = 0
    receivable: int = 0
    """Dividends that it is owed (or owes) and that are not paid yet."""
    cancel_below: int = 0
    volumes: dict[str, dict[int, int]] = field(default_factory=dict)
    """Traded notional by exchange and day, where tiers count it."""
    positions: dict[int, Position] = field(default_factory=dict)
    requests: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """By id: digest, order number (0: none), time; the oldest first."""
    wallets: dict[str, Wallet] = field(default_factory=dict)
    """Cash in other currencies than its own."""
    unsettled: dict[tuple[str, int, str], int] = field(default_factory=dict)
    """Proceeds by exchange, the day of it on which they are settled, and currency."""
    lots: dict[int, list[Lot]] = field(default_factory=dict)
    """The lots of its positions, the oldest first; none at average cost."""
    resets: int = 0
    fills_from: int = 0
    """Fills with a smaller number are from a past life."""
    put_in: int = 0
    """The money that it began with, the last time."""
    risk: AccountRisk = field(default_factory=AccountRisk)

    @property
    def is_journal(self) -> bool:
        """Whether it only records trades that were made elsewhere."""
        return self.kind == "journal"

    @property
    def text(self) -> str:
        return format_uuid(self.id)

    @property
    def free_cash(self) -> int:
        return self.free_in(self.currency)

    def wallet(self, currency: str) -> Wallet:
        """Cash and holds in a currency."""
        if currency == self.currency:
            return Wallet(self.cash, self.held)
        return self.wallets.get(currency, Wallet())

    def unsettled_in(self, currency: str) -> int:
        """Proceeds in a currency that are not settled."""
        return sum(amount for key, amount in self.unsettled.items() if key[2] == currency)

    def free_in(self, currency: str) -> int:
        """Settled cash in a currency that neither orders nor contracts need."""
        wallet = self.wallet(currency)
        tied_up = self.deposited if currency == self.currency else 0
        return wallet.cash - wallet.held - tied_up - self.unsettled_in(currency)

    def pay(self, currency: str, amount: int) -> None:
        """Adds to the cash in a currency."""
        if currency == self.currency:
            self.cash += amount
        else:
            self.wallets.setdefault(currency, Wallet()).cash += amount

    def set_aside(self, currency: str, amount: int) -> None:
        """Adds to what open orders have set aside in a currency."""
        if currency == self.currency:
            self.held += amount
        else:
            self.wallets.setdefault(currency, Wallet()).held += amount

    def position(self, instrument: Instrument) -> Position:
        """The position in an instrument; a flat one when there was never any."""
        return self.positions.get(instrument.index, Position())

    def own_position(self, instrument: Instrument) -> Position:
        """The position in an instrument, to change it."""
        return self.positions.setdefault(instrument.index, Position())

    def promise(self, order: "Order", more: int) -> None:
        """Adds to what open orders have promised: sells, and on margin buys too."""
        if more != 0 and order.side == "sell":
            self.own_position(order.instrument).promised += more
        elif more != 0 and self.margin is not None:
            self.own_position(order.instrument).covering += more


@dataclass
class Trail:
    """Where a trailing stop stands: the best price seen, and the stop price behind it."""

    mark: int
    stop: int
    reached: int | None = None
    """The price that reached its stop."""
    has_moved: bool = False
    """Whether it has moved since it was recorded."""


@dataclass
class Order:
    """An order and where it stands."""

    account: Account
    client_order_id: str
    instrument: Instrument
    side: str
    type: str
    qty: int
    limit_price: int | None
    stop_price: int | None
    time_in_force: str
    more: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    filled: int = 0
    waits: int = 0
    """The part of its quantity that waits for its parent to fill."""
    filled_value: int = 0
    hold: int = 0
    status: str = "new"
    reason: str | None = None
    triggered: bool = False
    priority: int = 0
    created_ns: int = 0
    updated_ns: int = 0
    seat: str = ""
    """Where it was linked: `market`, for an auction (`open`, `close`), or `idle`."""
    legs: list[int] = field(default_factory=list)
    """The orders that belong to it."""
    shown_from: int = 0
    """What was filled when the shown part of an iceberg was last filled up."""
    trail: "Trail | None" = None
    """Where a trailing stop stands that is linked."""
    latency_ns: int = 0
    """How long it was under way."""
    stood_behind: float | None = None
    """What of the street stood before it when it came to rest."""
    ahead: float | None = None
    """What of the street stands before it, where that counts and is known."""
    rests_in: list[Market] = field(default_factory=list)
    """The markets beside which a multi-leg order rests."""
    rests_at: int = 0
    """Its place in time there."""

    @property
    def auction(self) -> str | None:
        return {"opg": "open", "cls": "close"}.get(self.time_in_force)

    @property
    def extended_hours(self) -> bool:
        return self.more.get("extended_hours", False)

    @property
    def unfilled(self) -> int:
        return self.qty - self.filled

    @property
    def leaves(self) -> int:
        """What can fill now: not what still waits for its parent."""
        return self.unfilled - self.waits

    @property
    def only_closes(self) -> bool:
        """Whether it may only make a position smaller: reduce-only, or meant to close."""
        meant = self.more.get("position_intent", "").endswith("close")
        return meant or self.more.get("reduce_only", False)

    @property
    def shown(self) -> int:
        """What the book holds of it: an iceberg shows a part at a time."""
        display = self.more.get("display_qty")
        if display is None:
            return self.leaves
        return max(0, min(self.leaves, display - (self.filled - self.shown_from)))

    @property
    def promised(self) -> int:
        """What it promises of a position; of two that cancel each other only the first does.

        The legs of a multi-leg order promise, not their parent.
        """
        sibling = self.more.get("sibling")
        if self.is_combo:
            return 0
        return self.leaves if sibling is None or sibling > self.number else 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_combo(self) -> bool:
        """Whether it is the parent of a multi-leg order."""
        return self.more.get("order_class") == "mleg"

    @property
    def is_bound(self) -> bool:
        """Whether it is a leg that trades only together with the others."""
        return self.more.get("held") == "group"

    @property
    def has_limit(self) -> bool:
        return self.type in {"limit", "stop_limit", "limit_if_touched"}

    @property
    def awaits_price(self) -> bool:
        """Whether it waits until a price is reached."""
        return self.type not in {"market", "limit"}

    @property
    def has_stop(self) -> bool:
        """Whether its owner gives the price; a trailing stop finds its own."""
        return self.awaits_price and self.type != "trailing_stop"

    @property
    def is_falling(self) -> bool:
        """Whether it waits for a price that falls: a sell stop, a buy that wants to be touched."""
        return (self.side == "sell") != self.type.endswith("_touched")

    @property
    def trigger(self) -> str:
        """Who tells the price that it waits for."""
        return self.more.get("trigger", self.instrument.terms["trigger"])

    @property
    def is_forced(self) -> bool:
        """Whether the engine sent it to close a position."""
        return "forced" in self.more

    @property
    def is_armed(self) -> bool:
        return self.is_open and self.awaits_price and not self.triggered

    @property
    def terms(self) -> tuple[Any, ...]:
        """What a replace may change."""
        return (self.qty, self.limit_price, self.stop_price, self.time_in_force)


@dataclass
class Crossing:
    """An auction that was left and is being uncrossed, instrument by instrument."""

    auction: str
    exchange: Exchange
    next: int
    end: int
    below: int
    """Orders with this place in time or a later one came after the auction."""
    marks: dict[str, int]
    price: tuple[int, int] | None = None
    """The price of instrument `next` and what is left to trade at it."""


@dataclass
class Delayed:
    """A command that is under way: an `order`, a `cancel`, `cancel_all` or `replace`."""

    arrives_ns: int
    account: Account
    kind: str
    order: int = 0
    """The order that it is about; none for a cancel-all."""
    below: int = 0
    """A cancel-all is about orders with a smaller number."""
    asked: dict[str, Any] = field(default_factory=dict)
    """The new terms that a replace asks for."""
    on_tape: dict[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass
class World:
    """One world."""

    name: str
    created: dict[str, Any] | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    instruments: list[Instrument] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    open: list[Order] = field(default_factory=list)
    next_order: int = 1
    next_fill: int = 1
    next_priority: int = 1
    marked_ns: int = 0
    equity_ns: int = 0
    seq: int = 0
    now_ns: int = 0
    market_seq: int = 0
    turn_ns: int = 0
    turn_market_seq: int = 0
    currencies: list[str] = field(default_factory=list)
    """Codes in the order in which they came up."""
    rates: dict[tuple[str, str], int] = field(default_factory=dict)
    """What one unit of the first currency gives of the second, in 10^-9."""
    transfers: dict[tuple[str, int], int] = field(default_factory=dict)
    """Digests of the transfers that were done, by their id and account."""
    busted: set[int] = field(default_factory=set)
    """Numbers of the fills that were taken back."""
    margin_since_ns: int = 0
    """When the first margin account was opened."""
    margin_day_ends_ns: int = 0
    margin_days: int = 0
    """How many days of interest are being charged."""
    margin_next: tuple[int, int] = (0, 0)
    """Account and step (a currency, or beyond `FIRST_POSITION` a position) charged next."""
    dates_passed_ns: int = 0
    """Good-till-date orders with this date or an earlier one are past it."""
    actions: list[Any] = field(default_factory=list)
    """Corporate actions that are not over."""
    actions_over: list[str] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)
    arrivals: "list[Order]" = field(default_factory=list)
    """Orders that came alive and have not met the market yet."""
    trails_ns: int = 0
    """When trailing stops were recorded last."""
    events: list[dict[str, Any]] = field(default_factory=list)
    prints: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    is_market_input: bool = False
    under_way: list[Delayed] = field(default_factory=list)
    sent: int = 0
    """How many commands have been under way."""
    risk: Any = None
    """The risk state (`risk_state.Risk`), from the first policy or kill switch on."""
    on_prices: Callable[["World", Instrument], None] = lambda world, instrument: None
    """Told of instruments whose prices may have moved."""

    def emit(self, name: str, /, **fields: Any) -> None:
        """Notes an event; the first of a turn takes the next number of the tape."""
        if not self.events:
            self.seq += 1
            self.turn_ns = self.now_ns
            self.turn_market_seq = self.market_seq + self.is_market_input
        self.events.append({"e": name, **fields})
        if self.risk is not None:
            self.risk.hear(self, self.events[-1])

    @property
    def is_full(self) -> bool:
        """Whether mass work has to go on in a later turn."""
        return len(self.events) + 4 > 1_000

    def know(self, currency: str) -> None:
        """Notes a currency."""
        if currency not in self.currencies:
            self.currencies.append(currency)

    def open_orders(self, account: Account | None = None) -> list[Order]:
        """The open orders (of an account), by number."""
        return [one for one in self.open if account is None or one.account is account]

    def find_exchange(self, name: str) -> Exchange | None:
        """An exchange by its id."""
        return next((one for one in self.exchanges if one.id == name), None)

    def find_instrument(self, symbol: str) -> Instrument | None:
        """An instrument by its symbol; `BTCUSD` also finds `BTC/USD`."""
        named = [(name, one) for one in self.instruments for name in one.symbols]
        found = [one for name, one in named if name == symbol]
        if not found and "/" not in symbol:
            pairs = sorted((pair for pair in named if "/" in pair[0]), key=lambda pair: pair[0])
            found = [one for name, one in pairs if name.replace("/", "") == symbol]
        return found[0] if found else None

    def find_account(self, bits: int | None) -> Account | None:
        """An account by its id."""
        return next((one for one in self.accounts if one.id == bits), None)
