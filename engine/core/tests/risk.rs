//! The risk policy through the JSON door: what users share, what the tape keeps, what is answered.

use papertape_core::risk::{BASE_CHECKS, bit};
use papertape_core::words::RiskCheck;
use papertape_core::{TapeSink, World};
use serde_json::{Value, json};

/// A world with one stock at 10, two accounts of one user and one of another.
struct Desk {
    world: World,
    sink: TapeSink,
    now_ns: i64,
    orders: u32,
}

impl Desk {
    fn new() -> Desk {
        let world = World::new("main").expect("a fine name");
        let mut desk = Desk { world, sink: TapeSink::new(), now_ns: 1_000_000_000, orders: 0 };
        desk.must(json!({"kind": "create_world", "world": "main", "seed": 1, "sharing": "shared"}));
        desk.must(json!({
            "kind": "list_exchange", "exchange": "X", "name": "X", "currency": "USD",
            "calendar": "always", "fees": {},
            "profile": {"name": "p", "spread_ticks": 1, "market_orders": "street"},
        }));
        desk.must(json!({
            "kind": "list_instrument", "symbol": "ACME", "name": "ACME", "exchange": "X",
            "asset_class": "us_equity", "currency": "USD", "tick_size": "0.01", "lot_size": "1",
            "price_scale": 6, "qty_scale": 6, "source": "street", "trigger": "bid_ask",
        }));
        for (number, owner) in [(1, "ann"), (2, "ann"), (3, "ben")] {
            desk.open(number, owner);
        }
        desk.quote("10.00");
        desk
    }

    fn open(&mut self, account: u32, owner: &str) {
        self.must(json!({
            "kind": "open_account", "account_id": id(account), "owner": owner,
            "account_kind": "cash", "currency": "USD", "starting_cash": "100000",
            "request_id": "open",
        }));
    }

    fn ask(&mut self, command: Value) -> (String, Value) {
        let text = command.to_string();
        let reply = self.world.apply_json(text.as_bytes(), self.now_ns, &mut self.sink);
        let (outcome, body) = reply.unwrap_or(("ok", "null".to_owned()));
        (outcome.to_owned(), serde_json::from_str(&body).expect("JSON"))
    }

    fn must(&mut self, command: Value) -> Value {
        let (outcome, body) = self.ask(command);
        assert!(["ok", "created"].contains(&outcome.as_str()), "{outcome}: {body}");
        body
    }

    fn quote(&mut self, price: &str) {
        self.must(json!({
            "kind": "quote", "symbol": "ACME", "bid": price, "ask": price, "bid_size": "100000",
            "ask_size": "100000",
        }));
    }

    fn policy(&mut self, policy: Value) -> Value {
        self.must(json!({"kind": "set_policy", "policy": policy}))
    }

    /// The reason that an order is rejected for; empty when it is taken.
    fn buy(&mut self, account: u32, qty: &str) -> String {
        self.orders += 1;
        let (_, body) = self.ask(json!({
            "kind": "submit", "account_id": id(account), "symbol": "ACME", "side": "buy",
            "client_order_id": format!("o{}", self.orders), "type": "market", "qty": qty,
        }));
        body["reason"].as_str().unwrap_or("").to_owned()
    }

    /// The events of this name since the last call.
    fn events(&mut self, name: &str) -> Vec<Value> {
        let turns = self.sink.take().turns;
        let bodies = turns.iter().map(|turn| serde_json::from_str(&turn.body).expect("JSON"));
        let events = bodies.flat_map(|body: Value| body["events"].as_array().cloned());
        events.flatten().filter(|event| event["e"] == name).collect()
    }
}

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

