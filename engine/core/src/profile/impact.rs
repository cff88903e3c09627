//! How far the price of an aggressive fill moves away from its order: slippage and impact.
//!
//! `ticks` and `bps` slip whatever the depth. The impact models count only where depth is modelled
//! (bars, the street around a close, depth `volume` and `unlimited`): displayed depth is walked
//! level by level, which is impact already. Sources:
//!
//! * `almgren_2005`: R. Almgren, C. Thum, E. Hauptmann, H. Li, "Direct Estimation of Equity Market
//!   Impact", Risk, July 2005 (preprint of 10 May 2005). Permanent impact
//!   I = gamma sigma (X/V) (Theta/V)^(1/4) with gamma = 0.314; the cost of a trade is
//!   J = I/2 + eta sigma (X/(V T))^(3/5) with eta = 0.142. X is the size, V a day's volume, T the
//!   part of a day (in volume) over which it trades, sigma a day's volatility, Theta the units
//!   outstanding.
//! * `square_root`: J = Y sigma (X/V)^(1/2), with the coefficient Y of the order of 1.
//! * `volume_share`: J = k (X/(V T))^2, as backtesting libraries do (k = 0.1 in Zipline).
//!
//! Where the volume of a day is not known, V T is what was traded lately and I is left out; without
//! the units outstanding (Theta/V)^(1/4) is 1. Integers only: shares in 10^-10, roots in 10^-6,
//! the result in 10^-9 of the price.

use super::{FillRules, Profile};
use crate::durable::Durable;
use crate::instrument::{Instrument, InstrumentRecord};
use crate::market::{Ephemeral, Market};
use crate::units::{Nanos, Price, Quantity, RATE_SCALE, Rounding, clamp, divide, power_of_ten};
use crate::words::{AssetClass, Condition, DepthModel, Phase, Side, SlippageModel};

const ONE: i128 = 1_000_000_000;
/// Shares of a volume are counted in 10^-10 ...
const SHARE: i128 = 10_000_000_000;
/// ... up to 400 times the volume, so that their cube fits.
const SHARE_MAX: i128 = 400 * SHARE;
/// Roots are counted in 10^-6.
const ROOT: i128 = 1_000_000;
/// No model moves a price by more than half.
const RATE_MAX: i128 = ONE / 2;
/// Opening and closing are so long.
const PHASE_NS: Nanos = 1_800_000_000_000;

/// gamma = 0.314 and eta = 0.142, in 10^-3.
const GAMMA: i128 = 314;
const ETA: i128 = 142;

/// A price that has moved, and what moved it; both parts are positive when it became worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The price of the fill.
    pub price: Price,
    /// What slipped, in price units.
    pub slippage: Price,
    /// What the order's own size moved, in price units.
    pub impact: Price,
}

impl Moved {
    /// A price that has not moved.
    pub const fn not(price: Price) -> Moved {
        Moved { price, slippage: 0, impact: 0 }
    }
}

/// An aggressive fill against the house whose price is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub side: Side,
    /// The price it may not trade beyond.
    pub limit: Option<Price>,
    pub price: Price,
    pub qty: Quantity,
    /// The range that slippage (not impact) stays within, and the volume: of the bar that fills.
    pub bar: Option<(Price, Price, Quantity)>,
}

/// The fifth root of the cube: x^(3/5) of a share, as a root.
fn three_fifths(share: i128) -> i128 {
    let cube = share.pow(3);
    greatest(40 * ROOT, |root| root.pow(5) <= cube)
}

/// The largest number up to `most` that fits.
fn greatest(most: i128, fits: impl Fn(i128) -> bool) -> i128 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// The square root of a share, as a root: 10^-10 times 100 is 10^-12.
fn square_root(share: i128) -> i128 {
    (share * 100).isqrt()
}

/// The fourth root of a ratio, as a root.
fn fourth_root(numerator: i64, denominator: i64) -> i128 {
    let ratio = i128::from(numerator) * power_of_ten(18) / i128::from(denominator.max(1));
    let ratio = ratio.min(power_of_ten(31)) * power_of_ten(6);
    ratio.isqrt().isqrt()
}

/// `part / whole` as a share, both in the same units.
fn share(part: i128, whole: i128) -> i128 {
    (part.saturating_mul(SHARE) / whole.max(1)).clamp(0, SHARE_MAX)
}

/// Volatility of a usual day where none is stated: of the order that each class is known for.
const fn usual_volatility(class: AssetClass) -> i64 {
    match class {
        AssetClass::Crypto | AssetClass::Perpetual => 40_000_000,
        AssetClass::Fx => 6_000_000,
        AssetClass::Future => 12_000_000,
        _ => 20_000_000,
    }
}

/// What a model looks at: the size, the volume it trades in, a day.
pub(crate) struct Size<'a> {
    pub rules: &'a FillRules,
    pub class: AssetClass,
    pub qty_scale: u8,
    pub qty: Quantity,
    /// What was traded while the order trades, or lately; 0 when it is not known.
    pub volume: Quantity,
}

