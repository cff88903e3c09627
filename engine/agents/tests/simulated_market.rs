//! The simulated market from outside: what it sends to a plain exchange, and what that shows.

mod exchange;

use exchange::Exchange;
use papertape_agents::market::STEP_NS;
use papertape_agents::{Instrument, Side, SimulatedMarket, history};
use std::collections::BTreeSet;

const START_NS: i64 = 1_795_168_800_000_000_000; // 2026-11-20 10:00 UTC
const SECOND_NS: i64 = 1_000_000_000;

fn listing(symbol: &str, class: &str, price: &str, tick: &str, lot: &str, scale: u32) -> String {
    format!(
        r#"{{"kind":"list_instrument","symbol":"{symbol}","asset_class":"{class}",
        "sector":"Technology","price":"{price}","tick_size":"{tick}","lot_size":"{lot}",
        "price_scale":{scale},"qty_scale":{scale},"volatility":0.3,"daily_volume":4000000,
        "prints_per_second":1.0}}"#
    )
}

fn instruments() -> Vec<Instrument> {
    let listings = [
        listing("AAPL", "us_equity", "190.50", "0.01", "1", 6),
        listing("MSFT", "us_equity", "420.00", "0.01", "1", 6),
        listing("BTC/USD", "crypto", "65000", "0.1", "0.0001", 8),
    ];
    listings
        .iter()
        .map(|text| Instrument::from_json(text.as_bytes()).unwrap())
        .collect()
}

fn market(seed: u64) -> SimulatedMarket {
    SimulatedMarket::new(seed, instruments(), START_NS).unwrap()
}

fn run(market: &mut SimulatedMarket, exchange: &mut Exchange, from_s: i64, to_s: i64) {
    for second in from_s..to_s {
        market.act(exchange, START_NS + (second + 1) * SECOND_NS - 1, 100_000);
    }
}

#[test]
fn the_same_seed_sends_the_same_inputs() {
    let inputs_of = |seed| {
        let mut exchange = Exchange::default();
        run(&mut market(seed), &mut exchange, 0, 30);
        exchange.inputs
    };
    assert_eq!(inputs_of(1), inputs_of(1));
    assert_ne!(inputs_of(1), inputs_of(2));
}

#[test]
fn how_often_it_is_called_changes_nothing() {
    let (mut seconds, mut at_once) = (Exchange::default(), Exchange::default());
    run(&mut market(3), &mut seconds, 0, 20);
    market(3).act(&mut at_once, START_NS + 20 * SECOND_NS - 1, usize::MAX);
    assert_eq!(seconds.inputs, at_once.inputs);
}

#[test]
fn every_side_has_ten_levels_on_tick_and_a_narrow_spread() {
    let mut exchange = Exchange::default();
    let mut market = market(5);
    run(&mut market, &mut exchange, 0, 4);
    let mut spreads = Vec::new();
    for second in 4..600 {
        run(&mut market, &mut exchange, second, second + 1);
        for (index, instrument) in instruments().iter().enumerate() {
            for side in Side::BOTH {
                let levels = exchange.levels(index, side);
                assert!(levels.len() >= 10, "{second} s: {side:?} {levels:?}");
                assert!(levels.iter().all(|(price, _)| price % instrument.tick == 0));
                assert!(levels.iter().all(|(price, qty)| *price > 0 && *qty > 0));
            }
        }
        let best = |side| exchange.levels(0, side)[0].0;
        spreads.push((best(Side::Sell) - best(Side::Buy)) / instruments()[0].tick);
    }
    let narrow = spreads
        .iter()
        .filter(|ticks| (1..=3).contains(*ticks))
        .count();
    assert!(narrow * 100 >= spreads.len() * 95, "{spreads:?}");
}

