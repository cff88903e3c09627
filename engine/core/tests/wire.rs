//! The shapes that other programs rely on: replies, messages, and the text of the tape.

use crate::support::desk;
use desk::{Desk, MORNING_NS, SECOND_NS, account_id};
use serde_json::{Value, json};

/// Keys of an object in the order in which they are written.
fn keys(desk: &Desk, text: &str) -> Vec<String> {
    let value = papertape_core::json::parse(text.as_bytes()).expect("JSON");
    let papertape_core::json::Value::Object(members) = value else {
        panic!("{} answered with no object", desk.world.name());
    };
    members.into_iter().map(|(key, _)| key).collect()
}

fn ready() -> Desk {
    let mut desk = Desk::open();
    desk.open_account(1, "1000.00");
    desk.quote("9.99", "10.01", "50");
    desk
}

#[test]
fn an_order_has_the_members_of_the_contract_in_their_order() {
    let mut desk = ready();
    let command = json!({
        "kind": "submit", "account_id": account_id(1), "client_order_id": "one", "symbol": "ACME",
        "side": "buy", "type": "limit", "qty": "60", "limit_price": "10.01",
        "time_in_force": "gtc",
    });
    let text = command.to_string();
    let reply = desk.world.apply_json(text.as_bytes(), desk.now_ns, &mut desk.sink);
    let (outcome, body) = reply.expect("a reply");
    assert_eq!(outcome, "created");
    assert_eq!(
        body,
        concat!(
            r#"{"id":"0d6e4079-e367-8001-8000-000000000001","#,
            r#""account_id":"00000000-0000-4000-8000-000000000001","client_order_id":"one","#,
            r#""symbol":"ACME","side":"buy","type":"limit","time_in_force":"gtc","qty":"60","#,
            r#""filled_qty":"50","filled_avg_price":"10.01","limit_price":"10.01","#,
            r#""stop_price":null,"status":"partially_filled","reason":null,"#,
            r#""created_at":"2026-01-05T09:00:00.000000000Z","#,
            r#""updated_at":"2026-01-05T09:00:00.000000000Z","as_of_seq":5}"#
        )
    );
}

#[test]
fn the_tape_is_canonical_text() {
    let mut desk = ready();
    desk.limit("one", "buy", "60", "10.01");
    let (_, order) = desk.limit("two", "buy", "1", "9.00");
    desk.ask(&json!({"kind": "cancel", "account_id": account_id(1), "order_id": order["id"],
                     "request_id": "c1"}));
    let bodies: Vec<String> = desk.take().turns.into_iter().map(|turn| turn.body).collect();
    let wanted = [
        concat!(
            r#"{"v":1,"kind":"open_account","events":[{"e":"account_opened","#,
            r#""account":"00000000-0000-4000-8000-000000000001","owner":"u1","#,
            r#""account_kind":"cash","currency":"USD","request":"open","#,
            r#""digest":"1fb39acd571a9dde"},{"e":"deposited","#,
            r#""account":"00000000-0000-4000-8000-000000000001","amount":1000000000}]}"#
        ),
        concat!(
            r#"{"v":1,"kind":"submit","events":[{"e":"accepted","#,
            r#""order":"0d6e4079-e367-8001-8000-000000000001","#,
            r#""account":"00000000-0000-4000-8000-000000000001","client_order_id":"one","#,
            r#""symbol":"ACME","side":"buy","type":"limit","qty":60000000,"#,
            r#""limit_price":10010000,"stop_price":null,"time_in_force":"gtc","#,
            r#""digest":"DIGEST","hold":601200600},{"e":"filled","#,
            r#""fill":"0d6e4079-e367-8002-8000-000000000001","#,
            r#""order":"0d6e4079-e367-8001-8000-000000000001","#,
            r#""account":"00000000-0000-4000-8000-000000000001","symbol":"ACME","side":"buy","#,
            r#""price":10010000,"qty":50000000,"notional":500500000,"fee":500500,"#,
            r#""release":501000500,"cost":500500000,"realized_pl":0,"liquidity":"taker","#,
            r#""counterparty":"house","completes":false,"receipt":{"how":"crossed","#,
            r#""profile":"realistic","bid":9990000,"ask":10010000,"offered":50000000,"#,
            r#""fees":[["taker",500500]]}}]}"#
        ),
        concat!(
            r#"{"v":1,"kind":"cancel","events":[{"e":"canceled","#,
            r#""order":"0d6e4079-e367-8001-8000-000000000002","reason":"requested","#,
            r#""release":9009000,"request":"c1","digest":"DIGEST"}]}"#
        ),
    ];
    let stands = [&bodies[3], &bodies[4], &bodies[6]];
    for (body, wanted) in stands.into_iter().zip(wanted) {
        assert_eq!(without_digest(body), without_digest(wanted));
    }
}

