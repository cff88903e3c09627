//! Turns as text: written here, and read back for a rebuild.
//!
//! A body is `{"v":1,"kind":...,"events":[...]}` with fixed key order and no blanks. Prices,
//! quantities and money are integers at their scales (which stand in the listing), ids are text.
//! The tape is never rewritten: a body of an older version is raised to the present one by
//! `upcast` before its events are read.

use crate::contract;
use crate::corporate;
use crate::durable::Durable;
use crate::event::{Event, Fill, RequestId, Turn};
use crate::evolve::evolve;
use crate::exchange::Exchange;
use crate::ids::{InstrumentIndex, format_uuid};
use crate::instrument::Mark;
use crate::json::{ObjectWriter, Value, parse, push_list};
use crate::order::OrderTerms;
use crate::project::{account_id, fill_id, order_id};
use crate::receipt::text::push_tape as push_receipt;
use crate::risk;
use crate::session::text as session;
use crate::snapshot::SNAPSHOT_VERSION;
use crate::tape_read::Fields;
use crate::units::Nanos;

/// The version of the bodies that this engine writes.
pub const BODY_VERSION: u64 = 1;

pub(crate) fn begin_body(out: &mut String, kind: &str) {
    out.push_str("{\"v\":1,\"kind\":\"");
    out.push_str(kind);
    out.push_str("\",\"events\":[");
}

pub(crate) fn end_body(out: &mut String) {
    out.push_str("]}");
}

/// Raises a body of an older version to the present one. There is none older than 1 yet; the next
/// version adds its step here.
fn upcast(body: Value<'_>) -> Result<Value<'_>, String> {
    match body.get("v").and_then(Value::integer::<u64>) {
        Some(BODY_VERSION) => Ok(body),
        version => Err(format!("bodies of version {version:?} are not known here")),
    }
}

/// Reads a body and applies its events one by one, telling each after it was applied.
pub(crate) fn replay(
    durable: &mut Durable,
    turn: &Turn,
    body: &str,
    mut tell: impl FnMut(&Durable, u32, &Event),
) -> Result<(), String> {
    let body = upcast(parse(body.as_bytes())?)?;
    let events = body.get("events").and_then(Value::list).ok_or("the body has no events")?;
    if events.is_empty() {
        return Err("the body has no events".to_owned());
    }
    for (index, value) in events.iter().enumerate() {
        let event =
            Fields { durable, value }.event().map_err(|why| format!("event {index}: {why}"))?;
        evolve(durable, turn, &event);
        tell(durable, index as u32, &event);
    }
    Ok(())
}

fn symbol(durable: &Durable, index: InstrumentIndex) -> &str {
    durable.instrument(index).map_or("", |record| record.terms.symbol.as_str())
}

fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

fn begin<'a>(out: &'a mut String, name: &str) -> ObjectWriter<'a> {
    ObjectWriter::begin(out).text("e", name)
}

fn with_request<'a>(object: ObjectWriter<'a>, request: Option<&RequestId>) -> ObjectWriter<'a> {
    let digest = request.map(|request| hex(request.digest));
    object
        .maybe_text("request", request.map(|request| request.id.as_str()))
        .maybe_text("digest", digest.as_deref())
}

/// Appends an event. The durable state is the one after it.
pub(crate) fn push_event(out: &mut String, durable: &Durable, event: &Event) {
    match event {
        Event::WorldCreated(_)
        | Event::ExchangeListed { .. }
        | Event::InstrumentListed(_)
        | Event::AccountOpened { .. } => push_listing(out, durable, event),
        Event::Deposited { account, amount } => begin(out, "deposited")
            .text("account", &account_id(durable, *account))
            .value("amount", amount)
            .end(),
        Event::Contract(event) => contract::push_event(out, durable, event),
        Event::Delay(event) => crate::delay::text::push_event(out, durable, event),
        Event::RulesSet(set) => {
            crate::profile::command::push_event(begin(out, "rules_set"), durable, set).end();
        }
        Event::Risk(event) => risk::tape::push_event(out, durable, event),
        Event::Filled(fill) => push_fill(out, durable, fill),
        Event::Corporate(event) => corporate::text::push(out, durable, event),
        Event::Money(event) => event.push(out, durable),
        Event::Accepted { .. } | Event::Rejected { .. } => push_arrival(out, durable, event),
        Event::Changed(change) => crate::change::text::push(out, durable, change),
        Event::Triggered { .. }
        | Event::Canceled { .. }
        | Event::Expired { .. }
        | Event::Replaced(_) => push_change(out, durable, event),
        _ => push_time_event(out, durable, event),
    }
}

