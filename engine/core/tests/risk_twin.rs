//! The watch triggers against a twin that values every account after every input, and the words
//! that the risk policy leaves on the tape.

use crate::support::{flow, proof, revalue};
use flow::risk_flow::risk;
use flow::{set_up, terms};
use papertape_core::command::Quote;
use papertape_core::order::OrderTerms;
use papertape_core::risk::RiskCommand;
use papertape_core::words::{OrderType, TimeInForce};
use papertape_core::{Input, TapeSink, TapeTurn, World};
use proptest::prelude::*;

/// Ticks of the instruments that are quoted: ACME and ZULU of the flow.
const TICKS: [i64; 2] = [10_000, 5];
const LOTS: [i64; 2] = [1_000_000, 10];

/// Quotes that wander by up to a third, so that limits are reached.
fn quote() -> impl Strategy<Value = Input> {
    (0..2_u32, 70..130_i64, 0..2_i64).prop_map(|(instrument, ticks, spread)| {
        let (tick, lot) = (TICKS[instrument as usize], LOTS[instrument as usize]);
        let bid = Some((ticks * tick, 5_000 * lot));
        let ask = Some(((ticks + spread) * tick, 5_000 * lot));
        Input::Quote(Quote { instrument, bid, ask })
    })
}

/// Orders that trade at once: market orders of many sizes in what is quoted.
fn order() -> impl Strategy<Value = Input> {
    (terms(), 1..900_i64, 0..2_u32).prop_map(|(terms, lots, instrument)| {
        Input::Submit(OrderTerms {
            instrument,
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            qty: lots * LOTS[instrument as usize],
            limit_price: None,
            stop_price: None,
            more: None,
            ..terms
        })
    })
}

/// Policies and resumed accounts; no kill switches, which would end the trading.
fn command() -> impl Strategy<Value = Input> {
    let stays = |command: &RiskCommand| {
        matches!(command, RiskCommand::SetPolicy(_) | RiskCommand::Resume { .. })
    };
    risk().prop_filter("a policy", stays).prop_map(Input::Risk)
}

/// What happens next, and so many seconds later; `None` is a restart.
fn step() -> impl Strategy<Value = (Option<Input>, i64)> {
    let pause = prop_oneof![20 => 0..3_i64, 1 => 40_000..90_000_i64];
    let input = prop_oneof![
        10 => quote().prop_map(Some),
        8 => order().prop_map(Some),
        3 => terms().prop_map(|terms| Some(Input::Submit(terms))),
        2 => command().prop_map(Some),
        4 => Just(Some(Input::Time)),
        1 => Just(None),
    ];
    (input, pause)
}

/// Plays the steps, asking the twin whenever no work is left; gives the tape.
fn play(steps: &[(Option<Input>, i64)]) -> Vec<TapeTurn> {
    let mut world = World::new("main").expect("a fine name");
    let mut sink = TapeSink::new();
    let (mut turns, mut tables) = (Vec::new(), proof::Tables::default());
    set_up(&mut world, &mut sink);
    let mut now_ns = 1_000_000_000;
    for (input, pause) in steps {
        now_ns += pause * 1_000_000_000;
        match input {
            Some(input) => {
                world.apply(input, now_ns, &mut sink);
            }
            None => world = World::restore(&world.snapshot()).expect("a snapshot"),
        }
        if input.is_some() && !world.more_due() {
            revalue::nothing_is_missed(&world);
        }
        proof::durable_is_sound(&world);
        let batch = sink.take();
        turns.extend(batch.turns);
        tables.upsert(batch.rows);
    }
    proof::tape_rebuilds(&world, &turns, &tables);
    turns
}

fn cases() -> u32 {
    std::env::var("PAPERTAPE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn no_account_stands_at_a_limit_unseen(steps in proptest::collection::vec(step(), 1..200)) {
        play(&steps);
    }
}

#[test]
fn the_random_flow_reaches_every_event_and_every_reason_of_risk() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut text = String::new();
    for _ in 0..90 {
        let steps = proptest::collection::vec(step(), 250).new_tree(&mut runner).expect("steps");
        for turn in play(&steps.current()) {
            text.push_str(&turn.body);
        }
    }
    let missing: Vec<&str> = WANTED.iter().copied().filter(|word| !text.contains(word)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// Words that a flow with a risk policy leaves on the tape.
const WANTED: &[&str] = &[
    "policy_set",
    "risk_alert",
    "account_stopped",
    "account_resumed",
    "day_began",
    "baselined",
    "peaks_raised",
    "day_moved",
    "margin_called",
    "margin_call_met",
    "liquidated",
    "cleaned",
    "daily_loss_stop",
    "drawdown_stop",
    "order_size_limit",
    "order_rate_limit",
    "open_orders_limit",
    "price_collar",
    "position_limit",
    "capital_share_limit",
    "concentration_limit",
    "leverage_limit",
    "\"restricted\"",
    "short_not_permitted",
    "wash_trade",
    "day_trade_limit",
    "\"forced\":\"risk_stop\"",
    "\"forced\":\"liquidation\"",
];
