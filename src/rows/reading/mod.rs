//! Reads numbers, dates and booleans from text as offices write them. Text that can be read in more than one way is
//! never guessed: an option must say how to read it.

mod date;
mod identity;
mod number;
mod options;

pub(super) use date::{Order, WITH_DATE, order};
pub(super) use number::{DIGITS, is_in_threes};
pub use options::Reading;

#[cfg(test)]
mod tests;
