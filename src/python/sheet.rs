//! Creates Excel files for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::errors::exception;
use super::ledger::Ledger;
use super::reread::{check_unchanged, prepared};
use super::rows::Rows;
use super::settings::Settings;
use crate::api;
use crate::error::Error;
use crate::rows::columns::Naming;
use crate::run::options::WriteOptions;
use crate::run::to_fix::ToFix;
use crate::settings::SEPARATOR;
use crate::sheet::columns::Offer;
use crate::sheet::fixes::{self, Origin};
use crate::sheet::template;

/// Returns the number of rows in a ledger that did not succeed, an Excel file with them and their problems, and how
/// many other rows to fix are missing from the last input. Rows without a problem are omitted.
pub fn fixes_file<'py>(
    py: Python<'py>,
    verb: &str,
    rows: &Rows,
    ledger: &Ledger,
    settings: Option<&Settings>,
    options: &WriteOptions,
) -> PyResult<(usize, Bound<'py, PyBytes>, usize)> {
    let known = &ledger.view().ledger;
    // A dry run of a run that has not begun has no number.
    let name = options.run_name().filter(|_| known.run() != 0);
    let ToFix {
        rows: wanted,
        missing,
    } = ToFix::of(ledger.view(), name.as_deref());
    if wanted.is_empty() {
        return Ok((0, PyBytes::new(py, &[]), missing));
    }
    let settings = settings.map(|settings| &settings.0);
    let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
    let names = options
        .names(write.row, settings.cloned(), None)
        .map_err(|error| exception(py, &error))?;
    let (reading, mapping) = (names.reading.clone(), names.mapping.clone());
    check_unchanged(py, write, rows, wanted.keys().copied(), known, options, names)?;
    let mut source = prepared(py, rows, options, write.row, settings)?;
    let category = rows.template_category();
    let uses = known.columns.iter();
    let origin = Origin {
        label_title: known.row_title.as_deref(),
        sheet: rows.sheet_name(),
        category: category.as_deref(),
        reading: options.reading.to_remember(),
        padded: rows.padded(py, |_| true),
        required: rows.required(),
        keeps_rows_of_run: name.is_none(),
        fields: uses
            .filter_map(|used| Some((used.column.as_str(), used.field.as_deref()?)))
            .collect(),
        offer: settings.map(|settings| Offer::of_path(settings, category.as_deref(), &options.separator)),
        number_of_text: Some(Box::new(|column, text| {
            let naming = Naming {
                fields: write.row.fields(),
                mapping: &mapping,
                settings: settings.map(|settings| &**settings),
            };
            reading.number_of_text(column, text, naming)
        })),
    };
    let (written, file) = py
        .detach(|| fixes::file(&mut source, &wanted, &origin))
        .map_err(|error| exception(py, &error.into()))?;
    Ok((written, PyBytes::new(py, &file), missing))
}

/// Returns an Excel template for assets in a category.
pub fn template_file<'py>(
    py: Python<'py>,
    settings: &Settings,
    category: &str,
    rows: u32,
) -> PyResult<Bound<'py, PyBytes>> {
    let settings = &settings.0;
    let place = settings
        .category_of_id(category)
        .ok_or_else(|| exception(py, &Error::Option(format!("no category {category}"))))?;
    let offer = Offer::new(settings, Some(place), SEPARATOR);
    let file = py
        .detach(|| template::file(&offer, rows))
        .map_err(|error| exception(py, &error.into()))?;
    Ok(PyBytes::new(py, &file))
}
