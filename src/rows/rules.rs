//! The table of row checks, and the problems they report.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::api::assets::fields::most_characters;
use crate::error::{shortened, shown};

/// A row check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code, which is part of every problem and does not change between versions.
    pub code: &'static str,
    /// What is wrong with the row.
    pub says: &'static str,
    /// What to do next. A problem may have a more specific fix.
    pub fix: &'static str,
}

/// A problem with one value in a row, or with the whole row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The code of the rule.
    pub code: Cow<'static, str>,
    /// The column as the user wrote it. Empty if the problem concerns the whole row.
    pub column: String,
    /// The shortened value. Empty if there is no value.
    pub value: String,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub fix: String,
}

macro_rules! rules {
    ($($name:ident $code:literal: $says:expr, $fix:literal;)+) => {
        $(pub(super) const $name: Rule = Rule { code: $code, says: $says, fix: $fix };)+
        static RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    REQUIRED "required": "a required field is missing or blank",
        "fill in the cell";
    UNKNOWN_COLUMN "unknown_column": "the column is not a field of an asset",
        "rename or drop the column";
    UNKNOWN_ATTRIBUTE "unknown_attribute": "a key of customAttributes is not a custom attribute",
        "use the name of a custom attribute, for example ca1, not its display name";
    SET_BY_SERVICE "set_by_service": "this field is set by the service and cannot be written",
        "clear the cell, or drop the column";
    TWICE "twice": "two columns of the row set the same field",
        "keep one of the two";
    NULL "null": "the cell is null, which nulls='error' does not allow",
        "fill in the cell, drop the column, or use CLEAR to clear the field";
    CLEAR "clear": "CLEAR is used in a create, or for a field that cannot be cleared",
        "leave the cell empty";
    FORMULA "formula_without_value": "the formula was saved without its value",
        "open the file in Excel and save it, or replace the formula with its value";
    TEXT "text": "value is not text, a number or a date",
        "write the value as text";
    TOO_LONG "too_long": concat!(
            "value is longer than the service allows: ",
            most_characters!(description),
            " characters for a description, ",
            most_characters!(attribute),
            " for a custom attribute"
        ),
        "shorten the text";
    ENTITY "entity": "an end of a relationship is not an entity with a domain, a type and an id",
        "pass an Entity, or use columns for the kind and the id of the end";
    WHOLE_NUMBER "whole_number": "category id is not a whole number",
        "use the id of a category of the project, for example 42";
    UUID "uuid": "id of an asset, status or location is not a UUID",
        "use the id, not the name";
    TURNED_TO_TEXT "turned_to_text": "the id looks like a number or blank cell that was converted to text",
        "do not use astype(str) on this column; pass the numbers and blanks unchanged";
    NOT_FINITE "not_finite": "value is not a finite number",
        "enter a number, or leave the cell empty";
    DATE_ONLY "date_only": "value has a time of day, but the attribute is a date",
        "remove the time of day, or pass dates='truncate' to drop it";
    ATTRIBUTE_VALUE "attribute_value":
        "value is not a string, a number, a bool, a date or a list of strings, or customAttributes is not a dict",
        "use a single value, or a list of strings for a multi-select";
    NOTHING_TO_CHANGE "nothing_to_change": "the row has nothing to change",
        "fill in a cell, use CLEAR to clear a field, or drop the row";
    CHANGED "changed_while_read": "the row changed while the call was running, or is no longer in the input",
        "make the call again";
    NOT_A_ROW "not_a_row": "the row is not a dict or another mapping of column names to values",
        "pass one dict per row";
    SAME_ID "same_id": "two rows change the same asset differently",
        "keep one row per id; for a new asset, clear the id and the values that only the service sets, such as version, and \
            pass the row to create()";
    IMPORT_KEY "import_key": "the import key is missing, or is not text",
        "fill in the cell";
    CATEGORY "category": "the category is unknown, ambiguous or inactive",
        "use the path of an active category of the project";
    STATUS "status": "the status is unknown, inactive or not in the category's status set",
        "use a status in the category's status set";
    LOCATION "location": "the location is unknown or ambiguous",
        "use the path of a location of the project";
    LOCATIONS_UNREAD "locations_unread": "the location cannot be looked up, because the project's \
        locations could not be read",
        "try again, or use the location's id; if this persists, check that the user may read the project's \
            locations";
    NOT_ASSIGNED "not_assigned": "the custom attribute is not assigned to the category",
        "leave the cell empty, or assign the attribute to the category";
    REQUIRED_ATTRIBUTE "required_attribute": "a custom attribute that the category requires is blank and \
        has no default",
        "fill in the cell";
    NUMBER "number": "value of a numeric attribute is not a number with a decimal point, or is ambiguous",
        "write the number with a decimal point and without spaces, for example 1234.5, or set decimal= and \
            thousands=";
    DATE "date": "value of a date attribute is not a date, does not exist or is ambiguous",
        "use a date cell, write year-month-day, for example 2031-02-28, or set dayfirst=";
    YES_NO "yes_no": "value of a boolean attribute is not true or false, yes or no, 1 or 0",
        "write yes or no, or name the words of your data with true_values= and false_values=";
    CHOICE "choice": "value of a select or multi-select attribute is not one of its options",
        "use the label or id of an option; separate the options of a multi-select with ;";
    LEADING_ZEROS "leading_zeros": "value is a number, but other rows have text with leading zeros; or the project has \
        the import key in another form, such as 0017 for 17, or 1.10 for 1.1; or the asset that the row is compared with \
        has the same digits with more leading zeros; or the row had them in its file of rows to fix",
        "write the value as text, with its leading zeros";
    TOO_MANY_DIGITS "too_many_digits": "value is a number of more than 15 digits, but Excel and floats keep \
        only 15",
        "write the value as text";
    TOTALS_ROW "totals_row": "the row has a title such as \"Total\" and no other required field, so it is not an \
        asset",
        "remove the row, or skip the last rows of the file with skip_footer=";
    HEADING_ROW "heading_row": "the row repeats the names of the columns, so it is not an asset", "remove the row";
    SAME_IMPORT_KEY "same_import_key": "rows with the same import key have different values",
        "make the rows equal if they are the same asset, else use a different key for each row";
    AMBIGUOUS_IMPORT_KEY "ambiguous_import_key": "several assets of the project have the import key of this row, and \
        none has its Asset ID",
        "give each of these assets its own key in the project, then call again";
    DIFFERS "differs": "an asset with the row's import key exists, and the value differs",
        "to change the asset, call project.assets.patch(result)";
    NOT_COMPARED "not_compared": "the row is compared with its asset, but the service did not return the asset",
        "call .retry(), or check the id";
    DELETED_ASSET "deleted_asset": "the asset was deleted",
        "remove the row";
    VERSION "version": "version is not a whole number",
        "use the version that the service returned, or leave the cell empty to overwrite later changes";
    DRIFTED "drifted": "the asset has changed since the row was read",
        "read the asset again, and repeat the change";
}

/// Returns every row check.
#[must_use]
pub fn rules() -> &'static [Rule] {
    RULES
}

