//! Margin accounts: what they may borrow against, and what their positions require.
//!
//! A margin account buys with borrowed cash (its own goes below zero) and sells what it does not
//! have (its position goes below zero). What bounds it is not cash but equity: cash plus long
//! positions less short ones. Two sums are asked of it. The *initial* requirement bounds what may
//! be opened (Regulation T, 12 CFR 220.12: half of the value of a stock position, long or short).
//! The *maintenance* requirement bounds what may be kept (FINRA Rule 4210(c): a quarter of a long
//! position; for a short one 30 % but at least 5 dollars a share, and below 5 dollars all of it
//! but at least 2.50 dollars a share).

pub(crate) mod text;

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::InstrumentIndex;
use crate::instrument::{Instrument, InstrumentRecord};
use crate::units::{
    Balance, MONEY_SCALE, Money, Price, Quantity, Rounding, divide, portion, power_of_ten,
};
use crate::words::AssetClass;

/// One whole as a rate.
pub const WHOLE: i64 = 1_000_000_000;
/// FINRA Rule 4210(c)(1): a quarter of a long position.
pub const LONG_MAINTENANCE: i64 = WHOLE / 4;
/// FINRA Rule 4210(c)(3): 30 % of a short position at 5 dollars or more.
pub const SHORT_MAINTENANCE: i64 = 3 * WHOLE / 10;
/// The multipliers that an account may have: no loan, Regulation T, and that of day traders.
pub const MULTIPLIERS: [u8; 3] = [1, 2, 4];
/// From this price on a short stock is no penny stock.
const SHORT_STOCK_PRICE: Money = 5_000_000;
/// The least requirement of a short share from that price on, and below it.
const SHORT_STOCK_FLOORS: (Money, Money) = (5_000_000, 2_500_000);

/// What a margin account may borrow, set when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginTerms {
    /// How many times its equity the account may hold: 1, 2 (Regulation T) or 4 (day traders).
    pub multiplier: u8,
    /// Share of a long position's value that it must keep, in 10^-9.
    pub long_maintenance: i64,
    /// Share of a short position's value that it must keep, in 10^-9.
    pub short_maintenance: i64,
    /// Yearly rate on borrowed cash, in 10^-9.
    pub interest_rate: i64,
}

impl Default for MarginTerms {
    fn default() -> MarginTerms {
        MarginTerms {
            multiplier: 2,
            long_maintenance: LONG_MAINTENANCE,
            short_maintenance: SHORT_MAINTENANCE,
            interest_rate: 0,
        }
    }
}

impl MarginTerms {
    /// Share of a new position's value that must be covered by equity, in 10^-9.
    pub const fn initial(&self) -> i64 {
        match self.multiplier {
            0 => WHOLE,
            multiplier => WHOLE / multiplier as i64,
        }
    }

    /// What `qty` (below zero: short) of an instrument requires while it is kept, at this value.
    pub fn maintenance_of(
        &self,
        record: &InstrumentRecord,
        qty: Quantity,
        value: Balance,
    ) -> Balance {
        let rate = record.margin.as_deref().and_then(|margin| margin.maintenance_rate);
        let value = value.abs();
        if let Some(contract) = record.terms.contract.as_ref().filter(|it| it.is_margined) {
            return contract.maintenance.of(record.terms.qty_scale, qty, value);
        }
        let least = at_rate(value, rate.unwrap_or(0));
        if qty >= 0 {
            return at_rate(value, self.long_maintenance).max(least);
        }
        self.short_of(&record.terms, qty, value).max(least)
    }

    /// What keeping a short position requires.
    fn short_of(&self, terms: &Instrument, qty: Quantity, value: Balance) -> Balance {
        let is_stock = terms.asset_class == AssetClass::UsEquity;
        let least = |each: Money| {
            let shares = Balance::from(each) * Balance::from(qty).abs();
            divide(shares, power_of_ten(u32::from(terms.qty_scale)), Rounding::Up)
        };
        if !is_stock {
            at_rate(value, self.short_maintenance)
        } else if value >= least(SHORT_STOCK_PRICE) {
            at_rate(value, self.short_maintenance).max(least(SHORT_STOCK_FLOORS.0))
        } else {
            value.max(least(SHORT_STOCK_FLOORS.1))
        }
    }

