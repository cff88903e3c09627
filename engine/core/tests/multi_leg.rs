//! The shapes of multi-leg orders: replies, previews, messages, and the text of the tape.

use crate::support::desk;
use desk::{Desk, account_id};
use serde_json::{Value, json};

/// Two stocks with a market, and a margin account.
fn ready() -> Desk {
    let mut desk = Desk::open();
    desk.list("BEAR", "street");
    let (outcome, body) = desk.ask(&json!({
        "kind": "open_account", "account_id": account_id(1), "owner": "u1",
        "account_kind": "margin", "currency": "USD", "starting_cash": "10000",
        "request_id": "open",
    }));
    assert_eq!(outcome, "created", "{body}");
    for (symbol, bid, ask) in [("ACME", "9.99", "10.01"), ("BEAR", "4.99", "5.01")] {
        let quote = json!({"kind": "quote", "symbol": symbol, "bid": bid, "ask": ask,
                           "bid_size": "50", "ask_size": "50"});
        assert_eq!(desk.send(&quote), None);
    }
    desk.take();
    desk
}

fn combo(kind: &str, limit: &str) -> Value {
    json!({"kind": kind, "account_id": account_id(1), "client_order_id": "one", "type": "limit",
           "order_class": "mleg", "qty": "2", "limit_price": limit, "time_in_force": "gtc",
           "legs": [{"symbol": "ACME", "side": "buy", "ratio_qty": "1"},
                    {"symbol": "BEAR", "side": "sell", "ratio_qty": "2"}]})
}

#[test]
fn a_multi_leg_order_shows_its_legs_and_its_net_price() {
    let mut desk = ready();
    let (outcome, order) = desk.ask(&combo("submit", "0.03"));
    assert_eq!(outcome, "created");
    let shown = |key: &str| order[key].as_str().unwrap_or("nothing").to_owned();
    assert_eq!((shown("symbol"), shown("side")), ("ACME".to_owned(), "buy".to_owned()));
    assert_eq!((shown("status"), shown("filled_qty")), ("filled".to_owned(), "2".to_owned()));
    assert_eq!((shown("limit_price"), shown("filled_avg_price")), ("0.03".into(), "0.03".into()));
    assert_eq!(order["order_class"], "mleg");
    assert_eq!(
        order["leg_terms"],
        json!([{"symbol": "ACME", "side": "buy", "ratio_qty": "1"},
               {"symbol": "BEAR", "side": "sell", "ratio_qty": "2"}])
    );
    assert_eq!(order["legs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_parent_counts_before_its_legs_fill_and_a_credit_is_below_zero() {
    let mut desk = ready();
    let mut command = combo("submit", "-0.05");
    command["legs"][0]["side"] = json!("sell");
    command["legs"][1]["side"] = json!("buy");
    command["limit_price"] = json!("0.03");
    let (_, order) = desk.ask(&command);
    assert_eq!(order["filled_avg_price"], "0.03");
    command["client_order_id"] = json!("two");
    command["limit_price"] = json!("-0.05");
    let (_, order) = desk.ask(&command);
    assert_eq!((&order["limit_price"], &order["status"]), (&json!("-0.05"), &json!("new")));
    let batch = desk.take();
    let events = |body: &str| -> Vec<String> {
        let turn: Value = serde_json::from_str(body).expect("JSON");
        let events = turn["events"].as_array().expect("a list");
        events.iter().map(|event| event["e"].as_str().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(
        events(&batch.turns[0].body),
        ["accepted", "accepted", "accepted", "legs_filled", "filled", "filled"]
    );
    assert!(
        batch.turns[0].body.contains(r#""price":30000,"qty":2000000,"#),
        "{}",
        batch.turns[0].body
    );
    assert!(batch.turns[1].body.contains(r#""limit_price":-50000"#));
    let kinds: Vec<&str> = batch
        .messages
        .iter()
        .filter(|message| message.channel == "orders" && message.seq == batch.turns[0].seq)
        .map(|message| message.kind)
        .collect();
    assert_eq!(kinds, ["new", "new", "new", "fill", "fill", "fill"]);
}

#[test]
fn a_preview_weighs_the_strategy_as_a_whole_and_changes_nothing() {
    let mut desk = ready();
    let before = desk.world.state_hash();
    let (_, body) = desk.ask(&combo("preview", "0.03"));
    assert_eq!((&body["cost"], &body["rejections"]), (&json!("0.06"), &json!([])));
    assert_eq!(body["warnings"], json!([]));
    let mut large = combo("preview", "0.01");
    large["qty"] = json!("2000");
    let (_, body) = desk.ask(&large);
    assert_eq!(body["rejections"][0]["reason"], "insufficient_buying_power", "{body}");
    assert_eq!(body["warnings"][0]["reason"], "would_wait");
    let (outcome, body) = desk.ask(&combo("preview", "0.001"));
    assert_eq!((outcome, &body["rejections"][0]["reason"]), ("ok", &json!("invalid_tick")));
    assert_eq!(desk.world.state_hash(), before);
}

#[test]
fn a_multi_leg_order_names_what_is_wrong() {
    let mut desk = ready();
    let wrong = |desk: &mut Desk, change: &dyn Fn(&mut Value)| {
        let mut command = combo("submit", "0.03");
        change(&mut command);
        let (outcome, body) = desk.ask(&command);
        (outcome, body["reason"].as_str().unwrap_or("").to_owned(), body["field"].clone())
    };
    let told = wrong(&mut desk, &|it| it["symbol"] = json!("ACME"));
    assert_eq!(told, ("malformed", "invalid_terms".into(), json!("symbol")));
    let told = wrong(&mut desk, &|it| it["legs"] = json!([]));
    assert_eq!(told, ("malformed", "invalid_terms".into(), json!("legs")));
    let told = wrong(&mut desk, &|it| it["legs"][0]["ratio_qty"] = json!("2"));
    assert_eq!(told, ("malformed", "invalid_terms".into(), json!("ratio_qty")));
    let told = wrong(&mut desk, &|it| it["legs"][1]["symbol"] = json!("NONE"));
    assert_eq!(told, ("malformed", "unknown_symbol".into(), json!("symbol")));
}
