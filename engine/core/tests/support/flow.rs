//! Random inputs: sensible ones, nonsense, strangers' ids, market moves, sessions, time jumps.
// Each test program uses a part of it.
#![allow(dead_code)]

#[path = "money.rs"]
mod money;

use money::money;

use papertape_core::account::AccountTerms;
use papertape_core::command::*;
use papertape_core::corporate::{Action, Change, CorporateCommand, Stage};
use papertape_core::exchange::{Exchange, Fees, Profile};
use papertape_core::instrument::{Instrument, Mark};
use papertape_core::margin::MarginTerms;
use papertape_core::money::command::MoneyCommand;
use papertape_core::more_terms::{MoreTerms, StopLoss, TakeProfit};
use papertape_core::order::OrderTerms;
use papertape_core::session::{Halt, InstrumentRules, Resume, Scope};
use papertape_core::words::*;
use papertape_core::{Input, Sink, World};
use proptest::option::{of, weighted};
use proptest::prelude::*;

#[path = "risk_flow.rs"]
pub mod risk_flow;
use risk_flow::risk;

#[path = "combo_flow.rs"]
pub mod combo_flow;

#[path = "rules_flow.rs"]
mod rules_flow;
pub use rules_flow::set_rules;

/// What happens next.
#[derive(Clone, Debug)]
pub enum Step {
    /// An input, so many seconds after the last one.
    Do(Input, i64),
    /// A change of one of the last orders, `back` orders ago; the input's order is filled in.
    Change(Input, u64),
    /// Stop, and start again with the durable state.
    Restart,
}

/// The fourth one is a margin account, the last three keep lots, and the last may name them.
const ACCOUNTS: u32 = 7;
/// The account that may name its lots.
const NAMES_LOTS: u32 = 6;
const INSTRUMENTS: u32 = 4;
/// Prices move around this many ticks.
const MIDDLE: i64 = 100;

/// Scales and steps of the four instruments: two stocks on the street, one of bots, one crypto
/// that fills at the next bar.
const STEPS: [(u8, u8, i64, i64); 4] = [
    (6, 6, 10_000, 1_000_000),
    (2, 0, 5, 10),
    (6, 6, 10_000, 1_000_000),
    (8, 8, 1_000_000, 10_000),
];

/// The inputs that set the stage: two exchanges with fees, four instruments, seven accounts.
pub fn listing(world: &str) -> Vec<Input> {
    listing_of(world, Sharing::Shared)
}

/// The same for a world of this sharing.
pub fn listing_of(world: &str, sharing: Sharing) -> Vec<Input> {
    let world = world.to_owned();
    let mut inputs = vec![Input::CreateWorld(CreateWorld { world, seed: 7, sharing })];
    inputs.push(exchange("FEES", MarketOrders::Street, fees(1_000_000, 2_500_000, 3_333_333, 17)));
    inputs.push(exchange("FREE", MarketOrders::NextBar, fees(0, 500_000, 0, 1_000_000)));
    for (index, (price_scale, qty_scale, tick_size, lot_size)) in STEPS.into_iter().enumerate() {
        inputs.push(Input::ListInstrument(Instrument {
            symbol: ["ACME", "ZULU", "BOTS", "BTC/USD"][index].to_owned(),
            name: "An instrument".to_owned(),
            asset_class: AssetClass::UsEquity,
            exchange: u32::from(index == 3),
            sector: String::new(),
            currency: "USD".to_owned(),
            tick_size,
            lot_size,
            price_scale,
            qty_scale,
            source: if index == 2 { Source::Agents } else { Source::Street },
            trigger: if index == 1 { TriggerSource::Last } else { TriggerSource::BidAsk },
            status: InstrumentStatus::Active,
            contract: None,
            rules: rules(index, tick_size),
        }));
    }
    let cash = [50_000_000_000, 3_000_000_000, 400_000_123, 20_000_000_000, 9_000_000_000];
    let cash = cash.into_iter().chain([8_000_000_000, 7_000_000_000]);
    let lots = [CostMethod::Fifo, CostMethod::Lifo, CostMethod::Specific];
    let methods = [CostMethod::Average; 4].into_iter().chain(lots);
    for (index, (cash, cost_method)) in cash.zip(methods).enumerate() {
        let terms = MarginTerms { interest_rate: 90_000_000, ..MarginTerms::default() };
        let margin = (index == 3 || index == 5).then(|| Box::new(terms));
        inputs.push(Input::OpenAccount(OpenAccount {
            id: index as u128 + 1,
            owner: format!("user-{index}"),
            kind: if margin.is_some() { AccountKind::Margin } else { AccountKind::Cash },
            currency: "USD".to_owned(),
            starting_cash: cash,
            request_id: "open".to_owned(),
            terms: AccountTerms { margin, cost_method },
        }));
    }
    inputs.push(Input::Money(Box::new(MoneyCommand::SetRate {
        from: "EUR".to_owned(),
        to: "USD".to_owned(),
        rate: 1_250_000_000,
    })));
    inputs
}

