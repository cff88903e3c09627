//! Time, marks, due work, and how long request ids are kept.

use crate::support::{desk, proof};
use desk::{Desk, SECOND_NS, account_id};
use papertape_core::{TapeSink, World};
use serde_json::json;

fn ready() -> Desk {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    desk.quote("9.99", "10.01", "50");
    desk
}

fn bodies(desk: &mut Desk) -> Vec<String> {
    desk.take().turns.into_iter().map(|turn| turn.body).collect()
}

#[test]
fn prices_are_marked_at_most_once_a_second_and_only_while_somebody_cares() {
    let mut desk = ready();
    desk.pass(1);
    desk.take();
    desk.quote("9.98", "10.00", "50");
    desk.pass(1);
    assert!(bodies(&mut desk).is_empty(), "nobody holds it");
    desk.limit("one", "buy", "10", "10.00");
    desk.take();
    desk.quote("10.48", "10.50", "50");
    desk.pass(1);
    let marked = bodies(&mut desk);
    assert_eq!(marked.len(), 1);
    assert!(marked[0].contains(r#""symbol":"ACME","bid":10480000,"ask":10500000"#), "{marked:?}");
    desk.pass(1);
    assert!(bodies(&mut desk).is_empty(), "nothing changed");
    desk.quote("10.47", "10.50", "50");
    desk.now_ns += SECOND_NS / 2;
    desk.send(&json!({"kind": "time"}));
    assert_eq!(bodies(&mut desk).len(), 1);
    desk.quote("10.46", "10.50", "50");
    desk.now_ns += SECOND_NS / 2;
    desk.send(&json!({"kind": "time"}));
    assert!(bodies(&mut desk).is_empty(), "less than a second since the last mark");
}

#[test]
fn equity_rows_fall_into_minutes() {
    let mut desk = ready();
    desk.limit("one", "buy", "10", "10.01");
    desk.take();
    let mut minutes = Vec::new();
    for second in 0..130 {
        let bid = format!("{}.{:02}", 10 + second / 100, second % 100);
        desk.quote(&bid, "12.01", "50");
        desk.pass(1);
        minutes.extend(desk.take().rows.equity.into_iter().map(|row| row.minute_ns));
    }
    let minute = 60 * SECOND_NS;
    let first = minutes[0];
    assert_eq!(minutes, [first, first + minute, first + 2 * minute]);
    assert_eq!(first % minute, 0);
}

#[test]
fn a_quote_takes_no_turn_unless_it_moves_something() {
    let mut desk = ready();
    desk.take();
    let (seq, market_seq) = (desk.world.seq(), desk.world.market_seq());
    desk.quote("9.00", "11.00", "50");
    assert_eq!((desk.world.seq(), desk.world.market_seq()), (seq, market_seq + 1));
    desk.limit("one", "buy", "10", "10.00");
    desk.quote("9.00", "9.50", "50");
    let turns = desk.take().turns;
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[1].market_seq, market_seq + 2);
    assert!(turns[1].body.starts_with(r#"{"v":1,"kind":"quote","events":[{"e":"filled""#));
}

/// Sends so many resting orders.
fn rest(desk: &mut Desk, count: usize, tif: &str) {
    for number in 0..count {
        let (outcome, _) = desk.ask(&json!({
            "kind": "submit", "account_id": account_id(1), "client_order_id": format!("o{number}"),
            "symbol": "ACME", "side": "buy", "type": "limit", "qty": "1", "limit_price": "9.00",
            "time_in_force": tif,
        }));
        assert_eq!(outcome, "created");
    }
}

#[test]
fn cancel_all_works_through_many_orders_in_bounded_turns() {
    let mut desk = ready();
    rest(&mut desk, 2_500, "gtc");
    desk.take();
    let (outcome, body) = desk.ask(&json!({"kind": "cancel_all", "account_id": account_id(1),
                                           "request_id": "all"}));
    assert_eq!(outcome, "ok");
    assert_eq!(body["items"].as_array().map(Vec::len), Some(996));
    assert_eq!(body["remaining"], 1_504);
    assert!(desk.world.more_due());
    // An order that is due to leave does not trade any more.
    desk.quote("8.00", "8.50", "10000");
    assert!(desk.take().rows.fills.is_empty());
    while desk.world.more_due() {
        desk.pass(0);
    }
    let batch = desk.take();
    assert!(batch.turns.iter().all(|turn| turn.body.matches("\"e\":").count() <= 1_000));
    let account = &desk.world.durable().accounts[0];
    assert!(account.open_orders.is_empty());
    assert_eq!(account.held, 0);
    proof::durable_is_sound(&desk.world);
}

#[test]
fn the_end_of_a_day_works_through_many_orders_in_bounded_turns() {
    let mut desk = ready();
    rest(&mut desk, 1_500, "day");
    desk.take();
    desk.pass(86_400);
    let first = desk.take();
    assert!(first.turns.iter().all(|turn| turn.body.matches("\"e\":").count() <= 1_000));
    assert!(desk.world.more_due());
    let (outcome, order) = desk.limit("late", "buy", "10", "9.00");
    assert_eq!((outcome, &order["status"]), ("created", &json!("new")), "orders interleave");
    while desk.world.more_due() {
        desk.pass(0);
    }
    assert_eq!(desk.world.durable().accounts[0].open_orders.len(), 1);
    proof::durable_is_sound(&desk.world);
}

#[test]
fn a_closed_order_leaves_memory_with_its_request_id() {
    let mut desk = ready();
    let (_, order) = desk.limit("old", "buy", "1", "9.00");
    let (_, keep) = desk.limit("keep", "buy", "1", "9.00");
    let cancel = json!({"kind": "cancel", "account_id": account_id(1), "order_id": order["id"]});
    assert_eq!(desk.ask(&cancel).0, "ok");
    assert_eq!(desk.ask(&cancel).0, "not_cancelable", "within the window it is known");
    let (_, other) = desk.limit("other", "buy", "1", "9.00");
    desk.now_ns += 3_600 * SECOND_NS;
    let named = json!({"kind": "cancel", "account_id": account_id(1), "order_id": other["id"],
                       "request_id": "named"});
    assert_eq!(desk.ask(&named).0, "ok");
    assert_eq!(desk.ask(&named).0, "existing");
    desk.pass(86_400 - 1_800);
    for number in 0..4 {
        desk.limit(&format!("new{number}"), "buy", "1", "9.00");
    }
    assert_eq!(desk.ask(&cancel).0, "not_found", "the server looks into its tables");
    assert_eq!(desk.ask(&named).0, "not_found", "its request id outlived it");
    let (outcome, again) = desk.limit("keep", "buy", "1", "9.00");
    assert_eq!((outcome, &again["id"]), ("existing", &keep["id"]), "ids of open orders stay");
}

#[test]
fn memory_keeps_ten_thousand_request_ids() {
    let mut desk = ready();
    for number in 0..10_050 {
        desk.ask(&json!({
            "kind": "submit", "account_id": account_id(1), "client_order_id": format!("r{number}"),
            "symbol": "ACME", "side": "sell", "type": "market", "qty": "1",
        }));
    }
    let account = &desk.world.durable().accounts[0];
    assert_eq!(account.requests.len(), 10_000);
    assert_eq!(desk.world.durable().orders.len(), 10_000);
    proof::durable_is_sound(&desk.world);
}

#[test]
fn time_never_goes_back() {
    let mut desk = ready();
    desk.pass(100);
    let late = desk.world.time_ns();
    desk.now_ns -= 50 * SECOND_NS;
    let (_, order) = desk.limit("one", "buy", "1", "9.00");
    assert_eq!(desk.world.time_ns(), late);
    assert_eq!(order["created_at"], "2026-01-05T09:01:40.000000000Z");
}

#[test]
fn a_checkpoint_proves_the_state_before_it() {
    let mut desk = ready();
    desk.limit("one", "buy", "60", "10.01");
    let hash = desk.world.state_hash();
    assert_eq!(desk.ask(&json!({"kind": "checkpoint"})).0, "ok");
    let turns = desk.take().turns;
    assert!(turns.last().is_some_and(|turn| turn.body.contains(&hash)));
    let mut rebuilt = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    for turn in &turns {
        rebuilt.evolve(turn, &mut sink).expect("a turn that fits");
    }
    let mut wrong = turns.clone();
    let last = wrong.last_mut().expect("a turn");
    last.body = last.body.replace(&hash, &"0".repeat(64));
    let mut rebuilt = World::new("main").expect("a fine name");
    let result = wrong.iter().try_for_each(|turn| rebuilt.evolve(turn, &mut sink));
    let error = result.expect_err("another state");
    assert_eq!(error.seq, turns.len() as u64);
    assert!(error.why.contains("differs from the checkpoint"), "{error}");
}

#[test]
fn a_tape_of_another_order_or_version_is_refused() {
    let mut desk = ready();
    let turns = desk.take().turns;
    let mut world = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    assert!(world.evolve(&turns[1], &mut sink).is_err(), "a turn is missing");
    let mut newer = turns[0].clone();
    newer.body = newer.body.replace("\"v\":1", "\"v\":99");
    assert!(world.evolve(&newer, &mut sink).is_err());
    let mut stranger = World::new("other").expect("a fine name");
    assert!(stranger.evolve(&turns[0], &mut sink).is_err(), "the tape of another world");
    assert!(world.evolve(&turns[0], &mut sink).is_ok());
}

#[test]
fn a_world_is_created_before_anything_else() {
    let mut world = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    let reply = world.apply_json(br#"{"kind":"time"}"#, 1, &mut sink);
    assert_eq!(reply.map(|(outcome, _)| outcome), Some("malformed"));
    assert!(World::new("Not A Name").is_err());
}
