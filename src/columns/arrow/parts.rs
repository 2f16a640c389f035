//! The values of one column across pages, as arrays.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    ListArray, StringArray, StringViewArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, Field};
use serde_json::Value;

use super::layout::TextLayout;
use super::strings::{Strings, too_large};
use crate::columns::cell::Cell;
use crate::columns::column::PageColumn;
use crate::columns::data::Data;
use crate::columns::kind::{Kinds, Type};
use crate::columns::table::Segment;
use crate::columns::time;

/// One column across consecutive pages.
pub struct Parts<'t> {
    parts: Vec<(Option<&'t PageColumn>, usize, usize)>,
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

    /// Selects all rows of one column.
    pub(super) fn of_column(column: &'t PageColumn, rows: usize) -> Self {
        Self {
            parts: vec![(Some(column), 0, rows)],
            rows,
        }
    }

    /// Returns whether no page has a value in this column.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let mut columns = self.parts.iter().filter_map(|(column, ..)| *column);
        columns.all(|column| column.kinds == Kinds::NONE)
    }

    pub(super) fn array(&self, kind: Type, texts: TextLayout) -> Result<ArrayRef, ArrowError> {
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
                    TextLayout::Utf8 => Arc::new(strings),
                    TextLayout::LargeUtf8 => Arc::new(strings.iter().collect::<LargeStringArray>()),
                    TextLayout::Utf8View => Arc::new(StringViewArray::from(&strings)),
                    TextLayout::Dictionary => {
                        Arc::new(strings.iter().collect::<DictionaryArray<Int32Type>>())
                    }
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
            let (filled, valid) = column.map_or((0, None), PageColumn::validity);
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

    fn lists(&self, nulls: Option<NullBuffer>, texts: TextLayout) -> Result<ListArray, ArrowError> {
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
            TextLayout::Utf8View => Arc::new(StringViewArray::from(&items)),
            _ => Arc::new(items),
        };
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        ListArray::try_new(field, OffsetBuffer::new(ends.into()), items, nulls)
    }
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

/// Returns the values of these rows, up to the last value in the column.
fn part<T>(values: &[T], from: usize, to: usize) -> &[T] {
    values.get(from..to.min(values.len())).unwrap_or_default()
}