impl Rule {
    pub(super) fn problem(&self, column: &str, value: &str, message: String, fix: &str) -> Problem {
        let escaped = match shown(&message) {
            Cow::Owned(escaped) => Some(escaped),
            Cow::Borrowed(_) => None,
        };
        Problem {
            code: Cow::Borrowed(self.code),
            column: column.to_owned(),
            value: shown(value).into_owned(),
            message: escaped.unwrap_or(message),
            fix: shown(if fix.is_empty() { self.fix } else { fix }).into_owned(),
        }
    }
}

/// Returns whether a key is a text of digits with more leading zeros than another one.
pub(crate) fn has_more_zeros(key: &str, other: &str) -> bool {
    let other = other.split_once('.').map_or(other, |(digits, _)| digits);
    key.starts_with('0') && key.len() > other.len() && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the fix for a column whose texts have lost their leading zeros.
fn restoring_zeros(column: &str, width: usize) -> String {
    format!(
        "restore the leading zeros, {width} digits in all: in Excel, give numbers the number format {zeros}, or convert texts \
         with =TEXT(cell, \"{zeros}\"); in pandas, read the column with dtype={{'{column}': str}} and use .str.zfill({width})",
        zeros = "0".repeat(width)
    )
}

impl Problem {
    /// Returns whether the settings, which may be outdated, do not have or allow the value, for example an
    /// unknown status.
    pub(super) fn is_of_settings(&self) -> bool {
        [&CATEGORY, &STATUS, &LOCATION, &NOT_ASSIGNED, &CHOICE]
            .iter()
            .any(|rule| rule.code == self.code)
    }

    /// Returns whether the problem is caused by a failed read, rather than by the row.
    #[must_use]
    pub fn is_of_reading(&self) -> bool {
        [&LOCATIONS_UNREAD, &NOT_COMPARED]
            .iter()
            .any(|rule| rule.code == self.code)
    }

    /// Returns whether the problem is what the asset has become, or that it was not read. The row itself may be right.
    #[must_use]
    pub fn is_of_asset(&self) -> bool {
        [&DRIFTED, &DELETED_ASSET, &NOT_COMPARED]
            .iter()
            .any(|rule| rule.code == self.code)
    }

    /// Returns whether the problem is a column that only the service sets.
    pub(super) fn is_set_by_service(&self) -> bool {
        self.code == SET_BY_SERVICE.code
    }

    /// Returns whether the problem is the id of an asset in a row of a new asset.
    pub(super) fn is_id_of_service(&self) -> bool {
        self.is_set_by_service() && self.column == "id"
    }

    /// Returns whether the problem is a value without its leading zeros.
    #[must_use]
    pub fn is_of_zeros(&self) -> bool {
        self.code == LEADING_ZEROS.code
    }

    /// Returns whether the problem is a change of the asset since the row was read.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        self.code == DRIFTED.code
    }

    /// Creates the problem for a value that differs from that of the asset with the row's import key.
    #[must_use]
    pub fn differs(column: &str, value: &str, of_asset: &str) -> Self {
        let shown = |text: &str| {
            if text.is_empty() {
                "blank".to_owned()
            } else {
                format!("'{text}'")
            }
        };
        let message = format!(
            "`{column}` is {}, but the asset with this import key has {}",
            shown(value),
            shown(of_asset)
        );
        DIFFERS.problem(column, value, message, "")
    }

    /// Creates the problem for a row with the import key of the row `other` of the same run.
    #[must_use]
    pub fn import_key_of_row(field: &str, key: &str, other: &str) -> Self {
        let message = format!("the import key `{field}` {key} is that of {other} of this run");
        SAME_IMPORT_KEY.problem(field, key, message, "")
    }

    /// Creates the problem for an import key that is a number in the row, and that the project writes in another way.
    /// `is_file` is whether the rows come from a file, and `has_both` whether the project has the usual text of the number too.
    #[must_use]
    pub fn key_as_number(column: &str, number: &str, key: &str, is_file: bool, has_both: bool) -> Self {
        let message = format!("`{column}` is {number}: a number, but the project has the import key '{key}'");
        let fix = if has_more_zeros(key, number) && !has_both {
            restoring_zeros(column, key.len())
        } else if is_file {
            "format the column as text in the sheet, and write the key of the asset if the row is this asset"
                .to_owned()
        } else {
            format!(
                "read the column as text, for example with dtype={{'{column}': str}}, or pass the path of the file"
            )
        };
        LEADING_ZEROS.problem(column, number, message, &fix)
    }

    /// Creates the problem for a value that was the text `before` in a file of rows to fix. `is_file` is whether the rows come
    /// from a file.
    #[must_use]
    pub fn lost_zeros_of_fixes(column: &str, value: &str, before: &str, is_file: bool) -> Self {
        let message = format!("`{column}` is {value}, but was '{before}' in the file of rows to fix");
        let fix = if is_file {
            "format the cell as text, and type all digits. If the value is meant, correct it in the sheet, and pass all rows"
                .to_owned()
        } else {
            format!(
                "pass the path of the file, read it with dtype={{'{column}': str}}, or write the value as text with all digits"
            )
        };
        LEADING_ZEROS.problem(column, value, message, &fix)
    }

    /// Creates the problem for an import key of digits that the project has with more or fewer leading zeros.
    #[must_use]
    pub fn key_with_other_zeros(column: &str, written: &str, key: &str) -> Self {
        let message = format!("`{column}` is '{written}', but the project has the import key '{key}'");
        let fix = if has_more_zeros(key, written) {
            restoring_zeros(column, key.len())
        } else {
            "write the key of the asset if the row is this asset, or give the asset the key of the row with patch first"
                .to_owned()
        };
        LEADING_ZEROS.problem(column, written, message, &fix)
    }

    /// Creates the problem for a short import key of digits, if other keys of the rows have lost leading zeros. The project
    /// has the key `other` instead of one of these.
    #[must_use]
    pub fn key_without_zeros(column: &str, written: &str, other: &str) -> Self {
        let message = format!(
            "`{column}` is '{written}', but other rows have lost leading zeros: the project has '{other}', for example"
        );
        let fix = format!(
            "{}. If the key has no zeros, create the row in a call of its own",
            restoring_zeros(column, other.len())
        );
        LEADING_ZEROS.problem(column, written, message, &fix)
    }

    /// Creates the problem for a short import key that is a number, if the project has no such short keys, but keys of `width`
    /// digits with leading zeros.
    #[must_use]
    pub fn number_without_zeros(column: &str, number: &str, width: usize) -> Self {
        let message = format!(
            "`{column}` is {number}: a number, but the import keys of the project have {width} digits, with leading zeros"
        );
        let fix = format!("{}, or write it as text", restoring_zeros(column, width));
        LEADING_ZEROS.problem(column, number, message, &fix)
    }

    /// Creates the problem for an import key that several assets of the project have, whose Asset IDs differ from that of
    /// the row.
    #[must_use]
    pub fn ambiguous_import_key(column: &str, key: &str, ids: &[String]) -> Self {
        let message = format!(
            "{} assets of the project have the import key `{column}` {key}, and none has the Asset ID of this row: {}",
            ids.len(),
            shortened(&ids.join(", "), 200)
        );
        let fix = format!("give each of these assets its own {column} in the project, then call again");
        AMBIGUOUS_IMPORT_KEY.problem(column, key, message, &fix)
    }

    /// Creates the problem for a row that was read a second time, and differs from what was checked.
    #[must_use]
    pub fn changed() -> Self {
        CHANGED.problem("", "", CHANGED.says.to_owned(), "")
    }

    /// Creates the problem for a list item that is not a row. `found` describes the item.
    #[must_use]
    pub fn not_a_row(found: &str) -> Self {
        NOT_A_ROW.problem("", found, format!("this row is {found}, not a dict"), "")
    }

    /// Creates the problem for a patch row that has the same id as the row `other` but different values.
    #[must_use]
    pub fn same_id(id_column: &str, id: &str, other: &str) -> Self {
        let message = format!("`{id_column}` {id} has different values in {other}");
        SAME_ID.problem(id_column, id, message, "")
    }

    /// Creates the problem for a patch row with the id of the row `other` of the same run, which has other values or is
    /// not part of this call.
    #[must_use]
    pub fn id_of_row(id_column: &str, id: &str, other: &str) -> Self {
        let message = format!("`{id_column}` {id} is that of {other} of this run");
        SAME_ID.problem(id_column, id, message, "use another id")
    }

    /// Creates the problem for a row that has the same import key as the row `other` but different values.
    #[must_use]
    pub fn same_import_key(field: &str, key: &str, other: &str) -> Self {
        let message = format!("the import key `{field}` {key} has different values in {other}");
        SAME_IMPORT_KEY.problem(field, key, message, "")
    }
}
