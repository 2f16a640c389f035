//! Reads the import keys of a project's assets before rows with their own import keys are sent.
//!
//! The list of the whole project is read, so that an asset is found in whatever category it is by now. A missed
//! asset would be created again, and the list is read in a way that misses none (see `listing`).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::Lookup;
use crate::error::Error;
use crate::listing::Values;
use crate::model::text::same_key;
use crate::rows::{ImportKey, compare};
use crate::run::context::Context;

/// The assets that have an import key.
#[derive(Default)]
pub(super) struct Existing {
    /// Sorted by the digest of the normalized key (see `same_key`), then by creation time.
    assets: Vec<Asset>,
    as_numbers: AsNumbers,
    /// The number of digits of the keys with leading zeros, if there are several, all have as many digits, and no key of
    /// digits is shorter.
    pub(super) width: Option<usize>,
    /// The digests of the client asset ids of all assets, normalized (see `same_key`) and sorted.
    names: Vec<u64>,
}

/// The lengths of the project's keys of digits, wanted or not.
struct Widths {
    /// The number of keys with leading zeros, and the shortest and the longest of them.
    padded: AtomicUsize,
    least: AtomicUsize,
    most: AtomicUsize,
    /// The shortest key without leading zeros.
    shortest: AtomicUsize,
}

impl Default for Widths {
    fn default() -> Self {
        Self {
            padded: AtomicUsize::new(0),
            least: AtomicUsize::new(usize::MAX),
            most: AtomicUsize::new(0),
            shortest: AtomicUsize::new(usize::MAX),
        }
    }
}

impl Widths {
    fn note(&self, key: &str) {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        if key.starts_with('0') {
            self.padded.fetch_add(1, Relaxed);
            self.least.fetch_min(key.len(), Relaxed);
            self.most.fetch_max(key.len(), Relaxed);
        } else {
            self.shortest.fetch_min(key.len(), Relaxed);
        }
    }

    fn of_all(&self) -> Option<usize> {
        let [padded, least, most, shortest] =
            [&self.padded, &self.least, &self.most, &self.shortest].map(|number| number.load(Relaxed));
        (padded > 1 && most > 1 && least == most && shortest >= most).then_some(most)
    }
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
    /// Whether none of several assets has the Asset ID of the row, so that it is unclear which one the row means.
    pub is_ambiguous: bool,
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

/// Returns the digits of a key that consists of digits only, perhaps with ".0", which programs add to a number.
pub(super) fn digits_of(key: &str) -> Option<&str> {
    let (digits, zeros) = key.split_once('.').unwrap_or((key, "0"));
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit())
        && !zeros.is_empty()
        && zeros.bytes().all(|byte| byte == b'0');
    are_digits.then_some(digits)
}

impl Existing {
    /// Returns whether no asset has a wanted key.
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty() && self.as_numbers.is_empty() && self.width.is_none()
    }

    /// Returns whether an asset has this client asset id, whatever its import key is.
    pub(super) fn has_name(&self, client_asset_id: &str) -> bool {
        let name = digest_of_key(client_asset_id);
        !client_asset_id.is_empty() && self.names.binary_search(&name).is_ok()
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

    /// Returns the assets that have the import key of a row, if any. Of several, those with the clientAssetId of the row
    /// count, if there are any. If no asset has the exact key, an asset
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
        let client_asset_id = digest_of_key(client_asset_id);
        let mut is_ambiguous = false;
        if !exactly && !alike.contains(&same_key(key)) {
            fitting = found
                .filter(|asset| asset.client_asset_id == client_asset_id)
                .collect();
        } else if fitting.len() > 1 {
            is_ambiguous = !fitting
                .iter()
                .any(|asset| asset.client_asset_id == client_asset_id);
            fitting.retain(|asset| is_ambiguous || asset.client_asset_id == client_asset_id);
        }
        let content = fitting.first()?.content.as_ref();
        Some(SameKey {
            content: content.and_then(|content| serde_json::from_str(content).ok()),
            ids: fitting.iter().map(|asset| asset.id.text()).collect(),
            exactly,
            is_ambiguous,
        })
    }
}

