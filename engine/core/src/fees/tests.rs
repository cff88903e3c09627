use super::*;
use crate::json::parse;
use crate::words::{AssetClass, InstrumentStatus, Source, TriggerSource};

/// A stock of whole shares with prices in cents.
fn stock() -> InstrumentRecord {
    let terms = Instrument {
        symbol: "ACME".to_owned(),
        name: "Acme".to_owned(),
        asset_class: AssetClass::UsEquity,
        exchange: 0,
        sector: String::new(),
        currency: "USD".to_owned(),
        tick_size: 1,
        lot_size: 1,
        price_scale: 2,
        qty_scale: 0,
        source: Source::Street,
        trigger: TriggerSource::BidAsk,
        status: InstrumentStatus::Active,
        contract: None,
        rules: None,
    };
    InstrumentRecord {
        terms,
        currency: 0,
        mark: crate::instrument::Mark::default(),
        house: 0,
        clearing: 0,
        interest: 0,
        halt: None,
        former: Vec::new(),
        contract: None,
        splits: Vec::new(),
        fills_from: 0,
        has_options: false,
        ruling: None,
        shorted: 0,
        margin: None,
    }
}

fn payer(side: Side, before: (Quantity, i128)) -> Payer {
    Payer { account: 0, side, liquidity: Liquidity::Taker, before, now_ns: 0 }
}

/// The fee in cents of a fill of `qty` at `cents`, after earlier fills at the same price.
fn fee(name: &str, side: Side, (qty, cents): (i64, i64), before: i64) -> i64 {
    let fees = preset(name).expect("a preset");
    let record = stock();
    let notional = record.terms.notional(cents, qty);
    let before = (before, i128::from(before) * i128::from(cents));
    let (fee, lines) = fees.of_fill(&record, payer(side, before), 0, (qty, notional));
    assert_eq!(lines.iter().map(|line| line.1).sum::<i128>(), i128::from(fee));
    fee / 10
}

#[test]
fn the_examples_of_a_per_share_schedule_come_out() {
    // Interactive Brokers, "Fixed": 100 shares at 25 dollars cost 1.00, 1,000 at 25 cost 5.00,
    // 1,000 at 0.25 cost 2.50 (the cap of 1 %).
    let buy = |qty, cents| fee("us_equity_per_share", Side::Buy, (qty, cents), 0);
    assert_eq!(buy(100, 2_500), 100_000);
    assert_eq!(buy(1_000, 2_500), 500_000);
    assert_eq!(buy(1_000, 25), 250_000);
}

#[test]
fn a_minimum_for_the_whole_order_is_taken_once() {
    let part = |qty, before| fee("us_equity_per_share", Side::Buy, (qty, 2_500), before);
    assert_eq!(part(100, 0) + part(50, 100) + part(150, 150), 150_000);
    assert_eq!(part(50, 100), 0, "100 shares have paid the minimum that covers 150");
}

#[test]
fn regulators_are_paid_for_sells_only() {
    assert_eq!(fee("us_equity", Side::Buy, (1_000, 10_000), 0), 0);
    // 100,000 dollars: 2.78 for section 31; 1,000 shares: 0.166.
    assert_eq!(fee("us_equity", Side::Sell, (1_000, 10_000), 0), 294_600);
    // The activity fee of a million shares is capped at 8.30.
    assert_eq!(fee("us_equity", Side::Sell, (1_000_000, 1), 0), 27_800 + 830_000);
}

#[test]
fn contracts_cost_by_the_piece() {
    assert_eq!(fee("us_option", Side::Buy, (10, 500), 0), 650_000);
    assert_eq!(fee("future", Side::Buy, (4, 500_000), 0), 900_000);
}

#[test]
fn tiers_follow_the_volume() {
    let fees = preset("crypto").expect("a preset");
    let million = 1_000_000_000_000_i128;
    for (volume, maker, taker) in [
        (0, 15, 25),
        (99_999_999_999, 15, 25),
        (100_000_000_000, 12, 22),
        (million, 8, 18),
        (500 * million, 0, 10),
    ] {
        assert_eq!(fees.rate(Liquidity::Maker, volume), maker * 100_000, "{volume}");
        assert_eq!(fees.rate(Liquidity::Taker, volume), taker * 100_000, "{volume}");
    }
}

#[test]
fn a_hold_is_never_less_than_the_fee() {
    let record = stock();
    for (name, _) in PRESETS {
        let fees = preset(name).expect("a preset");
        for (qty, cents) in [(1, 1), (7, 999), (100, 2_500), (1_000_000, 3), (3, 100_000_000)] {
            let notional = record.terms.notional(cents, qty);
            let held = fees.of_hold(&record.terms, qty, notional);
            let traded = (qty, notional);
            let (fee, _) = fees.of_fill(&record, payer(Side::Buy, (0, 0)), 0, traded);
            assert!(fee <= held, "{name}: {fee} of {held} for {qty} at {cents}");
        }
    }
}

#[test]
fn schedules_read_back_as_they_were_written() {
    for (name, _) in PRESETS {
        let fees = preset(name).expect("a preset");
        assert_eq!(text::from_text(&text::text_of(&fees)), Ok(fees), "{name}");
    }
    let given = br#"{"preset":"crypto","taker_rate":"0.5","fixed":"4.95","tiers":[]}"#;
    let fees = text::read(&parse(given).expect("JSON")).expect("a schedule");
    assert_eq!((fees.maker_rate, fees.taker_rate), (1_500_000, 500_000_000));
    assert_eq!(fees.rules.as_ref().map(|rules| rules.fixed), Some(4_950_000));
    assert_eq!(text::from_text(&text::text_of(&fees)), Ok(fees));
}

#[test]
fn nonsense_is_named() {
    for (given, wanted) in [
        (r#"{"preset":"free_lunch"}"#, "there is no fee preset \"free_lunch\""),
        (r#"{"cap_rate":"1.5"}"#, "cap_rate must be a decimal between 0 and 1"),
        (r#"{"fixed":"-1"}"#, "fixed must be a decimal"),
        (r#"{"whole_order":"yes"}"#, "whole_order must be true or false"),
        (r#"{"tiers":[{"volume":"2"},{"volume":"1"}]}"#, "in the order of their volumes"),
        (r#"{"tiers":7}"#, "tiers must be a list"),
        ("[]", "must be an object"),
    ] {
        let value = parse(given.as_bytes()).expect("JSON");
        let why = text::read(&value).expect_err(given);
        assert!(why.contains(wanted), "{why}");
    }
}
