//! What a cash account ties up for the contracts that it holds: it never owes more than it has.
//!
//! A margined contract is covered in full: its entry value, so that no price can take more. A short
//! put is covered by the cash that its strike asks for, a short call by the underlying itself
//! (`locked`). Margin accounts tie up nothing; their equity answers (`margin`).

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
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

/// How much of an instrument a cash account may still sell: what it holds, less what open sell
/// orders have promised, less what its short calls and open sells of calls would have to deliver.
pub(crate) fn free_to_sell(
    durable: &Durable,
    account: &Account,
    instrument: InstrumentIndex,
) -> Quantity {
    let position = account.position(instrument);
    let free = position.qty.saturating_sub(position.promised);
    match durable.instrument(instrument) {
        Some(record) if record.has_options => {
            free.saturating_sub(locked(durable, account, instrument, &record.terms))
        }
        _ => free,
    }
}

/// What the calls of an account lock of their underlying.
fn locked(
    durable: &Durable,
    account: &Account,
    underlying: InstrumentIndex,
    base: &Instrument,
) -> Quantity {
    let mut locked: Quantity = 0;
    for (index, position) in &account.positions {
        let short = position.promised.saturating_sub(position.qty);
        let Some(record) = durable.instrument(*index).filter(|_| short > 0) else {
            continue;
        };
        let Some(contract) = record.terms.contract.as_deref() else {
            continue;
        };
        let is_call = contract.option.is_some_and(|option| option.right == Right::Call);
        if is_call && contract.underlying == Some(underlying) {
            let units = contract.delivered(short, record.terms.qty_scale, base.qty_scale);
            locked = locked.saturating_add(units);
        }
    }
    locked
}
