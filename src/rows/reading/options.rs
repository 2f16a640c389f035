//! The options for reading text, for all columns and for some of them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::api::field::Fields;
use crate::input::{Preparation, Replacements};
use crate::rows::columns::{self, Naming};
use crate::settings::Settings;

/// Options for reading text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// The decimal separator: a point or a comma. If `None`, a point.
    pub decimal: Option<char>,
    /// The separator between groups of three digits. If `None`, numbers have no such separator.
    pub thousands: Option<char>,
    /// Whether the day comes before the month in a date such as 3/4/2026. If `None`, such a date is invalid.
    pub dayfirst: Option<bool>,
    /// The same options for some columns only.
    pub decimal_of: Vec<(String, char)>,
    pub thousands_of: Vec<(String, char)>,
    pub dayfirst_of: Vec<(String, bool)>,
    /// Further texts that mean true. `false_values` is the same for false.
    pub true_values: Vec<String>,
    pub false_values: Vec<String>,
    /// Texts to replace, by column.
    pub values: Vec<(String, Replacements)>,
    /// Columns whose blank cells have the value of the cell above.
    pub fill_down: Vec<String>,
    /// The names of the options that are from a mapping file.
    pub shared: Vec<String>,
}

/// Why a text is not read, and how to fix it. The fix is empty if it is the same as that of the rule.
pub(in crate::rows) type Unread = (Cow<'static, str>, Cow<'static, str>);

pub(super) fn unread<T>(
    reason: impl Into<Cow<'static, str>>,
    fix: impl Into<Cow<'static, str>>,
) -> Result<T, Unread> {
    Err((reason.into(), fix.into()))
}

/// Returns the value of a column, if it has its own.
fn find<T: Copy>(of: &[(String, T)], is_called: impl Fn(&str) -> bool) -> Option<T> {
    let found = of.iter().find(|(name, _)| is_called(name));
    found.map(|(_, value)| *value)
}

const KEEP_ONE: &str = "Keep one of them";

/// Checks that names with different values do not mean the same column.
fn fits<T: PartialEq>(
    option: &str,
    of: &[(String, T)],
    fix: &str,
    are_one: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    for (place, (column, value)) in of.iter().enumerate() {
        let mut before = of[..place].iter();
        if let Some((other, _)) = before.find(|(other, known)| known != value && are_one(other, column)) {
            return Err(format!(
                "{option}: '{other}' and '{column}' are the same column. {fix}"
            ));
        }
    }
    Ok(())
}

/// Returns the words of a call, or else those that a file remembers. `is_shared` is whether the words are from a mapping
/// file, which comes last.
fn either(given: &[String], remembered: &[String], is_shared: bool) -> Vec<String> {
    let is_given = !given.is_empty() && (!is_shared || remembered.is_empty());
    if is_given { given } else { remembered }.to_vec()
}

/// Returns an option for all columns and for some, of a call and of what a file remembers. `is_shared` is whether the option
/// is from a mapping file.
fn of_both<T: Copy>(
    given: (Option<T>, &[(String, T)]),
    remembered: (Option<T>, &[(String, T)]),
    is_shared: bool,
) -> (Option<T>, Vec<(String, T)>) {
    let is_remembered = remembered.0.is_some() || !remembered.1.is_empty();
    if is_shared && is_remembered {
        return (remembered.0, remembered.1.to_vec());
    }
    if given.0.is_some() {
        return (given.0, given.1.to_vec());
    }
    // An option for single columns leaves the others as they are.
    let others = remembered.1.iter();
    let others = others.filter(|(name, _)| given.1.iter().all(|(known, _)| known != name));
    (remembered.0, given.1.iter().chain(others).cloned().collect())
}

impl Reading {
    /// Returns how to prepare the rows, if their texts are replaced or their blank cells filled. `fields` are those of
    /// the rows.
    #[must_use]
    pub fn preparation(
        &self,
        fields: Fields,
        mapping: &[(String, Option<String>)],
        settings: Option<Arc<Settings>>,
    ) -> Option<Preparation> {
        if self.values.is_empty() && self.fill_down.is_empty() {
            return None;
        }
        let mapping = mapping.to_vec();
        let (own, known) = (mapping.clone(), settings.clone());
        let has_items = move |column: &str| {
            let naming = Naming {
                fields,
                mapping: &own,
                settings: known.as_deref(),
            };
            columns::has_items(column, naming)
        };
        let is_called = move |column: &str, name: &str| {
            let naming = Naming {
                fields,
                mapping: &mapping,
                settings: settings.as_deref(),
            };
            columns::is_called(column, name, naming)
        };
        let required = fields.0.iter().filter(|field| field.required);
        let required = required.map(|field| field.name);
        Some(Preparation::new(
            &self.values,
            &self.fill_down,
            required.collect(),
            Box::new(is_called),
            Box::new(has_items),
        ))
    }

