//! Margin accounts: short positions, fills that cross zero, requirements and buying power.
#![allow(clippy::disallowed_methods)]

use crate::support::{desk, proof};
use desk::{Desk, account_id};
use papertape_core::units::parse_decimal;
use serde_json::{Value, json};

/// A desk whose account 1 is a margin account.
fn desk(multiplier: u8, cash: &str) -> Desk {
    let mut desk = Desk::open();
    let (outcome, body) = desk.ask(&json!({
        "kind": "open_account", "account_id": account_id(1), "owner": "u1",
        "account_kind": "margin", "currency": "USD", "starting_cash": cash, "request_id": "open",
        "multiplier": multiplier,
    }));
    assert_eq!(outcome, "created", "{body}");
    desk
}

fn value(desk: &mut Desk) -> Value {
    desk.ask(&json!({"kind": "value", "account_id": account_id(1)})).1
}

fn account(desk: &mut Desk, field: &str) -> String {
    value(desk)["account"][field].as_str().expect("a text").to_owned()
}

fn requirement(desk: &Desk) -> (String, String, String) {
    let durable = desk.world.durable();
    let account = durable.account(0).expect("an account");
    let it = account.requirement(durable, |index, record| {
        let book = desk.world.book_json(&durable.instruments[index as usize].terms.symbol, 1);
        let book: Value = serde_json::from_str(&book.expect("a book")).expect("JSON");
        let price = |side: &str| {
            let text = book["quote"][side].as_str().expect("a price");
            parse_decimal(text, record.terms.price_scale).expect("a decimal")
        };
        Some((price("bid") + price("ask")) / 2)
    });
    let money = papertape_core::units::format_money;
    (money(it.equity), money(it.initial), money(it.maintenance))
}

fn market(desk: &mut Desk, id: &str, side: &str, qty: &str) -> (&'static str, Value) {
    desk.ask(&json!({
        "kind": "submit", "account_id": account_id(1), "client_order_id": id, "symbol": "ACME",
        "side": side, "type": "market", "qty": qty, "time_in_force": "gtc",
    }))
}

fn position(desk: &mut Desk) -> Value {
    value(desk)["positions"][0].clone()
}

fn sound(desk: &Desk) {
    proof::durable_is_sound(&desk.world);
}

#[test]
fn a_margin_account_buys_twice_its_equity_and_not_more() {
    let mut desk = desk(2, "10000");
    desk.quote("99.99", "100.01", "10000");
    assert_eq!(account(&mut desk, "buying_power"), "20000.00");
    let (outcome, body) = desk.limit("big", "buy", "200", "100");
    // The fee of 0.001 does not fit beside half of 20000.
    assert_eq!((outcome, body["reason"].as_str()), ("rejected", Some("insufficient_buying_power")));
    let (outcome, body) = desk.limit("fits", "buy", "199", "100.01");
    assert_eq!((outcome, body["status"].as_str()), ("created", Some("filled")), "{body}");
    assert!(account(&mut desk, "cash").starts_with('-'), "the rest is borrowed");
    sound(&desk);
    let (outcome, _) = desk.limit("more", "buy", "1", "100");
    assert_eq!(outcome, "rejected");
    let (outcome, body) = market(&mut desk, "all", "sell", "199");
    assert_eq!((outcome, body["status"].as_str()), ("created", Some("filled")), "{body}");
    sound(&desk);
}

#[test]
fn a_short_sale_brings_cash_and_owes_the_stock() {
    let mut desk = desk(2, "10000");
    desk.quote("100", "100.02", "10000");
    let (_, body) = market(&mut desk, "short", "sell", "50");
    assert_eq!(body["status"], "filled", "{body}");
    let stands = position(&mut desk);
    assert_eq!((&stands["qty"], &stands["side"]), (&json!("-50"), &json!("short")));
    assert_eq!(
        (&stands["avg_entry_price"], &stands["cost_basis"]),
        (&json!("100.00"), &json!("-5000.00"))
    );
    assert_eq!(account(&mut desk, "cash"), "14995.00");
    desk.quote("90", "90.02", "10000");
    assert_eq!(position(&mut desk)["unrealized_pl"], "499.50");
    let (_, body) = market(&mut desk, "cover", "buy", "50");
    assert_eq!(body["status"], "filled", "{body}");
    assert_eq!(account(&mut desk, "realized_pl"), "499.00");
    sound(&desk);
}

#[test]
fn a_fill_that_crosses_zero_closes_first_and_opens_the_rest_at_its_price() {
    let mut desk = desk(2, "100000");
    desk.quote("9.99", "10", "10000");
    market(&mut desk, "long", "buy", "100");
    desk.quote("12", "12.01", "10000");
    let (_, body) = market(&mut desk, "flip", "sell", "150");
    assert_eq!(body["status"], "filled", "{body}");
    let stands = position(&mut desk);
    assert_eq!((&stands["qty"], &stands["avg_entry_price"]), (&json!("-50"), &json!("12.00")));
    assert_eq!(stands["cost_basis"], "-600.00");
    assert_eq!(account(&mut desk, "realized_pl"), "200.00");
    desk.quote("10.99", "11", "10000");
    market(&mut desk, "back", "buy", "70");
    let stands = position(&mut desk);
    assert_eq!((&stands["qty"], &stands["avg_entry_price"]), (&json!("20"), &json!("11.00")));
    assert_eq!(account(&mut desk, "realized_pl"), "250.00");
    sound(&desk);
}

