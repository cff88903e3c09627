//! The parts of an exchange's day, halts, and where an order stands in them.
//!
//! `mod.rs` holds the state and answers which phase an instrument is in; `deciding.rs` takes the
//! commands; `rules.rs` holds tick tables and price bands; `event.rs` and `text.rs` hold the events
//! and their text. Call auctions are in `auction/`. Nothing here trades: matching asks `phase`.

mod checks;
mod deciding;
mod event;
mod index;
mod parked;
mod rules;
pub(crate) mod text;

pub(crate) use checks::{band_limit, check_hours, within_band};
pub use event::SessionEvent;
pub(crate) use event::{change_session, evolve};
pub use index::DayOrders;
pub(crate) use index::{DayList, End, end_of};
pub use parked::{Parked, ParkedPlace};
pub use rules::{ExchangeRules, InstrumentRules};

use crate::durable::Durable;
use crate::exchange::ExchangeRecord;
use crate::ids::{ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::instrument::InstrumentRecord;
use crate::order::{Order, OrderTerms};
use crate::units::{Nanos, Price, Quantity};
use crate::words::{AuctionKind, SessionState, TimeInForce};

/// What a halt or a resume is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All instruments of an exchange.
    Exchange(ExchangeIndex),
    /// One instrument.
    Instrument(InstrumentIndex),
}

/// Stops trading. Cancels stay possible, and orders of every type that can wait are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Of what.
    pub scope: Scope,
    /// Why, for people.
    pub reason: String,
}

/// Lets trading go on after a halt, at once or through an auction: then a first `resume` begins to
/// collect and a second one uncrosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Of what.
    pub scope: Scope,
    /// Whether an auction collects orders first; as the exchange's rules say when it is `None`.
    pub auction: Option<bool>,
}

/// A halt that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted {
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub since_ns: Nanos,
    /// Whether it has come to its auction: orders are collected for one price.
    pub is_auction: bool,
}

/// Orders with smaller numbers are past their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayMarks {
    /// DAY orders of the regular hours, and cls orders.
    pub regular: OrderNumber,
    /// DAY orders that trade in extended hours, too.
    pub extended: OrderNumber,
    /// Opg orders.
    pub opening: OrderNumber,
}

/// What sessions add to the record of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeSession {
    /// What its auction is for, while it is in one.
    pub auction: Option<AuctionKind>,
    /// When its next regular hours begin; 0 when it is not known.
    pub next_open_ns: Nanos,
    /// DAY orders for extended hours with a smaller number are past their day.
    pub extended_below: OrderNumber,
    /// Opg orders with a smaller number are past their auction.
    pub opening_below: OrderNumber,
    /// Its halt, if it is halted.
    pub halt: Option<Box<Halted>>,
}

/// An auction that was left and is being uncrossed, instrument by instrument; what does not fit
/// into a turn follows in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// What the auction was for.
    pub auction: AuctionKind,
    /// Where.
    pub exchange: ExchangeIndex,
    /// The instrument that is uncrossed next.
    pub next: InstrumentIndex,
    /// The instrument behind the last one.
    pub end: InstrumentIndex,
    /// Orders with this place in time or a later one came after the auction.
    pub below: u64,
    /// What the exchange's marks are when it is done.
    pub marks: DayMarks,
    /// The price of instrument `next` and what is left to trade at it, once that is decided.
    pub price: Option<(Price, Quantity)>,
}

impl Crossing {
    /// Whether an instrument still waits for it.
    pub const fn covers(&self, index: InstrumentIndex, exchange: ExchangeIndex) -> bool {
        self.exchange == exchange && self.next <= index && index < self.end
    }
}

/// The world's own state of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Auctions that are being uncrossed, the earliest first.
    pub crossings: Vec<Crossing>,
    /// Orders by when they leave, for each exchange. Derived.
    pub day_orders: Vec<DayOrders>,
}

/// What can happen to the orders of an instrument now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing trades: the exchange is closed.
    Closed,
    /// Nothing trades: a halt.
    Halted,
    /// Orders are collected for one price.
    Auction(AuctionKind),
    /// Orders for extended hours trade.
    Extended,
    /// All orders trade.
    Continuous,
}

impl Phase {
    /// Whether orders meet one by one.
    pub const fn is_matching(self) -> bool {
        matches!(self, Phase::Continuous | Phase::Extended)
    }
}

