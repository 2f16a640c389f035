//! Arrow streams to and from Python, through the Arrow `PyCapsule` interface. The only module that may use `unsafe`.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::errors::input_error;

const NAME: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";

/// Takes the Arrow stream that an object exports through `__arrow_c_stream__`.
///
/// # Errors
/// The exception raised by `__arrow_c_stream__`, or `TypeError` or `InputError` if it does not return a stream of
/// tables.
pub fn reader(object: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    stream(&object.call_method0(intern!(object.py(), "__arrow_c_stream__"))?)
}

/// Takes the stream out of a capsule.
///
/// # Errors
/// `TypeError` or `InputError` if `capsule` is not a capsule with a stream of tables.
pub fn stream(capsule: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    let pointer = capsule.cast::<PyCapsule>()?.pointer_checked(Some(NAME))?;
    // SAFETY: by the Arrow PyCapsule interface, a capsule with this name points to an `ArrowArrayStream`, and
    // the name has been checked. The capsule is alive until the end of this function, and this thread is
    // attached to Python, so nothing else reads or frees the stream. `from_raw` moves the stream out and
    // leaves a released one behind, which the capsule's destructor does not release again.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr().cast()) };
    ArrowArrayStreamReader::try_new(stream).map_err(|error| {
        let message = format!("cannot read this Arrow stream as a table: {error}");
        input_error(capsule.py(), message)
    })
}

/// Takes the schema out of a capsule. Returns `None` if `capsule` is `None`, or if the schema is not a table
/// schema or is unknown to this version of Arrow.
///
/// # Errors
/// `TypeError` if `capsule` is not a capsule with a schema, or if the schema was already taken.
pub fn schema(capsule: &Bound<'_, PyAny>) -> PyResult<Option<Schema>> {
    if capsule.is_none() {
        return Ok(None);
    }
    let pointer = capsule.cast::<PyCapsule>()?.pointer_checked(Some(SCHEMA))?;
    // SAFETY: as in `stream`, for an `ArrowSchema` and its own name.
    let schema = unsafe { FFI_ArrowSchema::from_raw(pointer.as_ptr().cast()) };
    if schema.release.is_none() {
        return Err(PyTypeError::new_err(
            "this Arrow schema was already used: call __arrow_c_schema__() again",
        ));
    }
    Ok(Schema::try_from(&schema).ok())
}

/// Exports a stream through the Arrow `PyCapsule` interface.
///
/// # Errors
/// If Python is out of memory.
pub fn stream_capsule(
    py: Python<'_>,
    batches: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'_, PyCapsule>> {
    // The stream releases itself when the capsule drops it, unless a reader has taken it.
    let stream = FFI_ArrowArrayStream::new(Box::new(Guarded(batches)));
    PyCapsule::new_with_value(py, stream, NAME)
}

/// Batches for a reader written in C. A panic must not unwind into C, since that would abort the process.
struct Guarded(Box<dyn RecordBatchReader + Send>);

impl Iterator for Guarded {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The reader is not used again after a panic, because the error ends the stream.
        catch_unwind(AssertUnwindSafe(|| self.0.next())).unwrap_or_else(|_| {
            let message = "this is a bug in acc_assets; please report it".to_owned();
            Some(Err(ArrowError::ComputeError(message)))
        })
    }
}

impl RecordBatchReader for Guarded {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}