#[test]
fn every_instrument_has_a_last_price_after_its_first_step_also_after_a_restart() {
    let traded = |exchange: &Exchange| {
        let prints = exchange.prints.iter();
        prints
            .map(|print| print.instrument)
            .collect::<BTreeSet<_>>()
    };
    for seed in 0..20 {
        let (mut first, mut again) = (Exchange::default(), Exchange::default());
        let mut market = market(seed);
        market.act(&mut first, START_NS + STEP_NS - 1, usize::MAX);
        assert_eq!(traded(&first).len(), instruments().len(), "seed {seed}");

        let mut restarted = SimulatedMarket::restore(&market.state()).unwrap();
        restarted.act(&mut again, START_NS + 2 * STEP_NS - 1, usize::MAX);
        assert_eq!(traded(&again).len(), instruments().len(), "seed {seed}");
    }
}

#[test]
fn each_instrument_prints_about_once_a_second() {
    let mut exchange = Exchange::default();
    run(&mut market(6), &mut exchange, 0, 600);
    for index in 0..3 {
        let prints = exchange
            .prints
            .iter()
            .filter(|print| print.instrument == index)
            .count();
        assert!(
            (300..2_400).contains(&prints),
            "instrument {index}: {prints} in 600 s"
        );
    }
}

#[test]
fn inputs_come_in_time_order_and_stay_few() {
    let mut exchange = Exchange::default();
    run(&mut market(6), &mut exchange, 0, 60);
    assert!(
        exchange
            .inputs
            .windows(2)
            .all(|pair| pair[0].1 <= pair[1].1)
    );
    let per_second = exchange.inputs.len() / 60 / 3;
    assert!(
        per_second < 150,
        "{per_second} inputs a second and instrument"
    );
}

#[test]
fn a_side_that_was_eaten_comes_back_at_a_worse_price() {
    let mut exchange = Exchange::default();
    let mut market = market(8);
    run(&mut market, &mut exchange, 0, 10);
    let before = exchange.mid(0);
    exchange.user_takes_all(0, Side::Buy, START_NS + 10 * SECOND_NS);
    assert!(exchange.levels(0, Side::Sell).is_empty());
    run(&mut market, &mut exchange, 10, 15);
    assert!(exchange.levels(0, Side::Sell).len() >= 10);
    assert!(exchange.mid(0) > before + 5.0 * instruments()[0].tick as f64);
    run(&mut market, &mut exchange, 15, 90);
    assert!(
        (exchange.mid(0) / before - 1.0).abs() < 0.01,
        "the push wears off"
    );
}

#[test]
fn someone_who_eats_everything_for_an_hour_does_not_break_it() {
    let mut exchange = Exchange::default();
    let mut market = market(9);
    for second in 0..3_600 {
        run(&mut market, &mut exchange, second, second + 1);
        exchange.prints.clear();
        exchange.inputs.clear();
        exchange.user_takes_all(0, Side::Sell, START_NS + second * SECOND_NS);
    }
    run(&mut market, &mut exchange, 3_600, 3_610);
    assert!(exchange.levels(0, Side::Buy).len() >= 10);
    assert!(exchange.mid(0) > 0.0);
}

#[test]
fn after_a_restart_prices_go_on_and_the_book_fills_again() {
    let mut exchange = Exchange::default();
    let mut first = market(10);
    run(&mut first, &mut exchange, 0, 120);
    let before = exchange.mid(0);
    exchange.clear();
    let mut second = SimulatedMarket::restore(&first.state()).unwrap();
    assert_eq!(second.state(), first.state());
    run(&mut second, &mut exchange, 120, 124);
    assert!((exchange.mid(0) / before - 1.0).abs() < 0.002);
    for side in Side::BOTH {
        assert!(exchange.levels(0, side).len() >= 10);
    }
}

#[test]
fn a_listing_that_has_changed_keeps_the_prices_it_knows() {
    let mut exchange = Exchange::default();
    let mut first = SimulatedMarket::new(10, instruments()[..2].to_vec(), START_NS).unwrap();
    run(&mut first, &mut exchange, 0, 120);
    let listed_now = instruments()[1..].to_vec();
    let second = SimulatedMarket::restore_with(&first.state(), listed_now).unwrap();
    assert_eq!(second.symbols().collect::<Vec<_>>(), ["MSFT", "BTC/USD"]);
    assert!((second.fair_price(0) - first.fair_price(1)).abs() < 1e-9);
    assert!((second.fair_price(1) - 65_000.0).abs() < 1e-6);
}

