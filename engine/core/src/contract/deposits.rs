//! What a cash account ties up for the contracts that it holds: it never owes more than it has.
//!
//! A margined contract is covered in full: its entry value, so that no price can take more. A short
//! put is covered by the cash that its strike asks for, a short call by the underlying itself
//! (`locked`). Margin accounts tie up nothing; their equity answers (`margin`).

use crate::account::Account;
use crate::instrument::Instrument;
use crate::units::{Balance, Money, Quantity, Rounding, clamp};
use crate::words::Right;

/// The cash that a position of a cash account ties up.
fn tied_up(terms: &Instrument, qty: Quantity, cost: Balance) -> Balance {
    let Some(contract) = terms.contract.as_deref() else {
        return 0;
    };
    if contract.is_margined {
        return cost.max(0);
    }
    match contract.option {
        Some(option) if option.right == Right::Put && qty < 0 => {
            terms.value(option.strike, qty.saturating_neg(), Rounding::Up)
        }
        _ => 0,
    }
}

/// By how much a change of a position raises what the account ties up.
pub(crate) fn change_of(
    account: &Account,
    terms: &Instrument,
    (qty_before, cost_before): (Quantity, Balance),
    (qty_after, cost_after): (Quantity, Balance),
) -> Money {
    if terms.contract.is_none() || account.margin().is_some() {
        return 0;
    }
    let after = tied_up(terms, qty_after, cost_after);
    clamp(after - tied_up(terms, qty_before, cost_before))
}
