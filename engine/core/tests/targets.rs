//! The walk over targets against its twin: a world that is fed the same bars one by one.

use papertape_core::command::Bar;
use papertape_core::exchange::Fees;
use papertape_core::instrument::Instrument;
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

/// Rates and amounts of a plain fee schedule; all of them may be nothing.
type Fee = [&'static str; 4];

/// Price and quantity scales: values that are whole money, and values that must be rounded.
const SCALES: [(u8, u8); 5] = [(4, 0), (4, 5), (2, 0), (6, 6), (8, 8)];

fn world(market_orders: &str, fee: Fee, cash: &str, scales: (u8, u8)) -> World {
    let [maker_rate, taker_rate, per_share, minimum] = fee;
    let mut world = World::new("twin").expect("a world");
    for command in [
        json!({"kind": "create_world", "world": "twin", "seed": 0, "sharing": "shared"}),
        json!({"kind": "list_exchange", "exchange": "X", "name": "X", "currency": "USD",
            "calendar": "24/7", "fees": {"maker_rate": maker_rate, "taker_rate": taker_rate,
            "per_share": per_share, "minimum": minimum}, "profile": {"name": "backtest", "spread_ticks": 0,
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

/// Prices in steps of no tick, volumes of at least a hundred lots.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let bar = (1_i64..400, 1_i64..400, 0_i64..9, 0_i64..9, 1_i64..5).prop_map(
        |(open, close, up, down, volume)| Bar {
            instrument: 0,
            open: open * 1_003,
            high: open.max(close) * 1_003 + up,
            low: open.min(close) * 1_003 - down,
            close: close * 1_003,
            volume: volume * 100,
        },
    );
    prop::collection::vec(bar, 1..300)
}

fn fee() -> impl Strategy<Value = Fee> {
    let rate = || prop::sample::select(vec!["0", "0.00123", "0.0333333", "0.5"]);
    let amount = || prop::sample::select(vec!["0", "0.003", "1.25"]);
    let minimum = prop::sample::select(vec!["0", "0.01", "3.50"]);
    (rate(), rate(), amount(), minimum)
        .prop_map(|(maker, taker, per_share, minimum)| [maker, taker, per_share, minimum])
}

fn columns(bars: &[Bar], pick: fn(&Bar) -> i64) -> Vec<i64> {
    bars.iter().map(pick).collect()
}

proptest! {
    #[test]
    fn a_walk_leaves_what_a_world_leaves(
        bars in bars(),
        stays in prop::collection::vec((0_i64..60, 1_usize..90), 300),
        closes in any::<bool>(),
        scales in prop::sample::select(SCALES.to_vec()),
        fee in fee(),
        is_rich in prop::bool::weighted(0.8),
    ) {
        let lot = if scales.1 == 0 { 1 } else { 10_i64.pow(u32::from(scales.1) - 2) };
        let bars: Vec<Bar> =
            bars.iter().map(|bar| Bar { volume: bar.volume * lot, ..*bar }).collect();
        let stays = stays.iter().flat_map(|(qty, bars)| std::iter::repeat_n(qty * lot, *bars));
        let target: Vec<i64> = stays.take(bars.len()).collect();
        let (fills_on, market_orders) =
            if closes { (FillsOn::Close, "street") } else { (FillsOn::NextOpen, "next_bar") };
        let cash = if is_rich { "1000000000" } else { "900" };
        let mut world = world(market_orders, fee, cash, scales);
        let durable = world.durable();
        let plan = Plan {
            instrument: &durable.instruments[0].terms,
            fees: &durable.exchanges[0].terms.fees,
            fills_on,
            open: &columns(&bars, |bar| bar.open),
            close: &columns(&bars, |bar| bar.close),
            volume: &columns(&bars, |bar| bar.volume),
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

#[test]
fn a_walk_leaves_to_a_world_what_it_does_not_know() {
    let mut world = world("street", ["0"; 4], "1000", (4, 0));
    let perpetual = json!({"kind": "list_instrument", "symbol": "P", "name": "P", "exchange": "X",
        "asset_class": "perpetual", "sector": "", "currency": "USD", "tick_size": "0.01",
        "lot_size": "1", "price_scale": 4, "qty_scale": 0, "source": "street", "trigger": "last",
        "contract": {"multiplier": "1", "initial_margin_rate": "0.1"}});
    let reply = world.apply_json(perpetual.to_string().as_bytes(), 0, &mut NullSink);
    assert_eq!(reply.expect("a reply").0, "created");
    let durable = world.durable();
    let (terms, fees) = (&durable.instruments[0].terms, &durable.exchanges[0].terms.fees);
    let prices = [10_000; 3];
    let refuses = |instrument: &Instrument, fees: &Fees, volume: &[i64]| {
        let (open, close, fills_on) = (&prices[..], &prices[..], FillsOn::Close);
        let target = &[0, 1, 1];
        let plan = Plan { instrument, fees, fills_on, open, close, volume, target };
        walk(&plan, 1_000_000_000, &mut Left::default()).is_err()
    };
    let ruled = Instrument { rules: Some(Box::default()), ..terms.clone() };
    let contract = durable.instruments[1].terms.clone();
    let tiered = Fees { rules: Some(Box::default()), ..*fees };
    assert!(!refuses(terms, fees, &[9; 3]), "what is plain is walked");
    assert!(refuses(&ruled, fees, &[9; 3]) && refuses(&contract, fees, &[9; 3]));
    assert!(refuses(terms, &tiered, &[9; 3]));
    assert!(refuses(terms, fees, &[9; 2]), "a column is too short");
    assert!(refuses(terms, fees, &[0; 3]), "there is nothing to fill against");
}
