//! The lane: the common command in a world where nothing else is due. A plain limit or market
//! order, or the cancel of one, in an instrument and an account without rarer rules.
//!
//! Nothing here is a rule of its own: the lane emits the very events that the general code would
//! emit, and leaves to it whatever it does not know. What it saves is asking, at every step of
//! every command, for all that could be: whether the world is calm and an instrument straight is
//! found out once and stands until an input takes the other way. `World::without_lane` is the
//! naive twin: a test sends the same commands to both and compares every byte.

use crate::book::{Owner, reaches};
use crate::checks::Checks;
use crate::command::Cancel;
use crate::corporate::Action;
use crate::digest;
use crate::durable::Durable;
use crate::event::Event;
use crate::ids::{InstrumentIndex, OrderNumber};
use crate::live::Live;
use crate::market::{Ephemeral, Market};
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Reply};
use crate::session::Phase;
use crate::sink::Sink;
use crate::submit::request_id;
use crate::units::{Money, Nanos, PRICE_MAX, Price};
use crate::words::{InstrumentStatus, OrderType, Reason, Side, TimeInForce};
use crate::{checks, command::Input};

/// What is known about the world until an input takes another way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    /// Before this time nothing happens but by command; 0 when that was not found out yet.
    until_ns: Nanos,
    /// Counts the inputs that took another way; an instrument is known to be straight when its
    /// market was marked with the same number.
    epoch: u64,
    /// Whether no command may use it.
    pub is_closed: bool,
}

impl Default for Lane {
    /// Nothing is known: no market is marked with the first number.
    fn default() -> Lane {
        Lane { until_ns: 0, epoch: 1, is_closed: false }
    }
}

impl Lane {
    /// Forgets what was found out.
    fn leave(&mut self) {
        self.until_ns = 0;
        self.epoch += 1;
    }
}

impl Durable {
    /// The time before which nothing can happen but by a command; in the past when something is
    /// under way already.
    fn calm_until(&self) -> Nanos {
        let is_busy = self.created.is_none()
            || self.risk.is_some()
            || !self.delays.due.is_empty()
            || !self.delays.last.is_empty()
            || !self.delays.latencies.is_empty()
            || !self.sessions.crossings.is_empty()
            || self.money.accrual.days > 0
            || self.next_due().is_some();
        if is_busy {
            return Nanos::MIN;
        }
        let days = self.exchanges.iter().filter(|exchange| !exchange.has_sessions);
        let contract = self.contracts.due.first().map(|(due_ns, _)| *due_ns);
        let actions = self.corporate.actions.iter().map(Action::due_ns);
        let times = days.map(|exchange| exchange.next_ns).chain(contract).chain(actions);
        let times = times.chain(self.dates.next_ns()).chain(self.money.accrual.due_ns());
        times.min().unwrap_or(Nanos::MAX)
    }

    /// Whether an instrument has none of the rarer rules, and trades one by one now.
    fn is_straight(&self, index: InstrumentIndex) -> bool {
        let Some(record) = self.instrument(index) else {
            return false;
        };
        let (terms, exchange) = (&record.terms, self.exchange(record.terms.exchange));
        terms.status == InstrumentStatus::Active
            && terms.contract.is_none()
            && terms.rules.is_none()
            && record.ruling.is_none()
            && !record.has_options
            && self.phase(index) == Phase::Continuous
            && self.settles_on(terms.exchange).is_none()
            && exchange.is_some_and(|exchange| {
                exchange.ruling.is_none()
                    && exchange.terms.is_plain()
                    && exchange.terms.rules.is_none()
            })
    }
}

impl Market {
    /// Whether resting orders are all in the book, in the order in which they trade.
    fn is_straight(&self) -> bool {
        self.is_fresh && self.hidden.is_none()
    }
}

impl Ephemeral {
    fn is_calm(&self) -> bool {
        self.is_settled() && !self.lane.is_closed && !self.is_isolated
    }

    /// Whether nothing waits for its turn to meet the market.
    fn is_settled(&self) -> bool {
        self.unfinished.is_empty() && self.arrivals.is_empty() && !self.combos.are_due()
    }
}

fn is_plain_text(text: &[u8]) -> bool {
    (1..=checks::TEXT_MAX).contains(&text.len()) && text.iter().all(|it| matches!(it, b' '..=b'~'))
}

