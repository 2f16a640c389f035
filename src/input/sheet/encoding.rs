//! Finds the encoding of a text file.

use std::io::{self, ErrorKind, Read};
use std::ops::RangeInclusive;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, REPLACEMENT, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// The names of encodings that are suggested for an unknown name.
const COMMON: [&str; 9] = [
    "utf-8",
    "utf-16",
    "windows-1252",
    "cp1252",
    "latin-1",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
];

/// Returns the standard name of an encoding. Accepts the names of the Encoding Standard and of Python.
///
/// # Errors
/// If there is no such encoding. The error contains the closest name, if any is close.
pub fn standard_name(name: &str) -> Result<&'static str, Option<&'static str>> {
    named(name).map(Encoding::name).ok_or_else(|| {
        let plain = name.trim().to_ascii_lowercase();
        COMMON
            .into_iter()
            .map(|known| (strsim::osa_distance(&plain, known), known))
            .filter(|(edits, known)| *edits <= known.len() / 3)
            .min_by_key(|(edits, _)| *edits)
            .map(|(_, known)| known)
    })
}

/// Returns the encoding with this name, as for [`standard_name`].
#[must_use]
pub fn named(name: &str) -> Option<&'static Encoding> {
    let name = name.trim().to_ascii_lowercase().replace('_', "-");
    // Python's names for UTF-8 with a byte order mark, and for some others.
    let name = name.strip_suffix("-sig").unwrap_or(&name);
    let label = match name {
        "ansi" | "latin-1" | "l1" => "windows-1252",
        "utf-16-le" => "utf-16le",
        "utf-16-be" => "utf-16be",
        label => label,
    };
    Encoding::for_label(label.as_bytes())
        .filter(|encoding| *encoding != REPLACEMENT && *encoding != X_USER_DEFINED)
}

/// Returns UTF-16 if the beginning of a file without a byte order mark is text in UTF-16: nearly every other byte
/// of Western text is zero.
pub(super) fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    const ENOUGH: usize = 4;
    if Encoding::for_bom(start).is_some() {
        return None;
    }
    let (pairs, _) = start.as_chunks::<2>();
    let zeros = |index: usize| pairs.iter().filter(|pair| pair[index] == 0).count();
    let most = pairs.len() - pairs.len() / 4;
    match (zeros(0), zeros(1)) {
        _ if pairs.len() < ENOUGH => None,
        (0, zeros) if zeros >= most => Some(UTF_16LE),
        (zeros, 0) if zeros >= most => Some(UTF_16BE),
        _ => None,
    }
}

/// What the bytes of a file say about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// All bytes are UTF-8. Without `letters`, they may also be in another encoding.
    Utf8 { letters: bool },
    /// Windows-1252, or an encoding that is the same for the letters of the file.
    Windows1252,
    /// Most of the file is UTF-8. The first bytes that are not are in this line, counted from 1.
    Mixed(u64),
    /// The file is in another encoding, or its letters may be. The most likely one is too uncertain to be used without
    /// asking.
    Other {
        likely: Option<&'static Encoding>,
        /// Whether the file may also be in Windows-1252.
        western: bool,
    },
    /// The file has zero bytes, as in a binary file.
    NoText,
}

/// Letters whose bytes in UTF-8 also occur next to each other in Windows-1252, such as an ß before a quotation mark.
const ACCIDENTS: RangeInclusive<char> = '\u{100}'..='\u{7ff}';

/// Signs of Windows-1252 that say nothing about the language of a text, although their bytes are letters in other
/// encodings: ° ± ² ³ µ · ½ Ø
const SIGNS: [u8; 8] = [0xb0, 0xb1, 0xb2, 0xb3, 0xb5, 0xb7, 0xbd, 0xd8];

/// The bytes without a character in Windows-1252.
const UNUSED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// Returns the position of the first byte that text in this encoding does not have, although the decoder accepts it.
pub(super) fn first_unused(encoding: &'static Encoding, bytes: &[u8]) -> Option<usize> {
    let is_unused = |byte: &u8| UNUSED.contains(byte);
    (encoding == WINDOWS_1252).then(|| bytes.iter().position(is_unused))?
}

/// Replaces signs with spaces. Between two letters, a sign is a letter of another encoding.
fn without_signs(bytes: &[u8]) -> Vec<u8> {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0xc0);
    let is_between = |index: usize| {
        is_letter(bytes.get(index + 1))
            && is_letter(index.checked_sub(1).and_then(|before| bytes.get(before)))
    };
    let plain = |(index, byte): (usize, &u8)| match *byte {
        sign if SIGNS.contains(&sign) && !is_between(index) => b' ',
        byte => byte,
    };
    bytes.iter().enumerate().map(plain).collect()
}

