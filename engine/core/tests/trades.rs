//! Trades that are busted and corrected, lots that are named, and how old requests are answered.
#![allow(clippy::disallowed_methods)]

use crate::support::{desk, proof};
use desk::{Desk, account_id};
use serde_json::{Value, json};

struct Trades {
    desk: Desk,
    tables: proof::Tables,
}

impl Trades {
    fn open(cost_method: &str) -> Trades {
        let mut desk = Desk::open();
        let (outcome, _) = desk.ask(&json!({
            "kind": "open_account", "account_id": account_id(1), "owner": "u1",
            "account_kind": "cash", "currency": "USD", "starting_cash": "10000",
            "request_id": "open", "cost_method": cost_method,
        }));
        assert_eq!(outcome, "created");
        Trades { desk, tables: proof::Tables::default() }
    }

    /// Trades at a price; gives the fill's id.
    fn trade(&mut self, id: &str, side: &str, qty: &str, price: &str) -> String {
        self.desk.quote(price, price, "10000");
        let (_, body) = self.desk.limit(id, side, qty, price);
        assert_eq!(body["status"], "filled", "{body}");
        self.settle();
        let order = body["id"].as_str().expect("an id").to_owned();
        let mut fills = self.tables.fills.values();
        let fill = fills.rfind(|fill| fill.order_id == order).expect("a fill");
        fill.fill_id.clone()
    }

    fn settle(&mut self) {
        let rows = self.desk.take().rows;
        self.tables.upsert(rows);
        self.tables.ledger_is_zero();
        proof::durable_is_sound(&self.desk.world);
    }

    /// A command about a fill, with what its row says.
    fn about(&mut self, kind: &str, fill: &str, more: Value) -> (&'static str, Value) {
        let row = self.tables.fills[fill].clone();
        let mut command = json!({
            "kind": kind, "account_id": row.account_id, "fill_id": fill, "symbol": row.symbol,
            "side": row.side, "qty": row.qty, "notional": row.notional, "fee": row.fee,
            "realized_pl": row.realized_pl, "request_id": format!("{kind} {fill}"),
        });
        for (key, value) in more.as_object().expect("an object") {
            command[key] = value.clone();
        }
        let answer = self.desk.ask(&command);
        self.settle();
        answer
    }

    fn account(&mut self, field: &str) -> String {
        let row = &self.tables.accounts[&account_id(1)];
        match field {
            "cash" => row.cash.clone(),
            _ => row.realized_pl.clone(),
        }
    }

    fn position(&self) -> (String, String) {
        let row = &self.tables.positions[&(account_id(1), "ACME".to_owned())];
        (row.qty.clone(), row.cost_basis.clone())
    }

    fn rebuilds(&self) {
        proof::tape_rebuilds(&self.desk.world, &self.desk.turns, &self.tables);
    }
}

#[test]
fn a_busted_buy_gives_back_price_and_fee() {
    let mut trades = Trades::open("average");
    let fill = trades.trade("a", "buy", "100", "10");
    assert_eq!(trades.account("cash"), "8999.00");
    assert_eq!(trades.about("bust_trade", &fill, json!({})).0, "ok");
    assert_eq!(trades.account("cash"), "10000.00");
    assert_eq!(trades.position(), ("0".to_owned(), "0.00".to_owned()));
    assert_eq!(trades.about("bust_trade", &fill, json!({})).0, "existing");
    let (outcome, body) = trades.about("bust_trade", &fill, json!({"request_id": "other"}));
    assert_eq!((outcome, &body["field"]), ("not_replaceable", &json!("fill_id")));
    trades.rebuilds();
}

#[test]
fn what_average_cost_had_spread_over_later_sells_becomes_profit_or_loss() {
    let mut trades = Trades::open("average");
    let first = trades.trade("a", "buy", "100", "10");
    trades.trade("b", "buy", "100", "20");
    trades.trade("c", "sell", "100", "30");
    assert_eq!(trades.account("realized_pl"), "1500.00");
    assert_eq!(trades.about("bust_trade", &first, json!({})).0, "ok");
    // As if only the hundred at 20 had been bought and sold at 30.
    assert_eq!(trades.account("realized_pl"), "1000.00");
    assert_eq!(trades.position(), ("0".to_owned(), "0.00".to_owned()));
    trades.rebuilds();
}

