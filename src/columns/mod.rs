//! Responses as columns: each page is read in one pass as it arrives and kept as columns.
//!
//! `received` reads one response, and `builder` puts its rows into columns. `shape` predicts the members of an
//! object. `column` stores the values of one column, and `mapped` replaces them. `page` is the result, and `table` joins pages. `arrow` writes
//! record batches.

mod arrow;
mod builder;
mod column;
mod kind;
mod mapped;
mod page;
mod received;
mod shape;
mod table;
mod texts;
mod time;

pub use arrow::{Batches, Parts, Texts as TextLayout, batch, text};
pub use builder::{Builder, TooWide};
pub use column::{Cell, Column, List, day, printed_date, printed_time};
pub use kind::{Kinds, Type};
pub use mapped::{Image, Unparsed};
pub use page::Page;
pub use received::{Received, Unread};
pub use shape::{Member, Slot};
pub use table::{Layout, Segment, Table};
