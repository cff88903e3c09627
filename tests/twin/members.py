"""The members that a command may have; one that nobody knows is refused."""

from typing import Any

from twin.state import Refused

TERMS = (
    "trail_price trail_percent trigger display_qty hidden post_only reduce_only notional "
    "expires_ns expire_time extended_hours order_class take_profit stop_loss legs self_trade "
    "do_not_reduce lot_ids when_closed position_intent"
)
ORDER = (
    f"account_id client_order_id symbol side type qty limit_price stop_price time_in_force {TERMS}"
)
TRANSFER = "account_id currency amount transfer_id"
FILL = "account_id fill_id symbol side qty notional fee realized_pl"
MEMBERS = {
    "submit": ORDER,
    "submit_all": "account_id orders",
    "preview": ORDER,
    "replace": f"account_id order_id qty limit_price stop_price time_in_force {TERMS}",
    "cancel": "account_id order_id",
    "cancel_list": "account_id orders",
    "cancel_all": "account_id",
    "value": "account_id",
    "book": "symbol depth",
    "instruments": "",
    "exchanges": "",
    "presets": "",
    "time": "",
    "checkpoint": "",
    "quote": "symbol bid bid_size ask ask_size",
    "depth": "symbol bids asks",
    "trade": "symbol price qty side",
    "bar": "symbol open high low close volume",
    "agent_order": "symbol agent id side price qty",
    "agent_cancel": "symbol agent id",
    "create_world": "world seed sharing",
    "list_exchange": "exchange name currency calendar fees profile mic band halt_auction",
    "list_instrument": (
        "symbol name asset_class exchange sector industry currency tick_size lot_size "
        "price_scale qty_scale source trigger contract tick_table band"
    ),
    "open_account": (
        "account_id owner account_kind currency starting_cash multiplier "
        "maintenance_rate short_maintenance_rate interest_rate cost_method"
    ),
    "session": "exchange state auction next_ns next_open_ns",
    "halt": "symbol exchange reason",
    "resume": "symbol exchange auction",
    "corporate_action": (
        "symbol action_id action ex_ns pay_ns amount new old new_symbol name price"
    ),
    "call_off_corporate_action": "action_id",
    "set_profile": "symbol exchange profile if_version",
    "set_fees": "symbol exchange fees if_version",
    "rules": "symbol exchange",
    "exercise": "account_id symbol qty",
    "do_not_exercise": "account_id symbol revoke",
    "settle": "symbol price at_expiry",
    "funding": "symbol rate",
    "set_rate": "from to rate",
    "set_margin": "symbol initial_rate maintenance_rate shortable borrow_qty borrow_rate",
    "set_settlement": "exchange days",
    "deposit": "account_id currency amount",
    "withdraw": "account_id currency amount",
    "transfer_in": TRANSFER,
    "transfer_out": TRANSFER,
    "convert": "account_id from to amount",
    "reset": "account_id starting_cash",
    "record_trade": "account_id symbol side qty price fee",
    "bust_trade": FILL,
    "correct_trade": f"{FILL} new_symbol new_side new_qty new_price new_fee",
    "set_policy": "policy if_version",
    "policy": "",
    "kill_switch": "scope account_id owner on flatten reason set_by",
    "set_status": "account_id status reason",
    "resume_account": "account_id",
    "risk": "account_id",
    "usage": "account_id",
}
PARTS = {
    "take_profit": "limit_price",
    "stop_loss": "stop_price limit_price trail_price trail_percent",
    "legs": "symbol side ratio_qty position_intent",
}
FEES = (
    "preset maker_rate taker_rate per_share minimum per_contract fixed cap_rate maximum "
    "whole_order sale_rate sale_per_share sale_cap tiers"
)
TIER = "volume maker_rate taker_rate"
PROFILE = (
    "preset name spread_ticks participation market_orders spread_rate depth slippage "
    "slippage_ticks slippage_rate daily_volume daily_volatility outstanding factors "
    "command_latency event_latency queue bar_through path gap partial_rate"
)
FACTOR = "asset_class phase condition factor"
LATENCY = "model mean_ms deviation_ms sigma least_ms most_ms"


def check(kind: str, command: Any) -> None:
    """Refuses a command with a member that nobody knows."""
    if kind not in MEMBERS:
        return
    refuse_unknown(command, f"{MEMBERS[kind]} kind request_id")
    for name, known in PARTS.items() if kind in {"submit", "preview", "replace"} else ():
        part = command.get(name)
        for one in part if isinstance(part, list) else [part]:
            refuse_unknown(one, known)


def refuse_unknown(value: Any, known: str) -> None:
    """Refuses the first member that nobody knows, by its name."""
    for name in value if isinstance(value, dict) else ():
        if name not in known.split():
            raise Refused("malformed", "malformed", None, name[:40])


def has_unknown(value: Any, known: str) -> bool:
    """Whether an object has a member that is none of those."""
    return isinstance(value, dict) and not value.keys() <= set(known.split())


def has_unknown_fee(fees: Any) -> bool:
    """Whether a schedule, or one of its tiers, has a member that nobody knows."""
    return has_unknown(fees, FEES) or any(has_unknown(one, TIER) for one in listed(fees, "tiers"))


def has_unknown_rule(profile: Any) -> bool:
    """Whether a fill profile has one, or a part of it."""
    parts = [profile.get(name) for name in ("command_latency", "event_latency")]
    return (
        has_unknown(profile, PROFILE)
        or any(has_unknown(one, FACTOR) for one in listed(profile, "factors"))
        or any(has_unknown(one, LATENCY) for one in parts)
    )


def listed(value: Any, name: str) -> list[Any]:
    """A member that is a list; nothing when it is none."""
    found = value.get(name)
    return found if isinstance(found, list) else []
