//! Auctions: the price against a naive twin, what clients see, bounded turns, tapes.

use crate::support::{desk, proof, record};
use desk::{Desk, account_id};
use papertape_core::auction::{Interest, Uncrossing, uncross};
use papertape_core::instrument::Instrument;
use papertape_core::session::InstrumentRules;
use papertape_core::words::{AssetClass, InstrumentStatus, Side, Source, TriggerSource};
use papertape_core::{TapeSink, World};
use proptest::option::{of, weighted};
use proptest::prelude::*;
use serde_json::{Value, json};

fn instrument(tick_table: Vec<(i64, i64)>) -> Instrument {
    let rules = InstrumentRules { tick_table, ..Default::default() };
    Instrument {
        symbol: "ACME".to_owned(),
        name: "Acme".to_owned(),
        asset_class: AssetClass::UsEquity,
        exchange: 0,
        sector: String::new(),
        currency: "USD".to_owned(),
        tick_size: 2,
        lot_size: 1,
        price_scale: 2,
        qty_scale: 0,
        source: Source::Street,
        trigger: TriggerSource::Last,
        status: InstrumentStatus::Active,
        contract: None,
        rules: Some(Box::new(rules)),
    }
}

/// An order of an auction: side, limit price, quantity.
type Wanted = (Side, Option<i64>, i64);

/// What would trade at a price, by looking at every order: what is bought and what is sold.
fn at(orders: &[Wanted], price: i64) -> (i64, i64) {
    let sum = |side: Side| {
        let takes = |limit: Option<i64>| match (limit, side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => limit >= price,
            (Some(limit), Side::Sell) => limit <= price,
        };
        let mine = orders.iter().filter(|(wanted, limit, _)| *wanted == side && takes(*limit));
        mine.map(|(_, _, qty)| qty).sum()
    };
    (sum(Side::Buy), sum(Side::Sell))
}

/// The rules as they are written, trying every price one by one.
fn naive(
    instrument: &Instrument,
    orders: &[Wanted],
    reference: Option<i64>,
    band: Option<(i64, i64)>,
) -> Option<Uncrossing> {
    let limits: Vec<i64> = orders.iter().filter_map(|(_, limit, _)| *limit).collect();
    let within = |price: &i64| band.is_none_or(|(low, high)| (low..=high).contains(price));
    let is_candidate =
        |price: &i64| limits.contains(price) || price % instrument.tick_at(*price) == 0;
    let mut prices: Vec<i64> = match (limits.iter().min(), limits.iter().max()) {
        (Some(low), Some(high)) => (*low..=*high).filter(is_candidate).filter(within).collect(),
        _ => reference.into_iter().collect(),
    };
    let volume = |price: &i64| at(orders, *price).0.min(at(orders, *price).1);
    let surplus = |price: &i64| at(orders, *price).0 - at(orders, *price).1;
    let most = prices.iter().map(volume).max().filter(|most| *most > 0)?;
    prices.retain(|price| volume(price) == most);
    let least = prices.iter().map(|price| surplus(price).abs()).min()?;
    prices.retain(|price| surplus(price).abs() == least);
    let price = if prices.iter().all(|price| surplus(price) > 0) {
        *prices.last()?
    } else if prices.iter().all(|price| surplus(price) < 0) {
        *prices.first()?
    } else {
        let reference = reference.unwrap_or(i64::MIN / 2);
        *prices.iter().min_by_key(|price| ((*price - reference).abs(), **price))?
    };
    let side = match surplus(&price) {
        0 => None,
        surplus if surplus > 0 => Some(Side::Buy),
        _ => Some(Side::Sell),
    };
    Some(Uncrossing { price, qty: most, imbalance: least, side })
}

