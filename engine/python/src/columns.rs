//! What a backtest leaves: orders, fills and equity as columns of integers, shown as numpy arrays.

use papertape_core::Sink;
use papertape_core::durable::Durable;
use papertape_core::event::{Event, Fill, Turn};
use papertape_core::order::OrderTerms;
use papertape_core::sink::EquityColumns;
use papertape_core::targets::TargetFill;
use papertape_core::words::{Liquidity, Reason, Side};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// A column: its name and its values.
type Column<'a> = (&'static str, &'a [i64]);

/// Where an order stands, as a number of the column `status`.
#[derive(Clone, Copy)]
enum Standing {
    New = 0,
    PartiallyFilled = 1,
    Filled = 2,
    Canceled = 3,
    Rejected = 4,
    Expired = 5,
}

/// Orders; the order with number n stands in row n - 1.
#[derive(Default)]
struct Orders {
    number: Vec<i64>,
    bar: Vec<i64>,
    time_ns: Vec<i64>,
    instrument: Vec<i64>,
    side: Vec<i64>,
    qty: Vec<i64>,
    filled: Vec<i64>,
    status: Vec<i64>,
    reason: Vec<i64>,
}

impl Orders {
    fn push(&mut self, number: u64, bar: i64, time_ns: i64, terms: &OrderTerms) {
        self.number.push(number as i64);
        self.bar.push(bar);
        self.time_ns.push(time_ns);
        self.instrument.push(i64::from(terms.instrument));
        self.side.push(terms.side as i64);
        self.qty.push(terms.qty);
        self.filled.push(0);
        self.status.push(Standing::New as i64);
        self.reason.push(0);
    }

    fn stands(&mut self, number: u64, standing: Standing, reason: Option<Reason>) {
        let row = number as usize - 1;
        self.status[row] = standing as i64;
        self.reason[row] = reason.map_or(0, |reason| reason as i64 + 1);
    }
}

/// Fills in the order in which they happened.
#[derive(Default)]
struct Fills {
    order: Vec<i64>,
    bar: Vec<i64>,
    time_ns: Vec<i64>,
    instrument: Vec<i64>,
    side: Vec<i64>,
    price: Vec<i64>,
    qty: Vec<i64>,
    notional: Vec<i64>,
    fee: Vec<i64>,
    realized_pl: Vec<i64>,
    maker: Vec<i64>,
}

impl Fills {
    fn push(&mut self, fill: &Fill, bar: i64, time_ns: i64) {
        self.order.push(fill.order as i64);
        self.bar.push(bar);
        self.time_ns.push(time_ns);
        self.instrument.push(i64::from(fill.instrument));
        self.side.push(fill.side as i64);
        self.price.push(fill.price);
        self.qty.push(fill.qty);
        self.notional.push(fill.notional);
        self.fee.push(fill.fee);
        self.realized_pl.push(fill.realized_pl);
        self.maker
            .push(i64::from(fill.liquidity == Liquidity::Maker));
    }
}

/// The sink of a backtest.
#[derive(Default)]
pub struct Record {
    /// The step that is being made.
    pub bar: i64,
    /// One row a step, pushed by whoever drives the world.
    pub equity: EquityColumns,
    orders: Orders,
    fills: Fills,
}

impl Sink for Record {
    fn event(&mut self, _: &Durable, turn: &Turn, _: u32, event: &Event) {
        let (bar, time_ns) = (self.bar, turn.time_ns);
        match event {
            Event::Accepted { order, terms, .. } => self.orders.push(*order, bar, time_ns, terms),
            Event::Rejected {
                order,
                terms,
                reason,
                ..
            } => {
                self.orders.push(*order, bar, time_ns, terms);
                self.orders
                    .stands(*order, Standing::Rejected, Some(*reason));
            }
            Event::Filled(fill) => {
                self.fills.push(fill, bar, time_ns);
                self.orders.filled[fill.order as usize - 1] += fill.qty;
                let whole = if fill.completes {
                    Standing::Filled
                } else {
                    Standing::PartiallyFilled
                };
                self.orders.stands(fill.order, whole, None);
            }
            Event::Canceled { order, reason, .. } => {
                self.orders
                    .stands(*order, Standing::Canceled, Some(*reason));
            }
            Event::Expired { order, .. } => {
                self.orders
                    .stands(*order, Standing::Expired, Some(Reason::Expired));
            }
            _ => {}
        }
    }
}