/// The first stock has a band of 10 percent, the second a tick table.
fn rules(index: usize, tick_size: i64) -> Option<Box<InstrumentRules>> {
    let tick_table = vec![(100 * tick_size, 2 * tick_size)];
    let rules = match index {
        0 => InstrumentRules { band: 100_000_000, ..Default::default() },
        1 => InstrumentRules { tick_table, ..Default::default() },
        _ => return None,
    };
    Some(Box::new(rules))
}

fn fees(maker_rate: i64, taker_rate: i64, per_share: i64, minimum: i64) -> Fees {
    Fees { maker_rate, taker_rate, per_share, minimum, rules: None }
}

fn exchange(id: &str, market_orders: MarketOrders, fees: Fees) -> Input {
    Input::ListExchange(Exchange {
        id: id.to_owned(),
        name: id.to_owned(),
        currency: "USD".to_owned(),
        calendar: "always".to_owned(),
        fees,
        profile: Profile {
            name: "random".to_owned(),
            spread_ticks: 3,
            participation: 100_000_000,
            market_orders,
            rules: None,
        },
        rules: None,
    })
}

/// Sets the stage.
pub fn set_up<S: Sink>(world: &mut World, sink: &mut S) {
    for input in listing("main") {
        world.apply(&input, 1_000_000_000, sink);
    }
}

fn step_of(instrument: u32) -> (i64, i64) {
    let (_, _, tick, lot) = STEPS[(instrument % INSTRUMENTS) as usize];
    (tick, lot)
}

/// A price near the middle, now and then off the grid or absurd.
fn price(instrument: u32) -> impl Strategy<Value = i64> {
    let (tick, _) = step_of(instrument);
    prop_oneof![
        40 => (MIDDLE - 8..=MIDDLE + 8).prop_map(move |ticks| ticks * tick),
        1 => Just(MIDDLE * tick + 1),
        1 => prop_oneof![Just(0), Just(-tick), Just(i64::MAX), Just(i64::MIN), Just(tick)],
    ]
}

/// A few lots, now and then nonsense.
fn quantity(instrument: u32) -> impl Strategy<Value = i64> {
    let (_, lot) = step_of(instrument);
    prop_oneof![
        40 => (1..=60_i64).prop_map(move |lots| lots * lot),
        4 => (100..=3_000_i64).prop_map(move |lots| lots * lot),
        1 => Just(lot + 1),
        1 => Just(lot.saturating_mul(1_000_000_000_000)),
        1 => prop_oneof![Just(0), Just(-lot), Just(i64::MAX), Just(i64::MIN)],
    ]
}

pub fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

/// Mostly real things, now and then one that does not exist.
fn instrument() -> impl Strategy<Value = u32> {
    prop_oneof![60 => 0..INSTRUMENTS, 1 => Just(INSTRUMENTS)]
}

pub fn account() -> impl Strategy<Value = u32> {
    prop_oneof![60 => 0..ACCOUNTS, 1 => Just(ACCOUNTS)]
}

pub fn terms() -> BoxedStrategy<OrderTerms> {
    (account(), instrument(), word(Side::ALL), word(OrderType::ALL), word(TimeInForce::ALL))
        .prop_flat_map(|(account, instrument, side, order_type, time_in_force)| {
            let prices = (price(instrument), price(instrument), 0..40_u32);
            let more = more(instrument, side, order_type, time_in_force);
            (quantity(instrument), prices, 0..100_000_u32, more).prop_map(
                move |(qty, (limit, stop, odd), id, more)| OrderTerms {
                    account,
                    // Few ids at the low end, so some come twice.
                    client_order_id: format!("order-{}", if odd == 0 { id % 5 } else { id }).into(),
                    instrument,
                    side,
                    order_type,
                    qty,
                    limit_price: (order_type.has_limit() != (odd == 1)).then_some(limit),
                    stop_price: (order_type.has_stop() != (odd == 2)).then_some(stop),
                    time_in_force,
                    more: MoreTerms {
                        extended_hours: odd >= 30,
                        lot_ids: lots_named(account, odd, id),
                        ..more.as_deref().cloned().unwrap_or_default()
                    }
                    .boxed(),
                },
            )
        })
        .boxed()
}