/// Digests are 16 hex digits of no interest here.
fn without_digest(body: &str) -> String {
    let mut parts = body.split("\"digest\":\"");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').map_or("", |(_, rest)| rest))
}

#[test]
fn a_rejected_order_is_answered_with_reason_value_limit_and_order() {
    let mut desk = ready();
    let (outcome, body) = desk.limit("one", "buy", "100", "10.00");
    assert_eq!(outcome, "rejected");
    assert_eq!(body["reason"], "insufficient_buying_power");
    assert_eq!(body["field"], "qty");
    assert_eq!((&body["value"], &body["limit"]), (&json!("1001.00"), &json!("1000.00")));
    assert_eq!(body["order"]["id"], body["order_id"]);
    assert_eq!(body["order"]["status"], "rejected");
    assert_eq!(body["order"]["reason"], "insufficient_buying_power");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("1001.00 USD")));
}

#[test]
fn value_shows_the_account_and_its_positions_at_the_present_mid() {
    let mut desk = ready();
    desk.limit("one", "buy", "10", "10.01");
    desk.quote("10.99", "11.01", "50");
    let (_, value) = desk.ask(&json!({"kind": "value", "account_id": account_id(1)}));
    assert_eq!(
        value,
        json!({
            "account": {
                "id": account_id(1), "kind": "cash", "currency": "USD", "cash": "899.7999",
                "equity": "1009.7999", "buying_power": "899.7999", "unrealized_pl": "9.90",
                "realized_pl": "0.00", "status": "active", "as_of_seq": 5,
            },
            "positions": [{
                "symbol": "ACME", "qty": "10", "avg_entry_price": "10.01",
                "market_value": "110.00", "cost_basis": "100.10", "unrealized_pl": "9.90",
                "current_price": "11.00", "side": "long",
            }],
        })
    );
}

#[test]
fn the_book_shows_street_and_users_with_the_quote() {
    let mut desk = ready();
    desk.limit("one", "buy", "5", "9.99");
    desk.limit("two", "buy", "7", "9.98");
    let (_, book) = desk.ask(&json!({"kind": "book", "symbol": "ACME", "depth": 2}));
    assert_eq!(
        book,
        json!({
            "symbol": "ACME", "bids": [["9.99", "55", 2], ["9.98", "7", 1]],
            "asks": [["10.01", "50", 1]],
            "quote": {"symbol": "ACME", "bid": "9.99", "ask": "10.01", "bid_size": "50",
                      "ask_size": "50", "last": null, "time": "2026-01-05T09:00:00.000000000Z"},
            "as_of_seq": 6,
        })
    );
}

#[test]
fn a_preview_tells_cost_fees_slippage_and_what_would_be_refused_and_changes_nothing() {
    let mut desk = ready();
    let before = desk.world.snapshot();
    let order = json!({"kind": "preview", "account_id": account_id(1), "symbol": "ACME",
                       "side": "buy", "type": "limit", "qty": "60", "limit_price": "10.02"});
    let (outcome, preview) = desk.ask(&order);
    assert_eq!(outcome, "ok");
    assert_eq!(preview["cost"], "600.70");
    assert_eq!(preview["fees"], "0.6007");
    assert_eq!(preview["buying_power_after"], "398.1988");
    assert_eq!(preview["expected_slippage"], "0.01");
    assert_eq!(preview["rejections"], json!([]));
    assert_eq!(preview["warnings"][0]["reason"], "would_wait");
    let mut dear = order;
    dear["qty"] = json!("100.5");
    let (_, preview) = desk.ask(&dear);
    let reasons: Vec<&Value> =
        (0..2).map(|index| &preview["rejections"][index]["reason"]).collect();
    assert_eq!(reasons, [&json!("invalid_lot"), &json!("insufficient_buying_power")]);
    assert_eq!(desk.world.snapshot(), before);
}

