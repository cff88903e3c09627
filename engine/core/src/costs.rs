//! What a fill costs, what an order sets aside, and what an account can pay.
//!
//! A cash account pays with cash: a buy holds its price and fee, a sell what it promises to
//! deliver. A margin account pays with equity: an order holds the initial requirement of what it
//! would open and its fee; what only closes is always paid.

use crate::account::{Account, Position};
use crate::contract::{deposits, spreads};
use crate::durable::Durable;
use crate::fees::{Payer, fee_of, payer_of};
use crate::ids::InstrumentIndex;
use crate::instrument::InstrumentRecord;
use crate::margin::MarginTerms;
use crate::market::Ephemeral;
use crate::order::{Order, OrderTerms};
use crate::special::reducible;
use crate::units::{
    AMOUNT_MAX, Balance, Money, Price, QUANTITY_MAX, Quantity, Rounding, clamp, divide, portion,
    share_of,
};
use crate::words::{Liquidity, Side};

/// Cost that a fill adds to (buy) or removes from (sell) a position at average cost, and the
/// profit of what it closes. What crosses zero closes first and opens the rest at its price.
pub(crate) fn cost_of(
    position: Position,
    side: Side,
    qty: Quantity,
    notional: Money,
) -> (Money, Money) {
    let closing = position.closing(side).min(qty);
    if closing == 0 {
        return (notional, 0);
    }
    let closing_notional = clamp(share_of(i128::from(notional), closing, qty));
    let held = clamp(i128::from(position.qty).abs());
    let share = clamp(share_of(i128::from(position.cost).abs(), closing, held));
    let profit = match side {
        Side::Sell => closing_notional - share,
        Side::Buy => share - closing_notional,
    };
    (share + (notional - closing_notional), profit)
}

/// What an account may spend on an instrument, in the instrument's currency: settled cash less
/// holds, or on margin the equity that nothing needs, at the stated rate; a journal nothing.
pub(crate) fn power_for(
    durable: &Durable,
    ephemeral: &Ephemeral,
    account: &Account,
    instrument: InstrumentIndex,
) -> Balance {
    let Some(record) = durable.instrument(instrument) else {
        return 0;
    };
    let currency = record.currency;
    if account.is_journal() {
        return 0;
    }
    if account.margin().is_none() {
        // What contracts tie up is counted in the account's own currency only.
        let abroad = currency != account.currency;
        let ties_up = abroad && record.terms.contract.is_some();
        return if ties_up { 0 } else { account.free_in(currency) };
    }
    let price = |index, record: &_| ephemeral.price(index, record);
    let excess = durable.worth_at(account, price).excess();
    durable.money.convert(excess, account.currency, currency).unwrap_or(0)
}

/// The cash that a buy at this price sets aside: value and fee, rounded up. At the engine's bound
/// when it is beyond.
pub(crate) fn hold_at(
    durable: &Durable,
    instrument: InstrumentIndex,
    price: Price,
    qty: Quantity,
) -> Money {
    let Some(record) = durable.instrument(instrument) else {
        return AMOUNT_MAX;
    };
    let value = record.terms.value(price, qty, Rounding::Up).min(i128::from(AMOUNT_MAX));
    let fee = fee_to_hold(durable, record, qty, clamp(value));
    clamp((value + i128::from(fee)).min(i128::from(AMOUNT_MAX)))
}

fn fee_to_hold(durable: &Durable, record: &InstrumentRecord, qty: Quantity, value: Money) -> Money {
    let fees = durable.fees_for(record);
    fees.map_or(0, |fees| fees.of_hold(&record.terms, qty, value))
}