impl<S: Sink> Live<'_, S> {
    /// Does a command on the lane; `None` when it has to take the other way, and then nothing has
    /// happened.
    pub fn take_lane(&mut self, input: &Input) -> Option<Reply> {
        let reply = match input {
            Input::Submit(terms) if self.is_calm() => self.submit_on_lane(terms),
            Input::Cancel(cancel) if self.is_calm() => self.cancel_on_lane(cancel),
            _ => None,
        };
        if reply.is_none() {
            self.ephemeral.lane.leave();
        } else if !self.ephemeral.is_settled() {
            // A stop that fired may be that of a group or a multi-leg order.
            self.ephemeral.lane.leave();
            self.ephemeral.feed.forget();
            self.settle_down();
        }
        reply
    }

    fn is_calm(&mut self) -> bool {
        if self.ephemeral.lane.until_ns == 0 {
            let is_calm = self.ephemeral.is_calm();
            let until_ns = if is_calm { self.durable.calm_until() } else { Nanos::MIN };
            self.ephemeral.lane.until_ns = until_ns;
        }
        self.now_ns() < self.ephemeral.lane.until_ns
    }

    fn is_straight(&mut self, instrument: InstrumentIndex) -> bool {
        let epoch = self.ephemeral.lane.epoch;
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return false;
        };
        if market.lane_epoch == epoch {
            return true;
        }
        let is_straight = market.is_straight()
            && self.durable.is_straight(instrument)
            && !self.ephemeral.combos.rest_on(instrument);
        if is_straight {
            if let Some(market) = self.ephemeral.market_mut(instrument) {
                market.lane_epoch = epoch;
            }
        }
        is_straight
    }

    fn submit_on_lane(&mut self, terms: &OrderTerms) -> Option<Reply> {
        let hold = self.hold_on_lane(terms)?;
        let (order, digest) = (self.next_order(), digest::of_submit(terms));
        let account = self.durable.account(terms.account)?;
        if account.requests.get(&self.durable.orders, &terms.client_order_id).is_some() {
            return None;
        }
        self.emit(Event::Accepted { order, terms: terms.clone(), digest, hold, passed: None });
        self.enter_on_lane(order, terms);
        Some(Reply::new(Outcome::Created, Body::Order(order)))
    }

    /// What an order sets aside that makes sense and passes all checks, where that is plain.
    fn hold_on_lane(&mut self, terms: &OrderTerms) -> Option<Money> {
        let is_plain = terms.more.is_none()
            && terms.stop_price.is_none()
            && terms.qty > 0
            && matches!(
                terms.time_in_force,
                TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Ioc
            )
            && is_plain_text(terms.client_order_id.as_bytes());
        let has_its_price = match (terms.order_type, terms.limit_price) {
            (OrderType::Limit, Some(price)) => (1..=PRICE_MAX).contains(&price),
            (OrderType::Market, None) => true,
            _ => false,
        };
        if !is_plain || !has_its_price || !self.is_straight(terms.instrument) {
            return None;
        }
        let checks = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        match terms.limit_price {
            Some(price) => checks.plain_hold(price),
            None => checks.run().ok(),
        }
    }

    /// Lets an order that was just accepted trade, then rest.
    fn enter_on_lane(&mut self, number: OrderNumber, terms: &OrderTerms) {
        let (instrument, side) = (terms.instrument, terms.side);
        self.sweep.clear();
        let nobody_waits = self.market(instrument).is_some_and(Market::nobody_waits);
        if !nobody_waits || !self.trade_on_lane(number, (instrument, side), terms.limit_price) {
            self.take_offers(number, terms.limit_price);
        }
        match terms.time_in_force {
            TimeInForce::Gtc | TimeInForce::Day if terms.limit_price.is_some() => {
                self.ephemeral.rest(self.durable, number);
                if S::RECEIPTS {
                    self.note_queue(number);
                }
            }
            _ => self.settle(number),
        }
        let Some(market) = self.ephemeral.market_mut(instrument) else {
            return;
        };
        if market.nobody_waits() && !market.triggers.is_armed() {
            market.triggers.forget_heard();
            return;
        }
        self.serve_waiting(instrument);
        self.fire_stops(instrument);
    }

    /// Lets an order trade with plain resting orders of others; says whether that was all.
    fn trade_on_lane(
        &mut self,
        number: OrderNumber,
        (instrument, side): (InstrumentIndex, Side),
        limit: Option<Price>,
    ) -> bool {
        while let Some(order) = self.order(number) {
            let offer = self.market(instrument).and_then(|market| market.best_offer(side));
            let Some(offer) = offer.filter(|offer| reaches(side, limit, offer.price)) else {
                return true;
            };
            let qty = order.leaves().min(offer.qty);
            let Some((_, Owner::User(maker))) = offer.resting else {
                return false;
            };
            if !self.plain_trade(number, maker, &offer, qty) {
                return false;
            }
            self.print_trade(instrument, offer.price, qty, Some(side));
        }
        true
    }

    fn cancel_on_lane(&mut self, cancel: &Cancel) -> Option<Reply> {
        let order = self.durable.open_order(cancel.order)?;
        let is_plain = order.terms.account == cancel.account && !order.is_special();
        let (instrument, release) = (order.terms.instrument, order.hold);
        if !is_plain || !self.is_straight(instrument) {
            return None;
        }
        let request = request_id(&cancel.request_id, digest::of_cancel(cancel));
        if let Some(request) = &request {
            let account = self.durable.account(cancel.account)?;
            if account.requests.get(&self.durable.orders, &request.id).is_some() {
                return None;
            }
        }
        let (order, reason) = (cancel.order, Reason::Requested);
        self.emit(Event::Canceled { order, reason, release, request });
        Some(Reply::new(Outcome::Ok, Body::Order(order)))
    }
}
