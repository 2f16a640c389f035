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
    names: Digests,
    barcodes: Digests,
}

/// A digest of each row's value of a field, or 0 if the row has none. There may be a million rows.
#[derive(Debug, Default)]
struct Digests {
    /// The first row that has a value.
    first: usize,
    rows: Vec<u64>,
}

/// Rows with a value that an earlier row has.
struct Repeats {
    count: u64,
    /// The first of them, and the row before it with the same value.
    row: usize,
    earlier: usize,
}

impl Digests {
    fn note(&mut self, digest: u64, row: usize) {
        if self.rows.is_empty() {
            self.first = row;
        }
        // Rows are noted in their order.
        self.rows.resize(row - self.first, 0);
        self.rows.push(digest.max(1));
    }

    fn forget(&mut self, row: usize) {
        let at = row.checked_sub(self.first);
        if let Some(digest) = at.and_then(|at| self.rows.get_mut(at)) {
            *digest = 0;
        }
    }

    fn repeats(&self) -> Option<Repeats> {
        let mut rows: Vec<(u64, u32)> = (0..).zip(&self.rows).map(|(at, digest)| (*digest, at)).collect();
        rows.retain(|(digest, _)| *digest != 0);
        rows.sort_unstable();
        let mut all: Option<Repeats> = None;
        for same in rows.chunk_by(|(one, _), (other, _)| one == other) {
            let [(_, earlier), (_, row), ..] = *same else {
                continue;
            };
            let (earlier, row) = (self.first + earlier as usize, self.first + row as usize);
            let repeats = all.get_or_insert(Repeats {
                count: 0,
                row,
                earlier,
            });
            repeats.count += same.len() as u64 - 1;
            if row < repeats.row {
                (repeats.row, repeats.earlier) = (row, earlier);
            }
        }
        all
    }
}

impl Notices {
    pub(super) fn add(&mut self, notice: Notice, row: usize) {
        let (count, _) = self.found.entry(notice).or_insert((0, row));
        *count += 1;
    }

    pub(super) fn name(&mut self, digest: u64, row: usize) {
        self.names.note(digest, row);
    }

    pub(super) fn barcode(&mut self, digest: u64, row: usize) {
        self.barcodes.note(digest, row);
    }

    /// Forgets what the last row repeats.
    pub(super) fn forget_repeats(&mut self, row: usize) {
        self.names.forget(row);
        self.barcodes.forget(row);
    }

    /// Returns one message per kind of warning. `Outdated` is omitted if the settings are current.
    /// `name` is what the rows call the clientAssetId.
    pub(super) fn warnings(
        &self,
        settings: &Settings,
        name: &str,
        named: &dyn Fn(usize) -> String,
    ) -> Vec<String> {
        let repeats = [
            (Notice::SameName, self.names.repeats()),
            (Notice::SameBarcode, self.barcodes.repeats()),
        ];
        let same = |notice: Notice| repeats.iter().find(|(kind, _)| *kind == notice)?.1.as_ref();
        let repeated = repeats.iter().filter_map(|(notice, repeats)| {
            let repeats = repeats.as_ref()?;
            Some((*notice, (repeats.count, repeats.row)))
        });
        let found = self.found.iter().map(|(notice, rows)| (*notice, *rows));
        let mut all: Vec<(Notice, (u64, usize))> = found.chain(repeated).collect();
        let read: Option<jiff::Timestamp> = settings.content().read_at.parse().ok();
        if read.is_some_and(|read| read.duration_until(jiff::Timestamp::now()) < FRESH) {
            all.retain(|(notice, _)| *notice != Notice::Outdated);
        }
        all.sort();
        let attribute = |place: usize| {
            let attribute = &settings.content().attributes[place];
            format!("`{}` ({})", attribute.display_name, attribute.name)
        };
        all.into_iter()
            .map(|(notice, (count, first))| {
                let rows = match count {
                    1 => named(first),
                    count => format!("{count} rows, first: {}", named(first)),
                };
                let pair = same(notice).map_or((0, 0), |repeats| (repeats.earlier, repeats.row));
                let (one, other) = (named(pair.0), named(pair.1));
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
                        settings.category_path(place).join(" > ")
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
                        attribute(place),
                        settings.content().attributes[place]
                            .default
                            .as_ref()
                            .map_or_else(String::new, ToString::to_string)
                    ),
                    Notice::RequiredCleared(place) => format!(
                        "attribute {} is required but cleared ({rows}). The service may reject that",
                        attribute(place)
                    ),
                    Notice::Outside(place) => format!(
                        "assets have a value of {}, which their new category does not have ({rows}). The \
                            service may drop the value or reject the change. If it rejects the change, clear the value \
                            with acc.CLEAR in a patch of its own, then change the category",
                        attribute(place)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_take_memory_from_the_first_row_with_a_value() {
        let mut digests = Digests::default();
        for row in 1_000_000..1_000_010 {
            digests.note(row as u64 % 8, row);
        }
        assert!(digests.rows.capacity() < 100);
        let repeats = digests
            .repeats()
            .map(|repeats| (repeats.count, repeats.row, repeats.earlier));
        assert_eq!(repeats, Some((3, 1_000_001, 1_000_000)));
        digests.forget(1_000_009);
        digests.forget(7);
        assert_eq!(digests.repeats().map(|repeats| repeats.count), Some(2));
    }
}