/// What an order of a margin account sets aside for `qty` worth `value`: the initial requirement
/// of what it would open, and the fee. `promised` is what it has promised of the position itself.
pub(crate) fn margin_hold(
    durable: &Durable,
    account: &Account,
    terms: &OrderTerms,
    (qty, value): (Quantity, Balance),
    promised: Quantity,
    ephemeral: &Ephemeral,
) -> Money {
    let (Some(record), Some(margin)) = (durable.instrument(terms.instrument), account.margin())
    else {
        return AMOUNT_MAX;
    };
    let position = account.position(terms.instrument);
    let opening = qty - position.free_to_close(terms.side, promised).min(qty);
    let need = if opening == 0 {
        0
    } else {
        let share = portion(value, opening, qty, Rounding::Up);
        let change = (terms.instrument, signed(terms.side, opening));
        let price =
            |index: InstrumentIndex, record: &InstrumentRecord| ephemeral.price(index, record);
        if record.terms.is_option() {
            spreads::hold_of(durable, account, change, share, &price)
        } else {
            margin.initial_of(record, signed(terms.side, opening), share)
        }
    };
    let fee = fee_to_hold(durable, record, qty, clamp(value.min(AMOUNT_MAX.into())));
    clamp((need + i128::from(fee)).min(i128::from(AMOUNT_MAX)))
}

/// A quantity of a side as a change of the position.
pub(crate) const fn signed(side: Side, qty: Quantity) -> Quantity {
    match side {
        Side::Buy => qty,
        Side::Sell => -qty,
    }
}

/// What a partial fill sets free of a hold: what the rest no longer needs, and at least `needed`,
/// the part of the price that the account's power does not cover.
pub(crate) fn release_of(
    durable: &Durable,
    order: &Order,
    account: &Account,
    qty: Quantity,
    needed: Balance,
) -> Money {
    let leaves = order.leaves();
    let rest = leaves - qty;
    let hold = i128::from(order.hold);
    let kept = match order.price_limit() {
        Some(limit) if order.terms.side == Side::Buy && account.margin().is_none() => {
            i128::from(hold_at(durable, order.terms.instrument, limit, rest))
        }
        _ => divide(hold * i128::from(rest), i128::from(leaves), Rounding::Up),
    };
    clamp((hold - kept).max(needed).clamp(0, hold))
}

/// A fill at a price: whose order, of what, for how much a unit.
#[derive(Clone, Copy)]
struct Bill<'a> {
    durable: &'a Durable,
    record: &'a InstrumentRecord,
    payer: Payer,
    price: Price,
}

impl Bill<'_> {
    /// Cash that a buy of this much takes: notional and fee.
    fn cash(&self, qty: Quantity) -> Balance {
        let notional = self.record.terms.notional(self.price, qty);
        let fee = fee_of(self.durable, self.record, self.payer, (qty, notional));
        i128::from(notional) + i128::from(fee)
    }

    /// Cash that a cash account needs for options that it sells: the strike of the puts that it
    /// comes to write by that, and the fee, less what they bring; nothing for what only closes.
    fn writing(&self, account: &Account, position: &Position, qty: Quantity) -> Balance {
        let held = (position.qty, Balance::from(position.cost));
        let left = (position.qty.saturating_sub(qty), held.1);
        let tied_up = deposits::change_of(account, &self.record.terms, held, left);
        if tied_up <= 0 {
            return 0;
        }
        let notional = self.record.terms.notional(self.price, qty);
        let fee = fee_of(self.durable, self.record, self.payer, (qty, notional));
        Balance::from(tied_up) + Balance::from(fee) - Balance::from(notional)
    }

    /// Equity that a margin account needs for this much: nothing for what only closes, else the
    /// initial requirement of what opens, and the fee.
    fn equity(&self, margin: &MarginTerms, position: &Position, qty: Quantity) -> Balance {
        let opening = qty - position.closing(self.payer.side).min(qty);
        if opening == 0 {
            return 0;
        }
        let value = self.record.terms.value(self.price, opening, Rounding::Up);
        let notional = self.record.terms.notional(self.price, qty);
        let fee = fee_of(self.durable, self.record, self.payer, (qty, notional));
        margin.initial_of(self.record, signed(self.payer.side, opening), value) + i128::from(fee)
    }
}

