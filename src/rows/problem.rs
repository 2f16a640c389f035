//! Cells as messages show them, and the problems with cells.

use crate::input::{Cell, with_offset};
use crate::model::text::trimmed;
use crate::rows::rules::{Problem, TWICE};
use crate::rows::value::Refusal;

pub(super) fn refused(column: &str, cell: &Cell<'_>, refusal: &Refusal) -> Problem {
    let value = shown(cell);
    let message = match cell {
        Cell::Text(_) | Cell::Shown { .. } => format!("`{column}` is '{value}': {}", refusal.reason),
        Cell::Formula { cell, formula: "" } => {
            format!("`{column}` is a formula in cell {cell}: {}", refusal.reason)
        }
        Cell::Formula { cell, formula } => {
            let formula = shortened(formula, LONGEST_FORMULA);
            format!(
                "`{column}` is the formula `{formula}` in cell {cell}: {}",
                refusal.reason
            )
        }
        _ => format!("`{column}` is {value}: {}", refusal.reason),
    };
    refusal.rule.problem(column, &value, message, &refusal.fix)
}

/// Creates the problem for a field that was given twice. `first` is the earlier column with the same meaning.
pub(super) fn given_twice(column: &str, first: &str, cell: &Cell<'_>) -> Problem {
    let message = if first == column {
        format!("`{column}` appears twice in this row")
    } else {
        format!("`{column}` and `{first}` set the same field, and both have a value in this row")
    };
    TWICE.problem(column, &shown(cell), message, "")
}

/// The maximum length of a formula in a message.
const LONGEST_FORMULA: usize = 40;

/// Returns the trimmed string. `None` if trimming would change nothing or leave nothing.
pub(super) fn without_blanks<'c>(cell: &Cell<'c>) -> Option<Cell<'c>> {
    let (Cell::Text(text) | Cell::Shown { text, .. }) = cell else {
        return None;
    };
    let kept = trimmed(text);
    (kept.len() < text.len() && !kept.is_empty()).then_some(Cell::Text(kept))
}

pub(super) fn is_blank(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => trimmed(text).is_empty(),
        _ => false,
    }
}

pub(super) fn is_number(cell: &Cell<'_>) -> bool {
    matches!(
        cell,
        Cell::Int(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Digits(_)
    )
}

/// Formats and shortens a value for a message.
pub(super) fn shown(cell: &Cell<'_>) -> String {
    const LONGEST: usize = 60;
    let text = match cell {
        Cell::Null => "null".into(),
        Cell::Clear => "CLEAR".into(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Float32(number) => number.to_string(),
        Cell::Digits(text) | Cell::Text(text) | Cell::Shown { text, .. } => return shortened(text, LONGEST),
        Cell::Date(date) => date.to_string(),
        Cell::DateTime(moment) => moment.to_string(),
        Cell::Zoned(moment, offset) => with_offset(*moment, *offset),
        Cell::List(items) => {
            let items: Vec<String> = items.iter().take(3).map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Cell::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .take(3)
                .map(|(name, value)| format!("{name}: {}", shown(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Cell::Formula { cell, formula: "" } => format!("a formula (cell {cell})"),
        Cell::Formula { cell, formula } => {
            format!("{} (cell {cell})", shortened(formula, LONGEST_FORMULA))
        }
        Cell::Other(kind) => format!("of type {kind}"),
    };
    shortened(&text, LONGEST)
}

pub(super) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}
