//! Reads the cells of any array.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use crate::input::cell::{Cell, date_of_day};
use crate::input::source::{Column, Sink};

/// Pushes one cell of an array.
#[inline]
pub(super) fn push(array: &ArrayRef, row: usize, column: Column, sink: &mut dyn Sink) {
    match decoded(array, row) {
        Decoded::Cell(cell) => sink.cell(column, &cell),
        owned => sink.cell(column, &owned.cell()),
    }
}

/// A cell, or a value that a cell can borrow from.
enum Decoded<'a> {
    Cell(Cell<'a>),
    Digits(String),
    Other(String),
    List(Vec<Decoded<'a>>),
    Map(Vec<(&'a str, Decoded<'a>)>),
}

impl Decoded<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Cell(cell) => cell.clone(),
            Self::Digits(digits) => Cell::Digits(digits),
            Self::Other(kind) => Cell::Other(kind),
            Self::List(items) => Cell::List(items.iter().map(Decoded::cell).collect()),
            Self::Map(entries) => Cell::Map(
                entries
                    .iter()
                    .map(|(name, value)| (*name, value.cell()))
                    .collect(),
            ),
        }
    }
}

/// Reads one cell of an array. The casts cannot panic, since each one matches the data type of the array.
fn decoded(array: &ArrayRef, row: usize) -> Decoded<'_> {
    if array.is_null(row) {
        return Decoded::Cell(Cell::Null);
    }
    Decoded::Cell(match array.data_type() {
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
                Err(_) => return Decoded::Digits(number.to_string()),
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
                other => Decoded::Other(format!("Arrow dictionary with keys of type {other}")),
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
            return Decoded::Map(
                entries
                    .map(|(field, column)| (field.name().as_str(), decoded(column, row)))
                    .collect(),
            );
        }
        other => return Decoded::Other(format!("Arrow {other}")),
    })
}

fn single(number: f32) -> Cell<'static> {
    if number.is_nan() {
        Cell::Null
    } else {
        Cell::Float32(number)
    }
}

fn digits<T: DecimalType>(array: &ArrayRef, row: usize) -> Decoded<'_> {
    Decoded::Digits(array.as_primitive::<T>().value_as_string(row))
}

fn entry<K: ArrowDictionaryKeyType>(array: &ArrayRef, row: usize) -> Decoded<'_> {
    let dictionary = array.as_dictionary::<K>();
    let entry = dictionary.keys().value(row).as_usize();
    if entry < dictionary.values().len() {
        decoded(dictionary.values(), entry)
    } else {
        Decoded::Other("Arrow dictionary with a key that is out of range".to_owned())
    }
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef, row: usize) -> Decoded<'_> {
    let lists = array.as_list::<O>();
    let offsets = lists.value_offsets();
    // There is one more offset than rows.
    items(
        lists.values(),
        offsets[row].as_usize()..offsets[row + 1].as_usize(),
    )
}

fn items(values: &ArrayRef, rows: Range<usize>) -> Decoded<'_> {
    Decoded::List(rows.map(|row| decoded(values, row)).collect())
}

fn date(day: i64) -> Decoded<'static> {
    match date_of_day(day) {
        Some(date) => Decoded::Cell(Cell::Date(date)),
        None => Decoded::Other("date beyond the year 9999".to_owned()),
    }
}

/// Returns the wall-clock time, in the array's time zone if it has one.
fn moment<'a>(array: &'a ArrayRef, row: usize, unit: TimeUnit, zone: Option<&str>) -> Decoded<'a> {
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
    let beyond = || Decoded::Other("timestamp beyond the year 9999".to_owned());
    let Some(zone) = zone else {
        // A timestamp would end hours before the last day, so that it exists in every time zone.
        let moment = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(since);
        return moment.map_or_else(|_| beyond(), |moment| Decoded::Cell(Cell::DateTime(moment)));
    };
    let Ok(moment) = Timestamp::from_duration(since) else {
        return beyond();
    };
    match DateTimeParser::new().parse_time_zone(zone) {
        Ok(zone) => Decoded::Cell(Cell::Zoned(zone.to_datetime(moment), zone.to_offset(moment))),
        Err(error) => Decoded::Other(format!("timestamp in an unknown time zone ({error})")),
    }
}
