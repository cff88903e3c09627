//! The Python module `papertape.engine._engine`: converts and batches; holds no rules.
//!
//! `world.rs` is the door; `batch.rs` turns what comes out into tuples; `house.rs` lets the bots of
//! `papertape-agents` act in a world; `backtest.rs` is the same engine on columns.

mod backtest;
mod batch;
mod bench;
mod columns;
mod direct;
mod errors;
mod house;
mod market;
mod measure;
mod targets;
mod world;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The compiled engine.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<world::PyWorld>()?;
    module.add_class::<batch::PyOutcome>()?;
    module.add_class::<batch::PyRows>()?;
    module.add_class::<market::PyMarket>()?;
    module.add_class::<backtest::Backtest>()?;
    module.add("BACKTEST_REASONS", PyTuple::new(py, columns::reasons())?)?;
    module.add("EnginePanic", py.get_type::<errors::EnginePanic>())?;
    module.add("TapeError", py.get_type::<errors::TapeError>())?;
    module.add_function(wrap_pyfunction!(bench::bench_book, module)?)?;
    module.add_function(wrap_pyfunction!(bench::bench_world, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_latency, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_evolve, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_churn, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_resting, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_holders, module)?)?;
    module.add_function(wrap_pyfunction!(measure::bench_feed, module)?)?;
    module.add_class::<direct::DirectWorld>()?;
    module.add_class::<direct::EngineEvent>()?;
    Ok(())
}
