//! Fast searches in short texts.

/// Returns whether the bytes are equal. Names and ids are short, so calling memcmp would take longer.
#[inline]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let ((left_words, left_rest), (right_words, right_rest)) =
        (left.as_chunks::<8>(), right.as_chunks::<8>());
    let words = left_words
        .iter()
        .zip(right_words)
        .all(|(left, right)| left == right);
    words
        && match (left.last_chunk::<8>(), right.last_chunk::<8>()) {
            (Some(left), Some(right)) => left == right,
            _ => left_rest
                .iter()
                .zip(right_rest)
                .all(|(left, right)| left == right),
        }
}

/// Returns the position of the next quote, backslash or control character, or the end of the text. Checks
/// eight bytes at a time.
#[inline]
pub(super) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let holds_zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    for chunk in bytes.get(at..).unwrap_or_default().as_chunks::<8>().0 {
        let word = u64::from_le_bytes(*chunk);
        let quote = holds_zero(word ^ (LOW * u64::from(b'"')));
        let backslash = holds_zero(word ^ (LOW * u64::from(b'\\')));
        let control = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        // The lowest set bit is correct, because borrows affect only higher bits.
        let found = quote | backslash | control;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_at_any_position() {
        for byte in [b'"', b'\\', 0, 0x1f, b'\n'] {
            for before in 0..40 {
                let mut text = "a\u{e9}\u{7f} !#]^~\u{20ac}x\u{80}".repeat(4).into_bytes();
                text.truncate(before);
                text.push(byte);
                text.extend([byte, b'b', 0x1f, b'"', b'c', b'd', b'e', b'f', b'g']);
                assert_eq!(plain_until(&text, 0), before, "{byte}");
                assert_eq!(plain_until(&text[..before], 0), before);
            }
        }
    }
}
