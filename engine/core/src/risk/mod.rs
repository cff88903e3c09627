//! Risk: what must hold before an order is taken, and what is watched while prices move.
//!
//! A world without a policy keeps nothing here and pays a null check. `policy` says what can be
//! limited, `text` writes and reads it, `command` decides the commands, `review` judges orders,
//! `watch` keeps accounts armed at the prices that could bring them to a limit, `breach` decides
//! what happens there, `event` is what all of it leaves on the tape, `records` what readers find of it.

pub(crate) mod answer;
mod breach;
mod command;
pub(crate) mod days;
pub mod event;
mod liquidate;
pub mod policy;
pub(crate) mod records;
pub(crate) mod review;
pub(crate) mod subject;
pub(crate) mod switch;
pub(crate) mod tape;
pub(crate) mod text;
pub(crate) mod usage;
pub(crate) mod watch;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::account::Account;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::order::Order;
use crate::units::{Balance, Nanos};
use crate::words::{Clean, Measure, RiskCheck, RiskLevel};

pub use command::{KillSwitch, RiskCommand, SetStatus};
pub use event::RiskEvent;
use policy::Policy;
pub use switch::Switch;

/// What a kill switch stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One account.
    Account(AccountIndex),
    /// All accounts of an owner.
    User(String),
    /// Everybody.
    World,
}

impl Scope {
    /// The word for it on the wire and on the tape.
    pub const fn word(&self) -> &'static str {
        match self {
            Scope::Account(_) => "account",
            Scope::User(_) => "user",
            Scope::World => "world",
        }
    }
}

/// The risk state of a world; it exists from the first policy or kill switch on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskState {
    /// How many policies there have been.
    pub version: u64,
    /// The policy in force.
    pub policy: Policy,
    /// The kill switch of the whole world, when it is on.
    pub killed: Option<Switch>,
    /// The kill switches of users that are on, by owner.
    pub killed_users: BTreeMap<String, Switch>,
    /// Number of the present trading day; weekends belong to the day before them.
    pub day: u32,
    /// How many days have begun, weekends included.
    pub days: u32,
    /// When the next day begins; 0 when days do not matter.
    pub next_day_ns: Nanos,
    /// Accounts from this index on have not got their figures of this day yet.
    pub baselined: AccountIndex,
    /// Accounts below this index were told of the kill switches in force.
    pub swept: AccountIndex,
    /// Whether the sweep closes positions too.
    pub sweep_flattens: bool,
    /// Accounts of an owner. Derived.
    pub accounts_of: BTreeMap<String, Vec<AccountIndex>>,
    /// Accounts of which something is to leave. Derived.
    pub cleaning: BTreeSet<AccountIndex>,
    /// Accounts with a margin call. Derived.
    pub called: BTreeSet<AccountIndex>,
}

impl RiskState {
    /// The kill switch that stops orders of this account, if one does: the nearest to it.
    pub fn killed<'a>(&'a self, account: &'a Account) -> Option<&'a Switch> {
        let own = account.risk.as_deref().and_then(|risk| risk.killed.as_ref());
        own.or_else(|| self.killed_users.get(&account.owner)).or(self.killed.as_ref())
    }

    /// Whether a kill switch lets an order of the account not stand. What the engine itself sends to
    /// close positions may.
    pub fn stops(&self, account: &Account, order: &Order) -> bool {
        !order.is_forced() && self.killed(account).is_some()
    }

    /// The accounts that count together with one: all of its owner.
    pub fn together(&self, owner: &str) -> &[AccountIndex] {
        self.accounts_of.get(owner).map_or(&[], Vec::as_slice)
    }

    /// Counts an account under its owner.
    pub(crate) fn index_account(&mut self, index: AccountIndex, account: &Account) {
        self.accounts_of.entry(account.owner.clone()).or_default().push(index);
        if let Some(risk) = account.risk.as_deref() {
            if risk.clean.is_some() {
                self.cleaning.insert(index);
            }
            if risk.call.is_some() {
                self.called.insert(index);
            }
        }
    }
}

/// An account that came to a limit and takes no opening orders any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Which limit.
    pub measure: Measure,
    /// What it came to, as text for people.
    pub value: String,
    /// The limit, as text for people.
    pub limit: String,
}

