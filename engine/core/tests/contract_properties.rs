//! What must hold for contracts whatever comes in: money, indexes, cover, rebuilds.

use crate::support::proof;
use papertape_core::words::{Held, Right, Side};
use papertape_core::{TapeSink, TapeTurn, World};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-01-05T09:00:00Z.
const MORNING_NS: i64 = 1_767_603_600_000_000_000;
const SYMBOLS: [&str; 8] = ["ACME", "ES", "BTC-PERP", "EUR/USD", "C100", "P100", "C105", "E100"];
const ACCOUNTS: u64 = 4;

fn account_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn listed(symbol: &str, class: &str, contract: Value) -> Value {
    json!({
        "kind": "list_instrument", "symbol": symbol, "name": symbol, "asset_class": class,
        "exchange": "X", "currency": "USD", "tick_size": "0.5", "lot_size": "1",
        "price_scale": 2, "qty_scale": if symbol == "ACME" { 2 } else { 0 }, "source": "street",
        "trigger": "bid_ask", "contract": contract,
    })
}

fn option(strike: &str, right: &str, style: &str, settlement: &str, expiry: &str) -> Value {
    json!({"multiplier": "10", "underlying": "ACME", "strike": strike, "right": right,
           "style": style, "settlement": settlement, "expiry": expiry})
}

fn listing() -> Vec<Value> {
    let mut commands = vec![
        json!({"kind": "create_world", "world": "main", "seed": 7, "sharing": "shared"}),
        json!({
            "kind": "list_exchange", "exchange": "X", "name": "X", "currency": "USD",
            "calendar": "always",
            "fees": {"maker_rate": "0.0003", "taker_rate": "0.001", "per_share": "0.01",
                     "minimum": "0.07"},
            "profile": {"name": "random", "spread_ticks": 1, "participation": "0",
                        "market_orders": "street"},
        }),
        listed("ACME", "us_equity", Value::Null),
        listed(
            "ES",
            "future",
            json!({"multiplier": "5", "expiry": "2026-01-08T12:00:00Z", "initial_margin": "60",
                   "maintenance_margin": "50"}),
        ),
        listed(
            "BTC-PERP",
            "perpetual",
            json!({"multiplier": "0.1", "initial_margin_rate": "0.1",
                   "funding_interval_s": 28_800}),
        ),
        listed("EUR/USD", "fx", json!({"base": "EUR", "initial_margin_rate": "0.05"})),
        listed(
            "C100",
            "us_option",
            option("100", "call", "american", "physical", "2026-01-06T21:00:00Z"),
        ),
        listed(
            "P100",
            "us_option",
            option("100", "put", "american", "physical", "2026-01-06T21:00:00Z"),
        ),
        listed(
            "C105",
            "us_option",
            option("105", "call", "american", "physical", "2026-01-07T21:00:00Z"),
        ),
        listed(
            "E100",
            "us_option",
            option("100", "call", "european", "cash", "2026-01-06T21:00:00Z"),
        ),
    ];
    for number in 1..=ACCOUNTS {
        commands.push(json!({
            "kind": "open_account", "account_id": account_id(number), "owner": "u",
            "account_kind": if number % 2 == 0 { "cash" } else { "margin" }, "currency": "USD",
            "starting_cash": if number > 2 { "2500" } else { "100000" }, "request_id": "open",
        }));
    }
    commands
}

fn account() -> impl Strategy<Value = String> {
    (1..=ACCOUNTS).prop_map(account_id)
}

fn symbol() -> impl Strategy<Value = &'static str> {
    (0..SYMBOLS.len()).prop_map(|index| SYMBOLS[index])
}

fn side() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("buy"), Just("sell")]
}

/// A price in half units: of an option near 5, of everything else near 100.
fn price(symbol: &str, step: i64) -> String {
    let is_option = SYMBOLS[4..].contains(&symbol);
    let halves = if is_option { 10 + step } else { 200 + step };
    format!("{}.{}", halves / 2, if halves % 2 == 0 { "0" } else { "5" })
}

fn order() -> impl Strategy<Value = Value> {
    (account(), symbol(), side(), 1..40_i64, -6..7_i64, any::<bool>()).prop_map(
        |(account, symbol, side, qty, step, is_market)| {
            let mut order = json!({
                "kind": "submit", "account_id": account, "symbol": symbol, "side": side,
                "qty": qty.to_string(), "time_in_force": "gtc",
                "type": if is_market { "market" } else { "limit" },
            });
            if !is_market {
                order["limit_price"] = json!(price(symbol, step));
            }
            order
        },
    )
}

