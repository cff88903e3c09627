use super::*;
use crate::profile::FillRules;

fn size(rules: &FillRules, qty: i64, volume: i64) -> i128 {
    Size { rules, class: AssetClass::UsEquity, qty_scale: 0, qty, volume }.impact()
}

/// The first worked example of the paper's section 4.3 (IBM): V = 6.561 million shares a day,
/// Theta = 1,728 million, sigma = 1.57 %, a trade of X = 656,100 shares (10 % of the day).
fn ibm() -> FillRules {
    FillRules {
        slippage: SlippageModel::Almgren2005,
        daily_volume: 6_561_000,
        daily_volatility: 15_700_000,
        outstanding: 1_728_000_000,
        ..FillRules::PLAIN
    }
}

#[test]
fn the_impact_of_almgren_and_others_is_that_of_their_worked_example() {
    let rules = ibm();
    // X over T = 0.1, 0.2 and 0.5 of a day: I = 20 basis points; J = 32, 25 and 18.
    for (hours, basis_points) in [(1, 32), (2, 25), (5, 18)] {
        let cost = size(&rules, 656_100, 656_100 * hours);
        assert_eq!((cost + 50_000) / 100_000, basis_points, "T = 0.{hours}");
    }
}

#[test]
fn roots_are_exact_to_their_last_digit() {
    assert_eq!(three_fifths(SHARE), ROOT);
    assert_eq!(three_fifths(SHARE / 1_000), 15_848);
    assert_eq!(three_fifths(0), 0);
    assert_eq!(three_fifths(SHARE_MAX), 36_411_284);
    assert_eq!(square_root(SHARE / 4), ROOT / 2);
    assert_eq!(fourth_root(81, 1), 3 * ROOT);
    assert!(fourth_root(i64::MAX, 1) > 0);
}

#[test]
fn the_other_models_follow_their_formulas() {
    let square = FillRules {
        slippage: SlippageModel::SquareRoot,
        daily_volume: 1_000_000,
        daily_volatility: 20_000_000,
        ..FillRules::PLAIN
    };
    // 2 % times the root of 1 %: 20 basis points.
    assert_eq!(size(&square, 10_000, 0), 2_000_000);
    let share = FillRules {
        slippage: SlippageModel::VolumeShare,
        slippage_rate: 100_000_000,
        ..FillRules::PLAIN
    };
    // 0.1 times the square of 10 %: 10 basis points.
    assert_eq!(size(&share, 100, 1_000), 1_000_000);
    assert_eq!(size(&share, 100, 0), 0, "without a volume there is nothing to compare with");
}

#[test]
fn a_market_is_stressed_when_its_spread_is_more_than_twice_the_usual() {
    let mut stress = Stress::default();
    for _ in 0..20 {
        stress.note(10);
    }
    assert_eq!(stress.condition(), Condition::Calm);
    stress.note(21);
    assert_eq!(stress.condition(), Condition::Stressed);
    stress.note(19);
    assert_eq!(stress.condition(), Condition::Calm);
}
