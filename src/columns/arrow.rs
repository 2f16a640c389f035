//! Converts tables to Arrow record batches of a few megabytes each.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    ListArray, RecordBatch, RecordBatchOptions, RecordBatchReader, StringArray, StringViewArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::Value;

use super::column::{Cell, Column, Data};
use super::kind::{Kinds, Type};
use super::table::{Layout, Segment};
use super::time;

/// Pages are combined into one batch until their rows have this many bytes of JSON.
const BATCH_BYTES: usize = 16 << 20;

/// The Arrow layout of a string column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Texts {
    #[default]
    Utf8,
    LargeUtf8,
    Utf8View,
    /// 32-bit codes, with each distinct string stored once per batch.
    Dictionary,
}

impl Texts {
    /// Returns the layout for an Arrow type, or `None` if it is not a string type.
    #[must_use]
    pub fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 => Some(Self::Utf8),
            DataType::LargeUtf8 => Some(Self::LargeUtf8),
            DataType::Utf8View => Some(Self::Utf8View),
            DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
                Some(Self::Dictionary)
            }
            _ => None,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Utf8 => DataType::Utf8,
            Self::LargeUtf8 => DataType::LargeUtf8,
            Self::Utf8View => DataType::Utf8View,
            Self::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        }
    }
}

/// An iterator over the record batches of a table.
pub struct Batches {
    layout: Arc<Layout>,
    schema: SchemaRef,
    texts: Vec<Texts>,
    next: usize,
    /// Whether the single batch of an empty table has not been returned yet.
    empty: bool,
}

impl Batches {
    /// Creates the batches of a table. `asked` returns the requested layout of a string column.
    #[must_use]
    pub fn new(layout: Arc<Layout>, asked: impl Fn(&str) -> Option<Texts>) -> Self {
        let texts: Vec<Texts> = layout
            .fields
            .iter()
            .map(|(name, _)| asked(name).unwrap_or_default())
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

fn data_type(kind: Type, texts: Texts) -> DataType {
    match kind {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Type::Date => DataType::Date32,
        Type::Text => texts.data_type(),
        Type::List if texts == Texts::Utf8View => DataType::new_list(DataType::Utf8View, true),
        Type::List => DataType::new_list(DataType::Utf8, true),
    }
}

/// One column across consecutive pages.
pub struct Parts<'t> {
    parts: Vec<(Option<&'t Column>, usize, usize)>,
    rows: usize,
}

impl<'t> Parts<'t> {
    /// Selects the column at index `at` of the layout from these segments, which have `rows` rows in total.
    #[must_use]
    pub fn new(segments: &[Segment<'t>], at: usize, rows: usize) -> Self {
        let parts = segments.iter().map(|segment| {
            let column = segment.columns.get(at).and_then(Option::as_deref);
            (column, segment.from, segment.to)
        });
        Self {
            parts: parts.collect(),
            rows,
        }
    }

    /// Returns whether no page has a value in this column.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let mut columns = self.parts.iter().filter_map(|(column, ..)| *column);
        columns.all(|column| column.kinds == Kinds::NONE)
    }

    fn array(&self, kind: Type, texts: Texts) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls();
        Ok(match kind {
            Type::Bool => Arc::new(BooleanArray::new(self.flags().finish(), nulls)),
            Type::Int => Arc::new(Int64Array::try_new(self.ints().into(), nulls)?),
            Type::Float => Arc::new(Float64Array::try_new(self.floats().into(), nulls)?),
            Type::Time => {
                let times = TimestampMillisecondArray::try_new(self.times().into(), nulls)?;
                Arc::new(times.with_timezone("UTC"))
            }
            Type::Date => Arc::new(Date32Array::try_new(self.dates().into(), nulls)?),
            Type::Text => {
                let strings = self.strings(nulls)?;
                match texts {
                    Texts::Utf8 => Arc::new(strings),
                    Texts::LargeUtf8 => Arc::new(strings.iter().collect::<LargeStringArray>()),
                    Texts::Utf8View => Arc::new(StringViewArray::from(&strings)),
                    Texts::Dictionary => Arc::new(strings.iter().collect::<DictionaryArray<Int32Type>>()),
                }
            }
            Type::List => Arc::new(self.lists(nulls, texts)?),
        })
    }

    /// Returns which rows have no value, or `None` if every row has a value.
    #[must_use]
    pub fn nulls(&self) -> Option<NullBuffer> {
        let mut nulls = NullBufferBuilder::new(self.rows);
        for (column, from, to) in &self.parts {
            let (filled, valid) = column.map_or((0, None), Column::validity);
            let filled = filled.clamp(*from, *to);
            match valid {
                None => nulls.append_n_non_nulls(filled - from),
                Some(valid) => part(valid, *from, *to)
                    .iter()
                    .for_each(|valid| nulls.append(*valid)),
            }
            nulls.append_n_nulls(to - filled);
        }
        nulls.finish().filter(|nulls| nulls.null_count() > 0)
    }

    /// Returns the cells, one by one.
    fn cells(&self) -> impl Iterator<Item = Cell<'t>> {
        let parts = self.parts.iter();
        parts.flat_map(|(column, from, to)| {
            (*from..*to).map(|row| column.map_or(Cell::Null, |column| column.cell(row)))
        })
    }