/// Where an open order waits while it is not armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// In the market: in the book, or for liquidity at any price.
    Market,
    /// For an auction, and nowhere else.
    Auction(AuctionKind),
    /// Nowhere, until its exchange enters another part of its day.
    Idle,
}

impl SessionState {
    /// Whether it belongs to the regular hours: their end ends the day of most DAY orders.
    pub const fn is_regular(self) -> bool {
        matches!(self, SessionState::Open | SessionState::Auction)
    }

    /// Whether only orders for extended hours trade.
    pub const fn is_extended(self) -> bool {
        matches!(self, SessionState::PreMarket | SessionState::PostMarket)
    }
}

impl ExchangeRecord {
    /// The marks as they stand.
    pub const fn marks(&self) -> DayMarks {
        DayMarks {
            regular: self.expire_below,
            extended: self.session.extended_below,
            opening: self.session.opening_below,
        }
    }

    /// When its regular hours begin next, as far as it was told; `None` when they are on or it is
    /// not known.
    pub fn next_open_ns(&self) -> Option<Nanos> {
        let told = match (self.session.next_open_ns, self.state) {
            (0, SessionState::Closed) => self.next_ns,
            (told, _) => told,
        };
        (self.state != SessionState::Open && told > 0).then_some(told)
    }
}

impl Durable {
    /// What can happen to the orders of an instrument now.
    pub fn phase(&self, index: InstrumentIndex) -> Phase {
        let Some(record) = self.instrument(index) else {
            return Phase::Closed;
        };
        let Some(exchange) = self.exchange(record.terms.exchange) else {
            return Phase::Closed;
        };
        let is_plain = record.halt.is_none()
            && exchange.session.halt.is_none()
            && self.sessions.crossings.is_empty();
        match (is_plain, exchange.state) {
            (true, SessionState::Open) => Phase::Continuous,
            _ => self.rare_phase(index, record, exchange),
        }
    }

    fn rare_phase(
        &self,
        index: InstrumentIndex,
        record: &InstrumentRecord,
        exchange: &ExchangeRecord,
    ) -> Phase {
        let halts = [record.halt.as_deref(), exchange.session.halt.as_deref()];
        let halts = || halts.into_iter().flatten();
        if halts().any(|halt| !halt.is_auction) {
            return Phase::Halted;
        }
        let crossings = self.sessions.crossings.iter();
        let mut waits = crossings.filter(|it| it.covers(index, record.terms.exchange));
        if let Some(crossing) = waits.next() {
            return Phase::Auction(crossing.auction);
        }
        match exchange.state {
            SessionState::Closed => Phase::Closed,
            SessionState::Auction => {
                Phase::Auction(exchange.session.auction.unwrap_or(AuctionKind::Halt))
            }
            _ if halts().next().is_some() => Phase::Auction(AuctionKind::Halt),
            SessionState::Open => Phase::Continuous,
            SessionState::PreMarket | SessionState::PostMarket => Phase::Extended,
        }
    }

    /// Where an order that is not armed waits now.
    pub fn seat(&self, order: &Order) -> Seat {
        if let Some(auction) = auction_of(&order.terms) {
            return Seat::Auction(auction);
        }
        let index = order.terms.instrument;
        if self.phase(index) == Phase::Continuous {
            return Seat::Market;
        }
        let Some(exchange) =
            self.instrument(index).and_then(|record| self.exchange(record.terms.exchange))
        else {
            return Seat::Market;
        };
        let crossing = self.sessions.crossings.iter().find(|it| self.covers(it, index));
        let sleeps = match crossing {
            Some(crossing) => order.priority >= crossing.below,
            None => exchange.state.is_extended() && !is_extended(&order.terms),
        };
        if sleeps { Seat::Idle } else { Seat::Market }
    }

    fn covers(&self, crossing: &Crossing, index: InstrumentIndex) -> bool {
        self.instrument(index).is_some_and(|it| crossing.covers(index, it.terms.exchange))
    }
}

/// The auction that an order is for, if it trades in that one only.
pub(crate) const fn auction_of(terms: &OrderTerms) -> Option<AuctionKind> {
    match terms.time_in_force {
        TimeInForce::Opg => Some(AuctionKind::Open),
        TimeInForce::Cls => Some(AuctionKind::Close),
        _ => None,
    }
}

/// Whether an order trades in extended hours, too.
pub(crate) fn is_extended(terms: &OrderTerms) -> bool {
    terms.more.as_ref().is_some_and(|more| more.extended_hours)
}