/// Two fills that may have opened a lot, of the account that names its lots.
fn lots_named(account: u32, odd: u32, id: u32) -> Vec<u64> {
    let names = account == NAMES_LOTS && odd % 3 == 0;
    if names { vec![u64::from(id % 24), u64::from(id % 24 + 3)] } else { Vec::new() }
}

/// Further terms, mostly sensible for the type.
fn more(
    instrument: u32,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
) -> BoxedStrategy<Option<Box<MoreTerms>>> {
    let (tick, lot) = step_of(instrument);
    let trails = order_type == OrderType::TrailingStop;
    let dated = time_in_force == TimeInForce::Gtd;
    let flags = (0..6_u8, 0..6_u8, 0..6_u8, 0..30_u8);
    let amounts = (1..8_i64, 1..5_i64, 0..400_i64, any::<bool>());
    let words = (weighted(0.2, word(TriggerSource::ALL)), weighted(0.2, word(SelfTrade::ALL)));
    let terms = (flags, amounts, words).prop_map(
        move |((hidden, post_only, reduce_only, odd), (ticks, lots, seconds, percent), words)| {
            let rests = order_type.has_limit();
            let trail = trails != (odd == 1);
            MoreTerms {
                trail_price: (trail && !percent).then_some(ticks * tick),
                trail_percent: (trail && percent).then_some(ticks * 10_000),
                trigger: words.0.filter(|_| order_type.is_triggered() || odd == 2),
                display_qty: (rests && hidden == 1).then_some(lots * lot),
                hidden: rests && hidden == 2,
                post_only: order_type == OrderType::Limit && post_only == 0,
                reduce_only: reduce_only == 0,
                expires_ns: dated.then_some((1_000 + seconds * seconds) * 1_000_000_000),
                self_trade: words.1,
                ..MoreTerms::NONE
            }
        },
    );
    (terms, weighted(0.25, group(instrument, side, order_type)))
        .prop_map(|(terms, group)| match group {
            None => terms.boxed(),
            Some((order_class, take_profit, stop_loss)) => {
                MoreTerms { order_class, take_profit, stop_loss, ..terms }.boxed()
            }
        })
        .boxed()
}

type Group = (OrderClass, Option<TakeProfit>, Option<StopLoss>);

/// The class and the exits of a group, now and then one that does not fit.
fn group(instrument: u32, side: Side, order_type: OrderType) -> BoxedStrategy<Group> {
    let (tick, _) = step_of(instrument);
    (0..5_u8, -1..9_i64, 1..9_i64, any::<bool>(), any::<bool>())
        .prop_map(move |(class, won, lost, limited, trailing)| {
            let class = match class {
                0 if order_type == OrderType::Limit => OrderClass::Oco,
                0 | 1 => OrderClass::Oto,
                2 => OrderClass::Oco,
                _ => OrderClass::Bracket,
            };
            let is_exit_sell = (side == Side::Buy) != (class == OrderClass::Oco);
            let sign = if is_exit_sell { 1 } else { -1 };
            let price = |ticks: i64| (MIDDLE + sign * ticks) * tick;
            let profit = class == OrderClass::Bracket || (class == OrderClass::Oto && limited);
            let loss = StopLoss {
                stop_price: (!trailing).then_some(price(-lost)),
                limit_price: (limited && !trailing).then_some(price(-lost - 1)),
                trail_price: trailing.then_some(lost * tick),
                trail_percent: None,
            };
            let has_loss = class != OrderClass::Oto || !limited;
            let profit = profit.then_some(TakeProfit { limit_price: price(won) });
            (class, profit, has_loss.then_some(loss))
        })
        .boxed()
}

/// Further terms that a replace asks for, now and then one that cannot change.
fn replaced_more(instrument: u32) -> impl Strategy<Value = Option<Box<MoreTerms>>> {
    let (tick, lot) = step_of(instrument);
    (weighted(0.1, 1..9_i64), weighted(0.1, 0..400_i64), weighted(0.1, 1..5_i64), 0..40_u8)
        .prop_map(move |(ticks, seconds, lots, odd)| {
            MoreTerms {
                trail_price: ticks.map(|ticks| ticks * tick),
                expires_ns: seconds.map(|seconds| (2_000 + seconds * seconds) * 1_000_000_000),
                display_qty: lots.map(|lots| lots * lot),
                hidden: odd == 0,
                ..MoreTerms::NONE
            }
            .boxed()
        })
}

