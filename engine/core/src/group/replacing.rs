//! New terms for a multi-leg order: its net price, its quantity, how long it lives.

use super::books::Books;
use super::combo::Combo;
use super::paying::Payment;
use super::trading::{ComboChecks, legs_of};
use crate::change::ChangeEvent;
use crate::checks::Failure;
use crate::event::{Event, Replaced, RequestId};
use crate::live::Live;
use crate::order::{Order, OrderTerms};
use crate::replace::not_replaceable;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::risk::Passed;
use crate::sink::Sink;
use crate::submit::refused;
use crate::units::{Money, Quantity};

impl<S: Sink> Live<'_, S> {
    /// Whether the order may have these terms; refuses what cannot become of it.
    pub(crate) fn check_replaced_combo(
        &self,
        order: &Order,
        terms: &OrderTerms,
    ) -> Result<(Money, Option<Passed>), Refusal> {
        let gone = || not_replaceable("an instrument of it is gone", order.number);
        let combo = Combo::of(self.durable, terms).ok_or_else(gone)?;
        combo.check()?;
        let hold = self.hold_of_replaced(order, &combo);
        hold.map_err(|failure| refused(failure).about(order.number))
    }

    fn hold_of_replaced(
        &self,
        order: &Order,
        combo: &Combo<'_>,
    ) -> Result<(Money, Option<Passed>), Failure> {
        self.has_time(combo.terms)?;
        let (durable, ephemeral) = (&*self.durable, &*self.ephemeral);
        let checks = ComboChecks { durable, ephemeral, combo };
        if let Some(failure) = checks.failures_of_form().into_iter().next() {
            return Err(failure);
        }
        let left = combo.count(combo.terms.qty - order.filled);
        if let Some(failure) = checks.failures_of_intent(left).into_iter().next() {
            return Err(failure);
        }
        let kept = legs_of(durable, order);
        let orders: Vec<&Order> = kept.iter().map(|order| &**order).collect();
        let verdict = self.judge_legs(&checks.legs(), &orders)?;
        let passed = verdict.map(|verdict| verdict.passed);
        let Some(account) = durable.account(order.terms.account) else {
            return Ok((order.hold, passed));
        };
        let plan = Books { durable, ephemeral, combo, orders: &orders }.plan(left);
        let payment = Payment { durable, ephemeral, combo, account, orders: &orders };
        Ok((payment.hold(left, &plan, order.hold)?, passed))
    }

    /// Gives a multi-leg order and its legs new terms, and lets it try again.
    pub(crate) fn replace_combo(
        &mut self,
        terms: OrderTerms,
        (hold, passed): (Money, Option<Passed>),
        request: Option<RequestId>,
        number: u64,
    ) -> Result<Reply, Refusal> {
        let Some(order) = self.order(number) else {
            return Err(not_replaceable("the order is closed", number));
        };
        let quantities: Vec<(u64, Quantity)> = match Combo::of(self.durable, &terms) {
            Some(combo) => {
                let strategies = combo.count(terms.qty);
                let qty = |part: &super::combo::Part<'_>| combo.leg_terms(part, strategies).qty;
                order.extra().legs.iter().copied().zip(combo.parts.iter().map(qty)).collect()
            }
            None => Vec::new(),
        };
        let is_resized = terms.qty != order.terms.qty;
        let more = (terms.more != order.terms.more).then(|| terms.more.clone().unwrap_or_default());
        self.emit(Event::Replaced(Replaced {
            order: number,
            request,
            qty: terms.qty,
            limit_price: terms.limit_price,
            stop_price: None,
            time_in_force: terms.time_in_force,
            hold,
            keeps_priority: false,
            more,
            passed,
        }));
        for (order, qty) in quantities.into_iter().filter(|_| is_resized) {
            let resized = ChangeEvent::Resized { order, qty, waits: 0, release: 0 };
            self.emit(Event::Changed(resized));
        }
        self.arrive(number);
        Ok(Reply::new(Outcome::Ok, Body::Order(number)))
    }
}