#[test]
fn instruments_and_exchanges_are_listed_by_name() {
    let mut desk = Desk::open();
    desk.list("AAA", "street");
    let (_, listed) = desk.ask(&json!({"kind": "instruments"}));
    assert_eq!(listed["items"][0]["symbol"], "AAA");
    assert_eq!(
        listed["items"][1],
        json!({"symbol": "ACME", "name": "Acme Inc.", "asset_class": "us_equity", "exchange": "X",
               "sector": "Technology", "currency": "USD", "tick_size": "0.01", "lot_size": "1",
               "status": "active"})
    );
    let (_, exchanges) = desk.ask(&json!({"kind": "exchanges"}));
    assert_eq!(exchanges["items"][0]["fees"]["taker_rate"], "0.001");
}

#[test]
fn messages_follow_the_events_of_a_turn() {
    let mut desk = ready();
    desk.take();
    desk.limit("one", "buy", "60", "10.01");
    let messages = desk.take().messages;
    let told: Vec<(&str, &str)> =
        messages.iter().map(|message| (message.channel, message.kind)).collect();
    assert_eq!(
        told,
        [
            ("orders", "new"),
            ("orders", "partial_fill"),
            ("fills", "fill"),
            ("account", "account"),
            ("positions", "position"),
        ]
    );
    assert!(messages.iter().all(|message| message.seq == 5));
    assert!(messages.iter().all(|message| message.account_id == account_id(1)));
    assert_eq!(
        keys(&desk, &messages[2].data),
        [
            "id",
            "order_id",
            "account_id",
            "symbol",
            "side",
            "price",
            "qty",
            "notional",
            "fee",
            "liquidity",
            "counterparty",
            "realized_pl",
            "receipt",
            "time",
            "seq",
        ]
    );
}

#[test]
fn prints_are_public_and_name_the_aggressor() {
    let mut desk = ready();
    desk.limit("one", "buy", "10", "10.01");
    desk.send(&json!({"kind": "trade", "symbol": "ACME", "price": "10.00", "qty": "3"}));
    let prints = desk.take().prints;
    let told: Vec<(&str, &str, &str)> =
        prints.iter().map(|print| (print.price.as_str(), print.qty.as_str(), print.side)).collect();
    assert_eq!(told, [("10.01", "10", "buy"), ("10.00", "3", "")]);
    assert_eq!(prints[0].time_ns, MORNING_NS);
}

#[test]
fn quotes_tell_only_what_changed() {
    let mut desk = ready();
    assert_eq!(desk.world.quotes(true).len(), 1);
    assert!(desk.world.quotes(true).is_empty());
    assert_eq!(desk.world.quotes(false).len(), 1);
    desk.now_ns += SECOND_NS;
    desk.quote("9.98", "10.00", "50");
    let quotes = desk.world.quotes(true);
    assert_eq!(quotes[0].0, "ACME");
    let quote: Value = serde_json::from_str(&quotes[0].1).expect("JSON");
    assert_eq!((&quote["bid"], &quote["ask"]), (&json!("9.98"), &json!("10.00")));
}

#[test]
fn a_pair_is_found_without_its_stroke() {
    let mut desk = ready();
    desk.list("BTC/USD", "street");
    let (outcome, book) = desk.ask(&json!({"kind": "book", "symbol": "BTCUSD"}));
    assert_eq!((outcome, &book["symbol"]), ("ok", &json!("BTC/USD")));
    assert_eq!(book["quote"], Value::Null);
}

#[test]
fn an_instrument_with_a_new_symbol_is_listed_once() {
    let mut desk = Desk::open();
    desk.ask(&json!({"kind": "corporate_action", "action_id": "a", "symbol": "ACME",
        "action": "symbol_change", "new_symbol": "NEWS"}));
    let (_, listed) = desk.ask(&json!({"kind": "instruments"}));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["items"][0]["symbol"], "NEWS");
}