impl Size<'_> {
    /// The impact as a share of the price, in 10^-9.
    pub fn impact(&self) -> i128 {
        let coefficient = i128::from(self.rules.slippage_rate);
        let rate = match self.rules.slippage {
            SlippageModel::VolumeShare => {
                let share = self.share_of_flow();
                coefficient * share / SHARE * share / SHARE
            }
            SlippageModel::SquareRoot => {
                let rate = self.volatility() * square_root(self.share_of_day()) / ROOT;
                rate * self.coefficient() / ONE
            }
            SlippageModel::Almgren2005 => self.almgren() * self.coefficient() / ONE,
            _ => 0,
        };
        rate.clamp(0, RATE_MAX)
    }

    fn coefficient(&self) -> i128 {
        if self.rules.slippage_rate == 0 { ONE } else { i128::from(self.rules.slippage_rate) }
    }

    fn volatility(&self) -> i128 {
        let stated = self.rules.daily_volatility;
        i128::from(if stated == 0 { usual_volatility(self.class) } else { stated })
    }

    /// Day's volume in quantity units.
    fn day(&self) -> i128 {
        i128::from(self.rules.daily_volume) * power_of_ten(u32::from(self.qty_scale))
    }

    fn share_of_flow(&self) -> i128 {
        if self.volume == 0 { 0 } else { share(self.qty.into(), self.volume.into()) }
    }

    fn share_of_day(&self) -> i128 {
        if self.rules.daily_volume == 0 {
            return self.share_of_flow();
        }
        share(self.qty.into(), self.day())
    }

    fn almgren(&self) -> i128 {
        let sigma = self.volatility();
        let flow = if self.volume == 0 { self.share_of_day() } else { self.share_of_flow() };
        let temporary = ETA * sigma * three_fifths(flow) / (1_000 * ROOT);
        if self.rules.daily_volume == 0 {
            return temporary;
        }
        let turnover = match self.rules.outstanding {
            0 => ROOT,
            outstanding => fourth_root(outstanding, self.rules.daily_volume),
        };
        let permanent = GAMMA * sigma * self.share_of_day() / SHARE * turnover / (1_000 * ROOT);
        temporary + permanent / 2
    }
}

/// The part of the session that a time lies in.
fn phase(durable: &Durable, ephemeral: &Ephemeral, terms: &Instrument) -> Phase {
    let now_ns = ephemeral.now_ns;
    let Some(exchange) = durable.exchange_for(terms).filter(|exchange| exchange.has_sessions)
    else {
        return Phase::Regular;
    };
    let opened = ephemeral.opened.get(&terms.exchange);
    if opened.is_some_and(|opened| now_ns < opened.saturating_add(PHASE_NS)) {
        return Phase::Opening;
    }
    let closes = exchange.next_ns;
    if closes > 0 && now_ns >= closes.saturating_sub(PHASE_NS) && now_ns < closes {
        return Phase::Closing;
    }
    Phase::Regular
}

/// The product of the factors that fit, in 10^-9.
fn factor(
    durable: &Durable,
    ephemeral: &Ephemeral,
    terms: &Instrument,
    (market, rules): (&Market, &FillRules),
) -> i128 {
    if rules.factors.is_empty() {
        return ONE;
    }
    let phase = phase(durable, ephemeral, terms);
    let condition = market.stress.condition();
    let fits = |it: &&super::Factor| {
        it.asset_class.is_none_or(|class| class == terms.asset_class)
            && it.phase.is_none_or(|wanted| wanted == phase)
            && it.condition.is_none_or(|wanted| wanted == condition)
    };
    let product = |sum: i128, it: &super::Factor| {
        (sum.saturating_mul(i128::from(it.factor)) / ONE).min(1_000_000 * ONE)
    };
    rules.factors.iter().filter(fits).fold(ONE, product)
}

/// The price that an aggressive fill against the house gets.
pub(crate) fn moved(
    durable: &Durable,
    ephemeral: &Ephemeral,
    record: &InstrumentRecord,
    market: &Market,
    asked: Asked,
) -> Moved {
    let rules = durable.profile_for(record).and_then(|profile: &Profile| profile.rules.as_deref());
    match rules {
        Some(rules) if rules.slippage != SlippageModel::None => {
            Mover { durable, ephemeral, terms: &record.terms, market, rules }.moved(asked)
        }
        _ => Moved::not(asked.price),
    }
}

struct Mover<'a> {
    durable: &'a Durable,
    ephemeral: &'a Ephemeral,
    terms: &'a Instrument,
    market: &'a Market,
    rules: &'a FillRules,
}

