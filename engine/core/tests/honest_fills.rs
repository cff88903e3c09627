//! No fill is better than the observed market allowed, and none lies outside a bar's range unless
//! a gap or its own impact says so. The market is watched here from the inputs alone.

use crate::support::flow;
use flow::{Step, listing_of, market, resolve, set_rules, terms};
use papertape_core::command::{Bar, Depth, Quote, Trade};
use papertape_core::json::{Value, parse};
use papertape_core::reply::Body;
use papertape_core::rows::FillRow;
use papertape_core::units::parse_decimal;
use papertape_core::words::Sharing;
use papertape_core::{Input, Reply, TapeSink, World};
use proptest::prelude::*;

/// What the outside market of an instrument has shown last.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// What a buyer has to pay at least, and a seller gets at most: the best ask and bid.
    ask: Option<i64>,
    bid: Option<i64>,
}

impl Seen {
    /// After an input that was taken.
    fn after(self, input: &Input) -> Seen {
        match input {
            Input::Quote(Quote { bid, ask, .. }) => {
                Seen { ask: ask.map(|(price, _)| price), bid: bid.map(|(price, _)| price) }
            }
            Input::Depth(Depth { bids, asks, .. }) => Seen {
                ask: asks.iter().map(|(price, _)| *price).min(),
                bid: bids.iter().map(|(price, _)| *price).max(),
            },
            // The street around a close is modelled: nobody gets more than the close.
            Input::Bar(Bar { close, .. }) => Seen { ask: Some(*close), bid: Some(*close) },
            _ => self,
        }
    }

    /// The best price that this input showed to a side, or that stood already.
    fn best(self, is_buy: bool, input: &Input) -> Option<i64> {
        let shown = match input {
            Input::Trade(Trade { price, .. }) => Some(*price),
            Input::Bar(bar) => Some(if is_buy { bar.low } else { bar.high }),
            _ => None,
        };
        if is_buy { least(self.ask, shown) } else { greatest(self.bid, shown) }
    }
}

fn least(one: Option<i64>, two: Option<i64>) -> Option<i64> {
    one.into_iter().chain(two).min()
}

fn greatest(one: Option<i64>, two: Option<i64>) -> Option<i64> {
    one.max(two)
}

struct Run {
    world: World,
    sink: TapeSink,
    now_ns: i64,
    seen: Vec<Seen>,
    /// Fills that were looked at.
    looked_at: usize,
}

/// The instrument of an input of the market.
fn instrument_of(input: &Input) -> Option<usize> {
    let index = match input {
        Input::Quote(Quote { instrument, .. })
        | Input::Depth(Depth { instrument, .. })
        | Input::Trade(Trade { instrument, .. })
        | Input::Bar(Bar { instrument, .. }) => *instrument,
        _ => return None,
    };
    Some(index as usize)
}

impl Run {
    fn begin(sharing: Sharing) -> Run {
        let world = World::new("main").expect("a fine name");
        let (sink, now_ns) = (TapeSink::new(), 1_000_000_000);
        let mut run = Run { world, sink, now_ns, seen: vec![Seen::default(); 4], looked_at: 0 };
        for input in listing_of("main", sharing) {
            run.world.apply(&input, now_ns, &mut run.sink);
        }
        run.sink.take();
        run
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Do(input, pause) => {
                self.now_ns += pause * 1_000_000_000;
                self.apply(input);
            }
            Step::Change(input, back) => {
                self.apply(&resolve(input, *back, self.world.durable().next_order));
            }
            Step::Restart => {
                self.world = World::restore(&self.world.snapshot()).expect("a snapshot");
                // Nothing trades with the outside before it is seen again.
                self.seen = vec![Seen::default(); 4];
            }
        }
    }

    fn apply(&mut self, input: &Input) {
        let before = self.seen.clone();
        let Reply { body, .. } = self.world.apply(input, self.now_ns, &mut self.sink);
        let taken = instrument_of(input).filter(|_| matches!(body, Body::Nothing));
        if let Some(at) = taken {
            self.seen[at] = self.seen[at].after(input);
        }
        let fills = self.sink.take().rows.fills;
        for fill in fills.iter().filter(|fill| fill.counterparty == "house") {
            self.look_at(fill, input, taken, &before);
        }
    }

    fn look_at(&mut self, fill: &FillRow, input: &Input, taken: Option<usize>, before: &[Seen]) {
        let index = self.world.instrument_index(&fill.symbol).expect("it is listed") as usize;
        let record = &self.world.instruments()[index];
        // Bots are no outside market, and a recorded trade met none.
        if record.terms.symbol == "BOTS" || fill.receipt.is_empty() {
            return;
        }
        self.looked_at += 1;
        let receipt = parse(fill.receipt.as_bytes()).expect("a receipt");
        let price = parse_decimal(&fill.price, record.terms.price_scale).expect("a price");
        let (is_buy, is_of_input) = (fill.side == "buy", taken == Some(index));
        let (now, input) = (self.seen[index], if is_of_input { input } else { &Input::Time });
        let mut best = now.best(is_buy, input);
        // What was under way arrives before the input, and meets what stood before it.
        let latency_ms = receipt.get("latency_ms").and_then(Value::decimal);
        if latency_ms.expect("it is told") != "0" {
            let stood = before[index].best(is_buy, &Input::Time);
            best = if is_buy { least(best, stood) } else { greatest(best, stood) };
        }
        let best = best.unwrap_or_else(|| panic!("{fill:?} without a market"));
        let is_allowed = if is_buy { price >= best } else { price <= best };
        assert!(is_allowed, "better than {best}, {now:?} and {input:?} allowed: {fill:?}");
        self.lies_within(fill, input, &receipt, price);
    }

    /// What a bar filled lies within its range; the order's own impact may move it out.
    fn lies_within(&self, fill: &FillRow, input: &Input, receipt: &Value<'_>, price: i64) {
        let Input::Bar(bar) = input else {
            return;
        };
        let how = receipt.get("how").and_then(Value::text).unwrap_or("");
        let impact = receipt.get("impact").and_then(Value::text).unwrap_or("0");
        let of_bar = ["bar_open", "bar_path", "stop_fired", "stop_gap"].contains(&how);
        if of_bar && impact == "0" {
            assert!((bar.low..=bar.high).contains(&price), "{fill:?} outside {bar:?}");
        }
    }
}

/// The market and orders, by all profiles; no auctions, whose price is nobody's quote.
fn step() -> impl Strategy<Value = Step> {
    let act = |input| (input, 0..3_i64).prop_map(|(input, pause)| Step::Do(input, pause));
    prop_oneof![
        8 => act(terms().prop_map(Input::Submit).boxed()),
        8 => act(market().boxed()),
        2 => flow::change(),
        1 => act(set_rules().boxed()),
        1 => act(Just(Input::Time).boxed()),
    ]
    .boxed()
}

/// Now and then a restart, after which the market must be seen again.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(prop_oneof![60 => step(), 1 => Just(Step::Restart)], 1..200)
}

fn cases() -> u32 {
    std::env::var("PAPERTAPE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn no_fill_is_better_than_the_observed_market_allowed(
        sharing in flow::word(Sharing::ALL), steps in steps()
    ) {
        let mut run = Run::begin(sharing);
        steps.iter().for_each(|step| run.step(step));
    }
}

#[test]
fn the_flow_meets_the_outside_market() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut run = Run::begin(Sharing::Shared);
    for _ in 0..20 {
        steps().new_tree(&mut runner).expect("steps").current().iter().for_each(|it| run.step(it));
    }
    assert!(run.looked_at > 100, "only {} fills were looked at", run.looked_at);
}