#[test]
fn a_busted_sell_brings_the_shares_back_at_their_cost() {
    let mut trades = Trades::open("average");
    trades.trade("a", "buy", "100", "10");
    let sell = trades.trade("b", "sell", "40", "15");
    assert_eq!(trades.about("bust_trade", &sell, json!({})).0, "ok");
    assert_eq!(trades.position(), ("100".to_owned(), "1000.00".to_owned()));
    assert_eq!(trades.account("realized_pl"), "0.00");
    assert_eq!(trades.account("cash"), "8999.00");
}

#[test]
fn a_bust_cannot_take_what_was_sold_or_spent_since() {
    let mut trades = Trades::open("average");
    let buy = trades.trade("a", "buy", "100", "10");
    let sell = trades.trade("b", "sell", "60", "10");
    assert_eq!(trades.about("bust_trade", &buy, json!({})).0, "not_replaceable");
    trades.trade("c", "buy", "950", "10");
    assert_eq!(trades.about("bust_trade", &sell, json!({})).0, "not_replaceable");
    let stranger = trades.about("bust_trade", &buy, json!({"fill_id": account_id(7)}));
    assert_eq!(stranger.0, "not_found");
}

#[test]
fn a_corrected_trade_is_a_bust_and_a_new_trade() {
    let mut trades = Trades::open("average");
    let fill = trades.trade("a", "buy", "100", "10");
    let right = json!({"new_qty": "90", "new_price": "9.50", "new_fee": "0.50"});
    let (outcome, body) = trades.about("correct_trade", &fill, right.clone());
    assert_eq!((outcome, &body["status"]), ("created", &json!("filled")));
    assert_eq!(trades.account("cash"), "9144.50");
    assert_eq!(trades.position(), ("90".to_owned(), "855.00".to_owned()));
    let kinds: Vec<&str> = trades.tables.ledger.values().map(|row| row.kind).collect();
    assert!(kinds.contains(&"correction"), "{kinds:?}");
    assert_eq!(trades.about("correct_trade", &fill, right).0, "existing");
    let (outcome, _) = trades.about(
        "correct_trade",
        &fill,
        json!({"new_qty": "5000", "new_price": "10", "request_id": "x"}),
    );
    assert_eq!(outcome, "not_replaceable");
    trades.rebuilds();
}

#[test]
fn a_correction_may_be_of_the_other_side_and_of_another_instrument() {
    let mut trades = Trades::open("average");
    trades.trade("a", "buy", "100", "10");
    let fill = trades.trade("b", "buy", "20", "10");
    let right = json!({"new_side": "sell", "new_qty": "30", "new_price": "12"});
    assert_eq!(trades.about("correct_trade", &fill, right).0, "created");
    assert_eq!(trades.position(), ("70".to_owned(), "700.00".to_owned()));
    assert_eq!(trades.account("realized_pl"), "60.00");
    let fill = trades.trade("c", "buy", "10", "10");
    for (more, reason, field) in [
        (json!({"new_symbol": "NONE"}), "unknown_symbol", "new_symbol"),
        (json!({"new_side": "hold"}), "malformed", "new_side"),
    ] {
        let mut right = json!({"new_qty": "1", "new_price": "1"});
        right.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        let (_, body) = trades.about("correct_trade", &fill, right);
        assert_eq!((&body["reason"], &body["field"]), (&json!(reason), &json!(field)));
    }
    trades.rebuilds();
}

#[test]
fn a_correction_that_cannot_be_paid_changes_nothing() {
    let mut trades = Trades::open("fifo");
    let fill = trades.trade("a", "buy", "100", "10");
    let seq = trades.desk.world.seq();
    let right = json!({"new_qty": "5000", "new_price": "10"});
    let (outcome, body) = trades.about("correct_trade", &fill, right);
    assert_eq!((outcome, &body["reason"]), ("rejected", &json!("insufficient_buying_power")));
    assert_eq!(trades.desk.world.seq(), seq);
}

