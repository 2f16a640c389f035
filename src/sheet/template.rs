//! Writes a template: a sheet with the columns and drop-downs of a category, and a second sheet with the
//! locations, if there are any.

use std::path::Path;

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, ExcelDateTime, Format, Formula,
    Note, Workbook, Worksheet, XlsxError,
};

use super::{LONGEST_CELL, WIDEST, as_text, failed, for_category, for_people, header, save};
use crate::input::SourceError;
use crate::input::sheet::{LISTS, REQUIRED_MARK};

/// The content of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The path of the category, which is the default for the rows.
    pub category: String,
    pub columns: Vec<Column>,
    /// The path and barcode of each location.
    pub locations: Vec<(String, String)>,
    /// The number of rows that have drop-downs.
    pub rows: u32,
}

/// A column of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub required: bool,
    /// A sentence that explains what to fill in.
    pub note: String,
    pub kind: Kind,
}

/// The values allowed in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text {
        longest: Option<usize>,
    },
    Number,
    Date,
    YesNo,
    /// A single value from this list.
    Choice(Vec<String>),
    /// Several of these values, separated by `;`. Excel's drop-downs allow only one value, so the column has
    /// none.
    Choices(Vec<String>),
    /// One of the locations.
    Location,
    /// One of these categories.
    Category(Vec<String>),
}

/// Excel's limits, in characters, for the list in a validation, its input and error messages, and its titles.
const LONGEST_LIST: usize = 255;
const LONGEST_MESSAGE: usize = 255;
const LONGEST_TITLE: usize = 32;

/// Writes a template.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, template: &Template) -> Result<(), SourceError> {
    let mut workbook = Workbook::new();
    for_category(&mut workbook, &template.category);
    lay_out(&mut workbook, template).map_err(|error| failed(&error))?;
    save(workbook, path)
}

fn lay_out(workbook: &mut Workbook, template: &Template) -> Result<(), XlsxError> {
    let [locations, choices] = LISTS;
    // The lists are written along with the columns, since the validations refer to them. The sheet to fill in
    // is still the first sheet.
    let mut lists = Worksheet::new();
    lists.set_name(choices)?.set_hidden(true);
    let mut used: u16 = 0;
    let mut assets = Worksheet::new();
    assets.set_name("Assets")?.set_freeze_panes(1, 0)?;
    for (place, column) in (0_u16..).zip(&template.columns) {
        head(&mut assets, place, column)?;
        let list = match &column.kind {
            Kind::Choice(values) | Kind::Category(values) => Some(values.clone()),
            Kind::YesNo => Some(vec!["Yes".to_owned(), "No".to_owned()]),
            _ => None,
        };
        let mut validation = match (&column.kind, list) {
            (_, Some(values)) if values.is_empty() => None,
            (_, Some(values)) => Some(if fits(&values) {
                DataValidation::new().allow_list_strings(&values)?
            } else {
                for (line, value) in (0_u32..).zip(&values) {
                    lists.write_string(line, used, value)?;
                }
                let formula = range(choices, used, values.len(), 1);
                used = used.saturating_add(1);
                DataValidation::new().allow_list_formula(Formula::new(formula))
            }),
            (Kind::Location, None) if !template.locations.is_empty() => {
                let formula = range(locations, 0, template.locations.len(), 2);
                Some(DataValidation::new().allow_list_formula(Formula::new(formula)))
            }
            (Kind::Number, None) => {
                Some(DataValidation::new().allow_decimal_number(DataValidationRule::Between(-1e15, 1e15)))
            }
            (Kind::Date, None) => Some(DataValidation::new().allow_date(
                DataValidationRule::GreaterThanOrEqualTo(ExcelDateTime::from_ymd(1900, 1, 1)?),
            )),
            (
                Kind::Text {
                    longest: Some(longest),
                },
                None,
            ) => {
                let longest = u32::try_from(*longest).unwrap_or(u32::MAX);
                Some(DataValidation::new().allow_text_length(DataValidationRule::LessThanOrEqualTo(longest)))
            }
            (_, None) => Some(DataValidation::new().allow_any_value()),
        };
        if let Some(validation) = validation.take() {
            let validation = told(validation, column)?;
            assets.add_data_validation(1, place, template.rows.max(1), place, &validation)?;
        }
        let format = match column.kind {
            Kind::Date => Format::new().set_num_format("yyyy-mm-dd"),
            Kind::Number | Kind::YesNo => Format::new(),
            _ => as_text(),
        };
        assets.set_column_format(place, &format)?;
        #[allow(clippy::cast_precision_loss)] // Some tens of characters.
        let width = (column.name.chars().count() as f64 + 4.0).clamp(12.0, WIDEST);
        let width = if matches!(column.kind, Kind::Location | Kind::Category(_)) {
            width.max(36.0)
        } else {
            width
        };
        assets.set_column_width(place, width)?;
    }
    workbook.push_worksheet(assets);
    if !template.locations.is_empty() {
        let mut sheet = Worksheet::new();
        sheet.set_name(locations)?.set_freeze_panes(1, 0)?;
        sheet.set_column_width(0, WIDEST)?.set_column_width(1, 20)?;
        sheet.write_string_with_format(0, 0, "Location", &header())?;
        sheet.write_string_with_format(0, 1, "Barcode", &header())?;
        for (line, (path, barcode)) in (1_u32..).zip(&template.locations) {
            sheet.write_string_with_format(line, 0, path, &as_text())?;
            if !barcode.is_empty() {
                sheet.write_string_with_format(line, 1, barcode, &as_text())?;
            }
        }
        workbook.push_worksheet(sheet);
    }
    if used > 0 {
        workbook.push_worksheet(lists);
    }
    Ok(())
}

