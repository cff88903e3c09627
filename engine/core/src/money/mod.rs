//! Money apart from trading: deposits, withdrawals, transfers, several currencies, interest,
//! borrow fees, settlement, resets, and trades that are recorded, corrected or busted.
//!
//! Where to start reading: `event.rs` (what can happen, and its text), `evolve.rs` (what it
//! changes), `command.rs` (what can be asked for), `decide.rs`, `trades.rs`, `accrual.rs`.

mod accrual;
pub mod command;
mod decide;
pub mod event;
pub(crate) mod evolve;
pub(crate) mod show;
pub(crate) mod text;
mod trades;

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::durable::Durable;
use crate::ids::{AccountIndex, CurrencyIndex, ExchangeIndex, FillNumber, InstrumentIndex};
use crate::lots::Lot;
use crate::margin::WHOLE;
use crate::units::{
    Balance, Money, Nanos, Quantity, RATE_SCALE, Rounding, divide, portion, power_of_ten,
};

/// How many past lives an account remembers.
pub const ARCHIVES_MAX: usize = 100;

/// Cash in another currency than the account's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wallet {
    /// Cash, holds included.
    pub cash: Balance,
    /// The sum of the holds of its open orders.
    pub held: Balance,
}

/// What an account was when it was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// When it was reset.
    pub time_ns: Nanos,
    /// What it had been given when it began.
    pub starting_cash: Money,
    /// What it was worth.
    pub equity: Balance,
    /// Profit of its trades.
    pub realized_pl: Balance,
}

/// What few accounts have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountMore {
    /// Cash in other currencies.
    pub wallets: BTreeMap<CurrencyIndex, Wallet>,
    /// Proceeds that are not settled, by the exchange and the day of it on which they will be.
    pub unsettled: BTreeMap<(ExchangeIndex, u32, CurrencyIndex), Balance>,
    /// The lots of its positions, oldest first; none at average cost.
    pub lots: BTreeMap<InstrumentIndex, Vec<Lot>>,
    /// Its past lives, the oldest first.
    pub archives: Vec<Archive>,
    /// Fills with a smaller number are from a past life.
    pub fills_from: FillNumber,
    /// Deposits and transfers less withdrawals since it began, in its own currency at the rates of
    /// their days.
    pub put_in: Balance,
}

/// What margin accounts must know of an instrument, set by `set_margin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentMargin {
    /// Least share of the value that opening it requires, in 10^-9; the account's own when `None`.
    pub initial_rate: Option<i64>,
    /// Least share of the value that keeping it requires, in 10^-9.
    pub maintenance_rate: Option<i64>,
    /// Whether it may be sold short.
    pub shortable: bool,
    /// How much all accounts together may owe; no bound when `None`.
    pub borrow_qty: Option<Quantity>,
    /// Yearly fee on the value of what is owed, in 10^-9.
    pub borrow_rate: i64,
}

impl Default for InstrumentMargin {
    fn default() -> InstrumentMargin {
        InstrumentMargin {
            initial_rate: None,
            maintenance_rate: None,
            shortable: true,
            borrow_qty: None,
            borrow_rate: 0,
        }
    }
}

/// The daily work on margin accounts: interest and borrow fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accrual {
    /// When the first margin account was opened; 0 when there is none.
    pub opened_ns: Nanos,
    /// When the next day ends; 0 when none has ended yet.
    pub next_ns: Nanos,
    /// How many days are being charged; 0 when nothing is.
    pub days: u32,
    /// The account that is next.
    pub account: AccountIndex,
    /// What is next of it: 0 its interest, then its positions by instrument.
    pub step: u32,
}

/// What a world keeps for all this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyState {
    /// Stated rates: what one unit of the first currency gives of the second, in 10^-9.
    pub rates: BTreeMap<(CurrencyIndex, CurrencyIndex), i64>,
    /// Transfers that were done, by their id and account, with the digest of what was asked.
    pub transfers: BTreeMap<(String, AccountIndex), u64>,
    /// Fills that were busted.
    pub busted: BTreeSet<FillNumber>,
    /// The daily work.
    pub accrual: Accrual,
    /// After how many trading days the sells of an exchange are settled; at once when it is not
    /// named.
    pub settlement: BTreeMap<ExchangeIndex, u32>,
    /// How many trading days of each exchange have ended.
    pub days: BTreeMap<ExchangeIndex, u32>,
    /// Margin accounts. Derived.
    pub margin_accounts: BTreeSet<AccountIndex>,
    /// Proceeds that wait for their settlement. Derived.
    pub unsettled: BTreeSet<(ExchangeIndex, u32, AccountIndex)>,
}

impl MoneyState {
    /// An amount of one currency in another at the stated rate, or at the inverse of the rate the
    /// other way round, half-even; `None` without either.
    pub fn convert(
        &self,
        amount: Balance,
        from: CurrencyIndex,
        to: CurrencyIndex,
    ) -> Option<Balance> {
        if from == to {
            return Some(amount);
        }
        if let Some(rate) = self.rates.get(&(from, to)) {
            return Some(portion(amount, *rate, WHOLE, Rounding::HalfEven));
        }
        let rate = self.rates.get(&(to, from)).filter(|rate| **rate > 0)?;
        Some(portion(amount, WHOLE, *rate, Rounding::HalfEven))
    }

