//! Groups whose legs meet their own parent, again and again: bounded turns, and a tape of them.

use crate::support::{desk, proof};
use desk::{Desk, account_id};
use papertape_core::{TapeSink, World};
use serde_json::json;

fn events_max(desk: &mut Desk) -> usize {
    let batch = desk.take();
    batch.turns.iter().map(|turn| turn.body.matches("\"e\":").count()).max().unwrap_or(0)
}

/// A bracket whose stop lies at its entry: every share that is bought is sold at once, to the
/// rest of the order that buys it.
fn send_circular_bracket(desk: &mut Desk) {
    let (outcome, _) = desk.ask(&json!({
        "kind": "submit", "account_id": account_id(1), "client_order_id": "circle",
        "symbol": "ACME", "side": "buy", "type": "limit", "qty": "2000", "limit_price": "10.00",
        "time_in_force": "gtc", "order_class": "bracket", "take_profit": {"limit_price": "11.00"},
        "stop_loss": {"stop_price": "10.00"},
    }));
    assert_eq!(outcome, "created");
}

#[test]
fn legs_that_meet_their_own_parent_take_bounded_turns() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    desk.quote("9.99", "10.00", "1");
    desk.take();
    send_circular_bracket(&mut desk);
    assert!(desk.world.more_due());
    assert!(events_max(&mut desk) <= 1_010);
    let mut turns = 0;
    while desk.world.more_due() {
        desk.pass(0);
        assert!(events_max(&mut desk) <= 1_010);
        turns += 1;
    }
    assert!(turns > 5, "{turns}");
    let bodies: String = desk.turns.iter().map(|turn| turn.body.as_str()).collect();
    assert_eq!(bodies.matches("\"completes\":true").count(), 2, "parent and stop are filled");
    proof::durable_is_sound(&desk.world);
    let mut rebuilt = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    for turn in &desk.turns {
        rebuilt.evolve(turn, &mut sink).expect("a turn that fits");
    }
    assert_eq!(rebuilt.state_hash(), desk.world.state_hash());
}

#[test]
fn a_leg_that_waits_for_its_turn_never_trades_once_all_are_canceled() {
    let mut desk = Desk::open();
    desk.open_account(1, "100000.00");
    desk.quote("9.99", "10.00", "1");
    send_circular_bracket(&mut desk);
    assert!(desk.world.more_due());
    let (outcome, _) = desk.ask(&json!({"kind": "cancel_all", "account_id": account_id(1)}));
    assert_eq!(outcome, "ok");
    desk.take();
    while desk.world.more_due() {
        desk.pass(0);
        let batch = desk.take();
        assert!(batch.turns.iter().all(|turn| !turn.body.contains("\"filled\"")));
    }
    let open: Vec<u64> = desk.world.durable().open_orders(0).map(|order| order.number).collect();
    assert!(open.is_empty(), "{open:?}");
}