    /// Returns one byte per row. A byte of 1 means `true`.
    #[must_use]
    pub fn bools(&self) -> Vec<u8> {
        let flags = self.cells().map(|cell| match cell {
            Cell::Bool(flag) => flag,
            Cell::Json(token) => token == "true",
            _ => false,
        });
        flags.map(u8::from).collect()
    }

    fn flags(&self) -> BooleanBufferBuilder {
        let mut flags = BooleanBufferBuilder::new(self.rows);
        self.bools().iter().for_each(|flag| flags.append(*flag == 1));
        flags
    }

    /// Returns one number per row. For rows without a value, the number is meaningless.
    fn numbers<T: Copy + Default>(
        &self,
        whole: impl Fn(&Data) -> Option<&[T]>,
        of: impl Fn(Cell<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut numbers = Vec::with_capacity(self.rows);
        for (column, from, to) in &self.parts {
            let end = numbers.len() + to - from;
            if let Some(column) = column {
                match whole(&column.data) {
                    Some(data) => numbers.extend_from_slice(part(data, *from, *to)),
                    None => numbers.extend((*from..*to).map(|row| of(column.cell(row)).unwrap_or_default())),
                }
            }
            numbers.resize(end, T::default());
        }
        numbers
    }

    /// Returns one integer per row.
    #[must_use]
    pub fn ints(&self) -> Vec<i64> {
        self.numbers(
            |data| match data {
                Data::Int(numbers) => Some(numbers),
                _ => None,
            },
            |cell| match cell {
                Cell::Json(token) => token.parse().ok(),
                _ => None,
            },
        )
    }

    /// Returns one float per row.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // JSON readers convert integers among floats in the same way.
    pub fn floats(&self) -> Vec<f64> {
        self.numbers(
            |data| match data {
                Data::Float(numbers) => Some(numbers),
                _ => None,
            },
            |cell| match cell {
                Cell::Int(number) => Some(number as f64),
                Cell::Json(token) => token.parse().ok(),
                _ => None,
            },
        )
    }

    /// Returns one timestamp per row, in milliseconds since 1970.
    #[must_use]
    pub fn times(&self) -> Vec<i64> {
        self.numbers(
            |data| match data {
                Data::Time(times) => Some(times),
                _ => None,
            },
            |cell| match cell {
                Cell::Text(text) => time::any(text),
                Cell::Json(_) => time::any(cell.to_value().as_str()?),
                _ => None,
            },
        )
    }

    /// Returns one date per row, in days since 1970.
    #[must_use]
    pub fn dates(&self) -> Vec<i32> {
        self.numbers(
            |data| match data {
                Data::Date(days) => Some(days),
                _ => None,
            },
            |_| None,
        )
    }

    fn strings(&self, nulls: Option<NullBuffer>) -> Result<StringArray, ArrowError> {
        let mut strings = Strings::new(self.rows);
        for (column, from, to) in &self.parts {
            let Some(column) = column else {
                strings.none(to - from)?;
                continue;
            };
            let Data::Text(texts) = &column.data else {
                for row in *from..*to {
                    strings.push(&text(column.cell(row)))?;
                }
                continue;
            };
            let filled = texts.len().clamp(*from, *to);
            match (texts.run(*from, filled), texts.codes()) {
                (Some((text, start, ends)), _) => strings.extend(text, start, ends)?,
                (None, Some(codes)) => {
                    for code in part(codes, *from, *to) {
                        strings.push(texts.value(usize::from(*code)))?;
                    }
                }
                (None, None) => {}
            }
            strings.none(to - filled)?;
        }
        StringArray::try_new(strings.offsets(), Buffer::from_vec(strings.text), nulls)
    }

    fn lists(&self, nulls: Option<NullBuffer>, texts: Texts) -> Result<ListArray, ArrowError> {
        let mut items = Strings::new(self.rows);
        let mut ends = Vec::with_capacity(self.rows + 1);
        ends.push(0);
        for cell in self.cells() {
            match cell {
                Cell::List(list) => list.iter().try_for_each(|item| items.push(item))?,
                Cell::Json(_) => {
                    for item in cell.to_value().as_array().into_iter().flatten() {
                        items.push(item.as_str().unwrap_or_default())?;
                    }
                }
                _ => {}
            }
            ends.push(i32::try_from(items.ends.len() - 1).map_err(|_| too_large())?);
        }
        let items = StringArray::try_new(items.offsets(), Buffer::from_vec(items.text), None)?;
        let items: ArrayRef = match texts {
            Texts::Utf8View => Arc::new(StringViewArray::from(&items)),
            _ => Arc::new(items),
        };
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        ListArray::try_new(field, OffsetBuffer::new(ends.into()), items, nulls)
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
        let mut column = Column::new(name.as_str().into(), values.len());
        for value in values {
            column.push_value(value);
        }
        let kind = Type::of(name, column.kinds);
        let parts = vec![(Some(&column), 0, values.len())];
        arrays.push(
            Parts {
                parts,
                rows: values.len(),
            }
            .array(kind, Texts::Utf8)?,
        );
        fields.push(Field::new(name, data_type(kind, Texts::Utf8), true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

/// Converts a cell to a string. Null becomes an empty string, and other values that are not strings become
/// JSON.
#[must_use]
pub fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(match other.to_value() {
            Value::String(text) => text,
            other => other.to_string(),
        }),
    }
}

/// Concatenated strings.
struct Strings {
    text: Vec<u8>,
    ends: Vec<i32>,
}

impl Strings {
    fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self {
            text: Vec::new(),
            ends,
        }
    }

    fn push(&mut self, text: &str) -> Result<(), ArrowError> {
        self.text.extend_from_slice(text.as_bytes());
        self.ends
            .push(i32::try_from(self.text.len()).map_err(|_| too_large())?);
        Ok(())
    }

    /// Adds consecutive strings. `start` and `ends` are offsets in the text from which the strings come.
    fn extend(&mut self, text: &str, start: u32, ends: &[u32]) -> Result<(), ArrowError> {
        let shift = i32::try_from(self.text.len()).map_err(|_| too_large())?;
        self.text.extend_from_slice(text.as_bytes());
        i32::try_from(self.text.len()).map_err(|_| too_large())?;
        // All of these offsets are between the two lengths above.
        self.ends
            .extend(ends.iter().map(|end| shift + (end - start).cast_signed()));
        Ok(())
    }

    /// Adds rows without a value.
    fn none(&mut self, rows: usize) -> Result<(), ArrowError> {
        let end = i32::try_from(self.text.len()).map_err(|_| too_large())?;
        self.ends.resize(self.ends.len() + rows, end);
        Ok(())
    }

    fn offsets(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(std::mem::take(&mut self.ends)))
    }
}

fn too_large() -> ArrowError {
    ArrowError::OffsetOverflowError(i32::MAX as usize)
}

/// Returns the values of these rows, up to the last value in the column.
fn part<T>(values: &[T], from: usize, to: usize) -> &[T] {
    values.get(from..to.min(values.len())).unwrap_or_default()
}
