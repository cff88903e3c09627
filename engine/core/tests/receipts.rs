//! The sentences of receipts, and that they cost nothing where nobody reads them.

use crate::support::desk;
use desk::Desk;
use papertape_core::event::Event;
use papertape_core::sink::Sink;
use papertape_core::{TapeSink, World};
use serde_json::{Value, json};

/// The sentences of all fills since the last call, oldest first.
fn sentences(desk: &mut Desk) -> Vec<String> {
    let rows = desk.take().rows;
    let told = |receipt: &str| -> Value { serde_json::from_str(receipt).expect("JSON") };
    let texts = rows.fills.iter().map(|fill| told(&fill.receipt)["sentence"].clone());
    texts.map(|text| text.as_str().expect("a sentence").to_owned()).collect()
}

fn ready() -> Desk {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    desk.take();
    desk
}

#[test]
fn a_sweep_tells_how_it_went_through_the_levels() {
    let mut desk = ready();
    desk.send(&json!({"kind": "depth", "symbol": "ACME", "bids": [],
        "asks": [["10.01", "30"], ["10.02", "40"], ["10.03", "50"]]}));
    desk.limit("one", "buy", "100", "10.05");
    assert_eq!(
        sentences(&mut desk),
        [
            "You crossed the spread: 30 at 10.01.",
            "You crossed the spread: 30 at 10.01, then 40 at 10.02, because only 30 were offered \
             at better prices.",
            "You crossed the spread: 30 at 10.01, then 40 at 10.02, then 30 at 10.03, because \
             only 70 were offered at better prices.",
        ]
    );
}

#[test]
fn several_orders_at_one_price_are_no_better_prices() {
    let mut desk = ready();
    desk.open_account(2, "100000.00");
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "ask": "10.00", "ask_size": "50"}));
    desk.limit("stock", "buy", "20", "10.00");
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "bid": "9.00", "bid_size": "1"}));
    for (name, price) in [("a", "9.98"), ("b", "9.99"), ("c", "9.99")] {
        desk.limit(name, "sell", "5", price);
    }
    desk.take();
    desk.send(&json!({"kind": "submit", "account_id": desk::account_id(2), "symbol": "ACME",
        "client_order_id": "taker", "side": "buy", "type": "limit", "qty": "10",
        "limit_price": "9.99"}));
    desk.send(&json!({"kind": "submit", "account_id": desk::account_id(2), "symbol": "ACME",
        "client_order_id": "again", "side": "buy", "type": "limit", "qty": "5",
        "limit_price": "9.99"}));
    let told: Vec<String> = sentences(&mut desk);
    let taken = told.iter().filter(|text| text.starts_with("You crossed"));
    assert_eq!(
        taken.collect::<Vec<_>>(),
        [
            "You crossed the spread: 5 at 9.98, from another user.",
            "You crossed the spread: 5 at 9.98, then 5 at 9.99, from another user, because only 5 \
             were offered at better prices.",
            "You crossed the spread: 5 at 9.99, from another user.",
        ]
    );
    for name in ["d", "e"] {
        desk.limit(name, "sell", "2", "9.97");
    }
    desk.take();
    desk.send(&json!({"kind": "submit", "account_id": desk::account_id(2), "symbol": "ACME",
        "client_order_id": "both", "side": "buy", "type": "limit", "qty": "4",
        "limit_price": "9.99"}));
    let told = sentences(&mut desk);
    assert!(told.contains(
        &"You crossed the spread: 2 at 9.97, from another user, after 2 at the same price.".into()
    ));
}

#[test]
fn a_stop_that_a_quote_fires_tells_so() {
    let mut desk = ready();
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "bid": "9.90", "bid_size": "9",
        "ask": "10.00", "ask_size": "50"}));
    desk.send(&json!({"kind": "submit", "account_id": desk::account_id(1), "symbol": "ACME",
        "client_order_id": "stop", "side": "buy", "type": "stop", "qty": "5",
        "stop_price": "10.50"}));
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "ask": "10.52", "ask_size": "50"}));
    assert_eq!(
        sentences(&mut desk),
        ["The market reached 10.50, so your order crossed the spread: 5 at 10.52."]
    );
}

#[test]
fn a_resting_order_tells_who_came_to_it() {
    let mut desk = ready();
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "bid": "9.90", "bid_size": "1",
        "ask": "10.10", "ask_size": "5"}));
    desk.limit("one", "buy", "10", "10.00");
    desk.send(&json!({"kind": "trade", "symbol": "ACME", "price": "9.99", "qty": "4"}));
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "bid": "9.90", "bid_size": "1",
        "ask": "9.98", "ask_size": "50"}));
    assert_eq!(
        sentences(&mut desk),
        [
            "A trade at 9.99 went beyond your limit, so your waiting order bought 4 at 10.00.",
            "The market came to 9.98, so your waiting order bought 6 at 10.00, its own limit.",
        ]
    );
}

/// Counts fills and the receipts on them.
#[derive(Default)]
struct Counts(usize, usize);

impl Sink for Counts {
    fn event(
        &mut self,
        _: &papertape_core::durable::Durable,
        _: &papertape_core::event::Turn,
        _: u32,
        event: &Event,
    ) {
        if let Event::Filled(fill) = event {
            self.0 += 1;
            self.1 += usize::from(fill.receipt.is_some());
        }
    }
}

#[test]
fn a_sink_without_text_gets_no_receipts_and_the_same_state() {
    let mut desk = ready();
    desk.send(&json!({"kind": "quote", "symbol": "ACME", "bid": "9.90", "bid_size": "9",
        "ask": "10.10", "ask_size": "5"}));
    let mut plain = World::restore(&desk.world.snapshot()).expect("a snapshot");
    let mut told = plain.clone();
    let (mut counts, mut tape) = (Counts::default(), TapeSink::new());
    let quote = br#"{"kind":"quote","symbol":"ACME","ask":"10.01","ask_size":"50"}"#;
    let order = format!(
        r#"{{"kind":"submit","account_id":"{}","client_order_id":"a","symbol":"ACME","side":"buy",
            "type":"market","qty":"7"}}"#,
        desk::account_id(1)
    );
    for command in [quote.as_slice(), order.as_bytes()] {
        plain.apply_json(command, desk.now_ns, &mut counts);
        told.apply_json(command, desk.now_ns, &mut tape);
    }
    assert_eq!((counts.0, counts.1), (1, 0));
    assert_eq!(plain.snapshot(), told.snapshot());
}
