//! The short way of a feed decides nothing of its own: with and without it a world does the same,
//! to the byte.

use crate::support::{flow, twins};
use flow::{Step, step};
use papertape_core::Input;
use papertape_core::command::{Depth, Quote, StreetLevel, Trade};
use papertape_core::exchange::Profile;
use papertape_core::order::OrderTerms;
use papertape_core::profile::{FillRules, Scope, SetRules};
use papertape_core::words::{MarketOrders, OrderType, QueueModel, Side, TimeInForce};
use proptest::prelude::*;
use twins::Twins;

/// The instruments of the street: tick and lot of each.
const STREET: [(u32, i64, i64); 3] = [(0, 10_000, 1_000_000), (1, 5, 10), (3, 1_000_000, 10_000)];

/// A world whose resting orders wait for what stood before them.
fn queued(queue: QueueModel) -> Twins {
    let mut twins = Twins::begin();
    for exchange in 0..2 {
        let rules = FillRules { queue, ..FillRules::PLAIN };
        let profile = Profile {
            name: "queued".to_owned(),
            spread_ticks: 1,
            participation: 0,
            market_orders: MarketOrders::Street,
            rules: Some(Box::new(rules)),
        };
        let (scope, profile) = (Scope::Exchange(exchange), Some(Some(profile)));
        twins.apply(&Input::SetRules(Box::new(SetRules { scope, fees: None, profile })));
    }
    twins
}

/// Levels away from `first`, best first, with now and then a gap.
fn levels(
    first: i64,
    way: i64,
    (tick, lot): (i64, i64),
) -> impl Strategy<Value = Vec<StreetLevel>> {
    prop::collection::vec((1_i64..3, 1_i64..6), 1..6).prop_map(move |steps| {
        let mut at = first - way;
        let level = |(gap, lots): (i64, i64)| {
            at += way * gap;
            (at * tick, lots * lot)
        };
        steps.into_iter().map(level).collect()
    })
}

/// What a street says: mostly around the middle, now and then far enough to reach an order.
fn said() -> impl Strategy<Value = Input> {
    (prop::sample::select(STREET.to_vec()), prop_oneof![5 => 99_i64..102, 1 => 92_i64..109])
        .prop_flat_map(|((instrument, tick, lot), middle)| {
            let sides = (levels(middle - 1, -1, (tick, lot)), levels(middle + 1, 1, (tick, lot)));
            let depth =
                sides.prop_map(move |(bids, asks)| Input::Depth(Depth { instrument, bids, asks }));
            let quote = (1_i64..6, 1_i64..6).prop_map(move |(bids, asks)| {
                let bid = Some(((middle - 1) * tick, bids * lot));
                Input::Quote(Quote {
                    instrument,
                    bid,
                    ask: Some(((middle + 1) * tick, asks * lot)),
                })
            });
            let trade = (-2_i64..3, 0_i64..9, prop::option::of(Just(Side::Buy))).prop_map(
                move |(away, lots, side)| {
                    let (price, qty) = ((middle + away) * tick, lots * lot);
                    Input::Trade(Trade { instrument, price, qty, side })
                },
            );
            prop_oneof![5 => quote, 3 => depth, 4 => trade]
        })
}

/// An order away from the touch or at it: limit, stop or if-touched.
fn order() -> impl Strategy<Value = Input> {
    let types = [OrderType::Limit, OrderType::Limit, OrderType::Stop, OrderType::MarketIfTouched];
    let traded = (prop::sample::select(STREET.to_vec()), 1_i64..5, 1_i64..9);
    let terms = (0_u32..4, 0_u32..400, any::<bool>(), traded, prop::sample::select(types.to_vec()));
    terms.prop_map(|(account, id, buys, ((instrument, tick, lot), away, lots), order_type)| {
        let side = if buys { Side::Buy } else { Side::Sell };
        let below = (order_type == OrderType::Stop) != buys;
        let price = (if below { 100 - away } else { 100 + away }) * tick;
        let is_limit = order_type == OrderType::Limit;
        Input::Submit(OrderTerms {
            account,
            client_order_id: id.to_string().into(),
            instrument,
            side,
            order_type,
            qty: lots * lot,
            limit_price: is_limit.then_some(price),
            stop_price: (!is_limit).then_some(price),
            time_in_force: TimeInForce::Gtc,
            more: None,
        })
    })
}

/// Mostly the feed, orders that rest beside it, now and then anything else.
fn day() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => said().prop_map(|input| Step::Do(input, 0)),
        5 => (order(), 0_i64..2).prop_map(|(input, pause)| Step::Do(input, pause)),
        1 => (0_i64..90_000).prop_map(|pause| Step::Do(Input::Time, pause)),
        1 => step(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PAPERTAPE_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_a_street_says_ends_the_same_on_the_short_way(
        queue in prop::sample::select(QueueModel::ALL.to_vec()),
        steps in prop::collection::vec(day(), 1..300)
    ) {
        let mut twins = queued(queue);
        for step in &steps {
            twins.step(step);
            twins.compare_books();
        }
        twins.finish();
    }
}
