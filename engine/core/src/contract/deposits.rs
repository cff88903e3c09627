//! What a cash account ties up for the contracts that it holds: it never owes more than it has.
//!
//! A margined contract is covered in full: its entry value, so that no price can take more. A short
//! put is covered by the cash that its strike asks for, a short call by the underlying itself
//! (`locked`). Margin accounts tie up nothing; their equity answers (`margin`).

use crate::account::Account;
use crate::checks::Failure;
use crate::contract::state::units_of;
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::instrument::Instrument;
use crate::order::OrderTerms;
use crate::units::{AMOUNT_MAX, Balance, Money, Quantity, Rounding, clamp};
use crate::words::{Reason, Right};

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
            free.saturating_sub(locked(durable, account, instrument))
        }
        _ => free,
    }
}

/// What the calls of an account lock of their underlying.
fn locked(durable: &Durable, account: &Account, underlying: InstrumentIndex) -> Quantity {
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
            let units = units_of(durable, *index, short);
            locked = locked.saturating_add(units);
        }
    }
    locked
}

/// How much an order of a cash account would write, not close: `free` is what it may close.
fn written(free: Quantity, qty: Quantity) -> Quantity {
    qty.saturating_sub(free.max(0)).max(0)
}

/// Whether a cash account can write the options that an order sells beyond what it holds: calls
/// before what it has of the underlying; puts before cash, which the hold asks for.
pub(crate) fn can_write(
    durable: &Durable,
    account: &Account,
    terms: &OrderTerms,
    free: Quantity,
) -> Result<(), Failure> {
    let Some((record, option)) = durable
        .instrument(terms.instrument)
        .and_then(|record| Some((record, record.terms.contract.as_deref()?.option?)))
    else {
        return Ok(());
    };
    let instrument = &record.terms;
    let fails = |detail: &str, limit: String| {
        let failure = Failure::new(Reason::InsufficientQuantity, detail).at("qty");
        Err(failure.compare(instrument.format_quantity(terms.qty), limit))
    };
    if free > 0 {
        let detail = "one order closes what is held or writes, not both: sell what is held first";
        return fails(detail, instrument.format_quantity(free));
    }
    let underlying = instrument.contract.as_deref().and_then(|contract| contract.underlying);
    let (Some(underlying), Right::Call) = (underlying, option.right) else {
        return Ok(());
    };
    let Some(base) = durable.instrument(underlying) else {
        return Ok(());
    };
    let needed = units_of(durable, terms.instrument, terms.qty);
    let there = free_to_sell(durable, account, underlying);
    if needed <= there {
        return Ok(());
    }
    let detail = "a cash account writes calls only before what it holds of the underlying and has \
                  not promised";
    fails(detail, base.terms.format_quantity(there.max(0)))
}

/// The cash that an order of a cash account sets aside for the puts that it writes: their strike.
pub(crate) fn hold_of_write(
    durable: &Durable,
    account: &Account,
    terms: &OrderTerms,
    qty: Quantity,
) -> Money {
    let option = durable
        .instrument(terms.instrument)
        .and_then(|record| Some((&record.terms, record.terms.contract.as_deref()?.option?)));
    let Some((instrument, option)) = option.filter(|(_, it)| it.right == Right::Put) else {
        return 0;
    };
    let free = free_to_sell(durable, account, terms.instrument);
    let strike = instrument.value(option.strike, written(free, qty), Rounding::Up);
    clamp(strike.min(Balance::from(AMOUNT_MAX)))
}
