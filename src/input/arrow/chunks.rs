//! Reads the cells of one column of a frame.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericStringArray, LargeStringArray, OffsetSizeTrait, PrimitiveArray,
    StringArray,
};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::DataType;

use super::decode::push;
use crate::input::cell::Cell;
use crate::input::source::{Column, Sink};

/// One column of a frame, in one or more arrays.
pub struct Chunks {
    arrays: Vec<Cells>,
    /// The end row of each array, exclusive.
    ends: Vec<usize>,
}

impl Chunks {
    #[must_use]
    pub fn new(arrays: Vec<ArrayRef>) -> Self {
        let lengths = arrays.iter().map(Array::len);
        let ends = lengths
            .scan(0, |end, length| {
                *end += length;
                Some(*end)
            })
            .collect();
        let arrays = arrays.into_iter().map(Cells::new).collect();
        Self { arrays, ends }
    }

    /// Copies the memory of a numpy array. `kind` is the array's `dtype.str`. Returns `None` if there is no
    /// matching Arrow type.
    #[must_use]
    pub fn of_numpy(kind: &str, bytes: &[u8]) -> Option<Self> {
        let native = if cfg!(target_endian = "little") { '<' } else { '>' };
        Some(Self::new(vec![match kind.strip_prefix([native, '|'])? {
            "b1" => {
                let values = BooleanBuffer::collect_bool(bytes.len(), |row| bytes[row] != 0);
                Arc::new(BooleanArray::new(values, None))
            }
            "i1" => primitive::<Int8Type>(bytes),
            "i2" => primitive::<Int16Type>(bytes),
            "i4" => primitive::<Int32Type>(bytes),
            "i8" => primitive::<Int64Type>(bytes),
            "u1" => primitive::<UInt8Type>(bytes),
            "u2" => primitive::<UInt16Type>(bytes),
            "u4" => primitive::<UInt32Type>(bytes),
            "u8" => primitive::<UInt64Type>(bytes),
            "f2" => primitive::<Float16Type>(bytes),
            "f4" => primitive::<Float32Type>(bytes),
            "f8" => primitive::<Float64Type>(bytes),
            "M8[s]" => primitive::<TimestampSecondType>(bytes),
            "M8[ms]" => primitive::<TimestampMillisecondType>(bytes),
            "M8[us]" => primitive::<TimestampMicrosecondType>(bytes),
            "M8[ns]" => primitive::<TimestampNanosecondType>(bytes),
            _ => return None,
        }]))
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Pushes the cell at a row index. The row must exist.
    pub fn push(&self, row: usize, column: Column, sink: &mut dyn Sink) {
        let chunk = self.ends.partition_point(|end| *end <= row);
        let start = if chunk == 0 { 0 } else { self.ends[chunk - 1] };
        self.arrays[chunk].push(row - start, column, sink);
    }
}

/// An array, downcast once if it contains strings. Most cells of a frame are strings, so checking the type
/// per cell would be slow.
enum Cells {
    Texts(StringArray),
    LargeTexts(LargeStringArray),
    Any(ArrayRef),
}

impl Cells {
    fn new(array: ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Self::Texts(array.as_string().clone()),
            DataType::LargeUtf8 => Self::LargeTexts(array.as_string().clone()),
            _ => Self::Any(array),
        }
    }

    #[inline]
    fn push(&self, row: usize, column: Column, sink: &mut dyn Sink) {
        match self {
            Self::Texts(texts) => push_text(texts, row, column, sink),
            Self::LargeTexts(texts) => push_text(texts, row, column, sink),
            Self::Any(array) => push(array, row, column, sink),
        }
    }
}

#[inline]
fn push_text<O: OffsetSizeTrait>(
    texts: &GenericStringArray<O>,
    row: usize,
    column: Column,
    sink: &mut dyn Sink,
) {
    if texts.is_null(row) {
        sink.cell(column, &Cell::Null);
    } else {
        sink.cell(column, &Cell::Text(texts.value(row)));
    }
}

/// Copies the bytes to an aligned buffer.
fn primitive<T: ArrowPrimitiveType>(bytes: &[u8]) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(Buffer::from(bytes).into(), None))
}
