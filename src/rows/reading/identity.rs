//! What the options make of a text that identifies a row of a run.

use std::borrow::Cow;

use super::number::{DIGITS, LONGEST, is_separator};
use super::options::Reading;
use crate::model::text::trimmed;
use crate::rows::columns::Naming;

impl Reading {
    /// Returns the number of a text in a column of numbers, if it would be another number without these options. Without
    /// them, pandas reads a text such as 1.234 in a workbook.
    #[must_use]
    pub fn number_of_text(&self, column: &str, text: &str, naming: Naming<'_>) -> Option<f64> {
        let own = self.of_column(column, naming);
        let read = own.as_ref().unwrap_or(self).identity("numeric", trimmed(text))?;
        let digits = read.bytes().filter(u8::is_ascii_digit).count();
        read.parse().ok().filter(|_| digits <= DIGITS)
    }

    /// Returns what is part of the identity of a row instead of the text of a numeric or date attribute, if these options
    /// read the text in another way than the defaults do. So a run that is resumed with other options does not take the
    /// row for the one that was imported. Different texts have the same identity only if they have the same value.
    ///
    /// A text that the defaults cannot read stays as it is, because options may be added to correct the rows of a run.
    /// Where two options can read such a text differently, one of them counts as the default.
    pub(in crate::rows) fn identity(&self, data_type: &str, text: &str) -> Option<String> {
        if text.len() > LONGEST {
            return None;
        }
        let usual = Self::default();
        match data_type {
            "numeric" if self.decimal() != '.' || self.thousands.is_some() => {
                let (before, after) = (usual.number(text).ok(), self.number(text).ok());
                let has_groups = self
                    .thousands
                    .is_some_and(|separator| text.contains(|character| is_separator(character, separator)));
                let is_other = before != after && (before.is_some() || (has_groups && after.is_some()));
                is_other.then(|| after.map_or_else(|| format!("not {text}"), Cow::into_owned))
            }
            "date" if self.dayfirst == Some(false) && usual.date(text).is_err() => {
                self.date(text).ok().map(|date| date.to_string())
            }
            _ => None,
        }
    }
}
