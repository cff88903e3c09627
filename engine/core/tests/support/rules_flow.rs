//! Random fill profiles and fee schedules.

use papertape_core::Input;
use papertape_core::exchange::{Fees, Profile};
use papertape_core::fees::{FeeRules, Tier};
use papertape_core::profile::{Factor, FillRules, Latency, SetRules};
use papertape_core::session::Scope;
use papertape_core::words::*;
use proptest::option::weighted;
use proptest::prelude::*;

use super::{instrument, word};

/// A latency of at most a few seconds, mostly none.
fn latency() -> impl Strategy<Value = Latency> {
    let drawn = (word(LatencyModel::ALL), 0..4_000_000_000_i64).prop_map(|(model, mean_ns)| {
        let (deviation_ns, sigma) = (mean_ns / 3, 500_000_000);
        Latency { model, mean_ns, deviation_ns, sigma, ..Latency::NONE }
    });
    prop_oneof![3 => Just(Latency::NONE), 1 => drawn]
}

fn profile() -> impl Strategy<Value = Profile> {
    let words = (
        word(DepthModel::ALL),
        word(SlippageModel::ALL),
        word(QueueModel::ALL),
        word(PathModel::ALL),
        word(GapModel::ALL),
        word(MarketOrders::ALL),
    );
    let numbers = (0..3_i64, 0..3_000_000_000_i64, any::<bool>(), 0..400_000_000_i64, 0..3_u32);
    (words, numbers, latency(), latency()).prop_map(|(words, numbers, command, event)| {
        let (depth, slippage, queue, path, gap, market_orders) = words;
        let (slippage_ticks, slippage_rate, bar_through, partial_rate, spread_ticks) = numbers;
        let factor = Factor {
            condition: Some(Condition::Stressed),
            factor: 2_000_000_000,
            ..Factor::default()
        };
        let rules = FillRules {
            depth,
            slippage,
            slippage_ticks,
            slippage_rate,
            daily_volume: slippage_ticks * 1_000,
            factors: vec![factor],
            command_latency: command,
            event_latency: event,
            queue,
            bar_through,
            path,
            gap,
            partial_rate,
            ..FillRules::PLAIN
        };
        let (name, participation) = ("drawn".to_owned(), partial_rate);
        let rules = Some(Box::new(rules));
        Profile { name, spread_ticks, participation, market_orders, rules }
    })
}

fn schedule() -> impl Strategy<Value = Fees> {
    (0..3_000_000_i64, 0..2_000_000_i64, any::<bool>()).prop_map(|(rate, amount, whole_order)| {
        let tier = Tier { volume: 500_000_000, maker_rate: rate / 3, taker_rate: rate / 2 };
        let rules = FeeRules {
            tiers: vec![tier],
            per_contract: amount,
            fixed: amount,
            cap_rate: rate * 2,
            whole_order,
            sale_rate: rate,
            sale_per_share: amount,
            sale_cap: amount / 2,
            ..FeeRules::default()
        };
        let (maker_rate, per_share) = (rate / 2, amount);
        Fees {
            maker_rate,
            taker_rate: rate,
            per_share,
            minimum: amount,
            rules: Some(Box::new(rules)),
        }
    })
}

/// New fees or a new profile, of an exchange or of an instrument.
pub fn set_rules() -> impl Strategy<Value = Input> {
    let scope = prop_oneof![
        2 => (0..3_u32).prop_map(Scope::Exchange),
        1 => instrument().prop_map(Scope::Instrument),
    ];
    let profile = weighted(0.7, weighted(0.8, profile()));
    let fees = weighted(0.5, weighted(0.8, schedule()));
    (scope, profile, fees).prop_map(|(scope, profile, fees)| {
        Input::SetRules(Box::new(SetRules { scope, fees, profile }))
    })
}
