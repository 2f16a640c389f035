//! Creates a template: a sheet with the columns and drop-downs of a category, and a second sheet with the
//! locations, if there are any.

use rust_xlsxwriter::{DocProperties, Workbook, Worksheet, XlsxError};

use super::columns::{DescribedColumn, Kind, Offer};
use super::format::{WIDEST, bytes, failed};
use super::lists::{Lists, head};
use crate::input::SourceError;
use crate::input::sheet::CATEGORY_PROPERTY;

/// Returns the file of a template. `rows` is the number of rows that have drop-downs.
///
/// # Errors
/// If the settings do not fit into an Excel sheet.
pub fn file(offer: &Offer<'_>, rows: u32) -> Result<Vec<u8>, SourceError> {
    let mut workbook = Workbook::new();
    // The default category of the rows.
    let category = offer.category().unwrap_or_default();
    workbook.set_properties(&DocProperties::new().set_custom_property(CATEGORY_PROPERTY, category.as_str()));
    lay_out(&mut workbook, offer, rows).map_err(|error| failed(&error))?;
    bytes(workbook)
}

fn lay_out(workbook: &mut Workbook, offer: &Offer<'_>, rows: u32) -> Result<(), XlsxError> {
    let locations = offer.locations();
    let mut lists = Lists::new(&locations, true)?;
    // The sheet to fill in is the first one, before the lists.
    let mut assets = Worksheet::new();
    assets.set_name("Assets")?.set_freeze_panes(1, 0)?;
    for (index, column) in (0_u16..).zip(&offer.columns()) {
        head(&mut assets, index, column)?;
        lists.add(&mut assets, index, rows.max(1), column)?;
        assets.set_column_width(index, width(column))?;
    }
    workbook.push_worksheet(assets);
    lists.finish(workbook)
}

fn width(column: &DescribedColumn) -> f64 {
    #[allow(clippy::cast_precision_loss)] // Some tens of characters.
    let width = (column.name.chars().count() as f64 + 4.0).clamp(12.0, WIDEST);
    if matches!(column.kind, Kind::Location | Kind::Category(_)) {
        width.max(36.0)
    } else {
        width
    }
}
