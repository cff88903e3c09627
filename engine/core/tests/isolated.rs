//! In an isolated world each account is as alone as in a world of its own: the naive twin of one
//! world with many accounts is a world for each of them, with the same market and nobody else's
//! commands.

use crate::support::{flow, proof};
use flow::{Step, listing_of, step};
use papertape_core::account::Position;
use papertape_core::command::{Cancel, Replace};
use papertape_core::json::parse;
use papertape_core::money::command::{MoneyCommand, Trade};
use papertape_core::order::Order;
use papertape_core::orders::Kept;
use papertape_core::profile::{Latency, SetRules};
use papertape_core::rows::FillRow;
use papertape_core::words::{Sharing, Side};
use papertape_core::{Input, TapeSink, TapeTurn, World};
use proptest::prelude::*;

/// The first account is the witness: it holds some of everything in every world, so that prices
/// are marked in all of them alike.
const WITNESS: u32 = 0;
const ACCOUNTS: std::ops::Range<u32> = 1..6;
const INSTRUMENTS: [(u32, i64, i64); 4] =
    [(0, 1_000_000, 1_000_000), (1, 500, 10), (2, 1_000_000, 1_000_000), (3, 100_000_000, 10_000)];

/// Whose command it is; nobody's when it is the market's or everyone's.
fn owner(input: &Input) -> Option<u32> {
    match input {
        Input::Submit(terms) | Input::Preview(terms) => Some(terms.account),
        Input::SubmitAll(orders) => orders.first().map(|terms| terms.account),
        Input::Replace(replace) => Some(replace.account),
        Input::Cancel(cancel) => Some(cancel.account),
        Input::CancelList(list) => list.orders.first().map(|(account, _)| *account),
        Input::CancelAll(cancel) => Some(cancel.account),
        Input::Value { account } => Some(*account),
        Input::Money(command) => match command.as_ref() {
            MoneyCommand::Pay { account, .. }
            | MoneyCommand::Convert { account, .. }
            | MoneyCommand::Reset { account, .. } => Some(*account),
            MoneyCommand::Record(trade) => Some(trade.account),
            MoneyCommand::Bust(bust) | MoneyCommand::Correct(bust, _) => Some(bust.account),
            _ => None,
        },
        _ => None,
    }
}

/// The input without what is drawn from the numbers of orders and fills, which differ from world
/// to world; nothing when that is all of it.
fn comparable(input: &Input) -> Option<Input> {
    match input {
        Input::Corporate(_) | Input::Risk(_) | Input::Checkpoint => None,
        Input::Money(command) => {
            let names_a_fill =
                |it: &MoneyCommand| matches!(it, MoneyCommand::Bust(_) | MoneyCommand::Correct(..));
            (!names_a_fill(command)).then(|| input.clone())
        }
        Input::SetRules(set) => {
            let mut set: SetRules = set.as_ref().clone();
            if let Some(rules) =
                set.profile.as_mut().and_then(Option::as_mut).and_then(|it| it.rules.as_mut())
            {
                rules.partial_rate = 0;
                (rules.command_latency, rules.event_latency) = (Latency::NONE, Latency::NONE);
            }
            Some(Input::SetRules(Box::new(set)))
        }
        input => Some(input.clone()),
    }
}

/// What can be compared of an order: everything but its number.
fn seen_of(order: &Order) -> impl PartialEq + std::fmt::Debug + use<> {
    let terms = &order.terms;
    let more = terms.more();
    (
        (terms.instrument, terms.side, terms.qty, terms.limit_price, terms.stop_price),
        (order.status, order.filled, order.filled_value, order.hold, order.reason),
        (order.triggered, more.display_qty, order.leaves()),
    )
}

/// A fill but for the numbers of the fill, the order and the turn.
fn told_of(fill: &FillRow) -> (String, &'static str, String, String, String, &'static str, String) {
    let row = fill.clone();
    let receipt = row.receipt;
    (row.symbol, row.side, row.price, row.qty, row.fee, row.liquidity, receipt)
}

struct Run {
    world: World,
    sink: TapeSink,
    turns: Vec<TapeTurn>,
    tables: proof::Tables,
}

impl Run {
    fn begin() -> Run {
        let world = World::new("main").expect("a fine name");
        let (turns, tables) = (Vec::new(), proof::Tables::default());
        let mut run = Run { world, sink: TapeSink::new(), turns, tables };
        for input in listing_of("main", Sharing::Isolated) {
            run.apply(&input, 1_000_000_000);
        }
        for (instrument, price, qty) in INSTRUMENTS {
            let (account, side, fee) = (WITNESS, Side::Buy, 0);
            let request_id = format!("witness-{instrument}");
            let trade = Trade { account, instrument, side, qty, price, fee, request_id };
            run.apply(&Input::Money(Box::new(MoneyCommand::Record(trade))), 1_000_000_000);
        }
        run
    }