/// A multi-leg order, mostly of options and their underlying, near what its legs cost.
fn combo() -> impl Strategy<Value = Value> {
    let legs = prop::collection::vec((symbol(), side(), 1..3_i64, 0..8_u8), 2..5);
    (account(), legs, 1..5_i64, -8..12_i64, 0..4_u8).prop_map(|(account, legs, qty, step, kind)| {
        let mut halves = 0;
        let mut told = Vec::new();
        for (symbol, side, ratio, odd) in legs {
            // What cannot be a leg is tried now and then.
            let symbol = if odd > 0 && symbol.contains(['S', '-', '/']) { "ACME" } else { symbol };
            let ratio = if symbol == "ACME" { 10 * ratio - 9 * i64::from(odd == 1) } else { ratio };
            let price = if symbol == "ACME" { 20 } else { 10 };
            halves += if side == "buy" { price * ratio } else { -price * ratio };
            told.push(json!({"symbol": symbol, "side": side, "ratio_qty": ratio.to_string()}));
        }
        let net = halves + step;
        let mut order = json!({
            "kind": "submit", "account_id": account, "order_class": "mleg", "legs": told,
            "qty": qty.to_string(), "time_in_force": if kind == 1 { "ioc" } else { "gtc" },
            "type": if kind == 0 { "market" } else { "limit" },
        });
        if kind != 0 {
            let sign = if net < 0 { "-" } else { "" };
            let half = if net % 2 == 0 { "0" } else { "5" };
            order["limit_price"] = json!(format!("{sign}{}.{half}", net.abs() / 2));
        }
        order
    })
}

fn quote() -> impl Strategy<Value = Value> {
    (symbol(), -8..9_i64, 1..3_i64, 1..100_i64).prop_map(|(symbol, step, spread, size)| {
        json!({
            "kind": "quote", "symbol": symbol, "bid": price(symbol, step),
            "ask": price(symbol, step + spread), "bid_size": size.to_string(),
            "ask_size": size.to_string(),
        })
    })
}

fn contract_command() -> impl Strategy<Value = Value> {
    prop_oneof![
        (account(), symbol(), 0..20_i64).prop_map(|(account, symbol, qty)| json!({
            "kind": "exercise", "account_id": account, "symbol": symbol, "qty": qty.to_string(),
        })),
        (account(), symbol(), any::<bool>()).prop_map(|(account, symbol, revoke)| json!({
            "kind": "do_not_exercise", "account_id": account, "symbol": symbol, "revoke": revoke,
        })),
        (symbol(), -8..9_i64, any::<bool>()).prop_map(|(symbol, step, at_expiry)| json!({
            "kind": "settle", "symbol": symbol, "price": price("ACME", step),
            "at_expiry": at_expiry,
        })),
        (symbol(), -1_200_i64..1_200)
            .prop_map(|(symbol, rate)| json!({"kind": "funding", "symbol": symbol,
                   "rate": format!("{}0.{:03}", if rate < 0 { "-" } else { "" }, rate.abs() % 1_000)})),
    ]
}

/// A command, and how many seconds later it comes.
fn step() -> impl Strategy<Value = (Value, i64)> {
    let command = prop_oneof![
        5 => order(),
        4 => combo(),
        4 => quote(),
        2 => contract_command(),
        2 => Just(json!({"kind": "time"})),
        1 => account().prop_map(|id| json!({"kind": "cancel_all", "account_id": id})),
        1 => Just(json!({"kind": "restart"})),
    ];
    let pause = prop_oneof![6 => 0..60_i64, 1 => 3_600..20_000_i64, 1 => 20_000..90_000_i64];
    (command, pause)
}

struct Run {
    world: World,
    sink: TapeSink,
    now_ns: i64,
    turns: Vec<TapeTurn>,
    tables: proof::Tables,
    count: u64,
}

impl Run {
    fn begin() -> Run {
        let mut run = Run {
            world: World::new("main").expect("a fine name"),
            sink: TapeSink::new(),
            now_ns: MORNING_NS,
            turns: Vec::new(),
            tables: proof::Tables::default(),
            count: 0,
        };
        for command in listing() {
            let outcome = run.send(command.clone());
            assert_eq!(outcome.as_deref(), Some("created"), "{command}");
        }
        run
    }

    fn send(&mut self, mut command: Value) -> Option<String> {
        if command["kind"] == "restart" {
            self.world = World::restore(&self.world.snapshot()).expect("a snapshot");
            return None;
        }
        self.count += 1;
        if command["kind"] == "submit" {
            command["client_order_id"] = json!(format!("#{}", self.count));
        }
        let text = command.to_string();
        let reply = self.world.apply_json(text.as_bytes(), self.now_ns, &mut self.sink);
        let batch = self.sink.take();
        for turn in &batch.turns {
            let events = turn.body.matches("{\"e\":").count();
            assert!(events <= 1_000, "{events} events in a turn");
        }
        self.turns.extend(batch.turns);
        self.tables.upsert(batch.rows);
        reply.map(|(outcome, _)| outcome.to_owned())
    }

