//! Row checks. Values are checked and written into the request body in one pass. With the project's settings,
//! names are also replaced by ids, and the values in a row are checked against each other.

pub mod columns;
pub mod compare;
mod current;
mod doubts;
mod fields;
mod identity;
mod json;
pub mod lookup;
mod notices;
mod office;
mod outcomes;
mod policy;
mod reading;
mod resolve;
mod row;
mod rules;
mod together;
mod typed;
mod value;

pub use crate::api::RowShape;
pub use columns::RowOfRun;
pub use identity::digest_of_no_row;
pub(crate) use notices::in_rows;
pub use outcomes::{OUTCOME_COLUMNS, outcome_columns};
pub use policy::{CurrentAssets, Dates, ImportKey, KnownAsset, Names, Nulls, Policy};
pub use reading::Reading;
pub use row::{ColumnUse, RowWriter};
pub(crate) use rules::has_more_zeros;
pub use rules::{Problem, Rule, rules};
