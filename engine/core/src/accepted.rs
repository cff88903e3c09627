//! What a new order changes: it is kept with its request, and when it is open it counts into
//! everything that is kept by order.

use crate::dates::list_date;
use crate::durable::Durable;
use crate::evolve::{clear_requests, list_day_order, promise, set_aside};
use crate::ids::OrderNumber;
use crate::more_terms::MoreTerms;
use crate::order::{Order, OrderTerms};
use crate::orders::{Chain, Place};
use crate::session::{End, end_of};
use crate::units::{Balance, Money};
use crate::words::{Held, Reason, Status};

/// Keeps a new order, open with its hold or rejected with its reason.
pub(crate) fn take_order(
    durable: &mut Durable,
    number: OrderNumber,
    terms: &OrderTerms,
    digest: u64,
    verdict: Result<Money, Reason>,
) {
    let (seq, time_ns) = (durable.turn.seq, durable.turn.time_ns);
    let status = match verdict {
        Ok(_) => crate::delay::status_of_new(durable, number),
        Err(_) => Status::Rejected,
    };
    let mut order = Order {
        number,
        terms: terms.clone(),
        filled: 0,
        filled_value: 0,
        hold: verdict.unwrap_or(0),
        status,
        reason: verdict.err(),
        triggered: false,
        priority: durable.next_priority,
        created_ns: time_ns,
        updated_ns: time_ns,
        seq,
        extra: None,
    };
    if let Some(more) = &terms.more {
        begin_group(durable, &mut order, more);
    }
    durable.next_priority += 1;
    durable.next_order = number + 1;
    let place = durable.orders.insert(order);
    if verdict.is_ok() {
        list_end(durable, terms, place);
    }
    count_order(durable, place, digest);
}

/// Ties a new order to the one that it belongs to; it is held until that one fills.
fn begin_group(durable: &mut Durable, order: &mut Order, more: &MoreTerms) {
    let parent = more.parent.and_then(|parent| durable.orders.get_mut(parent));
    if let Some(parent) = parent {
        parent.extra_mut().legs.push(order.number);
    }
    if !order.is_open() {
        return;
    }
    match more.held {
        Some(Held::Parent) => {
            order.extra_mut().waits = order.terms.qty;
            order.status = Status::Held;
        }
        Some(Held::Group) => order.status = Status::Held,
        None => {}
    }
}

/// Puts a new open order into the lists of what ends it.
#[inline]
fn list_end(durable: &mut Durable, terms: &OrderTerms, place: Place) {
    if end_of(terms) != End::Never {
        list_day_order(durable, place);
    }
    if terms.more.is_some() {
        list_date(durable, place);
    }
}

/// Counts a new order, the newest of all, into everything that is kept by order: holds, promises,
/// the open orders of its account; and keeps its request.
fn count_order(durable: &mut Durable, place: Place, digest: u64) {
    let Durable { orders, instruments, accounts, turn, .. } = durable;
    let Some(order) = orders.at(place) else {
        return;
    };
    let (terms, is_open) = (&order.terms, order.is_open());
    let index = terms.account;
    let mut currency = None;
    if let Some(record) = instruments.get_mut(terms.instrument as usize).filter(|_| is_open) {
        record.interest += 1;
        if let Some(contract) = &mut record.contract {
            contract.orders.insert(order.number);
        }
        currency = Some(record.currency);
    }
    let Some(account) = accounts.get_mut(index as usize) else {
        return;
    };
    account.requests.push_made(orders, order, digest);
    if is_open {
        set_aside(account, currency, Balance::from(order.hold));
        promise(account, terms, order.promised());
        account.seq = account.seq.max(order.seq);
        orders.append(&mut account.open_orders, Chain::Account, place);
    }
    clear_requests(account, orders, (index, turn.time_ns));
}