/// What a fill takes of the account's power.
pub(crate) fn spent_by(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    (price, qty): (Price, Quantity),
    liquidity: Liquidity,
) -> Balance {
    let terms = &order.terms;
    let (Some(record), Some(account)) =
        (durable.instrument(terms.instrument), durable.account(terms.account))
    else {
        return 0;
    };
    let bill = Bill { durable, record, payer: payer_of(ephemeral, order, liquidity), price };
    match account.margin() {
        None => bill.cash(qty),
        Some(margin) => bill.equity(margin, &account.position(terms.instrument), qty),
    }
}

/// How much of `wanted` the account of an order can pay at this price, in whole lots. A sell of a
/// cash account is bounded only by what one event can carry, and by the cash for puts that it
/// comes to write.
pub(crate) fn payable(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    traded: (Price, Quantity),
    liquidity: Liquidity,
) -> Quantity {
    payable_behind(durable, ephemeral, order, traded, liquidity, Ahead::default())
}

/// What other orders of the same account and side trade before one, and what they hold for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ahead {
    pub qty: Quantity,
    pub hold: Money,
}

/// How much of `wanted` can be paid when orders of the same account have traded before this one.
pub(crate) fn payable_behind(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    (price, wanted): (Price, Quantity),
    liquidity: Liquidity,
    ahead: Ahead,
) -> Quantity {
    let with_them = (price, wanted.saturating_add(ahead.qty));
    let all = payable_with(durable, ephemeral, order, with_them, liquidity, ahead.hold);
    all.saturating_sub(ahead.qty).clamp(0, wanted)
}

fn payable_with(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    (price, wanted): (Price, Quantity),
    liquidity: Liquidity,
    held: Money,
) -> Quantity {
    let held = i128::from(held) + i128::from(order.hold);
    let terms = &order.terms;
    let (Some(record), Some(account)) =
        (durable.instrument(terms.instrument), durable.account(terms.account))
    else {
        return 0;
    };
    let instrument = &record.terms;
    let wanted = wanted.min(instrument.whole_lots(reducible(durable, order)));
    let bounded = instrument.quantity_within_bounds(price, wanted);
    let margin = account.margin();
    let position = account.position(terms.instrument);
    if terms.side == Side::Sell && margin.is_none() {
        if !instrument.is_option() || bounded <= position.closing(Side::Sell) {
            return bounded;
        }
        let payer = payer_of(ephemeral, order, liquidity);
        let bill = Bill { durable, record, payer, price };
        let power = power_for(durable, ephemeral, account, terms.instrument);
        let power = power + held;
        return most_lots(bounded, instrument.lot_size, |qty| {
            bill.writing(account, &position, qty) <= power
        });
    }
    let side = signed(terms.side, 1);
    let most =
        instrument.whole_lots(QUANTITY_MAX.saturating_sub(position.qty.saturating_mul(side)));
    let bounded = bounded.min(most);
    let room = i128::from(AMOUNT_MAX) - i128::from(position.cost) * i128::from(side);
    let bill = Bill { durable, record, payer: payer_of(ephemeral, order, liquidity), price };
    let power = power_for(durable, ephemeral, account, terms.instrument) + held;
    match margin {
        None => {
            let budget = power.min(room);
            most_lots(bounded, instrument.lot_size, |qty| bill.cash(qty) <= budget)
        }
        Some(margin) => most_lots(bounded, instrument.lot_size, |qty| {
            let shorted = match terms.side {
                Side::Sell => qty - position.closing(Side::Sell).min(qty),
                Side::Buy => 0,
            };
            if shorted > 0
                && durable.borrowable(terms.instrument, account).is_some_and(|it| it < shorted)
            {
                return false;
            }
            let need = bill.equity(margin, &position, qty);
            need == 0 || (need <= power && i128::from(instrument.notional(price, qty)) <= room)
        }),
    }
}

/// The largest multiple of `lot` up to `most` that fits, found by halving; `most` itself when it
/// fits, whole lots or not.
pub(crate) fn most_lots(
    most: Quantity,
    lot: Quantity,
    fits: impl Fn(Quantity) -> bool,
) -> Quantity {
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0, most / lot);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle * lot) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low * lot
}