    /// What opening `qty` of an instrument requires at this value: never less than keeping it.
    pub fn initial_of(&self, record: &InstrumentRecord, qty: Quantity, value: Balance) -> Balance {
        if let Some(contract) = record.terms.contract.as_ref().filter(|it| it.is_margined) {
            return contract.initial.of(record.terms.qty_scale, qty, value);
        }
        if record.terms.is_option() {
            return if qty > 0 { value.abs() } else { 0 };
        }
        let least = record.margin.as_deref().and_then(|margin| margin.initial_rate);
        let rate = self.initial().max(least.unwrap_or(0));
        at_rate(value.abs(), rate).max(self.maintenance_of(record, qty, value))
    }
}

/// A share of a value, rounded up.
fn at_rate(value: Balance, rate: i64) -> Balance {
    portion(value, rate, WHOLE, Rounding::Up)
}

/// What an account is worth and what is asked of it, in units of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Cash and long positions less short ones.
    pub equity: Balance,
    /// What its positions would require if they were opened now.
    pub initial: Balance,
    /// What its positions require to be kept; equity below it is a margin call.
    pub maintenance: Balance,
}

impl Account {
    /// What is asked of the account at these prices; nothing of a cash account.
    pub fn requirement(
        &self,
        durable: &Durable,
        price_of: impl Fn(InstrumentIndex, &InstrumentRecord) -> Option<Price>,
    ) -> Requirement {
        let worth = durable.worth_at(self, price_of);
        Requirement {
            equity: worth.equity,
            initial: worth.initial_margin,
            maintenance: worth.maintenance_margin,
        }
    }
}

/// What an account is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// Cash and positions.
    pub equity: Balance,
    /// What open orders set aside.
    pub held: Balance,
    /// Value of the positions less their cost.
    pub unrealized_pl: Balance,
    /// Value of the long positions.
    pub long_value: Balance,
    /// Value of the short positions, below zero.
    pub short_value: Balance,
    /// Profit or loss of margined contracts that no settlement has paid yet; part of the equity.
    pub open_pl: Balance,
    /// What the positions of a margin account would require if they were opened now.
    pub initial_margin: Balance,
    /// What the positions of a margin account require to be kept.
    pub maintenance_margin: Balance,
}

impl Worth {
    /// Counts a position in; `here` tells an amount of its currency in that of the account.
    pub fn add(
        &mut self,
        margin: Option<&MarginTerms>,
        record: &InstrumentRecord,
        (qty, value, cost): (Quantity, Balance, Balance),
        here: impl Fn(Balance) -> Balance,
    ) {
        // What options require is told by all of them together (`contract::spreads`).
        if let Some(margin) = margin.filter(|_| !record.terms.is_option()) {
            self.initial_margin += here(margin.initial_of(record, qty, value));
            self.maintenance_margin += here(margin.maintenance_of(record, qty, value));
        }
        let (value, cost) = (here(value), here(cost));
        self.unrealized_pl += value - cost;
        self.equity += if record.terms.is_margined() { value - cost } else { value };
        if record.terms.is_margined() {
            self.open_pl += value - cost;
        } else if qty > 0 {
            self.long_value += value;
        } else {
            self.short_value += value;
        }
    }

    /// Equity that no position and no open order needs; below zero when the positions could not
    /// be opened again.
    pub const fn excess(&self) -> Balance {
        self.equity - self.initial_margin - self.held
    }

    /// What the account can spend: cash less holds, or on margin the value of the stock it could
    /// open at its multiplier. A journal spends nothing.
    pub fn buying_power(&self, account: &Account) -> Balance {
        match account.margin() {
            None if account.is_journal() => 0,
            None => account.free_cash(),
            Some(margin) => self.excess().max(0).saturating_mul(margin.multiplier.into()),
        }
    }
}

/// Decimal digits of the floors above are those of money.
const _: () = assert!(MONEY_SCALE == 6);
