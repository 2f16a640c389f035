//! Responses as columns: a page is read in one pass as it arrives, and what is kept of it is columns.
//!
//! `received` reads one response, `builder` puts its rows into columns, `shape` predicts the members of an object, `column`
//! holds values of one type, `page` is what comes out, `table` puts pages together, and `arrow` writes them as record batches.

mod arrow;
mod builder;
mod column;
mod kind;
mod page;
mod received;
mod shape;
mod table;
mod texts;
mod time;

pub use arrow::{Batches, Parts, Texts as TextLayout, batch, text};
pub use builder::Builder;
pub use column::{Cell, Column, List, printed_time};
pub use kind::Type;
pub use page::Page;
pub use received::Received;
pub use shape::{Member, Slot};
pub use table::{Layout, Segment, Table};
