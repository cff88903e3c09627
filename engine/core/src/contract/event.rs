//! What happens to contracts, what it changes, and the money that it moves.

use crate::contract::state::{Wheel, Work, schedule};
use crate::durable::Durable;
use crate::event::{RequestId, Turn};
use crate::ids::{AccountIndex, InstrumentIndex};
use crate::lots::Lot;
use crate::postings::{Asset, Line, Party, transfer};
use crate::project::Touched;
use crate::units::{Balance, Money, Nanos, Price, Quantity};
use crate::words::{ContractWork, InstrumentStatus, LedgerKind};

/// The underlying that an exercised option delivers: signed, from the view of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What is delivered.
    pub instrument: InstrumentIndex,
    /// How much comes; below zero: goes.
    pub qty: Quantity,
    /// What it adds to the cost of the position.
    pub cost: Money,
    /// Profit of what it closes.
    pub realized_pl: Money,
    /// The lots that are left of the position, when it had some and something of it goes.
    pub lots: Option<Vec<Lot>>,
}

/// What one account gets out of a work on a contract; all amounts are signed from its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// What was done.
    pub kind: ContractWork,
    /// The contract.
    pub instrument: InstrumentIndex,
    /// Whose position.
    pub account: AccountIndex,
    /// How many short contracts the wheel of an assignment has passed with it.
    pub wheel: Quantity,
    /// How the position in it changes.
    pub qty: Quantity,
    /// How its cost changes.
    pub cost: Money,
    /// The cash that comes.
    pub cash: Money,
    /// Profit of the position.
    pub realized_pl: Money,
    /// All its profit in the currency of the account, when that is another one.
    pub realized_here: Option<Money>,
    /// How the cash changes that contracts tie up.
    pub deposit: Money,
    /// The underlying, when it is delivered.
    pub delivered: Option<Delivered>,
    /// The request of its owner, when it was one.
    pub request: Option<RequestId>,
}

impl Passed {
    /// All its profit, in the currency of the contract.
    pub(crate) fn profit(&self) -> Balance {
        let delivered = self.delivered.as_ref().map_or(0, |delivered| delivered.realized_pl);
        Balance::from(self.realized_pl) + Balance::from(delivered)
    }
}

/// Everything that happens to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractEvent {
    /// Work on all holders begins; an expiry ends the trading.
    Began {
        /// Which contract.
        instrument: InstrumentIndex,
        /// What is to be done.
        work: Work,
    },
    /// The part of one account.
    Passed(Passed),
    /// The work in front is done.
    Done {
        /// Which contract.
        instrument: InstrumentIndex,
    },
    /// The rate and the time of the next funding are known.
    FundingSet {
        /// Which contract.
        instrument: InstrumentIndex,
        /// The rate, in 10^-9.
        rate: i64,
        /// When it is due.
        next_funding_ns: Nanos,
    },
    /// The price of the end is stated: of the future, or of the underlying of the option.
    PriceStated {
        /// Which contract.
        instrument: InstrumentIndex,
        /// The price.
        price: Price,
    },
    /// A holder says whether his option is to be exercised at its expiry.
    Instructed {
        /// Which option.
        instrument: InstrumentIndex,
        /// Whose.
        account: AccountIndex,
        /// Whether it is, when it is worth something.
        exercise: bool,
    },
}

/// Applies an event.
pub(crate) fn evolve(durable: &mut Durable, turn: &Turn, event: &ContractEvent) {
    let instrument = match event {
        ContractEvent::Began { instrument, work } => {
            begin(durable, *instrument, work);
            *instrument
        }
        ContractEvent::Passed(passed) => {
            pass(durable, turn, passed);
            passed.instrument
        }
        ContractEvent::Done { instrument } => {
            finish(durable, *instrument);
            *instrument
        }
        ContractEvent::FundingSet { instrument, rate, next_funding_ns } => {
            if let Some(state) = durable.contract_mut(*instrument) {
                state.funding_rate = *rate;
                state.next_funding_ns = *next_funding_ns;
            }
            *instrument
        }
        ContractEvent::PriceStated { instrument, price } => {
            if let Some(state) = durable.contract_mut(*instrument) {
                state.final_price = *price;
            }
            *instrument
        }
        ContractEvent::Instructed { instrument, account, exercise } => {
            instruct(durable, *instrument, *account, *exercise);
            *instrument
        }
    };
    schedule(durable, instrument);
}

fn begin(durable: &mut Durable, index: InstrumentIndex, work: &Work) {
    let Some(record) = durable.instruments.get_mut(index as usize) else {
        return;
    };
    let Some(state) = record.contract.as_deref_mut() else {
        return;
    };
    match work.kind {
        ContractWork::Expiry => record.terms.status = InstrumentStatus::Expired,
        ContractWork::Settlement => {
            state.settles = false;
            state.settlement_price = work.price;
        }
        _ => {}
    }
    state.works.push_back(*work);
}

