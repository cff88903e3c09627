//! Replace: new terms for an open order, under the same id.

use crate::account::Account;
use crate::checks::{Checks, Failure, check_price, check_quantity};
use crate::command::Replace;
use crate::contract::deposits::free_to_sell;
use crate::costs::{hold_at, margin_hold, power_for};
use crate::delay::{Delayed, What};
use crate::digest;
use crate::durable::Durable;
use crate::event::{Event, Replaced, RequestId};
use crate::ids::OrderNumber;
use crate::instrument::Instrument;
use crate::live::Live;
use crate::market::Ephemeral;
use crate::order::{Order, OrderTerms};
use crate::reply::{Body, Outcome, Refusal, Reply};
use crate::risk::Passed;
use crate::session::within_band;
use crate::sink::Sink;
use crate::special::{check_replaced, replaced_more};
use crate::submit::{refused, request_id};
use crate::units::{
    Money, ORDER_VALUE_MAX, Price, QUANTITY_MAX, Quantity, Rounding, clamp, divide, format_money,
};
use crate::words::{AccountStatus, OrderType, Reason, Side, TimeInForce, refusal};

impl<S: Sink> Live<'_, S> {
    /// Whether the account may trade and the risk policy lets the order have these terms.
    fn may_replace(&self, order: &Order, terms: &OrderTerms) -> Result<Option<Passed>, Failure> {
        let active = |account: &Account| account.status == AccountStatus::Active;
        if !self.durable.account(terms.account).is_some_and(active) {
            return Err(Failure::new(Reason::AccountNotActive, "this account may not trade"));
        }
        let checks = Checks { durable: self.durable, ephemeral: self.ephemeral, terms };
        self.has_time(terms)?;
        checks.takes_nothing()?;
        // What is filled has left the position already.
        let left = OrderTerms { qty: terms.qty - order.filled, ..terms.clone() };
        let left = Checks { terms: &left, ..checks };
        left.does_as_meant()?;
        left.only_reduces()?;
        Ok(self.judge(terms, Some(order))?.map(|verdict| verdict.passed))
    }

    /// Gives an open order new terms. It keeps its place in the queue only when its quantity
    /// shrinks or its time in force changes at the same prices. That a check failed stays on the
    /// tape; the order keeps its terms.
    pub fn replace(&mut self, replace: &Replace) -> Result<Reply, Refusal> {
        let result = self.try_replace(replace);
        if let Err(refusal) = &result {
            if refusal.outcome == Outcome::Rejected {
                self.tell_refused(replace.order, refusal);
            }
        }
        result
    }

    fn try_replace(&mut self, replace: &Replace) -> Result<Reply, Refusal> {
        self.find_account(replace.account)?;
        let request = request_id(&replace.request_id, digest::of_replace(replace));
        if let Some(reply) = self.answered_request(replace.account, request.as_ref())? {
            return Ok(reply);
        }
        self.find_order(replace.account, replace.order)?;
        let Some(order) = self.order(replace.order) else {
            return Err(not_replaceable("the order is closed", replace.order));
        };
        let instrument = order.terms.instrument;
        let Some(arrival) = self.arrival_of(replace.account, instrument, replace.order) else {
            return self.replace_now(replace, request);
        };
        let terms = new_terms(order, replace)?;
        if terms.is_combo() {
            self.check_replaced_combo(order, &terms)?;
        } else {
            check_new_terms(self.durable, self.ephemeral, order, &terms)
                .and_then(|_| self.may_replace(order, &terms))
                .map_err(|failure| refused(failure).about(replace.order))?;
        }
        let later = Replace { request_id: None, ..replace.clone() };
        let delayed = Delayed { account: replace.account, what: What::Replace(Box::new(later)) };
        self.receive(arrival, delayed, request);
        Ok(Reply::new(Outcome::Ok, Body::Order(replace.order)))
    }

    /// Gives an order new terms at once.
    pub fn replace_now(
        &mut self,
        replace: &Replace,
        request: Option<RequestId>,
    ) -> Result<Reply, Refusal> {
        self.ephemeral.sit_owner(self.durable, replace.order);
        let Some(order) = self.order(replace.order) else {
            return Err(not_replaceable("the order is closed", replace.order));
        };
        let mut terms = new_terms(order, replace)?;
        if terms.is_combo() {
            let hold = self.check_replaced_combo(order, &terms)?;
            return self.replace_combo(terms, hold, request, replace.order);
        }
        self.keep_trail(order, &mut terms);
        // Terms that ask for nothing any more are told, too.
        let more = (terms.more != order.terms.more).then(|| terms.more.clone().unwrap_or_default());
        let hold = check_new_terms(self.durable, self.ephemeral, order, &terms)
            .map_err(|failure| refused(failure).about(replace.order))?;
        let passed = self
            .may_replace(order, &terms)
            .map_err(|failure| refused(failure).about(replace.order))?;
        let keeps_priority = keeps_priority(&order.terms, &terms);
        self.emit(Event::Replaced(Replaced {
            order: replace.order,
            request,
            qty: terms.qty,
            limit_price: terms.limit_price,
            stop_price: terms.stop_price,
            time_in_force: terms.time_in_force,
            hold,
            keeps_priority,
            more,
            passed,
        }));
        if !keeps_priority {
            self.arrive(replace.order);
        }
        Ok(Reply::new(Outcome::Ok, Body::Order(replace.order)))
    }
}

