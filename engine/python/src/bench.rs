//! The engine's share of `make bench`: a flow of operations through a bare book, and through a
//! whole world, timed without Python in between.

use papertape_core::book::{Book, Owner};
use papertape_core::command::{AgentOrder, Cancel};
use papertape_core::durable::Durable;
use papertape_core::event::{Event, Turn};
use papertape_core::ids::AccountIndex;
use papertape_core::order::OrderTerms;
use papertape_core::reply::Outcome;
use papertape_core::sink::{NullSink, Print, Sink};
use papertape_core::words::{OrderType, Side, TimeInForce};
use papertape_core::{Input, World};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::time::Instant;

/// One operation of a flow.
#[derive(Clone, Copy)]
pub enum Operation {
    /// Rests: id, side, price in ticks, quantity.
    Add(usize, Side, i64, i64),
    /// Takes back: id.
    Cancel(usize),
    /// Takes what is there, drops the rest: side, quantity.
    Market(Side, i64),
}

/// Seconds, trades, volume, resting orders.
pub type Totals = (f64, u64, i64, usize);

/// Reads the rows (op, id, side, price, quantity) of a flow.
pub fn operations(py: Python<'_>, rows: &PyBuffer<i64>) -> PyResult<Vec<Operation>> {
    if rows.dimensions() != 2 || rows.shape()[1] != 5 {
        return Err(PyValueError::new_err(
            "a flow has rows of op, id, side, price, quantity",
        ));
    }
    let cells = rows.to_vec(py)?;
    let side = |cell: i64| if cell == 0 { Side::Buy } else { Side::Sell };
    let operation = |row: &[i64]| match row[0] {
        0 => Operation::Add(row[1] as usize, side(row[2]), row[3], row[4]),
        1 => Operation::Cancel(row[1] as usize),
        _ => Operation::Market(side(row[2]), row[4]),
    };
    Ok(cells.chunks_exact(5).map(operation).collect())
}

/// Runs a flow through a bare book: seconds, trades, volume and resting orders.
#[pyfunction]
#[pyo3(name = "bench_book")]
pub fn bench_book(py: Python<'_>, operations: PyBuffer<i64>) -> PyResult<Totals> {
    let flow = self::operations(py, &operations)?;
    Ok(py.detach(|| run_book(&flow)))
}