fn request_id() -> impl Strategy<Value = Option<String>> {
    of((0..50_u32).prop_map(|id| format!("request-{id}")))
}

pub fn change() -> impl Strategy<Value = Step> {
    let replace = (account(), request_id(), 0..INSTRUMENTS).prop_flat_map(
        |(account, request_id, instrument)| {
            let terms = (
                of(quantity(instrument)),
                of(price(instrument)),
                of(price(instrument)),
                of(word(TimeInForce::ALL)),
                replaced_more(instrument),
            );
            terms.prop_map(move |(qty, limit_price, stop_price, time_in_force, more)| {
                Input::Replace(Replace {
                    account,
                    order: 0,
                    request_id: request_id.clone(),
                    qty,
                    limit_price,
                    stop_price,
                    time_in_force,
                    more,
                })
            })
        },
    );
    // One lot of what was more keeps its place.
    let shrink = (account(), instrument()).prop_map(|(account, instrument)| {
        let (request_id, qty) = (None, Some(step_of(instrument).1));
        let (limit_price, stop_price, time_in_force, more) = (None, None, None, None);
        Input::Replace(Replace {
            account,
            order: 0,
            request_id,
            qty,
            limit_price,
            stop_price,
            time_in_force,
            more,
        })
    });
    let cancel = (account(), request_id())
        .prop_map(|(account, request_id)| Input::Cancel(Cancel { account, order: 0, request_id }));
    // How far before the order of the step each one of the list is.
    let list = (account(), request_id(), proptest::collection::vec(0..3_u64, 1..4)).prop_map(
        |(account, request_id, backs)| {
            let orders = backs.into_iter().map(|back| (account, back)).collect();
            Input::CancelList(CancelList { orders, request_id })
        },
    );
    let changes = prop_oneof![
        4 => replace.boxed(),
        2 => shrink.boxed(),
        4 => cancel.boxed(),
        1 => list.boxed(),
    ];
    (changes, 0..8_u64).prop_map(|(input, back)| Step::Change(input, back))
}

fn level(instrument: u32) -> impl Strategy<Value = StreetLevel> {
    (price(instrument), quantity(instrument))
}

pub fn market() -> impl Strategy<Value = Input> {
    instrument().prop_flat_map(|instrument| {
        let quote = (weighted(0.9, level(instrument)), weighted(0.9, level(instrument)))
            .prop_map(move |(bid, ask)| Input::Quote(Quote { instrument, bid, ask }));
        let levels = || proptest::collection::vec(level(instrument), 0..4);
        let depth = (levels(), levels())
            .prop_map(move |(bids, asks)| Input::Depth(Depth { instrument, bids, asks }));
        let trade = (level(instrument), weighted(0.5, word(Side::ALL))).prop_map(
            move |((price, qty), side)| Input::Trade(Trade { instrument, price, qty, side }),
        );
        let prices = proptest::collection::vec(price(instrument), 4);
        let bar = (prices, quantity(instrument), any::<bool>()).prop_map(
            move |(mut prices, volume, has_volume)| {
                prices.sort_unstable();
                let volume = if has_volume { volume } else { 0 };
                let (low, high) = (prices[0], prices[3]);
                let (open, close) = (prices[1], prices[2]);
                Input::Bar(Bar { instrument, open, high, low, close, volume })
            },
        );
        let bots =
            (0..40_u64, word(Side::ALL), weighted(0.8, price(instrument)), quantity(instrument))
                .prop_map(move |(id, side, price, qty)| {
                    Input::AgentOrder(AgentOrder { instrument, agent: 1, id, side, price, qty })
                });
        let gone =
            (0..40_u64).prop_map(move |id| Input::AgentCancel(AgentCancel { instrument, id }));
        prop_oneof![4 => quote, 2 => depth, 2 => trade, 2 => bar, 4 => bots, 1 => gone]
    })
}

/// A list of orders of one account.
fn submit_all() -> impl Strategy<Value = Input> {
    (account(), proptest::collection::vec(terms(), 1..5)).prop_map(|(account, mut orders)| {
        orders.iter_mut().for_each(|terms| terms.account = account);
        Input::SubmitAll(orders)
    })
}

