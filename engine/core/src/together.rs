//! Several orders of which all are taken or none, or all canceled or none: one command, one turn.
//!
//! Each order of a list that is sent is decided on the state as the ones before it leave it, trades
//! included, as if they came one after another. What follows from an event cannot be taken back, so
//! the orders are first sent to a copy of the world, whose sink keeps nothing; when one is refused
//! there, nothing happens here, and the refusal names its place in the list. What the copy took, the
//! world takes, too: both decide from the same state.
//!
//! The copy costs as much as the world is large, and is dropped at once.
//!
//! A list of cancels needs no copy: whether an order may be canceled is known before, and one that
//! leaves with another of the list, as a leg does, has left as was asked.

use crate::command::CancelList;
use crate::digest;
use crate::live::Live;
use crate::members;
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::{NullSink, Sink};
use crate::submit::request_id;
use crate::wire::{Fields, malformed};

/// The most orders of a list.
pub(crate) const ORDERS_MAX: usize = 500;

/// Reads the orders of a command; a refusal names the one that is wrong.
pub(crate) fn decode(fields: &Fields<'_>) -> Result<Vec<OrderTerms>, Refusal> {
    each(fields, |part| {
        members::check("submit", part.value)?;
        part.order_terms()
    })
}

/// Reads what a command cancels; a refusal names the one that is wrong.
pub(crate) fn decode_cancels(fields: &Fields<'_>) -> Result<CancelList, Refusal> {
    let orders = each(fields, |part| {
        members::check("cancel", part.value)?;
        if part.get("request_id").is_some() {
            let detail = "request_id stands beside the list: it is for all of it";
            return Err(malformed(detail).at("request_id"));
        }
        Ok((part.account()?, part.order()?))
    })?;
    Ok(CancelList { orders, request_id: fields.request_id()? })
}

fn each<T>(
    fields: &Fields<'_>,
    read: impl Fn(&Fields<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let parts = fields.parts("orders", ORDERS_MAX)?;
    if parts.is_empty() {
        let detail = format!("orders must be a list of 1 to {ORDERS_MAX} orders");
        return Err(malformed(detail).at("orders"));
    }
    let named = |(item, part)| read(part).map_err(|refusal| refusal.of_item(item));
    parts.iter().enumerate().map(named).collect()
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

    /// Cancels all orders of a list, or none of them.
    pub fn cancel_list(&mut self, list: &CancelList) -> Result<Reply, Refusal> {
        let request = request_id(&list.request_id, digest::of_cancel_list(list));
        let all = |outcome| {
            let orders = list.orders.iter().map(|(_, number)| (outcome, *number));
            Ok(Reply::new(outcome, Body::Orders(orders.collect())))
        };
        let first = list.orders.first().map_or(0, |(account, _)| *account);
        let is_known = self.answered_request(first, request.as_ref())?.is_some();
        for (item, (account, number)) in list.orders.iter().enumerate() {
            let checked = match is_known {
                true => self.find_order(*account, *number),
                false => self.may_cancel(*account, *number),
            };
            checked.map_err(|refusal| refusal.of_item(item))?;
        }
        if is_known {
            return all(Outcome::Existing);
        }
        let mut request = request;
        for (account, number) in &list.orders {
            if self.order(*number).is_some() {
                self.send_cancel(*account, *number, request.take());
            }
        }
        all(Outcome::Ok)
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
