//! Measures of the engine beyond its speed on one flow: how long one command takes, how fast
//! events rebuild a state, and that neither memory nor cost grows with what ever was.

use papertape_core::command::{Cancel, Depth, Quote, Trade};
use papertape_core::durable::Durable;
use papertape_core::event::{Event, Turn};
use papertape_core::reply::Outcome;
use papertape_core::sink::{NullSink, Sink};
use papertape_core::words::Side;
use papertape_core::{Input, World};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::time::Instant;

use crate::bench::{ACCOUNTS, OPENING, inputs_of, must, operations, order, stocked_world};

/// Latencies of one `apply` in nanoseconds over a flow: p50, p99, p99.9, the longest.
///
/// The clock is read before and after each command; what that costs is in them.
#[pyfunction]
pub fn bench_latency(py: Python<'_>, operations: PyBuffer<i64>) -> PyResult<(u64, u64, u64, u64)> {
    let flow = self::operations(py, &operations)?;
    let measured = py.detach(|| -> Result<Vec<u64>, String> {
        let (mut world, before) = stocked_world()?;
        let inputs = inputs_of(&flow, before);
        let mut taken = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let start = Instant::now();
            world.apply(input, index as i64, &mut NullSink);
            taken.push(start.elapsed().as_nanos() as u64);
        }
        taken.sort_unstable();
        Ok(taken)
    });
    let taken = measured.map_err(PyRuntimeError::new_err)?;
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
    Ok((at(0.5), at(0.99), at(0.999), at(1.0)))
}

/// Keeps every event with its turn.
#[derive(Default)]
struct Kept(Vec<(Turn, Event)>);

impl Sink for Kept {
    fn event(&mut self, _: &Durable, turn: &Turn, _: u32, event: &Event) {
        self.0.push((*turn, event.clone()));
    }
}

/// Records the events of a flow and lets them happen again in the world from before: seconds and
/// count of events. Both states must have one hash.
#[pyfunction]
pub fn bench_evolve(py: Python<'_>, operations: PyBuffer<i64>) -> PyResult<(f64, usize)> {
    let flow = self::operations(py, &operations)?;
    let measured = py.detach(|| -> Result<(f64, usize), String> {
        let (mut world, before) = stocked_world()?;
        let mut again = world.clone();
        let mut kept = Kept::default();
        for (index, input) in inputs_of(&flow, before).iter().enumerate() {
            world.apply(input, index as i64, &mut kept);
        }
        let start = Instant::now();
        for (turn, event) in &kept.0 {
            again.follow(turn, event);
        }
        let seconds = start.elapsed().as_secs_f64();
        if again.state_hash() != world.state_hash() {
            return Err("the events led to another state".to_owned());
        }
        Ok((seconds, kept.0.len()))
    });
    measured.map_err(PyRuntimeError::new_err)
}

/// Bytes of memory that this process has in use.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// A number below `bound` that depends on `step` only.
const fn draw(step: u64, bound: u64) -> u64 {
    let mixed = step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) % bound
}

fn resting_order(number: u64) -> Input {
    let (side, price) = match number % 2 {
        0 => (Side::Buy, 99_990 - draw(number, 5_000) as i64),
        _ => (Side::Sell, 100_010 + draw(number, 5_000) as i64),
    };
    let account = (number % u64::from(ACCOUNTS)) as u32;
    order(account, &format!("churn-{number}"), side, Some(price), 10)
}

fn apply(world: &mut World, input: &Input, time_ns: i64) -> Result<(), String> {
    let reply = world.apply(input, time_ns, &mut NullSink);
    match reply.outcome {
        Outcome::Created | Outcome::Ok => Ok(()),
        _ => Err(format!("{input:?}: {reply:?}")),
    }
}

fn cancel(number: u64, before: u64) -> Input {
    Input::Cancel(Cancel {
        account: (number % u64::from(ACCOUNTS)) as u32,
        order: before + number,
        request_id: None,
    })
}

/// Sends so many orders of which `open` rest at a time, a random one of them leaving for each new
/// one. Gives (orders sent, bytes in use, seconds since the row before) twenty times.
#[pyfunction]
pub fn bench_churn(py: Python<'_>, orders: u64, open: u64) -> PyResult<Vec<(u64, u64, f64)>> {
    let measured = py.detach(|| -> Result<Vec<(u64, u64, f64)>, String> {
        let (mut world, before) = stocked_world()?;
        let mut live: Vec<u64> = Vec::with_capacity(open as usize);
        let mut rows = Vec::new();
        let mut start = Instant::now();
        for number in 1..=orders {
            if live.len() as u64 == open {
                let at = draw(number, open) as usize;
                apply(
                    &mut world,
                    &cancel(live.swap_remove(at), before),
                    number as i64,
                )?;
            }
            apply(&mut world, &resting_order(number), number as i64)?;
            live.push(number);
            if number % (orders / 20).max(1) == 0 {
                rows.push((number, resident_bytes(), start.elapsed().as_secs_f64()));
                start = Instant::now();
            }
        }
        Ok(rows)
    });
    measured.map_err(PyRuntimeError::new_err)
}

/// Nanoseconds of one order sent and one canceled while so many others rest.
#[pyfunction]
pub fn bench_resting(py: Python<'_>, resting: u64, orders: u64) -> PyResult<f64> {
    let measured = py.detach(|| -> Result<f64, String> {
        let (mut world, before) = stocked_world()?;
        for number in 1..=resting {
            apply(&mut world, &resting_order(number), 0)?;
        }
        let start = Instant::now();
        for number in resting + 1..=resting + orders {
            apply(&mut world, &resting_order(number), 0)?;
            apply(&mut world, &cancel(number, before), 0)?;
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / (2 * orders) as f64)
    });
    measured.map_err(PyRuntimeError::new_err)
}

