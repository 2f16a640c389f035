//! Replaces the values of a column by others, such as ids by names. The strings of a column with few distinct strings
//! are replaced once each.

use std::borrow::Cow;

use super::cell::{Cell, printed_date};
use super::column::{PageColumn, quoted};
use super::data::{Data, nothing, zeros};
use super::kind::Kinds;
use super::texts::Texts;

/// A value that replaces another one.
#[derive(Debug, Clone)]
pub enum Image<'v> {
    Null,
    Bool(bool),
    Float(f64),
    /// Days since 1970.
    Date(i32),
    Text(Cow<'v, str>),
    List(Vec<Cow<'v, str>>),
    /// Any other value, as JSON.
    Json(String),
}

/// A string is not a value of the right type, or would lose digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unparsed;

impl PageColumn {
    /// Returns the kinds of values in this column.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Returns a column with another string for each string, in lists too. Returns `None` if the column may have other
    /// values.
    pub fn renamed<'c>(&'c self, rename: impl FnMut(&'c str) -> &'c str) -> Option<Self> {
        let data = match &self.data {
            Data::Text(texts) => Data::Text(texts.renamed(rename)),
            Data::List(ends, items) => Data::List(ends.clone(), items.renamed(rename)),
            _ => return None,
        };
        Some(self.with(data, self.valid.clone(), self.kinds))
    }

    /// Returns a column with the number for each string. Returns `None` if the column has other values, or if a string
    /// has no number. A string whose number is `None` becomes null.
    pub fn floats<'c>(&'c self, parse: impl FnMut(&'c str) -> Result<Option<f64>, Unparsed>) -> Option<Self> {
        let (numbers, valid) = self.parsed(parse).ok()?;
        Some(self.with(Data::Float(numbers), valid, Kinds::FLOAT))
    }

    /// Returns a column with the date for each string, in days since 1970, like [`Self::floats`].
    pub fn dates<'c>(&'c self, parse: impl FnMut(&'c str) -> Result<Option<i32>, Unparsed>) -> Option<Self> {
        let (days, valid) = self.parsed(parse).ok()?;
        Some(self.with(Data::Date(days), valid, Kinds::DATE))
    }

    /// Parses the strings of the column, distinct ones once each. Returns one value per row, and which rows have one.
    fn parsed<'c, T: Copy + Default>(
        &'c self,
        mut parse: impl FnMut(&'c str) -> Result<Option<T>, Unparsed>,
    ) -> Result<(Vec<T>, Option<Vec<bool>>), Unparsed> {
        let Data::Text(texts) = &self.data else {
            return Err(Unparsed);
        };
        let mut values = Vec::with_capacity(self.rows);
        let mut valid: Option<Vec<bool>> = None;
        let mut push = |value: Option<T>| {
            match &mut valid {
                Some(valid) => valid.push(value.is_some()),
                None if value.is_none() => valid.insert(vec![true; values.len()]).push(false),
                None => {}
            }
            values.push(value.unwrap_or_default());
        };
        if let Some(codes) = texts.codes() {
            let of_code: Vec<Option<T>> = texts.values().map(parse).collect::<Result<_, _>>()?;
            for code in codes {
                // A row without a string has a code without a value.
                push(of_code.get(usize::from(*code)).copied().flatten());
            }
        } else {
            for (row, text) in texts.values().enumerate() {
                push(if self.is_valid(row) { parse(text)? } else { None });
            }
        }
        Ok((values, valid))
    }

    fn with(&self, data: Data, valid: Option<Vec<bool>>, kinds: Kinds) -> Self {
        let mut column = Self::new(self.name.clone(), 0);
        column.data = data;
        column.valid = valid;
        column.kinds = kinds;
        column.rows = self.rows;
        column.is_time = false;
        column
    }

    /// Returns a column with the image of each value. Returns `None` if a value has no image. Nulls stay nulls.
    pub fn mapped<'c>(&'c self, mut image: impl FnMut(Cell<'c>) -> Option<Image<'c>>) -> Option<Self> {
        let mut mapped = Self::new(self.name.clone(), self.rows);
        mapped.is_time = false;
        for row in 0..self.rows {
            match self.cell(row) {
                Cell::Null => mapped.push_null(),
                cell => mapped.push_image(&image(cell)?),
            }
        }
        Some(mapped)
    }

    fn push_image(&mut self, image: &Image<'_>) {
        match image {
            Image::Null => self.push_null(),
            Image::Bool(flag) => self.push_bool(*flag),
            Image::Float(number) => self.push_float(*number),
            Image::Date(day) => self.push_date(*day),
            Image::Text(text) => self.push_string(text),
            Image::List(items) => self.push_list(items),
            Image::Json(token) => self.push_json(token),
        }
    }

    /// Adds a string without a search for equal ones, which are stored once only if they have a code.
    fn push_string(&mut self, text: &str) {
        match self.start(|rows, most| Data::Text(nothing(Texts::distinct(most, 8 * most), rows))) {
            Data::Text(texts) => texts.push(text),
            _ => self.mixed().push(&quoted(text)),
        }
        self.pushed(Kinds::TEXT);
    }

    fn push_date(&mut self, day: i32) {
        match self.start(|rows, most| Data::Date(zeros(rows, most))) {
            Data::Date(days) => days.push(day),
            _ => self.mixed().push(&quoted(&printed_date(day))),
        }
        self.pushed(Kinds::DATE);
    }
}
