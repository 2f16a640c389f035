//! Converts tables to Arrow record batches of a few megabytes each.

mod layout;
mod parts;
mod strings;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use serde_json::Value;

use super::column::PageColumn;
use super::kind::Type;
use super::table::{Layout, Segment};
use layout::data_type;

pub use layout::TextLayout;
pub use parts::{Parts, text};

/// Pages are combined into one batch until their rows have this many bytes of JSON.
const BATCH_BYTES: usize = 16 << 20;

/// An iterator over the record batches of a table.
pub struct Batches {
    layout: Arc<Layout>,
    schema: SchemaRef,
    texts: Vec<TextLayout>,
    next: usize,
    /// Whether the single batch of an empty table has not been returned yet.
    empty: bool,
}

impl Batches {
    /// Creates the batches of a table. `requested` returns the requested layout of a string column.
    #[must_use]
    pub fn new(layout: Arc<Layout>, requested: impl Fn(&str) -> Option<TextLayout>) -> Self {
        let texts: Vec<TextLayout> = layout
            .fields
            .iter()
            .map(|(name, _)| requested(name).unwrap_or_default())
            .collect();
        let fields: Vec<Field> = layout
            .fields
            .iter()
            .zip(&texts)
            .map(|((name, kind), texts)| Field::new(&**name, data_type(*kind, *texts), true))
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            empty: layout.is_empty(),
            layout,
            texts,
            next: 0,
        }
    }

    fn batch(&self, segments: &[Segment<'_>]) -> Result<RecordBatch, ArrowError> {
        let rows = segments.iter().map(|segment| segment.to - segment.from).sum();
        let columns = self.layout.fields.iter().zip(&self.texts).enumerate();
        // Columns without values share one array per type.
        let mut blank: Vec<ArrayRef> = Vec::new();
        let arrays = columns.map(|(at, ((_, kind), texts))| {
            let parts = Parts::new(segments, at, rows);
            if !parts.is_blank() {
                return parts.array(*kind, *texts);
            }
            let kind = data_type(*kind, *texts);
            let known = blank.iter().find(|array| *array.data_type() == kind).cloned();
            Ok(known.unwrap_or_else(|| {
                let array = new_null_array(&kind, rows);
                blank.push(array.clone());
                array
            }))
        });
        let arrays: Result<Vec<ArrayRef>, ArrowError> = arrays.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays?, &options)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.empty) {
            return Some(self.batch(&[]));
        }
        let mut segments = Vec::new();
        let mut bytes = 0;
        while self.next < self.layout.len() && bytes < BATCH_BYTES {
            let segment = self.layout.segment(self.next);
            bytes += segment.bytes();
            segments.push(segment);
            self.next += 1;
        }
        (!segments.is_empty()).then(|| self.batch(&segments))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Creates a record batch of these columns, in order.
///
/// # Errors
/// If the columns differ in length or are too long.
pub fn batch(columns: &[(String, Vec<Value>)], rows: usize) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (name, values) in columns {
        let mut column = PageColumn::new(name.as_str().into(), values.len());
        for value in values {
            column.push_value(value);
        }
        let kind = Type::of(name, column.kinds);
        arrays.push(Parts::of_column(&column, values.len()).array(kind, TextLayout::Utf8)?);
        fields.push(Field::new(name, data_type(kind, TextLayout::Utf8), true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}