#[test]
fn the_limits_of_a_user_add_up_all_of_its_accounts() {
    let mut desk = Desk::new();
    desk.policy(json!({"rules": [
        {"measure": "position_qty", "per": "user", "symbol": "*", "limit": "100"},
        {"measure": "order_rate", "per": "user", "of": id(1), "limit": "3", "window_s": 60},
    ]}));
    assert_eq!(desk.buy(1, "60"), "");
    assert_eq!(desk.buy(2, "41"), "position_limit");
    assert_eq!(desk.buy(2, "40"), "");
    assert_eq!(desk.buy(3, "100"), "");
    desk.quote("10.00");
    desk.must(json!({"kind": "set_policy", "policy": {"rules": [
        {"measure": "order_rate", "per": "user", "of": id(1), "limit": "3", "window_s": 60},
    ]}}));
    assert_eq!(desk.buy(1, "1"), "");
    assert_eq!(desk.buy(2, "1"), "order_rate_limit");
    assert_eq!(desk.buy(3, "1"), "");
    desk.now_ns += 61_000_000_000;
    assert_eq!(desk.buy(2, "1"), "");
}

#[test]
fn the_kill_switch_of_a_user_stops_all_of_its_accounts() {
    let mut desk = Desk::new();
    let switch = |on| json!({"kind": "kill_switch", "scope": "user", "owner": id(2), "on": on});
    desk.must(switch(true));
    assert_eq!(desk.buy(1, "1"), "kill_switch");
    assert_eq!(desk.buy(2, "1"), "kill_switch");
    assert_eq!(desk.buy(3, "1"), "");
    desk.must(switch(false));
    assert_eq!(desk.buy(1, "1"), "");
}

#[test]
fn an_accepted_order_keeps_the_version_and_the_checks_that_it_passed() {
    let mut desk = Desk::new();
    assert_eq!(desk.buy(1, "1"), "");
    assert_eq!(desk.events("accepted")[0].get("policy"), None);
    desk.policy(json!({"rules": [{"measure": "order_qty", "limit": "10"}]}));
    desk.policy(json!({"rules": [{"measure": "order_qty", "limit": "20"}], "wash_trade": true}));
    assert_eq!(desk.buy(1, "15"), "");
    let accepted = &desk.events("accepted")[0];
    let checks = BASE_CHECKS
        | bit(RiskCheck::KillSwitch)
        | bit(RiskCheck::LossStop)
        | bit(RiskCheck::OrderSize)
        | bit(RiskCheck::WashTrade);
    assert_eq!((&accepted["policy"], &accepted["checks"]), (&json!(2), &json!(checks)));
}

#[test]
fn a_share_of_the_limit_raises_an_alert_and_the_limit_rejects_with_value_and_limit() {
    let mut desk = Desk::new();
    desk.policy(json!({"rules": [{"measure": "order_qty", "limit": "100", "alert_at": "0.8"}]}));
    assert_eq!(desk.buy(1, "79"), "");
    assert!(desk.events("risk_alert").is_empty());
    assert_eq!(desk.buy(1, "80"), "");
    let alert = &desk.events("risk_alert")[0];
    assert_eq!((&alert["level"], &alert["value"]), (&json!("soft"), &json!("80")));
    assert_eq!((&alert["limit"], &alert["rule"]), (&json!("100"), &json!(0)));
    let (_, body) = desk.ask(json!({
        "kind": "submit", "account_id": id(1), "symbol": "ACME", "side": "buy",
        "client_order_id": "large", "type": "market", "qty": "101",
    }));
    assert_eq!((&body["value"], &body["limit"]), (&json!("101"), &json!("100")));
}

#[test]
fn watched_limits_raise_their_alert_once_a_day() {
    let mut desk = Desk::new();
    desk.policy(json!({"rules": [
        {"measure": "daily_loss", "limit": "1000", "alert_at": "0.5", "action": "alert"},
    ]}));
    assert_eq!(desk.buy(1, "1000"), "");
    desk.events("risk_alert");
    for price in ["9.60", "9.50", "9.40", "9.60", "9.50", "9.00", "8.00"] {
        desk.quote(price);
    }
    let alerts: Vec<(Value, Value)> = desk
        .events("risk_alert")
        .into_iter()
        .map(|alert| (alert["level"].clone(), alert["value"].clone()))
        .collect();
    let told = [("soft", "500.00"), ("hard", "1000.00")];
    assert_eq!(alerts, told.map(|(level, value)| (json!(level), json!(value))));
    assert_eq!(desk.buy(1, "1"), "", "a rule that only alerts stops nobody");
}

