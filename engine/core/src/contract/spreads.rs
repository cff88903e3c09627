//! What the options of a margin account require: short legs are covered by the underlying, paired
//! with long legs, and what is left stands alone.
//!
//! The rules are those of FINRA Rule 4210(f)(2) and of the Cboe Margin Manual. They are told there
//! as cash that must be in the account; here as equity, which counts long options as value and
//! short ones as debt. A long option is paid in full. A short one alone needs 20 % of the
//! underlying's value less what it is out of the money, but at least 10 % (of the underlying for a
//! call, of the strike for a put). A short leg with a long one of the same right that ends no
//! earlier needs the difference of their strikes, where it can lose it, and no more than alone. A
//! short call before long stock, or a short put before short stock, needs nothing of its own: its
//! value is given back as far as it is not in the money.

use crate::account::Account;
use crate::contract::state::units_of;
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::instrument::InstrumentRecord;
use crate::units::{Balance, Nanos, Price, Quantity, Rounding, clamp, divide, portion, share_of};
use crate::words::Right;

/// One option position, in units of its underlying.
#[derive(Clone, Copy, Debug)]
struct Leg {
    underlying: InstrumentIndex,
    right: Right,
    /// The strike of all of it.
    strike: Balance,
    expiry_ns: Nanos,
    /// Units of the underlying that it stands for, without sign.
    units: Quantity,
    /// How many of them are paired already.
    used: Quantity,
    /// Its value, without sign.
    value: Balance,
    is_long: bool,
}

impl Leg {
    fn left(&self) -> Quantity {
        self.units.saturating_sub(self.used)
    }

    fn strike_of(&self, units: Quantity) -> Balance {
        share_of(self.strike, units.min(self.units), self.units.max(1))
    }

    fn value_of(&self, units: Quantity) -> Balance {
        share_of(self.value, units.min(self.units), self.units.max(1))
    }
}

/// What stands behind the legs on one underlying.
struct Ground<'a> {
    record: &'a InstrumentRecord,
    price: Option<Price>,
    /// Units of the underlying that no short leg uses yet: long, and short.
    long: Quantity,
    short: Quantity,
}

impl Ground<'_> {
    fn value_of(&self, units: Quantity) -> Option<Balance> {
        Some(self.record.terms.value(self.price?, units, Rounding::Up))
    }

    /// What so many units of a short leg need alone, beyond their value. Without a price of the
    /// underlying the strike stands for it.
    fn alone(&self, leg: &Leg, units: Quantity) -> Balance {
        let strike = leg.strike_of(units);
        let spot = self.value_of(units).unwrap_or(strike);
        let (out, floor) = match leg.right {
            Right::Call => ((strike - spot).max(0), spot),
            Right::Put => ((spot - strike).max(0), strike),
        };
        let share = |value: Balance, part: i128| divide(value * part, 100, Rounding::Up);
        (share(spot, 20) - out).max(share(floor, 10))
    }

    /// Takes cover for a short leg from the underlying itself; gives what that needs beyond the
    /// leg's value. The underlying counts for no more than the strike that it is sold at (of a put:
    /// for no less than it is bought at), and the leg itself not at all.
    fn cover(&mut self, leg: &mut Leg) -> Balance {
        let there = match leg.right {
            Right::Call => &mut self.long,
            Right::Put => &mut self.short,
        };
        let covered = leg.left().min(*there);
        *there -= covered;
        leg.used += covered;
        let (strike, value) = (leg.strike_of(covered), leg.value_of(covered));
        // Without a price of the underlying nothing is given up.
        let spot = self.value_of(covered).filter(|_| covered > 0);
        let inside = spot.map(|spot| match leg.right {
            Right::Call => (spot - strike).max(0),
            Right::Put => (strike - spot).max(0),
        });
        inside.map_or(0, |inside| inside - value)
    }
}

/// What all options of an account require, in its own currency; those of a currency without a
/// stated rate count as nothing. `price_of` gives the price of an instrument.
pub(crate) fn required(
    durable: &Durable,
    account: &Account,
    price_of: &dyn Fn(InstrumentIndex, &InstrumentRecord) -> Option<Price>,
) -> Balance {
    let mut legs = legs_of(durable, account, None, price_of);
    let mut total: Balance = 0;
    while let Some(first) = legs.first().copied() {
        let (here, rest): (Vec<Leg>, Vec<Leg>) =
            legs.into_iter().partition(|leg| leg.underlying == first.underlying);
        legs = rest;
        if let Some(record) = durable.instrument(first.underlying) {
            let price = price_of(first.underlying, record);
            let here = required_on(account, (first.underlying, record), price, &here);
            let (from, to) = (record.currency, account.currency);
            total += durable.money.convert(here, from, to).unwrap_or(0);
        }
    }
    total
}

/// What the legs on one underlying require, in its currency.
fn required_on(
    account: &Account,
    (index, record): (InstrumentIndex, &InstrumentRecord),
    price: Option<Price>,
    legs: &[Leg],
) -> Balance {
    let held = account.position(index).qty;
    let (long, short) = (held.max(0), held.min(0).saturating_neg());
    let mut ground = Ground { record, price, long, short };
    let mut of = |right| {
        let legs = legs.iter().filter(|leg| leg.right == right).copied().collect();
        required_of(&mut ground, legs)
    };
    of(Right::Call) + of(Right::Put)
}

