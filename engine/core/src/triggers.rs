//! Orders that wait for their price.
//!
//! An armed order waits for a price that rises or that falls, as one source tells it. A buy stop and
//! a sell that wants to be touched wait for a rising price; the other two for a falling one. Buys
//! watch the ask, sells the bid, whichever way they wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::OrderNumber;
use crate::instrument::mid;
use crate::order::OrderTerms;
use crate::risk::watch::Armed as ArmedAccounts;
use crate::trails::Trails;
use crate::units::Price;
use crate::words::{Side, TriggerSource};

/// An armed order: its price, place in time and number.
type Armed = (Price, u64, OrderNumber);

/// What an armed order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// The order's side: buys fire before sells.
    pub side: Side,
    /// Whether the price has to fall to the order's, or else to rise to it.
    pub falling: bool,
    /// Who tells the price.
    pub source: TriggerSource,
}

impl Wait {
    /// What an order of these terms waits for; `default` is the source of its instrument.
    pub fn of(terms: &OrderTerms, default: TriggerSource) -> Wait {
        let falling = (terms.side == Side::Sell) != terms.order_type.is_touched();
        let source = terms.more.as_ref().and_then(|more| more.trigger).unwrap_or(default);
        Wait { side: terms.side, falling, source }
    }

    /// Whether `price` reaches an order that waits at `level`.
    pub const fn is_reached(&self, level: Price, price: Price) -> bool {
        if self.falling { price <= level } else { price >= level }
    }
}

/// Bid and ask of the outside source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
}

impl Seen {
    /// The price that a source shows to a side.
    pub fn by(&self, source: TriggerSource, side: Side) -> Option<Price> {
        match (source, side) {
            (TriggerSource::BidAsk, Side::Buy) => self.ask,
            (TriggerSource::BidAsk, Side::Sell) => self.bid,
            (TriggerSource::Last, _) => None,
            (TriggerSource::Mid, _) => Some(mid(self.bid?, self.ask?)),
        }
    }
}

/// The armed orders of one instrument, and the traded prices they have not been held against.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    sets: BTreeMap<Wait, BTreeSet<Armed>>,
    heard: Option<(Price, Price)>,
    /// Accounts that a price brings near a limit.
    pub armed: ArmedAccounts,
    /// Trailing stops.
    pub trails: Trails,
}

impl Triggers {
    /// Arms an order.
    pub fn arm(&mut self, wait: Wait, level: Price, priority: u64, number: OrderNumber) {
        self.sets.entry(wait).or_default().insert((level, priority, number));
    }

    /// Disarms an order.
    pub fn disarm(&mut self, wait: Wait, level: Price, priority: u64, number: OrderNumber) {
        if let Some(set) = self.sets.get_mut(&wait) {
            set.remove(&(level, priority, number));
            if set.is_empty() {
                self.sets.remove(&wait);
            }
        }
    }

    /// Whether an order waits for a price.
    pub fn is_armed(&self) -> bool {
        !self.sets.is_empty() || !self.trails.is_empty()
    }

    /// Changes the orders for others'; trades that were heard and armed accounts stay.
    pub fn swap_orders(&mut self, other: &mut Triggers) {
        std::mem::swap(&mut self.sets, &mut other.sets);
        std::mem::swap(&mut self.trails, &mut other.trails);
    }

