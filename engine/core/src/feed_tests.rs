//! Which inputs take the short way. That they end as on the general one is `tests/feed.rs`.

use super::*;
use crate::World;
use crate::sink::NullSink;

const OPENING: [&str; 4] = [
    r#"{"kind":"create_world","world":"main","seed":0,"sharing":"shared"}"#,
    r#"{"kind":"list_exchange","exchange":"X","name":"X","currency":"USD","calendar":"24/7",
    "fees":{"preset":"none"},"profile":{"preset":"realistic"}}"#,
    r#"{"kind":"list_instrument","symbol":"A","name":"A","asset_class":"us_equity","exchange":"X",
    "sector":"","currency":"USD","tick_size":"0.01","lot_size":"1","price_scale":2,"qty_scale":0,
    "source":"street","trigger":"bid_ask"}"#,
    r#"{"kind":"open_account","account_id":"00000000-0000-4000-8000-000000000001","owner":"o",
    "account_kind":"cash","currency":"USD","starting_cash":"1000000","request_id":"r"}"#,
];

fn quote(bid: Price, ask: Price) -> Input {
    Input::Quote(Quote { instrument: 0, bid: Some((bid, 10)), ask: Some((ask, 10)) })
}

fn print(price: Price) -> Input {
    Input::Trade(Trade { instrument: 0, price, qty: 1, side: None })
}

fn send(world: &mut World, terms: &str) {
    let order = format!(
        r#"{{"kind":"submit","account_id":"00000000-0000-4000-8000-000000000001","symbol":"A",
        "qty":"1","time_in_force":"gtc",{terms}}}"#
    );
    let (outcome, reply) = world.apply_json(order.as_bytes(), 1, &mut NullSink).unwrap();
    assert_eq!(outcome, "created", "{reply}");
}

/// A world that has heard one quote: 100 to 102.
fn quoted() -> World {
    let mut world = World::new("main").unwrap();
    for command in OPENING {
        let (outcome, reply) = world.apply_json(command.as_bytes(), 0, &mut NullSink).unwrap();
        assert_eq!(outcome, "created", "{reply}");
    }
    world.apply(&quote(100, 102), 1, &mut NullSink);
    world
}

#[track_caller]
fn assert_short(world: &mut World, input: &Input, is_short: bool) {
    assert_eq!(world.hear_feed(input, &mut NullSink), is_short, "{input:?}");
}

#[test]
fn what_touches_nobody_takes_the_short_way() {
    let mut world = quoted();
    assert_short(&mut world, &quote(99, 101), true);
    assert_short(&mut world, &print(100), true);
    let (bids, asks) = (vec![(99, 1), (97, 2)], vec![(101, 1), (104, 2)]);
    assert_short(&mut world, &Input::Depth(Depth { instrument: 0, bids, asks }), true);
    let half = Quote { instrument: 0, bid: Some((99, 1)), ask: None };
    assert_short(&mut world, &Input::Quote(half), false);
    assert_short(&mut world, &quote(0, 101), false);
}

#[test]
fn what_may_reach_a_resting_order_takes_the_general_way() {
    let mut world = quoted();
    let bid = r#""client_order_id":"1","side":"buy","type":"limit","limit_price":"0.98""#;
    send(&mut world, bid);
    assert_short(&mut world, &quote(97, 99), true);
    assert_short(&mut world, &quote(96, 98), false);
    assert_short(&mut world, &print(99), true);
    assert_short(&mut world, &print(98), false);
}

#[test]
fn what_may_reach_a_trigger_takes_the_general_way() {
    let mut world = quoted();
    let stop = r#""client_order_id":"1","side":"buy","type":"stop","stop_price":"1.05""#;
    send(&mut world, stop);
    assert_short(&mut world, &quote(102, 104), true);
    assert_short(&mut world, &quote(103, 105), false);
    assert_short(&mut world, &print(104), true);
    assert_short(&mut world, &print(105), false);
}
