//! The numbers of rows, requests and reasons.

/// A row, request or reason number. Four bytes are enough, because a ledger has at most four billion rows.
pub(super) type Number = u32;
/// Marks a row without a number.
pub(super) const NO_NUMBER: Number = Number::MAX;

/// Converts an index to a number.
pub(crate) fn number(index: usize) -> u32 {
    // A ledger with four billion rows would need more than 100 GB, so every index fits.
    u32::try_from(index).unwrap_or(NO_NUMBER)
}
