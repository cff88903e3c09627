//! Commands under way, on the tape and in snapshots.

use super::{Arrival, DelayEvent, Delayed, FailedCheck, What};
use crate::command::Replace;
use crate::durable::Durable;
use crate::event::RequestId;
use crate::ids::{IdKind, OrderNumber};
use crate::json::ObjectWriter;
use crate::more_terms::MoreTerms;
use crate::project::{account_id, order_id};
use crate::snapshot::{SnapshotError, bad};
use crate::stored::{Input, Output, Stored};
use crate::tape_read::{Fields, Read};
use crate::units::{PRICE_MAX, QUANTITY_MAX, TIME_MAX_NS};
use crate::words::{Reason, TimeInForce};

fn with_arrival<'a>(object: ObjectWriter<'a>, arrival: Arrival) -> ObjectWriter<'a> {
    object.value("arrives_ns", arrival.0).value("number", arrival.1)
}

fn begin<'a>(out: &'a mut String, name: &str) -> ObjectWriter<'a> {
    ObjectWriter::begin(out).text("e", name)
}

/// Writes an event.
pub(crate) fn push_event(out: &mut String, durable: &Durable, event: &DelayEvent) {
    match event {
        DelayEvent::Received { arrival, delayed, request } => {
            let object = with_arrival(begin(out, "received"), *arrival)
                .text("account", &account_id(durable, delayed.account));
            with_request(with_what(object, durable, &delayed.what), request.as_ref()).end();
        }
        DelayEvent::Arrived { arrival, order } => {
            let object = with_arrival(begin(out, "arrived"), *arrival);
            match order {
                Some(order) => object.text("order", &order_id(durable, *order)).end(),
                None => object.end(),
            }
        }
        DelayEvent::Refused { order, reason, failed } => {
            let object = begin(out, "replace_refused")
                .text("order", &order_id(durable, *order))
                .text("reason", reason);
            with_failed(object, failed.as_deref()).end();
        }
    }
}

fn with_failed<'a>(object: ObjectWriter<'a>, failed: Option<&FailedCheck>) -> ObjectWriter<'a> {
    match failed {
        None => object,
        Some(failed) => object
            .value("policy", failed.policy)
            .maybe_text("value", failed.value.as_deref())
            .maybe_text("limit", failed.limit.as_deref()),
    }
}

fn with_request<'a>(object: ObjectWriter<'a>, request: Option<&RequestId>) -> ObjectWriter<'a> {
    match request {
        None => object,
        Some(request) => {
            object.text("request", &request.id).text("digest", &format!("{:016x}", request.digest))
        }
    }
}

fn with_what<'a>(object: ObjectWriter<'a>, durable: &Durable, what: &What) -> ObjectWriter<'a> {
    match what {
        What::Order(number) => {
            object.text("what", "order").text("order", &order_id(durable, *number))
        }
        What::Cancel(number) => {
            object.text("what", "cancel").text("order", &order_id(durable, *number))
        }
        What::CancelAll(below) => object.text("what", "cancel_all").value("below", below),
        What::Replace(replace) => with_replace(object, durable, replace),
    }
}

fn with_replace<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    replace: &Replace,
) -> ObjectWriter<'a> {
    let object = object
        .text("what", "replace")
        .text("order", &order_id(durable, replace.order))
        .maybe_value("qty", replace.qty)
        .maybe_value("limit_price", replace.limit_price)
        .maybe_value("stop_price", replace.stop_price)
        .maybe_text("time_in_force", replace.time_in_force.map(TimeInForce::word));
    match replace.more.as_deref() {
        None => object,
        Some(more) => object.with("more", |out| out.push_str(&more.text())),
    }
}

/// Reads an event; `None` when it is none of these.
pub(crate) fn read_event(fields: &Fields<'_>, name: &str) -> Option<Read<DelayEvent>> {
    match name {
        "received" => Some(read_received(fields)),
        "arrived" => Some(read_arrived(fields)),
        "replace_refused" => Some(read_refused(fields)),
        _ => None,
    }
}

fn read_arrival(fields: &Fields<'_>) -> Read<Arrival> {
    Ok((fields.bounded("arrives_ns", TIME_MAX_NS)?, fields.integer("number")?))
}

