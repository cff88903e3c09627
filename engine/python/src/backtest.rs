//! `Backtest`: one account against bars. Columns in, columns out; no JSON and no object per event.
//!
//! The same core decides as in a live world. A step feeds all bars of the next time; what a
//! strategy does then happens at that time, after the bar.

use crate::columns::Record;
use crate::targets::{self, Figures, Recorded};
use papertape_core::command::{Bar, Cancel};
use papertape_core::ids::{AccountIndex, InstrumentIndex};
use papertape_core::order::OrderTerms;
use papertape_core::reply::{Body, Outcome, Reply};
use papertape_core::sink::NullSink;
use papertape_core::targets::{FillsOn, Plan};
use papertape_core::words::{OrderType, Side, TimeInForce};
use papertape_core::{Input, World};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};

/// Orders, orders filled, fees, final equity; count, sum and sum of squares of the returns; the
/// deepest drawdown.
type SweptFigures = ((u64, u64, i64, f64), (u64, f64, f64), f64);

const ACCOUNT: AccountIndex = 0;
const ACCOUNT_ID: &str = "00000000-0000-4000-8000-000000000001";

/// The bars of one instrument and how far they have been fed.
struct Series {
    instrument: InstrumentIndex,
    time_ns: Vec<i64>,
    open: Vec<i64>,
    high: Vec<i64>,
    low: Vec<i64>,
    close: Vec<i64>,
    volume: Vec<i64>,
    next: usize,
    /// Whether a world takes all of them.
    is_whole: bool,
}

impl Series {
    fn next_ns(&self) -> Option<i64> {
        self.time_ns.get(self.next).copied()
    }

    fn next_bar(&self) -> Input {
        Input::Bar(self.bar(self.next))
    }

    fn bar(&self, i: usize) -> Bar {
        Bar {
            instrument: self.instrument,
            open: self.open[i],
            high: self.high[i],
            low: self.low[i],
            close: self.close[i],
            volume: self.volume[i],
        }
    }
}

/// One account against bars, by the rules of a live world.
///
/// `listing`: `list_instrument` bodies (JSON). `cash` and `fee_rate`: decimal text; the fee is a
/// share of each fill's notional. `fill_on`: `"next_open"` or `"close"`, where market orders fill.
/// Everything inside is scaled integers: money by 6, prices and quantities by their instrument.
#[pyclass(module = "papertape.engine")]
pub struct Backtest {
    world: World,
    record: Record,
    series: Vec<Series>,
    symbols: Vec<String>,
    steps: i64,
    now_ns: Option<i64>,
    fills_on: FillsOn,
}

#[pymethods]
impl Backtest {
    #[new]
    fn new(listing: Vec<Vec<u8>>, cash: &str, fee_rate: &str, fill_on: &str) -> PyResult<Self> {
        let Some((fills_on, market_orders)) = targets::fills_on(fill_on) else {
            let why = format!("fill_on is \"next_open\" or \"close\", not {fill_on:?}");
            return Err(PyValueError::new_err(why));
        };
        let commands = opening(&listing, cash, fee_rate, market_orders)?;
        let mut world =
            World::new("backtest").map_err(|why| PyValueError::new_err(why.detail.to_string()))?;
        for command in commands {
            send(&mut world, &command)?;
        }
        let instruments = world.instruments().iter();
        let symbols = instruments
            .map(|record| record.terms.symbol.clone())
            .collect();
        let record = Record::default();
        Ok(Self {
            world,
            record,
            series: Vec::new(),
            symbols,
            steps: 0,
            now_ns: None,
            fills_on,
        })
    }

    /// Give the bars of a listed symbol, once: int64 columns of one length, times in nanoseconds
    /// and strictly rising, prices and volumes scaled.
    #[expect(clippy::too_many_arguments, reason = "the columns of a bar")]
    fn load(
        &mut self,
        py: Python<'_>,
        symbol: &str,
        time_ns: PyBuffer<i64>,
        open: PyBuffer<i64>,
        high: PyBuffer<i64>,
        low: PyBuffer<i64>,
        close: PyBuffer<i64>,
        volume: PyBuffer<i64>,
    ) -> PyResult<()> {
        let instrument = self.instrument(symbol)?;
        if self
            .series
            .iter()
            .any(|series| series.instrument == instrument)
        {
            return Err(PyValueError::new_err(format!("{symbol} is loaded already")));
        }
        let columns = [&time_ns, &open, &high, &low, &close, &volume].map(|one| one.to_vec(py));
        let [time_ns, open, high, low, close, volume] = columns;
        let series = Series {
            instrument,
            time_ns: time_ns?,
            open: open?,
            high: high?,
            low: low?,
            close: close?,
            volume: volume?,
            next: 0,
            is_whole: false,
        };
        check_series(symbol, &series)?;
        let count = series.time_ns.len();
        let is_whole = targets::are_whole(|at| series.bar(at), count);
        let series = Series { is_whole, ..series };
        self.series.push(series);
        Ok(())
    }

