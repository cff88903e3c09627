//! How much of the street stands before a resting order: queue model `volume_ahead`.
//!
//! The street shows how much stands at a price, not whose it is. An order that comes to rest stands
//! behind all of it. Prints at the price trade what stands before it; when the street shows less,
//! no more than that can stand before it (cancels are taken to come from behind as long as they
//! can, which is never in the order's favour). What the street does not show is not known, and
//! counts as endless. Users' own orders keep their places among each other by the book. All of it
//! is ephemeral: after a start an order stands at the back again.

use std::collections::BTreeMap;

use crate::book::{Owner, is_better};
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::market::Market;
use crate::matching::Role;
use crate::sink::Sink;
use crate::street::Street;
use crate::units::{Price, Quantity};
use crate::words::{Counterparty, How, Liquidity, QueueModel, Side};

/// More than can stand anywhere: not known.
const UNKNOWN: Quantity = Quantity::MAX;

/// What stands before the resting orders of one instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// By side, price and order.
    ahead: [BTreeMap<Price, BTreeMap<OrderNumber, Quantity>>; 2],
    /// What stood before an order when it came to rest; for receipts only.
    entries: BTreeMap<OrderNumber, Quantity>,
}

/// What the street shows at a price: nothing beyond its levels is known, nothing between them
/// stands.
fn shown(street: &Street, side: Side, price: Price) -> Quantity {
    let mut worst = None;
    for (level, qty) in street.available(side) {
        if level == price {
            return qty;
        }
        worst = Some(level);
    }
    let is_within = worst.is_some_and(|worst| match side {
        Side::Buy => price >= worst,
        Side::Sell => price <= worst,
    });
    if is_within { 0 } else { UNKNOWN }
}

/// Bounds what stands before orders by what the street shows; prices and street go the same way,
/// best first, and no price lies beyond the street's levels.
fn show_at_most<'a>(
    prices: impl Iterator<Item = (&'a Price, &'a mut BTreeMap<OrderNumber, Quantity>)>,
    street: &Street,
    side: Side,
) {
    let mut levels = street.available(side).peekable();
    for (price, orders) in prices {
        while levels.next_if(|level| is_better(side, level.0, *price)).is_some() {}
        let most = levels.peek().filter(|level| level.0 == *price).map_or(0, |level| level.1);
        orders.values_mut().for_each(|ahead| *ahead = (*ahead).min(most));
    }
}

impl Queue {
    /// Whether anything is kept.
    pub fn is_kept(&self) -> bool {
        !self.entries.is_empty() || self.ahead.iter().any(|prices| !prices.is_empty())
    }

    /// Whether the place of any order is known.
    pub fn has_places(&self) -> bool {
        self.ahead.iter().any(|prices| !prices.is_empty())
    }

    /// An order has left.
    pub fn forget(&mut self, price: Price, order: OrderNumber) {
        if !self.entries.is_empty() {
            self.entries.remove(&order);
        }
        for prices in self.ahead.iter_mut().filter(|prices| !prices.is_empty()) {
            let Some(orders) = prices.get_mut(&price) else {
                continue;
            };
            orders.remove(&order);
            if orders.is_empty() {
                prices.remove(&price);
            }
        }
    }

    /// The street of a side has new levels: no more than it shows stands before anyone.
    pub fn street_moved(&mut self, street: &Street, side: Side) {
        let prices = &mut self.ahead[side.index()];
        let best = match side {
            Side::Buy => prices.last_key_value(),
            Side::Sell => prices.first_key_value(),
        };
        let (Some((best, _)), Some((worst, _))) = (best, street.available(side).next_back()) else {
            return;
        };
        match side {
            _ if is_better(side, worst, *best) => {}
            Side::Buy => show_at_most(prices.range_mut(worst..).rev(), street, side),
            Side::Sell => show_at_most(prices.range_mut(..=worst), street, side),
        }
    }

    /// What stood before an order when it came to rest, where that was known.
    pub fn entry(&self, order: OrderNumber) -> Option<Quantity> {
        self.entries.get(&order).copied().filter(|ahead| *ahead != UNKNOWN)
    }

    fn ahead_of(
        &mut self,
        street: &Street,
        side: Side,
        price: Price,
        order: OrderNumber,
    ) -> &mut Quantity {
        let orders = self.ahead[side.index()].entry(price).or_default();
        orders.entry(order).or_insert_with(|| shown(street, side, price))
    }
}

/// The user's orders of a side that rest at exactly this price, first in time first, when it is
/// the best of their side.
fn resting_at(market: &Market, side: Side, price: Price) -> Vec<(OrderNumber, Quantity)> {
    let orders = market.book.orders(side).take_while(|order| order.price == price);
    let of_users = orders.filter_map(|order| match order.owner {
        Owner::User(number) => Some((number, order.qty)),
        Owner::Agent(_) => None,
    });
    of_users.collect()
}