fn finish(durable: &mut Durable, index: InstrumentIndex) {
    let Some(state) = durable.contract_mut(index) else {
        return;
    };
    let work = state.works.pop_front();
    if work.is_some_and(|work| work.kind == ContractWork::Expiry) {
        state.ended = true;
        state.settles = false;
        state.keeping.clear();
    }
}

fn instruct(durable: &mut Durable, index: InstrumentIndex, account: AccountIndex, exercise: bool) {
    let Some(state) = durable.contract_mut(index) else {
        return;
    };
    if exercise {
        state.keeping.remove(&account);
    } else {
        state.keeping.insert(account);
    }
}

/// Moves the part of one account; balances of cash and holdings move by its ledger lines.
fn pass(durable: &mut Durable, turn: &Turn, passed: &Passed) {
    if let Some(request) = &passed.request {
        let id = &request.id;
        crate::evolve::remember(durable, passed.account, id, request.digest, 0);
    }
    let Some(account) = durable.accounts.get_mut(passed.account as usize) else {
        return;
    };
    account.seq = turn.seq;
    account.deposited += Balance::from(passed.deposit);
    let parts = [Some((passed.instrument, passed.cost, passed.realized_pl))];
    let delivered = passed.delivered.as_ref();
    let lots = delivered.and_then(|it| it.lots.as_ref().map(|lots| (it.instrument, lots)));
    if let (Some((instrument, lots)), Some(more)) = (lots, account.more.as_deref_mut()) {
        if lots.is_empty() {
            more.lots.remove(&instrument);
        } else {
            more.lots.insert(instrument, lots.clone());
        }
    }
    let delivered = delivered.map(|it| (it.instrument, it.cost, it.realized_pl));
    account.realized_pl += match passed.realized_here {
        Some(profit) => Balance::from(profit),
        None => passed.profit(),
    };
    for (instrument, cost, realized_pl) in parts.into_iter().chain([delivered]).flatten() {
        let position = account.positions.entry(instrument).or_default();
        position.cost = position.cost.saturating_add(cost);
        position.realized_pl += Balance::from(realized_pl);
        position.seq = turn.seq;
    }
    let front = durable.contract_mut(passed.instrument).and_then(|state| state.works.front_mut());
    if let Some(work) = front.filter(|work| work.is_for(passed.kind)) {
        work.next = passed.account.saturating_add(1);
        work.wheel.passed = passed.wheel;
    }
}

impl Work {
    /// A work that goes through all holders at a price.
    pub const fn at(kind: ContractWork, price: Price) -> Work {
        let wheel = Wheel { total: 0, count: 0, start: 0, passed: 0 };
        Work { kind, price, rate: 0, next: 0, wheel }
    }

    /// Whether the part of an account of this kind belongs to this work.
    fn is_for(&self, kind: ContractWork) -> bool {
        let ends = self.kind == ContractWork::Expiry;
        self.kind == kind
            || (ends && matches!(kind, ContractWork::Exercise | ContractWork::Assignment))
    }
}

/// The ledger lines of an event: the house stands on the other side of everything.
pub(crate) fn postings(event: &ContractEvent, mut take: impl FnMut(Line)) {
    let ContractEvent::Passed(passed) = event else {
        return;
    };
    let (kind, user) = (ledger_kind(passed.kind), Party::Account(passed.account));
    let delivered = passed.delivered.as_ref();
    let delivered = delivered.map(|it| (Asset::Holding(it.instrument), it.qty));
    let moves = [
        Some((Asset::CashOfInstrument(passed.instrument), passed.cash)),
        Some((Asset::Holding(passed.instrument), passed.qty)),
        delivered,
    ];
    for (asset, amount) in moves.into_iter().flatten().filter(|(_, amount)| *amount != 0) {
        transfer(&mut take, (user, Party::House), asset, amount, kind);
    }
}

const fn ledger_kind(kind: ContractWork) -> LedgerKind {
    match kind {
        ContractWork::Settlement => LedgerKind::Variation,
        ContractWork::Funding => LedgerKind::Funding,
        ContractWork::Expiry => LedgerKind::Expiry,
        ContractWork::Exercise => LedgerKind::Exercise,
        ContractWork::Assignment => LedgerKind::Assignment,
    }
}

/// Notes what an event touched.
pub(crate) fn touch(touched: &mut Touched, event: &ContractEvent) {
    let ContractEvent::Passed(passed) = event else {
        return;
    };
    touched.accounts.insert(passed.account);
    touched.equity.insert(passed.account);
    touched.positions.insert((passed.account, passed.instrument));
    if let Some(delivered) = &passed.delivered {
        touched.positions.insert((passed.account, delivered.instrument));
    }
}
