//! Bars from before the first day: the same price process, bent to end where the market starts.

use crate::draw::{Draws, Purpose};
use crate::instrument::{Instrument, decimal_text};
use crate::price::{Factor, FairValue, Pace};
use crate::season;

const MINUTE_NS: i64 = 60_000_000_000;
const STEPS_PER_MINUTE: i64 = 12;
const STEP_SECONDS: f64 = 5.0;
const MINUTES_PER_DAY: f64 = 1_440.0;
const VOLUME_SPREAD: f64 = 0.5;
/// Decimals that a price shows at least.
const PRICE_DECIMALS: u32 = 2;

/// A bar in wire form: start (ns), open, high, low, close, volume (decimal text).
pub type BarText = (i64, String, String, String, String, String);

/// The `minutes` one-minute bars that end at `start_ns` (rounded down to the minute); the last
/// close is exactly the start price of `instrument`. Instruments move together as they do later,
/// because the common factors are drawn from the same streams.
#[must_use]
pub fn history(seed: u64, instrument: &Instrument, start_ns: i64, minutes: usize) -> Vec<BarText> {
    let end_minute = start_ns.div_euclid(MINUTE_NS);
    let first_minute = end_minute - minutes as i64;
    let path = bent_path(
        seed,
        instrument,
        first_minute,
        minutes as i64 * STEPS_PER_MINUTE,
    );
    let bars = path
        .windows(STEPS_PER_MINUTE as usize + 1)
        .step_by(STEPS_PER_MINUTE as usize);
    let minutes = first_minute..end_minute;
    minutes
        .zip(bars)
        .map(|(minute, prices)| bar(seed, instrument, minute, prices))
        .collect()
}

/// Scaled prices on the tick, one before the first step and one after each.
fn bent_path(seed: u64, instrument: &Instrument, first_minute: i64, steps: i64) -> Vec<i64> {
    let logs = free_path(seed, instrument, first_minute, steps);
    let error = logs.last().copied().unwrap_or_default() - instrument.start_log_price();
    let tick = instrument.tick as f64;
    let on_tick = |log: &f64| {
        let ticks = libm::round(instrument.scaled(libm::exp(log - error)) / tick) as i64;
        ticks.max(1) * instrument.tick
    };
    let mut path: Vec<i64> = logs.iter().map(on_tick).collect();
    if let Some(last) = path.last_mut() {
        *last = instrument.start_price;
    }
    path
}

/// Log prices of a path that nobody has told where to end.
fn free_path(seed: u64, instrument: &Instrument, first_minute: i64, steps: i64) -> Vec<f64> {
    let pace = Pace::of(STEP_SECONDS);
    let mut market = Factor::new(&instrument.market_factor());
    let mut sector = Factor::new(&instrument.sector_factor());
    let mut fair = FairValue::new(instrument.start_log_price());
    let mut logs = vec![fair.log_price];
    let first_step = first_minute * STEPS_PER_MINUTE;
    for step in first_step..first_step + steps {
        market.step(&pace, seed, step);
        sector.step(&pace, seed, step);
        let draws = Draws::at(seed, instrument.stream, step);
        let time_ns = step * (MINUTE_NS / STEPS_PER_MINUTE);
        let shocks = (market.shock(), sector.shock());
        fair.step(&pace, &instrument.character, shocks, draws, time_ns);
        logs.push(fair.log_price);
    }
    logs
}

fn bar(seed: u64, instrument: &Instrument, minute: i64, prices: &[i64]) -> BarText {
    let scale = instrument.listing.price_scale;
    let text = |price: i64| decimal_text(price, scale, PRICE_DECIMALS);
    let (open, close) = (prices[0], prices[prices.len() - 1]);
    let high = prices.iter().copied().fold(open, i64::max);
    let low = prices.iter().copied().fold(open, i64::min);
    let time_ns = minute * MINUTE_NS;
    let volume = volume(
        seed,
        instrument,
        time_ns,
        (high - low) as f64 / close as f64,
    );
    let volume = decimal_text(volume, instrument.listing.qty_scale, 0);
    (
        time_ns,
        text(open),
        text(high),
        text(low),
        text(close),
        volume,
    )
}

/// Volume follows the hour of the day and the range of the bar.
fn volume(seed: u64, instrument: &Instrument, time_ns: i64, range: f64) -> i64 {
    let draws = Draws::at(seed, instrument.stream, time_ns / MINUTE_NS);
    let usual_range = instrument.character.daily_volatility / libm::sqrt(MINUTES_PER_DAY) * 1.6;
    let stirred = (0.4 + 0.6 * range / usual_range).min(6.0);
    let mean = instrument.taker_size * instrument.listing.prints_per_second * 60.0;
    let noise = draws.log_normal(Purpose::BarVolume, 0, VOLUME_SPREAD);
    instrument.whole_lots(mean * season::activity(time_ns) * stirred * noise)
}
