//! The lane decides nothing of its own: with and without it a world does the same, to the byte.

use crate::support::{flow, twins};
use flow::{Step, step};
use papertape_core::Input;
use papertape_core::command::{AgentCancel, AgentOrder, Cancel, Quote};
use papertape_core::more_terms::{MoreTerms, StopLoss, TakeProfit};
use papertape_core::order::OrderTerms;
use papertape_core::words::{OrderClass, OrderType, Side, TimeInForce};
use proptest::prelude::*;
use twins::Twins;

/// The instrument of the bots, and one of the street: tick and lot of each.
const PLAIN: [(u32, i64, i64); 2] = [(2, 10_000, 1_000_000), (3, 1_000_000, 10_000)];
const LOT: i64 = 1_000_000;
const TICK: i64 = 10_000;

/// A plain order of one of the cash accounts, near the touch.
fn plain_order() -> impl Strategy<Value = Input> {
    let price = prop_oneof![4 => (96_i64..105).prop_map(Some), 1 => Just(None)];
    let ends = [TimeInForce::Gtc, TimeInForce::Day, TimeInForce::Ioc, TimeInForce::Fok];
    let traded = (prop::sample::select(PLAIN.to_vec()), price, 1_i64..40);
    (0_u32..3, 0_u32..400, any::<bool>(), traded, prop::sample::select(ends.to_vec())).prop_map(
        |(account, id, buys, ((instrument, tick, lot), price, lots), time_in_force)| {
            Input::Submit(OrderTerms {
                account,
                client_order_id: id.to_string().into(),
                instrument,
                side: if buys { Side::Buy } else { Side::Sell },
                order_type: price.map_or(OrderType::Market, |_| OrderType::Limit),
                qty: lots * lot,
                limit_price: price.map(|ticks| ticks * tick),
                stop_price: None,
                time_in_force,
                more: None,
            })
        },
    )
}

fn cancel() -> impl Strategy<Value = Step> {
    let request = prop::option::weighted(0.3, (0_u32..50).prop_map(|id| format!("c{id}")));
    (0_u32..3, 0_u64..12, request).prop_map(|(account, back, request_id)| {
        Step::Change(Input::Cancel(Cancel { account, order: 0, request_id }), back)
    })
}

fn bot() -> impl Strategy<Value = Input> {
    let order = (0_u64..60, any::<bool>(), 97_i64..104, 1_i64..30).prop_map(|it| {
        let (id, buys, ticks, lots) = it;
        Input::AgentOrder(AgentOrder {
            instrument: 2,
            agent: 1,
            id,
            side: if buys { Side::Buy } else { Side::Sell },
            price: Some(ticks * TICK),
            qty: lots * LOT,
        })
    });
    let leaves = (0_u64..60).prop_map(|id| Input::AgentCancel(AgentCancel { instrument: 2, id }));
    prop_oneof![3 => order, 1 => leaves]
}

fn quote() -> impl Strategy<Value = Input> {
    (prop::sample::select(vec![(0, TICK, LOT), PLAIN[1]]), 95_i64..105, 1_i64..20).prop_map(
        |((instrument, tick, lot), ticks, lots)| {
            let at = |ticks| Some((ticks * tick, lots * lot));
            Input::Quote(Quote { instrument, bid: at(ticks), ask: at(ticks + 1) })
        },
    )
}

/// Mostly what the lane knows, now and then something that it has to leave to the general way.
fn on_the_lane() -> impl Strategy<Value = Step> {
    let soon = |input: Input, pause: i64| Step::Do(input, pause);
    prop_oneof![
        30 => (plain_order(), 0_i64..2).prop_map(move |(input, pause)| soon(input, pause)),
        12 => cancel(),
        8 => bot().prop_map(move |input| soon(input, 0)),
        6 => quote().prop_map(move |input| soon(input, 0)),
        1 => (0_i64..100_000).prop_map(move |pause| soon(Input::Time, pause)),
        2 => step(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PAPERTAPE_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn common_commands_end_the_same_on_the_lane(
        steps in prop::collection::vec(on_the_lane(), 1..250)
    ) {
        let mut twins = Twins::begin();
        steps.iter().for_each(|step| twins.step(step));
        twins.finish();
    }

    #[test]
    fn every_other_command_ends_the_same_beside_the_lane(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut twins = Twins::begin();
        steps.iter().for_each(|step| twins.step(step));
        twins.finish();
    }
}

fn bots_sell(id: u64, ticks: i64, lots: i64) -> Input {
    Input::AgentOrder(AgentOrder {
        instrument: 2,
        agent: 1,
        id,
        side: Side::Sell,
        price: Some(ticks * TICK),
        qty: lots * LOT,
    })
}

fn buy(account: u32, id: &str, ticks: i64, lots: i64) -> OrderTerms {
    OrderTerms {
        account,
        client_order_id: id.into(),
        instrument: 2,
        side: Side::Buy,
        order_type: OrderType::Limit,
        qty: lots * LOT,
        limit_price: Some(ticks * TICK),
        stop_price: None,
        time_in_force: TimeInForce::Day,
        more: None,
    }
}

/// An order on the lane fires the stop of a bracket, whose legs come to the market by that: they
/// meet it in the same turn, as everywhere else.
#[test]
fn legs_that_the_lane_brings_to_life_meet_the_market_in_the_same_turn() {
    let mut twins = Twins::begin();
    let bracket = MoreTerms {
        order_class: OrderClass::Bracket,
        take_profit: Some(TakeProfit { limit_price: 100 * TICK }),
        stop_loss: Some(StopLoss {
            stop_price: Some(94 * TICK),
            limit_price: None,
            trail_price: None,
            trail_percent: None,
        }),
        ..MoreTerms::NONE
    };
    twins.apply(&bots_sell(1, 97, 24));
    let stop = OrderTerms {
        order_type: OrderType::StopLimit,
        stop_price: Some(99 * TICK),
        more: Some(Box::new(bracket)),
        ..buy(0, "bracket", 106, 10)
    };
    twins.apply(&Input::Submit(stop));
    twins.apply(&Input::Submit(buy(1, "first", 96, 4)));
    twins.apply(&bots_sell(2, 99, 13));
    let batch = twins.apply(&Input::Submit(buy(1, "second", 102, 35)));
    let body = &batch.turns[0].body;
    assert!(body.contains("\"triggered\"") && body.contains("\"released\""), "{body}");
    twins.apply(&Input::Time);
    twins.finish();
}
