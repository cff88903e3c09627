//! What a contract goes through: who holds it, what it waits for, what is being done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::command::Session;
use crate::durable::Durable;
use crate::ids::{AccountIndex, ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::units::{Nanos, Price, Quantity, Rounding, clamp, divide};
use crate::words::{ContractWork, InstrumentStatus, SessionState};

/// The assignment of exercised contracts to those who are short, as on a wheel: all short
/// contracts stand in a row, in the order of the accounts, the house at the end. From a place
/// that is drawn, as many as were exercised are assigned one after the other, beginning again at
/// the front. Each contract is assigned with the same chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wheel {
    /// How many contracts are short.
    pub total: Quantity,
    /// How many of them are assigned.
    pub count: Quantity,
    /// Where the assigned ones begin.
    pub start: Quantity,
    /// How many have been passed so far.
    pub passed: Quantity,
}

impl Wheel {
    /// How many of the next `short` contracts are assigned.
    pub fn assigned(&self, short: Quantity) -> Quantity {
        let overlap = |from: i128, to: i128| {
            let (low, high) =
                (i128::from(self.passed), i128::from(self.passed) + i128::from(short));
            (high.min(to) - low.max(from)).max(0)
        };
        let (start, end) =
            (i128::from(self.start), i128::from(self.start) + i128::from(self.count));
        let wrapped = end - i128::from(self.total);
        clamp(overlap(start, end.min(i128::from(self.total))) + overlap(0, wrapped))
    }
}

/// Mass work on the holders of a contract, done in the order of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// What is done.
    pub kind: ContractWork,
    /// The price that it is done at: of the contract, or of the underlying of an option.
    pub price: Price,
    /// The funding rate, in 10^-9.
    pub rate: i64,
    /// Accounts below this one are done.
    pub next: AccountIndex,
    /// How exercised contracts are assigned.
    pub wheel: Wheel,
}

/// The durable state of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractState {
    /// Whether a daily settlement is due.
    pub settles: bool,
    /// Whether it has ended.
    pub ended: bool,
    /// The last settlement price; 0 before the first.
    pub settlement_price: Price,
    /// The price that was stated for the end; 0 when none was.
    pub final_price: Price,
    /// The rate of the next funding, in 10^-9.
    pub funding_rate: i64,
    /// When funding is due next; 0 when it happens as it is told.
    pub next_funding_ns: Nanos,
    /// What is being done, and what waits.
    pub works: VecDeque<Work>,
    /// How many splits its underlying had been through when it was listed.
    pub splits_before: u32,
    /// Holders who do not want their option exercised at its expiry.
    pub keeping: BTreeSet<AccountIndex>,
    /// Accounts with a position. Derived.
    pub holders: BTreeSet<AccountIndex>,
    /// Open orders. Derived.
    pub orders: BTreeSet<OrderNumber>,
    /// When it is in the list of what is due. Derived.
    pub due_ns: Nanos,
}

impl ContractState {
    /// Notes what an account holds from now on.
    pub(crate) fn holds(&mut self, account: AccountIndex, qty: Quantity) {
        if qty == 0 {
            self.holders.remove(&account);
        } else {
            self.holders.insert(account);
        }
    }
}

/// What is due with contracts, by time. Derived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractsDue {
    /// When, and which.
    pub due: BTreeSet<(Nanos, InstrumentIndex)>,
    /// The dated futures of each exchange, which settle daily.
    pub futures: BTreeMap<ExchangeIndex, Vec<InstrumentIndex>>,
}

/// Never due.
const NEVER: Nanos = Nanos::MAX;

impl Durable {
    /// The contract state of an instrument.
    pub fn contract_state(&self, index: InstrumentIndex) -> Option<&ContractState> {
        self.instrument(index)?.contract.as_deref()
    }

    /// Whether an instrument is a contract that has ended.
    pub(crate) fn contract_ended(&self, index: InstrumentIndex) -> bool {
        let record = self.instrument(index);
        record.is_some_and(|record| record.terms.status == InstrumentStatus::Expired)
    }

    /// The contract that is due first at this time.
    pub fn contract_due(&self, now_ns: Nanos) -> Option<InstrumentIndex> {
        self.contracts.due.first().filter(|(due_ns, _)| *due_ns <= now_ns).map(|(_, index)| *index)
    }

    /// The contract state of an instrument, to change it.
    pub(crate) fn contract_mut(&mut self, index: InstrumentIndex) -> Option<&mut ContractState> {
        self.instruments.get_mut(index as usize)?.contract.as_deref_mut()
    }
}

/// When a contract is due next.
fn next_due_ns(durable: &Durable, index: InstrumentIndex) -> Nanos {
    let Some((record, state)) = durable
        .instrument(index)
        .and_then(|record| record.contract.as_deref().map(|state| (record, state)))
    else {
        return NEVER;
    };
    if !state.works.is_empty() || state.settles {
        return 0;
    }
    if state.ended {
        return NEVER;
    }
    let expiry_ns = record.terms.contract.as_ref().map_or(0, |contract| contract.expiry_ns);
    let times = [expiry_ns, state.next_funding_ns].into_iter();
    times.filter(|time_ns| *time_ns > 0).min().unwrap_or(NEVER)
}

/// Puts a contract at its place in the list of what is due.
pub(crate) fn schedule(durable: &mut Durable, index: InstrumentIndex) {
    let due_ns = next_due_ns(durable, index);
    let Some(before_ns) = durable.contract_state(index).map(|state| state.due_ns) else {
        return;
    };
    durable.contracts.due.remove(&(before_ns, index));
    if due_ns != NEVER {
        durable.contracts.due.insert((due_ns, index));
    }
    if let Some(state) = durable.contract_mut(index) {
        state.due_ns = due_ns;
    }
}