impl Mover<'_> {
    fn moved(&self, asked: Asked) -> Moved {
        let market = (self.market, self.rules);
        let factor = factor(self.durable, self.ephemeral, self.terms, market);
        let slipped = self.on_grid(self.slippage(asked.price) * factor / ONE);
        let slipped = self.bounded_by_bar(asked, slipped);
        let impact = i128::from(asked.price) * (self.impact(asked) * factor / ONE).min(RATE_MAX);
        let impact = self.on_grid(impact / ONE);
        self.bounded(asked, slipped, impact)
    }

    fn slippage(&self, price: Price) -> i128 {
        match self.rules.slippage {
            SlippageModel::Ticks => {
                i128::from(self.rules.slippage_ticks) * i128::from(self.terms.tick_size)
            }
            SlippageModel::Bps => {
                let rate = i128::from(self.rules.slippage_rate).min(RATE_MAX);
                divide(i128::from(price) * rate, ONE, Rounding::HalfEven)
            }
            _ => 0,
        }
    }

    fn impact(&self, asked: Asked) -> i128 {
        let is_modelled = asked.bar.is_some()
            || self.market.is_modelled
            || self.rules.depth != DepthModel::Displayed;
        if !is_modelled {
            return 0;
        }
        let volume = asked.bar.map_or(self.market.flow.volume(), |(_, _, volume)| volume);
        let size = Size {
            rules: self.rules,
            class: self.terms.asset_class,
            qty_scale: self.terms.qty_scale,
            qty: asked.qty,
            volume,
        };
        size.impact()
    }

    /// To the nearest tick.
    fn on_grid(&self, by: i128) -> i128 {
        let tick = i128::from(self.terms.tick_size);
        divide(by, tick, Rounding::HalfEven).saturating_mul(tick)
    }

    /// Slippage alone never leaves the bar.
    fn bounded_by_bar(&self, asked: Asked, slipped: i128) -> i128 {
        let room = match (asked.bar, asked.side) {
            (None, Side::Buy) => i128::from(crate::units::PRICE_MAX) - i128::from(asked.price),
            (None, Side::Sell) => i128::from(asked.price) - i128::from(self.terms.tick_size),
            (Some((_, high, _)), Side::Buy) => i128::from(high) - i128::from(asked.price),
            (Some((low, _, _)), Side::Sell) => i128::from(asked.price) - i128::from(low),
        };
        slipped.clamp(0, room.max(0))
    }

    /// Never beyond the order's limit; slippage goes before impact.
    fn bounded(&self, asked: Asked, slipped: i128, impact: i128) -> Moved {
        let price = i128::from(asked.price);
        let room = match (asked.side, asked.limit) {
            (Side::Buy, limit) => i128::from(limit.unwrap_or(crate::units::PRICE_MAX)) - price,
            (Side::Sell, Some(limit)) => price - i128::from(limit),
            (Side::Sell, None) => price - i128::from(self.terms.tick_size),
        };
        let slippage = slipped.clamp(0, room.max(0));
        let impact = impact.clamp(0, room.max(0) - slippage);
        let by = slippage + impact;
        let price = if asked.side == Side::Buy { price + by } else { price - by };
        Moved { price: clamp(price), slippage: clamp(slippage), impact: clamp(impact) }
    }
}

/// Whether the market is as usual: its spread, or the range of its bars, against their average.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stress {
    present: Price,
    /// Moving average over about 16 observations, in 16ths.
    average: i128,
}

impl Stress {
    /// Notes a width; it moves the average from the next observation on.
    pub fn note(&mut self, width: Price) {
        self.average = match self.average {
            0 => i128::from(self.present) * 16,
            average => average - average / 16 + i128::from(self.present),
        };
        self.present = width.max(0);
    }

    /// The condition of the market now.
    pub fn condition(&self) -> Condition {
        let is_wide = self.average > 0 && i128::from(self.present) * 8 > self.average;
        if is_wide { Condition::Stressed } else { Condition::Calm }
    }
}

/// What was traded lately: the last bar, or the prints of the last full minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    minute: i64,
    present: Quantity,
    last: Quantity,
}

impl Flow {
    /// Notes a print.
    pub fn note_print(&mut self, time_ns: Nanos, qty: Quantity) {
        let minute = time_ns / crate::units::MINUTE_NS;
        if minute != self.minute {
            self.last = if minute == self.minute + 1 { self.present } else { 0 };
            self.present = 0;
            self.minute = minute;
        }
        self.present = self.present.saturating_add(qty);
    }

    /// Notes a bar.
    pub fn note_bar(&mut self, volume: Quantity) {
        (self.last, self.present) = (volume, 0);
    }

    /// The volume of lately; 0 when nothing is known.
    pub fn volume(&self) -> Quantity {
        self.last.max(self.present)
    }
}

/// A rate in 10^-9 as a number of [`RATE_SCALE`] decimals is what all of this counts in.
const _: () = assert!(RATE_SCALE == 9);

#[cfg(test)]
#[path = "impact_tests.rs"]
mod tests;
