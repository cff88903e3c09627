//! The resting limit orders of one instrument, by price and time.
//!
//! Orders are nodes of a slab, linked into a list per price level, so adding, reducing and
//! removing an order touches only its neighbours. The book knows prices, quantities and owners; it
//! knows no money, no accounts and no street. It can be driven alone (benchmarks, tests).

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::OrderNumber;
use crate::units::{Price, Quantity};
use crate::words::Side;

/// Where an order rests; valid until the order leaves the book.
pub type Handle = u32;

const NONE: u32 = u32::MAX;

/// Whose order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A user's order.
    User(OrderNumber),
    /// An order of a house bot, by its id.
    Agent(u64),
}

/// An order in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Where it rests.
    pub handle: Handle,
    /// Whose it is.
    pub owner: Owner,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub qty: Quantity,
}

/// A price level of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its price.
    pub price: Price,
    /// The sum of what is left of its orders.
    pub qty: i128,
    /// How many orders it has.
    pub orders: u32,
}

/// An order of a level: 32 bytes, so that two share a line of the cache.
#[derive(Clone, Debug)]
struct Node {
    /// The number of its owner's order, or the id that the bot gave it.
    id: u64,
    qty: Quantity,
    level: u32,
    previous: u32,
    next: u32,
    is_agent: bool,
}

const _: () = assert!(size_of::<Node>() == 32);

impl Node {
    const fn owner(&self) -> Owner {
        if self.is_agent { Owner::Agent(self.id) } else { Owner::User(self.id) }
    }
}

#[derive(Clone, Debug)]
struct Level {
    price: Price,
    side: Side,
    first: u32,
    last: u32,
    qty: i128,
    orders: u32,
    agent_orders: u32,
}

/// Slots that are given out again after they were freed.
#[derive(Clone, Debug)]
struct Slab<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    fn insert(&mut self, value: T) -> u32 {
        if let Some(index) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                *slot = value;
            }
            return index;
        }
        self.slots.push(value);
        (self.slots.len() - 1) as u32
    }

    fn remove(&mut self, index: u32) {
        self.free.push(index);
    }

    fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)
    }
}

/// The two sides of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Book {
    nodes: Slab<Node>,
    levels: Slab<Level>,
    sides: [BTreeMap<Price, u32>; 2],
    /// Prices at which a house bot stands, so that users' levels need not be passed over.
    agents: [BTreeSet<Price>; 2],
}

impl Book {
    /// Adds an order behind all orders of its price.
    pub fn add(&mut self, side: Side, price: Price, qty: Quantity, owner: Owner) -> Handle {
        let level_index = self.level_at(side, price);
        let last = self.levels.get(level_index).map_or(NONE, |level| level.last);
        let (id, is_agent) = match owner {
            Owner::User(number) => (number, false),
            Owner::Agent(id) => (id, true),
        };
        let node = Node { id, qty, level: level_index, previous: last, next: NONE, is_agent };
        let handle = self.nodes.insert(node);
        if let Some(previous) = self.nodes.get_mut(last) {
            previous.next = handle;
        }
        if let Some(level) = self.levels.get_mut(level_index) {
            if level.first == NONE {
                level.first = handle;
            }
            level.last = handle;
            level.qty += i128::from(qty);
            level.orders += 1;
            if is_agent {
                if level.agent_orders == 0 {
                    self.agents[side.index()].insert(price);
                }
                level.agent_orders += 1;
            }
        }
        handle
    }

    fn level_at(&mut self, side: Side, price: Price) -> u32 {
        let levels = &mut self.levels;
        *self.sides[side.index()].entry(price).or_insert_with(|| {
            levels.insert(Level {
                price,
                side,
                first: NONE,
                last: NONE,
                qty: 0,
                orders: 0,
                agent_orders: 0,
            })
        })
    }

    /// Takes `qty` from an order, which leaves the book when nothing is left of it.
    pub fn reduce(&mut self, handle: Handle, qty: Quantity) {
        let Some(node) = self.nodes.get_mut(handle) else {
            return;
        };
        if qty >= node.qty {
            self.remove(handle);
            return;
        }
        node.qty -= qty;
        let level = node.level;
        if let Some(level) = self.levels.get_mut(level) {
            level.qty -= i128::from(qty);
        }
    }

    /// Takes an order out of the book. The handle must be one that `add` gave and that has not
    /// left since.
    pub fn remove(&mut self, handle: Handle) {
        let Some(node) = self.nodes.get(handle).cloned() else {
            return;
        };
        self.nodes.remove(handle);
        if let Some(previous) = self.nodes.get_mut(node.previous) {
            previous.next = node.next;
        }
        if let Some(next) = self.nodes.get_mut(node.next) {
            next.previous = node.previous;
        }
        let Some(level) = self.levels.get_mut(node.level) else {
            return;
        };
        if level.first == handle {
            level.first = node.next;
        }
        if level.last == handle {
            level.last = node.previous;
        }
        level.qty -= i128::from(node.qty);
        level.orders -= 1;
        let (side, price) = (level.side, level.price);
        if node.is_agent {
            level.agent_orders -= 1;
            if level.agent_orders == 0 {
                self.agents[side.index()].remove(&price);
            }
        }
        if level.orders == 0 {
            self.sides[side.index()].remove(&price);
            self.levels.remove(node.level);
        }
    }

