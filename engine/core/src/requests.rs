//! The request ids that an account has used, in the order they came, found by a hash index.
//!
//! The hash has no secret, since the engine has no randomness of its own: ids made to collide
//! slow down the account that made them, which has at most some 10,000 of them.

use std::collections::VecDeque;

use crate::ids::OrderNumber;
use crate::label::Label;
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

/// Turns of a queue are counted modulo this, below the mark of no place.
const TURNS: u32 = 1 << 31;

/// Request ids in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    queue: VecDeque<(Label, Request)>,
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

    fn find(&self, id: &Label, hash: u32) -> Option<usize> {
        let at = |turn: u32| (turn.wrapping_sub(self.first) % TURNS) as usize;
        let is_it = |turn| self.queue.get(at(turn)).is_some_and(|(other, _)| other == id);
        self.index.find(hash, is_it).map(at)
    }

    /// What an id was used for.
    pub fn get(&self, id: &Label) -> Option<&Request> {
        let at = self.find(id, id.hash())?;
        self.queue.get(at).map(|(_, request)| request)
    }

    /// Keeps an id at the end of the queue; one that is kept already only gets its new use.
    pub(crate) fn push(&mut self, id: Label, request: Request) {
        let turn = self.first.wrapping_add(self.queue.len() as u32) % TURNS;
        let (first, queue) = (self.first, &self.queue);
        let at = |turn: u32| (turn.wrapping_sub(first) % TURNS) as usize;
        let is_it = |turn| queue.get(at(turn)).is_some_and(|(other, _)| *other == id);
        match self.index.find_or_insert(id.hash(), is_it, turn) {
            None => self.queue.push_back((id, request)),
            Some(known) => {
                if let Some((_, old)) = self.queue.get_mut(at(known)) {
                    *old = request;
                }
            }
        }
    }

    /// The oldest.
    pub fn oldest(&self) -> Option<&(Label, Request)> {
        self.queue.front()
    }

    /// Takes out the oldest.
    pub(crate) fn pop(&mut self) -> Option<(Label, Request)> {
        let oldest = self.queue.pop_front()?;
        self.index.remove(oldest.0.hash(), self.first);
        self.first = (self.first + 1) % TURNS;
        Some(oldest)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &(Label, Request)> {
        self.queue.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The twin is a plain list.
        #[test]
        fn requests_are_those_of_a_plain_list(
            steps in prop::collection::vec((0_u8..3, "[ab]{0,3}|[a-z]{40}"), 0..200),
            first in prop_oneof![Just(0), Just(TURNS - 3)],
        ) {
            let mut requests = Requests { first, ..Requests::default() };
            let mut twin: Vec<(Label, Request)> = Vec::new();
            for (time_ns, (step, id)) in steps.into_iter().enumerate() {
                let request = Request { digest: 1, order: 2, time_ns: time_ns as i64 };
                let id = Label::from(id);
                if step == 0 {
                    let taken = if twin.is_empty() { None } else { Some(twin.remove(0)) };
                    prop_assert_eq!(requests.pop(), taken);
                } else {
                    match twin.iter_mut().find(|(other, _)| *other == id) {
                        Some((_, old)) => *old = request,
                        None => twin.push((id.clone(), request)),
                    }
                    requests.push(id.clone(), request);
                }
                prop_assert!(requests.iter().eq(twin.iter()));
                for (id, request) in &twin {
                    prop_assert_eq!(requests.get(id), Some(request));
                }
                prop_assert_eq!(requests.get(&id), twin.iter().find(|it| it.0 == id).map(|it| &it.1));
            }
        }
    }
}