fn other() -> impl Strategy<Value = Input> {
    let session = (0..3_u32, word(SessionState::ALL), word(AuctionKind::ALL), 0..3_i64).prop_map(
        |(exchange, state, kind, next_ns)| {
            let auction = (state == SessionState::Auction).then_some(kind);
            Input::Session(Session { exchange, state, auction, next_ns, next_open_ns: next_ns })
        },
    );
    let scope = prop_oneof![
        3 => instrument().prop_map(Scope::Instrument),
        1 => (0..3_u32).prop_map(Scope::Exchange),
    ];
    let halt = (scope, 0..3_u32, of(any::<bool>())).prop_map(|(scope, what, auction)| match what {
        0 => Input::Halt(Halt { scope, reason: "news".to_owned() }),
        _ => Input::Resume(Resume { scope, auction }),
    });
    let cancel_all = (account(), request_id())
        .prop_map(|(account, request_id)| Input::CancelAll(CancelAll { account, request_id }));
    prop_oneof![
        1 => corporate().prop_map(Input::Corporate).boxed(),
        3 => risk().prop_map(Input::Risk).boxed(),
        6 => Just(Input::Time),
        3 => session,
        2 => halt,
        1 => cancel_all,
        2 => submit_all(),
        1 => Just(Input::Checkpoint),
        1 => terms().prop_map(Input::Preview),
        1 => account().prop_map(|account| Input::Value { account }),
        1 => instrument().prop_map(|instrument| Input::Book { instrument, depth: 3 }),
    ]
}

fn corporate() -> impl Strategy<Value = CorporateCommand> {
    let change = prop_oneof![
        4 => (0..3_000_000_000_i64).prop_map(|amount| Change::CashDividend { amount }),
        4 => (0..5_u32, 0..5_u32).prop_map(|(new, old)| Change::Split { new, old }),
        1 => (0..9_u32).prop_map(|id| Change::Rename {
            symbol: format!("NEW{id}"),
            name: "Renamed".to_owned(),
        }),
        1 => (-1..2_000_000_i64).prop_map(|price| Change::Delist { price }),
    ];
    // At once, or later; paid later still, now and then before.
    let ex_s = prop_oneof![1 => Just(0_i64), 1 => 0..500_000_i64];
    let announce = (instrument(), change, 0..60_u32, ex_s, -9_000..500_000_i64).prop_map(
        |(instrument, change, id, ex_s, pay_s)| {
            CorporateCommand::Announce(Action {
                id: format!("action-{id}"),
                instrument,
                change,
                ex_ns: ex_s * 1_000_000_000,
                pay_ns: (ex_s + pay_s).max(0) * 1_000_000_000,
                stage: Stage::Announced,
                below: 0,
                before: Mark::default(),
                owed: Vec::new(),
            })
        },
    );
    let call_off =
        (0..60_u32).prop_map(|id| CorporateCommand::CallOff { id: format!("action-{id}") });
    prop_oneof![6 => announce, 1 => call_off]
}

/// Seconds between inputs: mostly none, now and then more than a day.
fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..3_i64, 2 => 50..4_000_i64, 1 => 80_000..200_000_i64]
}

/// The next thing that happens.
pub fn step() -> impl Strategy<Value = Step> {
    let act = |input| (input, pause()).prop_map(|(input, pause)| Step::Do(input, pause));
    prop_oneof![
        8 => act(terms().prop_map(Input::Submit).boxed()),
        2 => act(combo_flow::input().boxed()),
        4 => change().boxed(),
        8 => act(market().boxed()),
        3 => act(other().boxed()),
        1 => act(set_rules().boxed()),
        2 => act(money(ACCOUNTS).boxed()),
        1 => prop_oneof![1 => Just(Step::Restart), 3 => act(Just(Input::Time).boxed())],
    ]
}

/// The input of a step, with its order filled in.
pub fn resolve(input: &Input, back: u64, next_order: u64) -> Input {
    let order = next_order.saturating_sub(1 + back);
    match input.clone() {
        Input::Replace(replace) => Input::Replace(Replace { order, ..replace }),
        Input::Cancel(cancel) => Input::Cancel(Cancel { order, ..cancel }),
        Input::CancelList(mut list) => {
            list.orders.iter_mut().for_each(|(_, back)| *back = order.saturating_sub(*back));
            Input::CancelList(list)
        }
        input => input,
    }
}
