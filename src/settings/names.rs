//! When two names are the same, and which known name an unknown one was most likely meant to be.

use unicode_normalization::UnicodeNormalization;

/// A name without what people do not see or care for: case, blanks at the ends and doubled, the form in which an accent
/// is written, a blank that does not break.
#[must_use]
pub fn folded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut push = |character: char| {
        if !character.is_whitespace() {
            out.extend(character.to_lowercase());
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    };
    if name.is_ascii() {
        name.chars().for_each(&mut push);
    } else {
        name.nfkc().for_each(&mut push);
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// A name without punctuation and blanks too, for the heads of columns: `Asset ID *` is `assetid`.
#[must_use]
pub fn plain(name: &str) -> String {
    let folded = folded(name);
    let plain: String = folded
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    // A head of signs alone is itself.
    if plain.is_empty() { folded } else { plain }
}

/// How many names a message suggests.
const SUGGESTED: usize = 3;

/// Less alike than this, and a suggestion would only confuse.
const ALIKE: f64 = 0.6;

/// So much less alike than the likest, and a name is not worth a second look.
const BEHIND: f64 = 0.1;

/// The known names that are most like this one, the likest first. A known name is given with the forms it goes by.
pub fn nearest<'n, F>(unknown: &str, known: impl Iterator<Item = (&'n str, F)>) -> Vec<String>
where
    F: AsRef<str>,
{
    let unknown = folded(unknown);
    let length = unknown.chars().count();
    let mut found: Vec<(f64, &str)> = known
        .filter(|(_, form)| {
            // Two names are at least as unlike as their lengths: a project has many, and most are out by this alone.
            let (short, long) = match form.as_ref().chars().count() {
                other if other < length => (other, length),
                other => (length, other),
            };
            short * 10 >= long * 6
        })
        .map(|(name, form)| {
            (
                strsim::normalized_damerau_levenshtein(&unknown, form.as_ref()),
                name,
            )
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    let least = found.first().map_or(ALIKE, |(likest, _)| likest - BEHIND);
    found.retain(|(alike, _)| *alike >= least);
    let mut names: Vec<String> = Vec::new();
    for (_, name) in found {
        if names.len() < SUGGESTED && names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{folded, nearest, plain};

    #[test]
    fn what_people_do_not_see_does_not_count() {
        for same in [
            "Air Handling",
            " air  handling ",
            "AIR\u{a0}HANDLING",
            "Air\tHandling\n",
        ] {
            assert_eq!(folded(same), "air handling", "{same:?}");
        }
        // An accent in one character, or in two.
        assert_eq!(folded("Caf\u{e9}"), folded("CAFE\u{301}"));
        assert_eq!(folded("  "), "");
        assert_eq!(plain("Asset ID *"), "assetid");
        assert_eq!(plain("Größe (mm)"), "größemm");
        assert_eq!(plain("#"), "#");
    }

    #[test]
    fn the_nearest_names_come_first() {
        let known = ["Installed", "Ordered", "Instated", "Specified"];
        let known = || known.iter().map(|name| (*name, folded(name)));
        assert_eq!(nearest("instaled", known())[0], "Installed");
        assert_eq!(nearest("ordred", known()), ["Ordered"]);
        assert!(nearest("xyz", known()).is_empty());
    }
}
