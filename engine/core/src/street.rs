//! The street: the displayed liquidity of the reference market, and what users took of it.

use crate::command::StreetLevel;
use crate::units::{Price, Quantity};
use crate::words::Side;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    price: Price,
    displayed: Quantity,
    available: Quantity,
}

/// Both sides of the street of one instrument, best level first.
#[derive(Clone, Debug, Default)]
pub struct Street {
    sides: [Vec<Slot>; 2],
    /// Empty, but for its room: what a side had before is written into it the next time.
    spare: Vec<Slot>,
}

impl Street {
    /// Puts new levels in the place of a side's old ones. A level whose price and displayed size
    /// did not change keeps what users took of it; every other level is fresh.
    pub fn replace(&mut self, side: Side, levels: &[StreetLevel]) {
        let mut fresh = std::mem::take(&mut self.spare);
        let old = &mut self.sides[side.index()];
        for &(price, displayed) in levels.iter().filter(|(_, size)| *size > 0) {
            let same = |slot: &&Slot| slot.price == price && slot.displayed == displayed;
            let available = old.iter().find(same).map_or(displayed, |slot| slot.available);
            fresh.push(Slot { price, displayed, available });
        }
        let is_before = |one: &Slot, other: &Slot| match side {
            Side::Buy => one.price > other.price,
            Side::Sell => one.price < other.price,
        };
        if !fresh.is_sorted_by(is_before) {
            match side {
                Side::Buy => fresh.sort_by_key(|slot| std::cmp::Reverse(slot.price)),
                Side::Sell => fresh.sort_by_key(|slot| slot.price),
            }
            fresh.dedup_by_key(|slot| slot.price);
        }
        self.spare = std::mem::replace(old, fresh);
        self.spare.clear();
    }

    /// The levels of a side that still have something, best first: price and what is left.
    pub fn available(&self, side: Side) -> impl Iterator<Item = StreetLevel> {
        let slots = self.sides[side.index()].iter();
        slots.filter(|slot| slot.available > 0).map(|slot| (slot.price, slot.available))
    }

    /// All levels of a side as the street shows them, best first.
    pub fn displayed(&self, side: Side) -> impl Iterator<Item = StreetLevel> {
        self.sides[side.index()].iter().map(|slot| (slot.price, slot.displayed))
    }

    /// What was taken of the levels of a side.
    pub fn taken(&self, side: Side) -> impl Iterator<Item = StreetLevel> {
        let slots = self.sides[side.index()].iter();
        let taken = slots.map(|slot| (slot.price, slot.displayed - slot.available));
        taken.filter(|(_, qty)| *qty > 0)
    }

    /// Gives back what was taken of a side.
    pub fn give_back(&mut self, side: Side) {
        for slot in &mut self.sides[side.index()] {
            slot.available = slot.displayed;
        }
    }

    /// Takes liquidity away until the level is refreshed.
    pub fn take(&mut self, side: Side, price: Price, qty: Quantity) {
        let mut slots = self.sides[side.index()].iter_mut();
        if let Some(slot) = slots.find(|slot| slot.price == price) {
            slot.available = (slot.available - qty).max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_refreshed_only_when_its_price_leaves_or_its_size_changes() {
        let mut street = Street::default();
        let left = |street: &Street| street.available(Side::Sell).collect::<Vec<_>>();
        street.replace(Side::Sell, &[(10, 50), (11, 70)]);
        street.take(Side::Sell, 10, 50);
        street.take(Side::Sell, 11, 20);
        street.replace(Side::Sell, &[(10, 50), (11, 70)]);
        assert_eq!(left(&street), [(11, 50)], "an identical quote refreshes nothing");
        street.replace(Side::Sell, &[(10, 51), (11, 70)]);
        assert_eq!(left(&street), [(10, 51), (11, 50)], "a new size refreshes its level");
        street.replace(Side::Sell, &[(10, 51)]);
        street.replace(Side::Sell, &[(10, 51), (11, 70)]);
        assert_eq!(left(&street), [(10, 51), (11, 70)], "a price that left comes back fresh");
    }

    #[test]
    fn levels_stand_best_first_whatever_their_order() {
        let mut street = Street::default();
        street.replace(Side::Buy, &[(8, 1), (9, 1), (7, 0)]);
        assert_eq!(street.available(Side::Buy).collect::<Vec<_>>(), [(9, 1), (8, 1)]);
    }
}