/// An order came.
fn push_arrival(out: &mut String, durable: &Durable, event: &Event) {
    match event {
        Event::Accepted { order, terms, digest, hold, passed } => {
            let object = begin(out, "accepted").text("order", &order_id(durable, *order));
            let object = with_terms(object, durable, terms)
                .text("digest", &hex(*digest))
                .value("hold", hold);
            risk::tape::with_passed(object, passed.as_ref()).end();
        }
        Event::Rejected { order, terms, digest, reason, value, limit } => {
            let object = begin(out, "rejected").text("order", &order_id(durable, *order));
            with_terms(object, durable, terms)
                .text("digest", &hex(*digest))
                .text("reason", reason.word())
                .maybe_text("value", value.as_deref())
                .maybe_text("limit", limit.as_deref())
                .end();
        }
        _ => {}
    }
}

/// An order changed otherwise than by a fill.
fn push_change(out: &mut String, durable: &Durable, event: &Event) {
    match event {
        Event::Triggered { order, price } => begin(out, "triggered")
            .text("order", &order_id(durable, *order))
            .value("price", price)
            .end(),
        Event::Canceled { order, reason, release, request } => {
            let object = begin(out, "canceled")
                .text("order", &order_id(durable, *order))
                .text("reason", reason.word())
                .value("release", release);
            with_request(object, request.as_ref()).end();
        }
        Event::Expired { order, release } => begin(out, "expired")
            .text("order", &order_id(durable, *order))
            .value("release", release)
            .end(),
        Event::Replaced(replaced) => {
            let object = begin(out, "replaced")
                .text("order", &order_id(durable, replaced.order))
                .value("qty", replaced.qty)
                .maybe_value("limit_price", replaced.limit_price)
                .maybe_value("stop_price", replaced.stop_price)
                .text("time_in_force", replaced.time_in_force.word())
                .value("hold", replaced.hold)
                .value("keeps_priority", replaced.keeps_priority);
            let object = match &replaced.more {
                Some(more) => object.with("more", |out| more.write(out)),
                None => object,
            };
            let object = risk::tape::with_checks(object, replaced.passed.as_ref());
            with_request(object, replaced.request.as_ref()).end();
        }
        _ => {}
    }
}

fn with_terms<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    terms: &OrderTerms,
) -> ObjectWriter<'a> {
    let object = object
        .text("account", &account_id(durable, terms.account))
        .text("client_order_id", &terms.client_order_id)
        .text("symbol", symbol(durable, terms.instrument))
        .text("side", terms.side.word())
        .text("type", terms.order_type.word())
        .value("qty", terms.qty)
        .maybe_value("limit_price", terms.limit_price)
        .maybe_value("stop_price", terms.stop_price)
        .text("time_in_force", terms.time_in_force.word());
    match &terms.more {
        Some(more) => object.with("more", |out| more.write(out)),
        None => object,
    }
}

fn push_fill(out: &mut String, durable: &Durable, fill: &Fill) {
    let object = begin(out, "filled")
        .text("fill", &fill_id(durable, fill.number))
        .text("order", &order_id(durable, fill.order))
        .text("account", &account_id(durable, fill.account))
        .text("symbol", symbol(durable, fill.instrument))
        .text("side", fill.side.word())
        .value("price", fill.price)
        .value("qty", fill.qty)
        .value("notional", fill.notional)
        .value("fee", fill.fee)
        .value("release", fill.release)
        .value("cost", fill.cost)
        .value("realized_pl", fill.realized_pl)
        .text("liquidity", fill.liquidity.word())
        .text("counterparty", fill.counterparty.word())
        .value("completes", fill.completes);
    let object = if fill.margined { object.value("margined", true) } else { object };
    let object = if fill.deposit == 0 { object } else { object.value("deposit", fill.deposit) };
    let day = fill.volume_day;
    let object = if day == 0 { object } else { object.value("volume_day", day) };
    let object = match &fill.receipt {
        Some(receipt) => object.with("receipt", |out| push_receipt(out, receipt)),
        None => object,
    };
    match &fill.effects {
        Some(effects) => {
            object.with("effects", |out| crate::money::text::push_effects(out, effects)).end();
        }
        None => object.end(),
    }
}

