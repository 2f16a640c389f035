//! Values as text, as in a file. `patch` and `create` read the text as the same value.

use std::borrow::Cow;

use crate::columns::{self, Cell};
use crate::model::text::joined;

/// Returns the text of a value. Null is blank.
#[must_use]
pub fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::List(items) => joined(&items.iter().collect::<Vec<_>>()).into(),
        cell => columns::text(cell),
    }
}