/// A margin call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it was made.
    pub since_ns: Nanos,
    /// When positions are closed if it is not met; 0 for never.
    pub due_ns: Nanos,
}

/// The risk state of an account; it exists from the first event about it on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRisk {
    /// Its own kill switch, when it is on.
    pub killed: Option<Switch>,
    /// The limit that it came to.
    pub stop: Option<Stop>,
    /// When its last counted orders were taken, earliest first.
    pub taken: VecDeque<Nanos>,
    /// Equity when the day began; money that came or went since is added or removed.
    pub day_start: Option<Balance>,
    /// The highest equity so far; money that came or went since is added or removed.
    pub peak: Option<Balance>,
    /// Watched rules that were come near or reached, by version, place and level.
    pub fired: BTreeMap<u64, Measure>,
    /// Its margin call.
    pub call: Option<Call>,
    /// What of it is still to leave.
    pub clean: Option<Clean>,
    /// The day, counted by its begin, that `day_start` belongs to.
    pub based: u32,
    /// The number of the trading day that `opened` belongs to.
    pub day: u32,
    /// What it opened on that day and has not closed since.
    pub opened: BTreeSet<InstrumentIndex>,
    /// The trading days of its last day trades, earliest first.
    pub day_trades: VecDeque<u32>,
}

impl AccountRisk {
    /// The key of a rule that fired: version of the policy, place of the rule, level.
    pub(crate) const fn fired_key(version: u64, rule: u32, level: RiskLevel) -> u64 {
        (version << 32) | ((rule as u64 & 0x7fff_ffff) << 1) | (level as u64)
    }

    /// Whether a key belongs to a version of the policy.
    pub(crate) const fn is_of_version(key: u64, version: u64) -> bool {
        key >> 32 == version & 0xffff_ffff
    }

    /// Whether a rule of the policy has fired at a level.
    pub fn has_fired(&self, version: u64, rule: u32, level: RiskLevel) -> bool {
        self.fired.contains_key(&AccountRisk::fired_key(version, rule, level))
    }

    /// Stops the account; the stop of a day does not take the place of one that lasts.
    pub(crate) fn stop_at(&mut self, stop: &Stop) {
        let lasts = self.stop.as_ref().is_some_and(|before| !before.measure.ends_with_day());
        if !lasts || !stop.measure.ends_with_day() {
            self.stop = Some(stop.clone());
        }
    }

    /// How many orders were taken after a time.
    pub fn taken_after(&self, time_ns: Nanos) -> usize {
        self.taken.len() - self.taken.partition_point(|taken| *taken <= time_ns)
    }

    /// How many day trades there were on a day or later. They stand as they came: a policy that
    /// lets the day start later may name an earlier day again.
    pub fn day_trades_since(&self, day: u32) -> usize {
        self.day_trades.iter().filter(|traded| **traded >= day).count()
    }
}

/// What an accepted order passed: kept in its event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// The version of the policy.
    pub version: u64,
    /// A bit for each check that was made, see `RiskCheck`.
    pub checks: u64,
    /// How many of its latest orders the account keeps the times of; 0 when none are counted.
    pub keep: u32,
}

/// A limit that was come near or reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Place of the rule in the policy.
    pub rule: u32,
    /// What is measured.
    pub measure: Measure,
    /// What it came to, as text for people.
    pub value: String,
    /// The hard limit, as text for people.
    pub limit: String,
}

/// The bit of a check.
pub const fn bit(check: RiskCheck) -> u64 {
    1 << (check as u64)
}

/// The checks that every accepted order passed, with or without a policy.
pub const BASE_CHECKS: u64 = bit(RiskCheck::Order) | bit(RiskCheck::BuyingPower);

#[cfg(test)]
mod tests {
    use super::AccountRisk;

    #[test]
    fn day_trades_count_also_where_a_policy_went_back_a_day() {
        let risk = AccountRisk { day_trades: [20_410, 20_409].into(), ..Default::default() };
        assert_eq!([20_409, 20_410, 20_411].map(|day| risk.day_trades_since(day)), [2, 1, 0]);
    }
}