fn push_exchange(out: &mut String, exchange: &Exchange, day_end_ns: Nanos) {
    let (fees, profile) = (&exchange.fees, &exchange.profile);
    let mut object = begin(out, "exchange_listed")
        .text("exchange", &exchange.id)
        .text("name", &exchange.name)
        .text("currency", &exchange.currency)
        .text("calendar", &exchange.calendar)
        .value("maker_rate", fees.maker_rate)
        .value("taker_rate", fees.taker_rate)
        .value("per_share", fees.per_share)
        .value("minimum", fees.minimum)
        .text("profile", &profile.name)
        .value("spread_ticks", profile.spread_ticks)
        .value("participation", profile.participation)
        .text("market_orders", profile.market_orders.word());
    if fees.rules.is_some() {
        object = object.with("fees", |out| crate::fees::text::push(out, fees));
    }
    if profile.rules.is_some() {
        object = object.with("fill_profile", |out| crate::profile::text::push(out, profile));
    }
    let object = object.value("day_end_ns", day_end_ns);
    session::with_exchange_rules(object, exchange.rules.as_deref()).end();
}

fn push_listing(out: &mut String, durable: &Durable, event: &Event) {
    match event {
        Event::WorldCreated(world) => begin(out, "world_created")
            .text("world", &world.world)
            .value("seed", world.seed)
            .text("sharing", world.sharing.word())
            .end(),
        Event::ExchangeListed { exchange, day_end_ns } => {
            push_exchange(out, exchange, *day_end_ns);
        }
        Event::InstrumentListed(terms) => {
            let exchange = durable.exchange_for(terms);
            let object = begin(out, "instrument_listed")
                .text("symbol", &terms.symbol)
                .text("name", &terms.name)
                .text("asset_class", terms.asset_class.word())
                .text("exchange", exchange.map_or("", |exchange| exchange.terms.id.as_str()))
                .text("sector", &terms.sector)
                .text("currency", &terms.currency)
                .value("tick_size", terms.tick_size)
                .value("lot_size", terms.lot_size)
                .value("price_scale", terms.price_scale)
                .value("qty_scale", terms.qty_scale)
                .text("source", terms.source.word())
                .text("trigger", terms.trigger.word())
                .members_of(&contract::text::member(terms));
            session::with_instrument_rules(object, terms.rules.as_deref()).end();
        }
        Event::AccountOpened { id, owner, kind, currency, request, terms } => {
            let object = begin(out, "account_opened")
                .text("account", &format_uuid(*id))
                .text("owner", owner)
                .text("account_kind", kind.word())
                .text("currency", currency);
            let object = crate::margin::text::with_terms(object, terms);
            with_request(object, Some(request)).end();
        }
        _ => {}
    }
}

fn push_time_event(out: &mut String, durable: &Durable, event: &Event) {
    let exchange = |index: u32| durable.exchange(index).map_or("", |it| it.terms.id.as_str());
    match event {
        Event::CancelAllRequested { account, below, request } => {
            let object = begin(out, "cancel_all_requested")
                .text("account", &account_id(durable, *account))
                .value("below", below);
            with_request(object, request.as_ref()).end();
        }
        Event::DayEnded { exchange: index, below, next_ns } => begin(out, "day_ended")
            .text("exchange", exchange(*index))
            .value("below", below)
            .value("next_ns", next_ns)
            .end(),
        Event::SessionChanged { session, marks } => {
            let object = begin(out, "session_changed")
                .text("exchange", exchange(session.exchange))
                .text("state", session.state.word())
                .value("next_ns", session.next_ns);
            session::with_session(object, session, marks).end();
        }
        Event::Session(event) => session::push_event(out, durable, event),
        Event::Marked { marks, new_minute } => begin(out, "marked")
            .value("new_minute", new_minute)
            .with("marks", |out| {
                push_list(out, marks, |out, (index, mark)| push_mark(out, durable, *index, mark));
            })
            .end(),
        Event::Checkpoint { state_hash } => {
            let hash: String = state_hash.iter().map(|byte| format!("{byte:02x}")).collect();
            begin(out, "checkpoint")
                .text("state_hash", &hash)
                .value("layout", SNAPSHOT_VERSION)
                .end();
        }
        _ => {}
    }
}

fn push_mark(out: &mut String, durable: &Durable, index: InstrumentIndex, mark: &Mark) {
    ObjectWriter::begin(out)
        .text("symbol", symbol(durable, index))
        .maybe_value("bid", mark.bid)
        .maybe_value("ask", mark.ask)
        .maybe_value("last", mark.last)
        .maybe_value("high", mark.high)
        .maybe_value("low", mark.low)
        .end();
}
