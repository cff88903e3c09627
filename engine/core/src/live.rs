//! A world while it works on one input: emits events, and nothing is undone after the first.

use crate::durable::Durable;
use crate::event::{Event, Turn};
use crate::evolve::evolve;
use crate::ids::{AccountIndex, InstrumentIndex, OrderNumber};
use crate::instrument::Instrument;
use crate::market::{Ephemeral, Market};
use crate::order::Order;
use crate::sink::{Print, Sink};
use crate::units::{Nanos, Price, Quantity};

/// The most events that a turn of mass work emits.
pub const EVENTS_MAX: u32 = 1_000;
/// The most events of one small step of it: a stop fires, both sides trade, a rest is canceled.
const EVENTS_PER_STEP: u32 = 4;

/// The state, the sink, and the turn that is being made.
pub(crate) struct Live<'a, S: Sink> {
    pub durable: &'a mut Durable,
    pub ephemeral: &'a mut Ephemeral,
    pub sink: &'a mut S,
    /// The turn that the next event belongs to.
    pub turn: Turn,
    /// Events emitted so far.
    pub events: u32,
    /// The word of the input.
    pub kind: &'static str,
    /// What the order at work has taken in this sweep, for receipts.
    pub sweep: Vec<(Price, Quantity)>,
}

impl<S: Sink> Live<'_, S> {
    /// Lets an event happen: the durable state evolves, the ephemeral state follows, the sink is
    /// told.
    pub fn emit(&mut self, event: Event) {
        if self.events == 0 {
            self.sink.begin(self.kind, &self.turn);
        }
        evolve(self.durable, &self.turn, &event);
        self.ephemeral.follow(self.durable, &event);
        self.sink.event(self.durable, &self.turn, self.events, &event);
        self.events += 1;
    }

    /// What a command brought to life meets the market, then risk looks at everybody.
    pub fn settle_down(&mut self) {
        self.let_arrive();
        self.work_combos();
        self.work_on_risk();
        self.let_arrive();
    }

    /// Ends the turn, if there was one.
    pub fn finish(self) {
        if self.events > 0 {
            self.sink.end(self.durable, &self.turn);
        }
    }

    /// Whether mass work has to go on in a later turn.
    pub const fn is_full(&self) -> bool {
        self.events + EVENTS_PER_STEP > EVENTS_MAX
    }

    /// When this turn happens.
    pub const fn now_ns(&self) -> Nanos {
        self.turn.time_ns
    }

    /// Tells a public trade.
    pub fn print(&mut self, print: Print) {
        self.sink.print(self.durable, &print);
        let may_trade = self.may_trade(print.instrument);
        if let Some(market) = self.ephemeral.market_mut(print.instrument) {
            market.traded(print.price, print.time_ns);
            if may_trade {
                market.trails_hear(print.price);
            }
        }
    }

    pub fn order(&self, number: OrderNumber) -> Option<&Order> {
        self.durable.open_order(number)
    }

    pub fn market(&self, instrument: InstrumentIndex) -> Option<&Market> {
        self.ephemeral.market(instrument)
    }

    pub fn terms_of(&self, instrument: InstrumentIndex) -> Option<&Instrument> {
        self.durable.instrument(instrument).map(|record| &record.terms)
    }

    /// Whether orders of an instrument may trade now: its exchange is open and its prices are
    /// fresh.
    pub fn may_trade(&self, instrument: InstrumentIndex) -> bool {
        let fresh = self.market(instrument).is_some_and(|market| market.is_fresh);
        fresh
            && self.is_open(instrument)
            && !self.durable.corporate.is_working_on(instrument)
            && !self.is_over(instrument)
    }

    /// Whether orders of an instrument meet one by one now: no closed exchange, halt or auction.
    pub fn is_open(&self, instrument: InstrumentIndex) -> bool {
        self.durable.phase(instrument).is_matching()
    }

    /// The number that the next order gets.
    pub fn next_order(&self) -> OrderNumber {
        self.durable.next_order
    }

    /// Whether the order belongs to the account.
    pub fn owns(&self, account: AccountIndex, number: OrderNumber) -> bool {
        self.durable.order(number).is_some_and(|order| order.terms.account == account)
    }
}
