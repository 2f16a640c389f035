//! Reads rows from Arrow record batches and arrays. Strings are borrowed, not copied.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericStringArray, LargeStringArray, OffsetSizeTrait, PrimitiveArray,
    RecordBatch, RecordBatchReader, StringArray,
};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use super::{Cell, Column, Label, More, Sink, Source, SourceError, date_of_day, duplicate};

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

fn push(array: &ArrayRef, row: usize, column: Column, sink: &mut dyn Sink) {
    match value(array, row) {
        Value::Cell(cell) => sink.cell(column, &cell),
        owned => sink.cell(column, &owned.cell()),
    }
}

/// A cell, or a value that a cell can borrow from.
enum Value<'a> {
    Cell(Cell<'a>),
    Digits(String),
    Other(String),
    List(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
}

impl Value<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Cell(cell) => cell.clone(),
            Self::Digits(digits) => Cell::Digits(digits),
            Self::Other(kind) => Cell::Other(kind),
            Self::List(items) => Cell::List(items.iter().map(Value::cell).collect()),
            Self::Map(entries) => Cell::Map(
                entries
                    .iter()
                    .map(|(name, value)| (*name, value.cell()))
                    .collect(),
            ),
        }
    }
}

/// Reads a value. The casts cannot panic, since each one matches the data type of the array.
fn value(array: &ArrayRef, row: usize) -> Value<'_> {
    if array.is_null(row) {
        return Value::Cell(Cell::Null);
    }
    Value::Cell(match array.data_type() {
        DataType::Null => Cell::Null,
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Cell::Int(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Cell::Int(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Cell::Int(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => {
            let number = array.as_primitive::<UInt64Type>().value(row);
            match i64::try_from(number) {
                Ok(number) => Cell::Int(number),
                Err(_) => return Value::Digits(number.to_string()),
            }
        }
        DataType::Float16 => single(array.as_primitive::<Float16Type>().value(row).to_f32()),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            if number.is_nan() {
                Cell::Null
            } else {
                Cell::Float(number)
            }
        }
        DataType::Decimal32(..) => return digits::<Decimal32Type>(array, row),
        DataType::Decimal64(..) => return digits::<Decimal64Type>(array, row),
        DataType::Decimal128(..) => return digits::<Decimal128Type>(array, row),
        DataType::Decimal256(..) => return digits::<Decimal256Type>(array, row),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            return date(i64::from(days));
        }
        DataType::Date64 => {
            let milliseconds = array.as_primitive::<Date64Type>().value(row);
            return date(milliseconds.div_euclid(86_400_000));
        }
        DataType::Timestamp(unit, zone) => return moment(array, row, *unit, zone.as_deref()),
        DataType::Dictionary(keys, _) => {
            return match keys.as_ref() {
                DataType::Int8 => entry::<Int8Type>(array, row),
                DataType::Int16 => entry::<Int16Type>(array, row),
                DataType::Int32 => entry::<Int32Type>(array, row),
                DataType::Int64 => entry::<Int64Type>(array, row),
                DataType::UInt8 => entry::<UInt8Type>(array, row),
                DataType::UInt16 => entry::<UInt16Type>(array, row),
                DataType::UInt32 => entry::<UInt32Type>(array, row),
                DataType::UInt64 => entry::<UInt64Type>(array, row),
                other => Value::Other(format!("Arrow dictionary with keys of type {other}")),
            };
        }
        DataType::List(_) => return list::<i32>(array, row),
        DataType::LargeList(_) => return list::<i64>(array, row),
        DataType::FixedSizeList(..) => {
            let lists = array.as_fixed_size_list();
            return items(
                lists.values(),
                lists.value_offset(row).as_usize()..lists.value_offset(row + 1).as_usize(),
            );
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            // A struct has every field in every row, so null means "absent".
            let entries = fields
                .iter()
                .zip(columns)
                .filter(|(_, column)| column.is_valid(row));
            return Value::Map(
                entries
                    .map(|(field, column)| (field.name().as_str(), value(column, row)))
                    .collect(),
            );
        }
        other => return Value::Other(format!("Arrow {other}")),
    })
}

fn single(number: f32) -> Cell<'static> {
    if number.is_nan() {
        Cell::Null
    } else {
        Cell::Float32(number)
    }
}

fn digits<T: DecimalType>(array: &ArrayRef, row: usize) -> Value<'_> {
    Value::Digits(array.as_primitive::<T>().value_as_string(row))
}

fn entry<K: ArrowDictionaryKeyType>(array: &ArrayRef, row: usize) -> Value<'_> {
    let dictionary = array.as_dictionary::<K>();
    let entry = dictionary.keys().value(row).as_usize();
    if entry < dictionary.values().len() {
        value(dictionary.values(), entry)
    } else {
        Value::Other("Arrow dictionary with a key that is out of range".to_owned())
    }
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef, row: usize) -> Value<'_> {
    let lists = array.as_list::<O>();
    let offsets = lists.value_offsets();
    // There is one more offset than rows.
    items(
        lists.values(),
        offsets[row].as_usize()..offsets[row + 1].as_usize(),
    )
}

fn items(values: &ArrayRef, rows: Range<usize>) -> Value<'_> {
    Value::List(rows.map(|row| value(values, row)).collect())
}

fn date(day: i64) -> Value<'static> {
    match date_of_day(day) {
        Some(date) => Value::Cell(Cell::Date(date)),
        None => Value::Other("date beyond the year 9999".to_owned()),
    }
}

/// Returns the wall-clock time, in the array's time zone if it has one.
fn moment<'a>(array: &'a ArrayRef, row: usize, unit: TimeUnit, zone: Option<&str>) -> Value<'a> {
    let since = match unit {
        TimeUnit::Second => SignedDuration::from_secs(array.as_primitive::<TimestampSecondType>().value(row)),
        TimeUnit::Millisecond => {
            SignedDuration::from_millis(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            SignedDuration::from_micros(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            SignedDuration::from_nanos(array.as_primitive::<TimestampNanosecondType>().value(row))
        }
    };
    let beyond = || Value::Other("timestamp beyond the year 9999".to_owned());
    let Some(zone) = zone else {
        // A timestamp would end hours before the last day, so that it exists in every time zone.
        let moment = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(since);
        return moment.map_or_else(|_| beyond(), |moment| Value::Cell(Cell::DateTime(moment)));
    };
    let Ok(moment) = Timestamp::from_duration(since) else {
        return beyond();
    };
    match DateTimeParser::new().parse_time_zone(zone) {
        Ok(zone) => Value::Cell(Cell::Zoned(zone.to_datetime(moment), zone.to_offset(moment))),
        Err(error) => Value::Other(format!("timestamp in an unknown time zone ({error})")),
    }
}
