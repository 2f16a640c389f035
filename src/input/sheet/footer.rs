//! The rows at the end of a sheet that `skip_footer` skips, because they contain no asset.

use crate::error::shortened;
use crate::input::source::SourceError;

/// A row with cells that are not blank.
pub(super) struct FooterRow {
    /// The row, counted from 0.
    pub row: u32,
    pub columns: Vec<u32>,
    /// The first cell.
    pub first: String,
    /// Whether a cell has a title of totals.
    pub is_total: bool,
}

impl FooterRow {
    fn shown(&self) -> String {
        const LONGEST: usize = 40;
        format!("'{}'", shortened(self.first.trim(), LONGEST))
    }
}

/// What the last rows are compared with.
pub(super) struct Above<'a> {
    /// The columns of the row above them, if any, and those with a name.
    pub last: &'a [u32],
    pub names: &'a [u32],
}

impl Above<'_> {
    /// Returns whether a row looks like an asset: it has no title of totals, but cells in the same columns as the row
    /// above. An asset may have blank cells, as below merged ones. It has at least a name, and usually a category and
    /// a status.
    fn is_asset(&self, row: &FooterRow) -> bool {
        let above = if self.last.is_empty() {
            self.names
        } else {
            self.last
        };
        let shared = above.iter().filter(|column| row.columns.contains(column)).count();
        // A row with a single cell may be anything.
        !row.is_total && shared >= above.len().div_ceil(2).clamp(2, 3)
    }

    fn called(&self) -> &'static str {
        if self.last.is_empty() {
            "the row of column names"
        } else {
            "the row above"
        }
    }
}

/// Returns the notes on the rows that were skipped at the end, each with its first cell.
///
/// `place` is the file, or the sheet and its file. `is_shared` is whether `skip_footer` is meant for several files,
/// which may have other rows at their end.
///
/// # Errors
/// If it is, and a row looks like an asset.
pub(super) fn footer_notes(
    row_title: &str,
    place: &str,
    above: &Above<'_>,
    rows: &[FooterRow],
    is_shared: bool,
) -> Result<Vec<String>, SourceError> {
    const MOST: usize = 5;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Vec::new());
    };
    let number = |row: &FooterRow| u64::from(row.row) + 1;
    let mut notes = Vec::new();
    if let Some(at) = rows.iter().rposition(|row| above.is_asset(row)) {
        let (asset, left, all) = (&rows[at], rows.len() - 1 - at, rows.len());
        let (asset, shown) = (number(asset), asset.shown());
        let looks = format!(
            "looks like an asset: it has no word such as Total, but cells in the same columns as {}",
            above.called()
        );
        if is_shared {
            return Err(SourceError::new(format!(
                "skip_footer={all} would skip {row_title} {asset} of {place} ({shown}), which {looks}. Set skip_footer={left} \
                 for this file, or, if the row is not an asset, pass skip_footer={all} with the call"
            )));
        }
        notes.push(format!(
            "skip_footer={all} skipped {row_title} {asset} ({shown}), which {looks}. If it is an asset, set \
             skip_footer={left}"
        ));
    }
    let mut shown: Vec<String> = rows.iter().take(MOST).map(FooterRow::shown).collect();
    if rows.len() > MOST {
        shown.push("...".to_owned());
    }
    let shown = shown.join(", ");
    notes.push(if rows.len() == 1 {
        format!(
            "{row_title} {} was skipped (skip_footer=1): {shown}",
            number(first)
        )
    } else {
        format!(
            "{row_title}s {} to {} were skipped (skip_footer=): {shown}",
            number(first),
            number(last)
        )
    });
    Ok(notes)
}
