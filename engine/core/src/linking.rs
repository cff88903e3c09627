//! Where each open order stands in the market, kept by the place of the order: put there, made
//! smaller, taken out.

use crate::book::{Book, Handle, Owner};
use crate::change::ChangeEvent;
use crate::durable::Durable;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::market::{Ephemeral, Market};
use crate::order::Order;
use crate::profile::queue::Queue;
use crate::session::{ParkedPlace, Phase, Seat, auction_of};
use crate::trails::Trail;
use crate::triggers::Wait;
use crate::units::{Price, Quantity};
use crate::words::{Side, Status, TriggerSource};

/// Where an open order is linked: almost always in a book, so the rest stands apart.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Book(Handle),
    Hidden(Handle),
    Apart(Box<Stand>),
}

/// Where an order stands that is in no book.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stand {
    Waiting(Side, u64),
    Armed(Wait, Price, u64),
    Trailing,
    Parked(ParkedPlace),
}

const _: () = assert!(size_of::<Option<Place>>() == 16);

/// Parks an order that is not in the market in this part of the day.
fn park(durable: &Durable, market: &mut Market, order: &Order) -> Option<Stand> {
    let seat = durable.seat(order);
    if seat == Seat::Market {
        return None;
    }
    Some(Stand::Parked(market.parked.get_or_insert_default().add(seat, order)))
}

impl Market {
    /// Takes an order out that stands in no book.
    fn leave(&mut self, stand: Stand, number: OrderNumber) {
        match stand {
            Stand::Waiting(side, priority) => drop(self.waiting[side.index()].remove(&priority)),
            Stand::Armed(wait, level, priority) => {
                self.triggers.disarm(wait, level, priority, number);
            }
            Stand::Trailing => drop(self.triggers.trails.remove(number)),
            Stand::Parked(place) => {
                if let Some(parked) = &mut self.parked {
                    parked.remove(place);
                }
            }
        }
    }
}

impl Ephemeral {
    /// Links an open order where its terms put it: armed, resting, or waiting at any price.
    pub fn link(&mut self, durable: &Durable, number: OrderNumber) {
        let Some(kept) = durable.orders.place(number) else {
            return;
        };
        let Some(order) = durable.orders.at(kept) else {
            return;
        };
        while self.places.len() <= kept {
            self.places.push(None);
        }
        if order.status == Status::PendingNew {
            return;
        }
        let terms = &order.terms;
        if self.combos.takes(order) {
            return;
        }
        self.sit(terms.instrument, terms.account);
        let Some(place_of) = self.places.get_mut(kept).filter(|place| place.is_none()) else {
            return;
        };
        let Some(market) = self.markets.get_mut(terms.instrument as usize) else {
            return;
        };
        let has_no_level = order.is_armed() && terms.stop_price.is_none();
        if order.leaves() == 0 || order.status == Status::Held || has_no_level {
            return;
        }
        let is_rare = durable.phase(terms.instrument) != Phase::Continuous;
        if is_rare || auction_of(terms).is_some() {
            // What an auction would do is part of the quote.
            market.is_untold = true;
            if let Some(stand) = park(durable, market, order) {
                *place_of = Some(Place::Apart(Box::new(stand)));
                return;
            }
        }
        let record = durable.instrument(terms.instrument);
        let source = record.map_or(TriggerSource::BidAsk, |record| record.terms.trigger);
        self.combos.moved(terms.instrument);
        let place = match (order.is_armed(), terms.stop_price, order.price_limit()) {
            (true, Some(stop), _) => {
                let wait = Wait::of(terms, source);
                let tick = record.map_or(1, |record| record.terms.tick_size);
                if let Some(trail) = Trail::of(order, wait, tick) {
                    market.triggers.trails.add(order.number, trail);
                    self.trailing.insert(terms.instrument);
                    Place::Apart(Box::new(Stand::Trailing))
                } else {
                    market.triggers.arm(wait, stop, order.priority, order.number);
                    Place::Apart(Box::new(Stand::Armed(wait, stop, order.priority)))
                }
            }
            (_, _, Some(limit)) => {
                let owner = Owner::User(order.number);
                if terms.more.as_ref().is_some_and(|more| more.hidden) {
                    let book = market.hidden.get_or_insert_default();
                    Place::Hidden(book.add(terms.side, limit, order.leaves(), owner))
                } else {
                    Place::Book(market.book.add(terms.side, limit, order.shown(), owner))
                }
            }
            _ => {
                market.waiting[terms.side.index()].insert(order.priority, order.number);
                Place::Apart(Box::new(Stand::Waiting(terms.side, order.priority)))
            }
        };
        *place_of = Some(place);
    }

