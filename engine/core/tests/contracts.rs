//! Contracts at the door: what can be listed, what its numbers mean, what survives.

use crate::support::desk;
use desk::{Desk, SECOND_NS, account_id};
use papertape_core::{TapeSink, World};
use serde_json::{Value, json};

fn future() -> Value {
    json!({
        "kind": "list_instrument", "symbol": "ESH6", "name": "E-mini S&P 500 March 2026",
        "asset_class": "future", "exchange": "X", "currency": "USD", "tick_size": "0.25",
        "lot_size": "1", "price_scale": 2, "qty_scale": 0, "source": "street",
        "trigger": "bid_ask",
        "contract": {
            "multiplier": "50", "tick_value": "12.50", "expiry": "2026-03-20T13:30:00Z",
            "initial_margin": "13200", "maintenance_margin": "12000",
        },
    })
}

fn option() -> Value {
    json!({
        "kind": "list_instrument", "symbol": "ACME260320C00100000", "name": "ACME call",
        "asset_class": "us_option", "exchange": "X", "currency": "USD", "tick_size": "0.01",
        "lot_size": "1", "price_scale": 2, "qty_scale": 0, "source": "street",
        "trigger": "bid_ask",
        "contract": {
            "multiplier": "100", "expiry": "2026-03-20T20:00:00Z", "underlying": "ACME",
            "strike": "100", "right": "call", "settlement": "physical",
        },
    })
}

/// The command with one field of its contract changed; null takes it out.
fn with(command: Value, field: &str, value: Value) -> Value {
    let mut command = command;
    command["contract"][field] = value;
    command
}

#[test]
fn an_instrument_shows_its_contract() {
    let mut desk = Desk::open();
    let (outcome, body) = desk.ask(&future());
    assert_eq!(outcome, "created");
    assert_eq!(
        body["contract"],
        json!({
            "multiplier": "50", "tick_value": "12.50", "settlement": "cash",
            "expiry": "2026-03-20T13:30:00.000000000Z", "initial_margin": "13200.00",
            "maintenance_margin": "12000.00",
        })
    );
    let (_, body) = desk.ask(&option());
    assert_eq!(body["contract"]["strike"], "100.00");
    assert_eq!(body["contract"]["underlying"], "ACME");
    assert_eq!(body["contract"]["style"], "american");
    assert_eq!(desk.ask(&option()).0, "existing");
}

#[test]
fn contracts_that_make_no_sense_are_refused() {
    for (command, field, value) in [
        (future(), "multiplier", json!("0")),
        (future(), "multiplier", json!("-1")),
        (future(), "multiplier", json!("1000000001")),
        (future(), "multiplier", json!("0.0000001")),
        (future(), "tick_value", json!("12.51")),
        (future(), "expiry", json!("2026-01-01T00:00:00Z")),
        (future(), "expiry", json!("soon")),
        (future(), "expiry", Value::Null),
        (future(), "initial_margin", Value::Null),
        (future(), "initial_margin", json!("-1")),
        (future(), "maintenance_margin", json!("13201")),
        (future(), "initial_margin_rate", json!("1.1")),
        (future(), "funding_interval_s", json!(28_800)),
        (future(), "settlement", json!("physical")),
        (future(), "strike", json!("1")),
        (future(), "margin", json!("1")),
        (option(), "underlying", Value::Null),
        (option(), "underlying", json!("NONE")),
        (option(), "strike", json!("0")),
        (option(), "strike", Value::Null),
        (option(), "right", json!("both")),
        (option(), "style", json!("bermudan")),
        (option(), "initial_margin", json!("100")),
        (option(), "multiplier", json!("0.5")),
    ] {
        let mut desk = Desk::open();
        let seq = desk.world.seq();
        let (outcome, body) = desk.ask(&with(command, field, value.clone()));
        assert_eq!(outcome, "malformed", "{field} {value}: {body}");
        assert_eq!(desk.world.seq(), seq);
    }
    let mut bare = option();
    bare["contract"] = Value::Null;
    assert_eq!(Desk::open().ask(&bare).0, "malformed");
}

#[test]
fn contracts_survive_snapshots_and_the_tape() {
    let mut desk = Desk::open();
    desk.send(&future());
    desk.send(&option());
    let restored = World::restore(&desk.world.snapshot()).expect("a snapshot");
    assert_eq!(restored.durable(), desk.world.durable());
    desk.take();
    let mut rebuilt = World::new("main").expect("a fine name");
    for turn in &desk.turns {
        rebuilt.evolve(turn, &mut TapeSink::new()).expect("the tape fits");
    }
    assert_eq!(rebuilt.state_hash(), desk.world.state_hash());
}

#[test]
fn an_instrument_shows_what_has_become_of_its_contract() {
    let mut desk = Desk::open();
    desk.send(&future());
    let (_, body) = desk.ask(&json!({"kind": "settle", "symbol": "ESH6", "price": "5001.25"}));
    assert_eq!(body["contract"]["settlement_price"], "5001.25");
    let mut perpetual = future();
    perpetual["symbol"] = json!("PERP");
    perpetual["asset_class"] = json!("perpetual");
    perpetual["contract"] = json!({"initial_margin_rate": "0.1", "funding_interval_s": 28_800});
    let (_, body) = desk.ask(&perpetual);
    assert_eq!(body["contract"]["next_funding"], "2026-01-05T16:00:00.000000000Z");
    let (_, body) = desk.ask(&json!({"kind": "funding", "symbol": "PERP", "rate": "-0.0001"}));
    assert_eq!(body["contract"]["funding_rate"], "-0.0001");
}

/// Opens margin accounts, each long one future.
fn crowd(desk: &mut Desk, count: u64) {
    desk.send(&future());
    desk.send(&json!({"kind": "quote", "symbol": "ESH6", "bid": "5000", "ask": "5000",
                      "bid_size": "100000", "ask_size": "100000"}));
    for number in 1..=count {
        desk.ask(&json!({
            "kind": "open_account", "account_id": account_id(number), "owner": "u",
            "account_kind": "margin", "currency": "USD", "starting_cash": "20000",
            "request_id": "open",
        }));
        let (outcome, body) = desk.ask(&json!({
            "kind": "submit", "account_id": account_id(number), "client_order_id": "one",
            "symbol": "ESH6", "side": "buy", "type": "market", "qty": "1", "time_in_force": "ioc",
        }));
        assert_eq!((outcome, &body["status"]), ("created", &json!("filled")));
    }
    desk.take();
    desk.turns.clear();
}

#[test]
fn a_settlement_of_many_holders_takes_several_turns_and_survives_a_restart_between_them() {
    let mut desk = Desk::open();
    crowd(&mut desk, 2_500);
    desk.now_ns += SECOND_NS;
    desk.ask(&json!({"kind": "settle", "symbol": "ESH6", "price": "5001"}));
    assert!(desk.world.more_due());
    desk.world = World::restore(&desk.world.snapshot()).expect("a snapshot");
    assert!(desk.world.more_due(), "what is due is durable");
    while desk.world.more_due() {
        desk.pass(1);
    }
    let batch = desk.take();
    let events = |body: &str| body.matches("{\"e\":").count();
    assert!(batch.turns.iter().all(|turn| events(&turn.body) <= 1_000));
    let settled: usize =
        batch.turns.iter().map(|turn| turn.body.matches("contract_passed").count()).sum();
    assert_eq!(settled, 2_500, "each holder once");
    for account in &desk.world.durable().accounts {
        let fee = 250_000_000; // 0.1 % of 250,000
        assert_eq!(account.cash, 20_000_000_000 - fee + 50_000_000);
    }
}
