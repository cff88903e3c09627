//! Profiles by honest names.

use super::{FillRules, Profile};
use crate::words::{DepthModel, GapModel, MarketOrders, PathModel, QueueModel, SlippageModel};

/// The names of all presets; the first is the default of a listing that names none.
pub const PRESETS: [&str; 4] = ["realistic", "optimistic", "conservative", "alpaca_paper"];

const ONE: i64 = 1_000_000_000;

/// The profile of a name.
pub(crate) fn preset(name: &str) -> Option<Profile> {
    let (spread_ticks, participation, rules) = match name {
        "optimistic" => (1, 0, optimistic()),
        "realistic" => (1, ONE / 10, realistic()),
        "conservative" => (2, ONE / 20, conservative()),
        "alpaca_paper" => (1, 0, alpaca_paper()),
        _ => return None,
    };
    Some(Profile {
        name: name.to_owned(),
        spread_ticks,
        participation,
        market_orders: MarketOrders::Street,
        rules: Some(Box::new(rules)),
    })
}

/// A touch of the limit price fills, nothing slips, volume bounds nothing.
fn optimistic() -> FillRules {
    FillRules { queue: QueueModel::Touch, ..FillRules::PLAIN }
}

/// The queue before an order must trade first; where depth is modelled, size moves the price.
fn realistic() -> FillRules {
    FillRules {
        queue: QueueModel::VolumeAhead,
        slippage: SlippageModel::Almgren2005,
        ..FillRules::PLAIN
    }
}

/// Twice the modelled impact, prices must go beyond a limit, a bar meets stops first and gaps fill
/// at its worst price.
fn conservative() -> FillRules {
    FillRules {
        queue: QueueModel::TradeThrough,
        bar_through: true,
        slippage: SlippageModel::Almgren2005,
        slippage_rate: 2 * ONE,
        path: PathModel::StopsFirst,
        gap: GapModel::Worst,
        ..FillRules::PLAIN
    }
}

/// As Alpaca documents its paper trading: orders fill when they are marketable, at the touch and
/// whatever their size; one in ten fills in part; no queue, slippage, impact or latency.
fn alpaca_paper() -> FillRules {
    FillRules { depth: DepthModel::Unlimited, partial_rate: ONE / 10, ..FillRules::PLAIN }
}
