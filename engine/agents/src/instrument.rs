//! What the simulated market knows about an instrument, read from its listing.

use crate::draw::stream_of;
use crate::price::Character;
use serde::{Deserialize, Serialize};

/// Trading days that a yearly volatility is spread over.
const DAYS_PER_YEAR: f64 = 252.0;
/// House bots quote on a grid as wide as this share of a usual move of one step (250 ms), so that
/// a ladder of ten levels survives a few seconds, for a 60,000-dollar coin as for a dull stock.
const GRID_SHARE: f64 = 0.7;
const STEPS_PER_DAY: f64 = 345_600.0;
/// The lowest price leaves room for this many grid steps below it.
const LOWEST_GRIDS: f64 = 200.0;
/// The highest price is this many times the listing price.
const HIGHEST_MULTIPLE: f64 = 1_000.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// The listing of an instrument (the body of `list_instrument`) with what only the simulation
/// needs: `price`, `volatility` per year, `daily_volume`, `prints_per_second`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Symbol.
    pub symbol: String,
    /// Asset class; instruments of one class share a market factor.
    pub asset_class: String,
    /// Sector; instruments of one sector share a factor.
    #[serde(default)]
    pub sector: String,
    /// Price to start from, decimal text in currency.
    pub price: String,
    /// Tick, decimal text.
    pub tick_size: String,
    /// Lot, decimal text.
    pub lot_size: String,
    /// Decimal digits of a scaled price.
    pub price_scale: u32,
    /// Decimal digits of a scaled quantity.
    pub qty_scale: u32,
    /// Standard deviation of a year's log return.
    #[serde(default = "default_volatility")]
    pub volatility: f64,
    /// Shares (coins) that change hands in a day of 24 hours.
    #[serde(default = "default_daily_volume")]
    pub daily_volume: f64,
    /// Average number of takers a second.
    #[serde(default = "default_prints")]
    pub prints_per_second: f64,
}

fn default_volatility() -> f64 {
    0.3
}

fn default_daily_volume() -> f64 {
    1_000_000.0
}

fn default_prints() -> f64 {
    1.0
}

/// An instrument in the units the bots work in.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// The listing it was made from.
    pub listing: Listing,
    /// Stream of its draws.
    pub stream: u64,
    /// Scaled tick.
    pub tick: i64,
    /// Scaled lot.
    pub lot: i64,
    /// Scaled distance between two levels of the house's ladders, a multiple of the tick.
    pub grid: i64,
    /// Scaled start price, on the tick.
    pub start_price: i64,
    /// Scaled mean size of a taker.
    pub taker_size: f64,
    /// How its price moves.
    pub character: Character,
    price_unit: f64,
}

impl Instrument {
    /// Reads a listing in JSON.
    ///
    /// # Errors
    /// A sentence that names the field and what is wrong with it.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let listing: Listing = serde_json::from_slice(json)
            .map_err(|error| format!("instrument of the simulated market: {error}"))?;
        Self::new(listing)
    }

    /// Checks a listing and converts it.
    ///
    /// # Errors
    /// A sentence that names the field and what is wrong with it.
    pub fn new(listing: Listing) -> Result<Self, String> {
        let name = &listing.symbol;
        let tick = positive(name, "tick_size", &listing.tick_size, listing.price_scale)?;
        let lot = positive(name, "lot_size", &listing.lot_size, listing.qty_scale)?;
        let price = positive(name, "price", &listing.price, listing.price_scale)?;
        for (field, value) in [
            ("volatility", listing.volatility),
            ("daily_volume", listing.daily_volume),
            ("prints_per_second", listing.prints_per_second),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(format!("{name}: {field} must be above 0, not {value}"));
            }
        }
        let daily_volatility = listing.volatility / libm::sqrt(DAYS_PER_YEAR);
        let usual_move = price as f64 * daily_volatility / libm::sqrt(STEPS_PER_DAY);
        let grid = tick * ((GRID_SHARE * usual_move / tick as f64) as i64).max(1);
        let price_unit = power_of_ten(listing.price_scale);
        let start_price = (price / tick).max(1) * tick;
        let character = character(daily_volatility, start_price, grid, price_unit);
        let taker_size = listing.daily_volume / SECONDS_PER_DAY / listing.prints_per_second
            * power_of_ten(listing.qty_scale);
        let stream = stream_of(name);
        Ok(Self {
            stream,
            tick,
            lot,
            grid,
            start_price,
            taker_size,
            character,
            price_unit,
            listing,
        })
    }

    /// The name of the factor that its market shares.
    #[must_use]
    pub fn market_factor(&self) -> String {
        format!("market:{}", self.listing.asset_class)
    }

    /// The name of the factor that its sector shares.
    #[must_use]
    pub fn sector_factor(&self) -> String {
        format!("sector:{}", self.listing.sector)
    }

    /// A price in currency as a scaled price, not rounded to the tick.
    #[must_use]
    pub fn scaled(&self, price: f64) -> f64 {
        price * self.price_unit
    }

    /// The logarithm of the price to start from.
    #[must_use]
    pub fn start_log_price(&self) -> f64 {
        libm::log(self.start_price as f64 / self.price_unit)
    }

    /// `qty` (scaled) as whole lots, at least one.
    #[must_use]
    pub fn whole_lots(&self, qty: f64) -> i64 {
        let lots = (qty / self.lot as f64).clamp(1.0, 1e9);
        libm::round(lots) as i64 * self.lot
    }
}

