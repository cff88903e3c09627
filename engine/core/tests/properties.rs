//! What must hold whatever comes in: money, quantity, rebuilds, sameness, no panic.

use crate::support::{flow, proof, revalue};
use flow::{Step, resolve, set_up, step};
use papertape_core::json::{Value, parse};
use papertape_core::rows::FillRow;
use papertape_core::units::parse_decimal;
use papertape_core::words::OrderClass;
use papertape_core::{Batch, Input, TapeSink, TapeTurn, World};
use proptest::prelude::*;

/// A world in the middle of a random flow.
struct Run {
    world: World,
    sink: TapeSink,
    now_ns: i64,
    turns: Vec<TapeTurn>,
    tables: proof::Tables,
}

impl Run {
    fn begin() -> Run {
        let world = World::new("main").expect("a fine name");
        let now_ns = 1_000_000_000;
        let (turns, tables) = (Vec::new(), proof::Tables::default());
        let mut run = Run { world, sink: TapeSink::new(), now_ns, turns, tables };
        set_up(&mut run.world, &mut run.sink);
        run.collect();
        run
    }

    fn collect(&mut self) -> Batch {
        let batch = self.sink.take();
        self.turns.extend(batch.turns.iter().cloned());
        self.tables.upsert(batch.rows.clone());
        batch
    }

    fn step(&mut self, step: &Step) -> Batch {
        match step {
            Step::Do(input, pause) => {
                self.now_ns += pause * 1_000_000_000;
                self.apply(input)
            }
            Step::Change(input, back) => {
                let input = resolve(input, *back, self.world.durable().next_order);
                self.apply(&input)
            }
            Step::Restart => {
                self.world = World::restore(&self.world.snapshot()).expect("a snapshot");
                Batch::default()
            }
        }
    }

    fn apply(&mut self, input: &Input) -> Batch {
        let reply = self.world.apply(input, self.now_ns, &mut self.sink);
        let json = self.world.reply_json(&reply);
        assert!(parse(json.as_bytes()).is_ok(), "a reply is JSON: {json}");
        self.collect()
    }
}

fn decimal(text: &str) -> i64 {
    parse_decimal(text, 8).expect("a decimal")
}

/// No fill is worse than the order's limit price.
fn fills_keep_their_limits(run: &Run, batch: &Batch) {
    for fill in &batch.rows.fills {
        let order = &run.tables.orders[&fill.order_id];
        let Some(limit) = order.limit_price.as_deref() else {
            continue;
        };
        let (price, limit) = (decimal(&fill.price), decimal(limit));
        let keeps = if fill.side == "buy" { price <= limit } else { price >= limit };
        assert!(keeps, "{fill:?} against {order:?}");
    }
}

/// A member of a receipt that is a price, in the units of `decimal`.
fn told(receipt: &Value<'_>, key: &str) -> Option<i64> {
    receipt.get(key).and_then(Value::text).map(decimal)
}

/// The fills of a batch but those of recorded trades, which met no market and have no receipt.
fn met_the_market(batch: &Batch) -> impl Iterator<Item = &FillRow> {
    batch.rows.fills.iter().filter(|fill| !fill.receipt.is_empty())
}

/// No fill lies outside the range of the bar that made it, unless its receipt says that the
/// order's own size moved the price there.
fn fills_lie_within_the_bar(step: &Step, batch: &Batch, run: &Run) {
    let Step::Do(Input::Bar(bar), _) = step else {
        return;
    };
    let Some(record) = run.world.durable().instrument(bar.instrument) else {
        return;
    };
    for fill in met_the_market(batch) {
        let receipt = parse(fill.receipt.as_bytes()).expect("a receipt");
        let of_bar = ["bar_open", "bar_path", "stop_fired", "stop_gap"];
        let how = receipt.get("how").and_then(Value::text).unwrap_or("");
        if !of_bar.contains(&how) || told(&receipt, "impact") != Some(0) {
            continue;
        }
        let price = parse_decimal(&fill.price, record.terms.price_scale).expect("a price");
        assert!((bar.low..=bar.high).contains(&price), "{fill:?} outside {bar:?}");
    }
}