    /// Returns the options that say what a text means, as JSON for a file of the same texts. `None` if none is set.
    #[must_use]
    pub fn to_remember(&self) -> Option<String> {
        let meaning = Self {
            values: Vec::new(),
            fill_down: Vec::new(),
            shared: Vec::new(),
            ..self.clone()
        };
        if meaning == Self::default() {
            return None;
        }
        let options = serde_json::json!({
            "decimal": self.decimal, "decimal_of": self.decimal_of,
            "thousands": self.thousands, "thousands_of": self.thousands_of,
            "dayfirst": self.dayfirst, "dayfirst_of": self.dayfirst_of,
            "true_values": self.true_values, "false_values": self.false_values,
        });
        // Programs remove blanks at the ends of a property.
        Some(options.to_string().replace(' ', "\\u0020"))
    }

    /// Adds the options that a file remembers. Options of the call take precedence over them. Options of a mapping file do
    /// not, because it may serve several files.
    #[must_use]
    pub fn with_remembered(&self, json: &str) -> Self {
        let Ok(remembered) = serde_json::from_str::<Self>(json) else {
            return self.clone();
        };
        let is_shared = |name: &str| self.shared.iter().any(|shared| shared == name);
        let mut read = Self {
            true_values: either(
                &self.true_values,
                &remembered.true_values,
                is_shared("true_values"),
            ),
            false_values: either(
                &self.false_values,
                &remembered.false_values,
                is_shared("false_values"),
            ),
            ..self.clone()
        };
        (read.decimal, read.decimal_of) = of_both(
            (self.decimal, &self.decimal_of),
            (remembered.decimal, &remembered.decimal_of),
            is_shared("decimal"),
        );
        (read.thousands, read.thousands_of) = of_both(
            (self.thousands, &self.thousands_of),
            (remembered.thousands, &remembered.thousands_of),
            is_shared("thousands"),
        );
        (read.dayfirst, read.dayfirst_of) = of_both(
            (self.dayfirst, &self.dayfirst_of),
            (remembered.dayfirst, &remembered.dayfirst_of),
            is_shared("dayfirst"),
        );
        // One of the separators was given, and the other one is only remembered.
        if read.thousands == Some(read.decimal()) {
            if read.thousands == self.thousands {
                read.decimal = self.decimal;
            } else {
                read.thousands = self.thousands;
            }
        }
        read
    }

    /// Returns how to read a column, if that differs from the other columns.
    pub(in crate::rows) fn of_column(&self, column: &str, naming: Naming<'_>) -> Option<Self> {
        let is_called = |name: &str| columns::is_called(column, name, naming);
        let own = (
            find(&self.decimal_of, is_called),
            find(&self.thousands_of, is_called),
            find(&self.dayfirst_of, is_called),
        );
        (own != (None, None, None)).then(|| Self {
            decimal: own.0.or(self.decimal),
            thousands: own.1.or(self.thousands),
            dayfirst: own.2.or(self.dayfirst),
            ..self.clone()
        })
    }

    /// Checks the options of single columns. Without the settings, the names of attributes are unknown.
    ///
    /// # Errors
    /// A message if two names with different options mean the same column, or if both separators of a column are the same.
    pub fn check_columns(&self, naming: Naming<'_>) -> Result<(), String> {
        let are_one = |one: &str, other: &str| columns::are_one(one, other, naming);
        fits(
            "values",
            &self.values,
            "Write all of its texts below one name",
            are_one,
        )?;
        fits("dayfirst", &self.dayfirst_of, KEEP_ONE, are_one)?;
        fits("decimal", &self.decimal_of, KEEP_ONE, are_one)?;
        fits("thousands", &self.thousands_of, KEEP_ONE, are_one)?;
        let with_own = self.decimal_of.iter().chain(&self.thousands_of);
        let with_own = with_own.map(|(column, _)| Some(column.as_str()));
        for column in std::iter::once(None).chain(with_own) {
            let is_called = |name: &str| column.is_some_and(|column| are_one(column, name));
            let decimal = find(&self.decimal_of, is_called).or(self.decimal).unwrap_or('.');
            if find(&self.thousands_of, is_called).or(self.thousands) == Some(decimal) {
                let of_column = column.map_or_else(String::new, |column| format!(" of '{column}'"));
                return Err(format!(
                    "thousands='{decimal}' is also the decimal separator{of_column}. Set decimal= to the other one"
                ));
            }
        }
        Ok(())
    }

    /// Returns the decimal separator.
    pub(in crate::rows) fn decimal(&self) -> char {
        self.decimal.unwrap_or('.')
    }
}
