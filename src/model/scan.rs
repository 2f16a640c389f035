//! JSON read in one pass that copies nothing.
//!
//! It takes no text that is not JSON, but not all JSON: what nests deeper than any response is left to serde, and so is
//! saying what is wrong with a text.

use crate::model::text::Text;

/// Deeper than any response of the service; serde stops at 128.
const DEEPEST: usize = 32;

/// A key of an object, as it is written, in its quotes.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    token: &'a str,
    /// Whether any of its characters is escaped.
    escaped: bool,
}

impl Key<'_> {
    /// Whether this is the name, which has nothing to escape.
    pub(super) fn is(&self, name: &str) -> bool {
        if self.escaped {
            return Text::of(self.token).0.is_some_and(|key| key == name);
        }
        self.token.len() == name.len() + 2 && self.token[1..].starts_with(name)
    }
}

/// The members of an object that were left unread: those before the first that was read, and those between it and the
/// next ones. Each text ends with a comma.
#[derive(Default)]
pub(super) struct Left<'a>([&'a str; 3]);

/// A text, and how far it was read. Where a method returns `None`, the text is not taken.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How far the text was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Whether nothing follows but blanks.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Reads an object: `member` is called after each key, as it is written, and reads the value.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, Key<'a>) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        loop {
            let key = self.string()?;
            self.take(b':')?;
            member(self, key)?;
            if self.ends(b'}')? {
                return Some(());
            }
        }
    }

    /// Reads an object that is much like the one before, as the entries of a list are. `member` is called after the
    /// keys that it may be called for, and says whether it has read the value, which is skipped otherwise.
    ///
    /// Members that it leaves, and that are written as in the object before, are compared and not read.
    pub(super) fn alike_object(
        &mut self,
        left: &mut Left<'a>,
        mut member: impl FnMut(&mut Self, Key<'a>) -> Option<bool>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        // How many members were read, and where those begin that were left since.
        let (mut read, mut start) = (0, self.at);
        loop {
            if start == self.at
                && let Some(same) = left.0.get(read)
                && self.text.as_bytes()[start..].starts_with(same.as_bytes())
            {
                self.at += same.len();
            }
            self.peek()?;
            let key = self.string()?;
            self.take(b':')?;
            let is_read = member(self, key)?;
            if !is_read {
                self.value()?;
            }
            if self.ends(b'}')? {
                return Some(());
            }
            if is_read {
                (read, start) = (read + 1, self.at);
            } else if let Some(left) = left.0.get_mut(read) {
                *left = self.text.get(start..self.at)?;
            }
        }
    }

    /// Reads a list: `entry` is called before each of its entries, and reads it.
    pub(super) fn list(&mut self, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            return self.take(b']');
        }
        loop {
            self.peek()?;
            entry(self)?;
            if self.ends(b']')? {
                return Some(());
            }
        }
    }

    /// What follows a member or an entry: a comma, or the end.
    fn ends(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        (byte == b',' || byte == end).then_some(byte == end)
    }

    /// Reads any value, and returns it as it is written.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip(0)?;
        self.text.get(start..self.at)
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        if depth == DEEPEST {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.object(|scan, _| scan.skip(depth + 1)),
            b'[' => self.list(|scan| scan.skip(depth + 1)),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// Reads a string.
    fn string(&mut self) -> Option<Key<'a>> {
        self.take(b'"')?;
        let (bytes, start) = (self.text.as_bytes(), self.at - 1);
        let mut escaped = false;
        loop {
            self.at += plain(bytes.get(self.at..)?);
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => {
                    let token = self.text.get(start..self.at)?;
                    return Some(Key { token, escaped });
                }
                b'\\' => escaped = true,
                // No control character is in a string as it is.
                _ => return None,
            }
            let escape = *bytes.get(self.at)?;
            self.at += 1;
            if escape == b'u' {
                let digits = bytes.get(self.at..self.at + 4)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 4;
            } else if !b"\"\\/bfnrt".contains(&escape) {
                return None;
            }
        }
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn skips(&mut self, bytes: &[u8]) -> bool {
        let found = self
            .text
            .as_bytes()
            .get(self.at)
            .is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn number(&mut self) -> Option<()> {
        self.skips(b"-");
        // No digit follows a zero in front.
        if !self.skips(b"0") && self.digits() == 0 {
            return None;
        }
        if self.skips(b".") && self.digits() == 0 {
            return None;
        }
        if self.skips(b"eE") {
            self.skips(b"+-");
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }
}

/// How many bytes come before the first quote, backslash or control character.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let (blocks, rest) = bytes.as_chunks::<8>();
    for (number, block) in blocks.iter().enumerate() {
        let block = u64::from_le_bytes(*block);
        // A byte below a limit borrows from its highest bit. Borrows go up, so the lowest mark is right.
        let below = |block: u64, limit: u64| block.wrapping_sub(ONES * limit) & !block;
        let equals = |byte: u8| below(block ^ (ONES * u64::from(byte)), 1);
        let found = (below(block, 0x20) | equals(b'"') | equals(b'\\')) & HIGH;
        if found != 0 {
            return number * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && !b"\"\\".contains(*byte);
    blocks.len() * 8 + rest.iter().take_while(is_plain).count()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn the_first_byte_that_is_not_plain_is_found_anywhere() {
        for byte in [b'"', b'\\', 0, 0x1f, b'\n'] {
            for before in 0..40 {
                let mut text = "a\u{e9}\u{7f} !#]^~\u{20ac}x\u{80}".repeat(4).into_bytes();
                text.truncate(before);
                text.push(byte);
                text.extend([byte, b'b', 0x1f, b'"', b'c', b'd', b'e', b'f', b'g']);
                assert_eq!(plain(&text), before, "{byte}");
                assert_eq!(plain(&text[..before]), before);
            }
        }
    }

    #[test]
    fn only_json_is_taken() {
        for text in [
            "{}",
            "[]",
            " [ 1 , -0.5e+3 , 0 ] ",
            r#"{"a":{"b":[true,false,null,""]}}"#,
            r#""\"\\\/\b\f\n\r\t\u00fC\ud83d""#,
            r#"{"a" : 1}"#,
            "1E5",
            "\"\u{fc}\u{7f}\"",
        ] {
            let mut scan = Scan::new(text);
            assert_eq!(scan.value(), Some(text.trim()), "{text}");
            assert!(scan.is_at_end(), "{text}");
        }
        for text in [
            "",
            "{",
            "{]",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "[,1]",
            "tru",
            "nul",
            "\"a",
            "\"\u{1}\"",
            "\"a\nb\"",
            r#""\x""#,
            r#""\u12g4""#,
            r#""\u12"#,
            "-",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "[1 2]",
            "{\"a\" 1}",
            "\"\\",
            "NaN",
            "--1",
        ] {
            let mut scan = Scan::new(text);
            let taken = scan.value().is_some() && scan.is_at_end();
            assert!(!taken, "{text}");
            assert!(serde_json::from_str::<&RawValue>(text).is_err(), "{text}");
        }
        let deep = "[".repeat(DEEPEST) + &"]".repeat(DEEPEST);
        assert_eq!(Scan::new(&deep).value(), Some(deep.as_str()));
        assert_eq!(Scan::new(&format!("[{deep}]")).value(), None);
    }
}
