//! The street: the displayed liquidity of the reference market, and what users took of it.

use crate::book::is_better;
use crate::command::StreetLevel;
use crate::units::{Price, Quantity};
use crate::words::Side;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    price: Price,
    displayed: Quantity,
    available: Quantity,
}

impl Slot {
    const fn fresh(price: Price, displayed: Quantity) -> Slot {
        Slot { price, displayed, available: displayed }
    }

    /// Shows a size; another one than before is fresh.
    fn show(&mut self, displayed: Quantity) {
        if self.displayed != displayed {
            *self = Slot::fresh(self.price, displayed);
        }
    }
}

/// Whether levels stand where slots stand already: then only their sizes change.
fn are_at(slots: &[Slot], levels: &[StreetLevel]) -> bool {
    slots.len() == levels.len()
        && slots.iter().zip(levels).all(|(slot, level)| slot.price == level.0 && level.1 > 0)
}

/// Puts the best level first; of several at one price the first one stays.
fn sort(slots: &mut Vec<Slot>, side: Side) {
    if slots
        .is_sorted_by(|one, next| one.price != next.price && is_better(side, one.price, next.price))
    {
        return;
    }
    match side {
        Side::Buy => slots.sort_by_key(|slot| std::cmp::Reverse(slot.price)),
        Side::Sell => slots.sort_by_key(|slot| slot.price),
    }
    slots.dedup_by_key(|slot| slot.price);
}

/// Levels that show what they showed keep what was taken of them; both stand best first.
fn keep_taken(fresh: &mut [Slot], old: &[Slot], side: Side) {
    let mut old = old.iter().peekable();
    for slot in fresh {
        while old.next_if(|before| is_better(side, before.price, slot.price)).is_some() {}
        let is_same =
            |before: &&Slot| (before.price, before.displayed) == (slot.price, slot.displayed);
        if let Some(before) = old.next_if(is_same) {
            slot.available = before.available;
        }
    }
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
        let old = &mut self.sides[side.index()];
        if let ([slot], &[(price, displayed)]) = (old.as_mut_slice(), levels) {
            if slot.price == price && displayed > 0 {
                slot.show(displayed);
                return;
            }
        } else if are_at(old, levels) {
            old.iter_mut().zip(levels).for_each(|(slot, (_, displayed))| slot.show(*displayed));
            return;
        }
        let mut fresh = std::mem::take(&mut self.spare);
        let shown = levels.iter().filter(|(_, size)| *size > 0);
        fresh.extend(shown.map(|&(price, displayed)| Slot::fresh(price, displayed)));
        sort(&mut fresh, side);
        keep_taken(&mut fresh, old, side);
        self.spare = std::mem::replace(old, fresh);
        self.spare.clear();
    }

    /// The levels of a side that still have something, best first: price and what is left.
    pub fn available(&self, side: Side) -> impl DoubleEndedIterator<Item = StreetLevel> {
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

    /// The rule of `replace`, each level looked up among all.
    fn plainly(old: &[Slot], side: Side, levels: &[StreetLevel]) -> Vec<Slot> {
        let mut fresh: Vec<Slot> = Vec::new();
        for &(price, displayed) in levels.iter().filter(|(_, size)| *size > 0) {
            let same = |slot: &&Slot| slot.price == price && slot.displayed == displayed;
            let available = old.iter().find(same).map_or(displayed, |slot| slot.available);
            if fresh.iter().all(|slot| slot.price != price) {
                fresh.push(Slot { price, displayed, available });
            }
        }
        fresh.sort_by_key(|slot| if side == Side::Buy { -slot.price } else { slot.price });
        fresh
    }

    #[test]
    fn levels_are_replaced_as_if_each_was_looked_up_among_all() {
        let mut street = Street::default();
        let mut state = 1_u64;
        let mut draw = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64 % bound as i64
        };
        for step in 0..20_000 {
            let side = if draw(2) == 0 { Side::Buy } else { Side::Sell };
            let same_prices = step % 2 == 0;
            let at = draw(3);
            let level = |index: i64, draw: &mut dyn FnMut(u64) -> i64| match same_prices {
                true => (20 + index, draw(3)),
                false => (at + draw(6), draw(3)),
            };
            let mut levels: Vec<StreetLevel> = Vec::new();
            for index in 0..draw(6) {
                levels.push(level(index, &mut draw));
            }
            let expected = plainly(&street.sides[side.index()], side, &levels);
            street.replace(side, &levels);
            assert_eq!(street.sides[side.index()], expected, "{levels:?}");
            street.take(side, 20 + draw(3), draw(2));
            street.take(side, draw(8), 1);
        }
    }

    #[test]
    fn levels_stand_best_first_whatever_their_order() {
        let mut street = Street::default();
        street.replace(Side::Buy, &[(8, 1), (9, 1), (7, 0)]);
        assert_eq!(street.available(Side::Buy).collect::<Vec<_>>(), [(9, 1), (8, 1)]);
    }
}
