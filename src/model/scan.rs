//! A strict reader of JSON tokens. The reader accepts a subset of what `serde_json` accepts as a `RawValue`.
//! The rest is left to `serde_json`, the slow reader.

use crate::model::bytes::{plain_until, same};

/// The text is not JSON, or must be read by the slow reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Odd;

/// The maximum depth. Deeper values are left to the slow reader, which accepts 128 levels.
const DEEPEST: u32 = 64;

/// A number with more digits than this may exceed the range of floats.
const MOST_DIGITS: usize = 300;

/// A whole number with fewer digits than this fits in 64 bits.
const SURE_DIGITS: usize = 19;

/// A cursor over the bytes of a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pub at: usize,
}

/// A frequent sequence of bytes. Its first 16 bytes are compared in one step.
#[derive(Debug)]
pub(crate) struct Token {
    first: u128,
    /// Which bits of the 16 bytes to compare.
    mask: u128,
    text: Box<[u8]>,
}

impl Token {
    pub fn new(text: &str) -> Self {
        let mut first = [0; 16];
        let length = text.len().min(first.len());
        first[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self {
            first: u128::from_le_bytes(first),
            mask: u128::MAX
                .checked_shr(128 - 8 * u32::try_from(length).unwrap_or(16))
                .unwrap_or(0),
            text: text.as_bytes().into(),
        }
    }
}

/// A JSON number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    /// An integer beyond `i64` that fits in `u64`.
    Large,
    Float(f64),
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the text from `start` to the current position.
    pub fn since(&self, start: usize) -> &'a str {
        // Both ends are at ASCII characters, because every token starts and ends with one.
        self.text.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Skips whitespace and returns the next byte without consuming it, or 0 at the end of the text.
    #[inline]
    pub fn next(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.after_blanks(),
        }
    }

    #[cold]
    fn after_blanks(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Skips whitespace and consumes this byte, which must come next.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Odd> {
        if self.next() == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(Odd)
        }
    }

    /// Consumes these bytes if they come next.
    #[inline]
    pub fn take(&mut self, token: &[u8]) -> bool {
        let next = self.text.as_bytes().get(self.at..self.at + token.len());
        let comes = next.is_some_and(|next| same(next, token));
        if comes {
            self.at += token.len();
        }
        comes
    }

    /// Consumes this token if it comes next.
    #[inline]
    pub fn take_token(&mut self, token: &Token) -> bool {
        let bytes = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let Some(next) = bytes.first_chunk() else {
            // Fewer than 16 bytes are left.
            return self.take(&token.text);
        };
        let begins = (u128::from_le_bytes(*next) ^ token.first) & token.mask == 0;
        if !begins || (token.text.len() > next.len() && !bytes.starts_with(&token.text)) {
            return false;
        }
        self.at += token.text.len();
        true
    }

    /// Consumes the next string if it has exactly these characters and no escapes.
    #[inline]
    pub fn take_string(&mut self, text: &str) -> bool {
        let (start, bytes) = (self.at + 1, self.text.as_bytes());
        let end = start + text.len();
        let comes = bytes.get(end) == Some(&b'"') && same(&bytes[start..end], text.as_bytes());
        if comes {
            self.at = end + 1;
        }
        comes
    }

    /// Returns the eight bytes that follow the next byte, if the text is long enough.
    #[inline]
    pub fn word(&self) -> Option<u64> {
        let bytes = self.text.as_bytes().get(self.at + 1..self.at + 9)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Returns the next string, if a quote follows `length` bytes after the opening quote. The bytes in between
    /// are not checked for quotes or escapes.
    #[inline]
    pub fn string_of(&self, length: usize) -> Option<&'a str> {
        let end = self.at + 1 + length;
        let is_string = self.text.as_bytes().get(end) == Some(&b'"');
        if is_string {
            self.text.get(self.at + 1..end)
        } else {
            None
        }
    }

    /// Consumes the comma or closing bracket after an item, and returns whether another item must follow, which
    /// is the case after a comma.
    #[inline]
    pub fn goes_on(&mut self, close: u8) -> Result<bool, Odd> {
        let byte = self.next();
        self.at += 1;
        match byte {
            b',' => {
                self.next();
                Ok(true)
            }
            byte if byte == close => Ok(false),
            _ => Err(Odd),
        }
    }

    pub fn is_at_end(&mut self) -> bool {
        self.next();
        self.at == self.text.len()
    }

    /// Consumes the opening bracket of an object or list. If the object or list is empty, consumes the closing
    /// bracket too and returns `false`.
    #[inline]
    pub fn begin(&mut self, close: u8) -> bool {
        self.at += 1;
        let is_empty = self.next() == close;
        self.at += usize::from(is_empty);
        !is_empty
    }

    /// Reads a string, starting at its opening quote. Returns its characters and whether any of them are escaped.
    #[inline]
    pub fn string(&mut self) -> Result<(&'a str, bool), Odd> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = plain_until(bytes, at);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    let text = self.text.get(start..at).ok_or(Odd)?;
                    return Ok((text, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    at += match bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') => {
                            let digits = bytes.get(at + 2..at + 6).ok_or(Odd)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return Err(Odd);
                            }
                            6
                        }
                        _ => return Err(Odd),
                    };
                }
                _ => return Err(Odd),
            }
        }
    }

    /// Reads a number that starts at the current position.
    pub fn number(&mut self) -> Result<Number, Odd> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let negative = self.peek() == b'-';
        let mut at = start + usize::from(negative);
        let first = at;
        let mut sum: u64 = 0;
        while let Some(digit) = bytes
            .get(at)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
        {
            sum = sum.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        let whole = if at - first < SURE_DIGITS {
            Some(sum)
        } else {
            self.text.get(first..at).and_then(|digits| digits.parse().ok())
        };
        if at == first || (bytes[first] == b'0' && at > first + 1) {
            return Err(Odd);
        }
        if !matches!(bytes.get(at), Some(b'.' | b'e' | b'E')) {
            self.at = at;
            return match whole {
                // JSON has a negative zero, but integers do not.
                Some(0) if negative => Ok(Number::Float(-0.0)),
                Some(whole) if negative => match 0_i64.checked_sub_unsigned(whole) {
                    Some(number) => Ok(Number::Int(number)),
                    None => self.float(start),
                },
                Some(whole) => Ok(i64::try_from(whole).map_or(Number::Large, Number::Int)),
                None => self.float(start),
            };
        }
        if bytes[at] == b'.' {
            at = digits(bytes, at + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            if let Some(b'+' | b'-') = bytes.get(at) {
                at += 1;
            }
            at = digits(bytes, at)?;
        }
        self.at = at;
        self.float(start)
    }

    fn float(&self, start: usize) -> Result<Number, Odd> {
        let number: f64 = self.since(start).parse().map_err(|_| Odd)?;
        if number.is_finite() {
            Ok(Number::Float(number))
        } else {
            Err(Odd)
        }
    }

    /// Skips a value. Returns whether `serde_json` may reject the value because of half a surrogate pair or an
    /// out-of-range number.
    pub fn skip(&mut self, depth: u32) -> Result<bool, Odd> {
        if depth > DEEPEST {
            return Err(Odd);
        }
        match self.next() {
            b'"' => self.string().map(|(_, escaped)| escaped),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            b'[' => self.items(b']', |scanner| scanner.skip(depth + 1)),
            b'{' => self.items(b'}', |scanner| {
                if scanner.next() != b'"' {
                    return Err(Odd);
                }
                let (_, escaped) = scanner.string()?;
                scanner.expect(b':')?;
                Ok(scanner.skip(depth + 1)? | escaped)
            }),
            _ => {
                let start = self.at;
                self.number()?;
                Ok(self.at - start > MOST_DIGITS)
            }
        }
    }

    /// Reads the name of a member and the colon after it. A name with escapes is left to the slow reader.
    #[inline]
    pub fn key(&mut self) -> Result<&'a str, Odd> {
        if self.next() != b'"' {
            return Err(Odd);
        }
        let (name, escaped) = self.string()?;
        if escaped {
            return Err(Odd);
        }
        self.expect(b':')?;
        self.next();
        Ok(name)
    }

    /// Reads an object. `member` is called with each name and reads the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        if self.next() != b'{' {
            return Err(Odd);
        }
        self.items(b'}', |scanner| {
            let name = scanner.key()?;
            member(scanner, name)?;
            Ok(false)
        })?;
        Ok(())
    }

    /// Reads the items in an object or list, starting at its opening bracket.
    pub fn items(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<bool, Odd>,
    ) -> Result<bool, Odd> {
        let mut doubtful = false;
        if self.begin(close) {
            loop {
                doubtful |= item(self)?;
                if !self.goes_on(close)? {
                    break;
                }
            }
        }
        Ok(doubtful)
    }

    pub fn literal(&mut self, token: &[u8]) -> Result<bool, Odd> {
        if self.take(token) { Ok(false) } else { Err(Odd) }
    }
}

/// Skips one or more digits.
fn digits(bytes: &[u8], start: usize) -> Result<usize, Odd> {
    let rest = bytes.get(start..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 { Err(Odd) } else { Ok(start + count) }
}

#[cfg(test)]
mod tests;
