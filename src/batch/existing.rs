//! Reads the import keys of a project's assets before rows with their own import keys are sent.
//!
//! A large project is read as one list per category, several of them concurrently. An asset that changes its
//! category meanwhile may be in the lists of both categories or in neither, so the assets are counted. One
//! request returns the newest asset and the `totalResults` at that time. The lists must contain exactly that
//! many distinct assets, not counting assets created later. Deleted assets are listed too, so none can
//! disappear. If the count does not match, the client reads the list of the whole project instead. Possible
//! causes are a missed asset, a wrong or missing total, a filter that the service ignores, and settings that
//! lack a category.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::{Found, Lookup, Query, settings};
use crate::batch::prove::Context;
use crate::call::{Page, Pages};
use crate::error::Error;
use crate::http::At;
use crate::model::settings::Category;
use crate::model::text::same_key;
use crate::model::value;
use crate::settings::Settings;
use crate::validation::{ImportKey, compare};

/// The assets that have an import key.
#[derive(Default)]
pub(super) struct Existing {
    /// Sorted by the digest of the normalized key (see `same_key`), then by creation time.
    assets: Vec<Asset>,
    as_numbers: AsNumbers,
}

/// The keys that read as a number but are not its usual text, such as 0017, by the digest of that number.
type AsNumbers = HashMap<u64, Box<str>>;

/// An asset that has an import key. Its keys are stored as 8-byte digests because, for a stream of rows, all
/// assets of the project are kept in memory.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Asset {
    /// Digest of the normalized key (see `same_key`).
    folded: u64,
    created: i64,
    id: Id,
    exact: u64,
    /// Digest of the normalized client asset id (see `same_key`).
    client_asset_id: u64,
    /// The asset's fields as JSON, if all wanted keys are known. For a stream of rows, this would be the whole project.
    content: Option<Box<str>>,
}

/// The assets that have the import key of a row.
pub(super) struct SameKey {
    /// The ids of the assets, oldest first.
    pub ids: Vec<String>,
    /// The oldest asset. `None` if it must be read by its id.
    pub content: Option<Value>,
    /// Whether the key is exactly the same. If not, the service may have changed the case of strings.
    pub exactly: bool,
}

/// An id, stored in 16 bytes if it is a UUID in the usual form.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Uuid(Uuid),
    Other(Box<str>),
}

impl Id {
    fn of(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.hyphenated().to_string() == text => Self::Uuid(uuid),
            _ => Self::Other(text.into()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Uuid(uuid) => uuid.hyphenated().to_string(),
            Self::Other(text) => text.to_string(),
        }
    }
}

/// Normalizes a key with `same_key`, and returns the digest of the result.
pub(super) fn digest_of_key(key: &str) -> u64 {
    xxh3_64(same_key(key).as_bytes())
}

impl Existing {
    /// Returns whether no asset has a wanted key.
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty() && self.as_numbers.is_empty()
    }

    /// Returns a key of the project that reads as the same number as a key, but is written in another way.
    pub(super) fn written_otherwise(&self, key: &str) -> Option<String> {
        let number = compare::as_number(key)?;
        let written = self.as_numbers.get(&digest_of_key(&number));
        let written = written.map(ToString::to_string);
        let usual = || self.has(&number).then_some(number.clone());
        written.or_else(usual).filter(|written| written != key)
    }

    /// Returns whether an asset has exactly this key.
    pub(super) fn has(&self, key: &str) -> bool {
        let (folded, exact) = (digest_of_key(key), xxh3_64(key.as_bytes()));
        let start = self.assets.partition_point(|asset| asset.folded < folded);
        let found = self.assets[start..]
            .iter()
            .take_while(|asset| asset.folded == folded);
        found.into_iter().any(|asset| asset.exact == exact)
    }

    /// Returns the assets that have the import key of a row, if any. If no asset has the exact key, an asset
    /// counts if both its key and its clientAssetId match those of the row when normalized by `same_key`. Users'
    /// keys, such as IFC `GlobalId`s, may differ only in case. `alike` contains the normalized keys that rows
    /// spell in more than one way. For these, only an exact match counts.
    pub(super) fn find(&self, key: &str, client_asset_id: &str, alike: &HashSet<String>) -> Option<SameKey> {
        let folded = digest_of_key(key);
        let start = self.assets.partition_point(|asset| asset.folded < folded);
        let found = self.assets[start..]
            .iter()
            .take_while(|asset| asset.folded == folded);
        let exact = xxh3_64(key.as_bytes());
        let mut fitting: Vec<&Asset> = found.clone().filter(|asset| asset.exact == exact).collect();
        let exactly = !fitting.is_empty();
        if !exactly && !alike.contains(&same_key(key)) {
            let client_asset_id = digest_of_key(client_asset_id);
            fitting = found
                .filter(|asset| asset.client_asset_id == client_asset_id)
                .collect();
        }
        let content = fitting.first()?.content.as_ref();
        Some(SameKey {
            content: content.and_then(|content| serde_json::from_str(content).ok()),
            ids: fitting.iter().map(|asset| asset.id.text()).collect(),
            exactly,
        })
    }
}

