//! The strings of a column, concatenated. If there are only a few distinct strings, each of them is stored once.

use super::spare::fit;
use crate::model::bytes::same;
use crate::model::scan::Scanner;

/// After this many distinct strings, a column may switch to storing one string per row.
const FEW: usize = 16;

/// A column with more distinct strings than this stores one string per row.
const MOST_VALUES: usize = 256;

/// The maximum number of strings that can be looked up by their first bytes.
const GUESSES: usize = 64;

/// Marks a missing string or code.
const EMPTY: u16 = u16::MAX;

/// Strings by row.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    text: String,
    /// Where each row's string ends or, with `codes`, where each distinct string ends.
    ends: Vec<u32>,
    codes: Option<Vec<u16>>,
    /// A hash table of codes by string, at most half full. Used only while rows are added.
    slots: Vec<u16>,
    /// The code of the last string for each hash of a string's first bytes. Used only while rows are added.
    guesses: Vec<u16>,
}

impl Texts {
    /// Creates storage for strings that may repeat.
    pub fn repeating(rows: usize) -> Self {
        Self {
            codes: Some(Vec::with_capacity(rows)),
            slots: vec![EMPTY; 2 * FEW],
            guesses: vec![EMPTY; GUESSES],
            ..Self::default()
        }
    }

    /// Creates storage for strings that are all different.
    pub fn distinct(rows: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    pub fn len(&self) -> usize {
        self.codes.as_ref().map_or(self.ends.len(), Vec::len)
    }

    /// Returns the code of a row, if codes are in use.
    pub fn code(&self, row: usize) -> Option<u16> {
        self.codes.as_ref()?.get(row).copied()
    }

    /// Returns the codes of all rows, if codes are in use.
    pub fn codes(&self) -> Option<&[u16]> {
        self.codes.as_deref()
    }

    /// Returns the string of a row.
    pub fn get(&self, row: usize) -> &str {
        self.value(self.code(row).map_or(row, usize::from))
    }

    /// Returns the string with this code or, if codes are not in use, the string in this row.
    #[inline]
    pub fn value(&self, at: usize) -> &str {
        let Some(end) = self.ends.get(at) else { return "" };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        // Each end is the end of a string, so it is a character boundary.
        self.text.get(start as usize..*end as usize).unwrap_or("")
    }

    /// Returns the concatenated strings of these rows, where they start, and the end of each. Returns `None`
    /// if codes are in use.
    pub fn run(&self, from: usize, to: usize) -> Option<(&str, u32, &[u32])> {
        if self.codes.is_some() {
            return None;
        }
        let start = if from == 0 { 0 } else { *self.ends.get(from - 1)? };
        let ends = self.ends.get(from..to)?;
        let end = ends.last().copied().unwrap_or(start);
        Some((self.text.get(start as usize..end as usize)?, start, ends))
    }

    /// Returns the string of each code or, if codes are not in use, of each row.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            let text = self.text.get(start..end).unwrap_or("");
            start = end;
            text
        })
    }

    /// Returns the same rows with another string for each string, distinct ones once each. A row without a string may
    /// get one for the empty string.
    pub fn renamed<'t>(&'t self, mut rename: impl FnMut(&'t str) -> &'t str) -> Self {
        let mut renamed = Self::distinct(self.ends.len(), self.text.len());
        renamed.codes.clone_from(&self.codes);
        for value in self.values() {
            renamed.append(rename(value));
        }
        renamed
    }

    /// Adds a row without a string.
    pub fn push_none(&mut self) {
        match &mut self.codes {
            Some(codes) => codes.push(EMPTY),
            None => self.ends.push(self.end()),
        }
    }

    /// Reads the next string if it equals the last string with the same hash of its first bytes, since a
    /// comparison is faster than a search for the end of the string.
    #[inline]
    pub fn read_again(&mut self, scanner: &mut Scanner<'_>) -> bool {
        if self.guesses.is_empty() {
            return false;
        }
        let Some(guess) = scanner.word().map(guess_of) else {
            return false;
        };
        let Some(code) = self.guesses.get(guess).copied() else {
            return false;
        };
        let again = code != EMPTY && scanner.take_string(self.value(usize::from(code)));
        if let (true, Some(codes)) = (again, &mut self.codes) {
            codes.push(code);
        }
        again
    }

    /// Adds a string and remembers its code for `read_again`. `word` is what `Scanner::word` returned just
    /// before the string was read.
    #[inline]
    pub fn push_read(&mut self, text: &str, word: Option<u64>) {
        self.push(text);
        let last = self.codes.as_ref().and_then(|codes| codes.last());
        if let (Some(code), Some(word)) = (last, word)
            && let Some(guess) = self.guesses.get_mut(guess_of(word))
        {
            *guess = *code;
        }
    }

    #[inline]
    pub fn push(&mut self, text: &str) {
        if self.codes.is_none() {
            self.append(text);
            return;
        }
        let code = self.find_or_add(text);
        if let (Some(code), Some(codes)) = (code, &mut self.codes) {
            codes.push(code);
        } else {
            self.spread();
            self.append(text);
        }
    }

    /// Returns the code for a string, or `None` if there are too many distinct strings.
    fn find_or_add(&mut self, text: &str) -> Option<u16> {
        let most = self.slots.len() - 1;
        let mut slot = mixed(text.as_bytes()) & most;
        loop {
            match self.slots[slot] {
                EMPTY => break,
                code if same(self.value(usize::from(code)).as_bytes(), text.as_bytes()) => return Some(code),
                _ => slot = (slot + 1) & most,
            }
        }
        let count = self.ends.len();
        if count >= MOST_VALUES || (count >= FEW && count * 2 > self.len()) {
            return None;
        }
        let code = u16::try_from(count).ok()?;
        self.slots[slot] = code;
        self.append(text);
        if self.ends.len() * 2 >= self.slots.len() {
            self.more_slots();
        }
        Some(code)
    }

    /// Grows `slots`, whose length is a power of two.
    #[cold]
    fn more_slots(&mut self) {
        let most = self.slots.len() * 4 - 1;
        let mut slots = vec![EMPTY; most + 1];
        for (at, code) in (0..self.ends.len()).zip(0..EMPTY) {
            let mut slot = mixed(self.value(at).as_bytes()) & most;
            while slots[slot] != EMPTY {
                slot = (slot + 1) & most;
            }
            slots[slot] = code;
        }
        self.slots = slots;
    }

    /// Switches to one string per row.
    fn spread(&mut self) {
        let Some(codes) = self.codes.take() else { return };
        let mut spread = Self::distinct(
            codes.capacity(),
            self.text.len() / self.ends.len().max(1) * codes.capacity(),
        );
        for code in codes {
            spread.append(self.value(usize::from(code)));
        }
        *self = spread;
    }

    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.end());
    }

    fn end(&self) -> u32 {
        // This cannot overflow, since larger pages are rejected earlier.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    pub fn truncate(&mut self, rows: usize) {
        if let Some(codes) = &mut self.codes {
            codes.truncate(rows);
        } else {
            self.ends.truncate(rows);
            self.text
                .truncate(self.ends.last().map_or(0, |end| *end as usize));
        }
    }

    /// Frees spare memory once all rows are added.
    pub fn seal(&mut self) {
        self.slots = Vec::new();
        self.guesses = Vec::new();
        if self.text.capacity() - self.text.len() > self.text.len() / 16 {
            self.text.shrink_to_fit();
        }
        fit(&mut self.ends);
        if let Some(codes) = &mut self.codes {
            fit(codes);
        }
    }
}

