//! Corporate actions as text: commands, events on the tape, and their part of snapshots.

use crate::corporate::event::{CorporateEvent, OrderAdjusted, PositionAdjusted};
use crate::corporate::{Action, Change, Corporate, CorporateCommand, Cursor, Stage};
use crate::durable::Durable;
use crate::instrument::{Instrument, Mark};
use crate::json::ObjectWriter;
use crate::lots::Lot;
use crate::money::event::{push_lot_list, read_lot_list};
use crate::more_terms::MoreTerms;
use crate::project::{account_id, order_id};
use crate::reply::Refusal;
use crate::snapshot::{SnapshotError, bad};
use crate::stored::{Input, Output, Stored};
use crate::tape_read;
use crate::units::{AMOUNT_MAX, Money, Nanos, PRICE_MAX, QUANTITY_MAX, RATE_SCALE};
use crate::wire;
use crate::words::refusal;

/// Reads the announcement of an action.
pub(crate) fn decode(fields: &wire::Fields<'_>) -> Result<CorporateCommand, Refusal> {
    let (instrument, terms) = fields.instrument()?;
    let id = fields.text("action_id")?;
    let time = |field: &'static str| -> Result<Nanos, Refusal> {
        if fields.get(field).is_some() { fields.integer(field) } else { Ok(0) }
    };
    Ok(CorporateCommand::Announce(Action {
        id: id.to_owned(),
        instrument,
        change: decode_change(fields, terms)?,
        ex_ns: time("ex_ns")?,
        pay_ns: time("pay_ns")?,
        stage: Stage::Announced,
        below: 0,
        before: Mark::default(),
        owed: Vec::new(),
    }))
}

/// Reads the command that calls an action off.
pub(crate) fn decode_call_off(fields: &wire::Fields<'_>) -> Result<CorporateCommand, Refusal> {
    Ok(CorporateCommand::CallOff { id: fields.text("action_id")?.to_owned() })
}

fn decode_change(fields: &wire::Fields<'_>, terms: &Instrument) -> Result<Change, Refusal> {
    Ok(match fields.text("action")? {
        "cash_dividend" => Change::CashDividend {
            amount: fields.needed("amount", RATE_SCALE, refusal::MALFORMED)?,
        },
        "split" | "stock_dividend" => {
            Change::Split { new: fields.integer("new")?, old: fields.integer("old")? }
        }
        "symbol_change" => Change::Rename {
            symbol: fields.text("new_symbol")?.to_owned(),
            name: match fields.get("name") {
                None => terms.name.clone(),
                Some(_) => fields.text("name")?.to_owned(),
            },
        },
        "delisting" => Change::Delist { price: fields.price("price", terms)?.unwrap_or(0) },
        _ => {
            let known = "cash_dividend, stock_dividend, split, symbol_change, delisting";
            return Err(wire::malformed(format!("action must be one of {known}")).at("action"));
        }
    })
}

fn push_change(out: &mut String, change: &Change) {
    let object = ObjectWriter::begin(out);
    match change {
        Change::CashDividend { amount } => object.value("dividend", amount).end(),
        Change::Split { new, old } => object.value("new", new).value("old", old).end(),
        Change::Rename { symbol, name } => object.text("symbol", symbol).text("name", name).end(),
        Change::Delist { price } => object.value("delist", price).end(),
    }
}

/// The word of an event on the tape.
fn word(event: &CorporateEvent) -> &'static str {
    match event {
        CorporateEvent::Announced(_) => "corporate_announced",
        CorporateEvent::CalledOff { .. } => "corporate_called_off",
        CorporateEvent::Began { .. } => "corporate_began",
        CorporateEvent::Order { .. } => "corporate_order",
        CorporateEvent::Position { .. } => "corporate_position",
        CorporateEvent::Owed { .. } => "corporate_owed",
        CorporateEvent::Renamed { .. } => "corporate_renamed",
        CorporateEvent::Worked { .. } => "corporate_worked",
        CorporateEvent::Paid { .. } => "corporate_paid",
        CorporateEvent::Ended { .. } => "corporate_ended",
    }
}

