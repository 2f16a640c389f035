//! The one table of row checks, and what a row that breaks one is told.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::shown;

/// A row check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stands in every problem and stays the same between versions.
    pub code: &'static str,
    /// What must be true.
    pub says: &'static str,
    /// What to do where a row breaks it; a problem may know a better way.
    pub fix: &'static str,
}

/// What is wrong with one value of a row, or with the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The code of the rule.
    pub rule: Cow<'static, str>,
    /// The column as the user wrote it; empty if it is about the whole row.
    pub column: String,
    /// The value, shortened; empty if there is none.
    pub value: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub fix: String,
}

macro_rules! rules {
    ($($name:ident $code:literal: $says:literal, $fix:literal;)+) => {
        $(pub(super) const $name: Rule = Rule { code: $code, says: $says, fix: $fix };)+
        static RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    REQUIRED "required": "a field that the service requires is given and not blank",
        "fill the cell";
    UNKNOWN_COLUMN "unknown_column": "every column is a field of an asset",
        "rename or drop the column";
    UNKNOWN_ATTRIBUTE "unknown_attribute": "the keys of customAttributes are ca1, ca2 and so on",
        "use the name of the custom attribute, such as ca1, not its display name";
    SET_BY_SERVICE "set_by_service": "fields that the service sets itself are not given",
        "drop this column";
    TWICE "twice": "a field is given once in a row",
        "keep one of the two";
    NULL "null": "with nulls='error' no cell is null",
        "fill the cell, leave the column out, or use CLEAR to clear the field";
    CLEAR "clear": "CLEAR is for fields of a patch that may be empty",
        "leave the cell empty";
    FORMULA "formula_without_value": "a formula of a sheet was saved without its value",
        "open the file in Excel and save it, or write the value itself into the cell";
    TEXT "text": "a text field takes text, numbers and dates",
        "give the value as text";
    TOO_LONG "too_long": "a description has at most 1000 characters, a custom attribute's text at most 250",
        "shorten the text";
    WHOLE_NUMBER "whole_number": "a category id is a whole number",
        "use the id of a category of the project, for example 42";
    UUID "uuid": "ids of assets, statuses and locations are UUIDs",
        "use the id, not the name";
    TURNED_TO_TEXT "turned_to_text": "an id is not what is left of a number or a blank cell turned to text",
        "do not use astype(str) on this column: give the numbers and blanks as they are";
    NOT_FINITE "not_finite": "a number is finite",
        "give a number, or leave the cell empty";
    DATE_ONLY "date_only": "a date attribute has no time of day",
        "give the date alone, or pass dates='date' to drop the time of day";
    ATTRIBUTE_VALUE "attribute_value":
        "a custom attribute is a text, number, bool, date or a list of texts; customAttributes is a dict of them",
        "give a single value, or a list of texts for a multi-select";
    NOTHING_TO_CHANGE "nothing_to_change": "a patch changes at least one field",
        "leave the row out, fill a cell, or use CLEAR to clear one";
    NOT_A_ROW "not_a_row": "a row is a dict or another mapping from column names to values",
        "give one dict a row";
    SAME_ID "same_id": "rows of a patch with the same id are equal",
        "keep one row an id";
    IMPORT_KEY "import_key": "every row has an import key that is text, or none has one",
        "fill the cell, or drop the column to have the keys made";
    CATEGORY "category": "a category is given by id, by path or by a name that only one active category has",
        "use the path of an active category of the project";
    STATUS "status": "a status is given by id or label, and is one of the category's status set",
        "use a status of the category's status set";
    LOCATION "location": "a location is given by id, path, barcode or a name that only one location has",
        "use the path of a location of the project";
    LOCATIONS_UNREAD "locations_unread": "the project's locations could not be read, so the name of one cannot be looked \
        up",
        "call again, or give the location's id; if it stays so, see that the user may read the project's locations";
    NOT_ASSIGNED "not_assigned": "a custom attribute is given only where it is assigned to the category",
        "leave the cell empty, or assign the attribute to the category";
    REQUIRED_ATTRIBUTE "required_attribute": "a custom attribute that the category requires is given, or has a default",
        "fill the cell";
    NUMBER "number": "a numeric attribute takes a number with a point as decimal sign",
        "write the number with a point and without spaces, such as 1234.5";
    DATE "date": "a date attribute takes a date, or text such as 2031-02-28",
        "make it a date cell, or write year-month-day, such as 2031-02-28";
    YES_NO "yes_no": "a boolean attribute takes true or false, yes or no, 1 or 0",
        "write yes or no";
    CHOICE "choice": "a select attribute takes its own values, by label or id; a multi-select a list of them or text \
        with ; between them",
        "use a value that the attribute offers";
    SAME_IMPORT_KEY "same_import_key": "rows with the same import key are equal",
        "give each row a key of its own";
}

/// Every row check; each problem's rule stands here.
#[must_use]
pub fn rules() -> &'static [Rule] {
    RULES
}

impl Rule {
    pub(super) fn problem(&self, column: &str, value: &str, message: String, fix: &str) -> Problem {
        Problem {
            rule: Cow::Borrowed(self.code),
            column: column.to_owned(),
            value: shown(value).into_owned(),
            message: shown(&message).into_owned(),
            fix: shown(if fix.is_empty() { self.fix } else { fix }).into_owned(),
        }
    }
}

impl Problem {
    /// Whether it is something that the project does not have.
    pub(super) fn is_of_settings(&self) -> bool {
        [&CATEGORY, &STATUS, &LOCATION, &NOT_ASSIGNED, &CHOICE]
            .iter()
            .any(|rule| rule.code == self.rule)
    }

    /// Whether it is about what could not be read, not about the row.
    #[must_use]
    pub fn is_of_reading(&self) -> bool {
        self.rule == LOCATIONS_UNREAD.code
    }

    /// A list item that is no row; `found` says what it is.
    #[must_use]
    pub fn not_a_row(found: &str) -> Self {
        NOT_A_ROW.problem("", found, format!("this row is {found}, not a dict"), "")
    }

    /// A row of a patch whose id stands in another row with other values; `other` says which.
    #[must_use]
    pub fn same_id(id_column: &str, id: &str, other: &str) -> Self {
        let message = format!("`{id_column}` {id} is given again, with other values, in {other}");
        SAME_ID.problem(id_column, id, message, "")
    }

    /// A row whose import key stands in another row with other values; `other` says which.
    #[must_use]
    pub fn same_import_key(field: &str, key: &str, other: &str) -> Self {
        let message = format!("the import key `{field}` {key} is given again, with other values, in {other}");
        SAME_IMPORT_KEY.problem(field, key, message, "")
    }
}
