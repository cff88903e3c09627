//! `World`: batches of inputs in, one `Outcome` out.

use crate::batch::{PyOutcome, PyRows, ReplyPair};
use crate::errors::{catch_panic, engine_panic, tape_error};
use crate::house::House;
use crate::market::PyMarket;
use papertape_core::{TapeSink, TapeTurn, World};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyDict};
use std::collections::BTreeMap;

/// A turn as Python gives it: seq, time (ns), market seq, body.
type TurnTuple = (u64, i64, u64, PyBackedStr);

/// A world: accounts, books, orders and one clock.
///
/// After an `EnginePanic` every call raises `EnginePanic`: reload the world from its tape.
#[pyclass(name = "World", module = "papertape.engine")]
pub struct PyWorld {
    inner: World,
    sink: TapeSink,
    poison: Option<String>,
    panic_on: Option<String>,
}

impl PyWorld {
    fn over(inner: World) -> Self {
        Self {
            inner,
            sink: TapeSink::new(),
            poison: None,
            panic_on: None,
        }
    }

    fn check(&self, py: Python<'_>) -> PyResult<()> {
        match &self.poison {
            None => Ok(()),
            Some(why) => Err(engine_panic(
                py,
                0,
                &format!("the world is poisoned ({why})"),
            )),
        }
    }

    fn poisoned(&mut self, py: Python<'_>, index: usize, why: String) -> PyErr {
        let error = engine_panic(py, index, &why);
        self.poison = Some(why);
        error
    }

    /// Applies inputs until one panics; gives the replies, or the index and the message.
    fn apply_all(
        &mut self,
        inputs: &[(i64, PyBackedBytes)],
    ) -> Result<Vec<ReplyPair>, (usize, String)> {
        let mut replies = Vec::with_capacity(inputs.len());
        for (index, (time_ns, command)) in inputs.iter().enumerate() {
            let reply = catch_panic(|| self.apply_one(*time_ns, command));
            replies.push(reply.map_err(|why| (index, why))?);
        }
        Ok(replies)
    }

    fn apply_one(&mut self, time_ns: i64, command: &[u8]) -> ReplyPair {
        if let Some(id) = &self.panic_on {
            let quoted = format!("\"{id}\"");
            let named = command
                .windows(quoted.len())
                .any(|part| part == quoted.as_bytes());
            assert!(!named, "provoked by _panic_on({id:?})");
        }
        let reply = self.inner.apply_json(command, time_ns, &mut self.sink);
        reply.map(|(outcome, json)| (outcome, json.into_bytes()))
    }

    /// Asks the core a question and reads the items of its answer.
    fn items<'py>(&mut self, py: Python<'py>, question: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        self.check(py)?;
        let now_ns = self.inner.time_ns();
        let answer = self.inner.apply_json(question, now_ns, &mut self.sink);
        let json = answer.map_or_else(String::new, |(_, json)| json);
        let read = py.import("json")?.call_method1("loads", (json,))?;
        match read.cast::<PyDict>()?.get_item("items")? {
            Some(items) => Ok(items),
            None => Err(PyValueError::new_err(format!(
                "the world has no listing yet: {read}"
            ))),
        }
    }
}

#[pymethods]
impl PyWorld {
    #[new]
    fn new(world: &str) -> PyResult<Self> {
        match World::new(world) {
            Ok(inner) => Ok(Self::over(inner)),
            Err(refusal) => Err(PyValueError::new_err(refusal.detail.to_string())),
        }
    }

    /// The id of the world.
    #[getter]
    fn world(&self) -> &str {
        self.inner.name()
    }

    /// Number of the last turn; 0 before the first.
    #[getter]
    fn seq(&self) -> u64 {
        self.inner.seq()
    }

    /// How many market inputs there have been.
    #[getter]
    fn market_seq(&self) -> u64 {
        self.inner.market_seq()
    }

    /// The world's time in nanoseconds: of the last input.
    #[getter]
    fn time_ns(&self) -> i64 {
        self.inner.time_ns()
    }

    /// Apply inputs `(time_ns, command JSON)` in order; earlier times count as the present.
    ///
    /// A bad command is a reply, never an exception. Raises `EnginePanic` with the `index` of the
    /// input at which the core panicked; what the inputs before it caused is lost with it.
    fn apply(&mut self, py: Python<'_>, inputs: Vec<(i64, PyBackedBytes)>) -> PyResult<PyOutcome> {
        self.check(py)?;
        match py.detach(|| self.apply_all(&inputs)) {
            Ok(replies) => PyOutcome::new(py, replies, self.sink.take(), self.inner.more_due()),
            Err((index, why)) => Err(self.poisoned(py, index, why)),
        }
    }

