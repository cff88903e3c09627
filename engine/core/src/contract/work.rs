//! Deciding what is due with contracts: settlements, funding, expiries, assignments.
//!
//! Each is durable work on the holders, in the order of the accounts, as many as a turn may; the
//! rest follows when time is told again.

use crate::contract::event::{ContractEvent, Passed};
use crate::contract::outcome::Holding;
use crate::contract::state::{Wheel, Work};
use crate::contract::terms::OptionTerms;
use crate::draw::{Purpose, draw_below};
use crate::event::Event;
use crate::ids::InstrumentIndex;
use crate::instrument::Instrument;
use crate::live::Live;
use crate::sink::Sink;
use crate::units::{Nanos, Price, Quantity, Rounding, TIME_MAX_NS, clamp, divide};
use crate::words::ContractWork;

impl<S: Sink> Live<'_, S> {
    pub(crate) fn emit_contract(&mut self, event: ContractEvent) {
        self.emit(Event::Contract(Box::new(event)));
    }

    /// Works off what is due with contracts, as much as a turn may.
    pub fn work_on_contracts(&mut self) {
        while !self.is_full() {
            let Some(instrument) = self.durable.contract_due(self.now_ns()) else {
                return;
            };
            if !self.step_contract(instrument) {
                return;
            }
        }
    }

    /// Works on one contract until it has nothing more to do now.
    pub(crate) fn work_on_contract(&mut self, instrument: InstrumentIndex) {
        let is_busy = |live: &Self| {
            live.durable.contract_state(instrument).is_some_and(|state| !state.works.is_empty())
        };
        while !self.is_full() && is_busy(self) && self.step_contract(instrument) {}
    }

    /// One step of what a contract has to do; says whether there was one.
    fn step_contract(&mut self, instrument: InstrumentIndex) -> bool {
        if self.underlying_changes(instrument) {
            return false;
        }
        let work = self.durable.contract_state(instrument).and_then(|state| state.works.front());
        match work.copied() {
            Some(work) => self.step_work(instrument, &work),
            None => self.begin_due(instrument),
        }
    }

    /// Whether a corporate action is being worked off that changes what an option delivers.
    pub(crate) fn underlying_changes(&self, instrument: InstrumentIndex) -> bool {
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        let underlying = contract.and_then(|contract| contract.underlying);
        underlying.is_some_and(|underlying| self.durable.corporate.is_working_on(underlying))
    }

    fn step_work(&mut self, instrument: InstrumentIndex, work: &Work) -> bool {
        if work.kind == ContractWork::Expiry {
            let state = self.durable.contract_state(instrument);
            if let Some(number) = state.and_then(|state| state.orders.first().copied()) {
                return self.leave_if_due(number);
            }
        }
        let event = match self.next_passed(instrument, work) {
            Some(passed) => ContractEvent::Passed(passed),
            None => ContractEvent::Done { instrument },
        };
        self.emit_contract(event);
        true
    }

    /// The part of the next holder whom the work concerns.
    fn next_passed(&self, instrument: InstrumentIndex, work: &Work) -> Option<Passed> {
        let mut work = *work;
        loop {
            let state = self.durable.contract_state(instrument)?;
            let index = *state.holders.range(work.next..).next()?;
            let holding = Holding::of(self.durable, index, instrument)?;
            let short = clamp(i128::from(holding.qty()).min(0).abs());
            let keeps = state.keeping.contains(&index);
            let passed = outcome(&holding, &work, keeps).map(|passed| holding.told(passed));
            work.wheel.passed = work.wheel.passed.saturating_add(short);
            work.next = index.saturating_add(1);
            if let Some(passed) = passed {
                return Some(Passed { wheel: work.wheel.passed, ..passed });
            }
        }
    }

    /// Begins what is due first.
    fn begin_due(&mut self, instrument: InstrumentIndex) -> bool {
        let now_ns = self.now_ns();
        let Some(record) = self.durable.instrument(instrument) else {
            return false;
        };
        let (Some(contract), Some(state)) =
            (record.terms.contract.as_deref(), record.contract.as_deref())
        else {
            return false;
        };
        let is_over = contract.expiry_ns != 0 && contract.expiry_ns <= now_ns && !state.ended;
        let funds = state.next_funding_ns != 0 && state.next_funding_ns <= now_ns;
        if state.settles && !is_over {
            let price = self.settlement_price(instrument);
            let work = Work::at(ContractWork::Settlement, price);
            self.emit_contract(ContractEvent::Began { instrument, work });
        } else if is_over {
            self.begin_expiry(instrument);
        } else if funds {
            self.begin_funding(instrument);
        } else {
            return false;
        }
        true
    }

    /// The market price of an instrument on its tick grid: live, else as recorded, else 0.
    pub(crate) fn settlement_price(&self, instrument: InstrumentIndex) -> Price {
        let Some(record) = self.durable.instrument(instrument) else {
            return 0;
        };
        let live = self.market(instrument).filter(|market| market.is_fresh);
        let price = live.and_then(|market| market.price(&record.terms));
        price.or_else(|| record.mark.price()).map_or(0, |price| on_grid(&record.terms, price))
    }

    fn begin_expiry(&mut self, instrument: InstrumentIndex) {
        let Some((contract, stated)) = self.durable.instrument(instrument).and_then(|record| {
            let stated = record.contract.as_deref()?.final_price;
            Some((record.terms.contract.as_deref()?, stated))
        }) else {
            return;
        };
        let option = contract.option;
        let priced = if option.is_some() { contract.underlying } else { Some(instrument) };
        let price = match (stated, priced) {
            (0, Some(priced)) => self.settlement_price(priced),
            (stated, _) => stated,
        };
        let mut work = Work::at(ContractWork::Expiry, price);
        if let Some(option) = option {
            work.wheel = self.expiry_wheel(instrument, option, price);
        }
        self.emit_contract(ContractEvent::Began { instrument, work });
    }

    /// How many long and short contracts the accounts hold.
    pub(crate) fn open_interest(&self, instrument: InstrumentIndex) -> (Quantity, Quantity) {
        let (mut long, mut short): (Quantity, Quantity) = (0, 0);
        let state = self.durable.contract_state(instrument);
        for index in state.into_iter().flat_map(|state| &state.holders) {
            let qty = self.durable.account(*index).map_or(0, |it| it.position(instrument).qty);
            long = long.saturating_add(qty.max(0));
            short = short.saturating_add(qty.min(0).saturating_neg());
        }
        (long, short)
    }

    /// At the end everything in the money is exercised, by the house too, but what its holder
    /// keeps or what is worth too little. As much is assigned.
    fn expiry_wheel(
        &self,
        instrument: InstrumentIndex,
        option: OptionTerms,
        price: Price,
    ) -> Wheel {
        let (mut long, short) = self.open_interest(instrument);
        let state = self.durable.contract_state(instrument);
        let (mut exercised, mut kept): (Quantity, Quantity) = (0, 0);
        for index in state.into_iter().flat_map(|state| &state.holders) {
            let Some(holding) = Holding::of(self.durable, *index, instrument) else {
                continue;
            };
            let qty = holding.qty().max(0);
            let keeps = state.is_some_and(|state| state.keeping.contains(index));
            if !keeps && qty > 0 && holding.exercises(option, price, qty) {
                exercised = exercised.saturating_add(qty);
            } else {
                kept = kept.saturating_add(qty);
            }
        }
        // Without a holder who decides, the house does what is worth it.
        let sample = Holding::of(self.durable, 0, instrument);
        let one = self.terms_of(instrument).map_or(1, |terms| terms.lot_size);
        let is_worth_it =
            exercised > 0 || sample.is_some_and(|holding| holding.exercises(option, price, one));
        if self.durable.is_isolated() {
            // The house holds all that anybody is short, and keeps nothing of worth.
            (long, kept) = (0, 0);
        }
        let total = long.max(short);
        let count = if is_worth_it { total.saturating_sub(kept) } else { 0 };
        self.wheel(instrument, total, count)
    }

    /// A wheel that stops where chance says, at a whole lot.
    pub(crate) fn wheel(
        &self,
        instrument: InstrumentIndex,
        total: Quantity,
        count: Quantity,
    ) -> Wheel {
        let seed = self.durable.created.as_ref().map_or(0, |world| world.seed);
        let lot = self.terms_of(instrument).map_or(1, |terms| terms.lot_size).max(1);
        let id = self.turn.seq.wrapping_mul(1 << 20).wrapping_add(u64::from(instrument));
        let drawn = draw_below(seed, id, Purpose::Assignment, total.max(0).unsigned_abs());
        let start = i64::try_from(drawn).unwrap_or(0) / lot * lot;
        Wheel { total, count, start, passed: 0 }
    }

    fn begin_funding(&mut self, instrument: InstrumentIndex) {
        let Some(state) = self.durable.contract_state(instrument) else {
            return;
        };
        let (rate, due_ns) = (state.funding_rate, state.next_funding_ns);
        let somebody = rate != 0 && !state.holders.is_empty();
        let interval_ns = self.funding_interval(instrument);
        // Periods in which nobody would have paid are passed over.
        let next_ns = if somebody { due_ns } else { self.now_ns() };
        let next_funding_ns = next_period(next_ns, interval_ns);
        self.emit_contract(ContractEvent::FundingSet { instrument, rate, next_funding_ns });
        if somebody {
            self.begin_funding_at(instrument, rate);
        }
    }

    pub(crate) fn begin_funding_at(&mut self, instrument: InstrumentIndex, rate: i64) {
        let price = self.settlement_price(instrument);
        let work = Work { rate, ..Work::at(ContractWork::Funding, price) };
        self.emit_contract(ContractEvent::Began { instrument, work });
    }

    pub(crate) fn funding_interval(&self, instrument: InstrumentIndex) -> Nanos {
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        contract.map_or(0, |contract| contract.funding_interval_ns)
    }

    /// A contract with funding periods was listed: its first one begins.
    pub(crate) fn begin_periods(&mut self, instrument: InstrumentIndex) {
        let interval_ns = self.funding_interval(instrument);
        if interval_ns > 0 {
            let next_funding_ns = next_period(self.now_ns(), interval_ns);
            self.emit_contract(ContractEvent::FundingSet { instrument, rate: 0, next_funding_ns });
        }
    }

    /// Whether a contract has reached its end, so that nothing of it trades.
    pub(crate) fn is_over(&self, instrument: InstrumentIndex) -> bool {
        let contract = self.terms_of(instrument).and_then(|terms| terms.contract.as_deref());
        contract.is_some_and(|it| it.expiry_ns != 0 && it.expiry_ns <= self.now_ns())
    }
}