/// No fill against the house is better than what the outside market showed at that moment, and
/// what it was worse by is what its receipt says.
fn no_fill_is_better_than_the_market(batch: &Batch) {
    for fill in met_the_market(batch) {
        let receipt = parse(fill.receipt.as_bytes()).expect("a receipt");
        let how = receipt.get("how").and_then(Value::text).unwrap_or("");
        if fill.counterparty != "house" || how != "crossed" {
            continue;
        }
        let (touch, sign) = match fill.side {
            "buy" => (told(&receipt, "reference_ask"), 1),
            _ => (told(&receipt, "reference_bid"), -1),
        };
        let paid = told(&receipt, "slippage").zip(told(&receipt, "impact"));
        let (slippage, impact) = paid.expect("both are told");
        if let Some(touch) = touch {
            let worse = (decimal(&fill.price) - touch) * sign;
            assert!(worse >= 0, "better than the market: {fill:?}");
            assert_eq!(worse, slippage + impact, "{fill:?}");
        }
        assert!(slippage >= 0 && impact >= 0, "{fill:?}");
    }
}

/// The lines of a receipt add up to the fee.
fn fee_lines_add_up(batch: &Batch) {
    for fill in met_the_market(batch) {
        let receipt = parse(fill.receipt.as_bytes()).expect("a receipt");
        let lines = receipt.get("fees").and_then(Value::list).unwrap_or(&[]);
        let sum: i64 = lines.iter().filter_map(|line| told(line, "amount")).sum();
        assert_eq!(sum, decimal(&fill.fee), "{fill:?}");
    }
}

/// Fill-or-kill orders fill completely or not at all, unless the account ran out of cash.
fn fok_is_all_or_nothing(run: &Run) {
    let orders = run.tables.orders.values().filter(|order| order.time_in_force == "fok");
    for order in orders {
        let whole = order.filled_qty == order.qty;
        let none = order.filled_qty == "0";
        let poor = order.reason == Some("insufficient_buying_power");
        // A print may part-fill a resting order, but fok orders never rest.
        assert!(whole || none || poor, "{order:?}");
    }
}

/// Two orders that cancel each other never trade more than their parent; a closed parent leaves
/// nothing that waits for it; siblings live and shrink together.
fn groups_are_sound(run: &Run) {
    let durable = run.world.durable();
    for parent in durable.orders.iter().filter(|order| !order.extra().legs.is_empty()) {
        let legs = parent.extra().legs.iter().filter_map(|number| durable.order(*number));
        let legs: Vec<_> = legs.collect();
        let exits: i64 = legs.iter().map(|leg| leg.filled).sum();
        if parent.terms.more().order_class == OrderClass::Mleg {
            continue;
        }
        // An oco has no parent that fills first. A split changes open orders only: what a closed
        // parent has filled counts the units of before.
        let is_split = legs.iter().any(|leg| leg.terms.qty > parent.terms.qty);
        let is_oco = parent.terms.more().order_class == OrderClass::Oco;
        let is_free = is_oco || (is_split && !parent.is_open());
        assert!(is_free || exits <= parent.filled, "{parent:?} and {legs:?}");
        for leg in legs.iter().filter(|leg| leg.is_open()) {
            let may = exits + leg.leaves();
            assert!(is_free || may <= parent.filled, "{leg:?} beyond {parent:?}");
            assert!(parent.is_open() || leg.extra().waits == 0, "{leg:?} waits for {parent:?}");
            let sibling = leg.terms.more().sibling.and_then(|number| durable.order(number));
            if let Some(sibling) = sibling {
                assert!(sibling.is_open(), "{leg:?} outlived {sibling:?}");
                assert_eq!(leg.unfilled(), sibling.unfilled(), "{leg:?} and {sibling:?}");
                assert_eq!(leg.leaves(), sibling.leaves(), "{leg:?} and {sibling:?}");
            }
        }
    }
}

fn play(steps: &[Step]) -> Run {
    let mut run = Run::begin();
    for step in steps {
        let batch = run.step(step);
        run.tables.ledger_is_zero();
        proof::durable_is_sound(&run.world);
        fills_keep_their_limits(&run, &batch);
        groups_are_sound(&run);
        flow::combo_flow::all_legs_or_none(&run.world);
        fills_lie_within_the_bar(step, &batch, &run);
        if !matches!(step, Step::Restart) && !run.world.more_due() {
            revalue::nothing_is_missed(&run.world);
        }
        no_fill_is_better_than_the_market(&batch);
        fee_lines_add_up(&batch);
    }
    fok_is_all_or_nothing(&run);
    run
}

