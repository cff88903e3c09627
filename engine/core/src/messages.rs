//! Private messages of the stream, made from events: channels `orders`, `fills`, `account`,
//! `positions`, `alerts`. A channel gets a message exactly when its row changes.

use crate::corporate::event::CorporateEvent;
use crate::delay::{DelayEvent, FailedCheck};
use crate::durable::Durable;
use crate::event::{Event, Turn};
use crate::ids::{AccountIndex, OrderNumber};
use crate::objects;
use crate::project::{Projector, Touched, account_id, order_row};
use crate::risk::records::{alert_rows, push_alert};
use crate::rows::Message;
use crate::words::Status;

/// What most messages fit into.
const USUAL_BYTES: usize = 512;

/// The word of the `orders` channel for an event, and the order it is about.
fn order_message(event: &Event) -> Option<(&'static str, OrderNumber)> {
    match event {
        Event::Accepted { order, .. } => Some(("new", *order)),
        Event::Rejected { order, .. } => Some(("rejected", *order)),
        Event::Triggered { order, .. } => Some(("triggered", *order)),
        Event::Filled(fill) if fill.completes => Some(("fill", fill.order)),
        Event::Filled(fill) => Some(("partial_fill", fill.order)),
        Event::Canceled { order, .. } => Some(("canceled", *order)),
        Event::Expired { order, .. } => Some(("expired", *order)),
        Event::Replaced(replaced) => Some(("replaced", replaced.order)),
        Event::Delay(event) => match &**event {
            DelayEvent::Arrived { order, .. } => order.map(|order| ("new", order)),
            DelayEvent::Refused { order, .. } => Some(("replace_rejected", *order)),
            _ => None,
        },
        Event::Corporate(event) => match &**event {
            CorporateEvent::Order { adjusted, .. } => Some(("adjusted", adjusted.order)),
            _ => None,
        },
        Event::Changed(change) => change.order().map(|order| (change.message(), order)),
        _ => None,
    }
}

/// Why the new terms of an order were refused, where the event is about that.
fn why_refused(event: &Event) -> Option<(&str, Option<&FailedCheck>)> {
    match event {
        Event::Delay(event) => match &**event {
            DelayEvent::Refused { reason, failed, .. } => Some((reason, failed.as_deref())),
            _ => None,
        },
        _ => None,
    }
}

/// Messages of one event: about its order, its fill, what it alerts of. The rows of the event are
/// in the projector already.
pub(crate) fn push_messages(
    messages: &mut Vec<Message>,
    projector: &Projector,
    durable: &Durable,
    turn: &Turn,
    i: u32,
    event: &Event,
) {
    let order = order_message(event)
        .and_then(|(kind, number)| durable.order(number).map(|order| (kind, order)));
    if let Some((kind, order)) = order {
        let is_under_way = kind == "new" && order.status == Status::PendingNew;
        let kind = if is_under_way { order.status.word() } else { kind };
        let mut data = String::with_capacity(USUAL_BYTES);
        match (projector.order_of(event, order.number), why_refused(event)) {
            (Some(row), _) => objects::push_order_row(&mut data, row, turn.seq),
            (None, None) => objects::push_order(&mut data, durable, &order, turn.seq),
            (None, Some(why)) => {
                let Some(row) = order_row(durable, &order) else { return };
                objects::push_order_refused(&mut data, &row, turn.seq, why);
            }
        }
        messages.push(message(durable, turn, order.terms.account, ("orders", kind), data));
    }
    if let (Event::Filled(fill), Some(row)) = (event, projector.fill_at(turn, i)) {
        let mut data = String::with_capacity(USUAL_BYTES);
        objects::push_fill_row(&mut data, row);
        messages.push(message(durable, turn, fill.account, ("fills", "fill"), data));
    }
    for row in alert_rows(durable, turn, i, event) {
        let mut data = String::with_capacity(USUAL_BYTES);
        push_alert(&mut data, &row);
        let (account_id, kind) = (row.account_id, row.kind);
        messages.push(Message { seq: turn.seq, account_id, channel: "alerts", kind, data });
    }
}

/// Messages of a turn: the accounts and positions that it touched, as they stand after it.
pub(crate) fn push_touched(
    messages: &mut Vec<Message>,
    durable: &Durable,
    turn: &Turn,
    touched: &Touched,
) {
    for index in &touched.accounts {
        if let Some(account) = durable.account(*index) {
            let mut data = String::with_capacity(USUAL_BYTES);
            let worth = durable.worth(account);
            objects::push_account(&mut data, durable, account, worth, turn.seq);
            messages.push(message(durable, turn, *index, ("account", "account"), data));
        }
    }
    for (index, instrument) in &touched.positions {
        let (Some(account), Some(record)) =
            (durable.account(*index), durable.instrument(*instrument))
        else {
            continue;
        };
        let mut data = String::with_capacity(USUAL_BYTES);
        let position = account.position(*instrument);
        let held = (&record.terms, position);
        objects::push_position(&mut data, durable, account, held, record.mark.price());
        messages.push(message(durable, turn, *index, ("positions", "position"), data));
    }
}

fn message(
    durable: &Durable,
    turn: &Turn,
    account: AccountIndex,
    (channel, kind): (&'static str, &'static str),
    data: String,
) -> Message {
    Message { seq: turn.seq, account_id: account_id(durable, account), channel, kind, data }
}
