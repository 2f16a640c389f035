//! Replaces the values of a column by others, such as ids by names. The strings of a column with few distinct strings
//! are replaced once each.

use std::borrow::Cow;

use super::column::{Cell, Column, Data, nothing, printed_date, quoted, zeros};
use super::kind::Kinds;
use super::texts::Texts;

/// A value that replaces another one.
#[derive(Debug, Clone)]
pub enum Image<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Days since 1970.
    Date(i32),
    Text(Cow<'v, str>),
    List(Vec<Cow<'v, str>>),
    /// Any other value, as JSON.
    Json(String),
}

impl Column {
    /// Returns the kinds of values in this column.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Returns a column with the image of each value. Returns `None` if a value has no image. Nulls stay nulls.
    pub fn mapped<'c>(&'c self, mut image: impl FnMut(Cell<'c>) -> Option<Image<'c>>) -> Option<Self> {
        let mut mapped = Self::new(self.name.clone(), self.rows);
        mapped.is_time = false;
        let texts = match &self.data {
            Data::Text(texts) => texts.distinct_values().map(|count| (texts, count)),
            _ => None,
        };
        let Some((texts, count)) = texts else {
            for row in 0..self.rows {
                match self.cell(row) {
                    Cell::Null => mapped.push_null(),
                    cell => mapped.push_image(&image(cell)?),
                }
            }
            return Some(mapped);
        };
        let images = (0..count).map(|code| image(Cell::Text(texts.value(code))));
        let images: Vec<Image<'_>> = images.collect::<Option<_>>()?;
        let strings: Option<Vec<&str>> = images.iter().map(Image::text).collect();
        if let Some(strings) = strings {
            mapped.data = Data::Text(texts.recoded(strings.into_iter()));
            mapped.valid.clone_from(&self.valid);
            mapped.kinds = self.kinds;
            mapped.rows = self.rows;
            return Some(mapped);
        }
        for row in 0..self.rows {
            match self.code(row).and_then(|code| images.get(usize::from(code))) {
                Some(image) => mapped.push_image(image),
                None => mapped.push_null(),
            }
        }
        Some(mapped)
    }

    fn push_image(&mut self, image: &Image<'_>) {
        match image {
            Image::Null => self.push_null(),
            Image::Bool(flag) => self.push_bool(*flag),
            Image::Int(number) => self.push_int(*number),
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

impl Image<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