const HELD: &str = r#"{"kind":"list_instrument","symbol":"TICK","name":"Tick","asset_class":"us_equity",
    "exchange":"XBEN","sector":"","currency":"USD","tick_size":"0.01","lot_size":"1",
    "price_scale":2,"qty_scale":0,"source":"street","trigger":"last"}"#;

/// An exchange whose resting orders wait for what stood before them.
const QUEUED: [&str; 3] = [
    r#"{"kind":"list_exchange","exchange":"XQUE","name":"Queue","currency":"USD","calendar":"24/7",
    "fees":{"preset":"none"},"profile":{"preset":"realistic","queue":"volume_ahead"}}"#,
    r#"{"kind":"list_instrument","symbol":"QUEUE","name":"Queue","asset_class":"us_equity",
    "exchange":"XQUE","sector":"","currency":"USD","tick_size":"0.01","lot_size":"1",
    "price_scale":2,"qty_scale":0,"source":"street","trigger":"last"}"#,
    r#"{"kind":"open_account","account_id":"00000000-0000-4000-8000-000000000001",
    "owner":"o","account_kind":"cash","currency":"USD","starting_cash":"1000000000",
    "request_id":"r"}"#,
];

/// A world with so many orders that rest in the queue model, below the touch and at it.
fn queued_world(orders: u32) -> Result<World, String> {
    let mut world = World::new("bench").map_err(|refusal| refusal.detail)?;
    let [exchange, instrument, account] = QUEUED;
    let [create, ..] = OPENING;
    for command in [create, exchange, instrument, account] {
        must(world.apply_json(command.as_bytes(), 0, &mut NullSink))?;
    }
    apply(&mut world, &depth_at(0), 0)?;
    for number in 0..orders {
        let price = Some(9_995 - i64::from(number % 20));
        let Input::Submit(mut terms) = order(0, &number.to_string(), Side::Buy, price, 10) else {
            continue;
        };
        terms.instrument = 0;
        apply(&mut world, &Input::Submit(terms), 0)?;
    }
    Ok(world)
}

/// Ten levels a side, of which one has another size at each step.
fn depth_at(step: u64) -> Input {
    let size = |level: i64| 1_000 + draw(step + level as u64, 50) as i64;
    let levels = |first: i64, way: i64| (0..10).map(|at| (first + way * at, size(at))).collect();
    Input::Depth(Depth {
        instrument: 0,
        bids: levels(9_999, -1),
        asks: levels(10_001, 1),
    })
}

/// What the feed does at a step: mostly quotes, then prints at the touch, now and then the depth.
fn feed(step: u64) -> Input {
    match draw(step, 20) {
        0 => depth_at(step),
        1..=4 => Input::Trade(Trade {
            instrument: 0,
            price: 9_999,
            qty: 1,
            side: Some(Side::Sell),
        }),
        _ => Input::Quote(Quote {
            instrument: 0,
            bid: Some((9_999, 1_000 + draw(step, 50) as i64)),
            ask: Some((10_001, 1_000)),
        }),
    }
}

/// Seconds of a feed of quotes, prints and depth beside so many orders in the queue model.
#[pyfunction]
pub fn bench_feed(py: Python<'_>, orders: u32, inputs: u64) -> PyResult<f64> {
    let measured = py.detach(|| -> Result<f64, String> {
        let mut world = queued_world(orders)?;
        let mut seconds = 0.0;
        for block in 0..inputs / 1_000 {
            let inputs: Vec<Input> = (block * 1_000..(block + 1) * 1_000).map(feed).collect();
            let start = Instant::now();
            for (at, input) in inputs.iter().enumerate() {
                apply(&mut world, input, (block * 1_000) as i64 + at as i64)?;
            }
            seconds += start.elapsed().as_secs_f64();
        }
        Ok(seconds)
    });
    measured.map_err(PyRuntimeError::new_err)
}

fn quote_at(bid: i64, size: i64) -> Input {
    Input::Quote(Quote {
        instrument: 1,
        bid: Some((bid, size)),
        ask: Some((bid + 1, size)),
    })
}

/// Nanoseconds of one quote of an instrument that so many accounts hold.
#[pyfunction]
pub fn bench_holders(py: Python<'_>, accounts: u32, quotes: i64) -> PyResult<f64> {
    let measured = py.detach(|| -> Result<f64, String> {
        let mut world = World::new("bench").map_err(|refusal| refusal.detail)?;
        for command in OPENING.iter().chain(&[HELD]) {
            must(world.apply_json(command.as_bytes(), 0, &mut NullSink))?;
        }
        apply(&mut world, &quote_at(9_999, 1_000_000_000), 0)?;
        for number in 0..accounts {
            let open = format!(
                r#"{{"kind":"open_account","account_id":"00000000-0000-4000-8000-{number:012}",
                "owner":"o{number}","account_kind":"cash","currency":"USD",
                "starting_cash":"1000000","request_id":"r"}}"#
            );
            must(world.apply_json(open.as_bytes(), 0, &mut NullSink))?;
            let Input::Submit(mut terms) = order(number, "hold", Side::Buy, None, 10) else {
                continue;
            };
            terms.instrument = 1;
            apply(&mut world, &Input::Submit(terms), 0)?;
        }
        let start = Instant::now();
        for step in 0..quotes {
            let bid = 9_950 + draw(step as u64, 100) as i64;
            apply(&mut world, &quote_at(bid, 100), step)?;
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / quotes as f64)
    });
    measured.map_err(PyRuntimeError::new_err)
}
