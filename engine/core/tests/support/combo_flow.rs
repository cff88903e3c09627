//! Random multi-leg orders over the stocks of one exchange, mostly near what their legs cost.
// Each test program uses a part of it.
#![allow(dead_code)]

use papertape_core::more_terms::{Leg, MoreTerms};
use papertape_core::order::{Order, OrderTerms};
use papertape_core::words::*;
use papertape_core::{Input, World};
use proptest::option::weighted;
use proptest::prelude::*;

use super::{account, word};

/// One of each instrument, its middle price in cents, and the lot in units.
const STOCKS: [(i64, i64, i64); 3] = [(1_000_000, 100, 1), (1, 500, 10), (1_000_000, 100, 1)];
/// A cent at the price scales of the instruments.
const CENTS: [i64; 3] = [10_000, 1, 10_000];

/// A multi-leg order, now and then one that makes no sense.
pub fn combo() -> BoxedStrategy<OrderTerms> {
    let legs = proptest::collection::vec((word(Side::ALL), 1..4_i64), 2..4);
    let order = Just(vec![0_u32, 1, 2]).prop_shuffle();
    let what = (word(&[OrderType::Limit, OrderType::Limit, OrderType::Market]), tif());
    let numbers = (1..9_i64, -40..60_i64, 0..100_000_u32, 0..40_u8);
    (account(), legs, order, what, numbers, weighted(0.3, word(SelfTrade::ALL)))
        .prop_map(|(account, legs, order, (order_type, tif), (count, away, id, odd), rule)| {
            let legs: Vec<Leg> = legs
                .iter()
                .zip(order)
                .map(|((side, ratio), instrument)| Leg {
                    instrument: if odd == 0 { 0 } else { instrument },
                    side: *side,
                    ratio_qty: STOCKS[instrument as usize].0 * ratio + i64::from(odd == 1),
                    position_intent: (odd % 5 == 0)
                        .then(|| PositionIntent::of(*side, instrument == 1)),
                })
                .collect();
            let first = legs[0].instrument as usize;
            let has_lots = legs.iter().any(|leg| leg.instrument == 1) && odd != 2;
            let strategies = count * if has_lots { 10 } else { 1 };
            let limit = (middle(&legs) + away) * CENTS[first] + i64::from(odd == 3);
            OrderTerms {
                account,
                client_order_id: format!("combo-{}", if odd == 4 { id % 5 } else { id }).into(),
                instrument: legs[0].instrument,
                side: legs[0].side,
                order_type,
                qty: strategies * STOCKS[first].0,
                limit_price: (order_type.has_limit() != (odd == 5)).then_some(limit),
                stop_price: None,
                time_in_force: tif,
                more: MoreTerms {
                    order_class: OrderClass::Mleg,
                    legs,
                    self_trade: rule,
                    hidden: odd == 6,
                    expires_ns: (tif == TimeInForce::Gtd)
                        .then_some((1_000 + i64::from(id)) * 1_000_000_000),
                    ..MoreTerms::NONE
                }
                .boxed(),
            }
        })
        .boxed()
}

fn tif() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![
        4 => Just(TimeInForce::Gtc),
        1 => word(TimeInForce::ALL),
    ]
}

/// What one strategy costs in cents when every leg trades at its middle.
fn middle(legs: &[Leg]) -> i64 {
    let cost = |leg: &Leg| {
        let (one, price, _) = STOCKS[leg.instrument as usize];
        let sign = if leg.side == Side::Buy { 1 } else { -1 };
        sign * (leg.ratio_qty / one) * price
    };
    legs.iter().map(cost).sum()
}

/// A multi-leg order that is sent, or only weighed.
pub fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => combo().prop_map(Input::Submit),
        1 => combo().prop_map(Input::Preview),
    ]
}

/// All legs of every multi-leg order have filled in their exact ratios and end with their parent;
/// its average price is within its limit.
pub fn all_legs_or_none(world: &World) {
    let durable = world.durable();
    let parents =
        durable.orders.iter().filter(|it| it.terms.more().order_class == OrderClass::Mleg);
    for parent in parents.filter(|it| it.status != Status::Rejected) {
        let pricing = &durable.instruments[parent.terms.instrument as usize].terms;
        assert_eq!(parent.filled % pricing.one(), 0, "{parent:?}");
        let strategies = parent.filled / pricing.one();
        let wanted = &parent.terms.more().legs;
        assert_eq!(parent.extra().legs.len(), wanted.len(), "{parent:?}");
        for (leg, number) in wanted.iter().zip(&parent.extra().legs) {
            if let Some(order) = durable.order(*number) {
                leg_is_sound(&parent, &order, leg, strategies);
            }
        }
        if let Some(limit) = parent.terms.limit_price.filter(|_| parent.filled > 0) {
            // A replace may have moved the limit below what has filled before.
            let paid = parent.filled_value <= i128::from(limit) * i128::from(parent.filled);
            assert!(paid || parent.updated_ns > parent.created_ns, "beyond its limit: {parent:?}");
        }
    }
}

fn leg_is_sound(parent: &Order, order: &Order, leg: &Leg, strategies: i64) {
    assert_eq!((order.terms.instrument, order.terms.side), (leg.instrument, leg.side));
    assert_eq!(order.filled, strategies * leg.ratio_qty, "{order:?} of {parent:?}");
    assert_eq!(order.is_open(), parent.is_open(), "{order:?} of {parent:?}");
    assert_eq!(order.hold, 0, "{order:?}");
}