/// Appends an event. The durable state is the one after it.
pub(crate) fn push(out: &mut String, durable: &Durable, event: &CorporateEvent) {
    let object = ObjectWriter::begin(out).text("e", word(event)).text("action", event.id());
    let account = |index| account_id(durable, index);
    match event {
        CorporateEvent::Announced(action) => {
            let symbol = durable.instrument(action.instrument).map(|it| it.terms.symbol.as_str());
            object
                .text("symbol", symbol.unwrap_or(""))
                .with("change", |out| push_change(out, &action.change))
                .value("ex_ns", action.ex_ns)
                .value("pay_ns", action.pay_ns)
        }
        CorporateEvent::Began { mark, .. } => object
            .maybe_value("bid", mark.bid)
            .maybe_value("ask", mark.ask)
            .maybe_value("last", mark.last)
            .maybe_value("high", mark.high)
            .maybe_value("low", mark.low),
        CorporateEvent::Order { adjusted, .. } => push_order(object, durable, adjusted),
        CorporateEvent::Position { adjusted, .. } => object
            .text("account", &account(adjusted.account))
            .value("qty", adjusted.qty)
            .value("cost", adjusted.cost)
            .value("cash", adjusted.cash)
            .value("realized_pl", adjusted.realized_pl)
            .members_of(&here_text("realized_here", adjusted.realized_here))
            .members_of(&lots_text(&adjusted.lots)),
        CorporateEvent::Owed { account: index, amount, here, .. } => object
            .text("account", &account(*index))
            .value("amount", amount)
            .members_of(&here_text("here", *here)),
        CorporateEvent::Paid { account: index, amount, .. } => {
            object.text("account", &account(*index)).value("amount", amount)
        }
        CorporateEvent::Renamed { account: index, .. } => object.text("account", &account(*index)),
        CorporateEvent::CalledOff { .. }
        | CorporateEvent::Worked { .. }
        | CorporateEvent::Ended { .. } => object,
    }
    .end();
}

/// An amount in the currency of the account as a member, when that is another one.
fn here_text(key: &str, here: Option<Money>) -> String {
    let mut out = String::new();
    if let Some(here) = here {
        ObjectWriter::begin(&mut out).value(key, here).end();
    }
    out
}

/// The lots of a position as a member, when there are some.
fn lots_text(lots: &[Lot]) -> String {
    let mut out = String::new();
    if !lots.is_empty() {
        ObjectWriter::begin(&mut out).with("lots", |out| push_lot_list(out, lots)).end();
    }
    out
}

fn push_order<'a>(
    object: ObjectWriter<'a>,
    durable: &Durable,
    adjusted: &OrderAdjusted,
) -> ObjectWriter<'a> {
    let object = object
        .text("order", &order_id(durable, adjusted.order))
        .value("qty", adjusted.qty)
        .value("filled", adjusted.filled)
        .value("waits", adjusted.waits)
        .maybe_value("limit_price", adjusted.limit_price)
        .maybe_value("stop_price", adjusted.stop_price)
        .value("hold", adjusted.hold);
    let object = match adjusted.shown_from {
        Some(from) => object.value("shown_from", from),
        None => object,
    };
    match &adjusted.more {
        Some(more) => object.with("more", |out| more.write(out)),
        None => object,
    }
}

/// Reads an event back; `None` when it is none of this family.
pub(crate) fn read(fields: &tape_read::Fields<'_>) -> Option<Result<CorporateEvent, String>> {
    let name = fields.text("e").ok()?;
    name.starts_with("corporate_").then(|| read_event(fields, name))
}

fn read_event(fields: &tape_read::Fields<'_>, name: &str) -> tape_read::Read<CorporateEvent> {
    let id = fields.owned("action")?;
    let corporate = &fields.durable.corporate;
    if name == "corporate_announced" {
        return read_announced(fields, id);
    }
    let known = corporate.find(&id).and_then(|at| corporate.actions.get(at));
    let instrument = known.ok_or("no such action is announced")?.instrument;
    let amount = |key: &str| signed(fields, key);
    let maybe = |key: &str| fields.value.get(key).map(|_| signed(fields, key)).transpose();
    Ok(match name {
        "corporate_called_off" => CorporateEvent::CalledOff { id },
        "corporate_began" => CorporateEvent::Began { id, mark: fields.mark()? },
        "corporate_order" => CorporateEvent::Order { id, adjusted: Box::new(read_order(fields)?) },
        "corporate_position" => {
            let adjusted = Box::new(PositionAdjusted {
                account: fields.account()?,
                instrument,
                qty: amount("qty")?,
                cost: amount("cost")?,
                cash: amount("cash")?,
                realized_pl: amount("realized_pl")?,
                realized_here: maybe("realized_here")?,
                lots: fields.value.get("lots").map_or(Ok(Vec::new()), read_lot_list)?,
            });
            CorporateEvent::Position { id, adjusted }
        }
        "corporate_owed" => {
            let (account, amount, here) = (fields.account()?, amount("amount")?, maybe("here")?);
            CorporateEvent::Owed { id, account, amount, here }
        }
        "corporate_renamed" => CorporateEvent::Renamed { id, account: fields.account()? },
        "corporate_worked" => CorporateEvent::Worked { id },
        "corporate_paid" => {
            let (account, amount) = (fields.account()?, amount("amount")?);
            CorporateEvent::Paid { id, account, instrument, amount }
        }
        "corporate_ended" => CorporateEvent::Ended { id },
        name => return Err(format!("no event is called {name:?}")),
    })
}

