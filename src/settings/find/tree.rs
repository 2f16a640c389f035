//! Finds nodes of a tree by name or path.

use crate::settings::names::{folded, nearest};
use crate::settings::notation::{SEPARATOR, joined, without_id};
use crate::settings::tree::Tree;

/// The maximum number of separators in a string for which all ways to split it are tried.
const MOST_CUTS: usize = 6;

/// Finds the nodes that match a string as a name or a path. Names may contain the separator, so if there is no match,
/// tries splitting at only some of the separators.
fn find(tree: &Tree, text: &str, separator: &str) -> Vec<usize> {
    let separator = separator.trim();
    let cuts: Vec<usize> = match separator {
        "" => Vec::new(),
        separator => text.match_indices(separator).map(|(at, _)| at).collect(),
    };
    let read = |is_cut: &dyn Fn(usize) -> bool| {
        let mut start = 0;
        let mut parts = Vec::new();
        let chosen = cuts.iter().enumerate().filter(|(cut, _)| is_cut(*cut));
        for end in chosen.map(|(_, at)| *at).chain([text.len()]) {
            parts.push(text[start..end].trim());
            start = end + separator.len();
        }
        parts.retain(|part| !part.is_empty());
        tree.find(&parts)
    };
    let mut found = read(&|_| false);
    found.extend(read(&|_| true));
    if found.is_empty() && cuts.len() <= MOST_CUTS {
        for some in 1..(1_usize << cuts.len()) - 1 {
            found.extend(read(&|cut| some >> cut & 1 == 1));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Finds the nodes that match a string as in [`find`], or else the node whose path and id it is.
pub(super) fn find_or(
    tree: &Tree,
    text: &str,
    separator: &str,
    of_id: impl Fn(&str) -> Option<usize>,
) -> Vec<usize> {
    let found = find(tree, text, separator);
    if !found.is_empty() {
        return found;
    }
    let place = without_id(text).and_then(|(path, id)| {
        let path = folded(path);
        let is_path = |place: &usize| {
            [separator, SEPARATOR]
                .iter()
                .any(|separator| folded(&joined(&tree.path(*place), separator)) == path)
        };
        of_id(id).filter(is_path)
    });
    place.into_iter().collect()
}

/// Returns the names closest to a string, if they are wanted.
pub(super) fn near(
    tree: &Tree,
    text: &str,
    suggest: bool,
    name: impl Fn(usize) -> Option<String>,
) -> Vec<String> {
    if !suggest {
        return Vec::new();
    }
    let forms: Vec<(String, [String; 2])> = tree
        .forms(&format!(" {SEPARATOR} "))
        .filter_map(|(place, forms)| Some((name(place)?, forms)))
        .collect();
    let pairs = forms
        .iter()
        .flat_map(|(name, forms)| forms.iter().map(move |form| (name.as_str(), form)));
    nearest(text, pairs)
}
