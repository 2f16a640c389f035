//! Responses as columns: a page is read in one pass as it arrives, and what is kept of it is columns.
//!
//! `scan` reads JSON tokens, `shape` predicts the members of an object, `column` holds values of one type, `page` turns one
//! response into columns, `table` puts pages together, and `arrow` writes them as record batches.

mod arrow;
mod column;
mod kind;
mod page;
mod shape;
mod table;
mod texts;
mod time;

pub use arrow::{Batches, Parts, Texts as TextLayout, batch, text};
pub use column::{Cell, Column, List, printed_time};
pub use kind::Type;
pub use page::{Builder, Page, Received};
pub use shape::{Member, Slot};
pub use table::{Layout, Segment, Table};