#[test]
fn requirements_are_those_of_regulation_t_and_finra_4210() {
    // Long 100 at 100: half to open, a quarter to keep.
    let mut desk = desk(2, "100000");
    desk.quote("100", "100", "10000");
    market(&mut desk, "long", "buy", "100");
    let (_, initial, maintenance) = requirement(&desk);
    assert_eq!((initial.as_str(), maintenance.as_str()), ("5000.00", "2500.00"));
    // Short 100 at 100: half to open, 30 % to keep.
    market(&mut desk, "short", "sell", "200");
    let (_, initial, maintenance) = requirement(&desk);
    assert_eq!((initial.as_str(), maintenance.as_str()), ("5000.00", "3000.00"));
    // At 10 dollars five dollars a share are more than 30 %; at 3 dollars all of it; at 2 dollars
    // two and a half.
    for (price, wanted) in [("10", "500.00"), ("5", "500.00"), ("3", "300.00"), ("2", "250.00")] {
        desk.quote(price, price, "10000");
        assert_eq!(requirement(&desk).2, wanted, "at {price}");
    }
}

#[test]
fn an_order_holds_the_requirement_of_what_it_would_open() {
    let mut desk = desk(2, "10000");
    desk.quote("100", "100.02", "10000");
    let held = |desk: &Desk| desk.world.durable().account(0).expect("an account").held;
    desk.limit("rest", "buy", "10", "90");
    // 10 x 90 x 0.5 and the fee of 0.001.
    assert_eq!(held(&desk), 450_900_000);
    // A short sale below the market is held at the market: it will trade there.
    desk.limit("short", "sell", "10", "110");
    assert_eq!(held(&desk), 450_900_000 + 551_100_000);
    sound(&desk);
    market(&mut desk, "open", "sell", "10");
    let before = held(&desk);
    // The buy at 90 has promised to close the ten; this one would open.
    desk.limit("close", "buy", "10", "80");
    assert_eq!(held(&desk), before + 400_800_000);
    sound(&desk);
}

#[test]
fn what_only_closes_is_taken_however_poor_the_account() {
    let mut desk = desk(4, "10000");
    desk.quote("100", "100", "10000");
    let (_, body) = market(&mut desk, "all", "buy", "390");
    assert_eq!(body["status"], "filled", "{body}");
    desk.quote("70", "70", "10000");
    assert!(account(&mut desk, "equity").starts_with('-'));
    assert_eq!(account(&mut desk, "buying_power"), "0.00");
    let (outcome, body) = market(&mut desk, "out", "sell", "390");
    assert_eq!((outcome, body["status"].as_str()), ("created", Some("filled")), "{body}");
    assert!(account(&mut desk, "cash").starts_with('-'));
    sound(&desk);
}

#[test]
fn a_cash_account_sells_only_what_it_holds() {
    let mut desk = Desk::open();
    desk.open_account(1, "10000");
    desk.quote("100", "100.02", "10000");
    let (outcome, body) = market(&mut desk, "short", "sell", "1");
    assert_eq!((outcome, body["reason"].as_str()), ("rejected", Some("insufficient_quantity")));
}

#[test]
fn margin_terms_are_checked_and_survive_a_restart() {
    let mut desk = Desk::open();
    let mut open = json!({
        "kind": "open_account", "account_id": account_id(1), "owner": "u1",
        "account_kind": "margin", "currency": "USD", "starting_cash": "5", "request_id": "open",
        "multiplier": "3",
    });
    let (outcome, body) = desk.ask(&open);
    assert_eq!((outcome, &body["field"]), ("malformed", &json!("multiplier")));
    open["multiplier"] = json!("4");
    open["interest_rate"] = json!("1.5");
    let (outcome, body) = desk.ask(&open);
    assert_eq!((outcome, &body["field"]), ("malformed", &json!("interest_rate")));
    open["interest_rate"] = json!("0.0625");
    assert_eq!(desk.ask(&open).0, "created");
    assert_eq!(desk.ask(&open).0, "existing");
    open["interest_rate"] = json!("0.07");
    assert_eq!(desk.ask(&open).0, "id_reused");
    open["account_kind"] = json!("cash");
    assert_eq!(desk.ask(&open).0, "malformed");
    desk.take();
    let mut tables = proof::Tables::default();
    let mut rebuilt = papertape_core::World::new("main").expect("a name");
    let mut sink = papertape_core::TapeSink::new();
    for turn in &desk.turns {
        rebuilt.evolve(turn, &mut sink).expect("a turn that fits");
    }
    tables.upsert(sink.take().rows);
    assert_eq!(rebuilt.snapshot(), desk.world.snapshot());
    assert_eq!(rebuilt.durable(), desk.world.durable());
}
