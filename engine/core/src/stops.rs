//! Stop orders fire.

use crate::change::ChangeEvent;
use crate::event::Event;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::order::Order;
use crate::sink::Sink;
use crate::trails::Trail;
use crate::triggers::{Seen, Wait};
use crate::units::{Price, SECOND_NS};
use crate::words::{Reason, TimeInForce};

impl<S: Sink> Live<'_, S> {
    /// Fires every stop order whose price is reached, one by one: a fired order may trade and
    /// reach the next.
    pub fn fire_stops(&mut self, instrument: InstrumentIndex) {
        self.fire_reached(instrument);
        self.watch_prices(instrument);
    }

    pub fn fire_reached(&mut self, instrument: InstrumentIndex) {
        if !self.may_trade(instrument) {
            self.forget_heard(instrument);
            return;
        }
        self.follow_quote(instrument);
        while let Some((number, price)) = self.reached(instrument) {
            if self.is_full() {
                self.ephemeral.unfinished.insert(instrument);
                return;
            }
            if !self.leave_if_due(number) {
                self.trigger(number, price);
            }
        }
        self.forget_heard(instrument);
    }

    fn forget_heard(&mut self, instrument: InstrumentIndex) {
        if self.ephemeral.is_isolated {
            // The next account has not heard it yet.
            return;
        }
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            market.triggers.forget_heard();
        }
    }

    fn reached(&self, instrument: InstrumentIndex) -> Option<(OrderNumber, Price)> {
        let market = self.market(instrument)?;
        market.triggers.reached(self.seen(instrument))
    }

    /// Bid and ask of the outside source.
    fn seen(&self, instrument: InstrumentIndex) -> Seen {
        match (self.terms_of(instrument), self.market(instrument)) {
            (Some(terms), Some(market)) => market.seen(terms),
            _ => Seen::default(),
        }
    }

    /// Lets trailing stops follow the outside quote.
    fn follow_quote(&mut self, instrument: InstrumentIndex) {
        if self.market(instrument).is_none_or(|market| market.triggers.trails.is_empty()) {
            return;
        }
        let seen = self.seen(instrument);
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            market.triggers.trails.see(seen);
        }
    }

    /// The price that is through the price of an order that has just come, if there is one: the
    /// one that its source shows, or the last trade where nothing stands there.
    pub fn price_through(&self, order: &Order) -> Option<Price> {
        let (instrument, side) = (order.terms.instrument, order.terms.side);
        if !self.may_trade(instrument) || !self.is_seated(order.number) {
            return None;
        }
        let watch = Wait::of(&order.terms, self.terms_of(instrument)?.trigger);
        let last = self.market(instrument)?.quote.last;
        let price = self.seen(instrument).by(watch.source, side).or(last)?;
        let level = order.terms.stop_price?;
        watch.is_reached(level, price).then_some(price)
    }

    /// Records the water marks that moved, at most once a second and as many as a turn may.
    pub fn record_trails(&mut self) {
        let now_ns = self.now_ns();
        if now_ns < self.ephemeral.trails_ns.saturating_add(SECOND_NS) {
            return;
        }
        let trailing: Vec<InstrumentIndex> = self.ephemeral.trailing.iter().copied().collect();
        for instrument in trailing {
            match self.ephemeral.is_isolated {
                true => self.record_trails_apart(instrument),
                false => self.record_trails_of(instrument),
            }
        }
    }

    /// Records the water marks in one instrument that moved.
    pub fn record_trails_of(&mut self, instrument: InstrumentIndex) {
        while let Some((order, trail)) = self.next_moved(instrument) {
            if self.is_full() {
                return;
            }
            if let Some(market) = self.ephemeral.market_mut(instrument) {
                market.triggers.trails.recorded(order);
            }
            self.record_trail(order, trail);
            self.ephemeral.trails_ns = self.now_ns();
        }
    }

    fn next_moved(&self, instrument: InstrumentIndex) -> Option<(OrderNumber, Trail)> {
        self.market(instrument)?.triggers.trails.next_moved()
    }

    fn record_trail(&mut self, order: OrderNumber, trail: Trail) {
        let (mark, stop) = (trail.mark, trail.stop);
        let recorded = self.order(order).and_then(|order| order.terms.stop_price);
        if recorded != Some(stop) {
            self.emit(Event::Changed(ChangeEvent::TrailMoved { order, mark, stop }));
        }
    }

    /// Fires one order and lets it trade.
    pub fn trigger(&mut self, order: OrderNumber, price: Price) {
        self.fire(order, price);
        if self.fails_to_fill(order) {
            self.cancel(order, Reason::NoLiquidity, None);
            return;
        }
        self.enter(order);
    }

    /// Says that an order's price was reached; a trailing stop first says where its stop stood.
    pub fn fire(&mut self, order: OrderNumber, price: Price) {
        let instrument = self.order(order).map(|order| order.terms.instrument);
        let market = instrument.and_then(|instrument| self.market(instrument));
        if let Some(trail) = market.and_then(|market| market.triggers.trails.get(order)).copied() {
            self.record_trail(order, trail);
        }
        self.emit(Event::Triggered { order, price });
    }

    /// Whether a fill-or-kill order that has just fired cannot fill completely.
    pub fn fails_to_fill(&self, number: OrderNumber) -> bool {
        let Some(order) = self.order(number) else {
            return false;
        };
        if order.terms.time_in_force != TimeInForce::Fok {
            return false;
        }
        if order.terms.is_combo() {
            return self.combo_fails_to_fill(order);
        }
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let mut terms = order.terms.clone();
        if terms.limit_price.is_none() {
            terms.order_type = crate::words::OrderType::Market;
        }
        let checks = crate::checks::Checks { durable, ephemeral, terms: &terms };
        checks.certain() < terms.qty
    }
}
