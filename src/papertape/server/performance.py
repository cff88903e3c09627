"""What accounts and strategies made, from the read models: figures by `papertape.analytics`.

An account's history begins with its last reset. Everything that blocks runs on a thread. Nothing
here is a balance: what an account has now is asked of the floor.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from papertape import analytics
from papertape.analytics import Change, Holding, TradeStatistics
from papertape.analytics.returns import FloatArray
from papertape.domain.decimal_text import decimal_text
from papertape.domain.time_text import MINUTE_NS, SECOND_NS
from papertape.server.accounts import Accounts
from papertape.server.auth.account_store import OwnedAccount
from papertape.server.auth.label_store import LabelStore
from papertape.server.symbols import Symbols
from papertape.storage.lives import Lives
from papertape.storage.rows import Row

WEEKDAYS_A_YEAR = 252
DAYS_A_YEAR = 365

_FROM_OUTSIDE = ("deposit", "withdrawal", "transfer")
_OF_FILLS = ("trade", "fee", "variation")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """What must be known of instruments: which are margined, which are crypto."""

    margined: frozenset[str]
    crypto: frozenset[str]
    currencies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Life:
    """What happened to an account since it began, or began again."""

    currency: str
    fills: Sequence[Row]
    lines: Sequence[Row]
    equity: Sequence[tuple[int, Decimal]]


class Performance:
    """Metrics of accounts and strategies."""

    def __init__(
        self, accounts: Accounts, symbols: Symbols, lives: Lives, labels: LabelStore
    ) -> None:
        self._accounts = accounts
        self._symbols = symbols
        self._lives = lives
        self._labels = labels

    async def metrics(self, account: OwnedAccount) -> dict[str, Any]:
        """The metrics of an account, as `MetricsReply` says them."""
        now = (await self._accounts.value(account)).account
        instruments = await self._instruments()
        life = await asyncio.to_thread(self._life, account.account_id, now["currency"])
        return await asyncio.to_thread(_metrics, life, instruments, Decimal(now["equity"]))

    async def trade_figures(
        self, account: OwnedAccount, from_ns: int | None, to_ns: int | None
    ) -> dict[str, Any]:
        """Figures of the trades that were closed in a time, as `TradeFigures` says them."""
        now = (await self._accounts.value(account)).account
        instruments = await self._instruments()
        life = await asyncio.to_thread(self._life, account.account_id, now["currency"])
        return await asyncio.to_thread(_figures_between, life, instruments, from_ns, to_ns)

    async def strategies(self, account: OwnedAccount) -> list[dict[str, Any]]:
        """What each strategy of an account made, as `StrategyReply` says it."""
        value = await self._accounts.value(account)
        held = msgspec.json.decode(value.positions)
        instruments = await self._instruments()
        currency = value.account["currency"]
        life = await asyncio.to_thread(self._life, account.account_id, currency)
        named = await asyncio.to_thread(self._strategies_of_orders, account.account_id)
        return await asyncio.to_thread(_by_strategy, life, instruments, named, _values(held))

    async def holders(self, account: OwnedAccount) -> dict[str, str]:
        """The strategy that alone holds a position, by its symbol; shared ones are left out."""
        named = await asyncio.to_thread(self._strategies_of_orders, account.account_id)
        if not named:
            return {}
        began = await asyncio.to_thread(self._lives.began, account.account_id)
        fills = await asyncio.to_thread(self._lives.fills, account.account_id, began)
        return _holders(fills, named)

    async def _instruments(self) -> Listed:
        items = await self._symbols.instruments()
        return Listed(
            frozenset(item["symbol"] for item in items if _is_margined(item)),
            frozenset(item["symbol"] for item in items if item["asset_class"].startswith("crypto")),
            {item["symbol"]: item["currency"] for item in items},
        )

    def _life(self, account_id: str, currency: str) -> Life:
        """Everything since the last reset."""
        began = self._lives.began(account_id)
        return Life(
            currency,
            self._lives.fills(account_id, began),
            self._lives.lines(account_id, began, without=_OF_FILLS),
            self._lives.equity(account_id, began),
        )

    def _strategies_of_orders(self, account_id: str) -> dict[str, str]:
        """The strategy of each order; legs of a group have that of their parent."""
        named = self._labels.strategies(account_id)
        if not named:
            return {}
        parents = self._lives.parents(account_id)
        legs = {leg: named[parent] for leg, parent in parents.items() if parent in named}
        return legs | named


def _is_margined(item: Mapping[str, Any]) -> bool:
    """Whether trades of it move no cash but profit and loss."""
    return item["asset_class"] in {"future", "perpetual"} or (
        item["asset_class"] == "fx" and "contract" in item
    )


def _metrics(life: Life, listed: Listed, equity_now: Decimal) -> dict[str, Any]:
    figures = _figures_between(life, listed, None, None)
    put_in = _put_in(life)
    total = None if put_in is None else _money(equity_now - sum(put_in.values(), Decimal(0)))
    returns: dict[str, Any] = {"total_return": None, "sharpe_ratio": None, "max_drawdown": None}
    if put_in is not None:
        is_crypto = any(fill["symbol"] in listed.crypto for fill in life.fills)
        returns |= _returns(life.equity, put_in, equity_now, is_crypto=is_crypto)
    return returns | figures | {"total_pnl": total}


def _put_in(life: Life) -> dict[int, Decimal] | None:
    """Money of the owner by minute; None when some was in a currency of unknown worth."""
    moved: dict[int, Decimal] = defaultdict(Decimal)
    for line in life.lines:
        if line["kind"] not in _FROM_OUTSIDE:
            continue
        if line["asset"] != life.currency:
            return None
        moved[line["time_ns"] // MINUTE_NS * MINUTE_NS] += Decimal(line["amount"])
    return moved


def _returns(
    equity: Sequence[tuple[int, Decimal]],
    put_in: Mapping[int, Decimal],
    equity_now: Decimal,
    *,
    is_crypto: bool,
) -> dict[str, float | None]:
    points = dict(equity)
    minutes = sorted({*points, *put_in})
    if not minutes:
        return {}
    worth: list[float] = []
    for minute in minutes:
        last = worth[-1] if worth else 0.0
        known = points.get(minute)
        worth.append(last + float(put_in.get(minute, 0)) if known is None else float(known))
    flows = [float(put_in.get(minute, 0)) for minute in minutes]
    returns = analytics.time_weighted_returns([*worth, float(equity_now)], [*flows, 0.0])
    daily = _daily(minutes, analytics.wealth(returns), is_crypto=is_crypto)
    yearly = DAYS_A_YEAR if is_crypto else WEEKDAYS_A_YEAR
    return {
        "total_return": _finite(analytics.total_return(returns)),
        "sharpe_ratio": _finite(analytics.sharpe(daily, yearly)),
        "max_drawdown": _finite(analytics.max_drawdown(returns)),
    }


def _daily(minutes: Sequence[int], wealth: FloatArray, *, is_crypto: bool) -> FloatArray:
    """Returns from day to day (UTC); a day without a change has none but a zero."""
    last_of: dict[date, float] = {}
    for minute, value in zip(minutes, wealth[1:], strict=False):
        last_of[_day(minute)] = float(value)
    last_of[_day(minutes[-1])] = float(wealth[-1])
    closes, value = [1.0], 1.0
    for day in _days(_day(minutes[0]), _day(minutes[-1])):
        value = last_of.get(day, value)
        if is_crypto or day.weekday() < _SATURDAY:
            closes.append(value)
        else:
            closes[-1] = value
    return analytics.simple_returns(closes)


def _day(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).date()


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _figures_between(
    life: Life, listed: Listed, from_ns: int | None, to_ns: int | None
) -> dict[str, Any]:
    """Figures of the trips that ended, and fees that were paid, in a time."""

    def is_within(time_ns: int) -> bool:
        return (from_ns is None or time_ns >= from_ns) and (to_ns is None or time_ns < to_ns)

    changes = _changes(life, listed)
    trips, _ = analytics.round_trips(changes)
    profits = [trip.profit for trip in trips if is_within(trip.closed_ns)]
    fees = sum((change.fee for change in changes if is_within(change.time_ns)), Decimal(0))
    return _told(analytics.trade_statistics(profits), fees)


def _changes(life: Life, listed: Listed) -> list[Change]:
    """What happened to holdings, in order, of instruments in the account's currency.

    Fills count with their whole value, also those of margined contracts, whose profit is the same
    in the end. What is no fill (a split, an expiry, a delisting, a correction) counts with the cash
    of its entry. A margined contract that expires has none there: its last trip does not count.
    """
    own = {symbol for symbol, currency in listed.currencies.items() if currency == life.currency}
    found = [
        ((fill["seq"], fill["i"]), _change_of_fill(fill))
        for fill in life.fills
        if fill["symbol"] in own
    ]
    entries: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for line in life.lines:
        if line["kind"] not in _FROM_OUTSIDE:
            entries[line["seq"], line["i"]].append(line)
    found += [
        (place, change)
        for place, lines in entries.items()
        for change in _changes_of_entry(lines, life.currency, own - listed.margined)
    ]
    found.sort(key=lambda one: one[0])
    return [change for _, change in found]


def _changes_of_entry(lines: Sequence[Row], currency: str, symbols: set[str]) -> list[Change]:
    """What an entry of the ledger without a fill did to holdings.

    A correction has the value that goes back, the holding and the fee, in this order; what it
    undoes is no trade.
    """
    moved = [line for line in lines if line["asset"] in symbols]
    cash = [Decimal(line["amount"]) for line in lines if line["asset"] == currency]
    is_correction = any(line["kind"] == "correction" for line in lines)
    fee = -cash.pop() if is_correction and len(cash) > 1 else Decimal(0)
    money = sum(cash, Decimal(0)) if len(moved) == 1 else Decimal(0)
    return [
        Change(
            line["asset"],
            line["time_ns"],
            Decimal(line["amount"]),
            money,
            fee,
            ends_a_trade=not is_correction,
        )
        for line in moved
    ]


def _change_of_fill(fill: Row) -> Change:
    sign = 1 if fill["side"] == "buy" else -1
    qty, notional = Decimal(fill["qty"]) * sign, Decimal(fill["notional"]) * -sign
    return Change(fill["symbol"], fill["time_ns"], qty, notional, Decimal(fill["fee"]))


def _values(held: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What one unit of each instrument that the account holds is worth now."""
    return {
        position["symbol"]: Decimal(position["market_value"]) / Decimal(position["qty"])
        for position in held
        if position["market_value"] is not None and Decimal(position["qty"])
    }


