//! What an object of the wire has beyond its fixed members: one function for each kind of object.
//!
//! A row keeps these members as the text of a JSON object (empty when there is none), and replies,
//! streams and reads merge them into the object. A new member needs no new column: write it here,
//! and only when it is not what it is by default.

use crate::account::{Account, Position};
use crate::contract;
use crate::durable::Durable;
use crate::event::Fill;
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, push_list, push_text};
use crate::margin::Worth;
use crate::more_terms::Shown;
use crate::order::Order;
use crate::project::order_id;
use crate::risk;
use crate::units::format_money;

/// What most further members fit into.
const USUAL_BYTES: usize = 128;

/// Further members of an order.
pub(crate) fn of_order(durable: &Durable, order: &Order) -> String {
    let (Some(more), Some(record)) =
        (&order.terms.more, durable.instrument(order.terms.instrument))
    else {
        return String::new();
    };
    let shown = Shown { durable, instrument: &record.terms };
    collect(|mut object| {
        more.show(&shown, &mut |term, json| object.key(shown_name(term)).push_str(json));
        match order.extra().legs.as_slice() {
            [] => object,
            legs => object.with("legs", |out| {
                push_list(out, legs, |out, leg| push_text(out, &order_id(durable, *leg)));
            }),
        }
    })
}

/// The name of a term as clients see it.
fn shown_name(term: &'static str) -> &'static str {
    match term {
        "parent" => "parent_id",
        "sibling" => "sibling_id",
        "held" => "waits_for",
        "expires_ns" => "expire_time",
        // `legs` are the orders of the group.
        "legs" => "leg_terms",
        term => term,
    }
}

/// Further members of an account.
pub(crate) fn of_account(durable: &Durable, account: &Account, worth: &Worth) -> String {
    collect(|object| {
        let object = crate::money::show::account(object, durable, account, worth);
        let object = match account.receivable {
            0 => object,
            owed => object.text("receivable", &format_money(owed)),
        };
        risk::answer::details(object, account)
    })
}

/// Further members of a position.
pub(crate) fn of_position(
    durable: &Durable,
    account: &Account,
    terms: &Instrument,
    _: &Position,
) -> String {
    collect(|object| crate::money::show::position(object, durable, account, terms))
}

/// Further members of an instrument.
pub(crate) fn of_instrument(durable: &Durable, terms: &Instrument) -> String {
    collect(|object| match terms.contract.as_deref() {
        None => object,
        Some(contract) => object.with("contract", |out| {
            contract::text::push(out, durable, terms, contract);
        }),
    })
}

/// The receipt of a fill, itself a JSON object; empty when it has none.
pub(crate) fn receipt_of(durable: &Durable, fill: &Fill) -> String {
    crate::receipt::of_fill(durable, fill)
}

/// The text of the object that `write` fills; empty when it adds nothing.
fn collect(write: impl for<'a> FnOnce(ObjectWriter<'a>) -> ObjectWriter<'a>) -> String {
    let mut out = String::with_capacity(USUAL_BYTES);
    write(ObjectWriter::begin(&mut out)).end();
    if out.len() == 2 {
        out.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_say_is_an_empty_text() {
        assert_eq!(collect(|object| object), "");
        assert_eq!(collect(|object| object.text("a", "b")), r#"{"a":"b"}"#);
    }

    #[test]
    fn members_are_merged_into_their_object() {
        let merged = |details: &str| {
            let mut out = String::new();
            ObjectWriter::begin(&mut out).value("n", 1).members_of(details).value("m", 2).end();
            out
        };
        assert_eq!(merged(""), r#"{"n":1,"m":2}"#);
        assert_eq!(merged(r#"{"a":"b","c":[1]}"#), r#"{"n":1,"a":"b","c":[1],"m":2}"#);
    }
}