fn orders() -> impl Strategy<Value = Vec<Wanted>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    // On the grid and now and then off it, as the street may be.
    let price = prop_oneof![9 => (20..60_i64).prop_map(|price| price * 2), 1 => 40..120_i64];
    let order = (side, weighted(0.85, price), 1..6_i64);
    proptest::collection::vec(order, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..Default::default() })]

    #[test]
    fn the_price_is_the_one_that_trying_every_price_finds(
        orders in orders(),
        reference in of(38..124_i64),
        band in weighted(0.3, (40..80_i64, 0..40_i64)),
        has_table in any::<bool>(),
    ) {
        let instrument = instrument(if has_table { vec![(60, 4), (100, 10)] } else { Vec::new() });
        let band = band.map(|(low, width)| (low, low + width));
        let mut interest = Interest::default();
        for (side, limit, qty) in &orders {
            interest.add(*side, *limit, i128::from(*qty));
        }
        prop_assert_eq!(
            uncross(&instrument, &interest, reference, band),
            naive(&instrument, &orders, reference, band)
        );
    }
}

fn session(desk: &mut Desk, state: &str, auction: Option<&str>) {
    let session = json!({"kind": "session", "exchange": "X", "state": state, "auction": auction});
    assert_eq!(desk.send(&session), None);
}

fn quote_of(desk: &mut Desk) -> Value {
    let (_, book) = desk.ask(&json!({"kind": "book", "symbol": "ACME"}));
    book["quote"].clone()
}

#[test]
fn an_auction_that_collects_tells_its_price_and_imbalance() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    assert!(quote_of(&mut desk).get("auction").is_none());
    session(&mut desk, "closed", None);
    session(&mut desk, "auction", Some("open"));
    desk.quote("9.99", "10.01", "50");
    let quote = quote_of(&mut desk);
    assert_eq!(quote["auction"], "open");
    assert!(quote.get("indicative_price").is_none(), "nothing crosses yet");
    desk.world.quotes(true);
    desk.limit("one", "buy", "80", "10.05");
    let told = desk.world.quotes(true);
    let quote: Value = serde_json::from_str(&told[0].1).expect("JSON");
    assert_eq!(quote, quote_of(&mut desk), "the stream tells the same");
    assert_eq!(quote["indicative_price"], "10.05");
    assert_eq!(
        (&quote["paired_qty"], &quote["imbalance_qty"], &quote["imbalance_side"]),
        (&json!("50"), &json!("30"), &json!("buy"))
    );
    desk.limit("two", "buy", "80", "10.05");
    assert_eq!(desk.world.quotes(true).len(), 1, "each order tells it again");
    session(&mut desk, "open", None);
    let quote = quote_of(&mut desk);
    assert_eq!((&quote["last"], quote.get("auction")), (&json!("10.05"), None));
}

#[test]
fn an_order_that_cannot_wait_hears_when_the_exchange_opens() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    desk.quote("9.99", "10.01", "50");
    let opens_ns = desk.now_ns + 3_600_000_000_000;
    desk.send(&json!({"kind": "session", "exchange": "X", "state": "closed",
                      "next_ns": desk.now_ns + 60_000_000_000_i64, "next_open_ns": opens_ns}));
    let market = json!({"kind": "submit", "account_id": account_id(1), "client_order_id": "a",
                        "symbol": "ACME", "side": "buy", "type": "market", "qty": "1",
                        "when_closed": "refuse"});
    let (outcome, body) = desk.ask(&market);
    assert_eq!((outcome, &body["reason"]), ("rejected", &json!("market_closed")));
    assert_eq!(body["next_open"], "2026-01-05T10:00:00.000000000Z");
    let (_, exchanges) = desk.ask(&json!({"kind": "exchanges"}));
    let exchange = &exchanges["items"][0];
    assert_eq!(exchange["state"], "closed");
    assert_eq!(exchange["next_open"], "2026-01-05T10:00:00.000000000Z");
    assert_eq!(exchange["next_change"], "2026-01-05T09:01:00.000000000Z");
}

