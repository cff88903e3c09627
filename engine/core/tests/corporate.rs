//! A corporate action over more holders than one turn can serve.

use crate::support::{desk, proof};
use desk::{Desk, account_id};
use papertape_core::units::parse_decimal;
use serde_json::{Value, json};

const HOLDERS: u64 = 1_500;

/// Everybody holds ten shares and bids for ten more.
fn crowd() -> Desk {
    let mut desk = Desk::open();
    desk.quote("10.00", "10.00", "1000000");
    for number in 1..=HOLDERS {
        desk.open_account(number, "1000.00");
        for (id, kind) in [("hold", "market"), ("bid", "limit")] {
            let mut order = json!({
                "kind": "submit", "account_id": account_id(number), "client_order_id": id,
                "symbol": "ACME", "side": "buy", "type": kind, "qty": "10", "time_in_force": "gtc",
            });
            if kind == "limit" {
                order["limit_price"] = json!("9.00");
            }
            assert_eq!(desk.ask(&order).0, "created");
        }
    }
    desk.take();
    desk
}

fn split(desk: &mut Desk) {
    let action = json!({"kind": "corporate_action", "action_id": "s", "symbol": "ACME",
                        "action": "split", "new": 2, "old": 1});
    assert_eq!(desk.ask(&action).0, "created");
}

fn value(desk: &mut Desk, number: u64) -> Value {
    desk.ask(&json!({"kind": "value", "account_id": account_id(number)})).1
}

#[test]
fn a_split_takes_several_turns_and_nobody_is_worth_less_in_between() {
    let mut desk = crowd();
    let before: Vec<i128> = desk
        .world
        .durable()
        .accounts
        .iter()
        .map(|it| desk.world.durable().worth(it).equity)
        .collect();
    split(&mut desk);
    assert!(desk.world.more_due(), "1,500 holders do not fit into one turn");
    let mut turns = 1;
    loop {
        let durable = desk.world.durable();
        for (account, before) in durable.accounts.iter().zip(&before) {
            assert_eq!(durable.worth(account).equity, *before, "{account:?}");
        }
        proof::durable_is_sound(&desk.world);
        if !desk.world.more_due() {
            break;
        }
        desk.pass(1);
        turns += 1;
    }
    assert!(turns >= 3, "{turns}");
    let batch = desk.take();
    assert!(batch.turns.iter().all(|turn| turn.body.matches("{\"e\":").count() <= 1_000));
    for number in [1, 700, HOLDERS] {
        let position = value(&mut desk, number)["positions"][0].clone();
        assert_eq!(
            (position["qty"].as_str(), position["avg_entry_price"].as_str()),
            (Some("20"), Some("5.00"))
        );
    }
}

#[test]
fn an_order_that_comes_while_the_split_is_going_on_is_in_new_shares() {
    let mut desk = crowd();
    split(&mut desk);
    let order = json!({
        "kind": "submit", "account_id": account_id(HOLDERS), "client_order_id": "late",
        "symbol": "ACME", "side": "buy", "type": "limit", "limit_price": "4.00", "qty": "10",
        "time_in_force": "gtc",
    });
    let (outcome, late) = desk.ask(&order);
    assert_eq!((outcome, late["status"].as_str()), ("created", Some("new")));
    while desk.world.more_due() {
        desk.pass(1);
    }
    desk.quote("4.00", "4.40", "100000");
    while desk.world.more_due() {
        desk.pass(1);
    }
    let (_, same) = desk.ask(&order);
    assert_eq!((same["qty"].as_str(), same["limit_price"].as_str()), (Some("10"), Some("4.00")));
    // Bids at 4.50 met the ask of 4.40.
    let positions = value(&mut desk, HOLDERS)["positions"].clone();
    assert_eq!(parse_decimal(positions[0]["qty"].as_str().unwrap_or("0"), 0), Ok(40));
}
