//! What a fill costs: the fee schedule of an exchange or instrument.
//!
//! The plain part (a rate, an amount a share, a minimum a fill) stands in every schedule; the rest
//! (`FeeRules`) only where it is used. Rates are in 10^-9, amounts for one unit in 10^-9 currency
//! units, other amounts in money units. Every amount is rounded half away from zero, holds up.

mod presets;
pub(crate) mod text;

pub(crate) use presets::preset;
pub use presets::{PRESETS, Preset};

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::{AccountIndex, ExchangeIndex};
use crate::instrument::{Instrument, InstrumentRecord};
use crate::market::Ephemeral;
use crate::order::Order;
use crate::receipt::FeeLine;
use crate::units::{
    AMOUNT_MAX, Balance, DAY_NS, Money, Nanos, Quantity, RATE_SCALE, Rounding, clamp, divide,
    money_of, power_of_ten,
};
use crate::words::{FeeKind, Liquidity, Side};

/// How many days, the present one included, count for the volume of a tier.
pub const VOLUME_DAYS: u32 = 30;
/// How many old days one fill forgets.
const DAYS_FORGOTTEN: usize = 2;
/// The most tiers of a schedule.
pub const TIERS_MAX: usize = 16;

/// What an exchange takes for a fill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Share of the notional for the resting side, in 10^-9.
    pub maker_rate: i64,
    /// Share of the notional for the aggressive side, in 10^-9.
    pub taker_rate: i64,
    /// Amount for one whole unit of the instrument, in 10^-9 currency units.
    pub per_share: i64,
    /// Least commission of a fill, or of an order with `whole_order`, in money units.
    pub minimum: Money,
    /// What few schedules have.
    pub rules: Option<Box<FeeRules>>,
}

/// Rates from a volume on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    /// Traded notional of the last 30 days from which it counts, in money units.
    pub volume: Money,
    /// Share of the notional for the resting side, in 10^-9.
    pub maker_rate: i64,
    /// Share of the notional for the aggressive side, in 10^-9.
    pub taker_rate: i64,
}

/// The parts of a schedule that few have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeeRules {
    /// Name of the preset that it came from; may be empty.
    pub preset: String,
    /// Rates by traded volume, lowest first; below the first the plain rates count.
    pub tiers: Vec<Tier>,
    /// Amount for one contract, in 10^-9 currency units.
    pub per_contract: i64,
    /// Amount for an order, taken with its first fill, in money units.
    pub fixed: Money,
    /// The commission is at most this share of the notional, in 10^-9; 0: no cap.
    pub cap_rate: i64,
    /// The commission is at most this, in money units; 0: no cap.
    pub maximum: Money,
    /// Whether minimum and caps count for the whole order and not for each fill.
    pub whole_order: bool,
    /// Regulator's share of the notional of sells, in 10^-9.
    pub sale_rate: i64,
    /// Regulator's amount for one unit sold, in 10^-9 currency units.
    pub sale_per_share: i64,
    /// The most of that amount for one fill, in money units; 0: no cap.
    pub sale_cap: Money,
}

/// Whose fill is charged, and what its order has traded before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payer {
    pub account: AccountIndex,
    pub side: Side,
    pub liquidity: Liquidity,
    /// Quantity and exact value of the order's earlier fills.
    pub before: (Quantity, i128),
    /// When: the day counts for the volume of tiers.
    pub now_ns: Nanos,
}

/// Whose fill of an order is charged.
pub(crate) fn payer_of(ephemeral: &Ephemeral, order: &Order, liquidity: Liquidity) -> Payer {
    Payer {
        account: order.terms.account,
        side: order.terms.side,
        liquidity,
        before: (order.filled, order.filled_value),
        now_ns: ephemeral.now_ns,
    }
}

/// The lines of one fee; those that are zero are not told.
type Lines = [(FeeKind, i128); 8];

fn rounded(rate: i64, amount: i128, scale: u32, rounding: Rounding) -> i128 {
    divide(i128::from(rate).saturating_mul(amount), power_of_ten(scale), rounding)
}

const RATE: u32 = RATE_SCALE as u32;

/// Scale of an amount for one unit, times a quantity, over money: both have nine digits less six.
const fn unit_scale(instrument: &Instrument) -> u32 {
    RATE - 6 + instrument.qty_scale as u32
}

