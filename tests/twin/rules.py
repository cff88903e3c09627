"""The questions `rules` and `presets`: which fees and fill profile count, and what has a name."""

from typing import Any

from twin import fees, profile
from twin.fields import is_name
from twin.state import Exchange, Instrument, World


def show_rules(world: World, scope: Exchange | Instrument) -> dict[str, Any]:
    """What counts for an exchange or instrument, and where it was said."""
    exchange = scope if isinstance(scope, Exchange) else scope.exchange
    return {
        "exchange": exchange.id,
        "symbol": None if isinstance(scope, Exchange) else scope.symbol,
        "version": scope.rules_version,
        "profile": profile.show(scope.profile),
        "profile_from": said_by(scope.set_profile, exchange.set_profile),
        "fees": fees.show(scope.fees),
        "fees_from": said_by(scope.set_fees, exchange.set_fees),
        "as_of_seq": world.seq,
    }


def said_by(own: Any, of_exchange: Any) -> str:
    """Where a rule was said: for itself, for its exchange, or when that was listed."""
    if own is not None:
        return "own"
    return "listing" if of_exchange is None else "exchange"


def show_presets(_: World) -> dict[str, Any]:
    """The profiles and the fee schedules that have a name."""
    return {
        "profiles": [
            {"name": name, "profile": profile.show(profile.preset(name))}
            for name in profile.PRESETS
        ],
        "fees": [
            {"name": name, "fees": fees.show(fees.read({"preset": name}, is_name))}
            for name in fees.PRESETS
        ],
    }
