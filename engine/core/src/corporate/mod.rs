//! Corporate actions: dividends, splits, changes of symbol, delistings.
//!
//! An action is announced with its ex-time. When the clock reaches it, the instrument stands still
//! while the action goes through all accounts that hold it or have an order in it, one after the
//! other, as due work with a cursor; then it trades again. A cash dividend is owed from the ex-time
//! and paid at its payment time. What a holder gains the house loses, so the ledger stays zero.

pub mod event;
mod steps;
pub(crate) mod text;
mod work;

use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Mark;
use crate::units::{Money, Nanos, Price};

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Pays this much for one whole unit, in 10^-9 currency units; shorts are debited.
    CashDividend {
        /// Amount for one unit.
        amount: i64,
    },
    /// `old` units become `new` ones: a split, a reverse split, or a stock dividend.
    Split {
        /// Units after.
        new: u32,
        /// Units before.
        old: u32,
    },
    /// The instrument has another symbol and name from now on; the old symbol still finds it.
    Rename {
        /// The new symbol.
        symbol: String,
        /// The new name.
        name: String,
    },
    /// The instrument trades no more: orders leave, positions are closed at a price, which may
    /// be zero.
    Delist {
        /// What a unit is paid out at.
        price: Price,
    },
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its ex-time is still to come.
    Announced,
    /// It goes through the accounts.
    Working(Cursor),
    /// All are adjusted; dividends wait for their payment time.
    Owing {
        /// The place in `owed` of the next account to be paid.
        next: u32,
    },
}

/// Where the work on an action goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The account that is worked on.
    pub account: AccountIndex,
    /// Its orders below this number are done.
    pub order: OrderNumber,
    /// Whether its position is done.
    pub position: bool,
}

/// An announced action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its id, as whoever announced it gave it.
    pub id: String,
    /// The instrument.
    pub instrument: InstrumentIndex,
    /// What it does.
    pub change: Change,
    /// When it takes effect.
    pub ex_ns: Nanos,
    /// When a cash dividend is paid.
    pub pay_ns: Nanos,
    /// How far it has come.
    pub stage: Stage,
    /// Orders below this number came before the ex-time and are adjusted.
    pub below: OrderNumber,
    /// The mark before the ex-time, which values positions that are not adjusted yet.
    pub before: Mark,
    /// What accounts are owed, by account, and how much of it they count as theirs, in their own
    /// currency; negative for shorts.
    pub owed: Vec<(AccountIndex, Money, Money)>,
}

impl Action {
    /// When it has work to do next; at once while it works.
    pub(crate) const fn due_ns(&self) -> Nanos {
        match self.stage {
            Stage::Announced => self.ex_ns,
            Stage::Working(_) => Nanos::MIN,
            Stage::Owing { .. } => self.pay_ns,
        }
    }
}

/// The actions that are not over, and the ids of those that are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corporate {
    /// Announced and working actions, in the order of announcement.
    pub actions: Vec<Action>,
    /// Ids of the actions that are over, in order; the last `OVER_KEPT` of them.
    pub over: Vec<String>,
}

/// The largest number of a split's ratio.
pub const RATIO_MAX: u32 = 1_000_000;
/// How many ids of finished actions are kept, so that a repeated announcement does nothing.
pub const OVER_KEPT: usize = 10_000;

impl Corporate {
    /// The place of an action.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.actions.iter().position(|action| action.id == id)
    }

    /// Whether an announced change of symbol is going to take a symbol.
    pub fn is_promised(&self, asked: &str) -> bool {
        let takes = |change: &Change| match change {
            Change::Rename { symbol, .. } => symbol == asked,
            _ => false,
        };
        self.actions.iter().any(|action| takes(&action.change))
    }

    /// The mark that values a position while an action has changed the prices but not yet it.
    pub fn mark_before(&self, account: AccountIndex, instrument: InstrumentIndex) -> Option<Mark> {
        let waits = |action: &&Action| match action.stage {
            Stage::Working(cursor) => {
                let done = cursor.account > account || cursor.account == account && cursor.position;
                action.instrument == instrument && !done
            }
            _ => false,
        };
        self.actions.iter().find(waits).map(|action| action.before)
    }

    /// Whether an action is going through the accounts, some of which it has not reached yet.
    pub fn is_working(&self) -> bool {
        self.actions.iter().any(|action| matches!(action.stage, Stage::Working(_)))
    }

    /// Whether an action is going through the accounts of an instrument, which stands still.
    pub fn is_working_on(&self, instrument: InstrumentIndex) -> bool {
        let works = |action: &Action| matches!(action.stage, Stage::Working(_));
        self.actions.iter().any(|action| action.instrument == instrument && works(action))
    }

    /// The action that has work to do at a time: the one that began first, else the one due first.
    pub fn due(&self, now_ns: Nanos) -> Option<usize> {
        let working = self.actions.iter().position(|it| matches!(it.stage, Stage::Working(_)));
        working.or_else(|| {
            let times = self.actions.iter().map(Action::due_ns).zip(0..);
            times.filter(|(time_ns, _)| *time_ns <= now_ns).min().map(|(_, index)| index)
        })
    }
}

/// A command about corporate actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorporateCommand {
    /// Announces an action.
    Announce(Action),
    /// Calls an announced action off.
    CallOff {
        /// Its id.
        id: String,
    },
}
