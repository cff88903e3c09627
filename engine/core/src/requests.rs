//! The request ids that an account has used, in the order they came, found by a hash index.
//!
//! The hash has no secret, since the engine has no randomness of its own: ids made to collide
//! slow down the account that made them, which has at most some 10,000 of them.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use crate::ids::{AccountIndex, OrderNumber};
use crate::label::Label;
use crate::order::Order;
use crate::orders::Orders;
use crate::paged::Index;
use crate::units::Nanos;

/// What a request id was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Digest of the request's body.
    pub digest: u64,
    /// The order it made or changed; 0 when it was about the account.
    pub order: OrderNumber,
    /// When it came.
    pub time_ns: Nanos,
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// The one that made an order, which keeps the id and the time itself.
    Made { digest: u64, order: NonZeroU64 },
    /// Any other.
    Other(Box<(Label, Request)>),
}

impl Kept {
    fn new(id: Label, request: Request, orders: &Orders) -> Kept {
        let made = |order: &Order| {
            order.terms.client_order_id == id && order.created_ns == request.time_ns
        };
        match NonZeroU64::new(request.order) {
            Some(order) if orders.find(request.order).is_some_and(|it| made(&it)) => {
                Kept::Made { digest: request.digest, order }
            }
            _ => Kept::Other(Box::new((id, request))),
        }
    }

    /// The id and what it was used for; nothing when its order is gone, which goes with it.
    fn open(&self, orders: &Orders) -> Option<(Label, Request)> {
        match self {
            Kept::Made { digest, order } => {
                let (digest, number) = (*digest, order.get());
                let order = orders.find(number)?;
                let request = Request { digest, order: number, time_ns: order.created_ns };
                Some((order.terms.client_order_id.clone(), request))
            }
            Kept::Other(other) => Some((other.0.clone(), other.1)),
        }
    }

    fn is(&self, id: &Label, orders: &Orders) -> bool {
        match self {
            Kept::Made { order, .. } => {
                orders.find(order.get()).is_some_and(|order| order.terms.client_order_id == *id)
            }
            Kept::Other(other) => other.0 == *id,
        }
    }
}

/// Turns of a queue are counted modulo this, below the mark of no place.
const TURNS: u32 = 1 << 31;

/// Request ids in the order they came. The orders of their world belong to them: the id of a
/// request that made an order stands there.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    queue: VecDeque<Kept>,
    /// The turn of the first in the queue.
    first: u32,
    index: Index,
}

impl PartialEq for Requests {
    fn eq(&self, other: &Requests) -> bool {
        self.queue == other.queue
    }
}

impl Eq for Requests {}

impl Requests {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What an id was used for.
    pub fn get(&self, orders: &Orders, id: &Label) -> Option<Request> {
        let at = |turn: u32| (turn.wrapping_sub(self.first) % TURNS) as usize;
        let kept = |turn| self.queue.get(at(turn));
        let is_it = |turn| kept(turn).is_some_and(|it| it.is(id, orders));
        let found = self.index.find(id.hash(), is_it).and_then(kept)?;
        found.open(orders).map(|(_, request)| request)
    }

    /// Keeps an id at the end of the queue; one that is kept already only gets its new use.
    pub(crate) fn push(&mut self, orders: &Orders, id: &Label, request: Request) {
        self.put(orders, id, Kept::new(id.clone(), request, orders));
    }

    /// The same of the request that has just made an order.
    pub(crate) fn push_made(&mut self, orders: &Orders, order: &Order, digest: u64) {
        if let Some(number) = NonZeroU64::new(order.number) {
            let kept = Kept::Made { digest, order: number };
            self.put(orders, &order.terms.client_order_id, kept);
        }
    }

