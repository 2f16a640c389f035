//! The rows at the end of a sheet that `skip_footer` skips, because they contain no asset.

use super::SourceError;
use crate::error::shortened;

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

/// Returns the note for the rows that were skipped at the end, each with its first cell.
///
/// `above` contains the columns of the row above them. `place` is the file, or the sheet and its file.
///
/// # Errors
/// If a row looks like an asset: it has no title of totals, but a cell in the first and in half of the columns of the row
/// above. An asset may have blank cells, as below merged ones.
pub(super) fn footer_note(
    row_title: &str,
    place: &str,
    above: &[u32],
    rows: &[FooterRow],
) -> Result<Option<String>, SourceError> {
    const MOST: usize = 5;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(None);
    };
    let number = |row: &FooterRow| u64::from(row.row) + 1;
    let is_asset = |row: &FooterRow| {
        let shared = above.iter().filter(|column| row.columns.contains(column)).count();
        // A row with a single cell may be anything.
        shared > 1 && shared * 2 >= above.len() && row.columns.first() == above.first() && !row.is_total
    };
    if let Some(at) = rows.iter().rposition(is_asset) {
        let (asset, left) = (&rows[at], rows.len() - 1 - at);
        return Err(SourceError::new(format!(
            "skip_footer={} would skip {row_title} {} of {place} ({}), which looks like an asset: it has no word such as \
             Total, and cells in the same columns as the row above. Set skip_footer={left} for this file, or remove \
             the row from the file if it is not an asset",
            rows.len(),
            number(asset),
            asset.shown(),
        )));
    }
    let mut shown: Vec<String> = rows.iter().take(MOST).map(FooterRow::shown).collect();
    if rows.len() > MOST {
        shown.push("...".to_owned());
    }
    let shown = shown.join(", ");
    Ok(Some(if rows.len() == 1 {
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
    }))
}
