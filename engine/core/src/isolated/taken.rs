//! What each account took of the outside: a sparse overlay of the street's levels and the bots'
//! orders. It is never larger than what was taken of what still stands there.

use std::collections::BTreeMap;

use crate::book::Owner;
use crate::ids::AccountIndex;
use crate::units::{Price, Quantity};
use crate::words::Side;

type ByAccount = BTreeMap<AccountIndex, Quantity>;

/// By side and price of a level, and by the id of a bot's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    levels: [BTreeMap<Price, ByAccount>; 2],
    bots: BTreeMap<u64, ByAccount>,
}

impl Taken {
    /// What an account took of a level.
    pub fn of_level(&self, side: Side, price: Price, account: AccountIndex) -> Quantity {
        let level = self.levels[side.index()].get(&price);
        level.and_then(|level| level.get(&account)).copied().unwrap_or(0)
    }

    /// All that an account took of the street.
    pub fn levels_of(
        &self,
        account: AccountIndex,
    ) -> impl Iterator<Item = (Side, Price, Quantity)> {
        super::SIDES.into_iter().flat_map(move |side| {
            let levels = self.levels[side.index()].iter();
            levels.filter_map(move |(price, level)| Some((side, *price, *level.get(&account)?)))
        })
    }

    /// An account has by now taken this much of a level.
    pub fn set_level(&mut self, side: Side, price: Price, account: AccountIndex, qty: Quantity) {
        self.levels[side.index()].entry(price).or_default().insert(account, qty);
    }

    /// Forgets what was taken of the levels of a side that are fresh or gone.
    pub fn keep_levels(&mut self, side: Side, is_kept: impl Fn(Price) -> bool) {
        self.levels[side.index()].retain(|price, _| is_kept(*price));
    }

    /// What an account took of a bot's order.
    pub fn of_bot(&self, owner: Owner, account: AccountIndex) -> Quantity {
        let Owner::Agent(id) = owner else {
            return 0;
        };
        let order = self.bots.get(&id);
        order.and_then(|order| order.get(&account)).copied().unwrap_or(0)
    }

    /// An account takes some of a bot's order.
    pub fn take_of_bot(&mut self, id: u64, account: AccountIndex, qty: Quantity) {
        let taken = self.bots.entry(id).or_default().entry(account).or_default();
        *taken = taken.saturating_add(qty);
    }

    /// A bot's order has left.
    pub fn forget_bot(&mut self, id: u64) {
        self.bots.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_forgotten_with_what_it_was_taken_of() {
        let mut taken = Taken::default();
        taken.set_level(Side::Sell, 101, 1, 40);
        taken.set_level(Side::Sell, 101, 2, 10);
        taken.set_level(Side::Sell, 102, 2, 5);
        taken.take_of_bot(7, 2, 3);
        taken.take_of_bot(7, 2, 3);
        let of_two: Vec<_> = taken.levels_of(2).collect();
        assert_eq!(of_two, [(Side::Sell, 101, 10), (Side::Sell, 102, 5)]);
        assert_eq!((taken.of_bot(Owner::Agent(7), 2), taken.of_bot(Owner::Agent(7), 1)), (6, 0));
        taken.keep_levels(Side::Sell, |price| price == 102);
        taken.forget_bot(7);
        assert_eq!((taken.of_level(Side::Sell, 101, 1), taken.of_bot(Owner::Agent(7), 2)), (0, 0));
        assert_eq!(taken.levels[Side::Sell.index()].len() + taken.bots.len(), 1);
    }
}