/// The parameters of the search.
pub(super) struct Search {
    pub lookup: &'static Lookup,
    pub import_key: ImportKey,
    /// The digests of the rows' keys, and of the numbers that they are, or `None` if more rows may follow.
    pub wanted: Option<HashSet<u64>>,
}

/// Reads the assets that have one of the wanted import keys, or any import key if more rows may follow.
/// Deleted assets are left out.
///
/// # Errors
/// If a request for assets fails, if keys are not strings, or if keys cannot be read.
pub(super) async fn read(context: &Context, search: Search) -> Result<Existing, Error> {
    let Context { session, project, .. } = context;
    let call = session.to(search.lookup.list, &[("project", &project.to_string())])?;
    let at = |stage| context.count(stage);
    let (widths, names) = (Widths::default(), Mutex::default());
    let extract = |row: &str| search.keyed(row, &widths, &names);
    let mut keys = Values::new(
        session.clone(),
        call.with_query((search.lookup.whole)()),
        &at,
        &extract,
    )?;
    keys.read().await?;
    let mut existing = Existing::default();
    for Keyed { asset, as_number } in keys.end() {
        existing.assets.extend(asset);
        if let Some((number, key)) = as_number.map(|number| *number) {
            let known = existing.as_numbers.entry(number).or_insert_with(|| key.clone());
            // The assets arrive in any order.
            if key < *known {
                *known = key;
            }
        }
    }
    existing.assets.sort_unstable();
    existing.width = widths.of_all();
    existing.names = names.into_inner().unwrap_or_else(PoisonError::into_inner);
    existing.names.sort_unstable();
    existing.names.dedup();
    Ok(existing)
}

/// An asset with a wanted key.
struct Keyed {
    asset: Option<Asset>,
    /// The key, with the digest of the number that it reads as, if it is not the usual text of that number.
    as_number: Option<Box<(u64, Box<str>)>>,
}

impl Search {
    /// Reads an asset. Returns `None` if it is deleted, or its key is not wanted.
    fn keyed(&self, row: &str, widths: &Widths, names: &Mutex<Vec<u64>>) -> Result<Option<Keyed>, Error> {
        let found = (self.lookup.read)(row).ok_or_else(|| {
            Error::Input(
                "the project's assets cannot be read completely, so its import keys are unknown; nothing was \
                    sent"
                    .to_owned(),
            )
        })?;
        if !found.active {
            return Ok(None);
        }
        let name = digest_of_key(&found.key);
        names.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        let import_key = &self.import_key;
        if import_key.is_no_text(&found.entry) {
            let field = &import_key.field;
            return Err(Error::Option(format!(
                "import_key={field}: some values in the project are not text, so they cannot identify rows. Use \
                    a text attribute or the barcode. Nothing was sent"
            )));
        }
        let Some(key) = import_key.of(&found.entry) else {
            return Ok(None);
        };
        widths.note(key);
        let is_wanted = |digest: &u64| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(digest));
        let folded = digest_of_key(key);
        let asset = is_wanted(&folded).then(|| Asset {
            folded,
            created: found.created.unwrap_or(i64::MAX),
            id: Id::of(&found.id),
            exact: xxh3_64(key.as_bytes()),
            client_asset_id: name,
            content: self
                .wanted
                .as_ref()
                .map(|_| compare::comparable(&found.entry).into()),
        });
        let number = compare::as_number(key).filter(|number| number != key);
        let number = number.map(|number| digest_of_key(&number)).filter(is_wanted);
        let as_number = number.map(|digest| Box::new((digest, key.into())));
        let is_any = asset.is_some() || as_number.is_some();
        Ok(is_any.then_some(Keyed { asset, as_number }))
    }
}
