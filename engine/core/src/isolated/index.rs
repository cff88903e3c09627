//! Which accounts a price touches: only their booths are visited, whoever else is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::AccountIndex;
use crate::instrument::Instrument;
use crate::market::Market;
use crate::units::Price;
use crate::words::Side;

/// The nearest prices at which something happens to an account's orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Best limit of what rests, by side.
    limits: [Option<Price>; 2],
    /// The armed orders that a rising and a falling price reach first.
    levels: [Option<Price>; 2],
    /// Whether orders wait at any price.
    waits: bool,
    /// Whether there are trailing stops, which each price may move.
    trails: bool,
    /// Whether the street's levels count for its place in the queue.
    queues: bool,
}

impl Reach {
    /// Of the account that sits in the market.
    pub fn of(market: &Market) -> Reach {
        let limit = |side| market.best(side).map(|order| order.price);
        let level = |falling| market.triggers.nearest(falling).map(|(price, _)| price);
        Reach {
            limits: [limit(Side::Buy), limit(Side::Sell)],
            levels: [level(false), level(true)],
            waits: !market.nobody_waits(),
            trails: !market.triggers.trails.is_empty(),
            queues: market.queue.has_places(),
        }
    }
}

/// What a market input may touch: resting buys from a price and sells up to one, orders that wait
/// for a rise or a fall to a price.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touch {
    buys_from: Option<Price>,
    sells_to: Option<Price>,
    rises_to: Option<Price>,
    falls_to: Option<Price>,
}

impl Touch {
    /// What the outside touches as it stands and with the trades that were just heard.
    pub fn now(market: &Market, instrument: &Instrument) -> Touch {
        let seen = market.seen(instrument);
        let heard = market.triggers.heard();
        let prices = [seen.bid, seen.ask, heard.map(|it| it.0), heard.map(|it| it.1)];
        let prices = || prices.into_iter().flatten();
        let best = |side| {
            let street = market.street.displayed(side).next().map(|(price, _)| price);
            let bots = market.bots_book().best(side).map(|order| order.price);
            street.into_iter().chain(bots)
        };
        Touch {
            buys_from: best(Side::Sell).min(),
            sells_to: best(Side::Buy).max(),
            rises_to: prices().max(),
            falls_to: prices().min(),
        }
    }

    /// What lies between two prices.
    pub const fn range(low: Price, high: Price) -> Touch {
        let (low, high) = (Some(low), Some(high));
        Touch { buys_from: low, sells_to: high, rises_to: high, falls_to: low }
    }

    /// Resting orders that an incoming order of the house reaches.
    pub fn incoming(side: Side, limit: Option<Price>) -> Touch {
        match side {
            Side::Sell => Touch { buys_from: limit.or(Some(Price::MIN)), ..Touch::default() },
            Side::Buy => Touch { sells_to: limit.or(Some(Price::MAX)), ..Touch::default() },
        }
    }
}

type Prices = BTreeSet<(Price, AccountIndex)>;

/// The reaches of all accounts with open orders, by price.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    reaches: BTreeMap<AccountIndex, Reach>,
    limits: [Prices; 2],
    levels: [Prices; 2],
    waiting: BTreeSet<AccountIndex>,
    trailing: BTreeSet<AccountIndex>,
    queued: BTreeSet<AccountIndex>,
}

impl Index {
    /// Keeps what reaches an account by now.
    pub fn put(&mut self, account: AccountIndex, reach: Reach) {
        let old = match reach == Reach::default() {
            true => self.reaches.remove(&account),
            false => self.reaches.insert(account, reach),
        };
        let old = old.unwrap_or_default();
        if old == reach {
            return;
        }
        let sets = self.limits.iter_mut().chain(&mut self.levels);
        let before = old.limits.into_iter().chain(old.levels);
        let after = reach.limits.into_iter().chain(reach.levels);
        for ((set, before), after) in sets.zip(before).zip(after) {
            if let Some(price) = before {
                set.remove(&(price, account));
            }
            if let Some(price) = after {
                set.insert((price, account));
            }
        }
        set_member(&mut self.waiting, account, reach.waits);
        set_member(&mut self.trailing, account, reach.trails);
        set_member(&mut self.queued, account, reach.queues);
    }

    /// The accounts that may have something to do, in their order.
    pub fn touched(&self, touch: Touch) -> BTreeSet<AccountIndex> {
        let mut accounts: BTreeSet<AccountIndex> = &self.waiting | &self.trailing;
        let mut from = |set: &Prices, price: Option<Price>| {
            if let Some(price) = price {
                accounts.extend(set.range((price, 0)..).map(|it| it.1));
            }
        };
        from(&self.limits[Side::Buy.index()], touch.buys_from);
        from(&self.levels[1], touch.falls_to);
        let mut up_to = |set: &Prices, price: Option<Price>| {
            if let Some(price) = price {
                accounts.extend(set.range(..=(price, AccountIndex::MAX)).map(|it| it.1));
            }
        };
        up_to(&self.limits[Side::Sell.index()], touch.sells_to);
        up_to(&self.levels[0], touch.rises_to);
        accounts
    }

    /// The accounts with trailing stops.
    pub fn trailing(&self) -> Vec<AccountIndex> {
        self.trailing.iter().copied().collect()
    }

    /// The accounts whose places in the queue of the street are known.
    pub fn queued(&self) -> Vec<AccountIndex> {
        self.queued.iter().copied().collect()
    }
}

fn set_member(set: &mut BTreeSet<AccountIndex>, account: AccountIndex, is_member: bool) {
    if is_member {
        set.insert(account);
    } else {
        set.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(index: &Index, touch: Touch) -> Vec<AccountIndex> {
        index.touched(touch).into_iter().collect()
    }

    #[test]
    fn a_price_touches_only_those_whom_it_reaches() {
        let mut index = Index::default();
        index.put(1, Reach { limits: [Some(100), None], ..Reach::default() });
        index.put(2, Reach { limits: [Some(90), Some(120)], ..Reach::default() });
        index.put(3, Reach { levels: [Some(130), None], ..Reach::default() });
        index.put(4, Reach { levels: [None, Some(80)], ..Reach::default() });
        assert_eq!(touched(&index, Touch::incoming(Side::Sell, Some(95))), [1]);
        assert_eq!(touched(&index, Touch::incoming(Side::Sell, None)), [1, 2]);
        assert_eq!(touched(&index, Touch::incoming(Side::Buy, Some(120))), [2]);
        assert_eq!(touched(&index, Touch::range(101, 119)), [0; 0]);
        assert_eq!(touched(&index, Touch::range(101, 130)), [2, 3]);
        assert_eq!(touched(&index, Touch::range(80, 110)), [1, 2, 4]);
        index.put(2, Reach::default());
        assert_eq!(touched(&index, Touch::incoming(Side::Sell, None)), [1]);
        index.put(9, Reach { waits: true, ..Reach::default() });
        assert_eq!(touched(&index, Touch::range(101, 119)), [9], "who waits is always touched");
    }
}
