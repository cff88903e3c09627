//! Market-priced orders that wait for liquidity: they come before all limit orders.
//!
//! They take what comes to rest (`serve_waiting`), and an order that comes to trade with the other
//! side meets them first, at the price that the best of it would have given. So nobody who comes
//! trades worse for them, and nobody who waits at any price is passed over for a limit price.

use crate::book::{Handle, Owner, reaches};
use crate::durable::Durable;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::market::{Market, Offer};
use crate::order::Order;
use crate::session::band_limit;
use crate::sink::Sink;
use crate::units::Price;
use crate::words::Side;

/// An order that waits stands in no book.
const NOWHERE: Handle = Handle::MAX;

/// The orders that wait and take part before what gives `price` to an order of a side that comes,
/// earliest first. One for an amount of money has no quantity yet and only takes.
pub(crate) fn before<'a>(
    durable: &'a Durable,
    market: &'a Market,
    (instrument, side): (InstrumentIndex, Side),
    price: Price,
) -> impl Iterator<Item = &'a Order> {
    let there = side.opposite();
    let edge = durable.band(instrument, market).map(|band| band_limit(there, band));
    let waiting = market.waiting(there).filter_map(|number| durable.open_order(number));
    waiting.filter(move |order| {
        let is_sized = order.terms.more().notional.is_none() && order.leaves() > 0;
        is_sized && reaches(there, edge, price)
    })
}

/// What an order that waits gives at a price.
pub(crate) fn offer_of(order: &Order, price: Price) -> Offer {
    let resting = Some((NOWHERE, Owner::User(order.number)));
    Offer { price, qty: order.leaves(), resting }
}

impl<S: Sink> Live<'_, S> {
    /// What an order of a side that comes trades with next: at the best price there, with those
    /// who wait at any price first.
    pub fn offer_to(&self, instrument: InstrumentIndex, side: Side) -> Option<Offer> {
        let market = self.market(instrument)?;
        let best = market.best_offer(side)?;
        if market.nobody_waits() || market.apart.is_some() {
            return Some(best);
        }
        let first = before(self.durable, market, (instrument, side), best.price).next();
        Some(first.map_or(best, |order| offer_of(order, best.price)))
    }

    /// Lets market-priced orders that wait take what has come since.
    pub fn serve_waiting(&mut self, instrument: InstrumentIndex) {
        let nobody_waits = self.market(instrument).is_none_or(Market::nobody_waits);
        if nobody_waits || !self.may_trade(instrument) {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            let Some(market) = self.market(instrument) else {
                return;
            };
            if market.waiting(side).next().is_none() || market.best_offer(side).is_none() {
                continue;
            }
            let waiting: Vec<OrderNumber> = market.waiting(side).collect();
            for number in waiting {
                if self.is_full() {
                    self.ephemeral.unfinished.insert(instrument);
                    return;
                }
                if !self.leave_if_due(number) {
                    self.execute(number);
                }
            }
        }
    }
}