#[test]
fn a_book_that_was_lost_without_notice_fills_again_without_a_move() {
    let mut exchange = Exchange::default();
    let mut market = market(11);
    run(&mut market, &mut exchange, 0, 60);
    let before = exchange.mid(2);
    exchange.clear();
    market.forget_orders();
    run(&mut market, &mut exchange, 60, 64);
    assert!((exchange.mid(2) / before - 1.0).abs() < 0.002);
}

#[test]
fn a_long_sleep_is_skipped_and_a_call_is_bounded() {
    let mut exchange = Exchange::default();
    let mut market = market(12);
    run(&mut market, &mut exchange, 0, 10);
    let (price, inputs) = (market.fair_price(0), exchange.inputs.len());
    let week = START_NS + 7 * 86_400 * SECOND_NS;
    market.act(&mut exchange, week, 100_000);
    assert!(
        exchange.inputs.len() - inputs < 500,
        "it does not make up for a week"
    );
    assert!((market.fair_price(0) / price - 1.0).abs() < 0.01);
    assert!(market.next_due_ns() > week);
    let sent = market.act(&mut exchange, week + 20 * SECOND_NS, 50);
    assert!((50..250).contains(&sent), "{sent}");
    assert!(
        market.next_due_ns() < week + 20 * SECOND_NS,
        "the rest waits for the next call"
    );
}

#[test]
fn a_clock_that_starts_earlier_than_the_state_does_not_wait_for_it() {
    let mut exchange = Exchange::default();
    let mut market = market(12);
    run(&mut market, &mut exchange, 0, 60);
    let price = market.fair_price(1);
    let earlier = START_NS - 3_600 * SECOND_NS;
    let mut again = SimulatedMarket::restore(&market.state()).unwrap();
    again.go_on_at(earlier);
    assert!(again.next_due_ns() <= earlier);
    exchange.clear();
    again.act(&mut exchange, earlier + 4 * SECOND_NS, usize::MAX);
    assert!(exchange.levels(1, Side::Buy).len() >= 10);
    assert!((again.fair_price(1) / price - 1.0).abs() < 0.002);
}

#[test]
fn broken_listings_and_states_are_refused_with_a_reason() {
    let good = listing("AAPL", "us_equity", "190.50", "0.01", "1", 6);
    let table = [
        (good.replace("190.50", "-1"), "price"),
        (good.replace("190.50", "NaN"), "price"),
        (good.replace("0.01", "0"), "tick_size"),
        (good.replace("\"1\"", "\"0.0000001\""), "lot_size"),
        (good.replace("0.3", "0"), "volatility"),
        (good.replace("AAPL", "AAPL\",\"symbol\":\"B"), "duplicate"),
        ("[]".to_owned(), "invalid"),
    ];
    for (json, reason) in table {
        let error = Instrument::from_json(json.as_bytes()).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    let twice = [instruments(), instruments()].concat();
    assert!(
        SimulatedMarket::new(1, twice, START_NS)
            .unwrap_err()
            .contains("twice")
    );
    assert!(SimulatedMarket::new(1, Vec::new(), START_NS).is_err());
    for state in ["", "{}", "{\"version\":9}"] {
        assert!(SimulatedMarket::restore(state.as_bytes()).is_err());
    }
}

#[test]
fn history_ends_at_the_start_price_with_sound_bars() {
    for instrument in instruments() {
        let bars = history(4, &instrument, START_NS, 600);
        assert_eq!(bars.len(), 600);
        assert_eq!(bars[599].0 + 60 * SECOND_NS, START_NS);
        let last_close: f64 = bars[599].4.parse().unwrap();
        assert!((last_close.ln() - instrument.start_log_price()).abs() < 1e-12);
        for (this, next) in bars.iter().zip(&bars[1..]) {
            assert_eq!(next.0 - this.0, 60 * SECOND_NS);
            assert_eq!(this.4, next.1, "a bar opens where the last one closed");
        }
        for (_, open, high, low, close, volume) in &bars {
            let number = |text: &String| text.parse::<f64>().unwrap();
            assert!(number(low) <= number(open).min(number(close)));
            assert!(number(high) >= number(open).max(number(close)));
            assert!(number(low) > 0.0 && number(volume) > 0.0);
        }
    }
}

fn log_returns(symbol_index: usize, minutes: usize) -> Vec<f64> {
    let instrument = &instruments()[symbol_index];
    let bars = history(17, instrument, START_NS, minutes);
    let closes: Vec<f64> = bars
        .iter()
        .map(|bar| bar.4.parse::<f64>().unwrap().ln())
        .collect();
    closes.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a, b) = (mean(left), mean(right));
    let covariance = |x: &[f64], p: f64, y: &[f64], q: f64| {
        x.iter().zip(y).map(|(u, v)| (u - p) * (v - q)).sum::<f64>()
    };
    let spread = covariance(left, a, left, a) * covariance(right, b, right, b);
    covariance(left, a, right, b) / spread.sqrt()
}

