//! The fill profile: how an exchange, or one instrument, fills orders.
//!
//! It is data, one object for live worlds, replays and backtests: the spread that is modelled, the
//! depth, slippage and impact, latency, queue position, the path inside a bar and gaps. Plain
//! profiles have no `FillRules`, and cost nothing. `set_profile` and `set_fees` change what counts
//! for an exchange or an instrument from then on; every change has a version.

pub(crate) mod answer;
pub(crate) mod command;
pub mod impact;
mod partial;
mod presets;
pub(crate) mod queue;
pub(crate) mod text;

pub use presets::PRESETS;
pub(crate) use presets::preset;

use crate::durable::Durable;
use crate::fees::Fees;
use crate::ids::InstrumentIndex;
use crate::instrument::{Instrument, InstrumentRecord};
pub use crate::session::Scope;
use crate::units::{Nanos, Price, Quantity, RATE_SCALE, Rounding, clamp, divide, power_of_ten};
use crate::words::{
    AssetClass, Condition, DepthModel, GapModel, LatencyModel, MarketOrders, PathModel, Phase,
    QueueModel, SlippageModel,
};

/// How an exchange fills orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name of the preset.
    pub name: String,
    /// Width of the street after a bar, in ticks.
    pub spread_ticks: u32,
    /// Share of a bar's volume that users can fill against, in 10^-9; 0 means no cap.
    pub participation: i64,
    /// Where market orders fill.
    pub market_orders: MarketOrders,
    /// What plain profiles do not have.
    pub rules: Option<Box<FillRules>>,
}

/// How long messages are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How it is drawn.
    pub model: LatencyModel,
    /// Its mean (constant, normal) or median (log-normal).
    pub mean_ns: Nanos,
    /// Its standard deviation (normal).
    pub deviation_ns: Nanos,
    /// Standard deviation of its logarithm (log-normal), in 10^-9.
    pub sigma: i64,
    /// Never less than this.
    pub least_ns: Nanos,
    /// Never more than this.
    pub most_ns: Nanos,
}

/// The longest latency.
pub const LATENCY_MAX_NS: Nanos = 3_600_000_000_000;

impl Latency {
    /// Nothing is under way for any time.
    pub const NONE: Latency = Latency {
        model: LatencyModel::None,
        mean_ns: 0,
        deviation_ns: 0,
        sigma: 0,
        least_ns: 0,
        most_ns: LATENCY_MAX_NS,
    };
}

/// Slippage counts so many times under a circumstance; what is `None` fits all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factor {
    /// Only for this kind of instrument.
    pub asset_class: Option<AssetClass>,
    /// Only in this part of the session.
    pub phase: Option<Phase>,
    /// Only in this condition of the market.
    pub condition: Option<Condition>,
    /// How many times, in 10^-9.
    pub factor: i64,
}

/// What plain profiles do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRules {
    /// Width of the street after a bar as a share of the price, in 10^-9, when it is wider than
    /// `spread_ticks`.
    pub spread_rate: i64,
    /// Where depth comes from.
    pub depth: DepthModel,
    /// How prices slip.
    pub slippage: SlippageModel,
    /// Ticks, of model `ticks`.
    pub slippage_ticks: i64,
    /// Share of the price (`bps`), or coefficient of the impact models, in 10^-9.
    pub slippage_rate: i64,
    /// Volume of a usual day in whole units; 0: not known.
    pub daily_volume: i64,
    /// Volatility of a usual day, in 10^-9; 0: the usual one of the asset class.
    pub daily_volatility: i64,
    /// Units outstanding; 0: not known.
    pub outstanding: i64,
    /// Circumstances that multiply slippage.
    pub factors: Vec<Factor>,
    /// How long commands are under way.
    pub command_latency: Latency,
    /// How long the news of fills is under way.
    pub event_latency: Latency,
    /// When resting orders trade with prints at their price.
    pub queue: QueueModel,
    /// Whether a bar must go beyond the price of a resting order.
    pub bar_through: bool,
    /// The path inside a bar.
    pub path: PathModel,
    /// Where stop orders fill that a bar opens beyond.
    pub gap: GapModel,
    /// How often an order fills only in part, in 10^-9.
    pub partial_rate: i64,
}

impl FillRules {
    /// The rules that plain profiles stand for.
    pub const PLAIN: FillRules = FillRules {
        spread_rate: 0,
        depth: DepthModel::Displayed,
        slippage: SlippageModel::None,
        slippage_ticks: 0,
        slippage_rate: 0,
        daily_volume: 0,
        daily_volatility: 0,
        outstanding: 0,
        factors: Vec::new(),
        command_latency: Latency::NONE,
        event_latency: Latency::NONE,
        queue: QueueModel::TradeThrough,
        bar_through: false,
        path: PathModel::NearerFirst,
        gap: GapModel::Open,
        partial_rate: 0,
    };
}

/// Fees and profile that were set after the listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// Counts the changes.
    pub version: u32,
    /// Fees in place of those of the listing.
    pub fees: Option<Fees>,
    /// Profile in place of that of the listing.
    pub profile: Option<Profile>,
}

/// A command that sets fees or profile; `None` inside takes the ruling back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRules {
    /// For what.
    pub scope: Scope,
    /// New fees, if they are to change.
    pub fees: Option<Option<Fees>>,
    /// New profile, if it is to change.
    pub profile: Option<Option<Profile>>,
}

/// The event of it: the ruling as it stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesSet {
    /// For what.
    pub scope: Scope,
    /// All of it.
    pub ruling: Ruling,
}