#[test]
fn the_policy_and_the_standing_of_an_account_are_answered() {
    let mut desk = Desk::new();
    assert_eq!(desk.must(json!({"kind": "policy"}))["version"], 0);
    let policy = json!({
        "rules": [{"measure": "drawdown", "per": "account", "limit": "0.2"}], "wash_trade": false,
        "margin": {"call_at": "1", "liquidate_at": "1", "grace_s": 0}, "day_starts": "22:00",
    });
    desk.policy(policy.clone());
    let answer = desk.must(json!({"kind": "policy"}));
    assert_eq!((&answer["version"], &answer["policy"]), (&json!(1), &policy));
    desk.policy(policy);
    assert_eq!(desk.must(json!({"kind": "policy"}))["version"], 1, "the same policy again");
    desk.buy(1, "1000");
    desk.quote("9.00");
    let standing = desk.must(json!({"kind": "risk", "account_id": id(1)}));
    assert_eq!(standing["day_start_equity"], "100000.00");
    assert_eq!(standing["peak_equity"], "100000.00");
    assert_eq!(standing["equity"], "99000.00");
}

#[test]
fn many_accounts_are_told_of_a_kill_switch_turn_by_turn() {
    let mut desk = Desk::new();
    for number in 10..1_500 {
        desk.must(json!({
            "kind": "open_account", "account_id": id(number), "owner": format!("u{number}"),
            "account_kind": "cash", "currency": "USD", "starting_cash": "1000",
            "request_id": "open",
        }));
        desk.must(json!({
            "kind": "submit", "account_id": id(number), "symbol": "ACME", "side": "buy",
            "client_order_id": "o", "type": "limit", "limit_price": "5.00", "qty": "1",
        }));
    }
    desk.sink.take();
    desk.must(json!({"kind": "kill_switch", "scope": "world", "on": true}));
    // Orders that have not left yet do not trade.
    desk.quote("4.00");
    while desk.world.more_due() {
        desk.must(json!({"kind": "time"}));
    }
    let batch = desk.sink.take();
    assert!(batch.rows.fills.is_empty());
    assert!(batch.rows.orders.iter().all(|order| order.reason == Some("kill_switch")));
    assert_eq!(batch.rows.orders.len(), 1_490);
    for turn in batch.turns {
        let body: Value = serde_json::from_str(&turn.body).expect("JSON");
        assert!(body["events"].as_array().is_some_and(|events| events.len() <= 1_000));
    }
}