impl Fees {
    /// The fee of one fill: its lines add up to it. A sell pays at most its notional.
    pub(crate) fn of_fill(
        &self,
        record: &InstrumentRecord,
        payer: Payer,
        volume: Balance,
        (qty, notional): (Quantity, Money),
    ) -> (Money, Lines) {
        let rate = self.rate(payer.liquidity, volume);
        let whole_order = self.rules.as_ref().is_some_and(|rules| rules.whole_order);
        let mut lines = if whole_order && payer.before.0 > 0 {
            let (before_qty, before_value) = payer.before;
            let (before_qty, before) =
                (i128::from(before_qty), money_of(before_value, record.terms.scales()));
            let all = (before_qty + i128::from(qty), before.saturating_add(notional.into()));
            let before = self.commission(&record.terms, rate, (before_qty, before));
            let mut all = self.commission(&record.terms, rate, all);
            for (line, old) in all.iter_mut().zip(before) {
                line.1 -= old.1;
            }
            all
        } else {
            self.commission(&record.terms, rate, (qty.into(), notional.into()))
        };
        self.add_levies(&mut lines, &record.terms, payer, (qty, notional));
        lines[0].0 = match payer.liquidity {
            Liquidity::Maker => FeeKind::Maker,
            Liquidity::Taker => FeeKind::Taker,
        };
        let most = if payer.side == Side::Sell { notional.max(0) } else { AMOUNT_MAX };
        let sum: i128 = lines.iter().map(|line| line.1).sum();
        let fee = sum.clamp(0, i128::from(most));
        lines[4].1 += fee - sum;
        (clamp(fee), lines)
    }

    /// The fee of a schedule without rules, in money units: rate, amount a share, minimum.
    pub(crate) fn plain(
        &self,
        terms: &Instrument,
        (qty, notional): (Quantity, Money),
        liquidity: Liquidity,
    ) -> Money {
        let rate = match liquidity {
            Liquidity::Maker => self.maker_rate,
            Liquidity::Taker => self.taker_rate,
        };
        self.plain_at(terms, rate, (qty, notional), Rounding::HalfUp)
    }

    fn plain_at(
        &self,
        terms: &Instrument,
        rate: i64,
        (qty, notional): (Quantity, Money),
        rounding: Rounding,
    ) -> Money {
        let percent = rounded(rate, notional.into(), RATE, rounding);
        let shares = match self.per_share {
            0 => 0,
            each => rounded(each, qty.into(), unit_scale(terms), rounding),
        };
        let fee = (percent + shares).max(i128::from(self.minimum));
        clamp(fee.min(i128::from(AMOUNT_MAX)))
    }

    /// Rate, per share, per contract, minimum and cap of what was traded.
    fn commission(&self, terms: &Instrument, rate: i64, traded: (i128, i128)) -> Lines {
        self.commission_rounded(terms, rate, traded, Rounding::HalfUp)
    }

    fn commission_rounded(
        &self,
        terms: &Instrument,
        rate: i64,
        (qty, notional): (i128, i128),
        rounding: Rounding,
    ) -> Lines {
        let percent = rounded(rate, notional, RATE, rounding);
        let shares = rounded(self.per_share, qty, unit_scale(terms), rounding);
        let mut lines = [
            (FeeKind::Taker, percent),
            (FeeKind::PerShare, shares),
            (FeeKind::PerContract, 0),
            (FeeKind::Minimum, 0),
            (FeeKind::Cap, 0),
            (FeeKind::Fixed, 0),
            (FeeKind::Regulatory, 0),
            (FeeKind::Activity, 0),
        ];
        let rules = self.rules.as_deref();
        let contracts = rules.map_or(0, |rules| rules.per_contract);
        lines[2].1 = rounded(contracts, qty, unit_scale(terms), rounding);
        let plain = percent + shares + lines[2].1;
        let least = plain.max(i128::from(self.minimum));
        lines[3].1 = least - plain;
        let most = rules.map_or(i128::MAX, |rules| rules.cap(notional, rounding));
        lines[4].1 = least.min(most) - least;
        lines
    }

    /// What does not count for minimum and caps: the fixed amount, and regulators' on sells.
    fn add_levies(
        &self,
        lines: &mut Lines,
        terms: &Instrument,
        payer: Payer,
        (qty, notional): (Quantity, Money),
    ) {
        let Some(rules) = self.rules.as_deref() else {
            return;
        };
        if payer.before.0 == 0 {
            lines[5].1 = i128::from(rules.fixed);
        }
        if payer.side == Side::Sell {
            let rounding = Rounding::HalfUp;
            lines[6].1 = rounded(rules.sale_rate, notional.into(), RATE, rounding);
            let shares = rounded(rules.sale_per_share, qty.into(), unit_scale(terms), rounding);
            let most = if rules.sale_cap == 0 { i128::MAX } else { rules.sale_cap.into() };
            lines[7].1 = shares.min(most);
        }
    }

    fn rate(&self, liquidity: Liquidity, volume: Balance) -> i64 {
        let tiers = self.rules.as_ref().map_or(&[][..], |rules| &rules.tiers);
        let tier = tiers.iter().rev().find(|tier| i128::from(tier.volume) <= volume);
        match (liquidity, tier) {
            (Liquidity::Maker, Some(tier)) => tier.maker_rate,
            (Liquidity::Taker, Some(tier)) => tier.taker_rate,
            (Liquidity::Maker, None) => self.maker_rate,
            (Liquidity::Taker, None) => self.taker_rate,
        }
    }

