//! Row checks. Values are checked and written into the request body in one pass. With the project's settings,
//! names are also replaced by ids, and the values in a row are checked against each other.
//!
//! One writer serves all rows. Each kind of row has a table of fields in `api`, and plugs its own checks into the writer.

mod assets;
mod column_use;
pub mod columns;
pub mod compare;
mod fields;
mod identity;
mod ids;
mod in_rows;
mod json;
pub mod lookup;
mod office;
mod outcomes;
mod policy;
mod problem;
mod reading;
mod relationships;
mod report;
mod row_writer;
mod rules;
mod value;
mod writer;

pub use crate::api::RowShape;
pub use column_use::ColumnUse;
pub use columns::RowOfRun;
pub use identity::digest_of_no_row;
pub(crate) use in_rows::in_rows;
pub use outcomes::{OUTCOME_COLUMNS, outcome_columns};
pub use policy::{CurrentAssets, ImportKey, KnownAsset, Names, Policy};
pub use reading::Reading;
pub use row_writer::RowWriter;
pub(crate) use rules::has_more_zeros;
pub use rules::{Problem, Rule, rules};
pub use value::{Dates, Nulls};