fn read_received(fields: &Fields<'_>) -> Read<DelayEvent> {
    let arrival = read_arrival(fields)?;
    if arrival.1 != fields.durable.delays.count {
        return Err("the command is not the next one".to_owned());
    }
    let account = fields.account()?;
    let order = || fields.number("order", IdKind::Order);
    let what = match fields.text("what")? {
        "order" if order()? == fields.durable.next_order => What::Order(order()?),
        "cancel" => What::Cancel(order()?),
        "cancel_all" => What::CancelAll(fields.integer("below")?),
        "replace" => What::Replace(Box::new(Replace {
            account,
            order: order()?,
            request_id: None,
            qty: fields
                .value
                .get("qty")
                .map(|_| fields.bounded("qty", QUANTITY_MAX))
                .transpose()?,
            limit_price: fields.limit_price(is_net(fields.durable, order()?))?,
            stop_price: fields.price("stop_price")?,
            time_in_force: match fields.value.get("time_in_force") {
                None => None,
                Some(_) => Some(fields.word("time_in_force", TimeInForce::from_word)?),
            },
            more: match fields.value.get("more") {
                None => None,
                Some(more) => MoreTerms::read(more)?.boxed(),
            },
        })),
        _ => return Err("no command is called so, or its order is not the next one".to_owned()),
    };
    let is_known = |number| fields.durable.order(number).is_some();
    let fits = match &what {
        What::Cancel(number) => is_known(*number),
        What::Replace(replace) => is_known(replace.order),
        What::Order(_) | What::CancelAll(_) => true,
    };
    if !fits {
        return Err("the command is about an order that is not there".to_owned());
    }
    let delayed = Delayed { account, what };
    Ok(DelayEvent::Received { arrival, delayed, request: fields.request()? })
}

fn read_arrived(fields: &Fields<'_>) -> Read<DelayEvent> {
    let arrival = read_arrival(fields)?;
    let delayed = fields.durable.delays.due.get(&arrival);
    let delayed = delayed.ok_or("no such command is under way")?;
    Ok(DelayEvent::Arrived { arrival, order: delayed.what.new_order() })
}

fn read_refused(fields: &Fields<'_>) -> Read<DelayEvent> {
    let order = fields.number("order", IdKind::Order)?;
    fields.durable.order(order).ok_or("no such order")?;
    let reason = fields.owned("reason")?;
    let failed = match fields.value.get("policy") {
        None => None,
        Some(_) => {
            fields.word("reason", Reason::from_word)?;
            Some(Box::new(FailedCheck {
                policy: fields.integer("policy")?,
                value: fields.maybe_owned("value")?,
                limit: fields.maybe_owned("limit")?,
            }))
        }
    };
    Ok(DelayEvent::Refused { order, reason, failed })
}

impl Stored for Delayed {
    fn put(&self, out: &mut Output<'_>) {
        self.account.put(out);
        match &self.what {
            What::Order(number) => (0_u8, *number).put(out),
            What::Cancel(number) => (1_u8, *number).put(out),
            What::CancelAll(below) => (2_u8, *below).put(out),
            What::Replace(replace) => {
                (3_u8, replace.order).put(out);
                replace.qty.put(out);
                replace.limit_price.put(out);
                replace.stop_price.put(out);
                replace.time_in_force.put(out);
                replace.more.put(out);
            }
        }
    }

    fn get(input: &mut Input<'_>) -> Result<Delayed, SnapshotError> {
        let account = Stored::get(input)?;
        let (kind, number) = <(u8, u64)>::get(input)?;
        let what = match kind {
            0 => What::Order(number),
            1 => What::Cancel(number),
            2 => What::CancelAll(number),
            3 => What::Replace(Box::new(Replace {
                account,
                order: number,
                request_id: None,
                qty: bounded(Stored::get(input)?, QUANTITY_MAX)?,
                limit_price: net_bounded(Stored::get(input)?)?,
                stop_price: bounded(Stored::get(input)?, PRICE_MAX)?,
                time_in_force: Stored::get(input)?,
                more: Stored::get(input)?,
            })),
            _ => return Err(bad("an unknown command is under way")),
        };
        Ok(Delayed { account, what })
    }
}

fn bounded(value: Option<i64>, most: i64) -> Result<Option<i64>, SnapshotError> {
    match value {
        Some(value) if !(0..=most).contains(&value) => Err(bad("a command is not whole")),
        value => Ok(value),
    }
}

/// Whether an order has a net price, which may be a credit.
fn is_net(durable: &Durable, order: OrderNumber) -> bool {
    durable.order(order).is_some_and(|order| order.terms.is_combo())
}

/// A price that may be a credit: which order it is for is looked at when the replace arrives.
fn net_bounded(price: Option<i64>) -> Result<Option<i64>, SnapshotError> {
    bounded(price.map(i64::saturating_abs), PRICE_MAX)?;
    Ok(price)
}
