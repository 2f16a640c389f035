//! Responses as columns: each page is read in one pass as it arrives and kept as columns.
//!
//! `received` reads one response, and `builder` puts its rows into columns. `members` predicts the members of an
//! object, and `shapes` stores which of them each row has. `column` stores the values of one column, and `mapped`
//! replaces them. `page` is the result, and `table` joins pages. `arrow` writes record batches.

mod arrow;
mod builder;
mod cell;
mod column;
mod data;
mod kind;
mod mapped;
mod members;
mod named_columns;
mod odd;
mod page;
mod received;
mod shapes;
mod spare;
mod table;
mod texts;
mod time;

pub use arrow::{Batches, Parts, TextLayout, batch, text};
pub use builder::{Builder, TooWide};
pub use cell::{Cell, List, day, printed_date, printed_time};
pub use column::PageColumn;
pub use kind::{Kinds, Type};
pub use mapped::{Image, Unparsed};
pub use members::{Member, Slot};
pub use page::Page;
pub use received::{Received, Unread};
pub use table::{Layout, Segment, Table};