/// The parameters of the search.
pub(super) struct Search {
    pub lookup: &'static Lookup,
    pub import_key: ImportKey,
    /// The digests of the rows' keys, and of the numbers that they are, or `None` if more rows may follow.
    pub wanted: Option<HashSet<u64>>,
    /// The project's settings, if they were read.
    pub settings: Option<Arc<Settings>>,
}

/// Reads the assets that have one of the wanted import keys, or any import key if more rows may follow.
/// Deleted assets are left out.
///
/// # Errors
/// If a request for assets fails, if keys are not strings, or if keys cannot be read.
pub(super) async fn read(context: &Context, search: Search) -> Result<Existing, Error> {
    let reader = Reader {
        context,
        search,
        seen: Mutex::default(),
    };
    reader.read().await?;
    let (mut assets, as_numbers) = {
        let mut seen = reader.seen();
        (
            std::mem::take(&mut seen.assets),
            std::mem::take(&mut seen.as_numbers),
        )
    };
    assets.sort_unstable();
    // Remove the duplicates of assets that are in two lists.
    assets.dedup_by(|later, asset| later.folded == asset.folded && later.id == asset.id);
    Ok(Existing { assets, as_numbers })
}

struct Reader<'c> {
    context: &'c Context,
    search: Search,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    assets: Vec<Asset>,
    as_numbers: AsNumbers,
    /// Digests of the ids of all assets, with or without a key.
    ids: HashSet<u64>,
    /// The creation time of the newest asset at the start, and the number of distinct assets seen that are not newer.
    newest: i64,
    counted: u64,
}

