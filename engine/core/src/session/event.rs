//! What sessions, halts and auctions leave on the tape, and what it changes.

use super::{Crossing, DayMarks, Halted, Scope};
use crate::command::Session;
use crate::durable::Durable;
use crate::ids::{ExchangeIndex, InstrumentIndex};
use crate::units::{Price, Quantity};
use crate::words::{AuctionKind, SessionState, Side};

/// What happened to a halt or an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Trading stopped.
    Halted {
        /// Of what.
        scope: Scope,
        /// Why, for people.
        reason: String,
    },
    /// A halt ended, or came to its auction.
    Resumed {
        /// Of what.
        scope: Scope,
        /// Whether an auction collects orders first.
        auction: bool,
    },
    /// The price of an auction was found.
    Crossed {
        /// Of what.
        instrument: InstrumentIndex,
        /// What the auction was for.
        auction: AuctionKind,
        /// The price.
        price: Price,
        /// How much trades at it.
        qty: Quantity,
        /// How much more the longer side wants at it.
        imbalance: Quantity,
        /// The longer side.
        side: Option<Side>,
    },
    /// The first of the crossings goes on in a later turn.
    CrossingMoved {
        /// With this instrument.
        next: InstrumentIndex,
        /// What is left to trade at its price; 0 when it has not begun.
        left: Quantity,
    },
    /// The first of the crossings is done.
    CrossingEnded,
}

/// Applies one of them.
pub(crate) fn evolve(durable: &mut Durable, event: &SessionEvent) {
    match event {
        SessionEvent::Halted { scope, reason } => {
            let since_ns = durable.turn.time_ns;
            let halt = Halted { reason: reason.clone(), since_ns, is_auction: false };
            set_halt(durable, *scope, Some(halt));
        }
        SessionEvent::Resumed { scope, auction } => resume(durable, *scope, *auction),
        SessionEvent::Crossed { instrument, price, qty, .. } => {
            if let Some(crossing) = durable.sessions.crossings.first_mut() {
                crossing.next = *instrument;
                crossing.price = Some((*price, *qty));
            }
        }
        SessionEvent::CrossingMoved { next, left } => {
            if let Some(crossing) = durable.sessions.crossings.first_mut() {
                crossing.next = *next;
                let price = crossing.price.map(|(price, _)| (price, *left));
                crossing.price = price.filter(|(_, left)| *left > 0);
            }
        }
        SessionEvent::CrossingEnded => end_crossing(durable),
    }
}

/// An exchange enters another part of its day. Leaving an auction begins its crossing, and the
/// marks follow when that is done.
pub(crate) fn change_session(durable: &mut Durable, session: &Session, marks: &DayMarks) {
    let (below, end) = (durable.next_priority, durable.instruments.len() as InstrumentIndex);
    let Some(record) = durable.exchanges.get_mut(session.exchange as usize) else {
        return;
    };
    let trades = |state| matches!(state, SessionState::Open | SessionState::Auction);
    let ends = matches!(session.state, SessionState::PostMarket | SessionState::Closed);
    let day_ends = trades(record.state) && ends;
    let left = record.session.auction.filter(|_| session.state != SessionState::Auction);
    record.has_sessions = true;
    record.state = session.state;
    record.next_ns = session.next_ns;
    record.session.auction = session.auction;
    record.session.next_open_ns = session.next_open_ns;
    if day_ends {
        crate::money::evolve::count_day(durable, session.exchange);
    }
    match left {
        Some(auction) => durable.sessions.crossings.push(Crossing {
            auction,
            exchange: session.exchange,
            next: 0,
            end,
            below,
            marks: *marks,
            price: None,
        }),
        None => set_marks(durable, session.exchange, marks),
    }
}

fn set_marks(durable: &mut Durable, exchange: ExchangeIndex, marks: &DayMarks) {
    if let Some(record) = durable.exchanges.get_mut(exchange as usize) {
        record.expire_below = record.expire_below.max(marks.regular);
        record.session.extended_below = record.session.extended_below.max(marks.extended);
        record.session.opening_below = record.session.opening_below.max(marks.opening);
    }
}

fn end_crossing(durable: &mut Durable) {
    if durable.sessions.crossings.is_empty() {
        return;
    }
    let crossing = durable.sessions.crossings.remove(0);
    set_marks(durable, crossing.exchange, &crossing.marks);
}

fn set_halt(durable: &mut Durable, scope: Scope, halt: Option<Halted>) {
    let place = match scope {
        Scope::Exchange(index) => {
            durable.exchanges.get_mut(index as usize).map(|record| &mut record.session.halt)
        }
        Scope::Instrument(index) => {
            durable.instruments.get_mut(index as usize).map(|record| &mut record.halt)
        }
    };
    if let Some(place) = place {
        *place = halt.map(Box::new);
    }
}

/// The halt that lasts there.
pub(super) fn halt_at(durable: &Durable, scope: Scope) -> Option<&Halted> {
    match scope {
        Scope::Exchange(index) => durable.exchange(index)?.session.halt.as_deref(),
        Scope::Instrument(index) => durable.instrument(index)?.halt.as_deref(),
    }
}

/// Begins the auction of a halt, or ends the halt; after an auction its crossing begins.
fn resume(durable: &mut Durable, scope: Scope, auction: bool) {
    let Some(halt) = halt_at(durable, scope).cloned() else {
        return;
    };
    if auction {
        set_halt(durable, scope, Some(Halted { is_auction: true, ..halt }));
        return;
    }
    set_halt(durable, scope, None);
    if !halt.is_auction {
        return;
    }
    let (exchange, next, end) = match scope {
        Scope::Exchange(index) => (index, 0, durable.instruments.len() as InstrumentIndex),
        Scope::Instrument(index) => {
            let exchange = durable.instrument(index).map(|record| record.terms.exchange);
            (exchange.unwrap_or(ExchangeIndex::MAX), index, index + 1)
        }
    };
    durable.sessions.crossings.push(Crossing {
        auction: AuctionKind::Halt,
        exchange,
        next,
        end,
        below: durable.next_priority,
        marks: DayMarks::default(),
        price: None,
    });
}