#[test]
fn returns_have_fat_tails_clustered_volatility_and_common_moves() {
    let days = 10;
    let returns = log_returns(0, days * 1_440);
    let moment =
        |power: i32| returns.iter().map(|r| r.powi(power)).sum::<f64>() / returns.len() as f64;
    let kurtosis = moment(4) / (moment(2) * moment(2));
    assert!(kurtosis > 4.0, "kurtosis {kurtosis}");
    let daily = (moment(2) * 1_440.0).sqrt();
    assert!(
        (0.011..0.035).contains(&daily),
        "a day's volatility {daily}"
    );
    let sizes: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
    let clustering = correlation(&sizes[..sizes.len() - 5], &sizes[5..]);
    assert!(
        clustering > 0.08,
        "sizes five minutes apart correlate {clustering}"
    );
    let memory = correlation(&returns[1..], &returns[..returns.len() - 1]);
    assert!(memory.abs() < 0.05, "signs are not predictable: {memory}");
    let common = correlation(&returns, &log_returns(1, days * 1_440));
    assert!(
        (0.15..0.7).contains(&common),
        "two technology stocks correlate {common}"
    );
}

#[test]
fn bots_of_a_closed_instrument_take_everything_back_and_rest() {
    let mut exchange = Exchange::default();
    let mut market = market(11);
    run(&mut market, &mut exchange, 0, 30);
    let before = exchange.mid(0);
    market.set_closed(&["AAPL".to_owned()]).unwrap();
    assert!(market.act(&mut exchange, START_NS + 30 * SECOND_NS - 1, 0) > 50);
    let (sent, prints) = (exchange.inputs.len(), exchange.prints.len());
    for side in Side::BOTH {
        assert!(exchange.levels(0, side).is_empty(), "{side:?}");
        assert!(exchange.levels(1, side).len() >= 10, "{side:?}");
    }
    run(&mut market, &mut exchange, 30, 600);
    assert!(exchange.inputs[sent..].iter().all(|input| input.0 != 0));
    assert!(
        exchange.prints[prints..]
            .iter()
            .all(|print| print.instrument != 0)
    );
    market.set_closed(&[]).unwrap();
    run(&mut market, &mut exchange, 600, 602);
    assert!((exchange.mid(0) / before - 1.0).abs() < 0.01);
    for side in Side::BOTH {
        assert!(exchange.levels(0, side).len() >= 10, "{side:?}");
    }
}

#[test]
fn closing_an_unknown_symbol_is_refused_and_closes_nothing() {
    let mut exchange = Exchange::default();
    let mut market = market(11);
    let why = market.set_closed(&["AAPL".to_owned(), "NONE".to_owned()]);
    assert!(why.unwrap_err().contains("NONE"));
    run(&mut market, &mut exchange, 0, 4);
    assert!(!exchange.levels(0, Side::Buy).is_empty());
}
