//! Receipts as text: on the tape in integers, on the wire in decimals.

use crate::event::Fill;
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, Value, push_list};
use crate::receipt::sentence::sentence;
use crate::receipt::{FeeLine, Receipt, STEPS_TOLD};
use crate::units::{
    AMOUNT_MAX, Nanos, PRICE_MAX, QUANTITY_MAX, TIME_MAX_NS, format_decimal, format_money,
};
use crate::words::{FeeKind, How};

/// The most fee lines of a receipt.
const LINES_MAX: usize = 8;

/// Nanoseconds as milliseconds, exactly.
pub(crate) fn milliseconds(nanos: Nanos) -> String {
    format_decimal(i128::from(nanos), 6, 0)
}

/// Appends a receipt as it stands on the tape; members that are zero or empty are left out.
pub(crate) fn push_tape(out: &mut String, receipt: &Receipt) {
    let mut object =
        ObjectWriter::begin(out).text("how", receipt.how.word()).text("profile", &receipt.profile);
    let maybe = [
        ("bid", receipt.bid),
        ("ask", receipt.ask),
        ("last", receipt.last),
        ("reach", receipt.reach),
        ("offered", receipt.offered),
        ("ahead", receipt.ahead),
        ("slippage", Some(receipt.slippage).filter(|it| *it != 0)),
        ("impact", Some(receipt.impact).filter(|it| *it != 0)),
        ("latency_ns", Some(receipt.latency_ns).filter(|it| *it != 0)),
        ("report_ns", Some(receipt.report_ns).filter(|it| *it != 0)),
    ];
    for (key, value) in maybe {
        if let Some(value) = value {
            object = object.value(key, value);
        }
    }
    if !receipt.fees.is_empty() {
        object = object.with("fees", |out| {
            push_list(out, &receipt.fees, |out, line| {
                out.push_str(&format!("[\"{}\",{}]", line.kind.word(), line.amount));
            });
        });
    }
    if !receipt.before.is_empty() {
        object = object.with("before", |out| {
            push_list(out, &receipt.before, |out, (price, qty)| {
                out.push_str(&format!("[{price},{qty}]"));
            });
        });
    }
    object.end();
}

/// Reads a receipt from the tape.
pub(crate) fn read_tape(value: &Value<'_>) -> Result<Receipt, String> {
    let word = |key: &str| value.get(key).and_then(Value::text).ok_or(format!("{key} is no text"));
    let number = |key: &str, most: i64| match value.get(key) {
        None => Ok(None),
        Some(found) => found
            .integer::<i64>()
            .filter(|number| (-most..=most).contains(number))
            .map(Some)
            .ok_or_else(|| format!("{key} is out of bounds")),
    };
    let list = |key: &str| value.get(key).and_then(Value::list).unwrap_or(&[]);
    Ok(Receipt {
        how: How::from_word(word("how")?).ok_or("how has an unknown word")?,
        profile: word("profile")?.to_owned(),
        bid: number("bid", PRICE_MAX)?,
        ask: number("ask", PRICE_MAX)?,
        last: number("last", PRICE_MAX)?,
        reach: number("reach", PRICE_MAX)?,
        offered: number("offered", QUANTITY_MAX)?,
        ahead: number("ahead", QUANTITY_MAX)?,
        slippage: number("slippage", i64::MAX)?.unwrap_or(0),
        impact: number("impact", i64::MAX)?.unwrap_or(0),
        latency_ns: number("latency_ns", TIME_MAX_NS)?.unwrap_or(0),
        report_ns: number("report_ns", TIME_MAX_NS)?.unwrap_or(0),
        fees: list("fees").iter().take(LINES_MAX).map(fee_line).collect::<Result<_, _>>()?,
        before: list("before").iter().take(STEPS_TOLD).map(step).collect::<Result<_, _>>()?,
    })
}

fn fee_line(value: &Value<'_>) -> Result<FeeLine, String> {
    let pair = value.list().unwrap_or(&[]);
    let kind = pair.first().and_then(Value::text).and_then(FeeKind::from_word);
    let amount = pair.get(1).and_then(Value::integer::<i64>);
    let amount = amount.filter(|amount| (-AMOUNT_MAX..=AMOUNT_MAX).contains(amount));
    kind.zip(amount)
        .map(|(kind, amount)| FeeLine { kind, amount })
        .ok_or_else(|| "a fee line is not whole".to_owned())
}

fn step(value: &Value<'_>) -> Result<(i64, i64), String> {
    let pair = value.list().unwrap_or(&[]);
    let bounded = |index: usize, most: i64| {
        let number = pair.get(index).and_then(Value::integer::<i64>);
        number.filter(|number| (0..=most).contains(number))
    };
    bounded(0, PRICE_MAX)
        .zip(bounded(1, QUANTITY_MAX))
        .ok_or_else(|| "a step of the sweep is not whole".to_owned())
}

/// The receipt of a fill as a client sees it.
pub(crate) fn push_object(
    out: &mut String,
    instrument: &Instrument,
    fill: &Fill,
    receipt: &Receipt,
) {
    let price = |price: Option<i64>| price.map(|price| instrument.format_price(price));
    let ahead = receipt.ahead.map(|ahead| instrument.format_quantity(ahead));
    ObjectWriter::begin(out)
        .text("how", receipt.how.word())
        .text("profile", &receipt.profile)
        .maybe_text("reference_bid", price(receipt.bid).as_deref())
        .maybe_text("reference_ask", price(receipt.ask).as_deref())
        .maybe_text("reference_last", price(receipt.last).as_deref())
        .maybe_text("queue_ahead", ahead.as_deref())
        .text("slippage", &instrument.format_price(receipt.slippage))
        .text("impact", &instrument.format_price(receipt.impact))
        .value("latency_ms", milliseconds(receipt.latency_ns))
        .value("report_ms", milliseconds(receipt.report_ns))
        .text("liquidity", fill.liquidity.word())
        .text("counterparty", fill.counterparty.word())
        .with("fees", |out| {
            push_list(out, &receipt.fees, |out, line| {
                ObjectWriter::begin(out)
                    .text("kind", line.kind.word())
                    .text("amount", &format_money(i128::from(line.amount)))
                    .end();
            });
        })
        .text("sentence", &sentence(instrument, fill, receipt))
        .end();
}