    /// Feed all bars of the next time; orders that wait for it fill. Returns the index of the
    /// step, or -1 when all bars have been fed. Raises `ValueError` for a bar that cannot be.
    fn step(&mut self) -> PyResult<i64> {
        let Some(now_ns) = self.series.iter().filter_map(Series::next_ns).min() else {
            return Ok(-1);
        };
        self.record_equity();
        self.record.bar = self.steps;
        for series in &mut self.series {
            if series.next_ns() == Some(now_ns) {
                let reply = self
                    .world
                    .apply(&series.next_bar(), now_ns, &mut self.record);
                if let Body::Refusal(refusal) = &reply.body {
                    let why = format!("bar {}: {}", series.next, refusal.detail);
                    return Err(PyValueError::new_err(why));
                }
                series.next += 1;
            }
        }
        while self.world.more_due() {
            self.world.apply(&Input::Time, now_ns, &mut self.record);
        }
        self.now_ns = Some(now_ns);
        self.steps += 1;
        Ok(self.steps - 1)
    }

    /// Feed all bars of `symbol` while the account goes for `target[i]` units after bar `i`: when
    /// it changes, a market order for the difference to what is held is sent.
    ///
    /// The same orders, fills and equity as with `step` and `submit`. Raises `ValueError` for
    /// another length or a bar that cannot be, `RuntimeError` after the first step.
    fn run_targets(&mut self, py: Python<'_>, symbol: &str, target: PyBuffer<i64>) -> PyResult<()> {
        let (at, target) = self.aimed(py, symbol, &target)?;
        if py.detach(|| self.walk_targets(at, &target)) {
            return Ok(());
        }
        self.feed_targets(at, &target)
    }

    /// The figures of `run_targets` without its tables: orders, orders filled, fees and final
    /// equity in money units, count, sum and sum of squares of the returns from bar to bar, the
    /// deepest drawdown (from the cash on). `None` where an order could not fill: only
    /// `run_targets` tells how that ends. Changes nothing; several threads may call it at once.
    fn sweep_targets(
        &self,
        py: Python<'_>,
        symbol: &str,
        target: PyBuffer<i64>,
    ) -> PyResult<Option<SweptFigures>> {
        let (at, target) = self.aimed(py, symbol, &target)?;
        let figures = py.detach(|| {
            let plan = self.plan(at, &target)?;
            let cash = self.world.cash(ACCOUNT);
            let mut figures = Figures::new(cash);
            targets::walked(&plan, cash, &mut figures).then(|| figures.finished())
        });
        Ok(figures.map(|it| {
            let (count, sum, squares) = it.returns;
            let money = (it.orders, it.filled, it.fees, it.equity);
            (money, (count, sum, squares), it.drawdown)
        }))
    }

    /// Index of the newest bar of `symbol` in its columns; -1 before its first.
    fn bar_index(&self, symbol: &str) -> PyResult<i64> {
        let instrument = self.instrument(symbol)?;
        let series = self
            .series
            .iter()
            .find(|series| series.instrument == instrument);
        Ok(series.map_or(-1, |series| series.next as i64 - 1))
    }

