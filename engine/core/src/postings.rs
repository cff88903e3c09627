//! The ledger: a view of the events, in double entry, whose sum is zero by construction.
//!
//! `postings` is pure: it reads an event and nothing else. When its rules change, the event gets
//! a new version and the old rules stay for the old one.

use crate::event::{Event, Fill};
use crate::ids::{AccountIndex, CurrencyIndex, InstrumentIndex};
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
    /// A currency.
    Cash(CurrencyIndex),
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

    fn push(&mut self, line: Line) {
        if let Some(slot) = self.lines.get_mut(self.count) {
            *slot = Some(line);
            self.count += 1;
        }
    }
}

/// The ledger lines that an event stands for.
pub fn postings(event: &Event) -> Lines {
    let mut lines = Lines::default();
    let mut take = |line| lines.push(line);
    match event {
        Event::Deposited { account, amount } => {
            let asset = Asset::CashOfAccount(*account);
            let parties = (Party::Account(*account), Party::Funding);
            transfer(&mut take, parties, asset, *amount, LedgerKind::Deposit);
        }
        Event::Filled(fill) => lines_of_fill(fill, take),
        Event::Corporate(event) => crate::corporate::event::postings(event, take),
        Event::Contract(event) => crate::contract::event::postings(event, take),
        Event::Money(event) => crate::money::evolve::postings(event, take),
        _ => {}
    }
    lines
}

/// Two lines: what the first party gains, the second loses.
#[inline(always)]
pub(crate) fn transfer(
    take: &mut impl FnMut(Line),
    (to, from): (Party, Party),
    asset: Asset,
    amount: i64,
    kind: LedgerKind,
) {
    take(Line { party: to, asset, amount, kind });
    take(Line { party: from, asset, amount: -amount, kind });
}

/// The lines of a fill, one by one: most events are fills, and `evolve` keeps no list of them.
#[inline(always)]
pub(crate) fn lines_of_fill(fill: &Fill, mut take: impl FnMut(Line)) {
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
    match (fill.margined, fill.realized_pl) {
        (false, _) => transfer(&mut take, (user, other), cash, paid, LedgerKind::Trade),
        (true, 0) => {}
        (true, profit) => {
            transfer(&mut take, (user, Party::House), cash, profit, LedgerKind::Variation);
        }
    }
    transfer(&mut take, (user, other), holding, got, LedgerKind::Trade);
    if fill.fee != 0 {
        transfer(&mut take, (user, Party::Fees), cash, -fill.fee, LedgerKind::Fee);
    }
}