    /// Let the house bots of `market` act up to `until_ns`, with about `most` inputs at most.
    ///
    /// Call again while `market.next_due_ns <= until_ns`. Raises `ValueError` when an instrument
    /// of the market is not listed in this world.
    #[pyo3(signature = (market, until_ns, most = 10_000))]
    fn drive(
        &mut self,
        py: Python<'_>,
        mut market: PyRefMut<'_, PyMarket>,
        until_ns: i64,
        most: usize,
    ) -> PyResult<PyOutcome> {
        self.check(py)?;
        let symbols = market.inner.symbols();
        let instruments = House::find(&self.inner, symbols).map_err(PyValueError::new_err)?;
        let bots = &mut market.inner;
        let driven = py.detach(|| {
            let mut house = House::new(&mut self.inner, &mut self.sink, instruments);
            catch_panic(|| bots.act(&mut house, until_ns, most))
        });
        match driven {
            Ok(_) => PyOutcome::new(py, Vec::new(), self.sink.take(), self.inner.more_due()),
            Err(why) => Err(self.poisoned(py, 0, why)),
        }
    }

    /// Rebuild from turns `(seq, time_ns, market_seq, body)` of the tape, in order.
    ///
    /// Raises `TapeError` with the `seq` of the first turn that does not fit; the turns before it
    /// have been applied.
    fn evolve(&mut self, py: Python<'_>, turns: Vec<TurnTuple>) -> PyResult<PyRows> {
        self.check(py)?;
        let evolved = py.detach(|| {
            for (seq, time_ns, market_seq, body) in turns {
                let turn = TapeTurn {
                    seq,
                    time_ns,
                    market_seq,
                    body: body.to_string(),
                };
                let result = catch_panic(|| self.inner.evolve(&turn, &mut self.sink));
                result
                    .map_err(|why| (seq, Err(why)))?
                    .map_err(|error| (seq, Ok(error.why)))?;
            }
            Ok(())
        });
        match evolved {
            Ok(()) => PyRows::new(py, self.sink.take().rows),
            Err((seq, Ok(why))) => Err(tape_error(py, seq, &why)),
            Err((seq, Err(panic))) => Err(self.poisoned(py, 0, format!("turn {seq}: {panic}"))),
        }
    }

    /// The durable state as canonical bytes.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.check(py)?;
        Ok(PyBytes::new(py, &py.detach(|| self.inner.snapshot())))
    }

    /// The world of a snapshot; raises `ValueError` when it cannot be read.
    #[staticmethod]
    fn restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        match py.detach(|| World::restore(data)) {
            Ok(inner) => Ok(Self::over(inner)),
            Err(error) => Err(PyValueError::new_err(format!("snapshot: {error}"))),
        }
    }

    /// SHA-256 of the snapshot in hex.
    fn state_hash(&self, py: Python<'_>) -> PyResult<String> {
        self.check(py)?;
        Ok(py.detach(|| self.inner.state_hash()))
    }

    /// `(symbol, quote JSON)` of the instruments whose quote changed since the last call, or of
    /// all that have one.
    #[pyo3(signature = (changed_only = true))]
    fn quotes<'py>(
        &mut self,
        py: Python<'py>,
        changed_only: bool,
    ) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
        self.check(py)?;
        let quotes = self.inner.quotes(changed_only).into_iter();
        Ok(quotes
            .map(|(symbol, json)| (symbol, PyBytes::new(py, json.as_bytes())))
            .collect())
    }

    /// The book of `symbol` as JSON, `depth` levels a side; `ValueError` for an unknown symbol.
    #[pyo3(signature = (symbol, depth = 10))]
    fn book<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
        depth: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.check(py)?;
        match self.inner.book_json(symbol, depth) {
            Some(json) => Ok(PyBytes::new(py, json.as_bytes())),
            None => Err(PyValueError::new_err(format!(
                "no instrument {symbol:?} in this world"
            ))),
        }
    }

    /// All instruments as dicts with the fields of the wire, sorted by symbol.
    fn instruments<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, br#"{"kind":"instruments"}"#)
    }

    /// All exchanges as dicts with the fields of the wire.
    fn exchanges<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, br#"{"kind":"exchanges"}"#)
    }

    /// Exchanges that sessions rule: `{exchange: (part of the day, next change in ns or 0)}`.
    /// Those that were never told a session are always open and not among them.
    fn sessions(&self, py: Python<'_>) -> PyResult<BTreeMap<String, (&'static str, i64)>> {
        self.check(py)?;
        let ruled = self
            .inner
            .exchanges()
            .iter()
            .filter(|record| record.has_sessions);
        Ok(ruled
            .map(|record| {
                (
                    record.terms.id.clone(),
                    (record.state.word(), record.next_ns),
                )
            })
            .collect())
    }

    /// For tests of quarantine: panic when a command names this id; `None` ends it.
    fn _panic_on(&mut self, client_order_id: Option<String>) {
        self.panic_on = client_order_id;
    }
}
