//! A plain price-time exchange for the bots: small, slow and obvious. The engine's own book is
//! tested against the same bots through the binding.

use papertape_agents::{AgentOrder, Side, Venue};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Print {
    pub instrument: usize,
    pub time_ns: i64,
    pub price: i64,
    pub qty: i64,
}

#[derive(Clone, Debug)]
struct Resting {
    side: Side,
    price: i64,
    left: i64,
}

#[derive(Default)]
pub struct Exchange {
    books: BTreeMap<usize, BTreeMap<u64, Resting>>,
    pub prints: Vec<Print>,
    pub inputs: Vec<(usize, i64, Option<AgentOrder>, u64)>,
    pub user_id: u64,
}

impl Exchange {
    /// Price levels of a side, best first: (price, quantity).
    pub fn levels(&self, instrument: usize, side: Side) -> Vec<(i64, i64)> {
        let mut levels = BTreeMap::new();
        for order in self
            .books
            .get(&instrument)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            if order.side == side {
                *levels.entry(-side.sign() * order.price).or_insert(0) += order.left;
            }
        }
        levels
            .into_iter()
            .map(|(key, qty)| (-side.sign() * key, qty))
            .collect()
    }

    pub fn mid(&self, instrument: usize) -> f64 {
        let best = |side| self.levels(instrument, side)[0].0 as f64;
        (best(Side::Buy) + best(Side::Sell)) / 2.0
    }

    /// A user takes everything that stands on the other side.
    pub fn user_takes_all(&mut self, instrument: usize, side: Side, time_ns: i64) {
        self.user_id += 1;
        let id = u64::MAX - self.user_id;
        let order = AgentOrder {
            agent: 0,
            id,
            side,
            price: None,
            qty: i64::MAX,
        };
        self.place(instrument, time_ns, order);
    }

    pub fn clear(&mut self) {
        self.books.clear();
    }

    fn best_against(&self, instrument: usize, side: Side) -> Option<(u64, i64)> {
        let book = self.books.get(&instrument)?;
        let others = book.iter().filter(|(_, order)| order.side != side);
        let best = others.min_by_key(|(id, order)| (side.sign() * order.price, **id))?;
        Some((*best.0, best.1.price))
    }
}

impl Venue for Exchange {
    fn place(&mut self, instrument: usize, time_ns: i64, order: AgentOrder) {
        assert!(order.qty > 0 && order.price.is_none_or(|price| price > 0));
        self.inputs
            .push((instrument, time_ns, Some(order), order.id));
        let mut left = order.qty;
        while left > 0 {
            let Some((id, price)) = self.best_against(instrument, order.side) else {
                break;
            };
            if order
                .price
                .is_some_and(|limit| order.side.sign() * (limit - price) < 0)
            {
                break;
            }
            let book = self.books.get_mut(&instrument).unwrap();
            let resting = book.get_mut(&id).unwrap();
            let qty = left.min(resting.left);
            resting.left -= qty;
            left -= qty;
            if resting.left == 0 {
                book.remove(&id);
            }
            self.prints.push(Print {
                instrument,
                time_ns,
                price,
                qty,
            });
        }
        if let (Some(price), true) = (order.price, left > 0) {
            let resting = Resting {
                side: order.side,
                price,
                left,
            };
            self.books
                .entry(instrument)
                .or_default()
                .insert(order.id, resting);
        }
    }

    fn cancel(&mut self, instrument: usize, time_ns: i64, id: u64) {
        self.inputs.push((instrument, time_ns, None, id));
        self.books.entry(instrument).or_default().remove(&id);
    }

    fn left(&self, instrument: usize, id: u64) -> Option<i64> {
        Some(self.books.get(&instrument)?.get(&id)?.left)
    }
}