def _by_strategy(
    life: Life, listed: Listed, named: Mapping[str, str], worth: Mapping[str, Decimal]
) -> list[dict[str, Any]]:
    fills: dict[str | None, list[Row]] = defaultdict(list)
    for fill in life.fills:
        if listed.currencies.get(fill["symbol"]) == life.currency:
            fills[named.get(fill["order_id"])].append(fill)
    order = sorted(fills, key=lambda name: (name is None, name or ""))
    return [{"strategy": name} | _of_strategy(fills[name], worth) for name in order]


def _holders(fills: Sequence[Row], named: Mapping[str, str]) -> dict[str, str]:
    held: dict[str, dict[str | None, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for fill in fills:
        qty = Decimal(fill["qty"]) * (1 if fill["side"] == "buy" else -1)
        held[fill["symbol"]][named.get(fill["order_id"])] += qty
    holders = {
        symbol: [name for name, qty in of_symbol.items() if qty]
        for symbol, of_symbol in held.items()
    }
    return {symbol: name for symbol, (name, *more) in _some(holders) if name and not more}


def _some(holders: Mapping[str, list[str | None]]) -> Iterable[tuple[str, list[str | None]]]:
    return ((symbol, names) for symbol, names in holders.items() if names)


def _of_strategy(fills: Sequence[Row], worth: Mapping[str, Decimal]) -> dict[str, Any]:
    trips, held = analytics.round_trips(map(_change_of_fill, fills))
    profits = [trip.profit for trip in trips]
    realized = sum(profits, Decimal(0))
    unrealized = _worth_of(held, worth)
    fees = sum((Decimal(fill["fee"]) for fill in fills), Decimal(0))
    return _told(analytics.trade_statistics(profits), fees) | {
        "fills": len(fills),
        "realized_pl": _money(realized),
        "unrealized_pl": None if unrealized is None else _money(unrealized),
        "total_pnl": None if unrealized is None else _money(realized + unrealized),
    }


def _worth_of(held: Sequence[Holding], worth: Mapping[str, Decimal]) -> Decimal | None:
    """Profit of what is held; None when the price of some of it is not known."""
    if any(holding.symbol not in worth for holding in held):
        return None
    return sum(
        (holding.qty * worth[holding.symbol] + holding.money for holding in held), Decimal(0)
    )


def _told(statistics: TradeStatistics, fees: Decimal) -> dict[str, Any]:
    """Statistics as they travel: money as decimal text."""
    return {
        "win_rate": statistics.win_rate,
        "profit_factor": statistics.profit_factor,
        "total_trades": statistics.total_trades,
        "winning_trades": statistics.winning_trades,
        "losing_trades": statistics.losing_trades,
        "avg_win": _money(statistics.avg_win),
        "avg_loss": _money(statistics.avg_loss),
        "largest_win": _money(statistics.largest_win),
        "largest_loss": _money(statistics.largest_loss),
        "gross_profit": _money(statistics.gross_profit),
        "gross_loss": _money(statistics.gross_loss),
        "commission": _money(fees),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else decimal_text(round(amount, 6), decimals_min=2)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