#[test]
fn numbers_are_taken_like_decimal_text() {
    let mut desk = ready();
    let text = format!(
        r#"{{"kind":"submit","account_id":"{}","client_order_id":"n","symbol":"ACME","side":"buy",
        "type":"limit","qty":5,"limit_price":9.50}}"#,
        account_id(1)
    );
    let reply = desk.world.apply_json(text.as_bytes(), desk.now_ns, &mut desk.sink);
    let (outcome, body) = reply.expect("a reply");
    assert_eq!(outcome, "created");
    assert!(body.contains(r#""limit_price":"9.50""#) && body.contains(r#""time_in_force":"day""#));
}

#[test]
fn a_strangers_order_is_not_found() {
    let mut desk = ready();
    desk.open_account(2, "1000.00");
    let (_, order) = desk.limit("one", "buy", "5", "9.50");
    for kind in ["cancel", "replace"] {
        let mut command =
            json!({"kind": kind, "account_id": account_id(2), "order_id": order["id"]});
        if kind == "replace" {
            command["qty"] = json!("4");
        }
        let (outcome, body) = desk.ask(&command);
        assert_eq!((outcome, &body["reason"]), ("not_found", &json!("not_found")));
        assert_eq!(body.get("order"), None, "nothing of the order is told");
    }
}

#[test]
fn a_member_that_nobody_knows_is_refused_by_name() {
    let mut desk = ready();
    let order = json!({
        "kind": "submit", "account_id": account_id(1), "client_order_id": "n", "symbol": "ACME",
        "side": "buy", "type": "limit", "qty": "5", "limit_price": "9.50",
    });
    for (name, value) in [
        ("limt_price", json!("9.40")),
        ("forced", json!("risk_stop")),
        ("parent", json!(1)),
        ("limt_price", json!(null)),
    ] {
        let mut command = order.clone();
        command[name] = value;
        let (outcome, body) = desk.ask(&command);
        assert_eq!((outcome, &body["reason"]), ("malformed", &json!("malformed")));
        assert_eq!(body["value"], json!(name));
        let detail = body["detail"].as_str().expect("a sentence");
        let begin = format!("submit has no member {name:?}; it may have account_id, ");
        assert!(detail.starts_with(&begin) && detail.contains(", expire_time, "), "{detail}");
        assert!(!detail.contains("water_mark"), "{detail}");
    }
    for part in [
        json!({"take_profit": {"limit_price": "12", "stop_price": "9"}}),
        json!({"stop_loss": {"stopprice": "9"}}),
        json!({"legs": [{"symbol": "ACME", "side": "buy", "ratio": "1"}]}),
    ] {
        let mut command = order.clone();
        command.as_object_mut().expect("an object").extend(part.as_object().expect("one").clone());
        assert_eq!(desk.ask(&command).0, "malformed", "{part}");
    }
    for (kind, key, settings) in [
        ("set_fees", "fees", json!({"taker_rat": "0.1"})),
        ("set_fees", "fees", json!({"tiers": [{"volum": "1"}]})),
        ("set_profile", "profile", json!({"preset": "realistic", "dept": "displayed"})),
        ("set_profile", "profile", json!({"preset": "realistic", "factors": [{"factr": "2"}]})),
        ("set_profile", "profile", json!({"preset": "realistic", "event_latency": {"mean": "2"}})),
    ] {
        let mut command = json!({"kind": kind, "symbol": "ACME"});
        command[key] = settings;
        let (outcome, body) = desk.ask(&command);
        assert_eq!((outcome, &body["field"]), ("malformed", &json!(key)));
        let detail = body["detail"].as_str().expect("a sentence");
        assert!(detail.contains(" has no member "), "{detail}");
    }
}

#[test]
fn what_a_listing_must_not_say_is_refused() {
    let mut desk = ready();
    let good = json!({
        "kind": "list_instrument", "symbol": "NEW", "name": "New", "asset_class": "us_equity",
        "exchange": "X", "sector": "", "currency": "USD", "tick_size": "0.01", "lot_size": "1",
        "price_scale": 6, "qty_scale": 6, "source": "street", "trigger": "bid_ask",
    });
    for (field, value) in [
        ("tick_size", json!("0")),
        ("tick_size", json!("0.0000001")),
        ("lot_size", json!("-1")),
        ("price_scale", json!(13)),
        ("qty_scale", json!(-1)),
        ("currency", json!("usd")),
        ("exchange", json!("NOWHERE")),
        ("source", json!("thin air")),
        ("symbol", json!("")),
        ("asset_class", json!("beans")),
        ("name", json!(7)),
    ] {
        let mut bad = good.clone();
        bad[field] = value.clone();
        let (outcome, body) = desk.ask(&bad);
        assert_eq!(outcome, "malformed", "{field} = {value}: {body}");
    }
    assert_eq!(desk.ask(&good).0, "created");
    let mut other = good.clone();
    other["tick_size"] = json!("0.05");
    assert_eq!(desk.ask(&other).0, "id_reused");
}