#[test]
fn replaces_leave_what_they_were_checked_for() {
    let mut desk = Desk::new();
    desk.policy(json!({"rules": [
        {"measure": "order_qty", "symbol": "*", "limit": "100"},
        {"measure": "order_rate", "per": "account", "limit": "9", "window_s": 60},
        {"measure": "open_orders", "per": "account", "limit": "9"},
    ]}));
    let order = desk.must(json!({
        "kind": "submit", "account_id": id(1), "symbol": "ACME", "side": "buy",
        "client_order_id": "rests", "type": "limit", "qty": "10", "limit_price": "9",
    }));
    let replace = |qty: &str| {
        let (account, order) = (id(1), &order["id"]);
        json!({"kind": "replace", "account_id": account, "order_id": order, "qty": qty})
    };
    desk.must(replace("20"));
    desk.ask(replace("101"));
    let (outcome, _) = desk.ask(replace("20"));
    assert_eq!(outcome, "not_replaceable", "nothing was checked: nothing is kept");
    let rows = desk.sink.take();
    let told: Vec<_> = rows.rows.checks.iter().map(|row| (row.kind, row.outcome)).collect();
    assert_eq!(told, [("new", "passed"), ("replace", "passed"), ("replace", "failed")]);
    let counts = bit(RiskCheck::OrderRate) | bit(RiskCheck::OpenOrders);
    let [new, passed, failed] = rows.rows.checks.as_slice() else { panic!("three rows") };
    assert_eq!(new.checks, passed.checks | counts, "a replace is no further order");
    assert_eq!((passed.policy, failed.policy, failed.checks), (1, 1, 0));
    assert_eq!(failed.reason, Some("order_size_limit"));
    assert_eq!((failed.value.as_deref(), failed.bound.as_deref()), (Some("101"), Some("100")));
    let mut rejected = rows.messages.iter().filter(|message| message.kind == "replace_rejected");
    let told = rejected.next().expect("a message");
    let told: Value = serde_json::from_str(&told.data).expect("JSON");
    assert_eq!((&told["qty"], &told["reason"]), (&json!("20"), &Value::Null), "as it stands");
    let why = json!({
        "reason": "order_size_limit", "value": "101", "limit": "100",
        "detail": "the order keeps its terms: order_size_limit, 101 against 100",
    });
    assert_eq!(told["refused"], why);
    assert!(rejected.next().is_none());
}

#[test]
fn a_kill_switch_alerts_each_account_that_it_stops() {
    let mut desk = Desk::new();
    let switch = |on: bool, scope: Value| {
        let mut command = json!({"kind": "kill_switch", "on": on, "reason": "halt"});
        command.as_object_mut().expect("an object").extend(scope.as_object().cloned().unwrap());
        command
    };
    let told = |desk: &mut Desk| {
        let batch = desk.sink.take();
        let ids: Vec<_> = batch.rows.alerts.iter().map(|row| (row.seq, row.i)).collect();
        assert!(ids.iter().is_sorted_by(|one, next| one < next), "each has its own id: {ids:?}");
        let heard = batch.messages.iter().filter(|message| message.channel == "alerts");
        let heard: Vec<_> =
            heard.map(|message| (message.kind, message.account_id.clone())).collect();
        let rows = batch.rows.alerts.into_iter();
        let rows: Vec<_> = rows.map(|row| (row.kind, row.account_id, row.details)).collect();
        let alike = rows.iter().map(|(kind, account, _)| (*kind, account.clone()));
        assert_eq!(heard, alike.collect::<Vec<_>>(), "the stream tells what the list tells");
        rows
    };
    told(&mut desk);
    for (scope, word, mut accounts, opened) in [
        (json!({"scope": "account", "account_id": id(3)}), "account", vec![3], 4),
        (json!({"scope": "user", "owner": "ann"}), "user", vec![1, 2, 4], 5),
        (json!({"scope": "world"}), "world", vec![1, 2, 3, 4, 5], 6),
    ] {
        desk.must(switch(true, scope.clone()));
        desk.must(switch(true, scope.clone()));
        let on =
            format!(r#"{{"scope":"{word}","reason":"halt","set_by":"admin","leaves":"orders"}}"#);
        let expected = accounts.iter().map(|account| ("kill_switch", id(*account), on.clone()));
        assert_eq!(told(&mut desk), expected.collect::<Vec<_>>(), "once, not for each repeat");
        desk.open(opened, "ann");
        let mut expected = Vec::new();
        if word != "account" {
            accounts.push(opened);
            let on = format!(r#"{{"scope":"{word}","reason":"halt","set_by":"admin"}}"#);
            expected.push(("kill_switch", id(opened), on));
        }
        assert_eq!(told(&mut desk), expected, "an account that begins under it");
        desk.must(switch(false, scope.clone()));
        let off = format!(r#"{{"scope":"{word}","set_by":"admin"}}"#);
        let expected =
            accounts.iter().map(|account| ("kill_switch_off", id(*account), off.clone()));
        assert_eq!(told(&mut desk), expected.collect::<Vec<_>>());
    }
}
