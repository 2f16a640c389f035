//! Rows of totals, such as "Summe" below a list of assets.

/// The maximum length of a title in bytes.
const LONGEST: usize = 64;

/// The maximum number of words of `TITLES`.
const WORDS: usize = 3;

/// Titles in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.
const TITLES: [&str; 20] = [
    "total",
    "totals",
    "subtotal",
    "grandtotal",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "gesamtanzahl",
    "zwischensumme",
    "teilsumme",
    "endsumme",
    "übertrag",
    "totalgénéral",
    "soustotal",
    "somme",
    "totale",
    "totaal",
    "suma",
    "razem",
];

/// These words may begin the name of an asset, so only a sign or number may follow them.
const WHOLE: [&str; 8] = [
    "ergebnis",
    "anzahl",
    "mittelwert",
    "durchschnitt",
    "average",
    "count",
    "σ",
    "∑",
];

/// Returns whether a row with a title of totals is a row of totals: it has no other required field, and not all of
/// them. Each argument has one bit per field: those with a value, those with a title, and the required ones.
#[must_use]
pub fn is_total_row(given: u32, titles: u32, required: u32) -> bool {
    given & required & !titles == 0 && given & required != required
}

/// Returns whether a text is the title of a row of totals, such as "Total:", "Summe" or "Total count: 2".
#[must_use]
pub fn is_total(text: &str) -> bool {
    let text = text.trim();
    // This runs for every text, so most are rejected by their first letter, then by the letters after it.
    if text.len() > LONGEST || !begins_as_title(text) {
        return false;
    }
    let mut letters = String::new();
    for (index, word) in text.split([' ', '\u{a0}', ':']).enumerate() {
        letters.extend(
            word.chars()
                .filter(|character| character.is_alphabetic())
                .flat_map(char::to_lowercase),
        );
        if index < WORDS && TITLES.contains(&letters.as_str()) {
            return true;
        }
    }
    // Letters may be spread, as in "S u m m e". In German, a compound may be a title, as in "Gesamtluftmenge:".
    TITLES.contains(&letters.as_str())
        || is_whole_title(text)
        || (letters.starts_with("gesamt") && text.ends_with(':'))
}

/// One bit for each ASCII letter that begins a title.
const FIRST_LETTERS: u32 = first_letters(&TITLES) | first_letters(&WHOLE);

const fn first_letters(titles: &[&str]) -> u32 {
    let (mut letters, mut at) = (0, 0);
    while at < titles.len() {
        let first = titles[at].as_bytes()[0];
        if first.is_ascii_lowercase() {
            letters |= 1 << (first - b'a');
        }
        at += 1;
    }
    letters
}

/// Returns whether the first letters of a text begin a title, or are a title.
fn begins_as_title(text: &str) -> bool {
    let mut letters = text
        .chars()
        .filter(|letter| letter.is_alphabetic() || *letter == '∑');
    let Some(first) = letters.next() else {
        return false;
    };
    if first.is_ascii() && FIRST_LETTERS & 1 << (first.to_ascii_lowercase() as u32 - 'a' as u32) == 0 {
        return false;
    }
    let mut start = ['\0'; 4];
    let lowercase = std::iter::once(first).chain(letters).flat_map(char::to_lowercase);
    let length = start
        .iter_mut()
        .zip(lowercase)
        .map(|(place, letter)| *place = letter)
        .count();
    let begins = |title: &&str| {
        title
            .chars()
            .zip(&start[..length])
            .all(|(one, other)| one == *other)
    };
    TITLES.iter().chain(&WHOLE).any(begins)
}

/// Returns whether a text is one of `WHOLE`, followed by a colon or number at most.
fn is_whole_title(text: &str) -> bool {
    let rest = text.trim_start_matches(|character: char| character.is_alphabetic() || character == '∑');
    let word = text[..text.len() - rest.len()].to_lowercase();
    let is_number = !rest.starts_with(['-', '_', '/']) && !rest.contains(char::is_alphabetic);
    WHOLE.contains(&word.as_str()) && (rest.starts_with(':') || is_number)
}

#[cfg(test)]
mod tests {
    use super::is_total;

    #[test]
    fn totals_have_a_title() {
        for text in [
            "Summe",
            "SUMME:",
            " Total ",
            "Grand Total",
            "Gesamt (2000)",
            "Zwischensumme",
            "Sous-total",
            "Summe der Flächen",
            "Total count: 2",
            "Grand total airflow",
            "Gesamtluftmenge:",
            "S u m m e",
            "Teilsumme 2",
            "Übertrag von Seite 1",
            "übertrag",
            "Σ",
            "∑ 12",
            "Σ: Luftmenge",
            "Ergebnis:",
            "Anzahl: 25",
            "COUNT 25",
            "Average (3)",
            "Mittelwert",
            "Durchschnitt",
        ] {
            assert!(is_total(text), "{text}");
        }
        for text in [
            "",
            "AHU-1",
            "Totalisator 3",
            "Sump pump",
            "Gesamtanlage",
            "2000",
            "Countess 1",
            "Σ-1",
            "Σωλήνας 1",
            "Count A",
            "Average flow sensor",
            "Anzahlgeber",
            "Ergebnis Raum 1",
            "COUNT-1",
            "Übergabe",
        ] {
            assert!(!is_total(text), "{text}");
        }
    }
}
