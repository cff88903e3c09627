//! Several orders of which all are taken or none: one command, one turn.
//!
//! Each order is decided on the state as the ones before it leave it, trades included, as if they
//! came one after another. What follows from an event cannot be taken back, so the orders are first
//! sent to a copy of the world, whose sink keeps nothing; when one is refused there, nothing happens
//! here, and the refusal names its place in the list. What the copy took, the world takes, too: both
//! decide from the same state.
//!
//! The copy costs as much as the world is large, and is dropped at once. A list of one needs none.

use crate::live::Live;
use crate::members;
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::{NullSink, Sink};
use crate::wire::{Fields, malformed};

/// The most orders of a list.
pub(crate) const ORDERS_MAX: usize = 500;

/// Reads the orders of a command; a refusal names the one that is wrong.
pub(crate) fn decode(fields: &Fields<'_>) -> Result<Vec<OrderTerms>, Refusal> {
    let parts = fields.parts("orders", ORDERS_MAX)?;
    if parts.is_empty() {
        let detail = format!("orders must be a list of 1 to {ORDERS_MAX} orders");
        return Err(malformed(detail).at("orders"));
    }
    let read = |(item, part): (usize, &Fields<'_>)| {
        let terms = members::check("submit", part.value).and_then(|()| part.order_terms());
        terms.map_err(|refusal| refusal.of_item(item))
    };
    parts.iter().enumerate().map(read).collect()
}

type Taken = Vec<(Outcome, u64)>;

impl<S: Sink> Live<'_, S> {
    /// Takes all orders of a list, or none of them.
    pub fn submit_all(&mut self, orders: &[OrderTerms]) -> Result<Reply, Refusal> {
        self.rehearse(orders)?;
        let taken = self.take_each(orders)?;
        let is_new = taken.iter().any(|(outcome, _)| *outcome == Outcome::Created);
        let outcome = if is_new { Outcome::Created } else { Outcome::Existing };
        Ok(Reply::new(outcome, Body::Orders(taken)))
    }

    /// Sends the orders to a copy of the world; an error when one of them is refused there.
    fn rehearse(&self, orders: &[OrderTerms]) -> Result<(), Refusal> {
        let (mut durable, mut ephemeral) = (self.durable.clone(), self.ephemeral.clone());
        let mut copy = Live {
            turn: self.turn,
            durable: &mut durable,
            ephemeral: &mut ephemeral,
            sink: &mut NullSink,
            events: self.events,
            kind: self.kind,
            sweep: Vec::new(),
        };
        let next = self.next_order();
        copy.take_each(orders).map(|_| ()).map_err(|mut refusal| {
            // An order that only the copy has is nowhere to be found.
            refusal.order = refusal.order.filter(|number| *number < next);
            refusal
        })
    }

    /// Takes the orders one after another, up to the first that is refused.
    fn take_each(&mut self, orders: &[OrderTerms]) -> Result<Taken, Refusal> {
        let mut taken = Taken::with_capacity(orders.len());
        for (item, terms) in orders.iter().enumerate() {
            let reply = self.submit(terms).map_err(|refusal| refusal.of_item(item))?;
            if let Body::Order(number) = reply.body {
                taken.push((reply.outcome, number));
            }
            self.settle_down();
        }
        Ok(taken)
    }
}
