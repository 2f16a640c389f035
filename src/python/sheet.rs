//! Writes Excel files for Python.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pyo3::prelude::*;

use super::errors::exception;
use super::ledger::Ledger;
use super::rows::{PythonSource, Rows};
use super::settings::Settings;
use crate::batch::options::WriteOptions;
use crate::error::Error;
use crate::input::{Label, Prepared};
use crate::model::settings::Attribute;
use crate::settings::{self, SEPARATOR};
use crate::sheet::fixes::{self, Mark, RowToFix};
use crate::sheet::template::{self, Column, Kind, Template};
use crate::validation::columns::row_of_run_text;

/// Writes a new Excel file with the rows in a ledger that did not succeed, and their problems. Rows without a
/// problem, and rows that are missing from the last input, are left out.
pub fn write_fixes(
    py: Python<'_>,
    rows: &Rows,
    ledger: &Ledger,
    path: &Path,
    label_title: Option<&str>,
    options: Option<&WriteOptions>,
) -> PyResult<usize> {
    let mut wanted: BTreeMap<u32, RowToFix> = BTreeMap::new();
    let known = &ledger.view().ledger;
    // The index of each row in the input. A row that is missing from the last input cannot be written.
    let places: Option<HashMap<u32, u32>> = known.input().map(|rows| rows.iter().copied().zip(0..).collect());
    for outcome in ledger.view().bad() {
        let Some(fault) = &outcome.fault else { continue };
        let mut found: Vec<Mark> = fault
            .problems
            .iter()
            .map(|problem| Mark {
                column: problem.column.clone(),
                message: problem.message.clone(),
                fix: problem.fix.clone(),
            })
            .collect();
        if found.is_empty() {
            found.push(Mark {
                column: fault.column.clone().unwrap_or_default(),
                message: fault.message.clone(),
                fix: fault.fix.clone().unwrap_or_default(),
            });
        }
        let place = match &places {
            None => Some(outcome.row),
            Some(places) => places.get(&outcome.row).copied(),
        };
        let Some(place) = place else { continue };
        let row = RowToFix {
            marks: found,
            label: match outcome.label {
                Label::Number => None,
                Label::Int(number) => Some(number.to_string()),
                Label::Text(text) => Some(text.to_string()),
            },
            row_of_run: row_of_run_text(known.run(), outcome.row),
        };
        wanted.insert(place, row);
    }
    let source = rows.source(py)?;
    let mut source = match options {
        Some(options) => prepared(source, options),
        None => Prepared::new(source, None),
    };
    let category = rows.template_category();
    py.detach(|| fixes::write(path, &mut source, &wanted, label_title, category.as_deref()))
        .map_err(|error| exception(py, &error.into()))
}

/// Returns the rows with their texts replaced and their blank cells filled, as these options say.
pub(super) fn prepared(source: PythonSource, options: &WriteOptions) -> Prepared<PythonSource> {
    Prepared::new(source, options.reading.preparation(&options.mapping))
}

/// Writes an Excel template for assets in a category.
pub fn write_template(
    py: Python<'_>,
    settings: &Settings,
    category: &str,
    path: &Path,
    rows: u32,
) -> PyResult<()> {
    let template = template_of(&settings.0, category, rows)
        .ok_or_else(|| exception(py, &Error::Option(format!("no category {category}"))))?;
    py.detach(|| template::write(path, &template))
        .map_err(|error| exception(py, &error.into()))
}

fn template_of(settings: &settings::Settings, category: &str, rows: u32) -> Option<Template> {
    let content = settings.content();
    let category = settings.category_of_id(category)?;
    let joined = |path: Vec<&str>| path.join(&format!(" {SEPARATOR} "));
    let own = joined(settings.category_path(category));
    let below: Vec<String> = settings
        .category_order()
        .iter()
        .filter(|place| content.categories[**place].active)
        .filter(|place| {
            std::iter::successors(Some(**place), |place| settings.category_above(*place))
                .any(|above| above == category)
        })
        .map(|place| joined(settings.category_path(*place)))
        .collect();
    let labels: Vec<String> = settings
        .set_of(category)
        .map(|set| content.status_sets[set].statuses.iter())
        .into_iter()
        .flatten()
        .filter(|status| status.active)
        .map(|status| status.label.clone())
        .collect();
    let locations: Vec<(String, String)> = settings
        .location_order()
        .iter()
        .filter_map(|place| Some((place, content.locations.as_ref()?.get(*place)?)))
        .map(|(place, location)| {
            let barcode = location.barcode.clone().unwrap_or_default();
            (joined(settings.location_path(*place)), barcode)
        })
        .collect();
    let column = |name: &str, required, note: String, kind| Column {
        name: name.to_owned(),
        required,
        note,
        kind,
    };
    let mut columns = vec![
        column(
            "Asset ID",
            true,
            "The name of the asset, for example AHU-101.".to_owned(),
            Kind::Text { longest: None },
        ),
        column("Category", false, format!("Blank: {own}."), Kind::Category(below)),
        column(
            "Status",
            true,
            "A status of the category.".to_owned(),
            Kind::Choice(labels),
        ),
        column(
            "Description",
            false,
            "At most 1000 characters.".to_owned(),
            Kind::Text { longest: Some(1000) },
        ),
        column(
            "Location",
            false,
            "A location from the sheet Locations, or its barcode.".to_owned(),
            Kind::Location,
        ),
        column(
            "Barcode",
            false,
            "As printed on the label, with leading zeros.".to_owned(),
            Kind::Text { longest: None },
        ),
    ];
    columns.extend(
        settings
            .attributes_of(category)
            .ones()
            .map(|place| attribute_column(&content.attributes[place])),
    );
    Some(Template {
        category: own,
        columns,
        locations,
        rows,
    })
}

fn attribute_column(attribute: &Attribute) -> Column {
    let offered: Vec<String> = attribute
        .choices
        .iter()
        .filter(|choice| choice.active)
        .map(|choice| choice.label.clone())
        .collect();
    let (kind, says) = match attribute.data_type.as_str() {
        "numeric" => (Kind::Number, "A number.".to_owned()),
        "date" => (Kind::Date, "A date, such as 2031-02-28.".to_owned()),
        "boolean" => (Kind::YesNo, "Yes or No.".to_owned()),
        "select" => (Kind::Choice(offered), "A value from the list.".to_owned()),
        "multi_select" => {
            let says = format!("One or more, separated by ;: {}.", offered.join("; "));
            (Kind::Choices(offered), says)
        }
        _ => {
            let longest = attribute.longest.unwrap_or(250);
            let says = format!("At most {longest} characters.");
            (
                Kind::Text {
                    longest: Some(longest),
                },
                says,
            )
        }
    };
    let described = attribute
        .description
        .as_ref()
        .map_or_else(String::new, |description| format!("{description} "));
    let blank = match &attribute.default {
        Some(serde_json::Value::String(text)) => format!(" Blank: {text}."),
        Some(other) => format!(" Blank: {other}."),
        None => String::new(),
    };
    Column {
        name: attribute.display_name.trim().to_owned(),
        required: attribute.required && attribute.default.is_none(),
        note: format!("{described}{says}{blank}"),
        kind,
    }
}
