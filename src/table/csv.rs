//! A table as a CSV file: RFC 4180, in UTF-8 with a byte order mark, without which Excel would garble letters such as
//! ü.

use std::borrow::Cow;

use super::text::text;
use crate::columns::{Cell, Layout, Segment};

/// Returns the content of the file.
#[must_use]
pub fn file(layout: &Layout) -> Vec<u8> {
    let mut out = "\u{feff}".to_owned();
    record(
        &mut out,
        layout.fields.iter().map(|(name, _)| Cow::Borrowed(&**name)),
    );
    for segment in layout.segments() {
        for row in segment.from..segment.to {
            record(&mut out, texts(segment, row));
        }
    }
    out.into_bytes()
}

/// Returns the text of each cell in each row.
pub fn rows(layout: &Layout) -> impl Iterator<Item = Vec<String>> + '_ {
    let rows = layout
        .segments()
        .flat_map(|segment| (segment.from..segment.to).map(move |row| (segment, row)));
    rows.map(|(segment, row)| texts(segment, row).map(Cow::into_owned).collect())
}

fn texts(segment: Segment<'_>, row: usize) -> impl Iterator<Item = Cow<'_, str>> {
    let cells = segment.columns.iter();
    cells.map(move |column| text(column.as_ref().map_or(Cell::Null, |column| column.cell(row))))
}

fn record<'f>(out: &mut String, fields: impl Iterator<Item = Cow<'f, str>>) {
    for (at, field) in fields.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let is_padded = field.trim().len() < field.len();
        if is_padded || field.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&field);
        }
    }
    out.push_str("\r\n");
}
