"""Replay: a market file as the only market of a world, on the file's own clock.

`ReplayMarket` is a body of the floor's port `MarketSource`. Bars come one a second of wall time,
ticks at the pace at which they happened; `speed` multiplies both. The record that the clock has
reached is known, the ones behind it are not: nothing here looks ahead. At the end of the data
the last market stands and the clock stops.

What the file does not say is added by plain rules, never by chance:

- a file of prints has no quotes: the print stands on one side (the aggressor's), the other side
  is one tick away;
- perpetuals and currency pairs are contracts with the usual margins of their class: accounts that
  pay in full trade them as before, margin accounts trade them with leverage and short;
- a currency pair's volume counts price changes, and a perpetual's is in contracts or in quote
  currency as often as in units; nothing in the file says which. Tick files show no sizes. There
  the usual size of the asset class is on display.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from papertape.markets.bars import MINUTE_NS, Bar, BarBuilder
from papertape.markets.files import BrokenFile, MarketFile, asset_class, contract_of, load
from papertape.markets.files.market_file import PRICES
from papertape.markets.files.scales import decimal_text, fixed_text
from papertape.markets.store import Partition

INPUTS_MOST = 500
BAR_NS = 10**9
"""Wall time that one bar takes at speed 1."""
STREET_SHARE_OF_VOLUME = "0.1"
SPREAD_TICKS = 1
DAY_SECONDS = 86_400
VOLUME_IN_OTHER_UNITS = ("fx", "perpetual")
"""Classes whose files count volume in price changes, contracts or quote currency, as they like."""

FORMING_NS = 10 * 10**9
BARS_SHOWN_AGAIN = 100
MINUTES_SHOWN_AGAIN = 10

Input = tuple[int, bytes]

_log = logging.getLogger(__name__)
Played = list[tuple[str, Bar]]


class ReplayMarket:
    """Plays a market file; raises `BrokenFile` when the file cannot be trusted.

    `world` is the name of the world that this file makes: the same file gives the same world.
    """

    def __init__(
        self,
        path: Path | str,
        speed: float | None = None,
        symbol: str | None = None,
        seed: int = 0,
        sharing: str = "shared",
    ) -> None:
        if speed is not None and not speed > 0:
            raise ValueError("the speed of a replay must be above zero")
        self._file = load(path, symbol)
        if self._file["time_ns"][0] < 0:
            raise BrokenFile(Path(path), None, "a world's clock cannot run before 1970")
        self._seed, self._sharing = seed, sharing
        self._class = asset_class(self._file.symbol)
        self._times: list[int] = self._file["time_ns"].tolist()
        self._clock = _clock_of(self._file, speed or 1.0)
        self._next = 0
        self._repeat: int | None = None
        self._now_ns: int = self._times[0]
        self._resumed_ns = self._now_ns
        self._builder = BarBuilder()
        self._closed: list[tuple[str, Bar]] = []
        self.world = world_name(self._file)

    # --- the port -----------------------------------------------------------------------------

    def listing(self) -> list[bytes]:
        """Give the commands that make the world, its exchange and its one instrument."""
        create = {"world": self.world, "seed": self._seed, "sharing": self._sharing}
        return [msgspec.json.encode(row) for row in _listing(self._file, create)]

    def resume(self, market_seq: int, time_ns: int, state: bytes | None) -> None:
        """Go on where a former run ended; its last record is shown once more as a quote.

        `state` is what `state()` gave; without one, `time_ns` tells how far the replay was if
        `market_seq` says that there was one.
        """
        saved = self._saved(state) if state is not None else None
        self._next, self._now_ns = saved or (0, self._times[0])
        if saved or market_seq > 0:
            # The tape may be ahead of the saved state: what it has seen is not played again.
            self._now_ns = max(self._now_ns, min(time_ns, self._times[-1]))
            seen = int(np.searchsorted(self._file["time_ns"], time_ns, "right"))
            self._next = max(self._next, seen)
        self._remember_bars()
        self._resumed_ns = self._now_ns
        self._repeat = self._next - 1 if self._next else None

    def _saved(self, state: bytes) -> tuple[int, int] | None:
        """Read the next record and the clock; None when damaged: the tape's time will do."""
        try:
            saved = msgspec.json.decode(state, type=dict[str, int])
            return min(max(saved["next"], 0), len(self._times)), saved["now_ns"]
        except (msgspec.DecodeError, KeyError) as error:
            _log.warning("where the replay was cannot be read, the tape tells it: %s", error)
            return None

    def now_ns(self, elapsed_ns: int) -> int:
        """Give the world's time after so much wall time since the start or `resume`."""
        self._now_ns = max(self._now_ns, self._clock.after(self._resumed_ns, elapsed_ns))
        return self._now_ns

    def act(self, world: Any, now_ns: int) -> list[Input]:  # noqa: ARG002 - the port has it
        """Give the inputs of the records due at `now_ns`, oldest first, about 500 at most."""
        inputs: list[Input] = []
        if self._repeat is not None:
            inputs.append((self._resumed_ns, self._quote_of(self._repeat)))
            self._repeat = None
        while (
            self._next < len(self._times)
            and self._times[self._next] <= now_ns
            and len(inputs) < INPUTS_MOST
        ):
            inputs += self._inputs_of(self._next)
            self._next += 1
        return inputs

    def state(self) -> bytes:
        """Give what `resume` needs: the number of the next record, and the clock."""
        return msgspec.json.encode({"next": self._next, "now_ns": self._now_ns})

    @property
    def next_due_ns(self) -> int | None:
        """Tell when the next record is due; None at the end of the data."""
        if self._repeat is not None:
            return self._now_ns
        return self._times[self._next] if self._next < len(self._times) else None

    # --- beside the port ----------------------------------------------------------------------

    @property
    def bar_partition(self) -> Partition:
        """How the bar store should cut this file's bars: coarse bars into longer parts."""
        seconds = self._file.bar_seconds
        if seconds >= DAY_SECONDS:
            return "year"
        return "month" if seconds >= DAY_SECONDS // 24 else "day"

    def closed_bars(self) -> Played:
        """Hand over, once, the bars of what `act` has played since the last call.

        A bar file brings its own; ticks make 1-minute bars, of prints or (volume 0) of the mid.
        A bar of ticks that still forms is among them every ten seconds: a bar that comes again
        with the same time replaces the one before.
        """
        played, self._closed = self._closed, []
        return played

    def _remember_bars(self) -> None:
        """Begin again with the latest bars: a kill may have come before they were kept."""
        self._builder, self._closed = BarBuilder(), []
        if self._file.kind == "bars":
            first = max(0, self._next - BARS_SHOWN_AGAIN)
        else:
            minute = self._now_ns - self._now_ns % MINUTE_NS
            since = minute - MINUTES_SHOWN_AGAIN * MINUTE_NS
            first = int(np.searchsorted(self._file["time_ns"], since))
        for at in range(first, self._next):
            self._keep_bar(at)

    def _keep_bar(self, at: int) -> None:
        symbol, time_ns = self._file.symbol, self._times[at]
        if self._file.kind == "bars":
            prices = [self._shown_price(name, at) for name in PRICES["bars"]]
            volume = self._qty("volume", at)
            bar = Bar._make((time_ns, *prices, volume, None, None))
            self._closed.append((symbol, bar))
            return
        bars = [self._builder.add(symbol, time_ns, *self._print_of(at))]
        is_last = at == len(self._times) - 1
        if is_last or time_ns // FORMING_NS != self._times[at + 1] // FORMING_NS:
            bars.append(self._builder.forming(symbol))
        self._closed += [(symbol, bar) for bar in bars if bar is not None]

    def _print_of(self, at: int) -> tuple[str, str]:
        """Give price and quantity of a tick; a quote counts as nothing traded at its mid."""
        if self._file.kind == "trades":
            return self._shown_price("price", at), self._qty("qty", at)
        return self._shown(int(self._file["bid"][at] + self._file["ask"][at]) // 2), "0"

    # --- records into inputs --------------------------------------------------------------------

    def _inputs_of(self, at: int) -> list[Input]:
        self._keep_bar(at)
        time_ns = max(self._times[at], self._resumed_ns)
        if self._file.kind == "bars":
            return [(time_ns, self._bar(at))]
        if self._file.kind == "quotes":
            return [(time_ns, self._quote_of(at))]
        return [(time_ns, self._quote_of(at)), (time_ns, self._trade(at))]

    def _bar(self, at: int) -> bytes:
        prices = [self._shown_price(name, at) for name in PRICES["bars"]]
        volume = self._qty("volume", at)
        if self._class.name in VOLUME_IN_OTHER_UNITS:
            volume = str(10 * int(self._class.usual_size))
        row = dict(zip(PRICES["bars"], prices, strict=True))
        return self._encode("bar", row | {"volume": volume})

    def _trade(self, at: int) -> bytes:
        row = {"price": self._shown_price("price", at), "qty": self._qty("qty", at)}
        side = int(self._file["side"][at])
        return self._encode(
            "trade", row | ({"side": "buy" if side > 0 else "sell"} if side else {})
        )

    def _quote_of(self, at: int) -> bytes:
        bid, ask = self._street(at)
        row = {"bid": self._shown(bid), "ask": self._shown(ask)}
        return self._encode("quote", row | self._sizes(at))

    def _street(self, at: int) -> tuple[int, int]:
        """Give bid and ask of a record, in price units; a lone price is one of the two."""
        if self._file.kind == "quotes":
            return int(self._file["bid"][at]), int(self._file["ask"][at])
        width = SPREAD_TICKS * self._file.tick
        if self._file.kind == "trades" and self._file["side"][at] > 0:
            ask = int(self._file["price"][at])
            return max(ask - width, self._file.tick), ask
        bid = int(self._file["close" if self._file.kind == "bars" else "price"][at])
        return bid, bid + width

    def _sizes(self, at: int) -> dict[str, str]:
        if self._file.kind != "quotes":
            return {"bid_size": self._class.usual_size, "ask_size": self._class.usual_size}
        sizes = {name: self._qty(name, at) for name in ("bid_size", "ask_size")}
        return {name: self._class.usual_size if s == "0" else s for name, s in sizes.items()}

    def _shown_price(self, name: str, at: int) -> str:
        return self._shown(int(self._file[name][at]))

    def _shown(self, price: int) -> str:
        return fixed_text(price, self._file.price_scale, self._file.price_digits)

    def _qty(self, name: str, at: int) -> str:
        return decimal_text(int(self._file[name][at]), self._file.qty_scale)

    def _encode(self, kind: str, row: dict[str, str]) -> bytes:
        return msgspec.json.encode({"kind": kind, "symbol": self._file.symbol, **row})


# --- clocks -----------------------------------------------------------------------------------


class _TickClock:
    """World time runs like wall time, `speed` times as fast, until the last record."""

    def __init__(self, last_ns: int, speed: float) -> None:
        self._last_ns = last_ns
        self._speed = speed

    def after(self, start_ns: int, elapsed_ns: int) -> int:
        return min(start_ns + int(elapsed_ns * self._speed), self._last_ns)


class _BarClock:
    """Every distance between two bars takes the same wall time, however long it was."""

    def __init__(self, times: list[int], speed: float) -> None:
        self._times = times
        self._speed = speed

    def after(self, start_ns: int, elapsed_ns: int) -> int:
        return self._time(self._place(start_ns) + int(elapsed_ns * self._speed))

    def _place(self, time_ns: int) -> int:
        """Turn a world time into wall nanoseconds since the first bar, at speed 1."""
        at = int(np.searchsorted(self._times, time_ns, "right")) - 1
        if at >= len(self._times) - 1:
            return (len(self._times) - 1) * BAR_NS
        step = self._times[at + 1] - self._times[at]
        return at * BAR_NS + (time_ns - self._times[at]) * BAR_NS // step

    def _time(self, place: int) -> int:
        at, part = divmod(place, BAR_NS)
        if at >= len(self._times) - 1:
            return self._times[-1]
        return self._times[at] + (self._times[at + 1] - self._times[at]) * part // BAR_NS


def _clock_of(file: MarketFile, speed: float) -> _TickClock | _BarClock:
    times: list[int] = file["time_ns"].tolist()
    return _BarClock(times, speed) if file.kind == "bars" else _TickClock(times[-1], speed)


# --- the world of a file ------------------------------------------------------------------------


def world_name(file: MarketFile) -> str:
    """Name the world of a file: `replay-<symbol>-<8 hex digits of the file's hash>`.

    A world whose instrument is a contract ends in `-m`: files were replayed without before.
    """
    symbol = re.sub(r"[^a-z0-9]+", "-", file.symbol.lower()).strip("-")
    if contract_of(file.symbol):
        return f"replay-{symbol[:21]}-{file.digest[:8]}-m"
    return f"replay-{symbol[:23]}-{file.digest[:8]}"


def _listing(file: MarketFile, create: dict[str, Any]) -> list[dict[str, Any]]:
    kind = asset_class(file.symbol)
    profile = {
        "name": "realistic",
        "spread_ticks": SPREAD_TICKS,
        "participation": STREET_SHARE_OF_VOLUME,
        "market_orders": "street",
    }
    fees = {"maker_rate": "0", "taker_rate": "0", "per_share": "0", "minimum": "0"} | kind.fees
    return [
        {"kind": "create_world", **create},
        {
            "kind": "list_exchange",
            "exchange": kind.exchange,
            "name": f"Replay of {file.path.name}",
            "currency": "USD",
            "calendar": "always",
            "fees": fees,
            "profile": profile,
        },
        {
            "kind": "list_instrument",
            **listing_of(file),
            "exchange": kind.exchange,
            "contract": contract_of(file.symbol) or None,
        },
    ]


def listing_of(file: MarketFile) -> dict[str, Any]:
    """Give the terms under which a file's instrument is listed, for replay and backtest alike.

    Prices count in US dollars, one unit a contract, whatever the outside market used.
    """
    kind = asset_class(file.symbol)
    return {
        "symbol": file.symbol,
        "name": file.symbol,
        "asset_class": kind.name,
        "sector": "",
        "currency": "USD",
        "tick_size": decimal_text(file.tick, file.price_scale),
        "lot_size": kind.lot_size,
        "price_scale": file.price_scale,
        "qty_scale": file.qty_scale,
        "source": "street",
        "trigger": "bid_ask",
    }
