//! `Outcome` and `Rows`: a batch of the core as lists of tuples, in the column order of the tables.

use papertape_core::rows::{Batch, Rows};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// The reply to one input: outcome and JSON; `None` for market inputs.
pub type ReplyPair = Option<(&'static str, Vec<u8>)>;

/// Rows of the read models as tuples; columns as in the tables, without `world`.
#[pyclass(name = "Rows", module = "papertape.engine", frozen, get_all)]
pub struct PyRows {
    /// Upsert by account_id.
    accounts: Py<PyList>,
    /// Upsert by (account_id, symbol).
    positions: Py<PyList>,
    /// Upsert by order_id.
    orders: Py<PyList>,
    /// Append.
    fills: Py<PyList>,
    /// Append.
    ledger: Py<PyList>,
    /// Upsert by (account_id, minute_ns).
    equity: Py<PyList>,
    /// Append.
    alerts: Py<PyList>,
    /// Append.
    checks: Py<PyList>,
}

/// What one batch of inputs has caused.
#[pyclass(name = "Outcome", module = "papertape.engine", frozen, get_all)]
pub struct PyOutcome {
    /// One for each input: (outcome, JSON bytes), or None for a market input.
    replies: Py<PyList>,
    /// For the tape: (seq, time_ns, market_seq, body).
    turns: Py<PyList>,
    /// For the read models.
    rows: Py<PyRows>,
    /// Private news in order: (seq, account_id, channel, type, JSON bytes).
    messages: Py<PyList>,
    /// Public trades in order: (symbol, time_ns, price, qty, aggressor side or "").
    prints: Py<PyList>,
    /// Whether due work is left: send another `time`.
    more_due: bool,
}

impl PyOutcome {
    /// Converts what the core left.
    pub fn new(
        py: Python<'_>,
        replies: Vec<ReplyPair>,
        batch: Batch,
        more_due: bool,
    ) -> PyResult<Self> {
        let replies = replies.into_iter();
        let replies =
            replies.map(|reply| reply.map(|(outcome, json)| (outcome, PyBytes::new(py, &json))));
        let turns = batch.turns.into_iter();
        let turns = turns.map(|turn| (turn.seq, turn.time_ns, turn.market_seq, turn.body));
        let messages = batch.messages.into_iter().map(|message| {
            let data = PyBytes::new(py, message.data.as_bytes());
            (
                message.seq,
                message.account_id,
                message.channel,
                message.kind,
                data,
            )
        });
        let prints = batch.prints.into_iter();
        let prints = prints.map(|p| (p.symbol, p.time_ns, p.price, p.qty, p.side));
        Ok(Self {
            replies: list(py, replies)?,
            turns: list(py, turns)?,
            rows: Py::new(py, PyRows::new(py, batch.rows)?)?,
            messages: list(py, messages)?,
            prints: list(py, prints)?,
            more_due,
        })
    }
}

impl PyRows {
    /// Converts the rows of a batch.
    pub fn new(py: Python<'_>, rows: Rows) -> PyResult<Self> {
        Ok(Self {
            accounts: accounts(py, &rows)?,
            positions: positions(py, &rows)?,
            orders: orders(py, &rows)?,
            fills: fills(py, &rows)?,
            ledger: ledger(py, &rows)?,
            equity: equity(py, &rows)?,
            alerts: alerts(py, &rows)?,
            checks: checks(py, &rows)?,
        })
    }
}

/// Builds a tuple of more members than a Rust tuple converts.
macro_rules! row {
    ($py:expr, $row:expr, $($field:ident),+ $(,)?) => {
        pyo3::types::PyTuple::new($py, [$((&$row.$field).into_bound_py_any($py)?),+])
    };
}

fn accounts(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::AccountRow| {
        row!(
            py,
            row,
            account_id,
            owner,
            kind,
            currency,
            cash,
            held,
            equity,
            buying_power,
            unrealized_pl,
            realized_pl,
            status,
            details,
            seq
        )
    };
    tuples(py, rows.accounts.iter().map(tuple))
}

fn positions(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::PositionRow| {
        row!(
            py,
            row,
            account_id,
            symbol,
            qty,
            avg_entry_price,
            cost_basis,
            realized_pl,
            details,
            seq
        )
    };
    tuples(py, rows.positions.iter().map(tuple))
}

fn orders(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::OrderRow| {
        row!(
            py,
            row,
            order_id,
            number,
            account_id,
            client_order_id,
            symbol,
            side,
            order_type,
            time_in_force,
            qty,
            filled_qty,
            filled_avg_price,
            limit_price,
            stop_price,
            status,
            reason,
            details,
            created_ns,
            updated_ns,
            seq
        )
    };
    tuples(py, rows.orders.iter().map(tuple))
}

fn fills(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::FillRow| {
        row!(
            py,
            row,
            fill_id,
            order_id,
            account_id,
            symbol,
            side,
            price,
            qty,
            notional,
            fee,
            liquidity,
            counterparty,
            realized_pl,
            receipt,
            time_ns,
            seq,
            i
        )
    };
    tuples(py, rows.fills.iter().map(tuple))
}

fn ledger(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::LedgerRow| {
        row!(
            py, row, seq, i, line, account_id, asset, amount, kind, order_id, time_ns
        )
    };
    tuples(py, rows.ledger.iter().map(tuple))
}

fn equity(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::EquityRow| {
        row!(py, row, account_id, minute_ns, equity, cash, seq)
    };
    tuples(py, rows.equity.iter().map(tuple))
}

fn alerts(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::AlertRow| {
        row!(
            py, row, seq, i, account_id, kind, level, measure, value, bound, order_id, symbol,
            details, time_ns
        )
    };
    tuples(py, rows.alerts.iter().map(tuple))
}

fn checks(py: Python<'_>, rows: &Rows) -> PyResult<Py<PyList>> {
    let tuple = |row: &papertape_core::rows::CheckRow| {
        row!(
            py, row, seq, i, order_id, account_id, outcome, policy, checks, reason, value, bound,
            time_ns, kind
        )
    };
    tuples(py, rows.checks.iter().map(tuple))
}

fn tuples<'py>(
    py: Python<'py>,
    rows: impl Iterator<Item = PyResult<Bound<'py, pyo3::types::PyTuple>>>,
) -> PyResult<Py<PyList>> {
    let list = PyList::empty(py);
    for row in rows {
        list.append(row?)?;
    }
    Ok(list.unbind())
}

fn list<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    items: impl Iterator<Item = T>,
) -> PyResult<Py<PyList>> {
    let list = PyList::empty(py);
    for item in items {
        list.append(item)?;
    }
    Ok(list.unbind())
}