    /// Send an order; `side` 0 buys, 1 sells; quantity and prices scaled. Returns its number.
    ///
    /// One that a check refuses has a number too: see `result`. Raises `ValueError` for one that
    /// makes no sense.
    #[expect(clippy::too_many_arguments, reason = "the fields of an order")]
    #[pyo3(signature = (
        symbol, side, qty, *, r#type = "market", limit_price = None, stop_price = None,
        time_in_force = "gtc"
    ))]
    fn submit(
        &mut self,
        symbol: &str,
        side: i64,
        qty: i64,
        r#type: &str,
        limit_price: Option<i64>,
        stop_price: Option<i64>,
        time_in_force: &str,
    ) -> PyResult<u64> {
        let order_type = word("type", r#type, OrderType::from_word(r#type))?;
        let time_in_force = word(
            "time_in_force",
            time_in_force,
            TimeInForce::from_word(time_in_force),
        )?;
        let side = match side {
            0 => Side::Buy,
            1 => Side::Sell,
            _ => return Err(PyValueError::new_err("side is 0 (buy) or 1 (sell)")),
        };
        let terms = OrderTerms {
            account: ACCOUNT,
            client_order_id: self.world.durable().next_order.to_string().into(),
            instrument: self.instrument(symbol)?,
            side,
            order_type,
            qty,
            limit_price,
            stop_price,
            time_in_force,
            more: None,
        };
        let reply = self.apply(&Input::Submit(terms))?;
        match reply.body {
            Body::Order(number) => Ok(number),
            Body::Refusal(refusal) => refusal
                .order
                .ok_or_else(|| PyValueError::new_err(refusal.detail.to_string())),
            _ => Err(PyRuntimeError::new_err("the core gave no order")),
        }
    }

    /// Cancel an open order; whether there was something to cancel.
    fn cancel(&mut self, order: u64) -> PyResult<bool> {
        let cancel = Cancel {
            account: ACCOUNT,
            order,
            request_id: None,
        };
        Ok(self.apply(&Input::Cancel(cancel))?.outcome == Outcome::Ok)
    }

    /// What is held of `symbol`, scaled.
    fn position(&self, symbol: &str) -> PyResult<i64> {
        Ok(self.world.position(ACCOUNT, self.instrument(symbol)?).qty)
    }

    /// Cash in money units (10^-6 of the currency).
    #[getter]
    fn cash(&self) -> i128 {
        self.world.cash(ACCOUNT)
    }

    /// Cash and positions at the latest closes, in money units.
    #[getter]
    fn equity(&self) -> i128 {
        self.world.equity(ACCOUNT)
    }

    /// The time of the newest step in nanoseconds; 0 before the first.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.now_ns.unwrap_or(0)
    }

    /// The listed symbols; `instrument` in the result's columns counts them.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.symbols.clone()
    }

    /// Tables of int64 columns, rows in the order in which the engine made them.
    ///
    /// `orders`: number, bar, time_ns, instrument, side (0 buys, 1 sells), qty, filled, status
    /// (0 new, 1 partially filled, 2 filled, 3 canceled, 4 rejected, 5 expired), reason (place in
    /// `BACKTEST_REASONS`). `fills`: order, bar, time_ns, instrument, side, price, qty, notional,
    /// fee, realized_pl, maker (1 or 0). `equity`: time_ns, equity, cash, one row a step: the
    /// account when the step was over, with what the strategy did in it. `bar` is the index of
    /// the step.
    fn result<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.record_equity();
        self.record.tables(py)
    }
}

impl Backtest {
    /// The series of a symbol, and its targets.
    fn aimed(
        &self,
        py: Python<'_>,
        symbol: &str,
        target: &PyBuffer<i64>,
    ) -> PyResult<(usize, Vec<i64>)> {
        let instrument = self.instrument(symbol)?;
        let target = target.to_vec(py)?;
        let found = self
            .series
            .iter()
            .position(|it| it.instrument == instrument);
        match found {
            _ if self.steps > 0 => Err(PyRuntimeError::new_err("targets come before any step")),
            Some(at) if self.series[at].time_ns.len() == target.len() => Ok((at, target)),
            _ => Err(PyValueError::new_err(
                "there must be one target for each bar",
            )),
        }
    }

    fn plan<'a>(&'a self, at: usize, target: &'a [i64]) -> Option<Plan<'a>> {
        let series = self.series.get(at).filter(|series| series.is_whole)?;
        let instrument = &self.world.durable().instrument(series.instrument)?.terms;
        let exchange = self.world.durable().exchange_for(instrument)?;
        Some(Plan {
            instrument,
            fees: &exchange.terms.fees,
            fills_on: self.fills_on,
            open: &series.open,
            close: &series.close,
            volume: &series.volume,
            target,
        })
    }

    /// Lets the walk decide; whether it could.
    fn walk_targets(&mut self, at: usize, target: &[i64]) -> bool {
        let cash = self.world.cash(ACCOUNT);
        let mut record = Record::default();
        let (Some(plan), Some(series)) = (self.plan(at, target), self.series.get(at)) else {
            return false;
        };
        record.reserve(target.len());
        let mut recorded = Recorded {
            record: &mut record,
            time_ns: &series.time_ns,
            instrument: series.instrument,
        };
        if !targets::walked(&plan, cash, &mut recorded) {
            return false;
        }
        self.record = record;
        self.steps = target.len() as i64;
        self.now_ns = series.time_ns.last().copied();
        true
    }

    /// Feeds the world bar by bar.
    fn feed_targets(&mut self, at: usize, target: &[i64]) -> PyResult<()> {
        let instrument = self.series[at].instrument;
        let mut wanted = 0;
        while self.step()? >= 0 {
            let series = &self.series[at];
            let next = series.next.checked_sub(1).map(|bar| target[bar]);
            let Some(next) = next.filter(|next| *next != wanted) else {
                continue;
            };
            wanted = next;
            let number = self.world.durable().next_order;
            let open = self.world.durable().open_orders(ACCOUNT);
            let coming: i64 = open
                .map(|order| match order.terms.side {
                    Side::Buy => order.leaves(),
                    Side::Sell => -order.leaves(),
                })
                .sum();
            let qty = wanted - self.world.position(ACCOUNT, instrument).qty - coming;
            if qty != 0 {
                let side = if qty > 0 { Side::Buy } else { Side::Sell };
                self.apply(&Input::Submit(market_order(
                    instrument,
                    number,
                    side,
                    qty.abs(),
                )))?;
            }
        }
        Ok(())
    }

