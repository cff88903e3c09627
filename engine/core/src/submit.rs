//! Commands about orders: submit, cancel, cancel-all.

use crate::account::Account;
use crate::checks::{Checks, Failure, check_terms};
use crate::command::{Cancel, CancelAll};
use crate::delay::{Delayed, What};
use crate::digest;
use crate::event::{Event, RequestId};
use crate::ids::{AccountIndex, OrderNumber};
use crate::label::Label;
use crate::live::Live;
use crate::order::OrderTerms;
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::sink::Sink;
use crate::words::{OrderClass, Reason, refusal};

impl<S: Sink> Live<'_, S> {
    /// Takes an order: checks it, lets it trade, lets the rest wait.
    pub fn submit(&mut self, terms: &OrderTerms) -> Result<Reply, Refusal> {
        self.find_account(terms.account)?;
        self.find_instrument(terms.instrument)?;
        check_terms(terms)?;
        let digest = digest::of_submit(terms);
        if let Some(reply) = self.answered(terms.account, &terms.client_order_id, digest)? {
            return Ok(reply);
        }
        match &terms.more {
            None => self.take(terms, digest),
            Some(more) if more.order_class != OrderClass::Simple => {
                self.take_group(&self.prepared(terms), digest)
            }
            Some(_) => self.take(&self.prepared(terms), digest),
        }
    }

    /// Accepts or rejects an order that makes sense.
    fn take(&mut self, terms: &OrderTerms, digest: u64) -> Result<Reply, Refusal> {
        let order = self.next_order();
        let checks = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        match self
            .has_time(terms)
            .and_then(|()| checks.run())
            .and_then(|hold| Ok((hold, self.judge(terms, None)?)))
        {
            Ok((hold, verdict)) => {
                let passed = verdict.as_ref().map(|verdict| verdict.passed);
                let arrival = self.arrival_of(terms.account, terms.instrument, order);
                if let Some(arrival) = arrival {
                    let delayed = Delayed { account: terms.account, what: What::Order(order) };
                    self.receive(arrival, delayed, None);
                }
                self.emit(Event::Accepted { order, terms: terms.clone(), digest, hold, passed });
                self.tell_alerts(order, verdict);
                if arrival.is_none() {
                    self.arrive(order);
                }
                Ok(Reply::new(Outcome::Created, Body::Order(order)))
            }
            Err(failure) => self.reject(order, terms, digest, failure),
        }
    }

    /// Keeps an order as rejected.
    pub fn reject(
        &mut self,
        order: OrderNumber,
        terms: &OrderTerms,
        digest: u64,
        failure: Failure,
    ) -> Result<Reply, Refusal> {
        self.emit(Event::Rejected {
            order,
            terms: terms.clone(),
            digest,
            reason: failure.reason,
            value: failure.value.clone(),
            limit: failure.limit.clone(),
        });
        Err(refused(failure).about(order))
    }

    /// Lets an accepted order do what it is for: wait for its stop price, or trade.
    pub fn arrive(&mut self, number: OrderNumber) {
        let Some(order) = self.durable.open_order(number) else {
            return;
        };
        self.ephemeral.sit(order.terms.instrument, order.terms.account);
        if order.is_special() && (self.is_held(number) || !self.has_trail(number)) {
            return;
        }
        let Some(order) = self.durable.open_order(number) else {
            return;
        };
        if order.terms.is_combo() {
            return self.enter_combo(number);
        }
        let instrument = order.terms.instrument;
        if !order.is_armed() {
            self.enter(number);
        } else if let Some(price) = self.price_through(order) {
            self.trigger(number, price);
        } else {
            self.ephemeral.link(self.durable, number);
        }
        self.fire_stops(instrument);
    }

    /// Cancels one order of the account.
    pub fn cancel_order(&mut self, cancel: &Cancel) -> Result<Reply, Refusal> {
        self.find_account(cancel.account)?;
        let request = request_id(&cancel.request_id, digest::of_cancel(cancel));
        if let Some(reply) = self.answered_request(cancel.account, request.as_ref())? {
            return Ok(reply);
        }
        self.may_cancel(cancel.account, cancel.order)?;
        self.send_cancel(cancel.account, cancel.order, request);
        Ok(Reply::new(Outcome::Ok, Body::Order(cancel.order)))
    }

    /// Whether the account may cancel the order.
    pub fn may_cancel(&self, account: AccountIndex, number: OrderNumber) -> Result<(), Refusal> {
        self.find_order(account, number)?;
        let detail = match self.order(number) {
            Some(order) if !order.is_forced() => return Ok(()),
            Some(_) => FORCED,
            None => "the order is closed already; read it to see how it ended",
        };
        let reason = refusal::NOT_CANCELABLE;
        Err(Refusal::new(Outcome::NotCancelable, reason, detail).about(number))
    }

    /// Cancels an open order that may be canceled, now or when the request has arrived.
    pub fn send_cancel(
        &mut self,
        account: AccountIndex,
        number: OrderNumber,
        request: Option<RequestId>,
    ) {
        let instrument = self.order(number).map_or(0, |order| order.terms.instrument);
        match self.arrival_of(account, instrument, number) {
            Some(arrival) => {
                let delayed = Delayed { account, what: What::Cancel(number) };
                self.receive(arrival, delayed, request);
            }
            None => self.cancel(number, Reason::Requested, request),
        }
    }

    /// Cancels all open orders of the account; what does not fit into this turn follows.
    pub fn cancel_all(&mut self, cancel: &CancelAll) -> Result<Reply, Refusal> {
        self.find_account(cancel.account)?;
        let request = request_id(&cancel.request_id, digest::of_cancel_all(cancel));
        if self.answered_request(cancel.account, request.as_ref())?.is_some() {
            let remaining = self.waiting_to_leave(cancel.account);
            let body = Body::Canceled { orders: Vec::new(), remaining };
            return Ok(Reply::new(Outcome::Existing, body));
        }
        let below = self.next_order();
        let first = self.durable.open_orders(cancel.account).next();
        let first = first.map(|order| (order.number, order.terms.instrument));
        if first.is_none() && request.is_none() {
            let body = Body::Canceled { orders: Vec::new(), remaining: 0 };
            return Ok(Reply::new(Outcome::Ok, body));
        }
        let (number, instrument) = first.unwrap_or_default();
        if let Some(arrival) = self.arrival_of(cancel.account, instrument, number) {
            let what = What::CancelAll(below);
            self.receive(arrival, Delayed { account: cancel.account, what }, request);
            let remaining = self.durable.open_orders(cancel.account).count();
            let body = Body::Canceled { orders: Vec::new(), remaining };
            return Ok(Reply::new(Outcome::Ok, body));
        }
        let body = self.cancel_below(cancel, below, request);
        Ok(Reply::new(Outcome::Ok, body))
    }

    /// How many open orders of the account are due to leave.
    fn waiting_to_leave(&self, account: AccountIndex) -> usize {
        let below = self.durable.account(account).map_or(0, |it| it.cancel_below);
        let open = self.durable.open_orders(account);
        open.take_while(|order| order.number < below).count()
    }

    /// Cancels the open orders of the account with a smaller number, as many as a turn may. What
    /// the engine sent itself stays; what came behind it leaves one by one.
    pub fn cancel_below(
        &mut self,
        cancel: &CancelAll,
        below: OrderNumber,
        request: Option<RequestId>,
    ) -> Body {
        let open = || {
            let open = self.durable.open_orders(cancel.account);
            open.take_while(|order| order.number < below)
        };
        let kept = open().find(|order| order.is_forced()).map_or(below, |order| order.number);
        let open = open().filter(|order| !order.is_forced()).map(|order| order.number);
        let open: Vec<OrderNumber> = open.collect();
        let account = cancel.account;
        self.emit(Event::CancelAllRequested { account, below: kept, request });
        let mut orders = Vec::new();
        for number in open {
            if self.is_full() {
                break;
            }
            self.cancel(number, Reason::Requested, None);
            orders.push(number);
        }
        Body::Canceled { orders, remaining: self.waiting_to_leave(cancel.account) }
    }

    /// The earlier result of the same request; an error when the id was used for another body.
    pub fn answered(
        &self,
        account: AccountIndex,
        id: &Label,
        digest: u64,
    ) -> Result<Option<Reply>, Refusal> {
        let account = self.durable.account(account);
        let known = |account: &Account| account.requests.get(&self.durable.orders, id);
        let Some(request) = account.and_then(known) else {
            return Ok(None);
        };
        if request.digest != digest {
            let detail = "this id was used for another request; send a new id";
            let refusal = Refusal::new(Outcome::IdReused, refusal::ID_REUSED, detail);
            return Err(match request.order {
                0 => refusal,
                order => refusal.about(order),
            });
        }
        if request.order != 0 && self.durable.order(request.order).is_none() {
            return Err(not_found("the order was closed long ago", "order_id"));
        }
        Ok(Some(Reply::new(Outcome::Existing, Body::Order(request.order))))
    }

    pub fn answered_request(
        &self,
        account: AccountIndex,
        request: Option<&RequestId>,
    ) -> Result<Option<Reply>, Refusal> {
        match request {
            Some(request) => self.answered(account, &request.id, request.digest),
            None => Ok(None),
        }
    }

    pub fn find_account(&self, account: AccountIndex) -> Result<(), Refusal> {
        match self.durable.account(account) {
            Some(_) => Ok(()),
            None => Err(not_found("no such account in this world", "account_id")),
        }
    }

    pub fn find_instrument(&self, instrument: u32) -> Result<(), Refusal> {
        match self.durable.instrument(instrument) {
            Some(_) => Ok(()),
            None => {
                Err(Refusal::malformed(refusal::UNKNOWN_SYMBOL, "no such instrument").at("symbol"))
            }
        }
    }

    /// An order that the account owns and the engine still keeps.
    pub fn find_order(&self, account: AccountIndex, order: OrderNumber) -> Result<(), Refusal> {
        if self.owns(account, order) {
            return Ok(());
        }
        Err(not_found("no such order of this account", "order_id"))
    }
}

/// Why the owner cannot change or cancel such an order.
pub(crate) const FORCED: &str =
    "the exchange sent this order itself to close a position; it stays until it is done";

/// A refusal because something is not there, or belongs to somebody else.
pub(crate) fn not_found(detail: &str, field: &'static str) -> Refusal {
    Refusal::new(Outcome::NotFound, refusal::NOT_FOUND, detail).at(field)
}

/// The refusal that a failed check is answered with.
pub(crate) fn refused(failure: crate::checks::Failure) -> Refusal {
    Refusal {
        outcome: Outcome::Rejected,
        reason: failure.reason.word(),
        detail: failure.detail.into(),
        field: failure.field,
        value: failure.value.map(Into::into),
        limit: failure.limit.map(Into::into),
        order: None,
        next_open_ns: failure.next_open_ns,
        item: None,
    }
}

/// The request id with its digest, when the client gave one.
pub(crate) fn request_id(id: &Option<String>, digest: u64) -> Option<RequestId> {
    id.as_ref().map(|id| RequestId { id: id.as_str().into(), digest })
}
