//! A hash of strings that does not reveal them.

/// Returns half of a SHA-256 over these strings, as hexadecimal digits. The hash does not reveal the strings.
#[must_use]
pub fn digest(texts: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for text in texts {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let mut digits = String::with_capacity(32);
    for byte in &hash.finish().as_ref()[..16] {
        let _ = write!(digits, "{byte:02x}"); // Writing to a String cannot fail.
    }
    digits
}
