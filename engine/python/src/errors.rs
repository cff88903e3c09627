//! The exceptions of the module, and how a panic of the core becomes one.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

create_exception!(
    papertape.engine,
    EnginePanic,
    PyException,
    "The core panicked; the world is poisoned. `index`: place of the guilty input in its batch."
);
create_exception!(
    papertape.engine,
    TapeError,
    PyException,
    "A tape cannot be evolved. `seq`: the turn, `why`: a sentence."
);

/// An `EnginePanic` about the input at `index`.
pub fn engine_panic(py: Python<'_>, index: usize, why: &str) -> PyErr {
    let error = EnginePanic::new_err(format!("input {index} of the batch: {why}"));
    with_attribute(py, error, "index", index)
}

/// A `TapeError` about the turn `seq`.
pub fn tape_error(py: Python<'_>, seq: u64, why: &str) -> PyErr {
    let error = TapeError::new_err(format!("turn {seq}: {why}"));
    let error = with_attribute(py, error, "seq", seq);
    with_attribute(py, error, "why", why)
}

fn with_attribute<'py>(
    py: Python<'py>,
    error: PyErr,
    name: &str,
    value: impl IntoPyObject<'py>,
) -> PyErr {
    match error.value(py).setattr(name, value) {
        Ok(()) => error,
        Err(instead) => instead,
    }
}

/// Runs `work`; a panic in it becomes its message.
///
/// What `work` has touched may be half changed after a panic, so the caller poisons it.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message_of(payload.as_ref()))
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .map_or_else(|| "panic".to_owned(), Clone::clone)
}
