//! Where events go, chosen at compile time.
//!
//! `TapeSink` for the live product (canonical JSON, rows, private messages), `ColumnSink` for
//! backtests (no JSON, no object per event), `NullSink` for sweeps.

use crate::durable::Durable;
use crate::event::{Event, Turn};
use crate::ids::InstrumentIndex;
use crate::messages::push_messages;
use crate::project::Projector;
use crate::rows::{Batch, PrintRow, TapeTurn};
use crate::tape;
use crate::units::{Nanos, Price, Quantity};
use crate::words::{Liquidity, Side};

/// A public trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// What was traded.
    pub instrument: InstrumentIndex,
    /// When.
    pub time_ns: Nanos,
    /// At this price.
    pub price: Price,
    /// This much.
    pub qty: Quantity,
    /// Side of the aggressor, when it is known.
    pub side: Option<Side>,
}

/// Receives what happens in a world. The durable state that it sees is the one after the event.
pub trait Sink {
    /// Whether fills carry receipts. They cost a little, and only text shows them.
    const RECEIPTS: bool = false;

    /// A turn emits its first event; `kind` is the word of its input.
    fn begin(&mut self, _kind: &'static str, _turn: &Turn) {}
    /// The event at place `i` of the turn has happened.
    fn event(&mut self, durable: &Durable, turn: &Turn, i: u32, event: &Event);
    /// The turn is complete.
    fn end(&mut self, _durable: &Durable, _turn: &Turn) {}
    /// A public trade happened, of users or of the house.
    fn print(&mut self, _durable: &Durable, _print: &Print) {}
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl Sink for NullSink {
    fn event(&mut self, _: &Durable, _: &Turn, _: u32, _: &Event) {}
}

/// Keeps turns as canonical JSON, rows, private messages and public trades.
#[derive(Debug, Default)]
pub struct TapeSink {
    batch: Batch,
    projector: Projector,
    /// The text of the turn so far; its memory serves the next turn again.
    body: String,
}

impl TapeSink {
    /// An empty sink.
    pub fn new() -> TapeSink {
        TapeSink::default()
    }

    /// Everything since the last call; the sink is empty again.
    pub fn take(&mut self) -> Batch {
        let mut batch = std::mem::take(&mut self.batch);
        batch.rows = self.projector.take();
        batch
    }

    /// Projects a turn that came from the tape.
    pub(crate) fn rebuild(&mut self, durable: &Durable, turn: &Turn, i: u32, event: &Event) {
        self.projector.event(durable, turn, i, event);
    }

    /// Ends a turn that came from the tape.
    pub(crate) fn rebuild_end(&mut self, durable: &Durable, turn: &Turn) {
        self.projector.end(durable, turn);
    }
}

impl Sink for TapeSink {
    const RECEIPTS: bool = true;

    fn begin(&mut self, kind: &'static str, _: &Turn) {
        self.body.clear();
        tape::begin_body(&mut self.body, kind);
    }

    fn event(&mut self, durable: &Durable, turn: &Turn, i: u32, event: &Event) {
        if i > 0 {
            self.body.push(',');
        }
        tape::push_event(&mut self.body, durable, event);
        self.projector.event(durable, turn, i, event);
        push_messages(&mut self.batch.messages, &self.projector, durable, turn, i, event);
    }

    fn end(&mut self, durable: &Durable, turn: &Turn) {
        tape::end_body(&mut self.body);
        self.batch.turns.push(TapeTurn {
            seq: turn.seq,
            time_ns: turn.time_ns,
            market_seq: turn.market_seq,
            body: self.body.clone(),
        });
        let touched = self.projector.end(durable, turn);
        crate::messages::push_touched(&mut self.batch.messages, durable, turn, &touched);
    }

    fn print(&mut self, durable: &Durable, print: &Print) {
        let Some(record) = durable.instrument(print.instrument) else {
            return;
        };
        self.batch.prints.push(PrintRow {
            symbol: record.terms.symbol.clone(),
            time_ns: print.time_ns,
            price: record.terms.format_price(print.price),
            qty: record.terms.format_quantity(print.qty),
            side: print.side.map_or("", Side::word),
        });
    }
}

/// Closed orders as columns: one entry per order when it is accepted or rejected.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct OrderColumns {
    pub number: Vec<i64>,
    pub time_ns: Vec<i64>,
    pub instrument: Vec<i64>,
    /// 1 buys, -1 sells.
    pub side: Vec<i64>,
    pub qty: Vec<i64>,
    /// 1 accepted, 0 rejected.
    pub accepted: Vec<i64>,
}

/// Fills as columns, in scaled units.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct FillColumns {
    pub order: Vec<i64>,
    pub time_ns: Vec<i64>,
    pub instrument: Vec<i64>,
    /// 1 buys, -1 sells.
    pub side: Vec<i64>,
    pub price: Vec<i64>,
    pub qty: Vec<i64>,
    pub notional: Vec<i64>,
    pub fee: Vec<i64>,
    pub realized_pl: Vec<i64>,
    /// 1 maker, 0 taker.
    pub maker: Vec<i64>,
}

/// Equity as columns; whoever drives the world pushes one entry per bar.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct EquityColumns {
    pub time_ns: Vec<i64>,
    pub equity: Vec<i64>,
    pub cash: Vec<i64>,
}

impl EquityColumns {
    /// Adds one entry, in money units.
    pub fn push(&mut self, time_ns: Nanos, equity: i64, cash: i64) {
        self.time_ns.push(time_ns);
        self.equity.push(equity);
        self.cash.push(cash);
    }
}

/// Keeps orders, fills and equity as columns.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct ColumnSink {
    pub orders: OrderColumns,
    pub fills: FillColumns,
    pub equity: EquityColumns,
}

const fn sign(side: Side) -> i64 {
    match side {
        Side::Buy => 1,
        Side::Sell => -1,
    }
}

impl Sink for ColumnSink {
    fn event(&mut self, _: &Durable, turn: &Turn, _: u32, event: &Event) {
        match event {
            Event::Accepted { order, terms, .. } | Event::Rejected { order, terms, .. } => {
                let columns = &mut self.orders;
                columns.number.push(*order as i64);
                columns.time_ns.push(turn.time_ns);
                columns.instrument.push(i64::from(terms.instrument));
                columns.side.push(sign(terms.side));
                columns.qty.push(terms.qty);
                columns.accepted.push(i64::from(matches!(event, Event::Accepted { .. })));
            }
            Event::Filled(fill) => {
                let columns = &mut self.fills;
                columns.order.push(fill.order as i64);
                columns.time_ns.push(turn.time_ns);
                columns.instrument.push(i64::from(fill.instrument));
                columns.side.push(sign(fill.side));
                columns.price.push(fill.price);
                columns.qty.push(fill.qty);
                columns.notional.push(fill.notional);
                columns.fee.push(fill.fee);
                columns.realized_pl.push(fill.realized_pl);
                columns.maker.push(i64::from(fill.liquidity == Liquidity::Maker));
            }
            _ => {}
        }
    }
}