fn head(sheet: &mut Worksheet, place: u16, column: &Column) -> Result<(), XlsxError> {
    let (title, style) = if column.required {
        let color = Color::RGB(0x00FF_E699);
        (
            format!("{}{REQUIRED_MARK}", column.name),
            header().set_background_color(color),
        )
    } else {
        (column.name.clone(), header())
    };
    sheet.write_string_with_format(0, place, title, &style)?;
    let needed = if column.required { "Required. " } else { "" };
    let note = Note::new(for_people(&format!("{needed}{}", column.note), LONGEST_CELL))
        .add_author_prefix(false)
        .set_width(260);
    sheet.insert_note(0, place, &note)?;
    Ok(())
}

/// Creates a data validation with its input and error messages.
fn told(validation: DataValidation, column: &Column) -> Result<DataValidation, XlsxError> {
    let validation = validation
        .set_input_title(for_people(&column.name, LONGEST_TITLE))?
        .set_input_message(for_people(&column.note, LONGEST_MESSAGE))?;
    Ok(match column.kind {
        Kind::Choices(_) => validation,
        _ => validation
            // Only warn: a barcode or another spelling of a path may be valid, and the import checks it.
            .set_error_style(if matches!(column.kind, Kind::Location | Kind::Category(_)) {
                DataValidationErrorStyle::Warning
            } else {
                DataValidationErrorStyle::Stop
            })
            .set_error_title(for_people(&column.name, LONGEST_TITLE))?
            .set_error_message(for_people(&column.note, LONGEST_MESSAGE))?,
    })
}

fn fits(values: &[String]) -> bool {
    let length: usize = values.iter().map(|value| value.chars().count() + 1).sum();
    let plain = |value: &String| {
        !value.contains(|character: char| matches!(character, ',' | '"') || character.is_control())
    };
    length <= LONGEST_LIST && values.iter().all(plain)
}

/// Returns the range of a list on another sheet. `first` is the row of the list's first value, counted from 1.
fn range(sheet: &str, column: u16, values: usize, first: usize) -> String {
    let column = rust_xlsxwriter::column_number_to_name(column);
    format!("={sheet}!${column}${first}:${column}${}", first + values - 1)
}
