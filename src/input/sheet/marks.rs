//! The marks by which this package recognizes the files that it wrote.

use std::collections::{BTreeMap, HashMap};

use crate::input::padded::Padded;

/// The custom property of a workbook that contains the category of a template.
pub const CATEGORY_PROPERTY: &str = "acc-assets category";

/// The custom properties of a file of rows to fix start with this, followed by the name of a column that has texts with
/// leading zeros. The file does not contain these texts, but numbers in the column are still bad.
pub const PADDED_PROPERTY: &str = "acc-assets zeros: ";

/// The prefix of the custom properties that store how to read the texts of a file of rows to fix. The index of each
/// part follows, because a property has at most 255 characters.
pub const READING_PROPERTY: &str = "acc-assets reading: ";

/// The sheets in a template that contain the values of its drop-down lists. These sheets contain no rows to import.
pub const LISTS: [&str; 2] = ["Locations", "Choices"];

/// The mark that a template adds to the name of a required column. The mark is not part of the name.
pub const REQUIRED_MARK: &str = " *";

/// The hidden column added by `write_fixes`, which contains the run of each row and the row's number in that
/// run.
pub const ROW_OF_RUN: &str = "acc-assets row";

/// What a workbook that this package wrote says about its rows.
#[derive(Debug, Default)]
pub(super) struct Properties {
    /// The category of a template.
    pub category: Option<String>,
    /// The texts with leading zeros that the sheet does not contain, by column.
    pub padded: HashMap<String, Padded>,
    /// The options with which the texts of the rows to fix are read, as JSON.
    pub reading: Option<String>,
}

impl Properties {
    /// Reads the custom properties of a workbook: names and values.
    pub(super) fn of(custom: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut found = Self::default();
        let mut reading: BTreeMap<usize, String> = BTreeMap::new();
        for (name, value) in custom {
            if name == CATEGORY_PROPERTY {
                found.category = Some(with_control_characters(&value));
            } else if let Some(column) = name.strip_prefix(PADDED_PROPERTY)
                && let Some(texts) = Padded::parse(&value)
            {
                found.padded.insert(with_control_characters(column), texts);
            } else if let Some(index) = name.strip_prefix(READING_PROPERTY)
                && let Ok(index) = index.parse()
            {
                reading.insert(index, value);
            }
        }
        found.reading = (!reading.is_empty()).then(|| reading.into_values().collect());
        found
    }
}

/// Decodes control characters, which a workbook stores in a form such as `_x001B_` (`ST_Xstring` in ECMA-376,
/// part 1, 22.9.2.19).
fn with_control_characters(text: &str) -> String {
    let mut parts = text.split("_x00");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).filter(|code| code.ends_with('_'));
        let code = code.and_then(|code| u8::from_str_radix(&code[..2], 16).ok());
        if let Some(code) = code.filter(u8::is_ascii_control) {
            plain.push(char::from(code));
            plain.push_str(&part[3..]);
        } else {
            plain.push_str("_x00");
            plain.push_str(part);
        }
    }
    plain
}

/// Removes the mark of a required column from a column name.
pub(super) fn without_mark(name: &str) -> String {
    match name.strip_suffix(REQUIRED_MARK) {
        Some(bare) if !bare.trim().is_empty() => bare.trim().to_owned(),
        _ => name.to_owned(),
    }
}
