//! The book against a naive twin: a plain vector, sorted whenever it is asked.

use papertape_core::book::{Book, Handle, Owner, reaches};
use papertape_core::words::Side;
use proptest::prelude::*;

/// Orders in the order in which they came; slow and plainly right.
#[derive(Default)]
struct Twin {
    orders: Vec<(Side, i64, i64, u64)>,
}

impl Twin {
    /// Indexes of a side's orders, best price first, then earliest.
    fn sorted(&self, side: Side) -> Vec<usize> {
        let mut indexes: Vec<usize> =
            (0..self.orders.len()).filter(|index| self.orders[*index].0 == side).collect();
        indexes.sort_by_key(|index| match side {
            Side::Buy => -self.orders[*index].1,
            Side::Sell => self.orders[*index].1,
        });
        indexes
    }

    fn take(&mut self, side: Side, limit: Option<i64>, mut qty: i64) -> Vec<(u64, i64, i64)> {
        let mut trades = Vec::new();
        for index in self.sorted(side.opposite()) {
            let (_, price, left, id) = &mut self.orders[index];
            if qty == 0 || !reaches(side, limit, *price) {
                break;
            }
            let part = qty.min(*left);
            *left -= part;
            qty -= part;
            trades.push((*id, *price, part));
        }
        self.orders.retain(|(_, _, left, _)| *left > 0);
        trades
    }

    fn view(&self, side: Side) -> Vec<(u64, i64, i64)> {
        let order = |index: usize| {
            let (_, price, qty, id) = self.orders[index];
            (id, price, qty)
        };
        self.sorted(side).into_iter().map(order).collect()
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Add(Side, i64, i64),
    Cancel(usize),
    Reduce(usize, i64),
    Take(Side, Option<i64>, i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    let side = || prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop_oneof![
        6 => (side(), 90..110_i64, 1..100_i64).prop_map(|(s, p, q)| Operation::Add(s, p, q)),
        3 => any::<usize>().prop_map(Operation::Cancel),
        1 => (any::<usize>(), 1..120_i64).prop_map(|(at, qty)| Operation::Reduce(at, qty)),
        2 => (side(), proptest::option::of(90..110_i64), 1..400_i64)
            .prop_map(|(s, limit, q)| Operation::Take(s, limit, q)),
    ]
}

/// The book with the handles of its resting orders.
#[derive(Default)]
struct Driven {
    book: Book,
    resting: Vec<(u64, Handle)>,
    next: u64,
}

impl Driven {
    fn view(&self, side: Side) -> Vec<(u64, i64, i64)> {
        self.book.orders(side).map(|order| (id_of(order.owner), order.price, order.qty)).collect()
    }

    fn take(&mut self, side: Side, limit: Option<i64>, qty: i64) -> Vec<(u64, i64, i64)> {
        let mut trades = Vec::new();
        let resting = &mut self.resting;
        self.book.take(side, limit, qty, |order, part| {
            trades.push((id_of(order.owner), order.price, part));
            if part == order.qty {
                resting.retain(|(id, _)| *id != id_of(order.owner));
            }
        });
        trades
    }
}

fn id_of(owner: Owner) -> u64 {
    match owner {
        Owner::User(id) | Owner::Agent(id) => id,
    }
}

fn both(driven: &mut Driven, twin: &mut Twin, operation: &Operation) {
    match *operation {
        Operation::Add(side, price, qty) => {
            driven.next += 1;
            let id = driven.next;
            let owner = if id % 3 == 0 { Owner::Agent(id) } else { Owner::User(id) };
            driven.resting.push((id, driven.book.add(side, price, qty, owner)));
            twin.orders.push((side, price, qty, id));
        }
        Operation::Cancel(at) if !driven.resting.is_empty() => {
            let (id, handle) = driven.resting.swap_remove(at % driven.resting.len());
            driven.book.remove(handle);
            twin.orders.retain(|order| order.3 != id);
        }
        Operation::Reduce(at, qty) if !driven.resting.is_empty() => {
            let at = at % driven.resting.len();
            let (id, handle) = driven.resting[at];
            driven.book.reduce(handle, qty);
            for order in twin.orders.iter_mut().filter(|order| order.3 == id) {
                order.2 -= qty;
                if order.2 <= 0 {
                    driven.resting.swap_remove(at);
                }
            }
            twin.orders.retain(|order| order.2 > 0);
        }
        Operation::Take(side, limit, qty) => {
            assert_eq!(driven.take(side, limit, qty), twin.take(side, limit, qty));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn the_book_and_its_naive_twin_agree(
        operations in proptest::collection::vec(operation(), 1..300)
    ) {
        let (mut driven, mut twin) = (Driven::default(), Twin::default());
        for operation in &operations {
            both(&mut driven, &mut twin, operation);
            for side in [Side::Buy, Side::Sell] {
                prop_assert_eq!(driven.view(side), twin.view(side));
                let total: i128 = twin.view(side).iter().map(|order| i128::from(order.2)).sum();
                let levels: i128 = driven.book.levels(side).map(|level| level.qty).sum();
                prop_assert_eq!(levels, total);
                let best = driven.book.best_of_agents(side).map(|level| level.price);
                let wanted = twin.view(side).iter().find(|order| order.0 % 3 == 0).map(|o| o.1);
                prop_assert_eq!(best, wanted);
            }
        }
    }
}
