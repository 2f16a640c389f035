//! Lists of assets, read fast and whole.
//!
//! The service finds a page by its offset, so a list that changes while it is read can lose rows between two
//! pages. A list is therefore read in ranges of `updatedAt` that lie in the past: a changed asset leaves its
//! range, and no asset enters it. Within a range, the oldest change comes first, so a range can be read again
//! from any row, without a cursor. After the ranges, the changes since the start are read until there are no
//! more changes.
//!
//! `machine` decides what to request, without I/O. `series` reads one list in rounds, and `range` one range
//! of a round. `rows` keeps the newest version of each asset, and `order` sorts them. `split` cuts long
//! filters. `drive` sends the requests: `Listing` collects all rows, `Stream` returns them page by page, `Prefetch`
//! reads one page ahead of its caller, and `count` only counts them. `values` keeps only a value per asset, and
//! `limited` reads only the first rows.

mod count;
mod drive;
mod facts;
mod limited;
mod machine;
mod order;
mod part;
mod prefetch;
mod query;
mod range;
mod rows;
mod series;
mod split;
mod stream;
mod values;

pub use count::count;
pub use drive::{Listing, PER_PAGE, incomplete};
pub use limited::Limited;
pub use machine::Machine;
pub use prefetch::Prefetch;
pub use query::{ListRequest, lists};
pub use split::LONGEST_FILTERS;
pub use stream::Stream;
pub use values::Values;