/// Cases of each property: more by `PAPERTAPE_CASES=100000 cargo test --release`.
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
    fn money_and_quantity_hold_and_the_tape_rebuilds_everything(
        steps in proptest::collection::vec(step(), 1..250)
    ) {
        let run = play(&steps);
        proof::tape_rebuilds(&run.world, &run.turns, &run.tables);
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes(steps in proptest::collection::vec(step(), 1..80)) {
        let (one, two) = (play(&steps), play(&steps));
        prop_assert_eq!(&one.turns, &two.turns);
        prop_assert_eq!(one.world.snapshot(), two.world.snapshot());
        prop_assert_eq!(one.tables, two.tables);
    }

    #[test]
    fn rows_do_not_depend_on_how_turns_are_batched(
        steps in proptest::collection::vec(step(), 1..120), size in 1..40_usize
    ) {
        let run = play(&steps);
        let mut world = World::new("main").expect("a fine name");
        let (mut sink, mut tables) = (TapeSink::new(), proof::Tables::default());
        for turns in run.turns.chunks(size) {
            for turn in turns {
                world.evolve(turn, &mut sink).expect("a turn that fits");
            }
            tables.upsert(sink.take().rows);
        }
        prop_assert_eq!(&tables, &run.tables);
    }

    #[test]
    fn turns_are_numbered_without_gaps_and_time_never_goes_back(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let run = play(&steps);
        for (index, turn) in run.turns.iter().enumerate() {
            prop_assert_eq!(turn.seq, index as u64 + 1);
        }
        for pair in run.turns.windows(2) {
            prop_assert!(pair[0].time_ns <= pair[1].time_ns);
            prop_assert!(pair[0].market_seq <= pair[1].market_seq);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut run = Run::begin();
        let reply = run.world.apply_json(&bytes, run.now_ns, &mut run.sink);
        prop_assert!(reply.is_some());
        prop_assert!(run.collect().turns.is_empty());
    }

    #[test]
    fn a_changed_command_is_answered(
        which in 0..COMMANDS.len(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut run = Run::begin();
        let mut command = COMMANDS[which].as_bytes().to_vec();
        let at = at.index(command.len());
        command[at] = byte;
        run.world.apply_json(&command, run.now_ns, &mut run.sink);
        run.collect();
        proof::durable_is_sound(&run.world);
    }

    #[test]
    fn a_changed_tape_is_refused_or_read_but_never_a_panic(
        steps in proptest::collection::vec(step(), 1..40),
        at in any::<prop::sample::Index>(), spot in any::<prop::sample::Index>(), byte in 32..127_u8
    ) {
        let mut turns = play(&steps).turns;
        let turn = at.get_mut(&mut turns);
        let spot = spot.index(turn.body.len());
        if turn.body.is_char_boundary(spot) && turn.body.is_char_boundary(spot + 1) {
            turn.body.replace_range(spot..=spot, std::str::from_utf8(&[byte]).expect("ASCII"));
        }
        let mut world = World::new("main").expect("a fine name");
        let mut sink = TapeSink::new();
        let _ = turns.iter().try_for_each(|turn| world.evolve(turn, &mut sink));
    }

    #[test]
    fn a_changed_snapshot_is_refused_or_read_but_never_a_panic(
        steps in proptest::collection::vec(step(), 1..40),
        spot in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut data = play(&steps).world.snapshot();
        *spot.get_mut(&mut data) = byte;
        let _ = World::restore(&data);
        data.truncate(spot.index(data.len()));
        prop_assert!(World::restore(&data).is_err());
    }
}

/// One of each command, to be broken.
const COMMANDS: &[&str] = &[
    r#"{"kind":"submit","account_id":"00000000-0000-0000-0000-000000000001",
        "client_order_id":"a","symbol":"ACME","side":"buy","type":"stop_limit","qty":"10",
        "limit_price":"1.00","stop_price":"1.01","time_in_force":"day"}"#,
    r#"{"kind":"open_account","account_id":"00000000-0000-0000-0000-000000000009","owner":"u",
        "account_kind":"cash","currency":"USD","starting_cash":"100000.00","request_id":"r"}"#,
    r#"{"kind":"quote","symbol":"ACME","bid":"1.00","ask":"1.01","bid_size":"100",
        "ask_size":"100"}"#,
    r#"{"kind":"depth","symbol":"ACME","bids":[["1.00","5"]],"asks":[["1.01","5"],["1.02",
        "6"]]}"#,
    r#"{"kind":"bar","symbol":"ACME","open":"1","high":"1.1","low":"0.9","close":"1",
        "volume":"5"}"#,
    r#"{"kind":"trade","symbol":"BTCUSD","price":"1.05","qty":"0.5","side":"sell"}"#,
    r#"{"kind":"agent_order","symbol":"BOTS","agent":1,"id":7,"side":"buy","price":null,
        "qty":"10"}"#,
    r#"{"kind":"session","exchange":"FEES","state":"closed","next_ns":12,"next_open_ns":13}"#,
    r#"{"kind":"session","exchange":"FEES","state":"auction","auction":"open"}"#,
    r#"{"kind":"halt","symbol":"ACME","reason":"news"}"#,
    r#"{"kind":"resume","exchange":"FEES","auction":true}"#,
    r#"{"kind":"list_instrument","symbol":"NEW","name":"N","asset_class":"fx",
        "exchange":"FEES","sector":"","currency":"USD","tick_size":"0.01","lot_size":"1",
        "price_scale":6,"qty_scale":6,"source":"street","trigger":"last"}"#,
    r#"{"kind":"list_exchange","exchange":"NEW","name":"N","currency":"USD","calendar":"c",
        "fees":{"maker_rate":"0","taker_rate":"0","per_share":"0.005","minimum":"0"},
        "profile":{"name":"p","spread_ticks":1,"participation":"0.1","market_orders":"street"}}"#,
    r#"{"kind":"cancel_all","account_id":"00000000-0000-0000-0000-000000000001",
        "request_id":"z"}"#,
    r#"{"kind":"cancel_list","request_id":"y","orders":[{
        "account_id":"00000000-0000-0000-0000-000000000001",
        "order_id":"00000000-0000-0000-0000-000000000001"}]}"#,
    r#"{"kind":"preview","account_id":"00000000-0000-0000-0000-000000000001","symbol":"ACME",
        "side":"sell","type":"market","qty":"10"}"#,
    r#"{"kind":"submit_all","orders":[{"account_id":"00000000-0000-0000-0000-000000000001",
        "client_order_id":"l","symbol":"ACME","side":"buy","type":"market","qty":"10"}]}"#,
];