fn character(daily_volatility: f64, start_price: i64, grid: i64, price_unit: f64) -> Character {
    let start = start_price as f64;
    let lowest = (grid as f64 * LOWEST_GRIDS).min(start);
    Character {
        daily_volatility,
        home: libm::log(start / price_unit),
        bounds: (
            libm::log(lowest / price_unit),
            libm::log(start * HIGHEST_MULTIPLE / price_unit),
        ),
    }
}

fn power_of_ten(scale: u32) -> f64 {
    (0..scale).fold(1.0, |value, _| value * 10.0)
}

fn positive(symbol: &str, field: &str, text: &str, scale: u32) -> Result<i64, String> {
    match scaled_integer(text, scale) {
        Some(value) if value > 0 => Ok(value),
        _ => Err(format!(
            "{symbol}: {field} must be a decimal above 0 with at most {scale} decimals, \
             not {text:?}"
        )),
    }
}

/// Decimal text as an integer of `scale` decimals; `None` when it does not fit exactly.
#[must_use]
pub fn scaled_integer(text: &str, scale: u32) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let missing = scale.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let shift = 10_i64.checked_pow(missing)?;
    let digits: i64 = format!("{whole}{fraction}").parse().ok()?;
    digits.checked_mul(shift)
}

/// A scaled integer as decimal text with exactly the decimals it needs, at least `least`.
#[must_use]
pub fn decimal_text(value: i64, scale: u32, least: u32) -> String {
    let width = scale as usize + 1;
    let digits = format!("{:0width$}", value.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let needed = fraction
        .trim_end_matches('0')
        .len()
        .max(least.min(scale) as usize);
    let sign = if value < 0 { "-" } else { "" };
    if needed == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{}", &fraction[..needed])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_becomes_a_scaled_integer_or_nothing() {
        let table = [
            ("190.50", 6, Some(190_500_000)),
            ("0.01", 2, Some(1)),
            ("0.010", 2, Some(1)),
            ("7", 0, Some(7)),
            ("0.001", 2, None),
            ("", 2, None),
            (".5", 2, None),
            ("-1", 2, None),
            ("1e3", 2, None),
            ("99999999999999999999", 2, None),
            ("1", 30, None),
        ];
        for (text, scale, expected) in table {
            assert_eq!(scaled_integer(text, scale), expected, "{text} at {scale}");
        }
    }

    #[test]
    fn scaled_integers_print_without_needless_zeros() {
        let table = [
            (190_500_000, 6, 2, "190.50"),
            (190_000_000, 6, 0, "190"),
            (1, 8, 2, "0.00000001"),
            (-1_250_000, 6, 2, "-1.25"),
            (5, 0, 2, "5"),
        ];
        for (value, scale, least, expected) in table {
            assert_eq!(decimal_text(value, scale, least), expected);
        }
    }
}