/// What a work comes to for a holder; nothing when it does not concern him.
fn outcome(holding: &Holding<'_>, work: &Work, keeps: bool) -> Option<Passed> {
    match (work.kind, holding.contract.option) {
        (ContractWork::Settlement, _) => Some(holding.settled(work.price)),
        (ContractWork::Funding, _) => Some(holding.funded(work.price, work.rate)),
        (ContractWork::Expiry, None) => Some(holding.ended(work.price)),
        (ContractWork::Expiry, Some(option)) => Some(holding.option_ended(option, work, keeps)),
        (ContractWork::Assignment, Some(option)) if holding.qty() < 0 => {
            let assigned = work.wheel.assigned(holding.qty().saturating_neg());
            let kind = ContractWork::Assignment;
            (assigned > 0)
                .then(|| holding.exercised(option, work.price, (assigned, assigned), kind))
        }
        _ => None,
    }
}

/// A price on the tick grid: the nearest, at least one tick.
fn on_grid(terms: &Instrument, price: Price) -> Price {
    let tick = i128::from(terms.tick_size.max(1));
    let ticks = divide(i128::from(price), tick, Rounding::HalfEven).max(1);
    clamp(ticks.saturating_mul(tick))
}

/// The first beginning of a period after a time, counted from 1970-01-01.
const fn next_period(time_ns: Nanos, interval_ns: Nanos) -> Nanos {
    let interval_ns = if interval_ns > 0 { interval_ns } else { 1 };
    let next_ns = (time_ns / interval_ns + 1).saturating_mul(interval_ns);
    if next_ns < TIME_MAX_NS { next_ns } else { TIME_MAX_NS }
}
