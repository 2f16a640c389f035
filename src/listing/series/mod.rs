//! One list, read in rounds until it is quiet. Each round reads what changed since the round before it began.
//!
//! A round begins with the newest page, which is a list of its own if all rows fit on it. Otherwise the page
//! tells where the past begins, and the rest is read in ranges.
//!
//! `state` is what is known of the list, and `seen` the rows that it has shown. `ask` decides which page to request
//! next. `page` reads a page, and `unsorted` a page of a list that the service does not sort. `whole` checks at the end
//! that no row is missing.

mod ask;
mod page;
mod seen;
mod state;
mod unsorted;
mod whole;

pub use state::{MARGIN, Series};
pub use whole::Whole;
