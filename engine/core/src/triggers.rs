//! Stop orders that wait for their price.

use std::collections::BTreeSet;

use crate::ids::OrderNumber;
use crate::risk::watch::Armed as ArmedAccounts;
use crate::units::Price;
use crate::words::Side;

/// An armed order: its stop price, place in time and number.
type Armed = (Price, u64, OrderNumber);

/// The armed orders of one instrument, and the traded prices they have not been held against.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    sides: [BTreeSet<Armed>; 2],
    heard: Option<(Price, Price)>,
    /// Accounts that a price brings near a limit.
    pub armed: ArmedAccounts,
}

impl Triggers {
    /// Arms an order.
    pub fn arm(&mut self, side: Side, stop: Price, priority: u64, number: OrderNumber) {
        self.sides[side.index()].insert((stop, priority, number));
    }

    /// Disarms an order.
    pub fn disarm(&mut self, side: Side, stop: Price, priority: u64, number: OrderNumber) {
        self.sides[side.index()].remove(&(stop, priority, number));
    }

    /// Notes a traded price.
    pub fn hear(&mut self, price: Price) {
        self.heard = Some(match self.heard {
            None => (price, price),
            Some((low, high)) => (low.min(price), high.max(price)),
        });
    }

    /// Forgets the traded prices: every armed order has been held against them.
    pub fn forget_heard(&mut self) {
        self.heard = None;
    }

    /// The armed order that a rising or falling price reaches first.
    pub fn nearest(&self, side: Side) -> Option<(Price, OrderNumber)> {
        match side {
            Side::Buy => self.sides[0].first().map(|(stop, _, number)| (*stop, *number)),
            Side::Sell => {
                // Of several at the highest stop price the earliest.
                let (stop, _, _) = self.sides[1].last()?;
                let first = self.sides[1].range((*stop, 0, 0)..).next()?;
                Some((*stop, first.2))
            }
        }
    }

    /// The next order whose stop price is reached by what was heard or by the outside source's
    /// bid and ask (`None` for instruments that trigger by trades only), with the price that
    /// reached it. Buys come before sells.
    pub fn reached(&self, bid: Option<Price>, ask: Option<Price>) -> Option<(OrderNumber, Price)> {
        let highest = ask.max(self.heard.map(|(_, high)| high));
        let lows = [bid, self.heard.map(|(low, _)| low)];
        let lowest = lows.into_iter().flatten().min();
        let buy = self.nearest(Side::Buy).zip(highest);
        if let Some(((_, number), price)) = buy.filter(|((stop, _), price)| price >= stop) {
            return Some((number, price));
        }
        let sell = self.nearest(Side::Sell).zip(lowest);
        sell.filter(|((stop, _), price)| price <= stop).map(|((_, number), price)| (number, price))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_that_the_price_meets_first_fires_first() {
        let mut triggers = Triggers::default();
        triggers.arm(Side::Sell, 90, 1, 1);
        triggers.arm(Side::Sell, 95, 3, 3);
        triggers.arm(Side::Sell, 95, 2, 2);
        triggers.hear(94);
        assert_eq!(triggers.reached(None, None), Some((2, 94)));
        triggers.disarm(Side::Sell, 95, 2, 2);
        assert_eq!(triggers.reached(None, None), Some((3, 94)));
        triggers.disarm(Side::Sell, 95, 3, 3);
        assert_eq!(triggers.reached(None, None), None);
    }

    #[test]
    fn a_buy_stop_fires_at_the_ask_and_a_sell_stop_at_the_bid() {
        let mut triggers = Triggers::default();
        triggers.arm(Side::Buy, 105, 1, 1);
        triggers.arm(Side::Sell, 95, 2, 2);
        assert_eq!(triggers.reached(Some(96), Some(104)), None);
        assert_eq!(triggers.reached(Some(100), Some(105)), Some((1, 105)));
        assert_eq!(triggers.reached(Some(95), Some(97)), Some((2, 95)));
    }
}