    /// Proceeds that are due to settle: their day has come, or the exchange settles at once by now.
    pub fn due_settlement(&self) -> Option<(ExchangeIndex, u32, AccountIndex)> {
        let mut waiting = self.unsettled.iter().next();
        while let Some(first) = waiting {
            let ended = self.days.get(&first.0).copied().unwrap_or(0);
            if first.1 <= ended || !self.settlement.contains_key(&first.0) {
                return Some(*first);
            }
            waiting = self.unsettled.range((first.0.saturating_add(1), 0, 0)..).next();
        }
        None
    }

    /// Whether work is left.
    pub fn is_due(&self) -> bool {
        self.accrual.days > 0 || (!self.unsettled.is_empty() && self.due_settlement().is_some())
    }
}

impl Account {
    /// Cash and holds in a currency.
    pub fn wallet(&self, currency: CurrencyIndex) -> Wallet {
        if currency == self.currency {
            return Wallet { cash: self.cash, held: self.held };
        }
        let wallets = self.more.as_deref().map(|more| &more.wallets);
        wallets.and_then(|wallets| wallets.get(&currency)).copied().unwrap_or_default()
    }

    /// What was put into it when it was opened, whatever it was reset to since.
    pub fn opened_with(&self) -> Money {
        let first = self.more.as_deref().and_then(|more| more.archives.first());
        first.map_or(self.starting_cash, |first| first.starting_cash)
    }

    /// The money put into it: what it began with, deposits and transfers, less withdrawals.
    pub fn capital(&self) -> Balance {
        let since = self.more.as_deref().map_or(0, |more| more.put_in);
        Balance::from(self.starting_cash) + since
    }

    /// Proceeds in a currency that are not settled.
    pub fn unsettled(&self, currency: CurrencyIndex) -> Balance {
        let Some(more) = self.more.as_deref() else {
            return 0;
        };
        more.unsettled.iter().filter(|((_, _, other), _)| *other == currency).map(|it| it.1).sum()
    }

    /// Settled cash in a currency that is not set aside for orders.
    pub fn free_in(&self, currency: CurrencyIndex) -> Balance {
        let wallet = self.wallet(currency);
        let deposited = if currency == self.currency { self.deposited } else { 0 };
        wallet.cash - wallet.held - deposited - self.unsettled(currency)
    }

    /// The lots of a position, oldest first; none at average cost.
    pub fn lots(&self, instrument: InstrumentIndex) -> &[Lot] {
        let lots = self.more.as_deref().and_then(|more| more.lots.get(&instrument));
        lots.map_or(&[], Vec::as_slice)
    }
}

impl Durable {
    /// What margin accounts must know of an instrument.
    pub fn margin_of(&self, instrument: InstrumentIndex) -> Option<&InstrumentMargin> {
        self.instrument(instrument).and_then(|record| record.margin.as_deref())
    }

    /// How much of an instrument an account can still borrow; no bound when `None`. In an isolated
    /// world nobody borrows it before.
    pub fn borrowable(&self, instrument: InstrumentIndex, account: &Account) -> Option<Quantity> {
        let record = self.instrument(instrument)?;
        let margin = record.margin.as_deref()?;
        if !margin.shortable {
            return Some(0);
        }
        let shorted = match self.is_isolated() {
            true => account.position(instrument).qty.saturating_neg().max(0),
            false => record.shorted,
        };
        let left = margin.borrow_qty.map(|most| most.saturating_sub(shorted));
        left.map(|left| left.max(0))
    }

    /// On which day of an exchange what is sold today will be settled; `None` when at once.
    pub(crate) fn settles_on(&self, exchange: ExchangeIndex) -> Option<u32> {
        let days = self.money.settlement.get(&exchange)?;
        Some(self.money.days.get(&exchange).copied().unwrap_or(0).saturating_add(*days))
    }

    /// Cash and holds in other currencies than the account's own, at the stated rates. A currency
    /// without a rate counts nothing.
    pub(crate) fn abroad(&self, account: &Account) -> Wallet {
        let mut sum = Wallet::default();
        for (currency, wallet) in account.more.iter().flat_map(|more| &more.wallets) {
            let here = |amount| self.money.convert(amount, *currency, account.currency);
            sum.cash += here(wallet.cash).unwrap_or(0);
            sum.held += here(wallet.held).unwrap_or(0);
        }
        sum
    }
}

/// A yearly rate on a value for some days of a year of 360, as brokers charge it; half away from
/// zero.
pub(crate) fn charge(value: Balance, rate: i64, days: u32) -> Balance {
    let yearly = value.saturating_mul(Balance::from(rate)).saturating_mul(Balance::from(days));
    divide(yearly, 360 * power_of_ten(u32::from(RATE_SCALE)), Rounding::HalfUp)
}
