//! Multi-leg orders that rest: beside the books, found by the instruments that they trade.
//!
//! When the market of an instrument moves, the orders on it are looked at, the earliest first. A
//! turn looks at a bounded number of them; a round that was not finished goes on where it stood, so
//! late orders are not starved by markets that move at every turn.

use std::collections::BTreeMap;

use crate::ids::{InstrumentIndex, OrderNumber};
use crate::order::Order;

/// A round over the orders on one instrument.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// The place in time from which it goes on.
    from: u64,
    /// How many orders are still to be looked at.
    left: usize,
}

/// The multi-leg orders that rest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Combos {
    on: BTreeMap<InstrumentIndex, BTreeMap<u64, OrderNumber>>,
    places: BTreeMap<OrderNumber, (u64, Vec<InstrumentIndex>)>,
    rounds: BTreeMap<InstrumentIndex, Round>,
}

impl Combos {
    /// Takes an order that stands in no book: a multi-leg order rests here, its legs nowhere.
    pub fn takes(&mut self, order: &Order) -> bool {
        if order.terms.is_combo() {
            self.add(order);
        }
        order.terms.is_combo() || order.terms.is_bound()
    }

    /// Puts an order beside the books of its legs.
    fn add(&mut self, order: &Order) {
        self.remove(order.number);
        let legs: Vec<InstrumentIndex> =
            order.terms.more().legs.iter().map(|leg| leg.instrument).collect();
        for leg in &legs {
            self.on.entry(*leg).or_default().insert(order.priority, order.number);
        }
        self.places.insert(order.number, (order.priority, legs));
    }

    /// Takes an order away; one that does not rest changes nothing.
    pub fn remove(&mut self, number: OrderNumber) {
        let Some((priority, legs)) = self.places.remove(&number) else {
            return;
        };
        for leg in legs {
            if let Some(orders) = self.on.get_mut(&leg) {
                orders.remove(&priority);
                if orders.is_empty() {
                    self.on.remove(&leg);
                    self.rounds.remove(&leg);
                }
            }
        }
    }

    /// Notes that the market of an instrument moved: all orders on it are to be looked at.
    pub fn moved(&mut self, instrument: InstrumentIndex) {
        if let Some(orders) = self.on.get(&instrument) {
            self.rounds.entry(instrument).or_default().left = orders.len();
        }
    }

    /// Forgets what is still to be looked at.
    pub fn rest(&mut self) {
        self.rounds.clear();
    }

    /// Whether an order rests that trades this instrument.
    pub fn rest_on(&self, instrument: InstrumentIndex) -> bool {
        self.on.contains_key(&instrument)
    }

    /// Whether orders are still to be looked at.
    pub fn are_due(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// The next order that is to be looked at.
    pub fn next(&mut self) -> Option<OrderNumber> {
        loop {
            let mut entry = self.rounds.first_entry()?;
            let orders = self.on.get(entry.key());
            let round = entry.get_mut();
            let next = orders.filter(|_| round.left > 0).and_then(|orders| {
                let next = orders.range(round.from..).next().or_else(|| orders.first_key_value());
                next.map(|(priority, number)| (*priority, *number))
            });
            let Some((priority, number)) = next else {
                entry.remove();
                continue;
            };
            round.from = priority + 1;
            round.left -= 1;
            return Some(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::more_terms::{Leg, MoreTerms};
    use crate::order::test_order;
    use crate::words::{OrderClass, Side};

    fn order(number: OrderNumber, legs: &[InstrumentIndex]) -> Order {
        let mut order = test_order(number);
        let leg = |instrument: &InstrumentIndex| Leg {
            instrument: *instrument,
            side: Side::Buy,
            ratio_qty: 1,
            position_intent: None,
        };
        let legs = legs.iter().map(leg).collect();
        let more = MoreTerms { order_class: OrderClass::Mleg, legs, ..MoreTerms::NONE };
        order.terms.more = more.boxed();
        order
    }

    fn looked_at(combos: &mut Combos, most: usize) -> Vec<OrderNumber> {
        std::iter::from_fn(|| combos.next()).take(most).collect()
    }

    #[test]
    fn only_orders_on_what_moved_are_looked_at_and_each_once() {
        let mut combos = Combos::default();
        for (number, legs) in [(1, [0, 1]), (2, [1, 2]), (3, [2, 3])] {
            combos.add(&order(number, &legs));
        }
        assert_eq!(combos.next(), None);
        combos.moved(1);
        assert_eq!(looked_at(&mut combos, 9), [1, 2]);
        combos.moved(7);
        assert!(!combos.are_due());
        combos.remove(2);
        combos.moved(2);
        assert_eq!(looked_at(&mut combos, 9), [3]);
    }

    #[test]
    fn a_round_goes_on_where_it_stood_when_the_market_moves_again() {
        let mut combos = Combos::default();
        (1..=4).for_each(|number| combos.add(&order(number, &[0, 1])));
        combos.moved(0);
        assert_eq!(looked_at(&mut combos, 2), [1, 2]);
        combos.moved(0);
        assert_eq!(looked_at(&mut combos, 9), [3, 4, 1, 2]);
        assert!(!combos.are_due());
    }
}
