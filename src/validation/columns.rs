//! What the columns of a sheet mean.

use super::fields::{self, CUSTOM_ATTRIBUTES, FIELDS};
use crate::input::Cell;
use crate::settings::names::{folded, nearest, plain};
use crate::settings::{Miss, Settings};

/// What a column means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// A field of an asset, by its place in the table of fields.
    Field(usize),
    /// A custom attribute, by its place in the settings.
    Attribute(usize),
    /// The map of custom attributes.
    Attributes,
    /// The service sets it.
    SetByService,
    /// Nothing, on purpose or because no name is like it.
    LeftOut(&'static str),
    /// Nothing; the texts say why, and what to do.
    Unclear(String, String),
}

/// What people call the fields, without case, blanks and punctuation. "Asset ID" is what the web pages of Assets call
/// the clientAssetId, "Name" what their exports do ("POST assets:batch-create" reference page and the exports).
static CALLED: [(&str, usize); 17] = [
    ("clientassetid", 0),
    ("assetid", 0),
    ("assetname", 0),
    ("name", 0),
    ("categoryid", 1),
    ("category", 1),
    ("categorypath", 1),
    ("statusid", 2),
    ("status", 2),
    ("assetstatus", 2),
    ("description", 3),
    ("assetdescription", 3),
    ("locationid", 4),
    ("location", 4),
    ("locationpath", 4),
    ("barcode", 5),
    ("assetbarcode", 5),
];

/// Why a column is left out that no name is like.
pub(super) const NOBODY_KNOWS: &str = "nobody knows it";

/// Columns that a report adds to the rows to fix: where a row is in a sheet or a text file, what is wrong, what to do.
pub const SHEET_ROW: &str = "Sheet row";
pub const LINE: &str = "Line";
pub const PROBLEM: &str = "Problem";
pub const FIX: &str = "Fix";
pub const OF_REPORTS: [&str; 4] = [SHEET_ROW, LINE, PROBLEM, FIX];

/// Follows the names of such columns where the rows have a column with one of those names themselves.
pub const OF_REPORT_MARK: &str = " (acc-assets)";

/// Whether a column that is no field or attribute may be one that a report added.
pub(super) fn is_of_report(name: &str) -> bool {
    OF_REPORTS.contains(&name.strip_suffix(OF_REPORT_MARK).unwrap_or(name))
}

/// The hidden column of a file of rows to fix: which row of its run each row is.
pub const ROW_OF_RUN: &str = "acc-assets row";

/// What a cell of a sheet holds where the value of its field is to be removed.
pub const CLEAR: &str = "acc.CLEAR";

/// What the column [`ROW_OF_RUN`] holds for a row: which run, and its number in it, counted from 0.
#[must_use]
pub fn row_of_run_text(run: u64, row: u32) -> String {
    format!("{run:016x}:{row}")
}

pub(super) fn row_of_run(cell: &Cell<'_>) -> Option<(u64, u32)> {
    let Cell::Text(text) = cell else { return None };
    let (run, row) = text.trim().split_once(':')?;
    Some((u64::from_str_radix(run, 16).ok()?, row.parse().ok()?))
}

/// The field that people mean by this heading in every project.
pub(super) fn base_field(name: &str) -> Option<usize> {
    let called = plain(bare(name));
    let exact = FIELDS.iter().position(|field| field.name == name);
    exact.or_else(|| {
        CALLED
            .iter()
            .find(|(known, _)| *known == called)
            .map(|(_, field)| *field)
    })
}

/// The name of a custom attribute without what says that it is one.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix(CUSTOM_ATTRIBUTES)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(name)
}

/// What a column of this name means in a project.
#[must_use]
pub fn meant(name: &str, settings: &Settings) -> Meant {
    if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
        return Meant::Field(field);
    }
    if name == CUSTOM_ATTRIBUTES {
        return Meant::Attributes;
    }
    let bare = bare(name);
    if fields::is_attribute(bare) {
        return match settings.attribute_of_name(bare) {
            Some(place) if settings.content().attributes[place].active => Meant::Attribute(place),
            Some(_) => Meant::Unclear(
                format!("the custom attribute `{bare}` is not active"),
                format!("leave the column out with mapping={{'{name}': None}}"),
            ),
            None => Meant::Unclear(
                format!("the project has no custom attribute `{bare}`"),
                "drop the column, or use the display name of the attribute".to_owned(),
            ),
        };
    }
    let called = plain(bare);
    if let Some((_, field)) = CALLED.iter().find(|(known, _)| *known == called) {
        return Meant::Field(*field);
    }
    if fields::is_set_by_the_service(name) {
        return Meant::SetByService;
    }
    match settings.attribute(bare) {
        Ok(place) => Meant::Attribute(place),
        Err(miss @ Miss::Ambiguous(_)) => Meant::Unclear(
            format!("the column `{name}` is not clear: {}", miss.reason("attribute")),
            "name the column by the attribute's own name, such as ca1".to_owned(),
        ),
        Err(miss @ Miss::Inactive(_)) => Meant::Unclear(
            format!(
                "the column `{name}` cannot be filled: {}",
                miss.reason("custom attribute")
            ),
            format!("leave the column out with mapping={{'{name}': None}}"),
        ),
        Err(_) if is_of_report(name) => Meant::LeftOut("it is of a report"),
        Err(_) => unknown(name, settings),
    }
}

fn unknown(name: &str, settings: &Settings) -> Meant {
    let attributes = settings
        .content()
        .attributes
        .iter()
        .filter(|attribute| attribute.active);
    let known = FIELDS
        .iter()
        .map(|field| field.name)
        .chain([
            "Asset ID",
            "Category",
            "Status",
            "Description",
            "Location",
            "Barcode",
        ])
        .chain(attributes.map(|attribute| attribute.display_name.as_str()));
    // Only what looks like a slip of the keyboard: "Remarks" is none of "Mark".
    let near = nearest(name, known.map(|known| (known, folded(known))));
    let close = |known: &&String| {
        let edits = strsim::osa_distance(&plain(name), &plain(known));
        edits <= 1 + plain(known).chars().count() / 6
    };
    match near.iter().find(close) {
        Some(known) => Meant::Unclear(
            format!("nobody knows a column `{name}`: did you mean `{known}`?"),
            format!("rename the column to `{known}`, or leave it out with mapping={{'{name}': None}}"),
        ),
        None => Meant::LeftOut(NOBODY_KNOWS),
    }
}

/// What a mapping says that a column means.
///
/// # Errors
/// What is wrong with the target.
pub fn target(text: &str, settings: Option<&Settings>) -> Result<String, String> {
    let known = |field: usize| FIELDS[field].name.to_owned();
    let called = plain(text);
    if FIELDS.iter().any(|field| field.name == text) || fields::is_attribute(text) {
        return Ok(text.to_owned());
    }
    if let Some((_, field)) = CALLED.iter().find(|(alias, _)| *alias == called) {
        return Ok(known(*field));
    }
    let Some(settings) = settings else {
        return Err(format!(
            "mapping: `{text}` is no field; a display name of a custom attribute needs the project's settings (validate=True)"
        ));
    };
    match settings.attribute(text) {
        Ok(place) => Ok(settings.content().attributes[place].name.clone()),
        Err(miss) => Err(format!(
            "mapping: `{text}` is no field of an asset, and {}; {}",
            miss.reason("custom attribute"),
            miss.fix("custom attribute")
        )),
    }
}