pub(crate) fn not_replaceable(detail: &str, order: OrderNumber) -> Refusal {
    Refusal::new(Outcome::NotReplaceable, refusal::NOT_REPLACEABLE, detail).about(order)
}

/// Whether an order keeps its place in the queue: at the same prices, when it does not grow.
fn keeps_priority(old: &OrderTerms, new: &OrderTerms) -> bool {
    let prices = |terms: &OrderTerms| {
        let more = terms.more();
        // The stop price of a trailing stop moves by itself.
        let stop = terms.stop_price.filter(|_| more.water_mark.is_none());
        (terms.limit_price, stop, more.trail_price, more.trail_percent, more.display_qty)
    };
    prices(old) == prices(new) && new.qty <= old.qty
}

/// The terms that the order would have; refuses what cannot become of it.
fn new_terms(order: &Order, replace: &Replace) -> Result<OrderTerms, Refusal> {
    let asks = [replace.qty, replace.limit_price, replace.stop_price].iter().any(Option::is_some);
    if !asks && replace.time_in_force.is_none() && replace.more.is_none() {
        let detail = "say what to change: qty, limit_price, stop_price or time_in_force";
        return Err(Refusal::malformed(refusal::MALFORMED, detail));
    }
    if order.is_forced() {
        return Err(not_replaceable(crate::submit::FORCED, order.number));
    }
    let old = &order.terms;
    let time_in_force = replace.time_in_force.unwrap_or(old.time_in_force);
    let terms = OrderTerms {
        qty: replace.qty.unwrap_or(old.qty),
        limit_price: replace.limit_price.or(old.limit_price),
        stop_price: replace.stop_price.or(old.stop_price),
        time_in_force,
        more: replaced_more(old, replace.more.as_deref(), time_in_force)?,
        ..old.clone()
    };
    check_quantity(terms.qty)?;
    let kind = terms.order_type;
    if terms.is_bound() {
        let detail = "a leg has no terms of its own: replace the multi-leg order";
        return Err(not_replaceable(detail, order.number));
    }
    if terms.is_combo() {
        crate::group::check_net_price(&terms)?;
    } else {
        check_price(kind, kind.has_limit(), terms.limit_price, "limit_price")?;
    }
    if kind != OrderType::TrailingStop {
        check_price(kind, kind.has_stop(), terms.stop_price, "stop_price")?;
    } else if replace.stop_price.is_some() {
        check_price(kind, false, replace.stop_price, "stop_price")?;
    }
    check_replaced(&terms)?;
    if terms == *old {
        let detail = "nothing would change: the order has these terms already";
        return Err(not_replaceable(detail, order.number));
    }
    let more = old.more();
    let is_tied = more.sibling.is_some() || more.held.is_some() || !order.extra().legs.is_empty();
    let is_fixed = (is_tied && !terms.is_combo()) || more.notional.is_some();
    if terms.qty != old.qty && is_fixed {
        let detail = "the quantity of an order of a group or for an amount of money cannot change";
        return Err(not_replaceable(detail, order.number));
    }
    if terms.qty <= order.filled {
        let detail =
            "the new quantity must be greater than what is filled; cancel the rest instead";
        return Err(not_replaceable(detail, order.number));
    }
    let retrails = replace
        .more
        .as_ref()
        .is_some_and(|more| more.trail_price.is_some() || more.trail_percent.is_some());
    if order.triggered && (retrails || terms.stop_price != old.stop_price) {
        return Err(not_replaceable("its stop price has been reached already", order.number));
    }
    if matches!(terms.time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
        let detail = "an open order cannot become ioc or fok; cancel it and send a new one";
        return Err(not_replaceable(detail, order.number));
    }
    let is_auction = |terms: &OrderTerms| crate::session::auction_of(terms).is_some();
    if terms.time_in_force != old.time_in_force && (is_auction(&terms) || is_auction(old)) {
        let detail = "an order cannot move into or out of an auction; cancel it and send a new one";
        return Err(not_replaceable(detail, order.number));
    }
    Ok(terms)
}