    fn put(&mut self, orders: &Orders, id: &Label, kept: Kept) {
        let turn = self.first.wrapping_add(self.queue.len() as u32) % TURNS;
        let (first, queue) = (self.first, &self.queue);
        let at = |turn: u32| (turn.wrapping_sub(first) % TURNS) as usize;
        let is_it = |turn| queue.get(at(turn)).is_some_and(|it: &Kept| it.is(id, orders));
        match self.index.find_or_insert(id.hash(), is_it, turn) {
            None => self.queue.push_back(kept),
            Some(known) => {
                if let Some(old) = self.queue.get_mut(at(known)) {
                    *old = kept;
                }
            }
        }
    }

    /// When the oldest came.
    pub fn oldest_ns(&self, orders: &Orders) -> Option<Nanos> {
        match self.queue.front()? {
            Kept::Made { order, .. } => orders.created_ns(order.get()),
            Kept::Other(other) => Some(other.1.time_ns),
        }
    }

    /// Takes out the oldest; says whether it made its order.
    pub(crate) fn pop(&mut self, orders: &Orders) -> Option<(Label, Request, bool)> {
        let oldest = self.queue.front()?;
        let is_made = matches!(oldest, Kept::Made { .. });
        let (id, request) = oldest.open(orders)?;
        self.queue.pop_front();
        self.index.remove(id.hash(), self.first);
        self.first = (self.first + 1) % TURNS;
        Some((id, request, is_made))
    }

    /// Lets the orders of a state that was just read keep the ids of the requests that made them.
    pub(crate) fn hand_over(&mut self, orders: &Orders, account: AccountIndex) {
        for kept in &mut self.queue {
            if let Kept::Other(other) = kept {
                let (id, request) = &**other;
                let is_own = |order: &Order| order.terms.account == account;
                if orders.find(request.order).is_some_and(|order| is_own(&order)) {
                    *kept = Kept::new(id.clone(), *request, orders);
                }
            }
        }
    }

    /// All, oldest first.
    pub fn iter(&self, orders: &Orders) -> impl Iterator<Item = (Label, Request)> {
        self.queue.iter().filter_map(|kept| kept.open(orders))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::test_order;
    use crate::words::Status;

    proptest! {
        /// The twin is a plain list.
        #[test]
        fn requests_are_those_of_a_plain_list(
            steps in prop::collection::vec((0_u8..3, "[ab]{0,3}|[a-z]{40}"), 0..200),
            first in prop_oneof![Just(0), Just(TURNS - 3)],
        ) {
            let mut requests = Requests { first, ..Requests::default() };
            let mut orders = Orders::default();
            let mut twin: Vec<(Label, Request)> = Vec::new();
            for (at, (step, id)) in steps.into_iter().enumerate() {
                let number = at as u64 + 1;
                let id = Label::from(id);
                let makes_an_order = step == 1;
                let time_ns = if makes_an_order { 0 } else { at as i64 };
                let order = if makes_an_order { number } else { 0 };
                let request = Request { digest: 1, order, time_ns };
                if step == 0 {
                    let taken = if twin.is_empty() { None } else { Some(twin.remove(0)) };
                    let popped = requests.pop(&orders).map(|(id, request, _)| (id, request));
                    prop_assert_eq!(popped, taken.clone());
                    if let Some((_, request)) = taken {
                        orders.forget(request.order);
                    }
                } else {
                    match twin.iter_mut().find(|(other, _)| *other == id) {
                        Some((_, old)) => *old = request,
                        None => twin.push((id.clone(), request)),
                    }
                    if makes_an_order {
                        let mut order = test_order(number);
                        order.terms.client_order_id = id.clone();
                        order.status = if at % 2 == 0 { Status::New } else { Status::Filled };
                        orders.insert(order.clone());
                        requests.push_made(&orders, &order, 1);
                        orders.pack();
                    } else {
                        requests.push(&orders, &id, request);
                    }
                }
                prop_assert!(requests.iter(&orders).eq(twin.iter().cloned()));
                for (id, request) in &twin {
                    prop_assert_eq!(requests.get(&orders, id), Some(*request));
                }
                let known = twin.iter().find(|it| it.0 == id).map(|it| it.1);
                prop_assert_eq!(requests.get(&orders, &id), known);
            }
        }
    }
}