impl Record {
    /// Makes room for the equity of so many bars.
    pub fn reserve(&mut self, bars: usize) {
        let equity = &mut self.equity;
        for column in [&mut equity.time_ns, &mut equity.equity, &mut equity.cash] {
            column.reserve_exact(bars);
        }
    }

    /// Notes an order that was sent after a bar.
    pub fn sent(&mut self, bar: i64, time_ns: i64, instrument: u32, side: Side, qty: i64) {
        let orders = &mut self.orders;
        orders.number.push(orders.number.len() as i64 + 1);
        orders.bar.push(bar);
        orders.time_ns.push(time_ns);
        orders.instrument.push(i64::from(instrument));
        orders.side.push(side as i64);
        orders.qty.push(qty);
        orders.filled.push(0);
        orders.status.push(Standing::New as i64);
        orders.reason.push(0);
    }

    /// Notes that the last order filled completely.
    pub fn filled_whole(&mut self, fill: &TargetFill, time_ns: i64, instrument: u32) {
        let number = self.orders.number.len() as u64;
        self.orders.filled[number as usize - 1] = fill.qty;
        self.orders.stands(number, Standing::Filled, None);
        let fills = &mut self.fills;
        fills.order.push(number as i64);
        fills.bar.push(fill.bar as i64);
        fills.time_ns.push(time_ns);
        fills.instrument.push(i64::from(instrument));
        fills.side.push(fill.side as i64);
        fills.price.push(fill.price);
        fills.qty.push(fill.qty);
        fills.notional.push(fill.notional);
        fills.fee.push(fill.fee);
        fills.realized_pl.push(fill.realized_pl);
        fills.maker.push(0);
    }

    /// Everything as dicts of read-only int64 arrays.
    pub fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let result = PyDict::new(py);
        result.set_item("orders", table(py, &self.order_columns())?)?;
        result.set_item("fills", table(py, &self.fill_columns())?)?;
        result.set_item("equity", table(py, &self.equity_columns())?)?;
        Ok(result)
    }

    fn order_columns(&self) -> [Column<'_>; 9] {
        let orders = &self.orders;
        [
            ("number", &orders.number),
            ("bar", &orders.bar),
            ("time_ns", &orders.time_ns),
            ("instrument", &orders.instrument),
            ("side", &orders.side),
            ("qty", &orders.qty),
            ("filled", &orders.filled),
            ("status", &orders.status),
            ("reason", &orders.reason),
        ]
    }

    fn fill_columns(&self) -> [Column<'_>; 11] {
        let fills = &self.fills;
        [
            ("order", &fills.order),
            ("bar", &fills.bar),
            ("time_ns", &fills.time_ns),
            ("instrument", &fills.instrument),
            ("side", &fills.side),
            ("price", &fills.price),
            ("qty", &fills.qty),
            ("notional", &fills.notional),
            ("fee", &fills.fee),
            ("realized_pl", &fills.realized_pl),
            ("maker", &fills.maker),
        ]
    }

    fn equity_columns(&self) -> [Column<'_>; 3] {
        let equity = &self.equity;
        [
            ("time_ns", &equity.time_ns),
            ("equity", &equity.equity),
            ("cash", &equity.cash),
        ]
    }
}

/// The words of the column `reason`: nothing, then the reasons of the core.
pub fn reasons() -> Vec<&'static str> {
    std::iter::once("")
        .chain(Reason::ALL.iter().map(|reason| reason.word()))
        .collect()
}

fn table<'py>(py: Python<'py>, columns: &[Column<'_>]) -> PyResult<Bound<'py, PyDict>> {
    let from_buffer = py.import("numpy")?.getattr("frombuffer")?;
    let table = PyDict::new(py);
    for (column, values) in columns {
        table.set_item(*column, from_buffer.call1((bytes_of(py, values)?, "=i8"))?)?;
    }
    Ok(table)
}

fn bytes_of<'py>(py: Python<'py>, values: &[i64]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, values.len() * 8, |bytes| {
        for (cell, value) in bytes.chunks_exact_mut(8).zip(values) {
            cell.copy_from_slice(&value.to_ne_bytes());
        }
        Ok(())
    })
}
