//! Recognizes a limit on the number of rows in the text of an error response.

/// Returns whether a string seems to state a limit on the number of rows: "The array must have 1 to 50
/// items", `TooManyAssets`.
pub(super) fn states_row_limit(text: &str) -> bool {
    const ROWS: [&str; 16] = [
        "items",
        "assets",
        "elements",
        "entries",
        "records",
        "objects",
        "rows",
        "ids",
        "relationships",
        "item",
        "asset",
        "element",
        "batch",
        "array",
        "list",
        "bulk",
    ];
    const BOUNDS: [&str; 14] = [
        "max",
        "maximum",
        "most",
        "limit",
        "limits",
        "exceed",
        "exceeds",
        "exceeded",
        "exceeding",
        "many",
        "large",
        "more",
        "fewer",
        "between",
    ];
    // Words about a limit on a single value in a row.
    const VALUES: [&str; 7] = [
        "character",
        "characters",
        "chars",
        "digits",
        "string",
        "text",
        "attribute",
    ];
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for character in text.chars() {
        if character.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(character);
        before = character;
    }
    let spaced = spaced.to_lowercase();
    let words: Vec<&str> = spaced
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    // "1 to 50 items".
    let range = words
        .windows(3)
        .any(|three| is_number(three[0]) && three[1] == "to" && is_number(three[2]));
    has(&ROWS) && (has(&BOUNDS) || range) && !has(&VALUES)
}

#[cfg(test)]
mod tests {
    use super::states_row_limit;

    #[test]
    fn a_limit_on_rows_is_distinguished_from_a_limit_on_a_value() {
        for (text, rows) in [
            ("The batch holds 100 items, at most 50 are allowed.", true),
            ("BATCH_TOO_LARGE", true),
            ("TooManyAssets", true),
            ("The array must have 1 to 50 items.", true),
            ("ids must contain no more than 50 elements", true),
            ("data/body must NOT have more than 50 items", true),
            ("Array length exceeds the limit", true),
            ("size must be between 1 and 50 entries", true),
            ("Request Entity Too Large", false),
            ("The request body is too large.", false),
            ("The description has more than 1000 characters.", false),
            ("Barcode exceeds the maximum length", false),
            ("The request is not valid.", false),
            ("Bad Request", false),
            ("", false),
        ] {
            assert_eq!(states_row_limit(text), rows, "{text}");
        }
    }
}
