//! Writes JSON directly into a request body.

/// For each byte: 0 if it needs no escape in a JSON string, otherwise the letter after the backslash.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes a JSON string, including quotes.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut blocks = bytes.chunks_exact(16);
    // Few strings need escapes. A string that needs none is copied as a whole.
    if blocks.all(is_plain) && is_plain(bytes.chunks_exact(16).remainder()) {
        out.extend_from_slice(bytes);
    } else {
        escaped(bytes, out);
    }
    out.push(b'"');
}

fn is_plain(block: &[u8]) -> bool {
    // Do not exit early, so that the compiler can vectorize this.
    let escapes = |byte: &u8| u8::from(*byte < 0x20) | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    block.iter().fold(0, |found, byte| found | escapes(byte)) == 0
}

fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut written = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape != 0 {
            out.extend_from_slice(&bytes[written..index]);
            out.extend_from_slice(&[b'\\', escape]);
            if escape == b'u' {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'0', b'0', high, low]);
            }
            written = index + 1;
        }
    }
    out.extend_from_slice(&bytes[written..]);
}

/// Returns the JSON before a value: `"name":`. The name must not need escapes.
pub(super) fn opening(name: &str) -> String {
    format!("\"{name}\":")
}