impl Durable {
    /// The ruling of a scope; the empty one where there is none.
    pub fn ruling(&self, scope: Scope) -> Option<&Ruling> {
        match scope {
            Scope::Exchange(index) => self.exchange(index)?.ruling.as_deref(),
            Scope::Instrument(index) => self.instrument(index)?.ruling.as_deref(),
        }
    }

    /// The fees that count for an instrument: its own, those set for its exchange, the listed.
    pub fn fees_for<'a>(&'a self, record: &'a InstrumentRecord) -> Option<&'a Fees> {
        let own = record.ruling.as_deref().and_then(|rules| rules.fees.as_ref());
        if own.is_some() {
            return own;
        }
        let exchange = self.exchange(record.terms.exchange)?;
        let set = exchange.ruling.as_deref().and_then(|rules| rules.fees.as_ref());
        Some(set.unwrap_or(&exchange.terms.fees))
    }

    /// The profile that counts for an instrument, found as its fees are.
    pub fn profile_for<'a>(&'a self, record: &'a InstrumentRecord) -> Option<&'a Profile> {
        let own = record.ruling.as_deref().and_then(|rules| rules.profile.as_ref());
        if own.is_some() {
            return own;
        }
        let exchange = self.exchange(record.terms.exchange)?;
        let set = exchange.ruling.as_deref().and_then(|rules| rules.profile.as_ref());
        Some(set.unwrap_or(&exchange.terms.profile))
    }

    /// The rules of the profile of an instrument; `None` for a plain one.
    pub fn fill_rules(&self, instrument: InstrumentIndex) -> Option<&FillRules> {
        self.profile_for(self.instrument(instrument)?)?.rules.as_deref()
    }
}

impl Durable {
    /// What the touch shows where depth is modelled: a share of what was traded lately, or any
    /// size. `None` when nothing is known.
    pub fn modelled_size(&self, instrument: InstrumentIndex, volume: Quantity) -> Option<Quantity> {
        let record = self.instrument(instrument)?;
        let profile = self.profile_for(record)?;
        match profile.rules.as_deref()?.depth {
            DepthModel::Displayed => None,
            DepthModel::Unlimited => Some(record.terms.whole_lots(UNLIMITED)),
            DepthModel::Volume if volume == 0 => None,
            DepthModel::Volume => Some(profile.street_size(&record.terms, volume)),
        }
    }
}

/// A size that no order can use up.
const UNLIMITED: Quantity = crate::units::QUANTITY_MAX;

/// Keeps a ruling.
pub(crate) fn evolve(durable: &mut Durable, set: &RulesSet) {
    let kept = match set.scope {
        Scope::Exchange(index) => {
            durable.exchanges.get_mut(index as usize).map(|record| &mut record.ruling)
        }
        Scope::Instrument(index) => {
            durable.instruments.get_mut(index as usize).map(|record| &mut record.ruling)
        }
    };
    if let Some(kept) = kept {
        *kept = Some(Box::new(set.ruling.clone()));
    }
}

/// How many lots the street shows after a bar that has no volume.
pub const STREET_LOTS_WITHOUT_VOLUME: i64 = 1_000;

impl Profile {
    /// The profile of a listing that names none.
    pub fn usual() -> Profile {
        let plain = || Profile {
            name: PRESETS[0].to_owned(),
            spread_ticks: 1,
            participation: 0,
            market_orders: MarketOrders::Street,
            rules: None,
        };
        preset(PRESETS[0]).unwrap_or_else(plain)
    }

    /// What users can fill against a bar of this volume; `None` means no cap.
    pub fn cap(&self, instrument: &Instrument, volume: Quantity) -> Option<Quantity> {
        if self.participation == 0 || volume == 0 {
            return None;
        }
        Some(instrument.whole_lots(self.share_of_volume(volume)))
    }

    /// What the street shows after a bar of this volume: at least one lot.
    pub fn street_size(&self, instrument: &Instrument, volume: Quantity) -> Quantity {
        if volume == 0 {
            return instrument.lot_size.saturating_mul(STREET_LOTS_WITHOUT_VOLUME);
        }
        let size = if self.participation == 0 { volume } else { self.share_of_volume(volume) };
        instrument.whole_lots(size).max(instrument.lot_size)
    }

    /// Bid and ask of the street around a close, on the tick grid when the close is: as wide as
    /// the profile says in ticks or as a share of the price.
    pub fn street_around(&self, instrument: &Instrument, close: Price) -> (Price, Price) {
        let ticks = i128::from(self.spread_in_ticks(instrument, close));
        let spread = ticks * i128::from(instrument.tick_size);
        let below = ticks / 2 * i128::from(instrument.tick_size);
        let bid = (i128::from(close) - below).max(1);
        (clamp(bid), clamp(bid + spread))
    }

    fn spread_in_ticks(&self, instrument: &Instrument, close: Price) -> i64 {
        let least = i64::from(self.spread_ticks);
        let Some(rules) = self.rules.as_deref().filter(|rules| rules.spread_rate > 0) else {
            return least;
        };
        let width = i128::from(rules.spread_rate) * i128::from(close);
        let tick = power_of_ten(u32::from(RATE_SCALE)) * i128::from(instrument.tick_size);
        clamp(divide(width, tick, Rounding::Up)).max(least)
    }

    /// The share of a volume that users may take.
    pub fn share_of_volume(&self, volume: Quantity) -> Quantity {
        let share = i128::from(volume) * i128::from(self.participation);
        clamp(divide(share, power_of_ten(u32::from(RATE_SCALE)), Rounding::Down))
    }
}

#[cfg(test)]
mod tests;
