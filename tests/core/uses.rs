//! Finds the files whose items each file of `src/` uses, as far as a line-based parser can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The path of a module as segments. The empty path is the crate.
type Module = Vec<String>;

/// The files that each file uses, each with the names of the used items.
pub type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[derive(Debug)]
struct Import {
    name: String,
    path: Vec<String>,
    is_public: bool,
}

#[derive(Debug, Default)]
struct File {
    path: String,
    /// The code without comments, tests and `use` lines.
    code: String,
    imports: Vec<Import>,
}

/// The modules of a source folder.
pub struct Sources(BTreeMap<Module, File>);

impl Sources {
    /// Reads all files below `folder`, except tests.
    pub fn read(folder: &Path) -> Self {
        let mut texts = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    texts.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        Self::new(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    fn new<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.filter(|(path, _)| !path.ends_with("tests.rs"));
        Self(
            files
                .map(|(path, text)| (module(path), File::new(path, text)))
                .collect(),
        )
    }

    fn has(&self, module: &[String], child: &str) -> bool {
        self.0.contains_key(&[module, &[child.to_owned()]].concat())
    }

    /// Returns the module that defines the item at `path`, and the item's name. A path that ends at a module is
    /// not an item.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<(Module, String)> {
        let mut module = from.clone();
        let mut segments = path.iter();
        let first = segments.as_slice().first()?;
        if first == "crate" {
            module.clear();
            segments.next();
        } else if first == "self" || first == "super" {
            while let Some(segment @ ("self" | "super")) = segments.as_slice().first().map(String::as_str) {
                if segment == "super" {
                    module.pop()?;
                }
                segments.next();
            }
        } else if !self.has(from, first) && self.import(from, first).is_none() {
            return None;
        }
        while let Some(segment) = segments.next() {
            let rest = segments.as_slice();
            let import = self.import(&module, segment).filter(|_| depth < 9);
            if self.has(&module, segment) && (import.is_none() || !rest.is_empty()) {
                module.push(segment.clone());
            } else if let Some(import) = import {
                let path = [&import.path, rest].concat();
                // An item of another crate cannot be resolved.
                return self.resolve(&module, &path, depth + 1);
            } else {
                return Some((module, segment.clone()));
            }
        }
        None
    }

    fn import(&self, module: &Module, name: &str) -> Option<&Import> {
        let file = self.0.get(module)?;
        file.imports.iter().find(|import| import.name == name)
    }

    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (module, file) in &self.0 {
            let others = uses.entry(file.path.clone()).or_default();
            let paths = paths(&file.code);
            // A re-export is not a use.
            let is_used =
                |import: &&Import| !import.is_public || paths.iter().any(|path| path[0] == import.name);
            let imports = file.imports.iter().filter(is_used).map(|import| &import.path);
            for path in imports.chain(paths.iter().filter(|path| path.len() > 1)) {
                if let Some((other, item)) = self.resolve(module, path, 0)
                    && other != *module
                    && let Some(other) = self.0.get(&other)
                {
                    others.entry(other.path.clone()).or_default().insert(item);
                }
            }
        }
        uses
    }
}

/// Returns the groups of files that use each other, directly or through other files.
pub fn circles(uses: &Uses) -> Vec<Vec<String>> {
    let reached = |file: &String| {
        let mut found = BTreeSet::new();
        let mut next = vec![file];
        while let Some(file) = next.pop() {
            next.extend(uses[file].keys().filter(|other| found.insert((*other).clone())));
        }
        found
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        uses.keys().map(|file| (file, reached(file))).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (file, others) in reached.iter().filter(|(file, others)| others.contains(**file)) {
        if !circles.iter().flatten().any(|known| known == *file) {
            circles.push(
                others
                    .iter()
                    .filter(|other| reached[other].contains(*file))
                    .cloned()
                    .collect(),
            );
        }
    }
    circles
}

fn module(path: &str) -> Module {
    let mut module: Module = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    module.pop_if(|last| last == "mod" || last == "lib");
    module
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        while let Some(line) = lines.next() {
            let trimmed = line.trim();
            if trimmed == "#[cfg(test)]" {
                skip_item(line.len() - line.trim_start().len(), &mut lines);
                continue;
            }
            let Some((before, tree)) = trimmed
                .split_once("use ")
                .filter(|(before, _)| is_visibility(before))
            else {
                file.code += line;
                file.code += "\n";
                continue;
            };
            let mut tree = tree.to_owned();
            while !tree.contains(';') {
                tree += lines.next().unwrap();
            }
            let (is_public, tree) = (!before.is_empty(), tree.replace(';', ""));
            let imports = expanded(&tree).into_iter().map(|(path, name)| Import {
                name,
                path,
                is_public,
            });
            file.imports.extend(imports);
        }
        file
    }
}

fn is_visibility(text: &str) -> bool {
    text.is_empty() || (text.starts_with("pub") && text.ends_with([' ', ')']) && !text.contains('{'))
}

/// Skips the item below an attribute: one line, or a block up to its closing brace.
fn skip_item<'a>(indent: usize, lines: &mut impl Iterator<Item = &'a str>) {
    let end = format!("{}}}", " ".repeat(indent));
    let mut lines = lines.skip_while(|line| line.trim_start().starts_with("#["));
    let is_line = |line: &str| line.trim_end().ends_with([';', ',', '}']);
    if !lines.next().is_none_or(is_line) {
        lines.find(|line| line.starts_with(&end));
    }
}

/// Returns the path and the name of each import in a `use` tree.
fn expanded(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path: Vec<String> = path.trim().split("::").map(str::to_owned).collect();
        path.pop_if(|last| last == "self");
        let last = path.last().cloned().unwrap_or_default();
        let name = if name.is_empty() {
            last
        } else {
            name.trim().to_owned()
        };
        return vec![(path, name)];
    };
    let group = group.rsplit_once('}').unwrap().0;
    let mut depth = 0;
    let parts = group.split(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| expanded(&format!("{head}{}", part.trim())))
        .collect()
}

/// Returns the paths in code, such as `Vec::new` and `name`.
fn paths(code: &str) -> BTreeSet<Vec<String>> {
    let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let runs = code.split(|letter| !is_path(letter));
    runs.map(|run| run.trim_end_matches(':'))
        .filter(|run| !run.is_empty() && !run.starts_with(':'))
        .map(|run| run.split("::").map(str::to_owned).collect())
        .collect()
}

#[test]
fn uses_are_resolved_to_the_defining_file() {
    let files = [
        ("lib.rs", "pub mod room;\npub mod other;"),
        ("other.rs", "use crate::room::Shape;\nfn area(shape: Shape) {}"),
        (
            "room/mod.rs",
            "mod shape;\nmod side;\npub use shape::{Shape, self as form};",
        ),
        (
            "room/shape.rs",
            "use super::side;\npub struct Shape(side::Side);\n#[cfg(test)]\nmod tests {\n    use crate::other::area;\n}",
        ),
        (
            "room/side.rs",
            "// crate::other::area\npub struct Side;\nimpl Side { fn of(shape: &super::Shape) {} }",
        ),
        ("room/side/tests.rs", "use crate::other::area;"),
    ];
    let uses = Sources::new(files.into_iter()).uses();
    let others = |file: &str| uses[file].keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(others("other.rs"), ["room/shape.rs"]);
    assert_eq!(others("room/mod.rs"), [""; 0]);
    assert_eq!(others("room/shape.rs"), ["room/side.rs"]);
    assert_eq!(others("room/side.rs"), ["room/shape.rs"]);
    assert_eq!(circles(&uses), [["room/shape.rs", "room/side.rs"]]);
}
