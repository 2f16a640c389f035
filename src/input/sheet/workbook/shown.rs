//! Number formats that show a number as an identifier: with leading zeros, such as 000060, or with text, such as
//! AHU-017.
//!
//! The syntax is that of ECMA-376, part 1, 18.8.31. All other formats are ignored, because a number is a number
//! however it is rounded, grouped or colored.

/// A number format that shows a whole number as an identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The places of digits, each with the text before it.
    places: Vec<String>,
    /// The minimum number of digits.
    width: usize,
    suffix: String,
}

/// The color of a section. Excel writes these names in all languages.
const COLORS: [&str; 9] = [
    "black", "blue", "color", "cyan", "green", "magenta", "red", "white", "yellow",
];

impl Shown {
    /// Parses the section of a number format for positive numbers. Returns `None` if numbers are shown as they are, or
    /// if the section has anything but text and the digits of a whole number.
    pub(super) fn of(format: &str) -> Option<Self> {
        let mut shown = Self::default();
        let (mut text, mut is_general) = (String::new(), false);
        let mut characters = format.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                ';' => break,
                '0' | '#' if !is_general => {
                    shown.places.push(std::mem::take(&mut text));
                    // Every place after a zero shows a digit.
                    shown.width += usize::from(character == '0' || shown.width > 0);
                }
                // The number as it is: General, or @ for text.
                'G' | 'g' | '@' if shown.places.is_empty() => {
                    let rest = if character == '@' { "" } else { "eneral" };
                    let is_rest = |letter: char| {
                        characters
                            .next()
                            .is_some_and(|found| found.eq_ignore_ascii_case(&letter))
                    };
                    if !rest.chars().all(is_rest) {
                        return None;
                    }
                    shown.places.push(std::mem::take(&mut text));
                    (shown.width, is_general) = (1, true);
                }
                '"' => loop {
                    match characters.next()? {
                        '"' => break,
                        quoted => text.push(quoted),
                    }
                },
                '\\' => text.push(characters.next()?),
                // A space of the width of the next character, and a character that fills the cell.
                '_' | '*' => {
                    characters.next()?;
                }
                // A color, or a language such as [$-407]. A currency, such as [$EUR-407], is not part of an identifier.
                '[' => {
                    let mut inside = String::new();
                    loop {
                        match characters.next()? {
                            ']' => break,
                            character => inside.push(character.to_ascii_lowercase()),
                        }
                    }
                    let name = inside.trim_end_matches(|last: char| last.is_ascii_digit() || last == ' ');
                    if !inside.starts_with("$-") && !COLORS.contains(&name) {
                        return None;
                    }
                }
                // The characters that need no quotation marks.
                '-' | '+' | '(' | ')' | ':' | ' ' | '\'' | '!' | '&' | '^' | '~' | '{' | '}' | '<' | '='
                | '>' => {
                    text.push(character);
                }
                _ => return None,
            }
        }
        shown.suffix = text;
        let is_plain = shown.is_digits() && shown.width < 2;
        (!shown.places.is_empty() && !is_plain).then_some(shown)
    }

    /// Returns whether the format shows nothing but digits.
    pub(super) fn is_digits(&self) -> bool {
        self.suffix.is_empty() && self.places.iter().all(String::is_empty)
    }

    pub(super) fn text(&self, number: i64) -> String {
        let width = self.width;
        let digits = match number.unsigned_abs() {
            // The format # shows nothing for 0.
            0 if width == 0 => String::new(),
            number => format!("{number:0>width$}"),
        };
        let mut shown = if number < 0 { "-".to_owned() } else { String::new() };
        let mut start = 0;
        for (place, before) in self.places.iter().enumerate() {
            shown.push_str(before);
            // The first place shows all digits that have no place of their own.
            let end = (digits.len() + place + 1).saturating_sub(self.places.len());
            shown.push_str(&digits[start..end]);
            start = end;
        }
        shown + &self.suffix
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
            ("0##", 7, "007"),
            ("\"AHU-\"General", 17, "AHU-17"),
            ("GENERAL\" B\"", 0, "0 B"),
            ("\"AHU-\"@", 17, "AHU-17"),
            ("00-00", 1234, "12-34"),
            ("00-00", 7, "00-07"),
            ("00-00", 123_456, "1234-56"),
            ("##-##", 7, "-7"),
            ("\"AHU-\"00\"-\"00", 1234, "AHU-12-34"),
            ("000\".\"000", 12_345, "012.345"),
            ("[Red]\"AHU-\"000", 17, "AHU-017"),
            ("[Color 12]000", 17, "017"),
            ("_-\"AHU-\"000_)", 17, "AHU-017"),
            ("\"AHU-\"* 000", 17, "AHU-017"),
            ("_-* 00", 7, "07"),
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
            "[>9]000",
            "Gen",
            "General 0",
            "\"open",
            "0\\",
            "\"text\"",
        ] {
            assert_eq!(Shown::of(format), None, "{format}");
        }
    }
}
