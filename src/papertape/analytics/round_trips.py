"""Round trips: from nothing held to nothing held again, with what was made on the way.

A trade is a round trip of one instrument (LEAN calls this grouping flat to flat): it begins with
the fill that opens a position and ends with the one after which nothing is held. Its profit is all
that came in less all that went out, fees included. A fill that turns a long position short, or the
other way round, ends one trip and begins the next; its money is shared by quantity.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

_NOTHING = Decimal(0)
_MONEY = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Change:
    """What a fill, a split, an expiry did to a holding.

    `qty` is what came (negative: went), `money` what was got (negative: paid) without the fee. A
    trip that ends with what `ends_a_trade` not (a trade that was taken back) is none.
    """

    symbol: str
    time_ns: int
    qty: Decimal
    money: Decimal = _NOTHING
    fee: Decimal = _NOTHING
    ends_a_trade: bool = True


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One trade from begin to end; `profit` is net of `fees`."""

    symbol: str
    opened_ns: int
    closed_ns: int
    profit: Decimal
    fees: Decimal


@dataclass(slots=True)
class Holding:
    """What is held and not closed yet, and the money that moved for it (fees taken off)."""

    symbol: str
    opened_ns: int
    qty: Decimal = _NOTHING
    money: Decimal = _NOTHING
    fees: Decimal = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStatistics:
    """Figures of closed trades. Losses are negative; what is not defined is None."""

    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: float | None
    profit_factor: float | None
    gross_profit: Decimal
    gross_loss: Decimal
    avg_win: Decimal | None
    avg_loss: Decimal | None
    largest_win: Decimal | None
    largest_loss: Decimal | None


def round_trips(changes: Iterable[Change]) -> tuple[list[RoundTrip], list[Holding]]:
    """The trips that ended, in the order of their ends, and what is still held."""
    held: dict[str, Holding] = {}
    ended: list[RoundTrip] = []
    for change in changes:
        holding = held.setdefault(change.symbol, Holding(change.symbol, change.time_ns))
        closing, opening = _split(change, holding.qty)
        _add(holding, closing)
        if not holding.qty and change.qty:
            if change.ends_a_trade:
                ended.append(_trip(holding, change.time_ns))
            del held[change.symbol]
            if opening is not None:
                held[change.symbol] = Holding(change.symbol, change.time_ns)
                _add(held[change.symbol], opening)
    return ended, [holding for holding in held.values() if holding.qty]


def trade_statistics(profits: Sequence[Decimal]) -> TradeStatistics:
    """Count and weigh closed trades by their profits."""
    gains = [profit for profit in profits if profit > 0]
    losses = [profit for profit in profits if profit < 0]
    gained, lost = sum(gains, _NOTHING), sum(losses, _NOTHING)
    return TradeStatistics(
        total_trades=len(profits),
        winning_trades=len(gains),
        losing_trades=len(losses),
        win_rate=len(gains) / len(profits) if profits else None,
        profit_factor=float(gained / -lost) if losses else None,
        gross_profit=gained,
        gross_loss=lost,
        avg_win=_mean(gained, len(gains)),
        avg_loss=_mean(lost, len(losses)),
        largest_win=max(gains, default=None),
        largest_loss=min(losses, default=None),
    )


def _split(change: Change, held: Decimal) -> tuple[Change, Change | None]:
    """The part of a change that closes what is held, and the part that opens the other way."""
    turns = held * change.qty < 0 and abs(change.qty) > abs(held)
    if not turns:
        return change, None
    money, fee = (
        (amount * -held / change.qty).quantize(_MONEY, ROUND_HALF_EVEN)
        for amount in (change.money, change.fee)
    )
    symbol, time_ns = change.symbol, change.time_ns
    closing = Change(symbol, time_ns, -held, money, fee)
    rest = (change.qty + held, change.money - money, change.fee - fee)
    return closing, Change(symbol, time_ns, *rest)


def _add(holding: Holding, change: Change) -> None:
    holding.qty += change.qty
    holding.money += change.money - change.fee
    holding.fees += change.fee


def _trip(holding: Holding, closed_ns: int) -> RoundTrip:
    return RoundTrip(holding.symbol, holding.opened_ns, closed_ns, holding.money, holding.fees)


def _mean(total: Decimal, count: int) -> Decimal | None:
    return (total / count).quantize(_MONEY, ROUND_HALF_EVEN) if count else None
