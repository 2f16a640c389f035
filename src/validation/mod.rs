//! Row checks that need nothing but the row: a value is checked and written into the request body in one pass.

mod fields;
mod json;
mod policy;
mod row;
mod rules;
mod value;

pub use policy::{Dates, ImportKey, Nulls, Policy, RowShape};
pub use row::RowWriter;
pub use rules::{Problem, Rule, rules};
