//! Where accounts are armed: at the prices that could bring them to a limit, and nowhere else.
//!
//! An account that may lose S before a limit, over k positions, is armed in each of them at the
//! move that would lose S/k. While no price has moved that far the sum of all losses is below S, so
//! an account that no price touches need not be valued again. A touched account is valued, and
//! armed anew from where it stands. A tick costs a look at the nearest armed price, whoever holds.
//!
//! The armed prices stand in the same index as stop orders. None of it is durable: after a start
//! every account is valued once.

use std::collections::{BTreeMap, BTreeSet};

use crate::durable::Durable;
use crate::event::Event;
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::money::event::MoneyEvent;
use crate::postings::{Party, postings};
use crate::project::{Touched, touch};
use crate::units::{Nanos, PRICE_MAX, Price};
use crate::words::Reason;

use super::event::RiskEvent;

/// Which way a price has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// At this price or below.
    Down,
    /// At this price or above.
    Up,
}

/// A price at which an account is valued again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Of what.
    pub instrument: InstrumentIndex,
    /// Which way.
    pub way: Way,
    /// The price.
    pub price: Price,
}

/// The accounts armed in one instrument.
#[derive(Clone, Debug, Default)]
pub struct Armed {
    down: BTreeSet<(Price, AccountIndex)>,
    up: BTreeSet<(Price, AccountIndex)>,
}

impl Armed {
    /// Arms an account.
    pub fn insert(&mut self, way: Way, price: Price, account: AccountIndex) {
        match way {
            Way::Down => self.down.insert((price, account)),
            Way::Up => self.up.insert((price, account)),
        };
    }

    /// Disarms an account.
    pub fn remove(&mut self, way: Way, price: Price, account: AccountIndex) {
        match way {
            Way::Down => self.down.remove(&(price, account)),
            Way::Up => self.up.remove(&(price, account)),
        };
    }

    /// The nearest price below at which an account is touched, and the nearest above.
    pub fn nearest(&self) -> (Option<Price>, Option<Price>) {
        (self.down.last().map(|(price, _)| *price), self.up.first().map(|(price, _)| *price))
    }

    /// An account that this price touches.
    pub fn touched(&self, price: Price) -> Option<AccountIndex> {
        let down = self.down.last().filter(|(armed, _)| price <= *armed);
        down.or_else(|| self.up.first().filter(|(armed, _)| price >= *armed)).map(|(_, it)| *it)
    }
}

/// What is watched, and what has to be valued again.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Where each account is armed.
    pub(crate) arms: BTreeMap<AccountIndex, Vec<Arm>>,
    /// Accounts to be valued again.
    pub(super) dirty: BTreeSet<AccountIndex>,
    /// Accounts that may have a new high of equity, to be looked at by the next mark.
    pub(super) rising: BTreeSet<AccountIndex>,
    /// Whether prices were marked since `rising` was worked off.
    pub(super) is_marked: bool,
    /// Whether accounts are being valued.
    pub(super) is_busy: bool,
    /// The time that was told last: margin calls due by then are late.
    pub(super) told_ns: Nanos,
}

impl Watch {
    /// The watch of a world that starts: every account is to be valued.
    pub fn rebuild(durable: &Durable) -> Watch {
        let mut watch = Watch::default();
        watch.value_all(durable);
        watch
    }

    /// Whether nothing is watched.
    pub fn is_idle(&self) -> bool {
        self.arms.is_empty() && self.dirty.is_empty()
    }

    /// Whether accounts are to be valued by the next input.
    pub fn is_valuing(&self) -> bool {
        self.is_busy || !self.dirty.is_empty()
    }

    /// Whether accounts wait to be valued.
    pub fn is_behind(&self) -> bool {
        !self.dirty.is_empty() || (self.is_marked && !self.rising.is_empty())
    }

    fn value_all(&mut self, durable: &Durable) {
        let watches = durable.risk.as_deref().is_some_and(|risk| risk.policy.watches());
        if watches {
            self.dirty.extend(0..durable.accounts.len() as AccountIndex);
        }
    }

    /// Follows an event of a world that has a risk state.
    pub fn follow(&mut self, durable: &Durable, event: &Event) {
        if !durable.risk.as_deref().is_some_and(|risk| risk.policy.watches()) {
            self.dirty.clear();
            return;
        }
        for line in postings(event).iter() {
            if let Party::Account(account) = line.party {
                self.dirty.insert(account);
            }
        }
        match event {
            Event::Risk(event) => self.follow_risk(durable, event),
            Event::Marked { .. } => self.is_marked = true,
            Event::Money(event) => self.follow_money(durable, event),
            // Whoever still has to close is looked at again.
            Event::Canceled { order, reason, .. } if *reason != Reason::InsufficientBuyingPower => {
                let ended = durable.order(*order).filter(|order| order.is_forced());
                self.dirty.extend(ended.map(|order| order.terms.account));
            }
            // Positions may change without a line of the ledger.
            Event::Corporate(_) | Event::Contract(_) => {
                let mut touched = Touched::default();
                touch(&mut touched, durable, event);
                self.dirty.extend(touched.accounts);
                self.dirty.extend(touched.positions.into_iter().map(|(account, _)| account));
            }
            _ => {}
        }
    }

    /// A rate or a requirement changes what every account is worth or needs.
    fn follow_money(&mut self, durable: &Durable, event: &MoneyEvent) {
        match event {
            MoneyEvent::RateSet { .. } | MoneyEvent::MarginSet { .. } => self.value_all(durable),
            MoneyEvent::AccountReset { account, .. } | MoneyEvent::Settled { account, .. } => {
                self.dirty.insert(*account);
            }
            _ => {}
        }
    }

    fn follow_risk(&mut self, durable: &Durable, event: &RiskEvent) {
        match event {
            RiskEvent::PolicySet { .. } => self.value_all(durable),
            RiskEvent::Baselined { equities, .. } | RiskEvent::PeaksRaised { equities } => {
                self.dirty.extend(equities.iter().map(|(account, _)| *account));
            }
            RiskEvent::Alerted { account, .. }
            | RiskEvent::Stopped { account, .. }
            | RiskEvent::Resumed { account, .. }
            | RiskEvent::MarginCalled { account, .. }
            | RiskEvent::MarginCallMet { account, .. }
            | RiskEvent::Cleaned { account } => {
                self.dirty.insert(*account);
            }
            _ => {}
        }
    }
}

/// An arm that every price touches: for positions that have no price yet.
pub(super) const fn at_any_price(instrument: InstrumentIndex) -> Arm {
    Arm { instrument, way: Way::Down, price: PRICE_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_touches_the_accounts_that_it_reaches_and_no_others() {
        let mut armed = Armed::default();
        armed.insert(Way::Down, 90, 1);
        armed.insert(Way::Down, 95, 2);
        armed.insert(Way::Up, 110, 3);
        assert_eq!(armed.touched(100), None);
        assert_eq!(armed.touched(96), None);
        assert_eq!(armed.touched(95), Some(2));
        assert_eq!(armed.touched(111), Some(3));
        armed.remove(Way::Down, 95, 2);
        assert_eq!(armed.touched(91), None);
        assert_eq!(armed.touched(90), Some(1));
    }
}
