//! What a user should know though no row is refused for it: where the reference pages leave open what the service does, and
//! where rows look as if they lost something. Counted, and told once.

use std::collections::HashMap;

use crate::settings::Settings;

/// What is told, with the place in the settings of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Notice {
    /// No page says whether ROOT may have assets.
    RootCategory,
    /// Nor one with others below it.
    InnerCategory(usize),
    /// No page says what the service does with a location that is not in the project's tree.
    UnknownLocation,
    /// The page says that a default is filled in "if no value is given at creation".
    DefaultExpected(usize),
    /// No page says whether a patch may clear a required attribute.
    RequiredCleared(usize),
    /// No page says what becomes of attributes that the new category does not have.
    Outside(usize),
    /// A client asset id need not be unique.
    SameName,
    /// No page says whether a barcode must be.
    SameBarcode,
    /// What a row names is not in settings that were not read just now: it may have been added to the project since.
    Outdated,
}

/// In how many rows something was found, and the first of them.
pub(crate) fn in_rows(count: u64, first: &str) -> String {
    match count {
        1 => format!("in 1 row ({first})"),
        count => format!("in {count} rows (first: {first})"),
    }
}

/// Settings that are younger are those of now.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Notices with their counts.
#[derive(Debug, Default)]
pub(super) struct Notices {
    found: HashMap<Notice, (u64, usize)>,
    /// Digests of names and of barcodes, each with its first row; and of a repeated one the first two rows.
    names: HashMap<u64, usize>,
    barcodes: HashMap<u64, usize>,
    pairs: HashMap<Notice, (usize, usize)>,
}

impl Notices {
    pub(super) fn add(&mut self, notice: Notice, row: usize) {
        let (count, _) = self.found.entry(notice).or_insert((0, row));
        *count += 1;
    }

    pub(super) fn name(&mut self, digest: u64, row: usize) {
        if let Some(first) = Self::repeated(&mut self.names, digest, row) {
            self.repeat(Notice::SameName, first, row);
        }
    }

    pub(super) fn barcode(&mut self, digest: u64, row: usize) {
        if let Some(first) = Self::repeated(&mut self.barcodes, digest, row) {
            self.repeat(Notice::SameBarcode, first, row);
        }
    }

    fn repeated(seen: &mut HashMap<u64, usize>, digest: u64, row: usize) -> Option<usize> {
        match seen.entry(digest) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(row);
                None
            }
        }
    }

    fn repeat(&mut self, notice: Notice, first: usize, row: usize) {
        self.add(notice, row);
        self.pairs.entry(notice).or_insert((first, row));
    }

    /// A sentence each.
    pub(super) fn told(&self, settings: &Settings, named: &dyn Fn(usize) -> String) -> Vec<String> {
        let mut all: Vec<(&Notice, &(u64, usize))> = self.found.iter().collect();
        let read: Option<jiff::Timestamp> = settings.content().read_at.parse().ok();
        if read.is_some_and(|read| read.duration_until(jiff::Timestamp::now()) < FRESH) {
            all.retain(|(notice, _)| **notice != Notice::Outdated);
        }
        all.sort();
        let attribute = |place: usize| {
            let attribute = &settings.content().attributes[place];
            format!("`{}` ({})", attribute.display_name, attribute.name)
        };
        all.into_iter()
            .map(|(notice, (count, first))| {
                let rows = match count {
                    1 => named(*first),
                    count => format!("{count} rows, the first is {}", named(*first)),
                };
                let (one, other) = self.pairs.get(notice).copied().unwrap_or_default();
                let (one, other) = (named(one), named(other));
                let have = match count {
                    1 => "1 row has".to_owned(),
                    count => format!("{count} rows have"),
                };
                match notice {
                    Notice::RootCategory => {
                        format!("category ROOT is given in {rows}: the service may refuse it")
                    }
                    Notice::InnerCategory(place) => format!(
                        "category `{}` has others below it ({rows}): assets may belong into one of those",
                        settings.category_path(*place).join(" > ")
                    ),
                    Notice::UnknownLocation => {
                        format!("a location id is not in the project's tree ({rows}): the service may refuse it")
                    }
                    Notice::DefaultExpected(place) => format!(
                        "attribute {} is required and blank ({rows}): the service is expected to fill in its default {}",
                        attribute(*place),
                        settings.content().attributes[*place]
                            .default
                            .as_ref()
                            .map_or_else(String::new, ToString::to_string)
                    ),
                    Notice::RequiredCleared(place) => format!(
                        "attribute {} is required and cleared ({rows}): the service may refuse that",
                        attribute(*place)
                    ),
                    Notice::Outside(place) => format!(
                        "assets have a value of {}, which their new category does not have ({rows}): the service may drop \
                         it, or refuse the change",
                        attribute(*place)
                    ),
                    Notice::SameName => format!(
                        "{have} a clientAssetId that an earlier row has too, such as {one} and {other}: \
                         each becomes an asset of its own"
                    ),
                    Notice::SameBarcode => format!(
                        "{have} a barcode that an earlier row has too, such as {one} and {other}"
                    ),
                    Notice::Outdated => format!(
                        "settings that were read at {} do not have what is named in {rows}: if the project has changed \
                         since, read them again with project.settings(refresh=True)",
                        read.map_or_else(|| "some time".to_owned(), |read| format!("{read:.0}"))
                    ),
                }
            })
            .collect()
    }
}