/// A contract was listed, or read from a snapshot: it takes its place in the lists.
pub(crate) fn index(durable: &mut Durable, index: InstrumentIndex) {
    let Some(terms) = durable.instrument(index).map(|record| &record.terms) else {
        return;
    };
    let Some(contract) = terms.contract.as_deref() else {
        return;
    };
    if let (Some(_), Some(underlying)) = (contract.option, contract.underlying) {
        let underlying = durable.instruments.get_mut(underlying as usize);
        underlying.into_iter().for_each(|record| record.has_options = true);
        schedule(durable, index);
        return;
    }
    if contract.is_margined && contract.expiry_ns != 0 {
        let exchange = terms.exchange;
        durable.contracts.futures.entry(exchange).or_default().push(index);
    }
    schedule(durable, index);
}

/// An option was listed: splits of its underlying count from now on.
pub(crate) fn begin(durable: &mut Durable, index: InstrumentIndex) {
    let contract = durable.instrument(index).and_then(|record| record.terms.contract.as_deref());
    let underlying = contract.and_then(|contract| contract.underlying);
    let record = underlying.and_then(|underlying| durable.instrument(underlying));
    let splits = record.map_or(0, |record| record.splits.len() as u32);
    if let Some(state) = durable.contract_mut(index) {
        state.splits_before = splits;
    }
}

/// All positions of an instrument have been split: from now on its options deliver as much more,
/// or less.
pub(crate) fn was_split(durable: &mut Durable, index: InstrumentIndex, split: (u32, u32)) {
    let fills_from = durable.next_fill;
    if let Some(record) = durable.instruments.get_mut(index as usize) {
        record.splits.push(split);
        record.fills_from = fills_from;
    }
}

/// The units of its underlying that so many contracts of an option stand for. Strike and number
/// stay as they are in a split, what is delivered changes (OCC, adjustments for splits that are
/// not whole; the same holds here for all); a fraction beyond the underlying's scale is lost.
pub(crate) fn units_of(durable: &Durable, index: InstrumentIndex, qty: Quantity) -> Quantity {
    let Some(record) = durable.instrument(index) else {
        return 0;
    };
    let (Some(contract), Some(state)) =
        (record.terms.contract.as_deref(), record.contract.as_deref())
    else {
        return 0;
    };
    let base = contract.underlying.and_then(|underlying| durable.instrument(underlying));
    let Some(base) = base else {
        return 0;
    };
    let units = contract.delivered(qty, record.terms.qty_scale, base.terms.qty_scale);
    let splits = base.splits.iter().skip(state.splits_before as usize);
    splits.fold(units, |units, (new, old)| {
        let split = i128::from(units) * i128::from(*new);
        clamp(divide(split, i128::from((*old).max(1)), Rounding::Down))
    })
}

/// The day of an exchange ended: its futures that somebody holds settle.
pub(crate) fn day_ended(durable: &mut Durable, exchange: ExchangeIndex) {
    let futures = durable.contracts.futures.get(&exchange).cloned().unwrap_or_default();
    for index in futures {
        let Some(state) = durable.contract_mut(index) else {
            continue;
        };
        if !state.ended && !state.holders.is_empty() {
            state.settles = true;
            schedule(durable, index);
        }
    }
}

/// The regular trading of an exchange ended: so did the day of its futures.
pub(crate) fn session_changed(durable: &mut Durable, session: &Session) {
    let before = durable.exchange(session.exchange).map(|record| record.state);
    let traded = matches!(before, Some(SessionState::Open | SessionState::Auction));
    if traded && matches!(session.state, SessionState::PostMarket | SessionState::Closed) {
        day_ended(durable, session.exchange);
    }
}

/// Rebuilds what is derived of a state that was read from a snapshot. Orders and positions are
/// known by then.
pub(crate) fn rebuild(durable: &mut Durable) {
    let orders: Vec<(InstrumentIndex, OrderNumber)> = durable
        .orders
        .iter()
        .filter(|order| order.is_open())
        .map(|order| (order.terms.instrument, order.number))
        .collect();
    for (instrument, number) in orders {
        if let Some(state) = durable.contract_mut(instrument) {
            state.orders.insert(number);
        }
    }
    for account in 0..durable.accounts.len() {
        let held = durable.accounts.get(account).map(|account| account.positions.clone());
        for (instrument, position) in held.unwrap_or_default() {
            if let Some(state) = durable.contract_mut(instrument) {
                state.holds(account as AccountIndex, position.qty);
            }
        }
    }
    for instrument in 0..durable.instruments.len() {
        index(durable, instrument as InstrumentIndex);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_assigns_as_many_as_were_exercised_wherever_it_stops() {
        let shorts = [3, 1, 7, 2, 5];
        let total: Quantity = shorts.iter().sum();
        for count in 0..=total {
            let mut chances = vec![0; shorts.len()];
            for start in 0..total {
                let mut wheel = Wheel { total, count, start, passed: 0 };
                let mut assigned = 0;
                for (index, short) in shorts.into_iter().enumerate() {
                    let here = wheel.assigned(short);
                    assert!((0..=short).contains(&here));
                    wheel.passed += short;
                    assigned += here;
                    chances[index] += here;
                }
                assert_eq!(assigned, count, "start {start}");
            }
            // Over all places where it can stop, every contract is assigned equally often.
            let fair: Vec<Quantity> = shorts.iter().map(|short| short * count).collect();
            assert_eq!(chances, fair);
        }
    }
}