    /// Links a plain limit order that was just accepted, when something is left of it.
    pub fn rest(&mut self, durable: &Durable, number: OrderNumber) {
        let Some(kept) = durable.orders.place(number) else {
            return;
        };
        let Some(order) = durable.orders.at(kept).filter(|order| order.is_open()) else {
            return;
        };
        let (terms, left) = (&order.terms, order.unfilled());
        while self.places.len() <= kept {
            self.places.push(None);
        }
        let market = self.markets.get_mut(terms.instrument as usize);
        if let (Some(market), Some(price), Some(place)) =
            (market, terms.limit_price, self.places.get_mut(kept))
        {
            let handle = market.book.add(terms.side, price, left, Owner::User(number));
            *place = Some(Place::Book(handle));
        }
    }

    /// Whether an order is linked.
    pub fn is_linked(&self, durable: &Durable, number: OrderNumber) -> bool {
        let kept = durable.orders.place(number);
        kept.and_then(|kept| self.places.get(kept)).is_some_and(Option::is_some)
    }

    /// Where an order is linked, and in which instrument.
    fn place_mut(
        &mut self,
        durable: &Durable,
        number: OrderNumber,
    ) -> Option<(InstrumentIndex, &mut Option<Place>)> {
        let kept = durable.orders.place(number)?;
        let instrument = durable.orders.at(kept)?.terms.instrument;
        Some((instrument, self.places.get_mut(kept)?))
    }

    /// Takes an order out of the market, wherever it stands.
    pub(crate) fn unlink(&mut self, durable: &Durable, number: OrderNumber) {
        self.combos.remove(number);
        let place = self.place_mut(durable, number);
        let Some((instrument, place)) =
            place.and_then(|(instrument, place)| Some((instrument, place.take()?)))
        else {
            return;
        };
        self.sit_owner(durable, number);
        let Some(market) = self.markets.get_mut(instrument as usize) else {
            return;
        };
        market.is_untold |= durable.phase(instrument) != Phase::Continuous;
        match place {
            Place::Book(handle) => {
                leave_book(&mut market.book, &mut market.queue, handle, number);
            }
            Place::Hidden(handle) => {
                if let Some(book) = &mut market.hidden {
                    leave_book(book, &mut market.queue, handle, number);
                }
            }
            Place::Apart(stand) => market.leave(*stand, number),
        }
    }

    /// What rests of an order is never more than what is left of it; nothing of it rests when
    /// nothing is left, or when an iceberg has to show its next part.
    pub(crate) fn reduce(&mut self, durable: &Durable, number: OrderNumber, qty: Quantity) {
        self.sit_owner(durable, number);
        let Some(kept) = durable.orders.place(number) else {
            return;
        };
        let (Some(Some(place)), Some(order)) = (self.places.get(kept), durable.orders.at(kept))
        else {
            return;
        };
        let instrument = order.terms.instrument;
        if order.terms.more.is_some() && order.shown() == 0 {
            self.unlink(durable, number);
            return;
        }
        let Some(market) = self.markets.get_mut(instrument as usize) else {
            return;
        };
        match (place, &mut market.hidden) {
            (Place::Book(handle), _) => market.book.reduce(*handle, qty),
            (Place::Hidden(handle), Some(book)) => book.reduce(*handle, qty),
            _ => {}
        }
    }

    pub(crate) fn shrink_to(&mut self, durable: &Durable, number: OrderNumber) {
        self.sit_owner(durable, number);
        let Some((instrument, Some(place))) = self.place_mut(durable, number) else {
            return;
        };
        let place = place.clone();
        let shown = durable.order(number).map_or(0, |order| order.shown());
        if shown == 0 {
            self.unlink(durable, number);
            return;
        }
        let resting = self.markets.get(instrument as usize).and_then(|market| match place {
            Place::Book(handle) => market.book.resting(handle),
            Place::Hidden(handle) => market.hidden.as_deref()?.resting(handle),
            _ => None,
        });
        if let Some(resting) = resting {
            self.reduce(durable, number, resting.qty.saturating_sub(shown));
        }
    }

    pub(crate) fn follow_change(&mut self, durable: &Durable, change: &ChangeEvent) {
        match change {
            ChangeEvent::Resized { order, .. } => self.shrink_to(durable, *order),
            ChangeEvent::Replenished { order } => self.unlink(durable, *order),
            ChangeEvent::Released { order, .. } => {
                self.unlink(durable, *order);
                self.arrivals.push_back(*order);
            }
            ChangeEvent::LegsFilled(filled) if filled.completes => self.combos.remove(filled.order),
            ChangeEvent::LegsFilled(_)
            | ChangeEvent::TrailMoved { .. }
            | ChangeEvent::DatesPassed { .. } => {}
        }
    }
}

/// An order leaves a book, and its place in the queue.
fn leave_book(book: &mut Book, queue: &mut Queue, handle: Handle, number: OrderNumber) {
    if let Some(resting) = book.resting(handle).filter(|_| queue.is_kept()) {
        queue.forget(resting.price, number);
    }
    book.remove(handle);
}