fn run_book(flow: &[Operation]) -> Totals {
    let mut book = Book::default();
    let mut handles = vec![0; flow.len() + 1];
    let (mut trades, mut volume) = (0, 0);
    let start = Instant::now();
    for operation in flow {
        match *operation {
            Operation::Add(id, side, price, qty) => {
                handles[id] = book.add(side, price, qty, Owner::User(id as u64));
            }
            Operation::Cancel(id) => book.remove(handles[id]),
            Operation::Market(side, qty) => {
                book.take(side, None, qty, |_, part| {
                    trades += 1;
                    volume += part;
                });
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let live = [Side::Buy, Side::Sell].map(|side| book.orders(side).count());
    (seconds, trades, volume, live[0] + live[1])
}

const INPUTS_AT_ONCE: usize = 1_000;
pub const ACCOUNTS: u32 = 64;
const SHARES_EACH: i64 = 10_000_000;
const SEED_PRICE: i64 = 100_000;

/// Counts the public trades of a world and forgets everything else.
#[derive(Default)]
struct Counter {
    trades: u64,
    volume: i64,
}

impl Sink for Counter {
    fn event(&mut self, _: &Durable, _: &Turn, _: u32, event: &Event) {
        std::hint::black_box(event);
    }

    fn print(&mut self, _: &Durable, print: &Print) {
        self.trades += 1;
        self.volume += print.qty;
    }
}

/// Runs a flow through a whole world: accounts, holds, checks, fees, and an event for every step.
#[pyfunction]
#[pyo3(name = "bench_world")]
pub fn bench_world(py: Python<'_>, operations: PyBuffer<i64>) -> PyResult<Totals> {
    let flow = self::operations(py, &operations)?;
    py.detach(|| run_world(&flow))
        .map_err(PyRuntimeError::new_err)
}

fn run_world(flow: &[Operation]) -> Result<Totals, String> {
    let (mut world, before) = stocked_world()?;
    let mut counter = Counter::default();
    let (mut seconds, mut index, mut number) = (0.0, 0, 0);
    // Inputs are made a block at a time, outside the clock, as they come to a floor: what stands
    // in the cache is the world, not a million commands.
    for block in flow.chunks(INPUTS_AT_ONCE) {
        let inputs = inputs_from(block, before, &mut number);
        let start = Instant::now();
        for input in &inputs {
            let reply = world.apply(input, index, &mut counter);
            if !matches!(reply.outcome, Outcome::Created | Outcome::Ok) {
                return Err(format!("operation {index}: {reply:?}"));
            }
            index += 1;
        }
        seconds += start.elapsed().as_secs_f64();
    }
    let open = world
        .durable()
        .accounts
        .iter()
        .map(|account| account.open_orders.len())
        .sum();
    Ok((seconds, counter.trades, counter.volume, open))
}

/// A world whose accounts hold cash and shares, with an empty book; and how many orders it had.
pub fn stocked_world() -> Result<(World, u64), String> {
    let mut world = World::new("bench").map_err(|refusal| refusal.detail)?;
    for command in OPENING {
        must(world.apply_json(command.as_bytes(), 0, &mut NullSink))?;
    }
    for number in 0..ACCOUNTS {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let open = format!(
            r#"{{"kind":"open_account","account_id":"{id}","owner":"o{number}",
            "account_kind":"cash","currency":"USD","starting_cash":"1000000000000",
            "request_id":"r{number}"}}"#
        );
        must(world.apply_json(open.as_bytes(), 0, &mut NullSink))?;
    }
    let stock = AgentOrder {
        instrument: 0,
        agent: 1,
        id: 1,
        side: Side::Sell,
        price: Some(SEED_PRICE),
        qty: SHARES_EACH * i64::from(ACCOUNTS),
    };
    world.apply(&Input::AgentOrder(stock), 0, &mut NullSink);
    for account in 0..ACCOUNTS {
        let buy = order(account, "stock", Side::Buy, None, SHARES_EACH);
        let reply = world.apply(&buy, 0, &mut NullSink);
        if world.position(account, 0).qty != SHARES_EACH {
            return Err(format!("an account could not be stocked: {reply:?}"));
        }
    }
    let before = world.durable().next_order - 1;
    Ok((world, before))
}

pub const OPENING: [&str; 3] = [
    r#"{"kind":"create_world","world":"bench","seed":0,"sharing":"shared"}"#,
    r#"{"kind":"list_exchange","exchange":"XBEN","name":"Bench","currency":"USD","calendar":"24/7",
    "fees":{"maker_rate":"0.001","taker_rate":"0.002","per_share":"0.005","minimum":"0"},
    "profile":{"name":"realistic","spread_ticks":1,"participation":"0.1",
    "market_orders":"street"}}"#,
    r#"{"kind":"list_instrument","symbol":"FLOW","name":"Flow","asset_class":"us_equity",
    "exchange":"XBEN","sector":"","currency":"USD","tick_size":"0.01","lot_size":"1",
    "price_scale":2,"qty_scale":0,"source":"agents","trigger":"last"}"#,
];

pub fn must(reply: Option<(&'static str, String)>) -> Result<(), String> {
    match reply {
        Some(("created", _)) => Ok(()),
        other => Err(format!(
            "the world of the benchmark could not be opened: {other:?}"
        )),
    }
}

/// The flow as inputs of a world that has had `before` orders; accounts take turns.
pub fn inputs_of(flow: &[Operation], before: u64) -> Vec<Input> {
    inputs_from(flow, before, &mut 0)
}

/// A part of a flow as inputs; `number` counts the orders so far.
fn inputs_from(flow: &[Operation], before: u64, number: &mut u64) -> Vec<Input> {
    let account_of = |id: u64| (id % u64::from(ACCOUNTS)) as AccountIndex;
    let mut send = |side, price, qty| {
        *number += 1;
        order(account_of(*number), &number.to_string(), side, price, qty)
    };
    let input = |operation: &Operation| match *operation {
        Operation::Add(_, side, price, qty) => send(side, Some(price), qty),
        Operation::Market(side, qty) => send(side, None, qty),
        Operation::Cancel(id) => Input::Cancel(Cancel {
            account: account_of(id as u64),
            order: before + id as u64,
            request_id: None,
        }),
    };
    flow.iter().map(input).collect()
}

pub fn order(account: AccountIndex, id: &str, side: Side, price: Option<i64>, qty: i64) -> Input {
    Input::Submit(OrderTerms {
        account,
        client_order_id: id.into(),
        instrument: 0,
        side,
        order_type: if price.is_some() {
            OrderType::Limit
        } else {
            OrderType::Market
        },
        qty,
        limit_price: price,
        stop_price: None,
        time_in_force: TimeInForce::Gtc,
        more: None,
    })
}