/// Guesses the encoding from all bytes of a file without a byte order mark.
pub(super) fn guess(mut file: impl Read) -> io::Result<Guess> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut buffer = vec![0; 64 << 10];
    let (mut held, mut valid, mut accidental, mut invalid) = (0, 0_u64, 0_u64, 0_u64);
    let (mut lines, mut first) = (1, None);
    let (mut seen, mut high) = ([false; 256], 0);
    loop {
        let read = match file.read(&mut buffer[held..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let ended = read == 0;
        let plain = without_signs(&buffer[held..held + read]);
        detector.feed(&plain, ended);
        high += plain.iter().filter(|byte| !byte.is_ascii()).count();
        let bytes = &buffer[..held + read];
        if bytes.contains(&0) {
            return Ok(Guess::NoText);
        }
        for byte in plain {
            seen[usize::from(byte)] = true;
        }
        let mut rest = 0;
        for chunk in bytes.utf8_chunks() {
            for letter in chunk.valid().chars().filter(|letter| !letter.is_ascii()) {
                if ACCIDENTS.contains(&letter) {
                    accidental += 1;
                } else {
                    valid += 1;
                }
            }
            lines += chunk.valid().bytes().filter(|byte| *byte == b'\n').count() as u64;
            rest += chunk.valid().len();
            let is_last = rest + chunk.invalid().len() == bytes.len();
            // A character may continue in the next bytes.
            if chunk.invalid().is_empty() || (is_last && !ended) {
                break;
            }
            rest += chunk.invalid().len();
            invalid += 1;
            first.get_or_insert(lines);
        }
        let left = bytes.len() - rest;
        buffer.copy_within(rest..rest + left, 0);
        held = left;
        if ended {
            break;
        }
    }
    let Some(first) = first else {
        return Ok(Guess::Utf8 { letters: valid > 0 });
    };
    if valid > 0 || accidental * 2 > invalid {
        return Ok(Guess::Mixed(first));
    }
    let guessed = detector.guess(None, Utf8Detection::Deny);
    let is_same = |byte: u8| {
        let decoded =
            |encoding: &'static Encoding| encoding.decode_without_bom_handling(&[byte]).0.into_owned();
        !seen[usize::from(byte)] || decoded(guessed) == decoded(WINDOWS_1252)
    };
    let western = !UNUSED.iter().any(|byte| seen[usize::from(*byte)]);
    // A few bytes resemble characters of two bytes by chance.
    let likely = Some(guessed)
        .filter(|guessed| *guessed != WINDOWS_1252 && (guessed.is_single_byte() || high >= ENOUGH));
    Ok(
        if western && (high == 0 || (guessed.is_single_byte() && (0x80..=0xff).all(is_same))) {
            Guess::Windows1252
        } else {
            Guess::Other { likely, western }
        },
    )
}

/// The number of bytes of other letters that suggest an encoding with characters of two bytes.
const ENOUGH: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_the_names_of_python_too() {
        for (name, standard) in [
            ("utf-8", "UTF-8"),
            ("utf-8-sig", "UTF-8"),
            ("UTF_8", "UTF-8"),
            ("utf-16", "UTF-16LE"),
            ("utf_16_be", "UTF-16BE"),
            ("cp1252", "windows-1252"),
            ("latin-1", "windows-1252"),
            ("latin1", "windows-1252"),
            ("ISO-8859-1", "windows-1252"),
            ("ansi", "windows-1252"),
            ("cp1250", "windows-1250"),
        ] {
            assert_eq!(standard_name(name), Ok(standard), "{name}");
        }
        assert_eq!(standard_name("windows-1525"), Err(Some("windows-1252")));
        assert_eq!(standard_name("uft-8"), Err(Some("utf-8")));
        assert_eq!(standard_name("klingon"), Err(None));
        assert_eq!(standard_name("replacement"), Err(None));
    }

    #[test]
    fn guesses_come_from_all_bytes() {
        let ascii = "Asset ID;Status\n".repeat(10_000);
        let with = |bytes: &[u8]| guess([ascii.as_bytes(), bytes].concat().as_slice()).unwrap();
        assert_eq!(with(b""), Guess::Utf8 { letters: false });
        assert_eq!(with("Größe ß".as_bytes()), Guess::Utf8 { letters: true });
        assert_eq!(with(b"Gr\xf6\xdfe"), Guess::Windows1252);
        assert_eq!(with(b"L\xfcfter"), Guess::Windows1252);
        assert_eq!(
            with(
                b"L\xfcfter; \x84Spa\xdf\x93; gepr\xfcft, Ger\xe4te, 20 \x80\n"
                    .repeat(9)
                    .as_slice()
            ),
            Guess::Windows1252
        );
        assert_eq!(
            with("Größe\n\u{fc}".as_bytes().strip_suffix(b"\xbc").unwrap()),
            Guess::Mixed(10_002)
        );
        assert_eq!(with(b"\0"), Guess::NoText);
        let polish = encoding_rs::WINDOWS_1250
            .encode("Za\u{17c}\u{f3}\u{142}\u{107}, g\u{119}\u{15b}l\u{105}")
            .0;
        assert!(
            matches!(with(&polish), Guess::Other { likely: Some(encoding), western: true } if encoding.name() == "windows-1250")
        );
        // A character that is split between two reads is not an error.
        for start in 0..4 {
            let text = format!("{}{}", "a".repeat(start), "ü€😀".repeat(20_000));
            assert_eq!(guess(text.as_bytes()).unwrap(), Guess::Utf8 { letters: true });
        }
    }

    #[test]
    fn utf16_is_recognized_without_a_mark() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        let text = "Asset ID;Größe\n";
        let little: Vec<u8> = units(text).iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units(text).iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(utf16_without_mark(&little), Some(UTF_16LE));
        assert_eq!(utf16_without_mark(&big), Some(UTF_16BE));
        assert_eq!(utf16_without_mark(text.as_bytes()), None);
        assert_eq!(utf16_without_mark(b"PK\x03\x04\0\0\0\0\0\0"), None);
        assert_eq!(utf16_without_mark(b""), None);
    }
}
