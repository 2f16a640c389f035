//! Number formats that show a number as an identifier: with leading zeros, such as 000060, or with text, such as
//! AHU-017.
//!
//! The syntax is that of ECMA-376, part 1, 18.8.31. All other formats are ignored, because a number is a number
//! however it is rounded, grouped or colored.

/// A number format that shows a whole number as an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    prefix: String,
    /// The minimum number of digits.
    width: usize,
    suffix: String,
}

impl Shown {
    /// Parses the section of a number format for positive numbers. Returns `None` if numbers are shown as they are, or
    /// if the section has anything but text and one group of digits.
    pub(super) fn of(format: &str) -> Option<Self> {
        let mut shown = Self {
            prefix: String::new(),
            width: 0,
            suffix: String::new(),
        };
        let mut has_digits = false;
        let mut characters = format.chars().peekable();
        while let Some(character) = characters.next() {
            let has_suffix = !shown.suffix.is_empty();
            let text = if has_digits {
                &mut shown.suffix
            } else {
                &mut shown.prefix
            };
            match character {
                ';' => break,
                '0' | '#' if !has_suffix => {
                    has_digits = true;
                    shown.width += usize::from(character == '0');
                }
                '"' => loop {
                    match characters.next()? {
                        '"' => break,
                        quoted => text.push(quoted),
                    }
                },
                '\\' => text.push(characters.next()?),
                // A language or currency, such as [$-407] or [$EUR-407]. The currency is not part of an identifier.
                '[' => {
                    if characters.next()? != '$' || characters.next()? != '-' {
                        return None;
                    }
                    characters.by_ref().find(|character| *character == ']')?;
                }
                // The characters that need no quotation marks.
                '-' | '+' | '(' | ')' | ':' | ' ' | '\'' | '!' | '&' | '^' | '~' | '{' | '}' | '<' | '='
                | '>' => {
                    text.push(character);
                }
                _ => return None,
            }
        }
        let is_plain = shown.prefix.is_empty() && shown.suffix.is_empty() && shown.width < 2;
        (has_digits && !is_plain).then_some(shown)
    }

    /// Returns whether the format shows nothing but digits.
    pub(super) fn is_digits(&self) -> bool {
        self.prefix.is_empty() && self.suffix.is_empty()
    }

    pub(super) fn text(&self, number: i64) -> String {
        let sign = if number < 0 { "-" } else { "" };
        let width = self.width;
        let digits = match number.unsigned_abs() {
            // The format # shows nothing for 0.
            0 if width == 0 => String::new(),
            number => format!("{number:0>width$}"),
        };
        format!("{sign}{}{digits}{}", self.prefix, self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn formats_show_numbers_as_in_excel() {
        for (format, number, text) in [
            ("000000", 60, "000060"),
            ("00", 7, "07"),
            ("00000", 123_456, "123456"),
            ("000", -7, "-007"),
            ("[$-407]00000", 1099, "01099"),
            ("000;-000;0", 7, "007"),
            ("\"AHU-\"000", 17, "AHU-017"),
            ("\"AHU-\"#", 17, "AHU-17"),
            ("\"AHU-\"0", 0, "AHU-0"),
            ("\\A\\-00", 3, "A-03"),
            ("\"L\"00\"-B\"", 4, "L04-B"),
            ("0\" m\"", 12, "12 m"),
            ("##00", 7, "07"),
        ] {
            assert_eq!(
                Shown::of(format).map(|shown| shown.text(number)).as_deref(),
                Some(text),
                "{format}"
            );
        }
    }

    #[test]
    fn other_formats_show_numbers() {
        for format in [
            "",
            "General",
            "0",
            "#",
            "0.00",
            "#,##0",
            "#,##0.00",
            "0%",
            "0.0\" kW\"",
            "0E+00",
            "# ?/?",
            "@",
            "yyyy-mm-dd",
            "[Red]0",
            "[$\u{20ac}-407]00",
            "_-* 00",
            "00-00",
            "\"open",
            "0\\",
            "\"text\"",
        ] {
            assert_eq!(Shown::of(format), None, "{format}");
        }
    }
}
