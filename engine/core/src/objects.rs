//! The JSON objects of the wire: order, fill, account, position, quote, instrument. One shape each,
//! for replies, streams and questions alike.

use crate::account::{Account, Position};
use crate::auction::push_indication;
use crate::command::StreetLevel;
use crate::delay::FailedCheck;
use crate::details;
use crate::durable::Durable;
use crate::exchange::ExchangeRecord;
use crate::ids::format_uuid;
use crate::instrument::{Instrument, InstrumentRecord};
use crate::json::ObjectWriter;
use crate::margin::Worth;
use crate::market::Market;
use crate::order::Order;
use crate::project::order_row;
use crate::rows::{FillRow, OrderRow};
use crate::session::text as session;
use crate::units::{Price, format_money, format_time};
use crate::words::Side;

/// Appends an order as it stands.
pub(crate) fn push_order(out: &mut String, durable: &Durable, order: &Order, as_of_seq: u64) {
    match order_row(durable, order) {
        Some(row) => push_order_row(out, &row, as_of_seq),
        None => out.push_str("null"),
    }
}

/// Appends an order as its row has it.
pub(crate) fn push_order_row(out: &mut String, row: &OrderRow, as_of_seq: u64) {
    begin_order(out, row, as_of_seq).end();
}

/// Appends an order that keeps its terms, with why new ones were refused.
pub(crate) fn push_order_refused(
    out: &mut String,
    row: &OrderRow,
    as_of_seq: u64,
    (reason, failed): (&str, Option<&FailedCheck>),
) {
    let value = failed.and_then(|failed| failed.value.as_deref());
    let limit = failed.and_then(|failed| failed.limit.as_deref());
    let detail = match (value, limit) {
        (Some(value), Some(limit)) => {
            format!("the order keeps its terms: {reason}, {value} against {limit}")
        }
        _ => format!("the order keeps its terms: {reason}"),
    };
    let refused = |out: &mut String| {
        ObjectWriter::begin(out)
            .text("reason", reason)
            .text("detail", &detail)
            .maybe_text("value", value)
            .maybe_text("limit", limit)
            .end();
    };
    begin_order(out, row, as_of_seq).with("refused", refused).end();
}

fn begin_order<'a>(out: &'a mut String, row: &OrderRow, as_of_seq: u64) -> ObjectWriter<'a> {
    ObjectWriter::begin(out)
        .text("id", &row.order_id)
        .text("account_id", &row.account_id)
        .text("client_order_id", &row.client_order_id)
        .text("symbol", &row.symbol)
        .text("side", row.side)
        .text("type", row.order_type)
        .text("time_in_force", row.time_in_force)
        .text("qty", &row.qty)
        .text("filled_qty", &row.filled_qty)
        .maybe_text("filled_avg_price", row.filled_avg_price.as_deref())
        .maybe_text("limit_price", row.limit_price.as_deref())
        .maybe_text("stop_price", row.stop_price.as_deref())
        .text("status", row.status)
        .maybe_text("reason", row.reason)
        .members_of(&row.details)
        .text("created_at", &format_time(row.created_ns))
        .text("updated_at", &format_time(row.updated_ns))
        .value("as_of_seq", as_of_seq)
}

/// Appends a fill as its row has it.
pub(crate) fn push_fill_row(out: &mut String, row: &FillRow) {
    ObjectWriter::begin(out)
        .text("id", &row.fill_id)
        .text("order_id", &row.order_id)
        .text("account_id", &row.account_id)
        .text("symbol", &row.symbol)
        .text("side", row.side)
        .text("price", &row.price)
        .text("qty", &row.qty)
        .text("notional", &row.notional)
        .text("fee", &row.fee)
        .text("liquidity", row.liquidity)
        .text("counterparty", row.counterparty)
        .text("realized_pl", &row.realized_pl)
        .with_object("receipt", &row.receipt)
        .text("time", &format_time(row.time_ns))
        .value("seq", row.seq)
        .end();
}

