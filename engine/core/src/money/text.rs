//! The text of what few fills do.

use crate::event::Effects;
use crate::json::{ObjectWriter, Value};
use crate::money::event::{push_lots, read_lots};
use crate::units::AMOUNT_MAX;

/// Appends the effects of a fill; what there is not is left out.
pub(crate) fn push_effects(out: &mut String, effects: &Effects) {
    let mut object = ObjectWriter::begin(out);
    if let Some(lots) = &effects.lots {
        object = object.with("lots", |out| push_lots(out, lots));
    }
    if let Some(profit) = effects.realized_here {
        object = object.value("realized_here", profit);
    }
    if let Some((day, amount)) = effects.settles {
        object = object.value("settles_day", day).value("settles", amount);
    }
    object.end();
}

/// Reads the effects of a fill.
pub(crate) fn read_effects(value: &Value<'_>) -> Result<Option<Box<Effects>>, String> {
    let Some(value) = value.get("effects") else {
        return Ok(None);
    };
    let amount = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(value) => {
            let amount = value.integer::<i64>();
            let fits = amount.filter(|it| it.unsigned_abs() <= AMOUNT_MAX.unsigned_abs());
            fits.map(Some).ok_or_else(|| format!("{key} is no amount"))
        }
    };
    let settles = amount("settles")?;
    let day = value.get("settles_day").and_then(Value::integer::<u32>);
    Ok(Effects {
        lots: value.get("lots").map(read_lots).transpose()?,
        realized_here: amount("realized_here")?,
        settles: day.zip(settles),
    }
    .boxed())
}