    /// Applies an input; gives the fills and the reply's text.
    fn apply(&mut self, input: &Input, now_ns: i64) -> (Vec<FillRow>, String) {
        let reply = self.world.apply(input, now_ns, &mut self.sink);
        let json = self.world.reply_json(&reply);
        let batch = self.sink.take();
        self.turns.extend(batch.turns);
        let fills = batch.rows.fills.clone();
        self.tables.upsert(batch.rows);
        (fills, json)
    }

    fn orders(&self, account: u32) -> Vec<Kept<'_>> {
        let orders = self.world.durable().orders.iter();
        orders.filter(|order| order.terms.account == account).collect()
    }

    /// The input of a step in this world: `back` counts the orders of its account.
    fn resolve(&self, step: &Step) -> Option<Input> {
        let (input, back) = match step {
            Step::Do(input, _) => return comparable(input),
            Step::Change(input, back) => (input, back),
            Step::Restart => return None,
        };
        let orders = self.orders(owner(input)?);
        let before = |back: u64| orders.iter().rev().nth(back as usize).map_or(0, |it| it.number);
        let order = before(*back);
        match input.clone() {
            Input::Replace(replace) => Some(Input::Replace(Replace { order, ..replace })),
            Input::Cancel(cancel) => Some(Input::Cancel(Cancel { order, ..cancel })),
            Input::CancelList(mut list) => {
                list.orders.iter_mut().for_each(|(_, further)| *further = before(*back + *further));
                Some(Input::CancelList(list))
            }
            input => Some(input),
        }
    }
}

fn fills_of(fills: &[FillRow], account: u32) -> Vec<&FillRow> {
    let id = format!("{:032x}", u128::from(account) + 1);
    let is_of = |fill: &&FillRow| fill.account_id.replace('-', "") == id;
    fills.iter().filter(is_of).collect()
}

/// An account stands in the crowded world where it stands in the world of its own.
fn is_the_same(crowd: &Run, alone: &Run, account: u32) {
    let positions = |run: &Run| -> Vec<Position> {
        let of = |it: &(u32, i64, i64)| run.world.position(account, it.0);
        INSTRUMENTS.iter().map(of).map(|it| Position { seq: 0, ..it }).collect()
    };
    assert_eq!(positions(crowd), positions(alone), "positions of {account}");
    assert_eq!(crowd.world.cash(account), alone.world.cash(account), "cash of {account}");
    let worth = |run: &Run| run.world.requirement(account);
    assert_eq!(worth(crowd), worth(alone), "worth of {account}");
    let orders = |run: &Run| run.orders(account).iter().map(|it| seen_of(it)).collect::<Vec<_>>();
    assert_eq!(orders(crowd), orders(alone), "orders of {account}");
}

/// The levels of the public book and the quote, without the turn in which they were read.
fn book(run: &Run, symbol: &str) -> String {
    let json = run.world.book_json(symbol, 20).expect("an instrument");
    let value = parse(json.as_bytes()).expect("JSON");
    let part = |key| format!("{:?}", value.get(key));
    ["bids", "asks", "quote"].map(part).concat()
}

fn play(steps: &[Step]) -> Run {
    let mut crowd = Run::begin();
    let mut alone: Vec<(u32, Run)> = ACCOUNTS.map(|account| (account, Run::begin())).collect();
    let mut now_ns = 1_000_000_000;
    for step in steps {
        let Some(input) = crowd.resolve(step) else {
            continue;
        };
        if let Step::Do(_, pause) = step {
            now_ns += pause * 1_000_000_000;
        }
        let whose = owner(&input);
        if whose == Some(WITNESS) {
            continue;
        }
        let (fills, reply) = crowd.apply(&input, now_ns);
        for (account, run) in &mut alone {
            let input = run.resolve(step).filter(|_| whose.is_none_or(|whose| whose == *account));
            let (own, own_reply) = input.map_or((Vec::new(), None), |input| {
                let (own, reply) = run.apply(&input, now_ns);
                (own, Some(reply).filter(|_| matches!(input, Input::Preview(_))))
            });
            let told = |fills: &[FillRow]| -> Vec<_> {
                fills_of(fills, *account).into_iter().map(told_of).collect()
            };
            assert_eq!(told(&fills), told(&own), "fills of {account} by {step:?}");
            if let Some(own_reply) = own_reply {
                assert_eq!(reply, own_reply, "the preview of {account}");
            }
            is_the_same(&crowd, run, *account);
            for symbol in ["ACME", "ZULU", "BOTS", "BTC/USD"] {
                assert_eq!(book(&crowd, symbol), book(run, symbol), "{symbol}");
            }
        }
        crowd.tables.ledger_is_zero();
        proof::durable_is_sound(&crowd.world);
    }
    crowd
}

/// Cases of each property: more by `PAPERTAPE_CASES=10000 cargo test --release`.
fn cases() -> u32 {
    std::env::var("PAPERTAPE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn each_account_stands_where_it_would_stand_alone(
        steps in proptest::collection::vec(step(), 1..140)
    ) {
        let crowd = play(&steps);
        let counterparties = crowd.tables.fills.values().map(|fill| fill.counterparty);
        prop_assert!(counterparties.into_iter().all(|it| it == "house"));
        proof::tape_rebuilds(&crowd.world, &crowd.turns, &crowd.tables);
    }
}
