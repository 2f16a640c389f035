//! Columns to fill in: their headings, drop-down lists and checks, and the sheets with the values of the lists.

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, ExcelDateTime, Format, Formula,
    Note, Workbook, Worksheet, XlsxError,
};

use super::columns::{DescribedColumn, Kind};
use super::format::{LONGEST_CELL, WIDEST, as_text, for_people, header};
use crate::input::sheet::{LISTS, REQUIRED_MARK};

/// Excel's limits, in characters, for the list in a validation, its input and error messages, and its titles.
const LONGEST_LIST: usize = 255;
const LONGEST_MESSAGE: usize = 255;
const LONGEST_TITLE: usize = 32;

/// The values of drop-down lists, on sheets of their own.
pub(super) struct Lists<'l> {
    /// Lists that are too long for a validation, one per column of a hidden sheet.
    choices: Worksheet,
    used: u16,
    /// The path and barcode of each location.
    locations: &'l [(String, String)],
    /// Whether Excel rejects a value that is not in its list. Otherwise, Excel only warns.
    strict: bool,
}

impl<'l> Lists<'l> {
    pub(super) fn new(locations: &'l [(String, String)], strict: bool) -> Result<Self, XlsxError> {
        let [_, name] = LISTS;
        let mut choices = Worksheet::new();
        choices.set_name(name)?.set_hidden(true);
        Ok(Self {
            choices,
            used: 0,
            locations,
            strict,
        })
    }

    /// Adds the format and the check of a column to its cells below the heading, down to the row `last`.
    pub(super) fn add(
        &mut self,
        sheet: &mut Worksheet,
        index: u16,
        last: u32,
        column: &DescribedColumn,
    ) -> Result<(), XlsxError> {
        if let Some(validation) = self.validation(column)? {
            let validation = with_messages(validation, column, self.strict)?;
            sheet.add_data_validation(1, index, last, index, &validation)?;
        }
        let format = match column.kind {
            Kind::Date => Format::new().set_num_format("yyyy-mm-dd"),
            Kind::Number | Kind::YesNo => Format::new(),
            _ => as_text(),
        };
        sheet.set_column_format(index, &format)?;
        Ok(())
    }

    fn validation(&mut self, column: &DescribedColumn) -> Result<Option<DataValidation>, XlsxError> {
        let [locations, choices] = LISTS;
        let list = match &column.kind {
            Kind::Choice(values) | Kind::Category(values) => Some(values.clone()),
            Kind::YesNo => Some(vec!["Yes".to_owned(), "No".to_owned()]),
            _ => None,
        };
        Ok(match (&column.kind, list) {
            (_, Some(values)) if values.is_empty() => None,
            (_, Some(values)) => Some(if fits(&values) {
                DataValidation::new().allow_list_strings(&values)?
            } else {
                for (line, value) in (0_u32..).zip(&values) {
                    self.choices.write_string(line, self.used, value)?;
                }
                let formula = range(choices, self.used, values.len(), 1);
                self.used = self.used.saturating_add(1);
                DataValidation::new().allow_list_formula(Formula::new(formula))
            }),
            (Kind::Location, None) if !self.locations.is_empty() => {
                let formula = range(locations, 0, self.locations.len(), 2);
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
        })
    }

    /// Adds the sheets with the values, after the sheets to fill in.
    pub(super) fn finish(self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let [name, _] = LISTS;
        if !self.locations.is_empty() {
            let mut sheet = Worksheet::new();
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            sheet.set_column_width(0, WIDEST)?.set_column_width(1, 20)?;
            sheet.write_string_with_format(0, 0, "Location", &header())?;
            sheet.write_string_with_format(0, 1, "Barcode", &header())?;
            for (line, (path, barcode)) in (1_u32..).zip(self.locations) {
                sheet.write_string_with_format(line, 0, path, &as_text())?;
                if !barcode.is_empty() {
                    sheet.write_string_with_format(line, 1, barcode, &as_text())?;
                }
            }
            workbook.push_worksheet(sheet);
        }
        if self.used > 0 {
            workbook.push_worksheet(self.choices);
        }
        Ok(())
    }
}

/// Writes the name of a column, its mark if it is required, and a note on what it accepts.
pub(super) fn head(sheet: &mut Worksheet, index: u16, column: &DescribedColumn) -> Result<(), XlsxError> {
    let (title, style) = if column.required {
        let color = Color::RGB(0x00FF_E699);
        (
            format!("{}{REQUIRED_MARK}", column.name),
            header().set_background_color(color),
        )
    } else {
        (column.name.clone(), header())
    };
    sheet.write_string_with_format(0, index, title, &style)?;
    let needed = if column.required { "Required. " } else { "" };
    let note = Note::new(for_people(&format!("{needed}{}", column.note), LONGEST_CELL))
        .add_author_prefix(false)
        .set_width(260);
    sheet.insert_note(0, index, &note)?;
    Ok(())
}

/// Creates a data validation with its input and error messages.
fn with_messages(
    validation: DataValidation,
    column: &DescribedColumn,
    strict: bool,
) -> Result<DataValidation, XlsxError> {
    let validation = validation
        .set_input_title(for_people(&column.name, LONGEST_TITLE))?
        .set_input_message(for_people(&column.note, LONGEST_MESSAGE))?;
    Ok(match column.kind {
        Kind::Choices(_) => validation,
        _ => validation
            // Only warn: a barcode or another spelling of a path may be valid, and the import checks it.
            .set_error_style(
                if !strict || matches!(column.kind, Kind::Location | Kind::Category(_)) {
                    DataValidationErrorStyle::Warning
                } else {
                    DataValidationErrorStyle::Stop
                },
            )
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
