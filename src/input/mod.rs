//! Where rows come from, independent of Python: a source pushes cells into a sink.

pub mod arrow;
mod cell;
mod fill_down;
mod headings;
mod names;
mod owned;
mod padded;
mod prepared;
mod replacements;
mod selected;
pub mod sheet;
mod source;
mod totals;

pub use cell::{Cell, date_of_day, with_offset};
pub use headings::Headings;
pub use names::duplicate;
pub(crate) use owned::Owned;
pub use padded::Padded;
pub use prepared::{Preparation, Prepared};
pub use replacements::{Replacement, Replacements};
pub use selected::{Selected, Selection};
pub use source::{Column, Label, More, Sink, Source, SourceError};
pub use totals::{is_total, is_total_row};
