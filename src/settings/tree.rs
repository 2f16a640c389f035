//! A tree of names, for categories and locations.

use std::collections::{HashMap, HashSet};

use super::names::folded;

/// Nodes by index, each with its parent and name.
#[derive(Debug, Default)]
pub struct Tree {
    names: Vec<String>,
    folded: Vec<String>,
    parents: Vec<Option<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    /// All nodes in depth-first order, parents first.
    order: Vec<usize>,
}

impl Tree {
    /// Builds a tree from nodes, each with an id, an optional parent id, and a name. A node with an unknown
    /// parent is a root.
    #[must_use]
    pub fn new<'n>(nodes: impl Iterator<Item = (&'n str, Option<&'n str>, &'n str)>) -> Self {
        let nodes: Vec<_> = nodes.collect();
        let places: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .rev()
            .map(|(place, (id, ..))| (*id, place))
            .collect();
        let mut tree = Self {
            names: nodes.iter().map(|(.., name)| (*name).to_owned()).collect(),
            folded: nodes.iter().map(|(.., name)| folded(name)).collect(),
            parents: nodes
                .iter()
                .map(|(_, parent, _)| parent.and_then(|parent| places.get(parent).copied()))
                .collect(),
            ..Self::default()
        };
        tree.cut_circles();
        for (place, name) in tree.folded.iter().enumerate() {
            tree.by_name.entry(name.clone()).or_default().push(place);
        }
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        let mut waiting: Vec<usize> = Vec::new();
        for (place, parent) in tree.parents.iter().enumerate().rev() {
            match parent {
                Some(parent) => below[*parent].push(place),
                None => waiting.push(place),
            }
        }
        while let Some(place) = waiting.pop() {
            tree.order.push(place);
            waiting.append(&mut below[place]);
        }
        tree
    }

    /// Breaks any cycles, which a response could contain.
    fn cut_circles(&mut self) {
        let mut clean = vec![false; self.parents.len()];
        for start in 0..self.parents.len() {
            let mut seen = HashSet::new();
            let mut at = start;
            while !clean[at] {
                seen.insert(at);
                match self.parents[at] {
                    Some(parent) if seen.contains(&parent) => self.parents[at] = None,
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            for place in seen {
                clean[place] = true;
            }
        }
    }

    /// Returns all nodes in depth-first order, parents first.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Returns the parent of a node.
    #[must_use]
    pub fn parent(&self, place: usize) -> Option<usize> {
        self.parents.get(place).copied().flatten()
    }

    /// Iterates over a node and its ancestors, nearest first.
    pub fn upwards(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(place), |place| self.parent(*place))
    }

    /// Returns the path of a node, starting below the root. The path of a root is its name.
    #[must_use]
    pub fn path(&self, place: usize) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .upwards(place)
            .map(|place| self.names[place].trim())
            .collect();
        if names.len() > 1 {
            names.pop();
        }
        names.reverse();
        names
    }

    /// Finds the nodes with this full path (with or without the root), or else the nodes whose path ends with it.
    #[must_use]
    pub fn find(&self, parts: &[&str]) -> Vec<usize> {
        let wanted: Vec<String> = parts.iter().map(|part| folded(part)).collect();
        let Some(last) = wanted.last() else {
            return Vec::new();
        };
        let ends_so = |place: &usize| {
            let mut above = self.upwards(*place);
            wanted
                .iter()
                .rev()
                .all(|part| above.next().is_some_and(|place| self.folded[place] == *part))
        };
        let mut found: Vec<usize> = self.by_name.get(last).cloned().unwrap_or_default();
        found.retain(ends_so);
        let whole: Vec<usize> = found
            .iter()
            .copied()
            .filter(|place| self.upwards(*place).count().saturating_sub(wanted.len()) <= 1)
            .collect();
        let found = if whole.is_empty() { found } else { whole };
        // If several names differ only in case, prefer an exact match.
        let exactly: Vec<usize> = found
            .iter()
            .copied()
            .filter(|place| {
                let mut above = self.upwards(*place);
                let mut parts = parts.iter().rev();
                parts.all(|part| {
                    above
                        .next()
                        .is_some_and(|place| self.names[place].trim() == part.trim())
                })
            })
            .collect();
        if exactly.is_empty() { found } else { exactly }
    }

    /// Iterates over all nodes, each with the strings to compare: its name and its full path.
    pub fn forms<'t>(&'t self, separator: &'t str) -> impl Iterator<Item = (usize, [String; 2])> + 't {
        (0..self.names.len()).map(move |place| {
            let path = folded(&self.path(place).join(separator));
            (place, [self.folded[place].clone(), path])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    fn tree() -> Tree {
        Tree::new(
            [
                ("0", None, "ROOT"),
                ("1", Some("0"), "HVAC"),
                ("2", Some("1"), "Pumps "),
                ("3", Some("0"), "Plumbing"),
                ("4", Some("3"), "Pumps"),
                ("5", Some("4"), "Pumps"),
                ("6", Some("3"), "valves"),
                ("7", Some("3"), "Valves"),
            ]
            .into_iter(),
        )
    }

    #[test]
    fn a_full_path_takes_precedence_over_the_end_of_a_path() {
        let tree = tree();
        assert_eq!(tree.find(&["hvac", "pumps"]), [2]);
        assert_eq!(tree.find(&["ROOT", "HVAC", "Pumps"]), [2]);
        assert_eq!(tree.find(&["Plumbing", "Pumps"]), [4]);
        assert_eq!(tree.find(&["Pumps", "Pumps"]), [5]);
        assert_eq!(tree.find(&["Pumps"]), [2, 4, 5]);
        assert_eq!(tree.find(&["Valves"]), [7]);
        assert_eq!(tree.find(&["VALVES"]), [6, 7]);
        assert!(tree.find(&["HVAC", "Valves"]).is_empty() && tree.find(&[]).is_empty());
        assert_eq!(tree.path(5), ["Plumbing", "Pumps", "Pumps"]);
        assert_eq!(tree.order(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn cycles_are_cut_and_orphans_are_roots() {
        let nodes = [
            ("1", Some("2"), "a"),
            ("2", Some("1"), "b"),
            ("3", Some("9"), "c"),
            ("4", Some("4"), "d"),
            ("5", Some("1"), "e"),
        ];
        let tree = Tree::new(nodes.into_iter());
        assert_eq!(tree.order().len(), 5);
        assert!((0..5).all(|place| tree.upwards(place).count() <= 3));
    }
}