#[test]
fn busts_of_an_account_that_keeps_lots_undo_whole_lots() {
    let mut trades = Trades::open("fifo");
    let first = trades.trade("a", "buy", "100", "10");
    let second = trades.trade("b", "buy", "100", "20");
    let sell = trades.trade("c", "sell", "50", "30");
    assert_eq!(trades.about("bust_trade", &first, json!({})).0, "not_replaceable");
    assert_eq!(trades.about("bust_trade", &second, json!({})).0, "ok");
    assert_eq!(trades.position(), ("50".to_owned(), "500.00".to_owned()));
    assert_eq!(trades.about("bust_trade", &sell, json!({})).0, "ok");
    assert_eq!(trades.position(), ("100".to_owned(), "1000.00".to_owned()));
    assert_eq!(trades.account("realized_pl"), "0.00");
    trades.rebuilds();
}

#[test]
fn a_sell_closes_the_lots_that_it_names() {
    let mut trades = Trades::open("specific");
    let first = trades.trade("a", "buy", "10", "10");
    let second = trades.trade("b", "buy", "10", "12");
    let mut sell = json!({
        "kind": "submit", "account_id": account_id(1), "client_order_id": "s", "symbol": "ACME",
        "side": "sell", "type": "limit", "qty": "12", "limit_price": "12", "time_in_force": "gtc",
        "lot_ids": [second, second],
    });
    let (outcome, body) = trades.desk.ask(&sell);
    assert_eq!((outcome, &body["reason"]), ("rejected", &json!("unknown_lot")));
    sell["lot_ids"] = json!([second]);
    sell["client_order_id"] = json!("t");
    let (_, body) = trades.desk.ask(&sell);
    assert_eq!(body["status"], "filled", "{body}");
    trades.settle();
    // Ten of the second without profit, two of the first at 10.
    assert_eq!(trades.account("realized_pl"), "4.00");
    assert_eq!(trades.position(), ("8".to_owned(), "80.00".to_owned()));
    sell["lot_ids"] = json!([first]);
    sell["client_order_id"] = json!("u");
    sell["qty"] = json!("8");
    assert_eq!(trades.desk.ask(&sell).1["status"], "filled");
    trades.settle();
    trades.rebuilds();
}

#[test]
fn the_opening_command_is_known_again_after_a_reset() {
    let mut desk = Desk::open();
    desk.open_account(1, "10000");
    let reset = json!({"kind": "reset", "account_id": account_id(1), "starting_cash": "5",
                       "request_id": "r"});
    assert_eq!(desk.ask(&reset).0, "ok");
    let open = json!({
        "kind": "open_account", "account_id": account_id(1), "owner": "u1",
        "account_kind": "cash", "currency": "USD", "starting_cash": "10000", "request_id": "open",
    });
    assert_eq!(desk.ask(&open).0, "existing");
    assert_eq!(desk.ask(&reset).0, "existing");
}

#[test]
fn a_day_of_many_margin_accounts_is_charged_a_thousand_at_a_time() {
    let mut desk = Desk::open();
    desk.quote("10", "10", "1000000");
    for number in 1..=1_500 {
        desk.ask(&json!({
            "kind": "open_account", "account_id": account_id(number), "owner": "u",
            "account_kind": "margin", "currency": "USD", "starting_cash": "100",
            "request_id": "open", "interest_rate": "0.36",
        }));
        desk.ask(&json!({
            "kind": "submit", "account_id": account_id(number), "client_order_id": "buy",
            "symbol": "ACME", "side": "buy", "type": "market", "qty": "15",
        }));
    }
    desk.take();
    desk.now_ns = (desk.now_ns / 86_400_000_000_000 + 1) * 86_400_000_000_000;
    desk.send(&json!({"kind": "time"}));
    assert!(desk.world.more_due());
    let first = desk.take().turns;
    assert!(first.iter().all(|turn| turn.body.matches("\"e\":").count() <= 1_000));
    while desk.world.more_due() {
        desk.send(&json!({"kind": "time"}));
    }
    desk.take();
    let charged: usize =
        desk.turns.iter().map(|turn| turn.body.matches("interest_charged").count()).sum();
    assert_eq!(charged, 1_500);
    proof::durable_is_sound(&desk.world);
}