    /// The lowest and highest traded price that was heard.
    pub fn heard(&self) -> Option<(Price, Price)> {
        self.heard
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

    /// What is waited for, and the level that a price reaches first.
    pub fn first_levels(&self) -> impl Iterator<Item = (Wait, Price)> {
        let first = |(wait, set): (&Wait, &BTreeSet<Armed>)| {
            first_of(set, wait.falling).map(|(level, _, _)| (*wait, level))
        };
        self.sets.iter().filter_map(first)
    }

    /// The armed order that a rising or falling price reaches first: of several at one price the
    /// earliest, of two sides the buy.
    pub fn nearest(&self, falling: bool) -> Option<(Price, OrderNumber)> {
        let sets = self.sets.iter().filter(|(wait, _)| wait.falling == falling);
        let of_sets = sets.filter_map(|(_, set)| first_of(set, falling));
        let all = of_sets.chain(self.trails.nearest(falling));
        let rank = |armed: &Armed| {
            let level = i128::from(armed.0);
            (if falling { -level } else { level }, armed.1)
        };
        all.min_by_key(rank).map(|(level, _, number)| (level, number))
    }

    /// The next order that is reached by what was heard or by what is seen, with the price that
    /// reached it. Buys come before sells.
    pub fn reached(&self, seen: Seen) -> Option<(OrderNumber, Price)> {
        if self.sets.is_empty() && self.trails.is_empty() {
            return None;
        }
        let fixed = self.sets.iter().find_map(|(wait, set)| {
            let (level, _, number) = first_of(set, wait.falling)?;
            let price = self.extreme(wait, seen)?;
            wait.is_reached(level, price).then_some((number, price))
        });
        fixed.or_else(|| self.trails.reached())
    }

    /// The price that reaches the most orders of a wait: the extreme of what was heard and what
    /// is seen. Trades are no middle between bid and ask.
    fn extreme(&self, wait: &Wait, seen: Seen) -> Option<Price> {
        let heard = self.heard.filter(|_| wait.source != TriggerSource::Mid);
        let heard = heard.map(|(low, high)| if wait.falling { low } else { high });
        let prices = [seen.by(wait.source, wait.side), heard];
        let prices = prices.into_iter().flatten();
        if wait.falling { prices.min() } else { prices.max() }
    }
}

/// The order of a set that a price reaches first: of several at one level the earliest.
fn first_of(set: &BTreeSet<Armed>, falling: bool) -> Option<Armed> {
    if !falling {
        return set.first().copied();
    }
    let (level, _, _) = set.last()?;
    set.range((*level, 0, 0)..).next().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(side: Side, falling: bool) -> Wait {
        Wait { side, falling, source: TriggerSource::BidAsk }
    }

    #[test]
    fn the_stop_that_the_price_meets_first_fires_first() {
        let mut triggers = Triggers::default();
        let sell = wait(Side::Sell, true);
        triggers.arm(sell, 90, 1, 1);
        triggers.arm(sell, 95, 3, 3);
        triggers.arm(sell, 95, 2, 2);
        triggers.hear(94);
        assert_eq!(triggers.reached(Seen::default()), Some((2, 94)));
        triggers.disarm(sell, 95, 2, 2);
        assert_eq!(triggers.reached(Seen::default()), Some((3, 94)));
        triggers.disarm(sell, 95, 3, 3);
        assert_eq!(triggers.reached(Seen::default()), None);
    }

    #[test]
    fn a_buy_stop_fires_at_the_ask_and_a_sell_stop_at_the_bid() {
        let mut triggers = Triggers::default();
        triggers.arm(wait(Side::Buy, false), 105, 1, 1);
        triggers.arm(wait(Side::Sell, true), 95, 2, 2);
        let seen = |bid, ask| Seen { bid: Some(bid), ask: Some(ask) };
        assert_eq!(triggers.reached(seen(96, 104)), None);
        assert_eq!(triggers.reached(seen(100, 105)), Some((1, 105)));
        assert_eq!(triggers.reached(seen(95, 97)), Some((2, 95)));
    }

    #[test]
    fn a_touched_order_waits_the_other_way_round() {
        let mut triggers = Triggers::default();
        triggers.arm(wait(Side::Buy, true), 95, 1, 1);
        triggers.arm(wait(Side::Sell, false), 105, 2, 2);
        let seen = |bid, ask| Seen { bid: Some(bid), ask: Some(ask) };
        assert_eq!(triggers.reached(seen(94, 96)), None, "a buy watches the ask");
        assert_eq!(triggers.reached(seen(93, 95)), Some((1, 95)));
        assert_eq!(triggers.reached(seen(104, 106)), None, "a sell watches the bid");
        assert_eq!(triggers.reached(seen(105, 107)), Some((2, 105)));
        assert_eq!(triggers.nearest(true), Some((95, 1)));
        assert_eq!(triggers.nearest(false), Some((105, 2)));
    }

    #[test]
    fn each_source_tells_its_own_price() {
        let mut triggers = Triggers::default();
        let source = |source| Wait { source, ..wait(Side::Sell, true) };
        triggers.arm(source(TriggerSource::Last), 95, 1, 1);
        triggers.arm(source(TriggerSource::Mid), 94, 2, 2);
        let seen = |bid, ask| Seen { bid: Some(bid), ask: Some(ask) };
        assert_eq!(triggers.reached(seen(90, 100)), None, "no trade, and the middle is 95");
        assert_eq!(triggers.reached(seen(90, 98)), Some((2, 94)));
        triggers.hear(93);
        assert_eq!(triggers.reached(seen(90, 100)), Some((1, 93)), "a trade is no middle");
    }
}