/// Appends an account, at the given worth.
pub(crate) fn push_account(
    out: &mut String,
    durable: &Durable,
    account: &Account,
    worth: Worth,
    as_of_seq: u64,
) {
    ObjectWriter::begin(out)
        .text("id", &format_uuid(account.id))
        .text("kind", account.kind.word())
        .text("currency", durable.currency_code(account.currency))
        .text("cash", &format_money(account.cash))
        .text("equity", &format_money(worth.equity))
        .text("buying_power", &format_money(worth.buying_power(account)))
        .text("unrealized_pl", &format_money(worth.unrealized_pl))
        .text("realized_pl", &format_money(account.realized_pl))
        .text("status", account.status.word())
        .members_of(&details::of_account(durable, account, &worth))
        .value("as_of_seq", as_of_seq)
        .end();
}

/// Appends a position, valued at `price`, or at cost where there is none.
pub(crate) fn push_position(
    out: &mut String,
    durable: &Durable,
    account: &Account,
    (terms, position): (&Instrument, Position),
    price: Option<Price>,
) {
    let cost = i128::from(position.cost);
    let value = price.map_or(cost, |price| i128::from(terms.notional(price, position.qty)));
    let average = terms.average_price(cost, position.qty);
    let current = price.map(|price| terms.format_price(price));
    ObjectWriter::begin(out)
        .text("symbol", &terms.symbol)
        .text("qty", &terms.format_quantity(position.qty))
        .text("avg_entry_price", &terms.format_price(average))
        .text("market_value", &format_money(value))
        .text("cost_basis", &format_money(cost))
        .text("unrealized_pl", &format_money(value - cost))
        .maybe_text("current_price", current.as_deref())
        .text("side", if position.qty < 0 { "short" } else { "long" })
        .members_of(&details::of_position(durable, account, terms, &position))
        .end();
}

/// Appends a quote; a side that is empty is null.
pub(crate) fn push_quote(out: &mut String, durable: &Durable, terms: &Instrument, market: &Market) {
    let quote = &market.quote;
    let (bid, ask) = (market.outside(terms, Side::Buy), market.outside(terms, Side::Sell));
    let price = |level: Option<StreetLevel>| level.map(|(price, _)| terms.format_price(price));
    let size = |level: Option<StreetLevel>| level.map(|(_, size)| terms.format_quantity(size));
    let last = quote.last.map(|price| terms.format_price(price));
    let object = ObjectWriter::begin(out)
        .text("symbol", &terms.symbol)
        .maybe_text("bid", price(bid).as_deref())
        .maybe_text("ask", price(ask).as_deref())
        .maybe_text("bid_size", size(bid).as_deref())
        .maybe_text("ask_size", size(ask).as_deref())
        .maybe_text("last", last.as_deref())
        .text("time", &format_time(quote.time_ns));
    push_indication(object, durable, market, terms).end();
}

/// Appends an instrument as a client sees it.
pub(crate) fn push_instrument(out: &mut String, durable: &Durable, record: &InstrumentRecord) {
    let terms = &record.terms;
    let exchange = durable.exchange_for(terms).map_or("", |exchange| exchange.terms.id.as_str());
    let object = ObjectWriter::begin(out)
        .text("symbol", &terms.symbol)
        .text("name", &terms.name)
        .text("asset_class", terms.asset_class.word())
        .text("exchange", exchange)
        .text("sector", &terms.sector)
        .text("currency", &terms.currency)
        .text("tick_size", &terms.format_price(terms.tick_size))
        .text("lot_size", &terms.format_quantity(terms.lot_size))
        .text("status", session::status_of(durable, record).word())
        .members_of(&details::of_instrument(durable, terms));
    session::with_instrument(object, record).end();
}

/// Appends an exchange as a client sees it.
pub(crate) fn push_exchange(out: &mut String, record: &ExchangeRecord) {
    let (terms, set) = (&record.terms, record.ruling.as_deref());
    let fees = set.and_then(|set| set.fees.as_ref()).unwrap_or(&terms.fees);
    let profile = set.and_then(|set| set.profile.as_ref()).unwrap_or(&terms.profile);
    let object = ObjectWriter::begin(out)
        .text("exchange", &terms.id)
        .text("name", &terms.name)
        .text("currency", &terms.currency)
        .text("calendar", &terms.calendar)
        .text("state", record.state.word())
        .with("fees", |out| crate::fees::text::push(out, fees))
        .with("profile", |out| crate::profile::text::push(out, profile))
        .value("rules_version", set.map_or(0, |set| set.version));
    session::with_exchange(object, record).end();
}