/// A whole number within the bounds of an amount, either sign.
fn signed(fields: &tape_read::Fields<'_>, key: &str) -> tape_read::Read<i64> {
    let number: i64 = fields.integer(key)?;
    let fits = number.unsigned_abs() <= AMOUNT_MAX.unsigned_abs();
    fits.then_some(number).ok_or_else(|| format!("{key} is out of bounds"))
}

fn read_announced(fields: &tape_read::Fields<'_>, id: String) -> tape_read::Read<CorporateEvent> {
    let value = fields.value.get("change").ok_or("the action has no change")?;
    let inner = tape_read::Fields { durable: fields.durable, value };
    let has = |key: &str| value.get(key).is_some();
    let ratio = |key: &str| inner.integer::<u32>(key).map(|number| number.max(1));
    let change = if has("dividend") {
        Change::CashDividend { amount: inner.amount("dividend")? }
    } else if has("new") {
        Change::Split { new: ratio("new")?, old: ratio("old")? }
    } else if has("symbol") {
        Change::Rename { symbol: inner.owned("symbol")?, name: inner.owned("name")? }
    } else {
        Change::Delist { price: inner.bounded("delist", PRICE_MAX)? }
    };
    Ok(CorporateEvent::Announced(Box::new(Action {
        id,
        instrument: fields.symbol()?,
        change,
        ex_ns: fields.integer("ex_ns")?,
        pay_ns: fields.integer("pay_ns")?,
        stage: Stage::Announced,
        below: 0,
        before: Mark::default(),
        owed: Vec::new(),
    })))
}

fn read_order(fields: &tape_read::Fields<'_>) -> tape_read::Read<OrderAdjusted> {
    let order = fields.open_order()?;
    let more = fields.value.get("more").map(MoreTerms::read).transpose()?;
    Ok(OrderAdjusted {
        order: order.number,
        qty: fields.bounded("qty", QUANTITY_MAX)?,
        filled: fields.bounded("filled", QUANTITY_MAX)?,
        waits: match fields.value.get("waits") {
            Some(_) => fields.bounded("waits", QUANTITY_MAX)?,
            None => 0,
        },
        limit_price: fields.price("limit_price")?,
        stop_price: fields.price("stop_price")?,
        more: more.map(Box::new),
        hold: fields.amount("hold")?,
        shown_from: match fields.value.get("shown_from") {
            Some(_) => Some(fields.bounded("shown_from", QUANTITY_MAX)?),
            None => None,
        },
    })
}

impl Stored for Change {
    fn put(&self, out: &mut Output<'_>) {
        match self {
            Change::CashDividend { amount } => (0_u8, *amount).put(out),
            Change::Split { new, old } => (1_u8, (*new, *old)).put(out),
            Change::Rename { symbol, name } => (2_u8, (symbol.clone(), name.clone())).put(out),
            Change::Delist { price } => (3_u8, *price).put(out),
        }
    }

    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(match u8::get(input)? {
            0 => Change::CashDividend { amount: i64::get(input)? },
            1 => Change::Split { new: u32::get(input)?.max(1), old: u32::get(input)?.max(1) },
            2 => Change::Rename { symbol: String::get(input)?, name: String::get(input)? },
            3 => Change::Delist { price: i64::get(input)? },
            _ => return Err(bad("an unknown corporate action")),
        })
    }
}

impl Stored for Stage {
    fn put(&self, out: &mut Output<'_>) {
        match self {
            Stage::Announced => 0_u8.put(out),
            Stage::Working(cursor) => (1_u8, *cursor).put(out),
            Stage::Owing { next } => (2_u8, *next).put(out),
        }
    }

    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(match u8::get(input)? {
            0 => Stage::Announced,
            1 => Stage::Working(Cursor::get(input)?),
            2 => Stage::Owing { next: u32::get(input)? },
            _ => return Err(bad("an unknown stage")),
        })
    }
}

crate::snapshot::stored_records! {
    Cursor { account, order, position };
    Action { id, instrument, change, ex_ns, pay_ns, stage, below, before, owed };
    Corporate { actions, over };
}
