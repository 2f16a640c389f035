//! Columns with texts that have leading zeros, such as 000059.

/// The texts of a column that have leading zeros, such as 000059.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Padded {
    /// The length of the longest text.
    pub longest: usize,
    /// Whether the texts differ in length.
    pub is_uneven: bool,
}

impl Padded {
    /// Adds a text of the column. Returns whether it has leading zeros.
    pub fn add(&mut self, text: &str) -> bool {
        let is_padded =
            text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_padded {
            self.is_uneven |= self.longest > 0 && self.longest != text.len();
            self.longest = self.longest.max(text.len());
        }
        is_padded
    }

    /// Formats the texts for a file that does not contain them.
    pub(crate) fn property(self) -> String {
        format!("{}{}", self.longest, if self.is_uneven { "+" } else { "" })
    }

    /// Parses a value from [`property`](Self::property).
    pub(crate) fn parse(property: &str) -> Option<Self> {
        let longest = property.strip_suffix('+').unwrap_or(property);
        Some(Self {
            longest: longest.parse().ok()?,
            is_uneven: longest.len() < property.len(),
        })
    }
}
