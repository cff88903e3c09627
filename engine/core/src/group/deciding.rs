//! Groups are taken or rejected as a whole.

use super::tie;
use crate::checks::{Checks, Failure};
use crate::delay::{Delayed, What};
use crate::event::Event;
use crate::ids::OrderNumber;
use crate::live::Live;
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::units::{Money, clamp};
use crate::words::{OrderClass, OrderType, refusal};

impl<S: Sink> Live<'_, S> {
    /// Accepts or rejects a group that makes sense.
    pub fn take_group(&mut self, terms: &OrderTerms, digest: u64) -> Result<Reply, Refusal> {
        if terms.is_combo() {
            return self.take_combo(terms, digest);
        }
        let order = self.next_order();
        let (terms, mut legs) = tie(terms, order, self.durable.prefix);
        let is_live = terms.more().order_class == OrderClass::Oco;
        for leg in legs.iter_mut().filter(|leg| is_live && leg.stop_price.is_none()) {
            self.begin_trail(leg);
        }
        self.find_free_ids(&legs)?;
        let holds = self.holds_of_group(&terms, &legs);
        let (verdict, is_delayed) = match holds
            .and_then(|holds| Ok((holds, self.judge(&terms, None)?)))
        {
            Ok((holds, verdict)) => {
                let passed = verdict.as_ref().map(|verdict| verdict.passed);
                let (hold, rest) = holds;
                let parent = terms.clone();
                let is_delayed = self.send(&parent, order);
                self.emit(Event::Accepted { order, terms: parent, digest, hold, passed });
                for (leg, number) in legs.into_iter().zip(order + 1..) {
                    let passed = None;
                    let is_live = is_live && !self.send_live(&leg, number);
                    let event =
                        Event::Accepted { order: number, terms: leg, digest, hold: rest, passed };
                    self.emit(event);
                    if is_live {
                        self.ephemeral.arrivals.push_back(number);
                    }
                }
                (verdict, is_delayed)
            }
            Err(failure) => return self.reject(order, &terms, digest, failure),
        };
        self.tell_alerts(order, verdict);
        if !is_delayed {
            self.arrive(order);
        }
        Ok(Reply::new(Outcome::Created, Body::Order(order)))
    }

    /// Sends an order on its way, where orders are under way for some time; says whether it is.
    pub(super) fn send(&mut self, terms: &OrderTerms, order: OrderNumber) -> bool {
        let Some(arrival) = self.arrival_of(terms.account, terms.instrument, order) else {
            return false;
        };
        let delayed = Delayed { account: terms.account, what: What::Order(order) };
        self.receive(arrival, delayed, None);
        true
    }

    /// The same for a leg that nothing holds.
    fn send_live(&mut self, terms: &OrderTerms, order: OrderNumber) -> bool {
        terms.more().held.is_none() && self.send(terms, order)
    }

    /// Legs are known by their own order ids, which no request may have used.
    pub(super) fn find_free_ids(&self, legs: &[OrderTerms]) -> Result<(), Refusal> {
        for leg in legs {
            let used = self.answered(leg.account, &leg.client_order_id, 0);
            if !matches!(used, Ok(None)) {
                let detail = "the id of an order of the group was used for a request; try again";
                return Err(Refusal::new(Outcome::IdReused, refusal::ID_REUSED, detail));
            }
        }
        Ok(())
    }

    /// Checks a group as a whole; gives what its parent and what a live leg of it sets aside.
    fn holds_of_group(
        &self,
        terms: &OrderTerms,
        legs: &[OrderTerms],
    ) -> Result<(Money, Money), Failure> {
        let checks = |terms| Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        self.has_time(terms)?;
        let hold = checks(terms).run()?;
        let mut rest = 0;
        for leg in legs {
            checks(leg).on_the_tick_grid()?;
            checks(leg).within_bounds()?;
            let is_live = leg.more().held.is_none();
            if is_live && leg.order_type == OrderType::TrailingStop {
                checks(leg).has_reference_price()?;
            }
            if is_live {
                rest = checks(leg).hold();
            }
        }
        if rest > 0 {
            checks(terms).can_pay(clamp(i128::from(hold) + i128::from(rest)))?;
        }
        Ok((hold, rest))
    }
}