impl Reader<'_> {
    async fn read(&self) -> Result<(), Error> {
        let at = |stage| self.context.count(stage);
        let mut newest = self.pages((self.search.lookup.newest)(), &at)?;
        let Some(first) = newest.next().await? else {
            return Ok(());
        };
        let total = first.total;
        let per_page = first.ids().count() as u64;
        let created = self.entries(&first).filter_map(|found| found.ok()?.created).max();
        // Set this before reading the lists, since it decides which assets count.
        self.seen().newest = created.unwrap_or(i64::MIN);
        self.take(&first, None)?;
        if newest.is_at_end() {
            return Ok(());
        }
        if let (Some(total), Some(_)) = (total, created) {
            let categories = self.categories().await;
            let pages = total.div_ceil(per_page.max(1));
            let at_once = self.context.session.caller.options().max_in_flight as u64;
            // A separate list costs a request even for a category without assets.
            let pays = categories.len() as u64 + pages < at_once * pages;
            if pays
                && !categories.is_empty()
                && self.by_category(categories).await?
                && self.seen().counted == total
            {
                return Ok(());
            }
        }
        let mut all = self.pages((self.search.lookup.query)(None, &[]), &at)?;
        while let Some(page) = all.next().await? {
            self.take(&page, None)?;
        }
        Ok(())
    }

    /// Reads one list per category, several of them concurrently. Returns `false` if the service ignores the
    /// filter.
    async fn by_category(&self, categories: Vec<String>) -> Result<bool, Error> {
        let at_once = self.context.session.caller.options().max_in_flight;
        let reads = categories.into_iter().map(|category| self.one_category(category));
        let mut reads = stream::iter(reads).buffer_unordered(at_once);
        while let Some(read) = reads.next().await {
            if !read? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn one_category(&self, category: String) -> Result<bool, Error> {
        let categories = [category];
        let at = |stage| self.context.count(stage);
        let mut pages = self.pages((self.search.lookup.query)(None, &categories), &at)?;
        while let Some(page) = pages.next().await? {
            if !self.take(&page, Some(&categories[0]))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pages<'s>(&'s self, query: Query, at: At<'s>) -> Result<Pages<'s>, Error> {
        let Context { session, project, .. } = self.context;
        let call = session.to(self.search.lookup.list, &[("project", &project.to_string())])?;
        let pages = session.pages(call.with_query(query));
        // `take` checks whether the filter was applied.
        Ok(pages.observed_by(at).unchecked())
    }

    /// Returns the ids of all categories, including ROOT and inactive ones. Returns no ids if the categories
    /// cannot be read.
    async fn categories(&self) -> Vec<String> {
        if let Some(settings) = &self.search.settings {
            let categories = settings.content().categories.iter();
            return categories.map(|category| category.id.clone()).collect();
        }
        let Context { session, project, .. } = self.context;
        let call = session.to(&settings::CATEGORIES, &[("project", &project.to_string())]);
        let Ok(call) = call else { return Vec::new() };
        let at = |stage| self.context.count(stage);
        let pages = session.pages(call).observed_by(&at);
        let categories = pages.rows(|row| Category::read(&value::read(row)?)).await;
        let categories = categories.unwrap_or_default().into_iter().flatten();
        categories.map(|category| category.id).collect()
    }

    /// Iterates over the assets on a page. Yields an error for an entry that is not an asset.
    fn entries<'p>(&'p self, page: &'p Page) -> impl Iterator<Item = Result<Found, Error>> + 'p {
        let read = self.search.lookup.read;
        page.texts().map(move |text| {
            read(text).ok_or_else(|| {
                Error::Input(
                    "the project's assets cannot be read completely, so its import keys are unknown; \
                        nothing was sent"
                        .to_owned(),
                )
            })
        })
    }

    /// Collects the assets on a page. Returns `false` if the page contains an asset in another category.
    fn take(&self, page: &Page, category: Option<&str>) -> Result<bool, Error> {
        let Search {
            lookup,
            import_key,
            wanted,
            ..
        } = &self.search;
        for (found, id) in self.entries(page).zip(page.ids()) {
            let found = found?;
            if category
                .is_some_and(|category| (lookup.place)(&found.entry).is_some_and(|shown| shown != category))
            {
                return Ok(false);
            }
            if found.active && import_key.is_no_text(&found.entry) {
                let field = &import_key.field;
                return Err(Error::Option(format!(
                    "import_key={field}: some values in the project are not text, so they cannot identify rows. Use \
                        a text attribute or the barcode. Nothing was sent"
                )));
            }
            let asset = self.keyed(&found, wanted.as_ref());
            let as_number = self.as_number(&found, wanted.as_ref());
            let mut seen = self.seen();
            if let Some((number, key)) = as_number {
                let known = seen.as_numbers.entry(number).or_insert_with(|| key.clone());
                // The lists may arrive in any order.
                if key < *known {
                    *known = key;
                }
            }
            // An asset already seen in another list may have a different key by now.
            seen.assets.extend(asset);
            let new = id.is_some_and(|id| seen.ids.insert(id));
            // An asset without a creation time makes the count wrong, so the whole list is read.
            seen.counted += u64::from(new && found.created.is_some_and(|created| created <= seen.newest));
        }
        Ok(true)
    }

    fn keyed(&self, found: &Found, wanted: Option<&HashSet<u64>>) -> Option<Asset> {
        if !found.active {
            return None;
        }
        let key = self.search.import_key.of(&found.entry)?;
        let folded = digest_of_key(key);
        let is_wanted = wanted.is_none_or(|wanted| wanted.contains(&folded));
        is_wanted.then(|| Asset {
            folded,
            created: found.created.unwrap_or(i64::MAX),
            id: Id::of(&found.id),
            exact: xxh3_64(key.as_bytes()),
            client_asset_id: digest_of_key(&found.key),
            content: wanted.map(|_| compare::comparable(&found.entry).into()),
        })
    }

    /// Returns the key of an asset, with the digest of the number that it reads as, if it is not the usual text of that
    /// number.
    fn as_number(&self, found: &Found, wanted: Option<&HashSet<u64>>) -> Option<(u64, Box<str>)> {
        let key = self.search.import_key.of(&found.entry).filter(|_| found.active)?;
        let number = compare::as_number(key).filter(|number| number != key)?;
        let digest = digest_of_key(&number);
        let is_wanted = wanted.is_none_or(|wanted| wanted.contains(&digest));
        is_wanted.then(|| (digest, key.into()))
    }

    /// Locks the state. No code panics while holding the lock.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