#[test]
fn halts_and_rules_show_in_exchanges_and_instruments() {
    let mut desk = Desk::open();
    let rules = json!({
        "kind": "list_instrument", "symbol": "BETA", "name": "Beta", "asset_class": "us_equity",
        "exchange": "X", "sector": "Technology", "currency": "USD", "tick_size": "0.01",
        "lot_size": "1", "price_scale": 6, "qty_scale": 6, "source": "street",
        "trigger": "bid_ask", "industry": "Software", "band": "7.5",
        "tick_table": [["1", "0.05"], ["10", "0.10"]],
    });
    assert_eq!(desk.ask(&rules).0, "created");
    assert_eq!(desk.ask(&rules).0, "existing");
    let halt = json!({"kind": "halt", "symbol": "BETA", "reason": "news pending"});
    let (outcome, beta) = desk.ask(&halt);
    assert_eq!((outcome, &beta["status"]), ("ok", &json!("halted")));
    assert_eq!(beta["halt_reason"], "news pending");
    assert_eq!((&beta["industry"], &beta["band"]), (&json!("Software"), &json!("7.5")));
    assert_eq!(beta["tick_table"], json!([["1.00", "0.05"], ["10.00", "0.10"]]));
    let (_, beta) = desk.ask(&json!({"kind": "resume", "symbol": "BETA"}));
    assert_eq!((&beta["status"], beta.get("halt_reason")), (&json!("active"), None));
}

#[test]
fn an_auction_of_many_orders_ends_in_bounded_turns_at_one_price() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    session(&mut desk, "closed", None);
    session(&mut desk, "auction", Some("open"));
    desk.quote("9.99", "10.01", "2000");
    for number in 0..1_500 {
        assert_eq!(desk.limit(&format!("o{number}"), "buy", "1", "10.05").0, "created");
    }
    desk.take();
    session(&mut desk, "open", None);
    assert!(desk.world.more_due());
    let first = desk.take();
    assert!(first.turns.iter().all(|turn| turn.body.matches("\"e\":").count() <= 1_000));
    assert_eq!(first.rows.fills.len(), 995);
    // Who comes now is too late for the auction and trades after it.
    let (_, late) = desk.limit("late", "buy", "1", "10.99");
    assert_eq!(late["filled_qty"], "0");
    while desk.world.more_due() {
        desk.pass(0);
        let batch = desk.take();
        assert!(batch.turns.iter().all(|turn| turn.body.matches("\"e\":").count() <= 1_000));
    }
    let bodies: String = desk.turns.iter().map(|turn| turn.body.as_str()).collect();
    assert_eq!(bodies.matches("auction_crossed").count(), 1);
    assert_eq!(bodies.matches("\"e\":\"filled\"").count(), 1_501);
    assert_eq!(bodies.matches("\"price\":10010000,\"qty\":1000000").count(), 1_500);
    proof::durable_is_sound(&desk.world);
    let mut rebuilt = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    for turn in &desk.turns {
        rebuilt.evolve(turn, &mut sink).expect("a turn that fits");
    }
    assert_eq!(rebuilt.state_hash(), desk.world.state_hash());
    record::keep("many_orders", "an auction of many orders", &desk.turns);
}

#[test]
fn a_restart_in_the_middle_of_an_auction_ends_it() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    session(&mut desk, "closed", None);
    session(&mut desk, "auction", Some("open"));
    desk.quote("9.99", "10.01", "2000");
    for number in 0..1_500 {
        desk.limit(&format!("o{number}"), "buy", "1", "10.05");
    }
    session(&mut desk, "open", None);
    desk.world = World::restore(&desk.world.snapshot()).expect("a snapshot");
    desk.take();
    while desk.world.more_due() {
        desk.pass(0);
    }
    assert!(desk.take().rows.fills.is_empty(), "nothing trades before a fresh quote");
    desk.quote("9.99", "10.02", "2000");
    let fills = desk.take().rows.fills;
    assert_eq!(fills.len(), 505);
    assert!(fills.iter().all(|fill| fill.price == "10.05"), "resting orders pay their own price");
    proof::durable_is_sound(&desk.world);
}
