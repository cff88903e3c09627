//! `SimulatedMarket`: the house's prices and bots, for a world to be driven by.

use papertape_agents::{Instrument, SimulatedMarket, history};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A bar as Python gets it: start (ns), open, high, low, close, volume.
type BarTuple = (i64, String, String, String, String, String);

/// The most bars that `history` makes at once: ten years of minutes.
const HISTORY_MINUTES_MAX: usize = 5_300_000;

/// Seeded prices and house bots: the same seed gives the same market.
///
/// `instruments`: JSON for each, a listing with `price` (decimal text), `volatility` (a year's
/// standard deviation), `daily_volume` and `prints_per_second`. Raises `ValueError` for a wrong
/// one.
#[pyclass(name = "SimulatedMarket", module = "papertape.engine")]
pub struct PyMarket {
    /// The market itself.
    pub inner: SimulatedMarket,
}

#[pymethods]
impl PyMarket {
    #[new]
    fn new(seed: u64, instruments: Vec<Vec<u8>>, start_ns: i64) -> PyResult<Self> {
        let instruments = instruments_from(&instruments)?;
        let inner = SimulatedMarket::new(seed, instruments, start_ns);
        Ok(Self {
            inner: inner.map_err(PyValueError::new_err)?,
        })
    }

    /// The instruments, in the order in which they act.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.inner.symbols().map(str::to_owned).collect()
    }

    /// When the next instrument acts (ns).
    #[getter]
    fn next_due_ns(&self) -> i64 {
        self.inner.next_due_ns()
    }

    /// Go on at `now_ns`, earlier or later than the market stood, with prices as they are.
    fn go_on_at(&mut self, now_ns: i64) {
        self.inner.go_on_at(now_ns);
    }

    /// Say which symbols are closed; all others are open. Closed bots take everything back with
    /// the next `drive` and rest; prices go on. Not part of `state`: say it again after a start.
    ///
    /// Raises `ValueError` for a symbol that is not in this market.
    fn set_closed(&mut self, symbols: Vec<String>) -> PyResult<()> {
        let closed = self.inner.set_closed(&symbols);
        closed.map_err(PyValueError::new_err)
    }

    /// What must outlive a restart: prices, volatilities, moods; no orders.
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.state())
    }

    /// The market of a state; with `instruments`, those that are listed now.
    ///
    /// Raises `ValueError` for a state that cannot be read.
    #[staticmethod]
    #[pyo3(signature = (data, instruments = None))]
    fn restore(data: &[u8], instruments: Option<Vec<Vec<u8>>>) -> PyResult<Self> {
        let inner = match instruments {
            None => SimulatedMarket::restore(data),
            Some(listings) => SimulatedMarket::restore_with(data, instruments_from(&listings)?),
        };
        Ok(Self {
            inner: inner.map_err(PyValueError::new_err)?,
        })
    }

    /// One-minute bars (time_ns, open, high, low, close, volume) that end at the minute of
    /// `start_ns` and exactly at the start price of `instrument`.
    #[staticmethod]
    #[pyo3(name = "history")]
    fn past(
        py: Python<'_>,
        seed: u64,
        instrument: &[u8],
        start_ns: i64,
        minutes: usize,
    ) -> PyResult<Vec<BarTuple>> {
        if minutes > HISTORY_MINUTES_MAX {
            let why = format!("at most {HISTORY_MINUTES_MAX} minutes of history, not {minutes}");
            return Err(PyValueError::new_err(why));
        }
        let instrument = Instrument::from_json(instrument).map_err(PyValueError::new_err)?;
        Ok(py.detach(|| history(seed, &instrument, start_ns, minutes)))
    }
}

fn instruments_from(listings: &[Vec<u8>]) -> PyResult<Vec<Instrument>> {
    let instruments = listings.iter().map(|json| Instrument::from_json(json));
    instruments
        .collect::<Result<_, _>>()
        .map_err(PyValueError::new_err)
}
