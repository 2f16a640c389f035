//! Reads rows from Arrow record batches. Strings are borrowed, not copied.

mod chunks;
mod decode;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType};

use super::names::duplicate;
use super::source::{Column, Label, More, Sink, Source, SourceError};
use decode::push;

pub use chunks::Chunks;

/// Reads record batches one by one and keeps only the current batch.
pub struct Batches {
    reader: Box<dyn RecordBatchReader + Send>,
    names: Vec<String>,
    columns: Vec<Column>,
    current: Option<RecordBatch>,
    next: usize,
    rows: Option<usize>,
}

impl Batches {
    /// Creates a source that reads these batches. `rows` is the number of rows, if known.
    ///
    /// # Errors
    /// If two columns have the same name.
    pub fn new(reader: Box<dyn RecordBatchReader + Send>, rows: Option<usize>) -> Result<Self, SourceError> {
        let names: Vec<String> = reader
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        if let Some(name) = duplicate(&names) {
            return Err(SourceError::new(format!(
                "duplicate column name `{name}`: rename or drop one of them"
            )));
        }
        Ok(Self {
            reader,
            names,
            columns: Vec::new(),
            current: None,
            next: 0,
            rows,
        })
    }
}

impl Source for Batches {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        if self.columns.is_empty() {
            self.columns = self.names.iter().map(|name| sink.column(name)).collect();
        }
        loop {
            let batch = match self.current.take() {
                Some(batch) => batch,
                None => match next(self.reader.as_mut()) {
                    None => return Ok(More::End),
                    Some(batch) => {
                        self.next = 0;
                        batch?
                    }
                },
            };
            while self.next < batch.num_rows() {
                let row = self.next;
                self.next += 1;
                if sink.begin(Label::Number) {
                    for (column, array) in self.columns.iter().zip(batch.columns()) {
                        push(array, row, *column, sink);
                    }
                    sink.end();
                }
                if sink.full() {
                    self.current = Some(batch);
                    return Ok(More::Rows);
                }
            }
        }
    }

    fn rows(&self) -> Option<usize> {
        self.rows
    }
}

/// Reads the next batch of a C stream and validates it.
pub fn next<R>(reader: &mut R) -> Option<Result<RecordBatch, SourceError>>
where
    R: Iterator<Item = Result<RecordBatch, ArrowError>> + ?Sized,
{
    // The Arrow library panics on some nested arrays, such as a slice of a struct in a struct of nulls. After a panic,
    // the reader is not used again.
    let Ok(batch) = catch_unwind(AssertUnwindSafe(|| reader.next())) else {
        return Some(Err(SourceError::new(
            "the Arrow library cannot read a nested column of this stream: use flat columns, or dicts"
                .to_owned(),
        )));
    };
    Some(match batch? {
        Err(error) => Err(SourceError::new(format!("the Arrow stream failed: {error}"))),
        Ok(batch) => match batch.columns().iter().try_for_each(sound) {
            Err(error) => Err(SourceError::new(format!("the Arrow data is damaged: {error}"))),
            Ok(()) => Ok(batch),
        },
    })
}

/// Validates the parts of an array that will be read: the library does not check for invalid Unicode or offsets beyond
/// the data.
fn sound(array: &ArrayRef) -> Result<(), ArrowError> {
    match array.data_type() {
        // Keys of nulls may be out of range, so each key is checked when it is read.
        DataType::Dictionary(..) => return sound(array.as_any_dictionary().values()),
        DataType::Struct(_) => return array.as_struct().columns().iter().try_for_each(sound),
        DataType::List(_) => sound(array.as_list::<i32>().values())?,
        DataType::LargeList(_) => sound(array.as_list::<i64>().values())?,
        DataType::FixedSizeList(..) => sound(array.as_fixed_size_list().values())?,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {}
        _ => return Ok(()),
    }
    array.to_data().validate_data()
}