/// The option positions of an account, the change counted in.
fn legs_of(
    durable: &Durable,
    account: &Account,
    change: Option<(InstrumentIndex, Quantity)>,
    price_of: &dyn Fn(InstrumentIndex, &InstrumentRecord) -> Option<Price>,
) -> Vec<Leg> {
    let mut held: Vec<(InstrumentIndex, Quantity, Balance)> = account
        .positions
        .iter()
        .map(|(index, position)| (*index, position.qty, Balance::from(position.cost)))
        .collect();
    if let Some((changed, by)) = change {
        match held.iter_mut().find(|(index, ..)| *index == changed) {
            Some((_, qty, _)) => *qty = qty.saturating_add(by),
            None => held.push((changed, by, 0)),
        }
    }
    let leg = |(index, qty, cost): (InstrumentIndex, Quantity, Balance)| {
        leg_of(durable, index, (qty, cost), price_of)
    };
    held.into_iter().filter_map(leg).collect()
}

fn leg_of(
    durable: &Durable,
    index: InstrumentIndex,
    (qty, cost): (Quantity, Balance),
    price_of: &dyn Fn(InstrumentIndex, &InstrumentRecord) -> Option<Price>,
) -> Option<Leg> {
    let record = durable.instrument(index).filter(|_| qty != 0)?;
    let contract = record.terms.contract.as_deref()?;
    let option = contract.option?;
    let underlying = contract.underlying?;
    let whole = clamp(Balance::from(qty).abs());
    let value = price_of(index, record)
        .map_or(cost, |price| record.terms.value(price, whole, Rounding::HalfEven));
    Some(Leg {
        underlying,
        right: option.right,
        strike: record.terms.value(option.strike, whole, Rounding::Up),
        expiry_ns: contract.expiry_ns,
        units: units_of(durable, index, whole),
        used: 0,
        value: value.abs(),
        is_long: qty > 0,
    })
}

/// What the legs of one right on one underlying require. The short leg that can lose most is
/// covered first, with the long leg that limits its loss best.
fn required_of(ground: &mut Ground<'_>, legs: Vec<Leg>) -> Balance {
    let (mut long, mut short): (Vec<Leg>, Vec<Leg>) = legs.into_iter().partition(|leg| leg.is_long);
    for legs in [&mut long, &mut short] {
        // Scales and multipliers may differ: strikes are compared as money for a million units.
        let key = |leg: &Leg| portion(leg.strike, 1_000_000, leg.units.max(1), Rounding::HalfEven);
        legs.sort_by_key(|leg| (key(leg), leg.expiry_ns));
        if legs.first().is_some_and(|leg| leg.right == Right::Put) {
            legs.reverse();
        }
    }
    let mut total: Balance = long.iter().map(|leg| leg.value).sum();
    for leg in &mut short {
        total += ground.cover(leg);
        for cover in long.iter_mut().filter(|cover| cover.expiry_ns >= leg.expiry_ns) {
            let units = leg.left().min(cover.left());
            if units == 0 {
                continue;
            }
            let loss = match leg.right {
                Right::Call => cover.strike_of(units) - leg.strike_of(units),
                Right::Put => leg.strike_of(units) - cover.strike_of(units),
            };
            total += (loss.max(0) - leg.value_of(units)).min(ground.alone(leg, units));
            leg.used += units;
            cover.used += units;
        }
        if leg.left() > 0 {
            total += ground.alone(leg, leg.left());
        }
    }
    total
}

/// What an order for so many options sets aside beyond its fee: by how much it raises the
/// requirement, and what it pays more, or gets less, than the options are worth. In the currency
/// of the options, which is that of their underlying.
pub(crate) fn hold_of(
    durable: &Durable,
    account: &Account,
    (index, by): (InstrumentIndex, Quantity),
    value: Balance,
    price_of: &dyn Fn(InstrumentIndex, &InstrumentRecord) -> Option<Price>,
) -> Balance {
    let underlying = |record: &InstrumentRecord| record.terms.contract.as_deref()?.underlying;
    let found = durable.instrument(index).and_then(|record| {
        let base = underlying(record)?;
        Some((record, base, durable.instrument(base)?))
    });
    let Some((record, base, ground)) = found else {
        return 0;
    };
    let whole = clamp(Balance::from(by).abs());
    // Without a price of the option that of the order stands for it.
    let price = price_of(index, record);
    let price = price.unwrap_or_else(|| record.terms.average_price(value, whole));
    let prices = |at: InstrumentIndex, record: &InstrumentRecord| match at == index {
        true => Some(price),
        false => price_of(at, record),
    };
    let required = |change| {
        let mut legs = legs_of(durable, account, change, &prices);
        legs.retain(|leg| leg.underlying == base);
        required_on(account, (base, ground), prices(base, ground), &legs)
    };
    let more = required(Some((index, by))) - required(None);
    let lost = value - record.terms.value(price, whole, Rounding::HalfEven);
    (more + if by > 0 { lost } else { -lost }).max(0)
}
