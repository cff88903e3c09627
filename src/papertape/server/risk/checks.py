"""The checks that an order goes through, by the engine's bits."""

CHECKS = (
    ("order", "account, instrument, session, lot, tick and bounds of the order"),
    ("buying_power", "cash or margin for what is bought, quantity for what is sold"),
    ("kill_switch", "no kill switch stops the account, its user or the world"),
    ("loss_stop", "an account that came to a loss limit only closes positions"),
    ("order_size", "one order is no larger than its limits allow"),
    ("order_rate", "no more orders in a time than the limits allow"),
    ("open_orders", "no more open orders than the limits allow"),
    ("price_collar", "the limit price lies no further beyond the market than the limits allow"),
    ("position", "positions with their open orders are no larger than the limits allow"),
    ("capital_share", "positions are no larger a share of the money put in"),
    ("concentration", "positions are no larger a share of the equity"),
    ("leverage", "positions are no larger a multiple of the equity"),
    ("restricted", "positions in restricted instruments are only closed"),
    ("short", "who may not sell short sells what is held"),
    ("wash_trade", "no order could trade with another of its own user's"),
    ("day_trades", "small margin accounts make no more day trades than allowed"),
)
"""The engine's checks in the order of their bits, and what each sees to."""


def names_of(mask: int) -> list[str]:
    """The checks of a mask: what an order passed, none for one that failed."""
    return [check for bit, (check, _) in enumerate(CHECKS) if mask >> bit & 1]
