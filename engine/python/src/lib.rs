//! The Python module `papertape.engine._engine`: converts and batches; holds no rules.
use pyo3::prelude::*;

/// The compiled engine.
#[pymodule]
fn _engine(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
