//! Fee schedules by name. They are dated examples of what venues and brokers publish: rates
//! change, so whoever needs today's figures gives them.

use super::{FeeRules, Fees, Tier};
use crate::units::Money;

/// A schedule by name: the name and how it is made.
pub type Preset = (&'static str, fn() -> Fees);

/// All schedules that have a name.
pub const PRESETS: &[Preset] = &[
    ("none", Fees::default),
    ("us_equity", us_equity),
    ("etf", us_equity),
    ("us_equity_per_share", us_equity_per_share),
    ("us_option", us_option),
    ("future", future),
    ("crypto", crypto),
    ("perpetual", perpetual),
    ("fx", fx),
];

/// The schedule of a name.
pub(crate) fn preset(name: &str) -> Option<Fees> {
    let (_, make) = PRESETS.iter().find(|(known, _)| *known == name)?;
    let mut fees = make();
    fees.rules.get_or_insert_default().preset = name.to_owned();
    Some(fees)
}

const UNIT: i64 = 1_000_000_000;
const MONEY: Money = 1_000_000;

fn with(rules: FeeRules) -> Option<Box<FeeRules>> {
    Some(Box::new(rules))
}

/// What regulators take of US stock sold: SEC section 31, 27.80 dollars a million (from May 2024);
/// FINRA trading activity fee, 0.000166 dollars a share, at most 8.30 a trade (from January 2024).
fn regulators() -> FeeRules {
    FeeRules {
        sale_rate: 27_800,
        sale_per_share: 166_000,
        sale_cap: 8_300_000,
        ..FeeRules::default()
    }
}

/// Stocks and funds without commission, as at Alpaca and most US brokers: regulators' fees only.
fn us_equity() -> Fees {
    Fees { rules: with(regulators()), ..Fees::default() }
}

/// Stocks by the share, after Interactive Brokers Pro "Fixed": 0.005 dollars a share, at least
/// 1.00 an order, at most 1 % of its value; regulators' fees besides.
fn us_equity_per_share() -> Fees {
    let rules = FeeRules { cap_rate: UNIT / 100, whole_order: true, ..regulators() };
    Fees { per_share: UNIT / 200, minimum: MONEY, rules: with(rules), ..Fees::default() }
}

/// Options by the contract, 0.65 dollars (the usual retail price in the US), with the regulators'
/// fees on sells: section 31 as for stocks, activity fee 0.00279 dollars a contract.
fn us_option() -> Fees {
    let rules = FeeRules {
        per_contract: UNIT * 65 / 100,
        sale_rate: 27_800,
        sale_per_share: 2_790_000,
        ..FeeRules::default()
    };
    Fees { rules: with(rules), ..Fees::default() }
}

/// Futures by the contract: 2.25 dollars, commission and exchange fee together.
fn future() -> Fees {
    let rules = FeeRules { per_contract: UNIT * 225 / 100, ..FeeRules::default() };
    Fees { rules: with(rules), ..Fees::default() }
}

fn tiers(levels: &[(i64, i64, i64)]) -> Vec<Tier> {
    let tier = |&(volume, maker, taker): &(i64, i64, i64)| Tier {
        volume: volume * MONEY,
        maker_rate: maker * UNIT / 10_000,
        taker_rate: taker * UNIT / 10_000,
    };
    levels.iter().map(tier).collect()
}

/// Crypto spot, after the tiers that Alpaca publishes (dollars in 30 days, basis points).
fn crypto() -> Fees {
    let levels = [
        (100_000, 12, 22),
        (500_000, 10, 20),
        (1_000_000, 8, 18),
        (10_000_000, 5, 15),
        (25_000_000, 2, 13),
        (50_000_000, 2, 12),
        (100_000_000, 0, 10),
    ];
    let rules = FeeRules { tiers: tiers(&levels), ..FeeRules::default() };
    let (maker_rate, taker_rate) = (15 * UNIT / 10_000, 25 * UNIT / 10_000);
    Fees { maker_rate, taker_rate, rules: with(rules), ..Fees::default() }
}

/// Perpetual futures: 2 basis points for makers, 5 for takers, as usual at crypto venues.
fn perpetual() -> Fees {
    let (maker_rate, taker_rate) = (2 * UNIT / 10_000, 5 * UNIT / 10_000);
    Fees { maker_rate, taker_rate, ..Fees::default() }
}

/// Currencies, after Interactive Brokers: 0.2 basis points, at least 2.00 dollars an order.
fn fx() -> Fees {
    let rules = FeeRules { whole_order: true, ..FeeRules::default() };
    let rate = 20_000;
    let rules = with(rules);
    Fees { maker_rate: rate, taker_rate: rate, minimum: 2 * MONEY, rules, ..Fees::default() }
}
