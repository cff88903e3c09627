//! The ledger: a view of the events, in double entry, whose sum is zero by construction.
//!
//! `postings` is pure: it reads an event and nothing else. When its rules change, the event gets
//! a new version and the old rules stay for the old one.

use crate::event::{Event, Fill};
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::words::{Counterparty, LedgerKind, Side};

/// Whose balance a line changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A user's account.
    Account(AccountIndex),
    /// The street and the bots.
    House,
    /// Fee income.
    Fees,
    /// Where deposits come from.
    Funding,
    /// Between users.
    Clearing,
}

impl Party {
    /// The name of a party that is no account.
    pub const fn word(self) -> &'static str {
        match self {
            Party::Account(_) => "",
            Party::House => "house",
            Party::Fees => "fees",
            Party::Funding => "funding",
            Party::Clearing => "clearing",
        }
    }
}

/// What a line moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    /// The currency of an account.
    CashOfAccount(AccountIndex),
    /// The currency of an instrument.
    CashOfInstrument(InstrumentIndex),
    /// The instrument itself.
    Holding(InstrumentIndex),
}

/// One line of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose balance changes.
    pub party: Party,
    /// What moves.
    pub asset: Asset,
    /// By how much, in money or quantity units.
    pub amount: i64,
    /// What for.
    pub kind: LedgerKind,
}

/// The most lines that one event has.
pub const LINES_MAX: usize = 6;

/// The lines of one event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    lines: [Option<Line>; LINES_MAX],
    count: usize,
}

impl Lines {
    /// The lines in order.
    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().flatten()
    }

    /// Adds two lines: what the first party gains, the second loses.
    fn transfer(
        mut self,
        to: Party,
        from: Party,
        asset: Asset,
        amount: i64,
        kind: LedgerKind,
    ) -> Lines {
        for (party, amount) in [(to, amount), (from, -amount)] {
            if let Some(slot) = self.lines.get_mut(self.count) {
                *slot = Some(Line { party, asset, amount, kind });
                self.count += 1;
            }
        }
        self
    }
}

/// The ledger lines that an event stands for.
pub fn postings(event: &Event) -> Lines {
    match event {
        Event::Deposited { account, amount } => {
            let asset = Asset::CashOfAccount(*account);
            let to = Party::Account(*account);
            Lines::default().transfer(to, Party::Funding, asset, *amount, LedgerKind::Deposit)
        }
        Event::Filled(fill) => postings_of_fill(fill),
        _ => Lines::default(),
    }
}

fn postings_of_fill(fill: &Fill) -> Lines {
    let user = Party::Account(fill.account);
    let other = match fill.counterparty {
        Counterparty::House => Party::House,
        Counterparty::User => Party::Clearing,
    };
    let cash = Asset::CashOfInstrument(fill.instrument);
    let holding = Asset::Holding(fill.instrument);
    let (paid, got) = match fill.side {
        Side::Buy => (-fill.notional, fill.qty),
        Side::Sell => (fill.notional, -fill.qty),
    };
    // The house stands between the buyers and sellers of margined contracts: it pays what they win.
    let lines = match (fill.margined, fill.realized_pl) {
        (false, _) => Lines::default().transfer(user, other, cash, paid, LedgerKind::Trade),
        (true, 0) => Lines::default(),
        (true, profit) => {
            Lines::default().transfer(user, Party::House, cash, profit, LedgerKind::Variation)
        }
    };
    let lines = lines.transfer(user, other, holding, got, LedgerKind::Trade);
    if fill.fee == 0 {
        return lines;
    }
    lines.transfer(user, Party::Fees, cash, -fill.fee, LedgerKind::Fee)
}
