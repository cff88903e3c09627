//! Changes of open orders on the tape.

use super::{ChangeEvent, LegsFilled};
use crate::durable::Durable;
use crate::json::ObjectWriter;
use crate::project::order_id;
use crate::tape_read::{Fields, Read};
use crate::units::{PRICE_MAX, TIME_MAX_NS};

/// Appends a change.
pub(crate) fn push(out: &mut String, durable: &Durable, event: &ChangeEvent) {
    let begin = |out, name| {
        let object = ObjectWriter::begin(out).text("e", name);
        object.text("order", &order_id(durable, event.order().unwrap_or(0)))
    };
    match event {
        ChangeEvent::TrailMoved { mark, stop, .. } => {
            begin(out, "trail_moved").value("mark", mark).value("stop", stop).end();
        }
        ChangeEvent::Replenished { .. } => begin(out, "replenished").end(),
        ChangeEvent::Resized { qty, waits, release, .. } => begin(out, "resized")
            .value("qty", qty)
            .value("waits", waits)
            .value("release", release)
            .end(),
        ChangeEvent::Released { qty, hold, .. } => {
            begin(out, "released").value("qty", qty).value("hold", hold).end();
        }
        ChangeEvent::LegsFilled(filled) => begin(out, "legs_filled")
            .value("price", filled.price)
            .value("qty", filled.qty)
            .value("release", filled.release)
            .value("completes", filled.completes)
            .end(),
        ChangeEvent::DatesPassed { until_ns } => {
            ObjectWriter::begin(out).text("e", "dates_passed").value("until_ns", until_ns).end()
        }
    }
}

/// Reads a change, if the event is one and fits the state.
pub(crate) fn read(fields: &Fields<'_>) -> Read<Option<ChangeEvent>> {
    let event = match fields.text("e")? {
        "trail_moved" => ChangeEvent::TrailMoved {
            order: fields.open_order()?.number,
            mark: fields.bounded("mark", PRICE_MAX)?,
            stop: fields.bounded("stop", PRICE_MAX)?,
        },
        "replenished" => ChangeEvent::Replenished { order: fields.open_order()?.number },
        "resized" => {
            let order = fields.open_order()?;
            let qty = fields.bounded("qty", crate::units::QUANTITY_MAX)?;
            let most = qty.checked_sub(order.filled).filter(|unfilled| *unfilled >= 0);
            let most = most.ok_or("qty is less than what is filled")?;
            ChangeEvent::Resized {
                order: order.number,
                qty,
                waits: fields.bounded("waits", most)?,
                release: fields.release(order)?,
            }
        }
        "released" => {
            let order = fields.open_order()?;
            ChangeEvent::Released {
                order: order.number,
                qty: fields.bounded("qty", order.extra().waits)?,
                hold: fields.amount("hold")?,
            }
        }
        "legs_filled" => ChangeEvent::LegsFilled(read_legs_filled(fields)?),
        "dates_passed" => {
            ChangeEvent::DatesPassed { until_ns: fields.bounded("until_ns", TIME_MAX_NS)? }
        }
        _ => return Ok(None),
    };
    Ok(Some(event))
}

fn read_legs_filled(fields: &Fields<'_>) -> Read<LegsFilled> {
    let order = fields.open_order()?;
    let price: i64 = fields.integer("price")?;
    let qty = fields.bounded("qty", order.leaves())?;
    let completes = fields.flag("completes")?;
    let fits = order.terms.is_combo()
        && (-PRICE_MAX..=PRICE_MAX).contains(&price)
        && completes == (qty == order.unfilled());
    let value = i128::from(price) * i128::from(qty);
    let (order, release) = (order.number, fields.release(order)?);
    let filled = LegsFilled { order, price, qty, value, release, completes };
    fits.then_some(filled).ok_or_else(|| "the trade does not fit its multi-leg order".to_owned())
}