/// Checks new terms in the order in which new orders are checked; gives the new hold.
fn check_new_terms(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    terms: &OrderTerms,
) -> Result<Money, Failure> {
    let Some(record) = durable.instrument(terms.instrument) else {
        return Ok(order.hold);
    };
    let instrument = &record.terms;
    check_steps(instrument, terms)?;
    let moved = terms.limit_price.filter(|_| terms.limit_price != order.terms.limit_price);
    if let (Some(limit), Some(market)) = (moved, ephemeral.market(terms.instrument)) {
        within_band(durable, market, terms, limit)?;
    }
    let price = terms.limit_price.or(terms.stop_price).unwrap_or(1);
    let value = instrument.value(price, terms.qty, Rounding::Up);
    if value > i128::from(ORDER_VALUE_MAX) || terms.qty > QUANTITY_MAX {
        let failure = Failure::new(Reason::OrderTooLarge, "the order's value is beyond bounds");
        let limit = format_money(i128::from(ORDER_VALUE_MAX));
        return Err(failure.at("qty").compare(format_money(value), limit));
    }
    // What is filled has come to the position already.
    Checks { durable, ephemeral, terms }.position_within_bounds(terms.qty - order.filled)?;
    check_quantity_held(durable, instrument, order, terms)?;
    check_cash(durable, ephemeral, order, terms)
}

fn check_steps(instrument: &Instrument, terms: &OrderTerms) -> Result<(), Failure> {
    if terms.qty % instrument.lot_size != 0 {
        let lot = instrument.format_quantity(instrument.lot_size);
        let detail = format!("the quantity must be a multiple of the lot size {lot}");
        let failure = Failure::new(Reason::InvalidLot, detail).at("qty");
        return Err(failure.compare(instrument.format_quantity(terms.qty), lot));
    }
    let off_grid = |price: &Price| price % instrument.tick_at(*price) != 0;
    let prices = [("limit_price", terms.limit_price), ("stop_price", terms.stop_price)];
    for (field, price) in prices {
        if let Some(price) = price.filter(off_grid) {
            let tick = instrument.format_price(instrument.tick_at(price));
            let detail = format!("the {field} must be a multiple of the tick size {tick}");
            let failure = Failure::new(Reason::InvalidTick, detail).at(field);
            return Err(failure.compare(instrument.format_price(price), tick));
        }
    }
    Ok(())
}

fn check_quantity_held(
    durable: &Durable,
    instrument: &Instrument,
    order: &Order,
    terms: &OrderTerms,
) -> Result<(), Failure> {
    let account = durable.account(terms.account);
    let free = account.map_or(0, |account| free_to_sell(durable, account, terms.instrument));
    let more = terms.qty - order.terms.qty;
    let is_margin = account.is_some_and(|account| account.margin().is_some());
    if terms.side == Side::Buy || is_margin || more <= free.max(0) {
        return Ok(());
    }
    let detail =
        "a cash account sells only what it holds and has not promised to other sell orders";
    let failure = Failure::new(Reason::InsufficientQuantity, detail).at("qty");
    let value = instrument.format_quantity(more);
    Err(failure.compare(value, instrument.format_quantity(free)))
}

/// The hold that an order has, for another quantity.
fn in_proportion(order: &Order, leaves: Quantity) -> Money {
    let product = i128::from(order.hold) * i128::from(leaves);
    clamp(divide(product, i128::from(order.leaves().max(1)), Rounding::Up))
}

/// The new hold, if buying power covers what it needs more.
fn check_cash(
    durable: &Durable,
    ephemeral: &Ephemeral,
    order: &Order,
    terms: &OrderTerms,
) -> Result<Money, Failure> {
    let Some(account) = durable.account(terms.account) else {
        return Ok(order.hold);
    };
    if terms.more().held.is_some() {
        return Ok(order.hold);
    }
    let leaves = terms.qty - order.filled;
    if terms.side == Side::Sell && account.margin().is_none() {
        return Ok(in_proportion(order, leaves));
    }
    let price = terms.limit_price.or(terms.stop_price.filter(|_| !order.triggered));
    let hold = match price {
        Some(price) if account.margin().is_some() => {
            let value = durable
                .instrument(terms.instrument)
                .map_or(0, |record| record.terms.value(price, leaves, Rounding::Up));
            margin_hold(durable, account, terms, (leaves, value), order.leaves(), ephemeral)
        }
        Some(price) => hold_at(durable, terms.instrument, price, leaves),
        // A market-priced order that waits: the hold it has, in proportion.
        None => in_proportion(order, leaves),
    };
    let power = power_for(durable, ephemeral, account, terms.instrument);
    let more = i128::from(hold) - i128::from(order.hold);
    if more <= power.max(0) {
        return Ok(hold);
    }
    let failure = Failure::new(
        Reason::InsufficientBuyingPower,
        "the change needs more cash than the account can spend",
    );
    Err(failure.at("qty").compare(format_money(more), format_money(power)))
}