    fn check(&self) {
        self.tables.ledger_is_zero();
        proof::durable_is_sound(&self.world);
        indexes_are_what_stands(&self.world);
        all_legs_or_none(&self.world);
        cash_accounts_are_covered(&self.world);
    }
}

/// Who holds a contract and which orders are open in it is known at once, and rightly.
fn indexes_are_what_stands(world: &World) {
    let durable = world.durable();
    for (index, record) in durable.instruments.iter().enumerate() {
        let Some(state) = record.contract.as_deref() else {
            continue;
        };
        let holders = durable.accounts.iter().enumerate();
        let holders: Vec<u32> = holders
            .filter(|(_, account)| account.position(index as u32).qty != 0)
            .map(|(holder, _)| holder as u32)
            .collect();
        assert!(state.holders.iter().copied().eq(holders), "{state:?}");
        let open = durable.orders.iter().filter(|order| order.is_open());
        let open = open.filter(|order| order.terms.instrument == index as u32);
        assert_eq!(state.orders.len(), open.count());
        if state.ended {
            assert!(state.holders.is_empty() && state.orders.is_empty(), "{state:?}");
        }
    }
}

/// All legs of every multi-leg order have filled in their exact ratios and end with their parent.
fn all_legs_or_none(world: &World) {
    let durable = world.durable();
    for parent in durable.orders.iter().filter(|it| !it.extra().legs.is_empty()) {
        let one = durable.instruments[parent.terms.instrument as usize].terms.one();
        for (leg, number) in parent.terms.more().legs.iter().zip(&parent.extra().legs) {
            // A closed leg is forgotten in time.
            let Some(order) = durable.order(*number) else {
                continue;
            };
            assert_eq!(order.filled, parent.filled / one * leg.ratio_qty, "{order:?}");
            assert_eq!(order.is_open(), parent.is_open(), "{order:?}");
        }
    }
}

/// What open legs of an account have promised to sell of an instrument; what stands for it may come
/// with the other legs.
fn promised_by_legs(world: &World, index: usize, instrument: u32) -> i64 {
    let open = world.durable().open_orders(index as u32);
    let legs = open.filter(|order| order.terms.more().held == Some(Held::Group));
    let sells = legs.filter(|order| order.terms.side == Side::Sell);
    let own = sells.filter(|order| order.terms.instrument == instrument);
    own.map(|order| order.leaves()).sum()
}

/// What a cash account has written can be delivered: stock for its calls, cash for its puts, the
/// whole entry value of its futures.
fn cash_accounts_are_covered(world: &World) {
    let durable = world.durable();
    let accounts = durable.accounts.iter().enumerate();
    for (at, account) in accounts.filter(|(_, account)| account.margin().is_none()) {
        let (mut cash, mut stock) = (0_i128, 0_i64);
        for (index, position) in &account.positions {
            let terms = &durable.instruments[*index as usize].terms;
            let Some(contract) = terms.contract.as_deref() else {
                continue;
            };
            if contract.is_margined {
                assert!(position.qty >= 0, "a cash account is short of {}", terms.symbol);
                cash += i128::from(position.cost);
            }
            match contract.option.map(|option| (option.right, option.strike)) {
                Some((Right::Put, strike)) => {
                    let short = (-position.qty).max(0);
                    cash += i128::from(strike) * i128::from(short) * 10 * 10_000;
                }
                Some((Right::Call, _)) => {
                    let promised = position.promised - promised_by_legs(world, at, *index);
                    stock += (promised - position.qty).max(0) * 10 * 100;
                }
                None => {}
            }
        }
        assert_eq!(account.deposited, cash, "{account:?}");
        let held = account.position(0);
        let promised = held.promised - promised_by_legs(world, at, 0);
        assert!(held.qty - promised >= stock, "calls without stock: {account:?}");
    }
}

fn play(steps: &[(Value, i64)]) -> Run {
    let mut run = Run::begin();
    for (command, pause) in steps {
        run.now_ns += pause * 1_000_000_000;
        run.send(command.clone());
    }
    run
}

fn cases() -> u32 {
    let wanted = std::env::var("PAPERTAPE_CASES").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn contracts_keep_their_books(steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::begin();
        for (command, pause) in steps {
            run.now_ns += pause * 1_000_000_000;
            run.send(command);
            run.check();
        }
        proof::tape_rebuilds(&run.world, &run.turns, &run.tables);
    }

    #[test]
    fn the_same_commands_give_the_same_bytes(steps in prop::collection::vec(step(), 1..60)) {
        let (one, two) = (play(&steps), play(&steps));
        prop_assert_eq!(one.turns, two.turns);
        prop_assert_eq!(one.world.snapshot(), two.world.snapshot());
        prop_assert_eq!(one.tables, two.tables);
    }
}
