//! The commands that move an exchange through its day, halt and resume.

use super::event::halt_at;
use super::{DayMarks, Halt, Resume, Scope, SessionEvent};
use crate::checks::is_name;
use crate::command::Session;
use crate::event::Event;
use crate::exchange::ExchangeRecord;
use crate::ids::{ExchangeIndex, InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::words::{AuctionKind, SessionState, refusal};

impl ExchangeRecord {
    /// The marks of orders after a change to this part of the day; `below` is the next order.
    fn marks_after(&self, session: &Session, below: OrderNumber) -> DayMarks {
        let (old, new) = (self.state, session.state);
        let mut marks = self.marks();
        if old.is_regular() && !new.is_regular() {
            marks.regular = below;
        }
        let closes = new == SessionState::Closed && old != SessionState::Closed;
        if closes || (old == SessionState::PostMarket && new != SessionState::PostMarket) {
            marks.extended = below;
        }
        let left = self.session.auction == Some(AuctionKind::Open);
        let leaves_opening = left && session.auction != Some(AuctionKind::Open);
        if leaves_opening || (new == SessionState::Open && old != SessionState::Open) {
            marks.opening = below;
        }
        marks
    }

    fn is_in(&self, session: &Session) -> bool {
        self.has_sessions
            && (self.state, self.session.auction) == (session.state, session.auction)
            && (self.next_ns, self.session.next_open_ns) == (session.next_ns, session.next_open_ns)
    }
}

impl<S: Sink> Live<'_, S> {
    /// An exchange enters another part of its day. What could not trade meanwhile trades when it
    /// opens; an auction that it leaves is uncrossed first; orders whose day has ended leave. Each
    /// as much as a turn may.
    pub fn session(&mut self, session: &Session) -> Result<(), Refusal> {
        let Some(record) = self.durable.exchange(session.exchange) else {
            return Err(malformed("no such exchange in this world").at("exchange"));
        };
        if session.auction.is_some() != (session.state == SessionState::Auction) {
            let detail = "say what an auction is for: open, close or halt; other states have none";
            return Err(malformed(detail).at("auction"));
        }
        if record.is_in(session) {
            return Ok(());
        }
        let marks = record.marks_after(session, self.next_order());
        let was_extended = record.state.is_extended();
        let was_closed = record.state == SessionState::Closed;
        self.emit(Event::SessionChanged { session: *session, marks });
        if was_extended != session.state.is_extended() {
            self.ephemeral.relink(self.durable, session.exchange);
        }
        if was_closed != (session.state == SessionState::Closed) {
            self.ephemeral.pass_night(self.durable, session.exchange, was_closed);
        }
        self.cross_auctions();
        self.work_off_due();
        self.release(session.exchange, 0..InstrumentIndex::MAX);
        self.continue_matching();
        Ok(())
    }

    /// Lets matching go on in instruments of an exchange, now or in a later turn.
    pub fn release(&mut self, exchange: ExchangeIndex, range: std::ops::Range<InstrumentIndex>) {
        for (index, record) in self.durable.instruments.iter().enumerate() {
            let index = index as InstrumentIndex;
            if record.terms.exchange == exchange && range.contains(&index) {
                self.ephemeral.unfinished.insert(index);
            }
        }
    }

    /// Stops trading in an instrument or on an exchange. A new halt while one lasts, or while its
    /// auction collects, takes its place.
    pub fn halt(&mut self, halt: &Halt) -> Result<Reply, Refusal> {
        let body = self.find_scope(halt.scope)?;
        if !is_name(&halt.reason) {
            let detail = "give a reason of 1 to 128 printable characters";
            return Err(malformed(detail).at("reason"));
        }
        let same = |known: &super::Halted| known.reason == halt.reason && !known.is_auction;
        if halt_at(self.durable, halt.scope).is_some_and(same) {
            return Ok(Reply::new(Outcome::Existing, body));
        }
        let (scope, reason) = (halt.scope, halt.reason.clone());
        self.emit(Event::Session(Box::new(SessionEvent::Halted { scope, reason })));
        Ok(Reply::new(Outcome::Ok, body))
    }

    /// Ends a halt, at once or through an auction: then a first resume begins to collect, and a
    /// second one uncrosses.
    pub fn resume(&mut self, resume: &Resume) -> Result<Reply, Refusal> {
        let body = self.find_scope(resume.scope)?;
        let Some(halt) = halt_at(self.durable, resume.scope) else {
            let field = match resume.scope {
                Scope::Exchange(_) => "exchange",
                Scope::Instrument(_) => "symbol",
            };
            return Err(malformed("it is not halted").at(field));
        };
        let wants = resume.auction.unwrap_or_else(|| self.has_halt_auction(resume.scope));
        let (scope, auction) = (resume.scope, wants && !halt.is_auction);
        self.emit(Event::Session(Box::new(SessionEvent::Resumed { scope, auction })));
        if !auction {
            self.cross_auctions();
            match scope {
                Scope::Exchange(exchange) => self.release(exchange, 0..InstrumentIndex::MAX),
                Scope::Instrument(index) => {
                    self.ephemeral.unfinished.insert(index);
                }
            }
            self.continue_matching();
        }
        Ok(Reply::new(Outcome::Ok, body))
    }

    fn has_halt_auction(&self, scope: Scope) -> bool {
        let index = match scope {
            Scope::Exchange(index) => index,
            Scope::Instrument(index) => self.terms_of(index).map_or(0, |terms| terms.exchange),
        };
        let rules = self.durable.exchange(index).and_then(|record| record.terms.rules.as_ref());
        rules.is_some_and(|rules| rules.halt_auction)
    }

    fn find_scope(&self, scope: Scope) -> Result<Body, Refusal> {
        match scope {
            Scope::Exchange(index) if self.durable.exchange(index).is_some() => {
                Ok(Body::Exchange(index))
            }
            Scope::Exchange(_) => Err(malformed("no such exchange in this world").at("exchange")),
            Scope::Instrument(index) => {
                self.find_instrument(index).map(|()| Body::Instrument(index))
            }
        }
    }
}

fn malformed(detail: &str) -> Refusal {
    Refusal::malformed(refusal::MALFORMED, detail)
}