    fn instrument(&self, symbol: &str) -> PyResult<InstrumentIndex> {
        self.world
            .instrument_index(symbol)
            .ok_or_else(|| PyValueError::new_err(format!("{symbol} is not in the listing")))
    }

    fn apply(&mut self, input: &Input) -> PyResult<Reply> {
        let Some(now_ns) = self.now_ns else {
            return Err(PyRuntimeError::new_err(
                "orders are possible after the first step",
            ));
        };
        Ok(self.world.apply(input, now_ns, &mut self.record))
    }

    /// Writes the equity row of the step that is over, once.
    fn record_equity(&mut self) {
        let equity = &mut self.record.equity;
        if let (Some(now_ns), true) = (self.now_ns, (equity.time_ns.len() as i64) < self.steps) {
            let (worth, cash) = (self.world.equity(ACCOUNT), self.world.cash(ACCOUNT));
            equity.push(now_ns, clamped(worth), clamped(cash));
        }
    }
}

fn market_order(instrument: InstrumentIndex, number: u64, side: Side, qty: i64) -> OrderTerms {
    OrderTerms {
        account: ACCOUNT,
        client_order_id: number.to_string().into(),
        instrument,
        side,
        order_type: OrderType::Market,
        qty,
        limit_price: None,
        stop_price: None,
        time_in_force: TimeInForce::Gtc,
        more: None,
    }
}

fn clamped(amount: i128) -> i64 {
    amount.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

fn word<T>(field: &str, text: &str, found: Option<T>) -> PyResult<T> {
    found.ok_or_else(|| PyValueError::new_err(format!("{field} cannot be {text:?}")))
}

/// The commands that open the world of a backtest.
fn opening(
    listing: &[Vec<u8>],
    cash: &str,
    fee_rate: &str,
    market_orders: &str,
) -> PyResult<Vec<Value>> {
    let create = json!({"kind": "create_world", "world": "backtest", "seed": 0,
        "sharing": "shared"});
    let mut commands = vec![create];
    let mut currency = "USD".to_owned();
    for body in listing {
        let read = serde_json::from_slice::<Value>(body);
        let mut terms = read.map_err(|why| PyValueError::new_err(format!("listing: {why}")))?;
        terms["kind"] = json!("list_instrument");
        terms["source"] = json!("street");
        if let Some(text) = terms["currency"].as_str() {
            text.clone_into(&mut currency);
        }
        commands.push(json!({
            "kind": "list_exchange", "exchange": terms["exchange"], "name": terms["exchange"],
            "currency": terms["currency"], "calendar": "24/7",
            "fees": {"maker_rate": fee_rate, "taker_rate": fee_rate, "per_share": "0",
                "minimum": "0"},
            "profile": {"name": "backtest", "spread_ticks": 0, "participation": "0",
                "market_orders": market_orders},
        }));
        commands.push(terms);
    }
    commands.push(json!({"kind": "open_account", "account_id": ACCOUNT_ID,
        "owner": "backtest", "account_kind": "cash", "currency": currency,
        "starting_cash": cash, "request_id": "backtest"}));
    Ok(commands)
}

fn send(world: &mut World, command: &Value) -> PyResult<()> {
    let reply = world.apply_json(command.to_string().as_bytes(), 0, &mut NullSink);
    match reply {
        Some(("created" | "existing", _)) => Ok(()),
        Some((_, why)) => Err(PyValueError::new_err(format!("{}: {why}", command["kind"]))),
        None => Err(PyValueError::new_err(format!(
            "{} got no reply",
            command["kind"]
        ))),
    }
}

fn check_series(symbol: &str, series: &Series) -> PyResult<()> {
    let length = series.time_ns.len();
    let columns = [
        &series.open,
        &series.high,
        &series.low,
        &series.close,
        &series.volume,
    ];
    if columns.iter().any(|column| column.len() != length) {
        let why = format!("{symbol}: the columns differ in length");
        return Err(PyValueError::new_err(why));
    }
    if let Some(i) = series
        .time_ns
        .windows(2)
        .position(|pair| pair[0] >= pair[1])
    {
        let why = format!(
            "{symbol}: the time of bar {} is not after the one before",
            i + 1
        );
        return Err(PyValueError::new_err(why));
    }
    Ok(())
}
