//! The columns and cells of a file of rows to fix, which `write_fixes` creates.

use std::collections::BTreeMap;

use serde_json::json;

use crate::input::Cell;
pub use crate::input::sheet::ROW_OF_RUN;

/// The columns added by `write_fixes`: the row's position in its sheet or text file (`SHEET_ROW` or `LINE`),
/// the problem and the fix.
pub const SHEET_ROW: &str = "Sheet row";
pub const LINE: &str = "Line";
pub const PROBLEM: &str = "Problem";
pub const FIX: &str = "Fix";
pub const OF_REPORTS: [&str; 4] = [SHEET_ROW, LINE, PROBLEM, FIX];

/// The suffix of an added column if the rows already have a column with that name.
pub const OF_REPORT_MARK: &str = " (acc-assets)";

/// Returns whether an unrecognized column may have been added by `write_fixes`.
pub(super) fn is_of_report(name: &str) -> bool {
    OF_REPORTS.contains(&name.strip_suffix(OF_REPORT_MARK).unwrap_or(name))
}

/// The text of a cell that clears its field.
pub const CLEAR: &str = "acc.CLEAR";

/// Comes before [`RowOfRun::texts`] in a cell.
const TEXTS_MARK: char = '\t';

/// A cell of the [`ROW_OF_RUN`] column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOfRun {
    /// The run, or the call without a name. 0 for a check.
    pub run: u64,
    /// The number of the row, counted from 0.
    pub row: u32,
    /// The digest of the row before it was fixed, or 0 if it is not known.
    pub digest: u64,
    /// The name of the run, if it has one.
    pub name: Option<String>,
    /// The texts that are numbers written in another way, such as 0017 and 1.10, by field or custom attribute. pandas reads
    /// a column of such texts as numbers.
    pub texts: BTreeMap<String, String>,
}

impl RowOfRun {
    /// Formats the cell.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            run,
            row,
            digest,
            name,
            texts,
        } = self;
        let name = name.as_ref().map_or_else(String::new, |name| format!(":{name}"));
        let texts = if texts.is_empty() {
            String::new()
        } else {
            format!("{TEXTS_MARK}{}", json!(texts))
        };
        format!("{run:016x}:{row}:{digest:016x}{name}{texts}")
    }

    /// Parses a cell. Files of earlier versions have only some of the parts.
    #[must_use]
    pub fn of(cell: &Cell<'_>) -> Option<Self> {
        let Cell::Text(text) = cell else { return None };
        let (text, texts) = text.split_once(TEXTS_MARK).unwrap_or((text, ""));
        let mut parts = text.trim().splitn(4, ':');
        let hex = |part| u64::from_str_radix(part, 16).ok();
        Some(Self {
            run: hex(parts.next()?)?,
            row: parts.next()?.parse().ok()?,
            digest: parts.next().and_then(hex).unwrap_or(0),
            name: parts.next().filter(|name| !name.is_empty()).map(str::to_owned),
            texts: serde_json::from_str(texts.trim()).unwrap_or_default(),
        })
    }
}
