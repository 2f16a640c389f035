//! Text for display: escaped, shortened, and errors with their causes.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write;

/// Returns the messages of an error and its causes, outermost first, without repetitions.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = inner.source();
    }
    text
}

/// Escapes a string for a terminal, a log or a page: escapes characters that would alter the surrounding text or
/// imitate a separate line. All user-facing text passes through this function; data is not changed.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other if !is_hidden(other) => shown.push(other),
            // Writing to a string cannot fail.
            other if (other as u32) < 0x100 => drop(write!(shown, "\\x{:02x}", other as u32)),
            other if (other as u32) < 0x1_0000 => drop(write!(shown, "\\u{:04x}", other as u32)),
            other => drop(write!(shown, "\\U{:08x}", other as u32)),
        }
    }
    Cow::Owned(shown)
}

/// Escapes each line of a string with `shown`.
#[must_use]
pub fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// Returns whether a character is a control character, a line or paragraph separator, a bidirectional mark (UAX #9,
/// table 4) or a tag, or has no width. The exceptions are the zero-width joiner and non-joiner, which occur
/// in words and emoji.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Shortens a string to its first `most` characters, followed by an ellipsis if there are more. The result is
/// on one line and escaped for display.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let mut characters = text.chars().map(|character| match character {
        '\n' | '\r' | '\t' => ' ',
        other => other,
    });
    let short: String = characters.by_ref().take(most).collect();
    let mut short = shown(&short).into_owned();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}