/// Hashes the first bytes, the last bytes and the length.
fn mixed(bytes: &[u8]) -> usize {
    let mixed = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => bytes
            .iter()
            .fold(0, |mixed: u64, byte| (mixed << 8) | u64::from(*byte)),
    };
    spread_out(mixed ^ bytes.len() as u64)
}

fn guess_of(word: u64) -> usize {
    spread_out(word) % GUESSES
}

/// Returns the upper bits of a product, which depend on all bits of `word`.
fn spread_out(word: u64) -> usize {
    let upper = word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    usize::from(u16::try_from(upper).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_whether_they_repeat_or_not() {
        for different in [1, 3, 15, 16, 17, 40, 255, 256, 257, 1000] {
            let mut texts = Texts::repeating(0);
            let mut pushed = Vec::new();
            for row in 0..1000_usize {
                let text = format!("{}{}", "x".repeat(row % different % 11), row % different);
                if row % 7 == 3 {
                    texts.push_none();
                    pushed.push(None);
                } else {
                    texts.push(&text);
                    pushed.push(Some(text));
                }
            }
            texts.truncate(900);
            texts.seal();
            assert_eq!(texts.len(), 900);
            for (row, text) in pushed.iter().take(900).enumerate() {
                if let Some(text) = text {
                    assert_eq!(texts.get(row), text, "{different} {row}");
                }
            }
        }
    }
}
