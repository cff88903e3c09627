//! The walk over targets against its twin: a world that is fed the same bars one by one.

use papertape_core::command::Bar;
use papertape_core::order::OrderTerms;
use papertape_core::targets::{FillsOn, Plan, TargetFill, Walked, Worth, walk};
use papertape_core::words::{OrderType, Side, TimeInForce};
use papertape_core::{ColumnSink, Input, NullSink, World};
use proptest::prelude::*;
use serde_json::json;

/// What a run leaves: orders (bar, side, qty), fills, cash and equity of each bar.
#[derive(Debug, Default, PartialEq)]
struct Left {
    orders: Vec<(usize, i64, i64)>,
    fills: Vec<[i64; 7]>,
    curve: Vec<(i128, i128)>,
}

impl Walked for Left {
    fn order(&mut self, bar: usize, side: Side, qty: i64) {
        self.orders.push((bar, sign(side), qty));
    }

    fn fill(&mut self, fill: &TargetFill) {
        let TargetFill { bar, side, price, qty, notional, fee, realized_pl } = *fill;
        self.fills.push([bar as i64, sign(side), price, qty, notional, fee, realized_pl]);
    }

    fn stretch(&mut self, bar: usize, prices: &[i64], cash: i128, worth: Worth) {
        assert_eq!(bar, self.curve.len(), "every bar is told once");
        self.curve.extend(prices.iter().map(|price| (cash, cash + worth.at(*price))));
    }
}

fn sign(side: Side) -> i64 {
    if side == Side::Buy { 1 } else { -1 }
}

fn world(market_orders: &str, fee: &str, cash: &str, scales: (u8, u8)) -> World {
    let mut world = World::new("twin").expect("a world");
    for command in [
        json!({"kind": "create_world", "world": "twin", "seed": 0, "sharing": "shared"}),
        json!({"kind": "list_exchange", "exchange": "X", "name": "X", "currency": "USD",
            "calendar": "24/7", "fees": {"maker_rate": fee, "taker_rate": fee, "per_share": "0.003",
            "minimum": "0.01"}, "profile": {"name": "backtest", "spread_ticks": 0,
            "participation": "0", "market_orders": market_orders}}),
        json!({"kind": "list_instrument", "symbol": "S", "name": "S", "asset_class": "us_equity",
            "exchange": "X", "sector": "", "currency": "USD", "tick_size": "0.01",
            "lot_size": if scales.1 == 0 { "1" } else { "0.01" }, "price_scale": scales.0,
            "qty_scale": scales.1, "source": "street", "trigger": "last"}),
        json!({"kind": "open_account", "account_id": "00000000-0000-4000-8000-000000000001",
            "owner": "o", "account_kind": "cash", "currency": "USD", "starting_cash": cash,
            "request_id": "r"}),
    ] {
        let reply = world.apply_json(command.to_string().as_bytes(), 0, &mut NullSink);
        assert_eq!(reply.expect("a reply").0, "created", "{command}");
    }
    world
}

/// The twin: every bar and every order goes into the world.
fn feed(world: &mut World, bars: &[Bar], target: &[i64]) -> Left {
    let (mut left, mut sink, mut wanted) = (Left::default(), ColumnSink::default(), 0);
    for (index, bar) in bars.iter().enumerate() {
        let fills_before = sink.fills.order.len();
        world.apply(&Input::Bar(*bar), index as i64, &mut sink);
        if target[index] != wanted {
            wanted = target[index];
            let qty = wanted - world.position(0, 0).qty;
            let side = if qty > 0 { Side::Buy } else { Side::Sell };
            left.orders.push((index, sign(side), qty.abs()));
            let order = OrderTerms {
                account: 0,
                client_order_id: index.to_string().into(),
                instrument: 0,
                side,
                order_type: OrderType::Market,
                qty: qty.abs(),
                limit_price: None,
                stop_price: None,
                time_in_force: TimeInForce::Gtc,
                more: None,
            };
            world.apply(&Input::Submit(order), index as i64, &mut sink);
        }
        let fills = &sink.fills;
        left.fills.extend((fills_before..fills.order.len()).map(|at| {
            let (notional, fee) = (fills.notional[at], fills.fee[at]);
            let of_order = [fills.side[at], fills.price[at], fills.qty[at]];
            let [side, price, qty] = of_order;
            [index as i64, side, price, qty, notional, fee, fills.realized_pl[at]]
        }));
        left.curve.push((world.cash(0), world.equity(0)));
    }
    left
}

fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let bar = (1_i64..400, 1_i64..400, 0_i64..9, 0_i64..9, 1_i64..5).prop_map(
        |(open, close, up, down, volume)| Bar {
            instrument: 0,
            open: open * 1_003,
            high: open.max(close) * 1_003 + up,
            low: open.min(close) * 1_003 - down,
            close: close * 1_003,
            volume: volume * 100_000,
        },
    );
    prop::collection::vec(bar, 1..300)
}

proptest! {
    #[test]
    fn a_walk_leaves_what_a_world_leaves(
        bars in bars(),
        stays in prop::collection::vec((0_i64..60, 1_usize..90), 300),
        closes in any::<bool>(),
        fractions in any::<bool>(),
        is_rich in prop::bool::weighted(0.8),
    ) {
        let lot = if fractions { 1_000 } else { 1 };
        let scales = if fractions { (4, 5) } else { (4, 0) };
        let stays = stays.iter().flat_map(|(qty, bars)| std::iter::repeat_n(qty * lot, *bars));
        let target: Vec<i64> = stays.take(bars.len()).collect();
        let (fills_on, market_orders) =
            if closes { (FillsOn::Close, "street") } else { (FillsOn::NextOpen, "next_bar") };
        let cash = if is_rich { "1000000" } else { "900" };
        let mut world = world(market_orders, "0.00123", cash, scales);
        let durable = world.durable();
        let columns = |pick: fn(&Bar) -> i64| bars.iter().map(pick).collect::<Vec<i64>>();
        let plan = Plan {
            instrument: &durable.instruments[0].terms,
            fees: &durable.exchanges[0].terms.fees,
            fills_on,
            open: &columns(|bar| bar.open),
            close: &columns(|bar| bar.close),
            volume: &columns(|bar| bar.volume),
            target: &target,
        };
        let mut left = Left::default();
        let is_plain = walk(&plan, durable.accounts[0].cash, &mut left).is_ok();
        prop_assert!(is_plain || !is_rich, "a rich account can pay everything");
        if is_plain {
            prop_assert_eq!(left, feed(&mut world, &bars, &target));
        }
    }
}
