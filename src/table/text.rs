//! Values as text, as in a file. `patch` and `create` read the text as the same value.

use std::borrow::Cow;

use crate::columns::{self, Cell};
use crate::model::text::joined;

/// The largest whole number that is written without an exponent.
const WHOLE: f64 = 1e15;

/// Returns the text of a value. Null is blank, and a whole number has no point.
#[must_use]
pub fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::List(items) => joined(&items.iter().collect::<Vec<_>>()).into(),
        Cell::Float(number) if number.fract() == 0.0 && number.abs() < WHOLE => number.to_string().into(),
        cell => columns::text(cell),
    }
}