#[test]
fn values_that_are_missing_are_named() {
    let mut run = Run::begin();
    let (outcome, body) =
        run.world.apply_json(br#"{"kind":"submit"}"#, run.now_ns, &mut run.sink).expect("a reply");
    let body = parse(body.as_bytes()).expect("JSON");
    assert_eq!(outcome, "malformed");
    assert_eq!(body.get("field").and_then(Value::text), Some("account_id"));
}

#[test]
fn the_random_flow_reaches_every_event_and_every_reason() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut missing: Vec<&str> = WANTED.to_vec();
    for _ in 0..FLOWS_MAX {
        let steps = proptest::collection::vec(step(), 300).new_tree(&mut runner).expect("steps");
        let turns = play(&steps.current()).turns;
        missing.retain(|word| !turns.iter().any(|turn| turn.body.contains(word)));
        if missing.is_empty() {
            return;
        }
    }
    assert_eq!(missing, Vec::<&str>::new());
}

/// So many random flows are enough to meet everything; most runs need fewer.
const FLOWS_MAX: usize = 400;

/// Words that a rich flow leaves on the tape.
const WANTED: &[&str] = &[
    "account_opened",
    "deposited",
    "accepted",
    "rejected",
    "triggered",
    "filled",
    "canceled",
    "expired",
    "replaced",
    "cancel_all_requested",
    "day_ended",
    "session_changed",
    "halted",
    "resumed",
    "auction_crossed",
    "crossing_ended",
    "\"auction\":\"open\"",
    "\"auction\":\"close\"",
    "\"auction\":\"halt\"",
    "\"state\":\"pre_market\"",
    "\"state\":\"post_market\"",
    "outside_price_band",
    "no_auction",
    "auction_over",
    "marked",
    "checkpoint",
    "rules_set",
    "\"received\"",
    "\"arrived\"",
    "\"maker\"",
    "\"taker\"",
    "\"user\"",
    "\"house\"",
    "market_closed",
    "invalid_lot",
    "invalid_tick",
    "order_too_large",
    "no_reference_price",
    "would_not_fill",
    "insufficient_quantity",
    "insufficient_buying_power",
    "unknown_lot",
    "\"lot_ids\"",
    "\"paid\"",
    "converted",
    "currency_added",
    "rate_set",
    "margin_set",
    "settlement_set",
    "\"settled\"",
    "accrual_began",
    "interest_charged",
    "borrow_charged",
    "accrual_ended",
    "position_archived",
    "cash_archived",
    "account_reset",
    "trade_busted",
    "\"recorded\":true",
    "realized_here",
    "not_shortable",
    "borrow_unavailable",
    "requested",
    "ioc_remainder",
    "no_liquidity",
    "legs_filled",
    "\"how\":\"multi_leg\"",
    "trail_moved",
    "replenished",
    "resized",
    "released",
    "dates_passed",
    "would_take_liquidity",
    "would_not_reduce",
    "self_trade",
    "parent_closed",
    "sibling_filled",
    "sibling_closed",
    "\"keeps_priority\":true",
    "\"keeps_priority\":false",
    "\"completes\":false",
    "policy_set",
    "kill_switched",
    "swept",
    "status_set",
    "cleaning",
    "kill_switch",
    "\"forced\":\"kill_switch\"",
];
