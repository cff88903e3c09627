"""The instruments that the simulated market lists, read from `universe.json` next to this file.

To add an instrument, add a line to the JSON: its listing, and what only the simulation needs.
"""

from importlib.resources import files

import msgspec


class Fees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an exchange takes for a fill: shares of the notional, and currency for each share."""

    maker_rate: str
    taker_rate: str
    per_share: str
    minimum: str


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an exchange fills orders when prices come as bars."""

    name: str
    spread_ticks: int
    participation: str
    market_orders: str


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exchange, with the fields of the `list_exchange` command."""

    exchange: str
    name: str
    currency: str
    calendar: str
    fees: Fees
    profile: Profile


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instrument: the fields of the `list_instrument` command, and how its price behaves.

    `price` is where the market starts (decimal text in currency), `volatility` the standard
    deviation of a year's log return, `daily_volume` what changes hands in 24 hours, and
    `prints_per_second` the average number of market orders of the crowd.
    """

    symbol: str
    name: str
    asset_class: str
    exchange: str
    sector: str
    currency: str
    tick_size: str
    lot_size: str
    price_scale: int
    qty_scale: int
    price: str
    volatility: float
    daily_volume: float
    prints_per_second: float


class Universe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All exchanges and instruments of a simulated market."""

    exchanges: list[Exchange]
    instruments: list[Instrument]


ONLY_SIMULATED = ("price", "volatility", "daily_volume", "prints_per_second")


def load_universe() -> Universe:
    """The universe that comes with Papertape: a dozen US stocks and three crypto pairs."""
    data = files(__package__).joinpath("universe.json").read_bytes()
    return msgspec.json.decode(data, type=Universe)


def listing_commands(
    universe: Universe, *, world: str, seed: int, sharing: str = "shared"
) -> list[bytes]:
    """The commands that create `world` and list the universe in it, as JSON."""
    create = {"kind": "create_world", "world": world, "seed": seed, "sharing": sharing}
    exchanges = [{"kind": "list_exchange", **msgspec.to_builtins(e)} for e in universe.exchanges]
    instruments = [_list_instrument(instrument) for instrument in universe.instruments]
    return [msgspec.json.encode(command) for command in (create, *exchanges, *instruments)]


def simulation_listings(universe: Universe) -> list[bytes]:
    """The instruments as `papertape.engine.SimulatedMarket` takes them, as JSON."""
    return [msgspec.json.encode(instrument) for instrument in universe.instruments]


def _list_instrument(instrument: Instrument) -> dict[str, object]:
    fields = msgspec.to_builtins(instrument)
    terms = {name: value for name, value in fields.items() if name not in ONLY_SIMULATED}
    return {"kind": "list_instrument", **terms, "source": "agents", "trigger": "last"}
