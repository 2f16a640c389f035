//! The warnings about rows that are not refused.

use super::state::{Label, RowKind, Writer};
use crate::rows::column_use::ColumnUse;
use crate::rows::columns::NOT_RECOGNIZED;
use crate::rows::in_rows::in_rows;
use crate::rows::outcomes::OF_OUTCOMES;

impl<K: RowKind> Writer<K> {
    /// Returns the warnings, which make no row invalid. `named` returns the label of a row.
    pub(in crate::rows) fn warnings(&self, named: Label<'_>) -> Vec<String> {
        let (typos, unknown) = self.ignored();
        let blanks = self.blanks_as_text.iter().map(|(column, row)| {
            let first = named(*row);
            format!(
                "column '{column}' has text such as 'nan' (first: {first}), which looks like a blank cell \
                    and is sent unchanged. Remove astype(str), or replace the text with None"
            )
        });
        let trimmed = self.trimmed.iter().map(|(column, rows, first)| {
            let rows = in_rows(*rows, &named(*first));
            format!("leading or trailing spaces were removed from `{column}` {rows}")
        });
        let overlong = self.overlong.iter().map(|(column, expected, rows, first)| {
            let rows = in_rows(*rows, &named(*first));
            format!(
                "`{column}` is longer than {expected} characters {rows}. The service may reject it; \
                shorten it"
            )
        });
        typos
            .into_iter()
            .chain(K::misread(self, named))
            .chain(self.office.numbers(self.row_title().is_some(), named))
            .chain(self.office.short_texts(named))
            .chain(blanks)
            .chain(trimmed)
            .chain(overlong)
            .chain(unknown)
            .chain(self.outcomes())
            .chain(K::compared(self, named))
            .chain(self.notes_on_options())
            .chain(K::noticed(self, named))
            .collect()
    }

    /// Returns the warning about ignored columns of outcomes.
    fn outcomes(&self) -> Option<String> {
        let mut columns = self.uses.iter().filter(|used| used.note == OF_OUTCOMES);
        let first = &columns.next()?.column;
        let all: Vec<String> = std::iter::once(first)
            .chain(columns.map(|used| &used.column))
            .map(|column| format!("`{column}`"))
            .collect();
        Some(format!(
            "columns with the outcomes of an earlier call were ignored: {}. To import one, use mapping={{'{first}': ...}}",
            all.join(", ")
        ))
    }

    /// Returns the warnings about ignored columns: one per column whose name is probably a typo, and one for all
    /// other unknown columns.
    fn ignored(&self) -> (Vec<String>, Option<String>) {
        let unknown = |used: &&ColumnUse| used.field.is_none() && used.note.starts_with(NOT_RECOGNIZED);
        let (typos, others): (Vec<&ColumnUse>, Vec<&ColumnUse>) = self
            .uses
            .iter()
            .filter(unknown)
            .partition(|used| used.title.is_some());
        let typos = typos.into_iter().map(|ColumnUse { column, title, .. }| {
            let title = title.as_deref().unwrap_or_default();
            format!(
                "did you mean `{title}`? Column '{column}' was ignored because its name is unknown. Rename it, or \
                ignore it with mapping={{'{column}': None}}"
            )
        });
        let others: Vec<&str> = others.iter().map(|used| used.column.as_str()).collect();
        let unknown = match others[..] {
            [] => None,
            [..] if others.len() == self.uses.len() && self.rows > 0 => Some(format!(
                "no column name is known: '{}'. Map them with mapping=, or {}",
                others.join("', '"),
                self.too_low().unwrap_or_else(|| {
                    "if the column names are in a lower row of the file, set skip_rows= to the number of rows above \
                    them"
                        .to_owned()
                })
            )),
            [one] => Some(format!(
                "column '{one}' was ignored: unknown column. To import it, use mapping={{'{one}': ...}}"
            )),
            [first, ..] => Some(format!(
                "{} columns were ignored: unknown columns '{}'. To import one, use mapping={{'{first}': ...}}",
                others.len(),
                others.join("', '")
            )),
        };
        (typos.collect(), unknown)
    }
}
