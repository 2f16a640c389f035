//! Spare memory of lists.

/// Frees spare memory if the gain is worth a copy.
pub(super) fn fit<T>(values: &mut Vec<T>) {
    if values.capacity() - values.len() > values.len() / 16 {
        values.shrink_to_fit();
    }
}
