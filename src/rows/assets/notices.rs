//! Warnings about rows that are valid, but whose data looks damaged or whose handling by the service is
//! undocumented. Each kind of warning is reported once, with the number of rows.

use std::collections::HashMap;

use crate::settings::Settings;

/// A kind of warning. The number is the index of the affected category or attribute in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Notice {
    /// The documentation does not say whether ROOT may contain assets.
    RootCategory,
    /// The documentation does not say whether a category with subcategories may contain assets.
    InnerCategory(usize),
    /// The documentation does not say what happens to a location outside the project's tree.
    UnknownLocation,
    /// A required attribute that has a default is blank. The reference page says that a default is filled in
    /// "if no value is given at creation".
    DefaultExpected(usize),
    /// The documentation does not say whether a patch may clear a required attribute.
    RequiredCleared(usize),
    /// The documentation does not say what happens to the values of attributes that an asset's new category
    /// does not have.
    Outside(usize),
    /// Several rows have the same clientAssetId, which does not have to be unique.
    SameName,
    /// Several rows have the same barcode. The documentation does not say whether a barcode must be unique.
    SameBarcode,
    /// A name is missing from the settings, which may be outdated.
    Outdated,
}

/// Settings that were read less than this time ago are considered current.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// The warnings found so far, each with the number of affected rows and the first such row.
#[derive(Debug, Default)]
pub(super) struct Notices {
    found: HashMap<Notice, (u64, usize)>,
    /// The first row with each clientAssetId, by digest. `barcodes` is the same for barcodes, and `pairs`
    /// contains the first two rows of each kind of duplicate.
    names: HashMap<u64, usize>,
    barcodes: HashMap<u64, usize>,
    pairs: HashMap<Notice, (usize, usize)>,
    /// The last row of each kind of duplicate.
    last: HashMap<Notice, usize>,
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
        self.last.insert(notice, row);
    }

    /// Removes the duplicates that were found in the last row.
    pub(super) fn forget_repeats(&mut self, row: usize) {
        self.last.retain(|notice, last| {
            if *last != row {
                return true;
            }
            if let Some((count, _)) = self.found.get_mut(notice) {
                *count -= 1;
                if *count == 0 {
                    self.found.remove(notice);
                    self.pairs.remove(notice);
                }
            }
            false
        });
    }

    /// Returns one message per kind of warning. `Outdated` is omitted if the settings are current.
    /// `name` is what the rows call the clientAssetId.
    pub(super) fn told(
        &self,
        settings: &Settings,
        name: &str,
        named: &dyn Fn(usize) -> String,
    ) -> Vec<String> {
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
                    count => format!("{count} rows, first: {}", named(*first)),
                };
                let (one, other) = self.pairs.get(notice).copied().unwrap_or_default();
                let (one, other) = (named(one), named(other));
                let have = match count {
                    1 => "1 row has".to_owned(),
                    count => format!("{count} rows have"),
                };
                match notice {
                    Notice::RootCategory => {
                        format!("the service may reject assets in the category ROOT ({rows})")
                    }
                    Notice::InnerCategory(place) => format!(
                        "category `{}` has subcategories ({rows}). Did you mean one of them?",
                        settings.category_path(*place).join(" > ")
                    ),
                    Notice::UnknownLocation => {
                        format!(
                            "the project has no location with this id ({rows}). The service may reject \
                            it"
                        )
                    }
                    Notice::DefaultExpected(place) => format!(
                        "attribute {} is required but blank ({rows}). The service should fill in its \
                            default {}",
                        attribute(*place),
                        settings.content().attributes[*place]
                            .default
                            .as_ref()
                            .map_or_else(String::new, ToString::to_string)
                    ),
                    Notice::RequiredCleared(place) => format!(
                        "attribute {} is required but cleared ({rows}). The service may reject that",
                        attribute(*place)
                    ),
                    Notice::Outside(place) => format!(
                        "assets have a value of {}, which their new category does not have ({rows}). The \
                            service may drop the value or reject the change. If it rejects the change, clear the value \
                            with acc.CLEAR in a patch of its own, then change the category",
                        attribute(*place)
                    ),
                    Notice::SameName => format!(
                        "{have} the same {name} as an earlier row, for example {one} and {other}. \
                            Each row becomes a separate asset"
                    ),
                    Notice::SameBarcode => {
                        format!("{have} the same barcode as an earlier row, for example {one} and {other}")
                    }
                    Notice::Outdated => format!(
                        "names are missing from the settings read at {} ({rows}). If the project has \
                            changed since, read them again with project.settings(refresh=True)",
                        read.map_or_else(|| "an unknown time".to_owned(), |read| format!("{read:.0}"))
                    ),
                }
            })
            .collect()
    }
}