    /// The fee that a hold sets aside: the dearest rate, rounded up, and the fixed amount.
    pub fn of_hold(&self, instrument: &Instrument, quantity: Quantity, notional: Money) -> Money {
        let rules = self.rules.as_deref();
        if rules.is_none() {
            let rate = self.maker_rate.max(self.taker_rate);
            return self.plain_at(instrument, rate, (quantity, notional), Rounding::Up);
        }
        let tiers = rules.map_or(&[][..], |rules| &rules.tiers).iter();
        let dearest = tiers.map(|tier| tier.maker_rate.max(tier.taker_rate)).max().unwrap_or(0);
        let rate = self.maker_rate.max(self.taker_rate).max(dearest);
        let amounts = (quantity.into(), notional.into());
        let lines = self.commission_rounded(instrument, rate, amounts, Rounding::Up);
        let fixed = rules.map_or(0, |rules| i128::from(rules.fixed));
        let sum: i128 = lines.iter().map(|line| line.1).sum();
        clamp((sum + fixed).min(i128::from(AMOUNT_MAX)))
    }

    /// Whether the traded volume of an account matters.
    pub fn counts_volume(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| !rules.tiers.is_empty())
    }
}

impl FeeRules {
    fn cap(&self, notional: i128, rounding: Rounding) -> i128 {
        let share = match self.cap_rate {
            0 => i128::MAX,
            rate => rounded(rate, notional, RATE, rounding),
        };
        let most = if self.maximum == 0 { i128::MAX } else { i128::from(self.maximum) };
        share.min(most)
    }
}

/// The day of a time, counted from 1970; at least 1, since 0 says that no day counts.
pub(crate) fn day_of(time_ns: Nanos) -> u32 {
    u32::try_from(time_ns / DAY_NS).unwrap_or(u32::MAX).max(1)
}

/// The day that a fill of now counts for; 0 where no tier counts volume.
pub(crate) fn volume_day(
    durable: &Durable,
    ephemeral: &Ephemeral,
    record: &InstrumentRecord,
) -> u32 {
    let counts = durable.fees_for(record).is_some_and(Fees::counts_volume);
    if counts { day_of(ephemeral.now_ns) } else { 0 }
}

/// What an account traded on an exchange in the last 30 days, this one included.
pub(crate) fn volume_of(account: &Account, exchange: ExchangeIndex, today: u32) -> Balance {
    let Some(days) = account.volumes.get(&exchange) else {
        return 0;
    };
    days.range(today.saturating_sub(VOLUME_DAYS - 1)..).map(|(_, volume)| *volume).sum()
}

/// Counts a fill into the volume of its day, and forgets days that no tier counts any more.
pub(crate) fn count_volume(
    account: &mut Account,
    exchange: ExchangeIndex,
    (day, notional): (u32, Money),
) {
    let days = account.volumes.entry(exchange).or_default();
    *days.entry(day).or_default() += Balance::from(notional);
    for _ in 0..DAYS_FORGOTTEN {
        let is_old = |first: &u32| first.saturating_add(VOLUME_DAYS) <= day;
        if days.first_key_value().is_some_and(|(first, _)| is_old(first)) {
            days.pop_first();
        }
    }
}

/// The fee of a fill, by the schedule of its instrument.
pub(crate) fn fee_of(
    durable: &Durable,
    record: &InstrumentRecord,
    payer: Payer,
    traded: (Quantity, Money),
) -> Money {
    let Some(fees) = durable.fees_for(record).filter(|fees| fees.rules.is_none()) else {
        return charge(durable, record, payer, traded).map_or(0, |(fee, _)| fee);
    };
    let fee = fees.plain(&record.terms, traded, payer.liquidity);
    if payer.side == Side::Sell { fee.min(traded.1) } else { fee }
}

/// The lines of the fee of a fill, those that are zero left out.
pub(crate) fn fee_lines(
    durable: &Durable,
    record: &InstrumentRecord,
    payer: Payer,
    traded: (Quantity, Money),
) -> Vec<FeeLine> {
    let Some((fee, lines)) = charge(durable, record, payer, traded) else {
        return Vec::new();
    };
    let line = |(kind, amount): (FeeKind, Balance)| FeeLine { kind, amount: clamp(amount) };
    if lines.iter().any(|(_, amount)| amount.abs() > Balance::from(AMOUNT_MAX)) {
        // Only caps bring such amounts back into bounds: what no line can carry is told as one.
        return vec![line((lines[0].0, fee.into()))];
    }
    lines.into_iter().filter(|(_, amount)| *amount != 0).map(line).collect()
}

fn charge(
    durable: &Durable,
    record: &InstrumentRecord,
    payer: Payer,
    traded: (Quantity, Money),
) -> Option<(Money, Lines)> {
    let fees = durable.fees_for(record)?;
    let volume = if fees.counts_volume() {
        let account = durable.account(payer.account)?;
        volume_of(account, record.terms.exchange, day_of(payer.now_ns))
    } else {
        0
    };
    Some(fees.of_fill(record, payer, volume, traded))
}

#[cfg(test)]
mod tests;