    /// The order that trades next on a side: best price, then earliest.
    pub fn best(&self, side: Side) -> Option<Resting> {
        let index = match side {
            Side::Buy => self.sides[0].last_key_value(),
            Side::Sell => self.sides[1].first_key_value(),
        };
        let level = self.levels.get(*index?.1)?;
        self.resting(level.first)
    }

    /// An order by its handle.
    pub fn resting(&self, handle: Handle) -> Option<Resting> {
        let node = self.nodes.get(handle)?;
        let price = self.levels.get(node.level)?.price;
        Some(Resting { handle, owner: node.owner(), price, qty: node.qty })
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = Resting> {
        self.levels_of(side).flat_map(move |level| {
            let mut handle = level.first;
            std::iter::from_fn(move || {
                let resting = self.resting(handle)?;
                handle = self.nodes.get(handle)?.next;
                Some(resting)
            })
        })
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> {
        self.levels_of(side).map(|level| LevelView {
            price: level.price,
            qty: level.qty,
            orders: level.orders,
        })
    }

    /// The best price of a side at which a house bot stands, and what stands there in all.
    pub fn best_of_agents(&self, side: Side) -> Option<LevelView> {
        let prices = &self.agents[side.index()];
        let price = match side {
            Side::Buy => prices.last(),
            Side::Sell => prices.first(),
        }?;
        let level = self.levels.get(*self.sides[side.index()].get(price)?)?;
        Some(LevelView { price: level.price, qty: level.qty, orders: level.orders })
    }

    fn levels_of(&self, side: Side) -> impl Iterator<Item = &Level> {
        let levels = &self.sides[side.index()];
        let mut iterator = levels.values();
        std::iter::from_fn(move || match side {
            Side::Buy => iterator.next_back(),
            Side::Sell => iterator.next(),
        })
        .filter_map(|index| self.levels.get(*index))
    }

    /// Matches an incoming quantity against the other side, calling `traded` for each order that
    /// it meets; returns what is left. `limit` is the worst price it takes.
    pub fn take(
        &mut self,
        side: Side,
        limit: Option<Price>,
        mut qty: Quantity,
        mut traded: impl FnMut(Resting, Quantity),
    ) -> Quantity {
        while qty > 0 {
            let Some(best) = self.best(side.opposite()) else {
                break;
            };
            if !reaches(side, limit, best.price) {
                break;
            }
            let part = qty.min(best.qty);
            self.reduce(best.handle, part);
            traded(best, part);
            qty -= part;
        }
        qty
    }
}

/// Whether a resting order of `side` at `price` trades before one at `other`.
pub(crate) const fn is_better(side: Side, price: Price, other: Price) -> bool {
    match side {
        Side::Buy => price > other,
        Side::Sell => price < other,
    }
}

/// Whether an order of this side and limit trades at a price.
pub const fn reaches(side: Side, limit: Option<Price>, price: Price) -> bool {
    match (limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => price <= limit,
        (Some(limit), Side::Sell) => price >= limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(book: &Book, side: Side) -> Vec<(Price, Owner, Quantity)> {
        book.orders(side).map(|order| (order.price, order.owner, order.qty)).collect()
    }

    #[test]
    fn better_prices_trade_first_and_earlier_orders_within_a_price() {
        let mut book = Book::default();
        book.add(Side::Sell, 101, 5, Owner::User(1));
        book.add(Side::Sell, 100, 5, Owner::User(2));
        book.add(Side::Sell, 100, 5, Owner::Agent(3));
        let mut fills = Vec::new();
        let left = book.take(Side::Buy, Some(101), 12, |order, qty| fills.push((order.owner, qty)));
        assert_eq!(left, 0);
        assert_eq!(fills, [(Owner::User(2), 5), (Owner::Agent(3), 5), (Owner::User(1), 2)]);
        assert_eq!(owners(&book, Side::Sell), [(101, Owner::User(1), 3)]);
    }

    #[test]
    fn a_removed_order_leaves_its_neighbours_in_order() {
        let mut book = Book::default();
        let handles: Vec<Handle> =
            (1..=3).map(|number| book.add(Side::Buy, 50, 1, Owner::User(number))).collect();
        book.remove(handles[1]);
        book.add(Side::Buy, 50, 1, Owner::User(4));
        let left: Vec<Owner> = book.orders(Side::Buy).map(|order| order.owner).collect();
        assert_eq!(left, [Owner::User(1), Owner::User(3), Owner::User(4)]);
    }

    #[test]
    fn an_empty_level_disappears() {
        let mut book = Book::default();
        let handle = book.add(Side::Buy, 50, 7, Owner::User(1));
        book.reduce(handle, 7);
        assert_eq!(book.best(Side::Buy), None);
        assert_eq!(book.levels(Side::Buy).count(), 0);
    }

    #[test]
    fn the_best_price_of_the_bots_passes_over_user_orders() {
        let mut book = Book::default();
        book.add(Side::Buy, 51, 7, Owner::User(1));
        book.add(Side::Buy, 50, 7, Owner::Agent(9));
        assert_eq!(book.best_of_agents(Side::Buy).map(|level| level.price), Some(50));
    }
}
