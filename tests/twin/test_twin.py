"""The plain twin of a world and the compiled core agree on every reply and every event.

`make test` sends 50,000 random commands, `make soak` two million. When they part, the smallest
steps that show it are printed; who is right is written in `docs/subsystems/engine.md`.
"""

import multiprocessing
import os
from collections import Counter

import pytest

from twin.differ import Difference, run, shrink
from twin.flow import Step
from twin.reach import listed
from twin.soak import one

COMMANDS = int(os.environ.get("PAPERTAPE_TWIN_COMMANDS", "50000"))
EACH = 2_000
WANTED = [
    "accepted", "account_opened", "cancel_all_requested", "canceled requested",
    "canceled ioc_remainder", "canceled no_liquidity", "canceled insufficient_buying_power",
    "checkpoint", "day_ended", "deposited", "expired", "filled", "marked", "replaced",
    "session_changed", "triggered", "existing", "id_reused", "malformed", "not_cancelable",
    "not_found", "not_replaceable", "rejected market_closed", "rejected invalid_lot",
    "rejected invalid_tick", "rejected order_too_large", "rejected no_reference_price",
    "rejected would_not_fill", "rejected insufficient_quantity",
    "margin_set", "borrow_charged", "interest_charged", "accrual_ended", "paid",
    "account_reset", "position_archived", "cash_archived", "rejected not_shortable",
    "rejected borrow_unavailable",
    "rate_set", "currency_added", "converted", "settlement_set", "settled", "trade_busted",
    "rejected unknown_lot", "filled lots", "filled realized_here", "filled settles",
    "corporate_position lots", "corporate_owed here", "trade_busted lots",
    "rejected insufficient_buying_power", "canceled parent_closed", "canceled sibling_closed",
    "canceled sibling_filled", "released", "resized", "replenished", "trail_moved",
    "rejected notional_too_small", "rejected would_take_liquidity", "rejected would_not_reduce",
    "rejected position_intent_mismatch",
    "contract_passed exercise", "contract_passed assignment", "contract_passed expiry",
    "contract_passed delivered", "exercise_instructed",
    "kill_switch: not_permitted",
    "policy_set", "kill_switched", "status_set", "swept", "cleaning", "cleaned", "day_began",
    "baselined", "peaks_raised", "day_moved", "risk_alert", "account_stopped", "account_resumed",
    "margin_called", "margin_call_met", "liquidated", "canceled kill_switch",
    "canceled daily_loss_stop", "canceled liquidation",
    "rejected kill_switch", "rejected daily_loss_stop", "rejected drawdown_stop",
    "rejected order_size_limit", "rejected order_rate_limit", "rejected open_orders_limit",
    "rejected price_collar", "rejected position_limit", "rejected capital_share_limit",
    "rejected concentration_limit", "rejected leverage_limit", "rejected restricted",
    "rejected short_not_permitted", "rejected wash_trade", "rejected day_trade_limit",
    "rejected account_not_active",
    "received", "arrived", "received order", "received cancel", "received cancel_all",
    "received replace", "replace_refused", "canceled would_not_fill",
    "filled by depth volume", "filled by depth unlimited", "filled by slippage bps",
    "filled by slippage volume_share", "filled by slippage square_root",
    "filled by slippage almgren_2005", "filled by queue touch", "filled by queue volume_ahead",
    "filled by path low_first", "filled by path stops_first", "filled by gap worst",
    "filled bar_open", "filled bar_path", "filled stop_gap", "filled traded_through",
    "filled slippage", "filled impact",
    "legs_filled", "filled multi_leg",
]  # fmt: skip


@pytest.mark.timeout(900)
def test_the_twin_and_the_core_agree_on_everything_that_happens():
    tasks = [(seed, EACH) for seed in range(1, 1 + max(1, COMMANDS // EACH))]
    words: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool() as pool:
        for seed, found, difference in pool.imap_unordered(one, tasks):
            assert difference is None, f"seed {seed}: {difference}"
            words += found
    missing = [word for word in [*WANTED, *listed()] if not words[word]]
    assert not missing, "the flow never reached these"


@pytest.mark.parametrize(
    "seed", [424_443, 8_000_026, 9_000_077, 20_000_266, 20_261_171, 20_261_314]
)
def test_seeds_that_once_parted_agree(seed: int) -> None:
    """Orders whose value, times their quantity or summed up, is beyond all bounds."""
    assert one((seed, EACH))[2] is None


def test_a_difference_is_found_and_made_small(monkeypatch):
    """A twin that forgets the maker's fee is caught within a few steps."""
    from twin import trading

    honest = trading.fee_of

    def forgetful(world, order, qty, notional, liquidity):
        return 0 if liquidity == "maker" else honest(world, order, qty, notional, liquidity)

    monkeypatch.setattr(trading, "fee_of", forgetful)
    found = None
    for seed in range(1, 20):
        try:
            run(seed, 500)
        except Difference as difference:
            found = shrink(difference, seconds=20)
            break
    assert found is not None
    assert len(found.steps) < 15
    assert all(isinstance(step, Step) for step in found.steps)
    assert '"fee"' in str(found)
