//! Stop orders fire.

use crate::event::Event;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::order::Order;
use crate::sink::Sink;
use crate::units::Price;
use crate::words::{Reason, Side, TimeInForce, TriggerSource};

impl<S: Sink> Live<'_, S> {
    /// Fires every stop order whose price is reached, one by one: a fired order may trade and
    /// reach the next.
    pub fn fire_stops(&mut self, instrument: InstrumentIndex) {
        self.fire_reached(instrument);
        self.watch_prices(instrument);
    }

    fn fire_reached(&mut self, instrument: InstrumentIndex) {
        if !self.may_trade(instrument) {
            self.forget_heard(instrument);
            return;
        }
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
        if let Some(market) = self.ephemeral.market_mut(instrument) {
            market.triggers.forget_heard();
        }
    }

    fn reached(&self, instrument: InstrumentIndex) -> Option<(OrderNumber, Price)> {
        let market = self.market(instrument)?;
        let (bid, ask) = self.watched(instrument);
        market.triggers.reached(bid, ask)
    }

    /// Bid and ask that fire stops; nothing for instruments that trigger by trades only.
    fn watched(&self, instrument: InstrumentIndex) -> (Option<Price>, Option<Price>) {
        let (Some(terms), Some(market)) = (self.terms_of(instrument), self.market(instrument))
        else {
            return (None, None);
        };
        if terms.trigger == TriggerSource::Last {
            return (None, None);
        }
        let price = |side| market.outside(terms, side).map(|(price, _)| price);
        (price(Side::Buy), price(Side::Sell))
    }

    /// The price that is through the stop price of an order that has just come, if there is one:
    /// the watched side, or the last trade where nothing stands there.
    pub fn price_through(&self, order: &Order) -> Option<Price> {
        let instrument = order.terms.instrument;
        if !self.may_trade(instrument) || !self.is_seated(order.number) {
            return None;
        }
        let (bid, ask) = self.watched(instrument);
        let last = self.market(instrument)?.quote.last;
        let stop = order.terms.stop_price?;
        match order.terms.side {
            Side::Buy => ask.or(last).filter(|price| *price >= stop),
            Side::Sell => bid.or(last).filter(|price| *price <= stop),
        }
    }

    /// Fires one order and lets it trade.
    pub fn trigger(&mut self, order: OrderNumber, price: Price) {
        self.emit(Event::Triggered { order, price });
        if self.fails_to_fill(order) {
            self.cancel(order, Reason::NoLiquidity, None);
            return;
        }
        self.enter(order);
    }

    /// Whether a fill-or-kill order that has just fired cannot fill completely.
    fn fails_to_fill(&self, number: OrderNumber) -> bool {
        let Some(order) = self.order(number) else {
            return false;
        };
        if order.terms.time_in_force != TimeInForce::Fok {
            return false;
        }
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let mut terms = order.terms.clone();
        if terms.limit_price.is_none() {
            terms.order_type = crate::words::OrderType::Market;
        }
        let checks = crate::checks::Checks { durable, ephemeral, terms: &terms };
        checks.walk().filled < terms.qty
    }
}
