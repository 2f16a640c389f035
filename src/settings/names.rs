//! Compares names, and finds the known names closest to an unknown name.

use unicode_normalization::UnicodeNormalization;

/// Normalizes a name for comparison: its case, surrounding and repeated blanks, non-breaking spaces, and the
/// Unicode form of accents.
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

/// Normalizes a column heading like a name, and also removes punctuation and blanks: `Asset ID *` becomes `assetid`.
#[must_use]
pub fn folded_heading(name: &str) -> String {
    let folded = folded(name);
    let plain: String = folded
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    // A heading made only of punctuation is kept as is.
    if plain.is_empty() { folded } else { plain }
}

/// The maximum number of names to suggest in a message.
const SUGGESTED: usize = 3;

/// The minimum similarity. A less similar suggestion would only be confusing.
const ALIKE: f64 = 0.6;

/// The maximum difference in similarity to the closest name. Less similar names are not suggested.
const BEHIND: f64 = 0.1;

/// Returns the known names closest to `unknown`, closest first. Each item of `known` is a name and a form to
/// compare. A name may have several forms.
pub fn nearest<'n, F>(unknown: &str, known: impl Iterator<Item = (&'n str, F)>) -> Vec<String>
where
    F: AsRef<str>,
{
    let unknown = folded(unknown);
    let length = unknown.chars().count();
    let mut most_parents = 0;
    let mut found: Vec<(f64, &str, usize)> = Vec::new();
    for (name, form) in known {
        let form = form.as_ref();
        let (mine, theirs, parents) = without_parents(&unknown, form);
        most_parents = most_parents.max(parents);
        // The difference in length bounds the similarity. This alone excludes most of a project's names.
        let (short, long) = match form.chars().count() {
            other if other < length => (other, length),
            other => (length, other),
        };
        if short * 10 >= long * 6 {
            let alike = strsim::normalized_damerau_levenshtein(mine, theirs);
            found.extend((alike >= ALIKE).then_some((alike, name, parents)));
        }
    }
    // A path whose parents are known means something below them.
    let parents = found.iter().map(|(_, _, parents)| *parents).max().unwrap_or(0);
    found.retain(|(.., known)| *known == parents && (parents > 0 || most_parents == 0));
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    let least = found.first().map_or(ALIKE, |(closest, ..)| closest - BEHIND);
    found.retain(|(alike, ..)| *alike >= least);
    let mut names: Vec<String> = Vec::new();
    for (_, name, _) in found {
        if names.len() < SUGGESTED && names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Removes the parents that two paths have in common, and returns their number. They do not make `HVAC > AHU` like
/// `HVAC > Fans`.
fn without_parents<'t>(one: &'t str, other: &'t str) -> (&'t str, &'t str, usize) {
    let pairs = one.bytes().zip(other.bytes());
    let alike = pairs.take_while(|(mine, theirs)| mine == theirs).count();
    // The texts are equal up to the separator, which is ASCII.
    let end = one.as_bytes()[..alike].iter().rposition(|byte| *byte == b'>');
    end.map_or((one, other, 0), |at| {
        let parents = one[..=at].matches('>').count();
        (&one[at + 1..], &other[at + 1..], parents)
    })
}

#[cfg(test)]
mod tests {
    use super::{folded, folded_heading, nearest};

    #[test]
    fn case_blanks_and_unicode_forms_are_ignored() {
        for same in [
            "Air Handling",
            " air  handling ",
            "AIR\u{a0}HANDLING",
            "Air\tHandling\n",
        ] {
            assert_eq!(folded(same), "air handling", "{same:?}");
        }
        // An accented letter may be encoded as one character or as two.
        assert_eq!(folded("Caf\u{e9}"), folded("CAFE\u{301}"));
        assert_eq!(folded("  "), "");
        assert_eq!(folded_heading("Asset ID *"), "assetid");
        assert_eq!(folded_heading("Größe (mm)"), "größemm");
        assert_eq!(folded_heading("#"), "#");
    }

    #[test]
    fn nearest_names_come_first() {
        let known = ["Installed", "Ordered", "Instated", "Specified"];
        let known = || known.iter().map(|name| (*name, folded(name)));
        assert_eq!(nearest("instaled", known())[0], "Installed");
        assert_eq!(nearest("ordred", known()), ["Ordered"]);
        assert!(nearest("xyz", known()).is_empty());
        let paths = || {
            ["HVAC > Fans", "HVAC > Pumps"]
                .map(|path| (path, folded(path)))
                .into_iter()
        };
        assert!(nearest("HVAC > AHU", paths()).is_empty());
        assert_eq!(nearest("HVAC > Fan", paths()), ["HVAC > Fans"]);
        let levels = || {
            let levels = [
                "Building A > Level 1",
                "Building A > Level 2",
                "Building B > Level 2",
            ];
            levels.map(|path| (path, folded(path))).into_iter()
        };
        assert_eq!(
            nearest("Building A > Levl 2", levels())[0],
            "Building A > Level 2"
        );
        assert!(nearest("Building A > Roof", levels()).is_empty());
        assert_eq!(
            nearest("Bulding A > Level 2", levels())[0],
            "Building A > Level 2"
        );
    }
}
