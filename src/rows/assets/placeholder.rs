//! Texts such as "n/a" that stand for a blank cell.

use super::state::Assets;
use crate::input::{Cell, Column, Replacement};
use crate::model::text::trimmed;
use crate::rows::columns;
use crate::rows::rules::{DATE, NUMBER, YES_NO};
use crate::rows::value::Refusal;
use crate::rows::writer::Writer;

impl Writer<Assets> {
    /// Names the option that makes a text such as "n/a" blank, or a value of an option that should have made it blank, in the
    /// fix of a number, date or boolean.
    pub(super) fn with_fix_of_placeholder(
        &self,
        column: Option<Column>,
        cell: &Cell<'_>,
        refusal: Refusal,
    ) -> Refusal {
        let Some(column) = column.map(|column| self.called(column)) else {
            return refusal;
        };
        let fix = match cell {
            Cell::Text(text) if [&NUMBER, &DATE].contains(&refusal.rule) && is_placeholder(trimmed(text)) => {
                let usual = match &*refusal.fix {
                    "" => refusal.rule.fix,
                    fix => fix,
                };
                format!(
                    "{usual}. If the text stands for a blank cell, set values={{\"{column}\": {{\"{}\": \"\"}}}}",
                    trimmed(text)
                )
            }
            // All words of a column are one cause.
            Cell::Text(text) if *refusal.rule == YES_NO && is_placeholder(trimmed(text)) => format!(
                "{}. If a word stands for a blank cell, set values={{\"{column}\": {{\"...\": \"\"}}}}",
                refusal.rule.fix
            ),
            Cell::Bool(false) if self.is_replaced_by_false(column) => {
                "values= replaces a text of this column by false. To make the cell blank, replace it by \"\""
                    .to_owned()
            }
            _ => return refusal,
        };
        Refusal {
            fix: fix.into(),
            ..refusal
        }
    }

    fn is_replaced_by_false(&self, column: &str) -> bool {
        let naming = self.naming();
        let mut own = self
            .policy
            .names
            .reading
            .values
            .iter()
            .filter(|(name, _)| columns::is_called(column, name, naming));
        own.any(|(_, texts)| {
            texts
                .iter()
                .any(|(_, new)| *new == Some(Replacement::Bool(false)))
        })
    }
}

/// Returns whether a text probably stands for a blank cell: a short word or a sign.
fn is_placeholder(text: &str) -> bool {
    const LONGEST: usize = 12;
    text.chars().count() <= LONGEST && !text.chars().any(char::is_numeric) && !text.contains(['"', '\\'])
}
