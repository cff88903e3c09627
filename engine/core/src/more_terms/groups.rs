//! The terms of groups: the legs of a bracket, and those of a multi-leg order.

use super::{LIST_MAX, Leg, PercentTerm, Shown, StopLoss, TakeProfit, Term, bounded};
use crate::instrument::Instrument;
use crate::json::{ObjectWriter, Value, push_list};
use crate::reply::Refusal;
use crate::units::{PRICE_MAX, Price, QUANTITY_MAX};
use crate::wire::Fields;
use crate::words::{PositionIntent, Side};

pub(super) struct TakeProfitTerm;

impl Term<Option<TakeProfit>> for TakeProfitTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        instrument: &Instrument,
    ) -> Result<Option<TakeProfit>, Refusal> {
        if fields.get(key).is_none() {
            return Ok(None);
        }
        let limit_price = fields.part(key)?.needed_price("limit_price", instrument)?;
        Ok(Some(TakeProfit { limit_price }))
    }
    fn write(value: &Option<TakeProfit>, out: &mut String) {
        let price = value.as_ref().map_or(0, |profit| profit.limit_price);
        ObjectWriter::begin(out).value("limit_price", price).end();
    }
    fn read(value: &Value<'_>) -> Option<Option<TakeProfit>> {
        let limit_price = bounded(value.get("limit_price")?, PRICE_MAX)?;
        Some(Some(TakeProfit { limit_price }))
    }
    fn show(value: &Option<TakeProfit>, shown: &Shown<'_>, out: &mut String) {
        let price = value.as_ref().map_or(0, |profit| profit.limit_price);
        ObjectWriter::begin(out).text("limit_price", &shown.instrument.format_price(price)).end();
    }
}

pub(super) struct StopLossTerm;

impl StopLossTerm {
    fn prices(loss: &StopLoss) -> [(&'static str, Option<Price>); 3] {
        [
            ("stop_price", loss.stop_price),
            ("limit_price", loss.limit_price),
            ("trail_price", loss.trail_price),
        ]
    }
}

impl Term<Option<StopLoss>> for StopLossTerm {
    fn ask(
        fields: &Fields<'_>,
        key: &'static str,
        instrument: &Instrument,
    ) -> Result<Option<StopLoss>, Refusal> {
        if fields.get(key).is_none() {
            return Ok(None);
        }
        let part = fields.part(key)?;
        Ok(Some(StopLoss {
            stop_price: part.price("stop_price", instrument)?,
            limit_price: part.price("limit_price", instrument)?,
            trail_price: part.price("trail_price", instrument)?,
            trail_percent: PercentTerm::ask(&part, "trail_percent", instrument)?,
        }))
    }
    fn write(value: &Option<StopLoss>, out: &mut String) {
        let mut object = ObjectWriter::begin(out);
        if let Some(loss) = value {
            for (key, price) in StopLossTerm::prices(loss) {
                if let Some(price) = price {
                    object = object.value(key, price);
                }
            }
            if let Some(percent) = loss.trail_percent {
                object = object.value("trail_percent", percent);
            }
        }
        object.end();
    }
    fn read(value: &Value<'_>) -> Option<Option<StopLoss>> {
        let price = |key| match value.get(key) {
            None => Some(None),
            Some(value) => bounded(value, PRICE_MAX).map(Some),
        };
        Some(Some(StopLoss {
            stop_price: price("stop_price")?,
            limit_price: price("limit_price")?,
            trail_price: price("trail_price")?,
            trail_percent: price("trail_percent")?,
        }))
    }
    fn show(value: &Option<StopLoss>, shown: &Shown<'_>, out: &mut String) {
        let mut object = ObjectWriter::begin(out);
        if let Some(loss) = value {
            for (key, price) in StopLossTerm::prices(loss) {
                if let Some(price) = price {
                    object = object.text(key, &shown.instrument.format_price(price));
                }
            }
            if loss.trail_percent.is_some() {
                object = object.with("trail_percent", |out| {
                    PercentTerm::show(&loss.trail_percent, shown, out);
                });
            }
        }
        object.end();
    }
}

/// The legs that a command names.
pub(crate) fn legs_of(fields: &Fields<'_>) -> Result<Vec<Leg>, Refusal> {
    let leg = |part: &Fields<'_>| -> Result<Leg, Refusal> {
        let (instrument, terms) = part.instrument()?;
        let side = part.side()?;
        let ratio_qty = part.needed_quantity("ratio_qty", terms)?;
        let position_intent = match part.get("position_intent") {
            None => None,
            Some(_) => {
                let (from, all) = (PositionIntent::from_word, PositionIntent::ALL);
                Some(part.word("position_intent", from, all, PositionIntent::word)?)
            }
        };
        Ok(Leg { instrument, side, ratio_qty, position_intent })
    };
    fields.parts("legs", LIST_MAX)?.iter().map(leg).collect()
}

/// What a leg is meant for, when it says so.
fn with_intent<'a>(object: ObjectWriter<'a>, leg: &Leg) -> ObjectWriter<'a> {
    match leg.position_intent {
        None => object,
        Some(intent) => object.text("position_intent", intent.word()),
    }
}

pub(super) struct LegsTerm;

impl Term<Vec<Leg>> for LegsTerm {
    fn ask(fields: &Fields<'_>, _: &'static str, _: &Instrument) -> Result<Vec<Leg>, Refusal> {
        legs_of(fields)
    }
    fn write(value: &Vec<Leg>, out: &mut String) {
        push_list(out, value, |out, leg| {
            let object = ObjectWriter::begin(out)
                .value("instrument", leg.instrument)
                .text("side", leg.side.word())
                .value("ratio_qty", leg.ratio_qty);
            with_intent(object, leg).end();
        });
    }
    fn read(value: &Value<'_>) -> Option<Vec<Leg>> {
        let leg = |value: &Value<'_>| {
            Some(Leg {
                instrument: value.get("instrument")?.integer()?,
                side: Side::from_word(value.get("side")?.text()?)?,
                ratio_qty: bounded(value.get("ratio_qty")?, QUANTITY_MAX)?,
                position_intent: match value.get("position_intent") {
                    None => None,
                    Some(word) => Some(word.text().and_then(PositionIntent::from_word)?),
                },
            })
        };
        value.list()?.iter().map(leg).collect()
    }
    fn show(value: &Vec<Leg>, shown: &Shown<'_>, out: &mut String) {
        push_list(out, value, |out, leg| {
            let terms = shown.durable.instrument(leg.instrument).map(|record| &record.terms);
            let qty = terms.map(|terms| terms.format_quantity(leg.ratio_qty));
            let object = ObjectWriter::begin(out)
                .maybe_text("symbol", terms.map(|terms| terms.symbol.as_str()))
                .text("side", leg.side.word())
                .maybe_text("ratio_qty", qty.as_deref());
            with_intent(object, leg).end();
        });
    }
}