impl<S: Sink> Live<'_, S> {
    /// Notes what stands before an order that has just come to rest.
    pub fn note_queue(&mut self, number: OrderNumber) {
        let Some(order) = self.order(number).filter(|order| !order.is_armed()) else {
            return;
        };
        let (instrument, side) = (order.terms.instrument, order.terms.side);
        let Some(price) = order.price_limit() else {
            return;
        };
        let rules = self.durable.fill_rules(instrument);
        let counts = rules.is_some_and(|rules| rules.queue == QueueModel::VolumeAhead);
        if !counts && !S::RECEIPTS {
            return;
        }
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        if S::RECEIPTS {
            let ahead = shown(&market.street, side, price);
            market.queue.entries.insert(number, ahead);
        }
        if counts {
            market.queue.ahead_of(&market.street, side, price, number);
        }
    }

    /// A print at this price trades what stands before the orders that rest there, then them.
    pub fn serve_queue(&mut self, instrument: InstrumentIndex, price: Price, printed: Quantity) {
        for side in [Side::Buy, Side::Sell] {
            let Some(market) = self.market(instrument) else {
                return;
            };
            let mut filled: Quantity = 0;
            for (number, qty) in resting_at(market, side, price) {
                if self.is_full() {
                    self.ephemeral.unfinished.insert(instrument);
                    return;
                }
                let left = printed.saturating_sub(filled);
                let reaches = self.pass_queue(instrument, (side, price), number, left);
                if reaches > 0 {
                    let role = Role::new(Liquidity::Maker, Counterparty::House);
                    let role = role.how(How::QueueServed).reached(price);
                    let wanted = (price, reaches.min(qty));
                    filled =
                        filled.saturating_add(self.fill_resting(instrument, number, wanted, role));
                }
            }
        }
    }

    /// Takes what was printed from what stands before an order; gives what reaches the order.
    fn pass_queue(
        &mut self,
        instrument: InstrumentIndex,
        (side, price): (Side, Price),
        number: OrderNumber,
        printed: Quantity,
    ) -> Quantity {
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return 0;
        };
        let ahead = market.queue.ahead_of(&market.street, side, price, number);
        if *ahead == UNKNOWN {
            return 0;
        }
        let before = *ahead;
        *ahead = before.saturating_sub(printed).max(0);
        printed.saturating_sub(before).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_street_shows_bounds_what_stands_before_an_order() {
        let mut street = Street::default();
        street.replace(Side::Buy, &[(100, 50), (98, 70)]);
        assert_eq!(shown(&street, Side::Buy, 100), 50);
        assert_eq!(shown(&street, Side::Buy, 101), 0, "better than the best");
        assert_eq!(shown(&street, Side::Buy, 99), 0, "nothing stands between its levels");
        assert_eq!(shown(&street, Side::Buy, 97), UNKNOWN, "beyond its levels");
        assert_eq!(shown(&street, Side::Sell, 97), UNKNOWN, "an empty side says nothing");
    }

    #[test]
    fn a_walk_along_the_street_bounds_like_a_look_at_each_price() {
        for side in [Side::Buy, Side::Sell] {
            let mut street = Street::default();
            let way = if side == Side::Buy { -1 } else { 1 };
            street.replace(side, &[(100, 5), (100 + way, 7), (100 + 3 * way, 9)]);
            let mut queue = Queue::default();
            for (price, number) in (90..=110).zip(1..) {
                queue.ahead[side.index()].entry(price).or_default().insert(number, 8);
            }
            queue.street_moved(&street, side);
            for (price, number) in (90..=110).zip(1..) {
                let ahead = queue.ahead[side.index()][&price][&number];
                assert_eq!(ahead, shown(&street, side, price).min(8), "{side:?} {price}");
            }
        }
    }

    #[test]
    fn cancels_come_from_behind_and_a_level_that_left_leaves_nobody() {
        let mut street = Street::default();
        let mut queue = Queue::default();
        street.replace(Side::Sell, &[(10, 80)]);
        assert_eq!(*queue.ahead_of(&street, Side::Sell, 10, 1), 80);
        street.replace(Side::Sell, &[(10, 90)]);
        queue.street_moved(&street, Side::Sell);
        assert_eq!(*queue.ahead_of(&street, Side::Sell, 10, 1), 80);
        street.replace(Side::Sell, &[(10, 30)]);
        queue.street_moved(&street, Side::Sell);
        assert_eq!(*queue.ahead_of(&street, Side::Sell, 10, 1), 30);
        street.replace(Side::Sell, &[(11, 30)]);
        queue.street_moved(&street, Side::Sell);
        assert_eq!(*queue.ahead_of(&street, Side::Sell, 10, 1), 0);
        queue.forget(10, 1);
        assert!(queue.ahead.iter().all(BTreeMap::is_empty));
    }
}
