//! An exchange: its fees and its fill profile.

use crate::ids::OrderNumber;
use crate::profile::Ruling;
use crate::session::{ExchangeRules, ExchangeSession};
use crate::units::Nanos;
use crate::words::SessionState;

pub use crate::fees::Fees;
pub use crate::profile::Profile;

/// The terms of an exchange, set when it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its id, such as a MIC; unique in the world.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Currency it settles in.
    pub currency: String,
    /// Name of its calendar.
    pub calendar: String,
    /// What it takes for fills.
    pub fees: Fees,
    /// How it fills orders.
    pub profile: Profile,
    /// Rules beyond these.
    pub rules: Option<Box<ExchangeRules>>,
}

impl Exchange {
    /// Whether fees and profile have no rules beyond the plain ones.
    pub fn is_plain(&self) -> bool {
        self.fees.rules.is_none() && self.profile.rules.is_none()
    }
}

/// The durable record of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRecord {
    /// Its terms.
    pub terms: Exchange,
    /// Whether sessions rule its day; without any `session` command it is always open and its
    /// day ends at 00:00 UTC.
    pub has_sessions: bool,
    /// The part of its day that it is in.
    pub state: SessionState,
    /// When the next day ends (always open) or the session changes next (0: not known).
    pub next_ns: Nanos,
    /// DAY orders with a smaller number are past their day.
    pub expire_below: OrderNumber,
    /// What sessions and halts add.
    pub session: ExchangeSession,
    /// Fees and profile that were set after the listing.
    pub ruling: Option<Box<Ruling>>,
}
